/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/hugetlb.h folio_isolate_hugetlb[(]
 * @for mm/migrate_phys_move.o
 *
 * "mm/hugetlb: rename isolate_hugetlb() to folio_isolate_hugetlb()" renamed the
 * function. A stable kernel may have the new name without the new types, which
 * folio_isolate_hugetlb_bool.h supplies.
 */
#include <linux/hugetlb.h>

#define folio_isolate_hugetlb	isolate_hugetlb
