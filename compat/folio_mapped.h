/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/page-flags.h PAGE_TYPE_OPS[(]Zsmalloc,
 * @for mm/migrate_phys_check.o
 * @for mm/migrate_phys_frame.o
 *
 * Before "mm/zsmalloc: use a proper page type", zsmalloc kept an offset in the
 * field of the map count, so its pages looked mapped. It marked them as
 * movable, and pages that a driver has marked so are in no page table: treat
 * all of these as unmapped.
 *
 * Without CONFIG_COMPACTION, zsmalloc did not mark its pages as movable, and
 * nothing distinguishes them from a driver's page that is mapped: they get
 * -EFAULT instead of -ENOENT.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

static inline bool compat_folio_mapped(struct folio *folio)
{
	return folio_mapped(folio) && !__folio_test_movable(folio);
}

#define folio_mapped	compat_folio_mapped
