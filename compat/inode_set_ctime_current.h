/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h timespec64 inode_set_ctime_current[(]struct inode [*]
 * @for mm/tests/migrate_phys_fs.o
 *
 * "fs: add ctime accessors infrastructure" added the function and renamed the
 * member. Before that, i_ctime was a plain member.
 */
#include <linux/fs.h>

static inline struct timespec64 inode_set_ctime_current(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
	return inode->i_ctime;
}
