/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h folio_isolate_hugetlb[(]
 *
 * "mm/hugetlb: rename isolate_hugetlb() to folio_isolate_hugetlb()" renamed the
 * function. Stable kernels may have that without the patches before it.
 */
#include <linux/hugetlb.h>

#define folio_isolate_hugetlb	isolate_hugetlb
