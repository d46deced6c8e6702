/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mempolicy.h [*]__get_vma_policy[(][^)]*, pgoff_t [*]
 * @for mm/migrate_phys_check.o
 *
 * The third argument came with "mempolicy: alloc_pages_mpol() for NUMA policy
 * without vma". It returns the interleave index, which is not used here.
 */
#include <linux/mempolicy.h>

#define __get_vma_policy(vma, addr, ilx) \
	((void)(ilx), __get_vma_policy(vma, addr))
