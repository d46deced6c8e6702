// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the table of address spaces, and of the checks of tasks. This
 * file is included at the end of mm/migrate_phys_tasks.c, so that it reaches
 * the static functions there.
 */
#include <kunit/test.h>
#include <linux/cpu.h>

#include "migrate_phys_kunit.h"

#define INITIAL_BITS	2
#define MMS		12

/* The table */

struct mm_slots_room {
	struct phys_mm_slot slot[1 << INITIAL_BITS];
	u32 bucket[1 << INITIAL_BITS];
};

static void make_mm_slots(struct kunit *test, struct phys_mm_slots *slots)
{
	struct mm_slots_room *room = kunit_kzalloc(test, sizeof(*room), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, room);
	*slots = (struct phys_mm_slots) {
		.slot = room->slot,
		.bits = INITIAL_BITS,
		.bucket = room->bucket,
	};
}

static struct mm_struct *make_mms(struct kunit *test, unsigned int nr)
{
	struct mm_struct *mms = kunit_kcalloc(test, nr, sizeof(*mms), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mms);
	/* The test has a reference on each address space, so that none is freed. */
	for (i = 0; i < nr; i++)
		atomic_set(&mms[i].mm_count, 1);
	return mms;
}

/* An address space has a slot for each node. */
static void mm_slots_by_node_test(struct kunit *test)
{
	struct mm_struct *mms = make_mms(test, 2);
	struct phys_mm_slots slots;
	struct phys_mm_slot *slot;

	make_mm_slots(test, &slots);
	KUNIT_EXPECT_NULL(test, phys_find_mm_slot(&slots, mms, 0));
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(&slots, mms, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(&slots, mms, 6), 0);
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(&slots, mms + 1, 5), 0);
	KUNIT_EXPECT_EQ(test, slots.nr, 3U);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[0].mm_count), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[1].mm_count), 2);

	slot = phys_find_mm_slot(&slots, mms, 5);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_PTR_EQ(test, slot->mm, mms);
	KUNIT_EXPECT_EQ(test, slot->nid, 5);
	KUNIT_EXPECT_EQ(test, slot->result, 0U);
	slot->result = MM_CHECKED | MM_DENIES;
	slot = phys_find_mm_slot(&slots, mms, 6);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_EQ(test, slot->nid, 6);
	KUNIT_EXPECT_EQ(test, slot->result, 0U);
	KUNIT_EXPECT_NOT_NULL(test, phys_find_mm_slot(&slots, mms + 1, 5));
	KUNIT_EXPECT_NULL(test, phys_find_mm_slot(&slots, mms + 1, 6));
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(&slots, mms, 5)->result,
			MM_CHECKED | MM_DENIES);

	phys_forget_mm_slots(&slots);
	KUNIT_EXPECT_EQ(test, slots.nr, 0U);
	KUNIT_EXPECT_NULL(test, phys_find_mm_slot(&slots, mms, 5));
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[0].mm_count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[1].mm_count), 1);

	/* A new slot does not inherit an old result. */
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(&slots, mms, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(&slots, mms, 5)->result, 0U);
	phys_forget_mm_slots(&slots);
}

/* A full table takes no new slot, and keeps its slots when it is enlarged. */
static void enlarge_mm_slots_test(struct kunit *test)
{
	struct mm_struct *mms = make_mms(test, MMS);
	struct phys_mm_slots slots;
	unsigned int bits, nr = 0, i;
	struct phys_mm_slot *slot;

	make_mm_slots(test, &slots);
	for (bits = INITIAL_BITS; bits <= INITIAL_BITS + 8; bits += 4) {
		KUNIT_ASSERT_EQ(test, slots.bits, bits);
		for (; nr < BIT(bits); nr++) {
			KUNIT_ASSERT_EQ(test, phys_add_mm_slot(&slots,
							       &mms[nr % MMS],
							       nr / MMS), 0);
			slots.slot[nr].result = nr;
		}
		KUNIT_EXPECT_EQ(test, phys_add_mm_slot(&slots, &mms[nr % MMS],
						       nr / MMS), -ENOSPC);
		KUNIT_EXPECT_EQ(test, slots.nr, BIT(bits));
		KUNIT_ASSERT_TRUE(test, phys_enlarge_mm_slots(&slots));
		KUNIT_EXPECT_EQ(test, slots.nr, BIT(bits));
		for (i = 0; i < nr; i++) {
			slot = phys_find_mm_slot(&slots, &mms[i % MMS], i / MMS);
			KUNIT_ASSERT_NOT_NULL(test, slot);
			KUNIT_EXPECT_EQ(test, slot->result, i);
		}
		KUNIT_EXPECT_NULL(test, phys_find_mm_slot(&slots, &mms[nr % MMS],
							  nr / MMS));
	}
	phys_forget_mm_slots(&slots);
	for (i = 0; i < MMS; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&mms[i].mm_count), 1);
		KUNIT_EXPECT_NULL(test, phys_find_mm_slot(&slots, &mms[i], 0));
	}
	KUNIT_EXPECT_EQ(test, slots.bits, INITIAL_BITS + 12U);
	while (phys_enlarge_mm_slots(&slots))
		;
	KUNIT_EXPECT_EQ(test, slots.bits, (unsigned int)MAX_MM_SLOT_BITS);
	kvfree(slots.enlarged);
}

