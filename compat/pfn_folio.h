/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h struct folio [*]pfn_folio[(]unsigned long
 * @for mm/migrate_phys_move.o
 * @tried 6.0.19 RahulBoipai/linux-6.0.19
 *
 * Linux 6.1 added the function, which does the same as the one below.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

static inline struct folio *pfn_folio(unsigned long pfn)
{
	return page_folio(pfn_to_page(pfn));
}
