/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_MIGRATE_PHYS_H
#define _MM_MIGRATE_PHYS_H

#include <linux/types.h>

long kernel_move_phys_pages(unsigned long count, const u64 __user *pages,
			    const int __user *nodes, int __user *status,
			    int flags);

#endif /* _MM_MIGRATE_PHYS_H */
