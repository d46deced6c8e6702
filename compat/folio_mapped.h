/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/page-flags.h PAGE_TYPE_OPS[(]Zsmalloc,
 *
 * Before "mm/zsmalloc: use a proper page type" that keeps an offset where
 * others have the map count, and its pages pass for mapped ones. They are
 * movable ones of a driver, and such are in no page table.
 *
 * Without CONFIG_COMPACTION they are not even that, and nothing tells them from
 * a driver's page that is mapped.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

static inline bool compat_folio_mapped(struct folio *folio)
{
	return folio_mapped(folio) && !__folio_test_movable(folio);
}

#define folio_mapped	compat_folio_mapped
