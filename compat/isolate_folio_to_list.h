/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/migrate.h bool isolate_folio_to_list[(]struct folio [*]
 *
 * Came with "mm: migrate: add isolate_folio_to_list()". What it is made of has
 * other types before "mm/hugetlb: convert isolate_hugetlb to folios", and says
 * the opposite before "mm: hugetlb: change to return bool for isolate_hugetlb()",
 * of which a stable kernel may have one and not the other.
 *
 * It is asked for hugetlb only: others are taken off their LRU lists in runs.
 */
#include <linux/hugetlb.h>
#include <linux/list.h>

static inline bool isolate_folio_to_list(struct folio *folio,
					 struct list_head *list)
{
	/* It takes the folio, or its first page, which is at the same place. */
	void *first = folio;
	typeof(folio_isolate_hugetlb(NULL, NULL)) result =
		folio_isolate_hugetlb(first, list);

	/* An int is 0 for success, or an errno. */
	return __same_type(result, bool) ? result : !result;
}
