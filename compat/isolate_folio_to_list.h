/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/migrate.h bool isolate_folio_to_list[(]struct folio [*]
 *
 * Came with "mm: migrate: add isolate_folio_to_list()". What it is made of has
 * other types before "mm/hugetlb: convert isolate_hugetlb to folios", and says
 * the opposite before "mm: change to return bool for folio_isolate_lru()" and
 * "mm: hugetlb: change to return bool for isolate_hugetlb()", of which a stable
 * kernel may have some and not others.
 *
 * Movable pages of drivers are in no page table and so are never asked for; they
 * are on no LRU list either, and are refused.
 */
#include <linux/hugetlb.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/vmstat.h>

#include "../mm/internal.h"

/* An int is 0 for success, or an errno. */
#define compat_isolated(result) ({				\
	typeof(result) result_ = (result);			\
								\
	__same_type(result_, bool) ? result_ : !result_;	\
})

static inline bool isolate_folio_to_list(struct folio *folio,
					 struct list_head *list)
{
	if (folio_test_hugetlb(folio))
		return compat_isolated(folio_isolate_hugetlb(&folio->page,
							     list));
	if (!compat_isolated(folio_isolate_lru(folio)))
		return false;
	list_add(&folio->lru, list);
	node_stat_add_folio(folio, NR_ISOLATED_ANON +
			    folio_is_file_lru(folio));
	return true;
}
