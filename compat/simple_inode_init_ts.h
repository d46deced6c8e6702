/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h simple_inode_init_ts[(]struct inode [*]
 * @for mm/tests/migrate_phys_fs.o
 *
 * "fs: new accessor methods for atime and mtime" added the function. Before
 * that, the three timestamps of an inode were plain members.
 */
#include <linux/fs.h>

static inline struct timespec64 simple_inode_init_ts(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
	inode->i_atime = inode->i_ctime;
	return inode->i_ctime;
}
