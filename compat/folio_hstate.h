/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h struct hstate [*]folio_hstate[(]struct folio [*]
 * @for mm/migrate_phys_frame.o
 * @for mm/migrate_phys_move.o
 * @tried 6.1.55 BaptistePires/purgatory-linux-6.1.55
 *
 * "mm/hugetlb_cgroup: convert hugetlb_cgroup_from_page() to folios" added the
 * function. For the first page of a folio, page_hstate() returns the same.
 */
#include <linux/hugetlb.h>

static inline struct hstate *folio_hstate(struct folio *folio)
{
	return page_hstate(&folio->page);
}
