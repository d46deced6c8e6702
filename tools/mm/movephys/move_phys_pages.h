/* SPDX-License-Identifier: GPL-2.0-only */
/* The system call, for C libraries that do not know it. */
#ifndef MOVE_PHYS_PAGES_H
#define MOVE_PHYS_PAGES_H

#include <linux/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_move_phys_pages
#ifdef __alpha__
#define __NR_move_phys_pages (548 + 110)
#else
#define __NR_move_phys_pages 548
#endif
#endif

static inline long move_phys_pages(unsigned long count, const __u64 *pages,
				   const int *nodes, int *status, int flags)
{
	return syscall(__NR_move_phys_pages, count, pages, nodes, status, flags);
}

#endif
