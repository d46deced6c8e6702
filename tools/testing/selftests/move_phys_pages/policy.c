// SPDX-License-Identifier: GPL-2.0-only
/* Memory policy decides nothing but under MPOL_MF_STRICT, and then MPOL_BIND */
#include <sys/syscall.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		17
#define NO_POLICY	-1

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY	5
#endif

/* Which nodes a policy names */
enum which { NONE, FROM, TO, BOTH };

struct policy {
	int mode;
	enum which nodes;
};

/*
 * A policy for the memory, and one for the task that maps it. The mapper is a
 * child, so that no policy of the caller can be meant.
 */
FIXTURE(policy)
{
	int from, to;
	char *mem;
	pid_t pid;
};

FIXTURE_VARIANT(policy)
{
	struct policy vma;
	struct policy task;
	bool excludes;		/* the target */
};

FIXTURE_VARIANT_ADD(policy, none)
{
	.vma = { NO_POLICY, NONE },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source)
{
	.vma = { MPOL_BIND, FROM },
	.task = { NO_POLICY, NONE },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_bind_target)
{
	.vma = { MPOL_BIND, TO },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_both)
{
	.vma = { MPOL_BIND, BOTH },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_preferred)
{
	.vma = { MPOL_PREFERRED, FROM },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_preferred_many)
{
	.vma = { MPOL_PREFERRED_MANY, FROM },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_interleave)
{
	.vma = { MPOL_INTERLEAVE, FROM },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_local)
{
	.vma = { MPOL_LOCAL, NONE },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, task_bind_source)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND, FROM },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, task_bind_target)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND, TO },
};

FIXTURE_VARIANT_ADD(policy, task_bind_both)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND, BOTH },
};

FIXTURE_VARIANT_ADD(policy, task_preferred)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_PREFERRED, FROM },
};

FIXTURE_VARIANT_ADD(policy, task_interleave)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_INTERLEAVE, FROM },
};

/* The memory's own policy, of whatever mode, stands for the task's */
FIXTURE_VARIANT_ADD(policy, vma_bind_target_task_bind_source)
{
	.vma = { MPOL_BIND, TO },
	.task = { MPOL_BIND, FROM },
};

FIXTURE_VARIANT_ADD(policy, vma_preferred_task_bind_source)
{
	.vma = { MPOL_PREFERRED, FROM },
	.task = { MPOL_BIND, FROM },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source_task_bind_target)
{
	.vma = { MPOL_BIND, FROM },
	.task = { MPOL_BIND, TO },
	.excludes = true,
};

static unsigned long mask_of(enum which nodes, int from, int to)
{
	unsigned long mask = 0;

	if (nodes == FROM || nodes == BOTH)
		mask |= 1UL << from;
	if (nodes == TO || nodes == BOTH)
		mask |= 1UL << to;
	return mask;
}

static void set_policies(char *mem, const struct policy *vma,
			 const struct policy *task, int from, int to)
{
	unsigned long mask = mask_of(vma->nodes, from, to);
	const unsigned long bits = 8 * sizeof(mask) + 1;

	if (vma->mode != NO_POLICY &&
	    syscall(__NR_mbind, mem, page_size(), vma->mode,
		    mask ? &mask : NULL, mask ? bits : 0, 0))
		die("cannot set the policy of the memory");
	mask = mask_of(task->nodes, from, to);
	if (task->mode != NO_POLICY &&
	    syscall(__NR_set_mempolicy, task->mode, &mask, bits))
		die("cannot set the policy of the task");
}

struct mapper {
	const struct policy *vma;
	const struct policy *task;
	char *mem;
	int from, to;
};

static void map_with_policy(void *arg)
{
	struct mapper *mapper = arg;

	touch_on(mapper->from, mapper->mem, page_size());
	fill(mapper->mem, page_size(), SEED);
	set_policies(mapper->mem, mapper->vma, mapper->task, mapper->from,
		     mapper->to);
}

FIXTURE_SETUP(policy)
{
	struct mapper mapper = {
		.vma = &variant->vma,
		.task = &variant->task,
	};

	TWO_NODES(self->from, self->to);
	self->mem = map_memory(ANON, 1);
	mapper.mem = self->mem;
	mapper.from = self->from;
	mapper.to = self->to;
	self->pid = spawn(map_with_policy, &mapper);
}

