// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: do the tasks of an address space allow a node?
 *
 * A page may go to a node only if the node is in the mems_allowed of every task
 * of every address space that maps the page, and if the LSM lets the caller
 * move the memory of these tasks. Exiting tasks and kernel threads do not
 * count. Walks of reverse maps only gather address spaces; the tasks are asked
 * after the rmap lock is released. Answers are kept for one chunk.
 */

#include <linux/cpuset.h>
#include <linux/hash.h>
#include <linux/oom.h>
#include <linux/pid_namespace.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "migrate_phys.h"

/*
 * log2 of the largest number of pairs of an address space and a node. A table
 * of that many pairs takes 7 MiB on a 64-bit kernel.
 */
#define MAX_SPACES_BITS	18
/*
 * A chunk gets at most this many passes over all processes. The first serves
 * all address spaces that wait by then; the others serve those that are found
 * when folios are looked at again.
 */
#define MAX_PASSES	4

/* The table of answers */

static u32 *space_bucket(const struct phys_spaces *spaces,
			 const struct mm_struct *mm)
{
	return &spaces->bucket[hash_ptr(mm, spaces->bits)];
}

static void link_space(struct phys_spaces *spaces, unsigned int i)
{
	u32 *bucket = space_bucket(spaces, spaces->space[i].mm);

	spaces->space[i].next = *bucket;
	*bucket = i + 1;
}

/**
 * phys_find_space - look up what the tasks of an address space have answered
 * @spaces: the address spaces
 * @mm: the one to find
 * @nid: the target node
 *
 * Return: the address space with @nid, without SPACE_KNOWN if there is no
 * answer yet; or NULL if it has not been added.
 */
struct phys_space *phys_find_space(const struct phys_spaces *spaces,
				   const struct mm_struct *mm, int nid)
{
	struct phys_space *space;
	u32 i;

	for (i = *space_bucket(spaces, mm); i; i = space->next) {
		space = &spaces->space[i - 1];
		if (space->mm == mm && space->nid == nid)
			return space;
	}
	return NULL;
}

/**
 * phys_add_space - gather an address space, to ask its tasks later
 * @spaces: the address spaces
 * @mm: the one to add, which is not in @spaces with @nid yet
 * @nid: the target node
 *
 * Return: 0, or -ENOSPC if there is no room for it.
 */
int phys_add_space(struct phys_spaces *spaces, struct mm_struct *mm, int nid)
{
	if (spaces->nr >> spaces->bits)
		return -ENOSPC;
	mmgrab(mm);
	spaces->space[spaces->nr] = (struct phys_space) {
		.mm = mm,
		.nid = nid,
	};
	link_space(spaces, spaces->nr++);
	return 0;
}

/**
 * phys_enlarge_spaces - make room for 16 times as many address spaces
 * @spaces: the address spaces
 *
 * Return: true, or false if there is no memory or the table may not grow.
 */
bool phys_enlarge_spaces(struct phys_spaces *spaces)
{
	unsigned int i, bits = spaces->bits + 4;
	struct phys_space *space;

	if (bits > MAX_SPACES_BITS)
		return false;
	space = kvzalloc((sizeof(*space) + sizeof(u32)) << bits,
			 GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!space)
		return false;
	memcpy(space, spaces->space, spaces->nr * sizeof(*space));
	kvfree(spaces->enlarged);
	spaces->enlarged = space;
	spaces->space = space;
	spaces->bucket = (u32 *)(space + (1UL << bits));
	spaces->bits = bits;
	for (i = 0; i < spaces->nr; i++)
		link_space(spaces, i);
	return true;
}

/**
 * phys_forget_spaces - drop all answers, since cpusets and policies may change
 * @spaces: the address spaces
 */
void phys_forget_spaces(struct phys_spaces *spaces)
{
	while (spaces->nr) {
		struct mm_struct *mm = spaces->space[--spaces->nr].mm;

		*space_bucket(spaces, mm) = 0;
		mmdrop(mm);
		cond_resched();
	}
	spaces->tasks = 0;
	spaces->passes = 0;
}

/* Asking tasks */

/*
 * Read mems_allowed, which the allocator enforces, without a lock, as the OOM
 * killer does. cpuset_mems_allowed() would take a global lock with interrupts
 * off.
 */
static bool cpuset_has_node(struct task_struct *task, int nid)
{
#ifdef CONFIG_CPUSETS
	if (cpusets_enabled())
		/* A race is harmless: one bit has its old or its new value. */
		return data_race(node_isset(nid, task->mems_allowed));
#endif
	return true;
}

static unsigned int ask_task(struct task_struct *task, int nid, bool strict)
{
	unsigned int answer = SPACE_ALIVE;

	if (!cpuset_has_node(task, nid) || security_task_movememory(task))
		answer |= SPACE_DENIES;
	if (strict) {
		task_lock(task);
		if (policy_excludes(task->mempolicy, nid))
			answer |= SPACE_BOUND;
		task_unlock(task);
	}
	return answer;
}

