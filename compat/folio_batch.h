/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/writeback.h include <linux/(pagevec|folio_batch)[.]h>
 * @for mm/migrate_phys_move.o
 *
 * Since "writeback: factor writeback_get_batch() out of write_cache_pages()",
 * <linux/writeback.h> includes the header of struct folio_batch. For older
 * kernels, this file includes that header.
 */
#include <linux/pagevec.h>
