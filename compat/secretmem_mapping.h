/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/secretmem.h bool secretmem_mapping[(]
 * @for mm/migrate_phys_frame.o
 *
 * "mm: merge folio_is_secretmem() and folio_fast_pin_allowed() into
 * gup_fast_folio_allowed()" added the function. Before that,
 * page_is_secretmem() made the same comparison.
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
