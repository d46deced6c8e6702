/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h struct folio [*]alloc_hugetlb_folio_nodemask[(]
 * @for mm/migrate_phys_move.o
 *
 * Before "mm/hugetlb: convert alloc_migrate_huge_page to folios",
 * alloc_hugetlb_folio_nodemask() had another name, and returned the first page
 * of the folio. alloc_hugetlb_folio_nodemask.h is about its last argument.
 */
#include <linux/hugetlb.h>

static inline struct folio *alloc_hugetlb_folio_nodemask(struct hstate *h,
							 int nid,
							 nodemask_t *nmask,
							 gfp_t gfp)
{
	struct page *page = alloc_huge_page_nodemask(h, nid, nmask, gfp);

	return page ? page_folio(page) : NULL;
}
