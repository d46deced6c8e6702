/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h int folio_expected_ref_count[(]
 * @for mm/migrate_phys_check.o
 * @tried 6.13.7 ChenRuiwei/linux-6.13.7
 *
 * "mm: add folio_expected_ref_count() for reference count calculation" added
 * the function. This version is only called for small folios. They have a
 * reference for each mapping, one for the page cache or swap cache, and one for
 * private data.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

static inline int folio_expected_ref_count(struct folio *folio)
{
	int count = folio_test_swapcache(folio) + folio_mapcount(folio);

	if (!folio_test_anon(folio))
		count += !!folio->mapping + folio_test_private(folio);
	return count;
}
