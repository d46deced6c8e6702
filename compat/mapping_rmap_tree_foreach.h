/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h define mapping_rmap_tree_foreach[(]vma, mapping,
 * @for mm/migrate_phys_check.o
 *
 * Linux 7.3 renamed vma_interval_tree_foreach(), which now takes the
 * address_space instead of the tree in it. Both macros visit the same VMAs.
 */
#include <linux/fs.h>
#include <linux/mm.h>

#define mapping_rmap_tree_foreach(vma, mapping, first, last) \
	vma_interval_tree_foreach(vma, &(mapping)->i_mmap, first, last)
