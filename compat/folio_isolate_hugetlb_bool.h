/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h bool folio_isolate_hugetlb[(]struct folio [*]
 * @for mm/migrate_phys_move.o
 *
 * The types of isolate_hugetlb() changed with "mm/hugetlb: convert
 * isolate_hugetlb to folios" and "mm: hugetlb: change to return bool for
 * isolate_hugetlb()". A stable kernel may have one of these and not the other.
 */
#include <linux/hugetlb.h>
#include <linux/list.h>

static inline bool compat_isolate_hugetlb(struct folio *folio,
					  struct list_head *list)
{
	/* isolate_hugetlb() takes the folio or its first page: same address. */
	void *first = folio;
	typeof(folio_isolate_hugetlb(NULL, NULL)) result =
		folio_isolate_hugetlb(first, list);

	/* An int is 0 for success, or an errno. */
	return __same_type(result, bool) ? result : !result;
}

#undef folio_isolate_hugetlb
#define folio_isolate_hugetlb	compat_isolate_hugetlb
