/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h define anon_rmap_tree_foreach[(]avc, anon_vma,
 *
 * Linux 7.3 has renamed anon_vma_interval_tree_foreach(), and gives it the
 * anon_vma in place of the tree in that. What it walks is the same.
 */
#include <linux/mm.h>
#include <linux/rmap.h>

#define anon_rmap_tree_foreach(avc, anon_vma, first, last) \
	anon_vma_interval_tree_foreach(avc, &(anon_vma)->rb_root, first, last)
