/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h define anon_rmap_tree_foreach[(]avc, anon_vma,
 * @for mm/migrate_phys_check.o
 *
 * Linux 7.3 renamed anon_vma_interval_tree_foreach(), which now takes the
 * anon_vma instead of the tree in it. Both macros visit the same VMAs.
 */
#include <linux/mm.h>
#include <linux/rmap.h>

#define anon_rmap_tree_foreach(avc, anon_vma, first, last) \
	anon_vma_interval_tree_foreach(avc, &(anon_vma)->rb_root, first, last)
