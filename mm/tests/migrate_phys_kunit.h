/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers that several files of KUnit tests use. These files are included at the
 * end of mm/migrate_phys*.c.
 */
#ifndef _MM_TESTS_MIGRATE_PHYS_KUNIT_H
#define _MM_TESTS_MIGRATE_PHYS_KUNIT_H

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

/*
 * Give the thread of the test an address space with @nr pages of anonymous memory.
 * It still is a kernel thread, so the address space has no task that counts.
 */
static inline unsigned long make_user_memory(struct kunit *test, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	mm->task_size = TASK_SIZE;
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	kthread_use_mm(mm);
	addr = vm_mmap(NULL, 0, nr * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

static inline void free_user_memory(void)
{
	struct mm_struct *mm = current->mm;

	kthread_unuse_mm(mm);
	mmput(mm);
}

/* Have a fatal signal pending, which a kernel thread does not act on by itself. */
static inline void set_fatal_signal(bool pending)
{
	unsigned long flags;

	if (!lock_task_sighand(current, &flags))
		return;
	if (pending) {
		sigaddset(&current->pending.signal, SIGKILL);
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	} else {
		sigdelset(&current->pending.signal, SIGKILL);
		recalc_sigpending();
	}
	unlock_task_sighand(current, &flags);
}

#endif /* _MM_TESTS_MIGRATE_PHYS_KUNIT_H */
