/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/huge_mm.h bool is_huge_zero_folio[(]
 *
 * Came with "mm: add is_huge_zero_folio()". There is one huge zero page, and
 * its first page is all that is_huge_zero_page() compares.
 */
#include <linux/mm.h>

static inline bool is_huge_zero_folio(const struct folio *folio)
{
	return is_huge_zero_page((struct page *)&folio->page);
}
