/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/pagemap.h bool mapping_inaccessible[(]
 * @for mm/migrate_phys_frame.o
 *
 * "mm, virt: merge AS_UNMOVABLE and AS_INACCESSIBLE" added these functions, for
 * the memory of confidential guests. Before that, no process could map such
 * memory. Only a KUnit test calls mapping_set_inaccessible().
 */
#include <linux/pagemap.h>

static inline bool mapping_inaccessible(const struct address_space *mapping)
{
	return false;
}

static inline void mapping_set_inaccessible(struct address_space *mapping)
{
}
