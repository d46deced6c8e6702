/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h bool mm_flags_test[(]int 
 *
 * Came with "mm: add bitmap mm->flags field". Before, they are one word, which
 * is a bitmap, too.
 */
#include <linux/mm_types.h>
#include <linux/sched/coredump.h>

#define mm_flags_test(flag, mm)	test_bit(flag, &(mm)->flags)
