// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the table of address spaces and of what a task answers. Included
 * at the end of mm/migrate_phys_tasks.c, so that they reach its static functions.
 */
#include <kunit/test.h>

#include "migrate_phys_kunit.h"

#define FEW_BITS	2
#define MMS		12

/* The table */

struct spaces_room {
	struct phys_space space[1 << FEW_BITS];
	u32 bucket[1 << FEW_BITS];
};

static void make_spaces(struct kunit *test, struct phys_spaces *spaces)
{
	struct spaces_room *room = kunit_kzalloc(test, sizeof(*room), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, room);
	*spaces = (struct phys_spaces) {
		.space = room->space,
		.bits = FEW_BITS,
		.bucket = room->bucket,
	};
}

static struct mm_struct *make_mms(struct kunit *test, unsigned int nr)
{
	struct mm_struct *mms = kunit_kcalloc(test, nr, sizeof(*mms), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mms);
	/* The test has a reference on each, so that none is ever released. */
	for (i = 0; i < nr; i++)
		atomic_set(&mms[i].mm_count, 1);
	return mms;
}

/* An address space has an entry for each node. */
static void spaces_by_node_test(struct kunit *test)
{
	struct mm_struct *mms = make_mms(test, 2);
	struct phys_spaces spaces;
	struct phys_space *space;

	make_spaces(test, &spaces);
	KUNIT_EXPECT_NULL(test, phys_find_space(&spaces, mms, 0));
	KUNIT_EXPECT_EQ(test, phys_add_space(&spaces, mms, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_add_space(&spaces, mms, 6), 0);
	KUNIT_EXPECT_EQ(test, phys_add_space(&spaces, mms + 1, 5), 0);
	KUNIT_EXPECT_EQ(test, spaces.nr, 3U);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[0].mm_count), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[1].mm_count), 2);

	space = phys_find_space(&spaces, mms, 5);
	KUNIT_ASSERT_NOT_NULL(test, space);
	KUNIT_EXPECT_PTR_EQ(test, space->mm, mms);
	KUNIT_EXPECT_EQ(test, space->nid, 5);
	KUNIT_EXPECT_EQ(test, space->answer, 0U);
	space->answer = SPACE_KNOWN | SPACE_DENIES;
	space = phys_find_space(&spaces, mms, 6);
	KUNIT_ASSERT_NOT_NULL(test, space);
	KUNIT_EXPECT_EQ(test, space->nid, 6);
	KUNIT_EXPECT_EQ(test, space->answer, 0U);
	KUNIT_EXPECT_NOT_NULL(test, phys_find_space(&spaces, mms + 1, 5));
	KUNIT_EXPECT_NULL(test, phys_find_space(&spaces, mms + 1, 6));
	KUNIT_EXPECT_EQ(test, phys_find_space(&spaces, mms, 5)->answer,
			SPACE_KNOWN | SPACE_DENIES);

	phys_forget_spaces(&spaces);
	KUNIT_EXPECT_EQ(test, spaces.nr, 0U);
	KUNIT_EXPECT_NULL(test, phys_find_space(&spaces, mms, 5));
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[0].mm_count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&mms[1].mm_count), 1);

	/* A new entry does not inherit an old answer. */
	KUNIT_EXPECT_EQ(test, phys_add_space(&spaces, mms, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_find_space(&spaces, mms, 5)->answer, 0U);
	phys_forget_spaces(&spaces);
}

