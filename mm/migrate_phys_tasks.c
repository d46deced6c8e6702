// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: do the tasks of an address space allow a node?
 *
 * A page may go to a node only if the node is in the mems_allowed of every task
 * of every address space that maps the page, and if the LSM lets the caller
 * move the memory of these tasks. Exiting tasks and kernel threads do not
 * count. Walks of reverse maps only gather address spaces; their tasks are
 * checked after the rmap lock is released. Results are kept for one chunk.
 */

#include <linux/cpuset.h>
#include <linux/hash.h>
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
#define MAX_MM_SLOT_BITS	18
/*
 * A chunk gets at most this many passes over all processes. The first serves
 * all address spaces that are waiting at that time; the others serve those that
 * are found when folios are looked at again.
 */
#define MAX_PASSES	4

/* The table of results */

static u32 *mm_slot_bucket(const struct phys_mm_slots *slots,
			   const struct mm_struct *mm)
{
	return &slots->bucket[hash_ptr(mm, slots->bits)];
}

static void link_mm_slot(struct phys_mm_slots *slots, unsigned int i)
{
	u32 *bucket = mm_slot_bucket(slots, slots->slot[i].mm);

	slots->slot[i].next = *bucket;
	*bucket = i + 1;
}

/**
 * phys_find_mm_slot - look up the result for an address space
 * @slots: the address spaces
 * @mm: the one to find
 * @nid: the target node
 *
 * Return: the slot, without MM_CHECKED if there is no result yet; or NULL if
 * @mm has not been added with @nid.
 */
struct phys_mm_slot *phys_find_mm_slot(const struct phys_mm_slots *slots,
				       const struct mm_struct *mm, int nid)
{
	struct phys_mm_slot *slot;
	u32 i;

	for (i = *mm_slot_bucket(slots, mm); i; i = slot->next) {
		slot = &slots->slot[i - 1];
		if (slot->mm == mm && slot->nid == nid)
			return slot;
	}
	return NULL;
}

/**
 * phys_add_mm_slot - gather an address space, to check its tasks later
 * @slots: the address spaces
 * @mm: the one to add, which is not in @slots with @nid yet
 * @nid: the target node
 *
 * Return: 0, or -ENOSPC if there is no room for it.
 */
int phys_add_mm_slot(struct phys_mm_slots *slots, struct mm_struct *mm, int nid)
{
	if (slots->nr >> slots->bits)
		return -ENOSPC;
	mmgrab(mm);
	slots->slot[slots->nr] = (struct phys_mm_slot) {
		.mm = mm,
		.nid = nid,
	};
	link_mm_slot(slots, slots->nr++);
	return 0;
}

/**
 * phys_enlarge_mm_slots - make room for 16 times as many address spaces
 * @slots: the address spaces
 *
 * Return: true, or false if there is no memory or the table has its full size.
 */
bool phys_enlarge_mm_slots(struct phys_mm_slots *slots)
{
	unsigned int i, bits = slots->bits + 4;
	struct phys_mm_slot *slot;

	if (bits > MAX_MM_SLOT_BITS)
		return false;
	slot = kvzalloc((sizeof(*slot) + sizeof(u32)) << bits,
			GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!slot)
		return false;
	memcpy(slot, slots->slot, slots->nr * sizeof(*slot));
	kvfree(slots->enlarged);
	slots->enlarged = slot;
	slots->slot = slot;
	slots->bucket = (u32 *)(slot + (1UL << bits));
	slots->bits = bits;
	for (i = 0; i < slots->nr; i++)
		link_mm_slot(slots, i);
	return true;
}

/**
 * phys_forget_mm_slots - drop all results
 * @slots: the address spaces
 *
 * Cpusets, LSM labels and policies may change, so no result outlives its chunk.
 */
void phys_forget_mm_slots(struct phys_mm_slots *slots)
{
	while (slots->nr) {
		struct mm_struct *mm = slots->slot[--slots->nr].mm;

		*mm_slot_bucket(slots, mm) = 0;
		mmdrop(mm);
		cond_resched();
	}
	slots->tasks = 0;
	slots->passes = 0;
}

/* Checks of tasks */

/*
 * Read mems_allowed, which the allocator enforces, without a lock, as
 * cpuset_mems_allowed_intersects() does for the OOM killer.
 * cpuset_mems_allowed() would take a global lock with interrupts off.
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

static unsigned int check_task(struct task_struct *task, int nid, bool strict)
{
	unsigned int result = MM_ALIVE;

	if (!cpuset_has_node(task, nid) || security_task_movememory(task))
		result |= MM_DENIES;
	if (strict) {
		task_lock(task);
		if (policy_excludes(task->mempolicy, nid))
			result |= MM_BOUND;
		task_unlock(task);
	}
	return result;
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
 * Exiting tasks constrain nothing, since they will allocate no more memory. One
 * task that denies the node decides for the address space, so check no more of
 * its tasks: the LSM may log each denial.
 * Returns how many tasks of the process use the address space.
 */
