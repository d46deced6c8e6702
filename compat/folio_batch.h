/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/writeback.h include <linux/(pagevec|folio_batch)[.]h>
 * @for mm/migrate_phys_move.o
 *
 * Since "writeback: move the folio_prepare_writeback loop out of
 * write_cache_pages()", <linux/writeback.h> includes the header of folio_batch.
 */
#include <linux/pagevec.h>
