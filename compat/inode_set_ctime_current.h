/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h timespec64 inode_set_ctime_current[(]struct inode [*]
 * @for mm/tests/migrate_phys_fs.o
 * @tried 6.5.3 christian-bendiksen/ubuntu-linux-6.5.3
 *
 * "fs: add ctime accessors infrastructure" added the function. Before that,
 * filesystems set the member i_ctime themselves.
 */
#include <linux/fs.h>

static inline struct timespec64 inode_set_ctime_current(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
	return inode->i_ctime;
}