FIXTURE_TEARDOWN(policy)
{
	reap(self->pid);
	EXPECT_EQ(0, isolated_pages());
}

/* As with move_pages(2), else what numa_alloc_onnode() gave could not move */
TEST_F(policy, not_strict)
{
	uint64_t phys = phys_of(self->pid, self->mem);

	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(self->pid, self->mem));
}

TEST_F(policy, strict)
{
	static const int flags[] = {
		MPOL_MF_STRICT, MPOL_MF_STRICT | MPOL_MF_MOVE,
		MPOL_MF_STRICT | MPOL_MF_MOVE_ALL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		uint64_t phys = phys_of(self->pid, self->mem);
		int node = variant->excludes ? self->from : self->to;

		EXPECT_OUTCOME(0, variant->excludes ? -EACCES : self->to,
			       move_one(phys, self->to, flags[i]));
		EXPECT_EQ(node, node_of(self->pid, self->mem));
		phys = phys_of(self->pid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	}
}

/* The caller's policy is nobody's business */
TEST_F(policy, of_caller)
{
	const struct policy none = { NO_POLICY, NONE };
	const struct policy bind = { MPOL_BIND, FROM };
	uint64_t phys = phys_of(self->pid, self->mem);

	set_policies(NULL, &none, &bind, self->from, self->to);
	EXPECT_OUTCOME(0, variant->excludes ? -EACCES : self->to,
		       move_one(phys, self->to, MPOL_MF_STRICT));
	EXPECT_EQ(variant->excludes ? self->from : self->to,
		  node_of(self->pid, self->mem));
}

/* Where it is already, no policy is asked */
TEST_F(policy, already_there)
{
	uint64_t phys = phys_of(self->pid, self->mem);

	EXPECT_OUTCOME(0, self->from,
		       move_one(phys, self->from, MPOL_MF_STRICT));
}

/* One mapper of many is enough, and only a mapper: the rest have no say */
struct sharer {
	const char *mem;
	const struct policy *task;
	bool touch;
	int from, to;
};

static void share(void *arg)
{
	const struct policy none = { NO_POLICY, NONE };
	struct sharer *sharer = arg;

	if (sharer->touch && !intact(sharer->mem, page_size(), SEED))
		die("other contents");
	set_policies(NULL, &none, sharer->task, sharer->from, sharer->to);
}

FIXTURE(sharers)
{
	struct sharer sharer;
	char *mem;
};

FIXTURE_VARIANT(sharers)
{
	bool touch;
};

FIXTURE_VARIANT_ADD(sharers, mapper)
{
	.touch = true,
};

FIXTURE_VARIANT_ADD(sharers, not_mapper)
{
	.touch = false,
};

FIXTURE_SETUP(sharers)
{
	TWO_NODES(self->sharer.from, self->sharer.to);
	self->mem = alloc_memory(MEMFD, self->sharer.from, 1, SEED);
	self->sharer.mem = self->mem;
	self->sharer.touch = variant->touch;
}

FIXTURE_TEARDOWN(sharers)
{
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
}

TEST_F(sharers, task_policy)
{
	const struct policy prefer = { MPOL_PREFERRED, FROM };
	const struct policy bind = { MPOL_BIND, FROM };
	const int flags = MPOL_MF_STRICT | MPOL_MF_MOVE_ALL;
	const int to = self->sharer.to;
	pid_t first, second;

	self->sharer.task = &prefer;
	first = spawn(share, &self->sharer);
	self->sharer.task = &bind;
	second = spawn(share, &self->sharer);
	EXPECT_OUTCOME(0, variant->touch ? -EACCES : to,
		       move_one(phys_of(0, self->mem), to, flags));
	EXPECT_EQ(variant->touch ? self->sharer.from : to,
		  node_of(0, self->mem));
	reap(second);
	EXPECT_OUTCOME(0, to, move_one(phys_of(0, self->mem), to, flags));
	EXPECT_EQ(to, node_of(0, self->mem));
	reap(first);
}

TEST_HARNESS_MAIN
