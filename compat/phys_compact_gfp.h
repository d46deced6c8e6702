/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has mm/page_alloc.c if [(]gfp_mask & __GFP_THISNODE[)] goto nopage;
 * @has mm/page_alloc.c gfp_has_flags[(]gfp_mask, __GFP_NORETRY [|] __GFP_THISNODE[)]
 * @for mm/migrate_phys_move.o
 * @tried 6.19.0 matankalina/linux-6.19.10-fork
 *
 * Before "mm, page_alloc, thp: prevent reclaim for __GFP_THISNODE THP
 * allocations", the allocator also reclaimed when it was asked to compact one
 * node. So do not ask it to compact on these kernels, even though the
 * allocation of a large folio then fails more often.
 */
#define PHYS_COMPACT_GFP	0
