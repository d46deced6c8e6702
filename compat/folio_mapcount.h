/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h int folio_large_mapcount[(]
 *
 * Before "mm: track mapcount of large folios in single value" the count of a
 * large folio is a sum over its pages, and comes out too low while somebody
 * maps or unmaps it: a folio of several processes may pass for one's own.
 *
 * An upper bound is safe: who asks whether it has more than one mapper then
 * looks them up. Not for hugetlb, whose count is a single value.
 */
#include <linux/mm.h>

static inline int compat_folio_mapcount(struct folio *folio)
{
	if (!folio_test_large(folio) || folio_test_hugetlb(folio))
		return folio_mapcount(folio);
	return folio_mapped(folio) ? INT_MAX : 0;
}

#define folio_mapcount	compat_folio_mapcount
