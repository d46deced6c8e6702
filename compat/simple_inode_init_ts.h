/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h simple_inode_init_ts[(]struct inode [*]
 * @for mm/tests/migrate_phys_fs.o
 *
 * "fs: new accessor methods for atime and mtime" added the function. Before
 * that, filesystems set the members i_atime and i_mtime themselves.
 * inode_set_ctime_current.h is about i_ctime.
 */
#include <linux/fs.h>

static inline struct timespec64 simple_inode_init_ts(struct inode *inode)
{
	inode->i_mtime = inode_set_ctime_current(inode);
	inode->i_atime = inode->i_mtime;
	return inode->i_mtime;
}
