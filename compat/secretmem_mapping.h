/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/secretmem.h bool secretmem_mapping[(]
 *
 * Came with "mm: merge folio_is_secretmem() and folio_fast_pin_allowed() into
 * gup_fast_folio_allowed()". Before, page_is_secretmem() compares a_ops, too.
 */
#include <linux/fs.h>
#include <linux/secretmem.h>

static inline bool secretmem_mapping(struct address_space *mapping)
{
#ifdef CONFIG_SECRETMEM
	return mapping->a_ops == &secretmem_aops;
#else
	return false;
#endif
}
