/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/huge_mm.h bool is_huge_zero_folio[(]
 * @for mm/migrate_phys_frame.o
 *
 * "mm: add is_huge_zero_folio()" added the function. is_huge_zero_page() gives
 * the same answer for the first page of the folio.
 */
#include <linux/mm.h>

static inline bool is_huge_zero_folio(const struct folio *folio)
{
	return is_huge_zero_page((struct page *)&folio->page);
}