static unsigned int task_flags(struct task_struct *task)
{
	/* A task changes its own flags with plain stores. */
	return data_race(READ_ONCE(task->flags));
}

static bool task_uses(struct task_struct *task, const struct mm_struct *mm)
{
	return READ_ONCE(task->mm) == mm && !(task_flags(task) & PF_KTHREAD);
}

/*
 * Exiting tasks constrain nothing, since they will allocate no more memory.
 * Returns how many tasks of the process use the address space.
 */
static int ask_process(struct phys_call *call, struct phys_space *space,
		       struct task_struct *process)
{
	struct task_struct *task;
	int users = 0;

	for_each_thread(process, task) {
		if (!task_uses(task, space->mm))
			continue;
		users++;
		if (task_flags(task) & PF_EXITING)
			continue;
		space->answer |= ask_task(task, space->nid,
					  call->flags & MPOL_MF_STRICT);
		call->spaces.tasks++;
	}
	return users;
}

/*
 * mm->owner may be a child whose fork() can still fail. Its ->signal, in which
 * the callers find its threads, is valid once it has been attached to its pid.
 */
static struct task_struct *mm_owner_process(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner = rcu_dereference(mm->owner);

	if (owner && find_task_by_pid_ns(owner->pid, &init_pid_ns) == owner)
		return owner;
#endif
	return NULL;
}

static int count_users(struct task_struct *process, struct mm_struct *mm)
{
	struct task_struct *task;
	int users = 0;

	for_each_thread(process, task)
		users += task_uses(task, mm);
	return users;
}

/*
 * Every task that uses an address space counts in its mm_users. If the threads
 * of the owner's process account for all of mm_users, no other process uses the
 * address space. With a vfork() child or a transient reference, the result is
 * false, which only costs a pass.
 *
 * The counts are no atomic snapshot: if one thread starts and another exits
 * meanwhile, they may match although another process uses the address space.
 * MMF_MULTIPROCESS reveals a CLONE_VM process and is never cleared, so check it
 * last. It does not reveal a vfork() child. That is accepted: the child soon
 * calls exec, and the check is not atomic with the move anyway.
 */
static bool ask_owner(struct phys_call *call, struct phys_space *space)
{
	struct mm_struct *mm = space->mm;
	int users = atomic_read(&mm->mm_users);
	struct task_struct *owner;
	bool asked;

	/* The LSM hook is called under RCU here, so it must not sleep. */
	rcu_read_lock();
	owner = mm_owner_process(mm);
	asked = owner && count_users(owner, mm) == users &&
		ask_process(call, space, owner) == users &&
		atomic_read(&mm->mm_users) == users &&
		!mm_flags_test(MMF_MULTIPROCESS, mm);
	rcu_read_unlock();
	return asked;
}

/*
 * One pass over all processes serves all address spaces without an answer. All
 * live threads of a process use the same address space.
 */
static void ask_all_processes(struct phys_call *call)
{
	struct phys_spaces *spaces = &call->spaces;
	struct task_struct *process, *task;
	struct phys_space *space;
	struct mm_struct *mm;
	u32 i;

	spaces->passes++;
	rcu_read_lock();
	for_each_process(process) {
		task = find_lock_task_mm(process);
		if (!task)
			continue;
		mm = task->mm;
		task_unlock(task);
		for (i = *space_bucket(spaces, mm); i; i = space->next) {
			space = &spaces->space[i - 1];
			if (space->mm == mm && !(space->answer & SPACE_KNOWN))
				ask_process(call, space, process);
		}
	}
	rcu_read_unlock();
}

/**
 * phys_ask_spaces - ask the tasks of address spaces that have no answer yet
 * @call: the call
 * @first: index of the first address space to ask; all later ones follow
 *
 * Address spaces that need a pass over all processes wait until the last look
 * at the folios of the chunk, so that they share one pass. Later passes are
 * only for address spaces that the last look finds.
 *
 * Return: -EINTR if a fatal signal is pending, -EAGAIN if an address space has
 * no answer yet, -EACCES if one denies its node, else 0.
 */
int phys_ask_spaces(struct phys_call *call, unsigned int first)
{
	struct phys_spaces *spaces = &call->spaces;
	unsigned int i, unknown = 0;
	int err = 0;

	for (i = first; i < spaces->nr; i++) {
		struct phys_space *space = &spaces->space[i];

		if (space->answer & SPACE_KNOWN)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (ask_owner(call, space))
			space->answer |= SPACE_KNOWN;
		else
			unknown++;
		cond_resched();
	}
	if (unknown) {
		if (!call->batch.last_look || spaces->passes == MAX_PASSES)
			return -EAGAIN;
		ask_all_processes(call);
	}
	for (i = first; i < spaces->nr; i++) {
		spaces->space[i].answer |= SPACE_KNOWN;
		if (spaces->space[i].answer & SPACE_DENIES)
			err = -EACCES;
	}
	return err;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_tasks_kunit.c"
#endif