/* A full table takes no more, and what it has stays when it is enlarged. */
static void enlarge_spaces_test(struct kunit *test)
{
	struct mm_struct *mms = make_mms(test, MMS);
	struct phys_spaces spaces;
	unsigned int bits, nr = 0, i;
	struct phys_space *space;

	make_spaces(test, &spaces);
	for (bits = FEW_BITS; bits <= FEW_BITS + 8; bits += 4) {
		KUNIT_ASSERT_EQ(test, spaces.bits, bits);
		for (; nr < BIT(bits); nr++) {
			KUNIT_ASSERT_EQ(test, phys_add_space(&spaces,
							     &mms[nr % MMS],
							     nr / MMS), 0);
			spaces.space[nr].answer = nr;
		}
		KUNIT_EXPECT_EQ(test, phys_add_space(&spaces, &mms[nr % MMS],
						     nr / MMS), -ENOSPC);
		KUNIT_EXPECT_EQ(test, spaces.nr, BIT(bits));
		KUNIT_ASSERT_TRUE(test, phys_enlarge_spaces(&spaces));
		KUNIT_EXPECT_EQ(test, spaces.nr, BIT(bits));
		for (i = 0; i < nr; i++) {
			space = phys_find_space(&spaces, &mms[i % MMS], i / MMS);
			KUNIT_ASSERT_NOT_NULL(test, space);
			KUNIT_EXPECT_EQ(test, space->answer, i);
		}
		KUNIT_EXPECT_NULL(test, phys_find_space(&spaces, &mms[nr % MMS],
							nr / MMS));
	}
	phys_forget_spaces(&spaces);
	for (i = 0; i < MMS; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&mms[i].mm_count), 1);
		KUNIT_EXPECT_NULL(test, phys_find_space(&spaces, &mms[i], 0));
	}
	KUNIT_EXPECT_EQ(test, spaces.bits, FEW_BITS + 12U);
	while (phys_enlarge_spaces(&spaces))
		;
	KUNIT_EXPECT_EQ(test, spaces.bits, (unsigned int)MAX_SPACES_BITS);
	kvfree(spaces.enlarged);
}

/* However far apart address spaces are, they share few buckets. */
static void space_bucket_test(struct kunit *test)
{
	const unsigned int bits = 10, nr = 1 << bits;
	u32 *bucket = kunit_kcalloc(test, nr, sizeof(*bucket), GFP_KERNEL);
	const struct phys_spaces spaces = { .bits = bits, .bucket = bucket };
	unsigned long align;

	KUNIT_ASSERT_NOT_NULL(test, bucket);
	for (align = SMP_CACHE_BYTES; align <= PAGE_SIZE; align *= 2) {
		unsigned int i, used = 0, most = 0;

		memset(bucket, 0, nr * sizeof(*bucket));
		for (i = 0; i < nr; i++) {
			void *mm = (void *)(PAGE_OFFSET + i * align);
			u32 *b = space_bucket(&spaces, mm);

			KUNIT_ASSERT_TRUE(test, b >= bucket && b < bucket + nr);
			used += !*b;
			most = max(most, ++*b);
		}
		KUNIT_EXPECT_LE_MSG(test, nr / 2, used, "aligned to %lu", align);
		KUNIT_EXPECT_LE_MSG(test, most, 8U, "aligned to %lu", align);
	}
}

/* Answers */

struct mask_case {
	const char *name;
	bool all;	/* nodes of the mask, or else @nid only */
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

/* Nothing but MPOL_BIND excludes a node: every other mode is a preference. */
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

/* The cpuset of a task has all memory, until somebody makes one. */
static void cpuset_has_node_test(struct kunit *test)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		KUNIT_EXPECT_TRUE_MSG(test, cpuset_has_node(current, nid),
				      "node %d", nid);
#ifdef CONFIG_CPUSETS
	static_branch_inc(&cpusets_enabled_key);
	for_each_node_state(nid, N_MEMORY) {
		bool has;
		unsigned int answer;

		node_clear(nid, current->mems_allowed);
		has = cpuset_has_node(current, nid);
		answer = ask_task(current, nid, false);
		node_set(nid, current->mems_allowed);
		KUNIT_EXPECT_FALSE_MSG(test, has, "node %d", nid);
		KUNIT_EXPECT_EQ_MSG(test, answer, SPACE_ALIVE | SPACE_DENIES,
				    "node %d", nid);
		KUNIT_EXPECT_TRUE_MSG(test, cpuset_has_node(current, nid),
				      "node %d", nid);
	}
	static_branch_dec(&cpusets_enabled_key);
#endif
}

/* The two reasons of a task, alone and together */
static void ask_task_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = mask_policy(test), *own = current->mempolicy;
	int nid;

	pol->mode = MPOL_BIND;
	for (nid = 0; nid < MAX_NUMNODES; nid++) {
		unsigned int allowed, answer;

		allowed = SPACE_ALIVE |
			  (cpuset_has_node(current, nid) ? 0 : SPACE_DENIES);
		task_lock(current);
		current->mempolicy = pol;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, ask_task(current, nid, false),
				    allowed, "node %d", nid);
		answer = ask_task(current, nid, true);
		task_lock(current);
		current->mempolicy = own;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, answer,
				    allowed | (c->all || nid == c->nid ?
					       0 : SPACE_BOUND),
				    "node %d", nid);
	}
}

