/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/gfp.h define alloc_pages_bulk_node[(]
 *
 * Renamed by "mm: alloc_pages_bulk: rename API". Same arguments, same meaning.
 */
#include <linux/gfp.h>

#define alloc_pages_bulk_node	alloc_pages_bulk_array_node
