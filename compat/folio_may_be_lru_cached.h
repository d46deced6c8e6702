/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has mm/internal.h bool folio_may_be_lru_cached[(]
 * @has include/linux/swap.h bool folio_may_be_lru_cached[(]
 * @for mm/migrate_phys_check.o
 * @for mm/migrate_phys_move.o
 * @tried 6.13.7 ChenRuiwei/linux-6.13.7
 *
 * "mm: folio_may_be_lru_cached() unless folio_test_large()" added the function.
 * Before that, mm/swap.c had the same condition without a name.
 */
#include <linux/page-flags.h>

static inline bool folio_may_be_lru_cached(struct folio *folio)
{
	return !folio_test_large(folio);
}
