/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h bool mm_flags_test[(]int[ ]
 * @for mm/migrate_phys_tasks.o
 *
 * "mm: add bitmap mm->flags field" added the function. Before that, mm->flags
 * was a single word, which test_bit() can read.
 */
#include <linux/mm_types.h>
#include <linux/sched/coredump.h>

#define mm_flags_test(flag, mm)	test_bit(flag, &(mm)->flags)