/* Neither another process nor a kernel thread uses the address space. */
static void ask_no_task_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_space space = { .mm = mm_alloc() };
	int of_other, of_kthread;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, space.mm);
	rcu_read_lock();
	of_other = ask_process(call, &space, current);
	rcu_read_unlock();
	kthread_use_mm(space.mm);
	rcu_read_lock();
	of_kthread = ask_process(call, &space, current);
	rcu_read_unlock();
	kthread_unuse_mm(space.mm);
	KUNIT_EXPECT_EQ(test, of_other, 0);
	KUNIT_EXPECT_EQ(test, of_kthread, 0);
	KUNIT_EXPECT_EQ(test, space.answer, 0U);
	KUNIT_EXPECT_EQ(test, call->spaces.tasks, 0U);
	mmput(space.mm);
}

#ifdef CONFIG_MEMCG
/* The owner may be a child that its fork has not attached to its pid yet. */
static void mm_owner_process_test(struct kunit *test)
{
	struct task_struct *child, *of_child, *of_current, *of_nobody;
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct mm_struct *mm = mm_alloc();
	struct phys_space space = { .mm = mm };

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
	KUNIT_EXPECT_FALSE(test, ask_owner(call, &space));
	mmput(mm);
}
#endif

/*
 * No task uses this address space, so that only a pass over all processes tells
 * that none constrains it, and that pass is made once.
 */
static void ask_spaces_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_spaces *spaces = &call->spaces;
	struct mm_struct *mm = mm_alloc();
	int err;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, mm);
	make_spaces(test, spaces);
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_add_space(spaces, mm, 5), 0);
	KUNIT_EXPECT_EQ(test, phys_add_space(spaces, mm, 6), 0);
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, phys_find_space(spaces, mm, 5)->answer, 0U);
	KUNIT_EXPECT_EQ(test, spaces->passes, 0U);

	call->batch.last_look = true;
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_find_space(spaces, mm, 5)->answer,
			SPACE_KNOWN);
	KUNIT_EXPECT_EQ(test, phys_find_space(spaces, mm, 6)->answer,
			SPACE_KNOWN);
	KUNIT_EXPECT_EQ(test, spaces->passes, 1U);
	KUNIT_EXPECT_EQ(test, spaces->tasks, 0U);

	/* Answers are kept, and one that denies is reported each time. */
	phys_find_space(spaces, mm, 5)->answer |= SPACE_DENIES;
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 0), -EACCES);
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 1), 0);
	KUNIT_EXPECT_EQ(test, spaces->passes, 1U);

	/* A chunk has made all its passes: a new address space gets no answer. */
	spaces->passes = MAX_PASSES;
	KUNIT_EXPECT_EQ(test, phys_add_space(spaces, mm, 7), 0);
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, phys_find_space(spaces, mm, 7)->answer, 0U);
	KUNIT_EXPECT_EQ(test, spaces->passes, MAX_PASSES);

	/* A fatal signal comes before all questions. */
	set_fatal_signal(true);
	err = phys_ask_spaces(call, 2);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, err, -EINTR);

	phys_forget_spaces(spaces);
	KUNIT_EXPECT_EQ(test, phys_ask_spaces(call, 0), 0);
	mmput(mm);
}

static struct kunit_case migrate_phys_tasks_cases[] = {
	KUNIT_CASE(spaces_by_node_test),
	KUNIT_CASE(enlarge_spaces_test),
	KUNIT_CASE(space_bucket_test),
	KUNIT_CASE_PARAM(policy_excludes_test, mask_gen_params),
	KUNIT_CASE(cpuset_has_node_test),
	KUNIT_CASE_PARAM(ask_task_test, mask_gen_params),
	KUNIT_CASE(ask_no_task_test),
#ifdef CONFIG_MEMCG
	KUNIT_CASE(mm_owner_process_test),
#endif
	KUNIT_CASE(ask_spaces_test),
	{}
};

static struct kunit_suite migrate_phys_tasks_suite = {
	.name = "migrate_phys_tasks",
	.test_cases = migrate_phys_tasks_cases,
};

kunit_test_suite(migrate_phys_tasks_suite);