/* Few address spaces share a bucket, however they are aligned. */
static void mm_slot_bucket_test(struct kunit *test)
{
	const unsigned int bits = 10, nr = 1 << bits;
	u32 *bucket = kunit_kcalloc(test, nr, sizeof(*bucket), GFP_KERNEL);
	const struct phys_mm_slots slots = { .bits = bits, .bucket = bucket };
	unsigned long align;

	KUNIT_ASSERT_NOT_NULL(test, bucket);
	for (align = SMP_CACHE_BYTES; align <= PAGE_SIZE; align *= 2) {
		unsigned int i, used = 0, most = 0;

		memset(bucket, 0, nr * sizeof(*bucket));
		for (i = 0; i < nr; i++) {
			void *mm = (void *)(PAGE_OFFSET + i * align);
			u32 *b = mm_slot_bucket(&slots, mm);

			KUNIT_ASSERT_TRUE(test, b >= bucket && b < bucket + nr);
			used += !*b;
			most = max(most, ++*b);
		}
		KUNIT_EXPECT_LE_MSG(test, nr / 2, used, "aligned to %lu", align);
		KUNIT_EXPECT_LE_MSG(test, most, 8U, "aligned to %lu", align);
	}
}

/* Results */

struct mask_case {
	const char *name;
	bool all;	/* the mask has all nodes, or else only @nid */
	int nid;
};

static const struct mask_case mask_cases[] = {
	{ "no node", false, NUMA_NO_NODE },
	{ "first node", false, 0 },
	{ "last node", false, MAX_NUMNODES - 1 },
	{ "all nodes", true, NUMA_NO_NODE },
};

static void mask_case_desc(const struct mask_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mask, mask_cases, mask_case_desc);

static struct mempolicy *mask_policy(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = kunit_kzalloc(test, sizeof(*pol), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pol);
	if (c->all)
		nodes_setall(pol->nodes);
	else if (c->nid != NUMA_NO_NODE)
		node_set(c->nid, pol->nodes);
	return pol;
}

/* Only MPOL_BIND excludes a node: every other mode is a preference. */
static void policy_excludes_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = mask_policy(test);
	int nid;

	for (nid = 0; nid < MAX_NUMNODES; nid++) {
		bool outside = !c->all && nid != c->nid;

		for (pol->mode = 0; pol->mode < MPOL_MAX; pol->mode++)
			KUNIT_EXPECT_EQ_MSG(test, policy_excludes(pol, nid),
					    outside && pol->mode == MPOL_BIND,
					    "mode %d, node %d", pol->mode, nid);
		KUNIT_EXPECT_FALSE(test, policy_excludes(NULL, nid));
	}
}

/* A task may use all nodes with memory as long as no cpuset is made. */
static void cpuset_has_node_test(struct kunit *test)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		KUNIT_EXPECT_TRUE_MSG(test, cpuset_has_node(current, nid),
				      "node %d", nid);
#ifdef CONFIG_CPUSETS
	cpus_read_lock();
	cpuset_inc();
	cpus_read_unlock();
	for_each_node_state(nid, N_MEMORY) {
		bool has;
		unsigned int result;

		node_clear(nid, current->mems_allowed);
		has = cpuset_has_node(current, nid);
		result = check_task(current, nid, false);
		node_set(nid, current->mems_allowed);
		KUNIT_EXPECT_FALSE_MSG(test, has, "node %d", nid);
		KUNIT_EXPECT_EQ_MSG(test, result, MM_ALIVE | MM_DENIES,
				    "node %d", nid);
		KUNIT_EXPECT_TRUE_MSG(test, cpuset_has_node(current, nid),
				      "node %d", nid);
	}
	cpus_read_lock();
	cpuset_dec();
	cpus_read_unlock();
#endif
}

/*
 * The cpuset of a task always matters. The policy of the task matters only if
 * @strict is set.
 */
static void check_task_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = mask_policy(test), *own = current->mempolicy;
	int nid;

	pol->mode = MPOL_BIND;
	for (nid = 0; nid < MAX_NUMNODES; nid++) {
		unsigned int allowed, result;

		allowed = MM_ALIVE |
			  (cpuset_has_node(current, nid) ? 0 : MM_DENIES);
		task_lock(current);
		current->mempolicy = pol;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, check_task(current, nid, false),
				    allowed, "node %d", nid);
		result = check_task(current, nid, true);
		task_lock(current);
		current->mempolicy = own;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, result,
				    allowed | (c->all || nid == c->nid ?
					       0 : MM_BOUND),
				    "node %d", nid);
	}
}

