/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h int folio_large_mapcount[(]
 *
 * Before "mm: track mapcount of large folios in single value", the map count of
 * a large folio was a sum over its pages. The sum may be too low while a
 * process maps or unmaps the folio, so a folio that several processes map may
 * seem to be mapped once.
 *
 * Use an upper bound instead. That is safe, since a count above 1 only makes
 * the caller look up the mappers. A hugetlb folio needs no such bound: its
 * count is one value.
 */
#include <linux/mm.h>

static inline int compat_folio_mapcount(struct folio *folio)
{
	if (!folio_test_large(folio) || folio_test_hugetlb(folio))
		return folio_mapcount(folio);
	return folio_mapped(folio) ? INT_MAX : 0;
}

#define folio_mapcount	compat_folio_mapcount
