/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/gfp.h define alloc_pages_bulk_node[(]
 * @for mm/migrate_phys_move.o
 *
 * "mm: alloc_pages_bulk: rename API" renamed the function. Its arguments and
 * its meaning stayed the same.
 */
#include <linux/gfp.h>

#define alloc_pages_bulk_node	alloc_pages_bulk_array_node
