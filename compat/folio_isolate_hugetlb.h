/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h folio_isolate_hugetlb[(]
 *
 * Renamed by "mm/hugetlb: rename isolate_hugetlb() to folio_isolate_hugetlb()",
 * which stable kernels may have without what was before it. Under either name it
 * is for isolate_folio_to_list.h alone.
 */
#include <linux/hugetlb.h>

#define folio_isolate_hugetlb	isolate_hugetlb
