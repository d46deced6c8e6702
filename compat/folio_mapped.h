/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/page-flags.h PAGE_TYPE_OPS[(]Zsmalloc,
 * @for mm/migrate_phys_check.o
 * @for mm/migrate_phys_frame.o
 *
 * Before "mm/zsmalloc: use a proper page type", zsmalloc keeps an offset in the
 * field of the map count, so its pages look mapped. Pages that a driver has
 * marked as movable are in no page table, so treat them as unmapped.
 *
 * Without CONFIG_COMPACTION zsmalloc does not mark its pages as movable, and
 * nothing tells them from a driver's page that is mapped: they get -EFAULT
 * instead of -ENOENT.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

static inline bool compat_folio_mapped(struct folio *folio)
{
	return folio_mapped(folio) && !__folio_test_movable(folio);
}

#define folio_mapped	compat_folio_mapped