static int check_process(struct phys_call *call, struct phys_mm_slot *slot,
			 struct task_struct *process)
{
	struct task_struct *task;
	int users = 0;

	for_each_thread(process, task) {
		if (!task_uses(task, slot->mm))
			continue;
		users++;
		if (task_flags(task) & PF_EXITING || slot->result & MM_DENIES)
			continue;
		slot->result |= check_task(task, slot->nid,
					   call->flags & MPOL_MF_STRICT);
		call->mm_slots.tasks++;
	}
	return users;
}

/*
 * mm->owner may be a child whose fork() can still fail. The callers find the
 * threads of the child in its ->signal, which is valid once the child has been
 * attached to its pid, so return no task before that.
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
 * Every task that uses an address space is counted in its mm_users. If the
 * threads of the owner's process account for all of mm_users, no other process
 * uses the address space. With a vfork() child or a transient reference, the
 * result is false, which only costs a pass.
 *
 * The counts are not an atomic snapshot: if one thread starts and another exits
 * meanwhile, they may match although another process uses the address space.
 * So check MMF_MULTIPROCESS last: it reveals a CLONE_VM process, and is never
 * cleared. It does not reveal a vfork() child, which this race may hide. That
 * is accepted: the child soon calls exec, and the check is not atomic with the
 * move anyway.
 */
static bool check_owner_tasks(struct phys_call *call, struct phys_mm_slot *slot)
{
	struct mm_struct *mm = slot->mm;
	int users = atomic_read(&mm->mm_users);
	struct task_struct *owner;
	bool checked;

	/* The LSM hook is called under RCU here, so it must not sleep. */
	rcu_read_lock();
	owner = mm_owner_process(mm);
	checked = owner && count_users(owner, mm) == users &&
		  check_process(call, slot, owner) == users &&
		  atomic_read(&mm->mm_users) == users &&
		  !mm_flags_test(MMF_MULTIPROCESS, mm);
	rcu_read_unlock();
	return checked;
}

/*
 * All threads of a process that still use an address space use the same one.
 * The pointer is only compared with those of the slots, whose address spaces
 * cannot be freed, so no lock of the process is taken.
 */
static struct mm_struct *process_mm(struct task_struct *process)
{
	struct task_struct *task;
	struct mm_struct *mm;

	for_each_thread(process, task) {
		mm = READ_ONCE(task->mm);
		if (mm)
			return mm;
	}
	return NULL;
}

/* One pass over all processes serves all address spaces without a result. */
static void check_all_processes(struct phys_call *call)
{
	struct phys_mm_slots *slots = &call->mm_slots;
	struct task_struct *process;
	struct phys_mm_slot *slot;
	struct mm_struct *mm;
	u32 i;

	slots->passes++;
	rcu_read_lock();
	for_each_process(process) {
		mm = process_mm(process);
		if (!mm)
			continue;
		for (i = *mm_slot_bucket(slots, mm); i; i = slot->next) {
			slot = &slots->slot[i - 1];
			if (slot->mm == mm && !(slot->result & MM_CHECKED))
				check_process(call, slot, process);
		}
	}
	rcu_read_unlock();
}

/**
 * phys_check_tasks - check the tasks of address spaces that have no result yet
 * @call: the call
 * @first: index of the first slot to check; all later ones follow
 *
 * Address spaces that need a pass over all processes wait until the last look
 * at the folios of the chunk, so that they share one pass. Later passes are
 * only for address spaces that the last look finds.
 *
 * Return: -EINTR if a fatal signal is pending, -EAGAIN if an address space has
 * no result yet, -EACCES if one denies its node, else 0.
 */
int phys_check_tasks(struct phys_call *call, unsigned int first)
{
	struct phys_mm_slots *slots = &call->mm_slots;
	unsigned int i, unchecked = 0;
	int err = 0;

	for (i = first; i < slots->nr; i++) {
		struct phys_mm_slot *slot = &slots->slot[i];

		if (slot->result & MM_CHECKED)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (check_owner_tasks(call, slot))
			slot->result |= MM_CHECKED;
		else
			unchecked++;
		cond_resched();
	}
	if (unchecked) {
		if (!call->batch.last_look || slots->passes == MAX_PASSES)
			return -EAGAIN;
		check_all_processes(call);
	}
	for (i = first; i < slots->nr; i++) {
		slots->slot[i].result |= MM_CHECKED;
		if (slots->slot[i].result & MM_DENIES)
			err = -EACCES;
	}
	return err;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_tasks_kunit.c"
#endif