/*
 * A process with another address space does not use this one. A kernel thread
 * that uses this address space for a while does not count.
 */
static void check_no_task_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_mm_slot slot = { .mm = mm_alloc() };
	int of_other, of_kthread;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, slot.mm);
	rcu_read_lock();
	of_other = check_process(call, &slot, current);
	rcu_read_unlock();
	kthread_use_mm(slot.mm);
	rcu_read_lock();
	of_kthread = check_process(call, &slot, current);
	rcu_read_unlock();
	kthread_unuse_mm(slot.mm);
	KUNIT_EXPECT_EQ(test, of_other, 0);
	KUNIT_EXPECT_EQ(test, of_kthread, 0);
	KUNIT_EXPECT_EQ(test, slot.result, 0U);
	KUNIT_EXPECT_EQ(test, call->mm_slots.tasks, 0U);
	mmput(slot.mm);
}

#ifdef CONFIG_MEMCG
/* The owner may be a child that its fork has not attached to its pid yet. */
static void mm_owner_process_test(struct kunit *test)
{
	struct task_struct *child, *of_child, *of_current, *of_nobody;
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct mm_struct *mm = mm_alloc();
	struct phys_mm_slot slot = { .mm = mm };

	KUNIT_ASSERT_NOT_NULL(test, call);
	child = kunit_kzalloc(test, sizeof(*child), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_ASSERT_NOT_NULL(test, mm);
	child->pid = current->pid;
	rcu_read_lock();
	rcu_assign_pointer(mm->owner, child);
	of_child = mm_owner_process(mm);
	rcu_assign_pointer(mm->owner, current);
	of_current = mm_owner_process(mm);
	rcu_assign_pointer(mm->owner, NULL);
	of_nobody = mm_owner_process(mm);
	rcu_read_unlock();
	KUNIT_EXPECT_NULL(test, of_child);
	KUNIT_EXPECT_PTR_EQ(test, of_current, current);
	KUNIT_EXPECT_NULL(test, of_nobody);
	KUNIT_EXPECT_FALSE(test, check_owner_tasks(call, &slot));
	mmput(mm);
}
#endif

/*
 * No task uses this address space, but only a pass over all processes can find
 * that out. One pass serves the slots of both nodes.
 */
static void check_tasks_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_mm_slots *slots = &call->mm_slots;
	struct mm_struct *mm = mm_alloc();
	int err;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, mm);
	make_mm_slots(test, slots);
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(slots, mm, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(slots, mm, 6), 0);
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(slots, mm, 5)->result, 0U);
	KUNIT_EXPECT_EQ(test, slots->passes, 0U);

	call->batch.last_look = true;
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(slots, mm, 5)->result,
			MM_CHECKED);
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(slots, mm, 6)->result,
			MM_CHECKED);
	KUNIT_EXPECT_EQ(test, slots->passes, 1U);
	KUNIT_EXPECT_EQ(test, slots->tasks, 0U);

	/* Results are kept, and one that denies is reported each time. */
	phys_find_mm_slot(slots, mm, 5)->result |= MM_DENIES;
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 0), -EACCES);
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 1), 0);
	KUNIT_EXPECT_EQ(test, slots->passes, 1U);

	/* A chunk has made all its passes: a new address space gets no result. */
	slots->passes = MAX_PASSES;
	KUNIT_EXPECT_EQ(test, phys_add_mm_slot(slots, mm, 7), 0);
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, phys_find_mm_slot(slots, mm, 7)->result, 0U);
	KUNIT_EXPECT_EQ(test, slots->passes, MAX_PASSES);

	/* A fatal signal comes before all checks. */
	set_fatal_signal(true);
	err = phys_check_tasks(call, 2);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, err, -EINTR);

	phys_forget_mm_slots(slots);
	KUNIT_EXPECT_EQ(test, phys_check_tasks(call, 0), 0);
	mmput(mm);
}

static struct kunit_case migrate_phys_tasks_cases[] = {
	KUNIT_CASE(mm_slots_by_node_test),
	KUNIT_CASE(enlarge_mm_slots_test),
	KUNIT_CASE(mm_slot_bucket_test),
	KUNIT_CASE_PARAM(policy_excludes_test, mask_gen_params),
	KUNIT_CASE(cpuset_has_node_test),
	KUNIT_CASE_PARAM(check_task_test, mask_gen_params),
	KUNIT_CASE(check_no_task_test),
#ifdef CONFIG_MEMCG
	KUNIT_CASE(mm_owner_process_test),
#endif
	KUNIT_CASE(check_tasks_test),
	{}
};

static struct kunit_suite migrate_phys_tasks_suite = {
	.name = "migrate_phys_tasks",
	.test_cases = migrate_phys_tasks_cases,
};

kunit_test_suite(migrate_phys_tasks_suite);
