/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h define mapping_rmap_tree_foreach[(]vma, mapping,
 *
 * Linux 7.3 has renamed vma_interval_tree_foreach(), and gives it the
 * address_space in place of the tree in that. What it walks is the same.
 */
#include <linux/fs.h>
#include <linux/mm.h>

#define mapping_rmap_tree_foreach(vma, mapping, first, last) \
	vma_interval_tree_foreach(vma, &(mapping)->i_mmap, first, last)
