/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h alloc_hugetlb_folio_nodemask[(][^)]*, bool[ ]
 * @for mm/migrate_phys_move.o
 *
 * The last argument came with "mm: hugetlb: make the hugetlb migration strategy
 * consistent". It allows other nodes, which __GFP_THISNODE forbids anyway.
 */
#include <linux/hugetlb.h>

#define alloc_hugetlb_folio_nodemask(h, nid, nmask, gfp, fallback) \
	alloc_hugetlb_folio_nodemask(h, nid, nmask, gfp)
