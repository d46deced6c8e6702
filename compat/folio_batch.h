/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/writeback.h include <linux/(pagevec|folio_batch)[.]h>
 * @for mm/migrate_phys_move.o
 *
 * struct folio_batch comes with <linux/writeback.h> since "writeback: move the
 * folio_prepare_writeback loop out of write_cache_pages()", whatever header has it.
 */
#include <linux/pagevec.h>
