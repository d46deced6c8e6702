// SPDX-License-Identifier: GPL-2.0-only
/* Memory policies count only with MPOL_MF_STRICT, and then only MPOL_BIND */
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		17
#define NO_POLICY	-1
#define PAGES		4	/* of a shared memory object */

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY	5
#endif
#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING	BIT(13)
#endif
#ifndef __NR_set_mempolicy_home_node
#define __NR_set_mempolicy_home_node	450
#endif
/* An enumerator of newer headers, which #ifndef cannot see */
#define WEIGHTED_INTERLEAVE	6

/*
 * The nodes in a policy. With MPOL_F_RELATIVE_NODES, node numbers count from
 * the first allowed node and wrap around. FROM_FOLDED and TO_FOLDED wrap around
 * once.
 */
enum which { NONE, FROM, TO, BOTH, FROM_FOLDED, TO_FOLDED };

struct policy {
	int mode;		/* with its flags */
	enum which nodes;
	enum which home;
};

/*
 * A policy for the memory, and one for the task that maps it. The mapper is a
 * child, so that no policy of the caller can have an effect.
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
	bool excludes;		/* the target is excluded */
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

/* A policy of the memory, of any mode, replaces that of the task */
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

FIXTURE_VARIANT_ADD(policy, vma_weighted_interleave)
{
	.vma = { WEIGHTED_INTERLEAVE, FROM },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source_static)
{
	.vma = { MPOL_BIND | MPOL_F_STATIC_NODES, FROM },
	.task = { NO_POLICY, NONE },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_bind_target_static)
{
	.vma = { MPOL_BIND | MPOL_F_STATIC_NODES, TO },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source_relative)
{
	.vma = { MPOL_BIND | MPOL_F_RELATIVE_NODES, FROM_FOLDED },
	.task = { NO_POLICY, NONE },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_bind_target_relative)
{
	.vma = { MPOL_BIND | MPOL_F_RELATIVE_NODES, TO_FOLDED },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source_balancing)
{
	.vma = { MPOL_BIND | MPOL_F_NUMA_BALANCING, FROM },
	.task = { NO_POLICY, NONE },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_bind_target_balancing)
{
	.vma = { MPOL_BIND | MPOL_F_NUMA_BALANCING, TO },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, task_bind_source_static)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_STATIC_NODES, FROM },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, task_bind_target_static)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_STATIC_NODES, TO },
};

FIXTURE_VARIANT_ADD(policy, task_bind_source_relative)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_RELATIVE_NODES, FROM_FOLDED },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, task_bind_target_relative)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_RELATIVE_NODES, TO_FOLDED },
};

FIXTURE_VARIANT_ADD(policy, task_bind_source_balancing)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_NUMA_BALANCING, FROM },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, task_bind_target_balancing)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_BIND | MPOL_F_NUMA_BALANCING, TO },
};

FIXTURE_VARIANT_ADD(policy, task_weighted_interleave)
{
	.vma = { NO_POLICY, NONE },
	.task = { WEIGHTED_INTERLEAVE, FROM },
};

FIXTURE_VARIANT_ADD(policy, task_preferred_many)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_PREFERRED_MANY, FROM },
};

FIXTURE_VARIANT_ADD(policy, task_local)
{
	.vma = { NO_POLICY, NONE },
	.task = { MPOL_LOCAL, NONE },
};

/* A home node is only a preference */
FIXTURE_VARIANT_ADD(policy, vma_bind_both_home_source)
{
	.vma = { MPOL_BIND, BOTH, FROM },
	.task = { NO_POLICY, NONE },
};

FIXTURE_VARIANT_ADD(policy, vma_bind_source_home_target)
{
	.vma = { MPOL_BIND, FROM, TO },
	.task = { NO_POLICY, NONE },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_preferred_many_home_source)
{
	.vma = { MPOL_PREFERRED_MANY, BOTH, FROM },
	.task = { NO_POLICY, NONE },
};

/* MPOL_DEFAULT means that the memory has no policy, so the task's counts */
FIXTURE_VARIANT_ADD(policy, vma_default_task_bind_source)
{
	.vma = { MPOL_DEFAULT, NONE },
	.task = { MPOL_BIND, FROM },
	.excludes = true,
};

FIXTURE_VARIANT_ADD(policy, vma_local_task_bind_source)
{
	.vma = { MPOL_LOCAL, NONE },
	.task = { MPOL_BIND, FROM },
};

static unsigned long mask_of(enum which nodes, int from, int to)
{
	unsigned long mask = 0;
	int all[64];

	if (nodes == FROM || nodes == BOTH)
		mask |= 1UL << from;
	if (nodes == TO || nodes == BOTH)
		mask |= 1UL << to;
	/* @from and @to are the first two nodes with memory */
	if (nodes == FROM_FOLDED || nodes == TO_FOLDED)
		mask |= 1UL << (memory_nodes(all, ARRAY_SIZE(all)) +
				(nodes == TO_FOLDED));
	return mask;
}

static void bind_memory(char *mem, size_t size, const struct policy *policy,
			int from, int to)
{
	unsigned long mask = mask_of(policy->nodes, from, to);
	int home = policy->home == FROM ? from : to;

	if (syscall(__NR_mbind, mem, size, policy->mode, mask ? &mask : NULL,
		    mask ? 8 * sizeof(mask) + 1 : 0, 0))
		die("cannot set the policy of the memory");
	if (policy->home != NONE &&
	    syscall(__NR_set_mempolicy_home_node, mem, size, home, 0))
		die("cannot set the home node of the memory");
}

static void bind_task(const struct policy *policy, int from, int to)
{
	unsigned long mask = mask_of(policy->nodes, from, to);

	if (syscall(__NR_set_mempolicy, policy->mode, mask ? &mask : NULL,
		    mask ? 8 * sizeof(mask) + 1 : 0))
		die("cannot set the policy of the task");
}

static const struct policy bind_source = { MPOL_BIND, FROM };
static const struct policy bind_target = { MPOL_BIND, TO };

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
	if (mapper->vma->mode != NO_POLICY)
		bind_memory(mapper->mem, page_size(), mapper->vma, mapper->from,
			    mapper->to);
	if (mapper->task->mode != NO_POLICY)
		bind_task(mapper->task, mapper->from, mapper->to);
}

/* Does the kernel know the mode? */
static bool has_mode(int mode, int node)
{
	unsigned long mask = 1UL << node;

	if (mode != WEIGHTED_INTERLEAVE)
		return true;
	if (syscall(__NR_set_mempolicy, mode, &mask, 8 * sizeof(mask) + 1))
		return false;
	return !syscall(__NR_set_mempolicy, MPOL_DEFAULT, NULL, 0);
}

FIXTURE_SETUP(policy)
{
	struct mapper mapper = {
		.vma = &variant->vma,
		.task = &variant->task,
	};

	TWO_NODES(self->from, self->to);
	if (!has_mode(variant->vma.mode, self->from) ||
	    !has_mode(variant->task.mode, self->from))
		SKIP_TEST("needs a kernel that has MPOL_WEIGHTED_INTERLEAVE");
	self->mem = map_memory(ANON, 1);
	mapper.mem = self->mem;
	mapper.from = self->from;
	mapper.to = self->to;
	self->pid = spawn(map_with_policy, &mapper);
}

FIXTURE_TEARDOWN(policy)
{
	struct iovec theirs = { self->mem, page_size() };
	struct iovec ours = { map_memory(ANON, 1), page_size() };

	EXPECT_EQ(page_size(), process_vm_readv(self->pid, &ours, 1, &theirs,
						1, 0));
	EXPECT_TRUE(intact(ours.iov_base, page_size(), SEED));
	reap(self->pid);
	EXPECT_EQ(0, isolated_pages());
}

/*
 * Without MPOL_MF_STRICT, policies do not matter, as in move_pages(2).
 * Otherwise, memory of numa_alloc_onnode() could not move.
 */
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

/* The caller's policy has no effect */
TEST_F(policy, of_caller)
{
	uint64_t phys = phys_of(self->pid, self->mem);

	bind_task(&bind_source, self->from, self->to);
	EXPECT_OUTCOME(0, variant->excludes ? -EACCES : self->to,
		       move_one(phys, self->to, MPOL_MF_STRICT));
	EXPECT_EQ(variant->excludes ? self->from : self->to,
		  node_of(self->pid, self->mem));
}

/* The page is on the target already, so no policy is checked */
TEST_F(policy, already_there)
{
	uint64_t phys = phys_of(self->pid, self->mem);

	EXPECT_OUTCOME(0, self->from,
		       move_one(phys, self->from, MPOL_MF_STRICT));
}

/*
 * It is enough that one of many mappers excludes the target. Only mappers of
 * the page count.
 */
struct sharer {
	const char *mem;
	const struct policy *task;
	bool touch;
	int from, to;
};

static void share(void *arg)
{
	struct sharer *sharer = arg;

	if (sharer->touch && !intact(sharer->mem, page_size(), SEED))
		die("the child reads wrong contents");
	bind_task(sharer->task, sharer->from, sharer->to);
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
	NEEDS_KIND(MEMFD);
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
	const int flags = MPOL_MF_STRICT | MPOL_MF_MOVE_ALL;
	const int to = self->sharer.to;
	pid_t first, second;

	self->sharer.task = &prefer;
	first = spawn(share, &self->sharer);
	self->sharer.task = &bind_source;
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

/* Each process has its own mapping of private memory, with its own policy */
struct mapping {
	char *mem;
	int from, to;
};

static void bind_own(void *arg)
{
	struct mapping *mapping = arg;

	bind_memory(mapping->mem, page_size(), &bind_source, mapping->from,
		    mapping->to);
}

static void bind_own_and_drop(void *arg)
{
	struct mapping *mapping = arg;

	bind_own(mapping);
	if (madvise(mapping->mem, page_size(), MADV_DONTNEED))
		die("cannot drop a page");
}

static void just_share(void *arg)
{
}

TEST(policy_of_each_mapping)
{
	void (*const roles[])(void *) = { bind_own, bind_own_and_drop };
	const int strict = MPOL_MF_STRICT | MPOL_MF_MOVE_ALL;
	struct mapping mapping;
	pid_t pids[5];
	size_t role, bound, i;
	uint64_t phys;
	int from, to;
	char *mem;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, 1, SEED);
	mapping = (struct mapping){ mem, from, to };
	for (role = 0; role < ARRAY_SIZE(roles); role++) {
		for (bound = 0; bound < ARRAY_SIZE(pids); bound += 2) {
			for (i = 0; i < ARRAY_SIZE(pids); i++)
				pids[i] = spawn(i == bound ? roles[role] :
							     just_share,
						&mapping);
			phys = phys_of(0, mem);
			EXPECT_OUTCOME(0, role ? to : -EACCES,
				       move_one(phys, to, strict));
			EXPECT_EQ(role ? to : from, node_of(0, mem));
			phys = phys_of(0, mem);
			EXPECT_OUTCOME(0, to,
				       move_one(phys, to, MPOL_MF_MOVE_ALL));
			EXPECT_EQ(to, node_of(0, mem));
			phys = phys_of(0, mem);
			EXPECT_OUTCOME(0, from,
				       move_one(phys, from, MPOL_MF_MOVE_ALL));
			for (i = 0; i < ARRAY_SIZE(pids); i++)
				reap(pids[i]);
		}
	}
	EXPECT_TRUE(intact(mem, page_size(), SEED));
}

/*
 * The policy of shared memory belongs to the object, and applies to every
 * process that maps it. Here, a process that never touched the pages sets the
 * policy of all pages but the first.
 */
FIXTURE(object)
{
	int from, to;
	char *mem;
};

FIXTURE_VARIANT(object)
{
	enum memory kind;
	bool sysv;
};

FIXTURE_VARIANT_ADD(object, shmem)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(object, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(object, tmpfs)
{
	.kind = TMPFS,
};

FIXTURE_VARIANT_ADD(object, sysv)
{
	.sysv = true,
};

static char *map_sysv(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	char *mem = id < 0 ? NULL : shmat(id, NULL, 0);

	if (!mem || mem == MAP_FAILED || shmctl(id, IPC_RMID, NULL))
		die("no shared memory of System V");
	return mem;
}

FIXTURE_SETUP(object)
{
	const size_t size = PAGES * page_size();

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(SHMEM);
	self->mem = variant->sysv ? map_sysv(size) :
				    map_memory(variant->kind, PAGES);
	touch_on(self->from, self->mem, size);
	fill(self->mem, size, SEED);
}

FIXTURE_TEARDOWN(object)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

/* Binds all pages but the first to the source node */
static void bind_rest(void *arg)
{
	FIXTURE_DATA(object) *self = arg;

	bind_memory(self->mem + page_size(), (PAGES - 1) * page_size(),
		    &bind_source, self->from, self->to);
}

static void rebind_rest(void *arg)
{
	FIXTURE_DATA(object) *self = arg;

	bind_memory(self->mem + page_size(), (PAGES - 1) * page_size(),
		    &bind_target, self->from, self->to);
}

TEST_F(object, policy)
{
	char *second = self->mem + page_size();

	reap(spawn(bind_rest, self));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, self->mem), self->to,
				MPOL_MF_STRICT));
	EXPECT_EQ(self->to, node_of(0, self->mem));
	EXPECT_OUTCOME(0, -EACCES,
		       move_one(phys_of(0, second), self->to, MPOL_MF_STRICT));
	EXPECT_EQ(self->from, node_of(0, second));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, second), self->to, 0));
	EXPECT_EQ(self->to, node_of(0, second));
	EXPECT_OUTCOME(0, self->from,
		       move_one(phys_of(0, second), self->from, 0));
	reap(spawn(rebind_rest, self));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, second), self->to, MPOL_MF_STRICT));
	EXPECT_EQ(self->to, node_of(0, second));
}

/* A policy of some pages of an object has no effect on the others */
TEST_F(object, several)
{
	struct request *req = request_new(PAGES);

	reap(spawn(bind_rest, self));
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, MPOL_MF_STRICT));
	EXPECT_EQ(self->to, req->status[0]);
	EXPECT_EQ(PAGES - 1, request_count(req, -EACCES));
	EXPECT_EQ(1, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(PAGES - 1, count_on_node(0, self->mem, PAGES, self->from));
	request_free(req);
}

/*
 * A policy of the object replaces that of the task, as any policy of memory
 * does. The first page has no policy, so the policy of the task counts.
 */
TEST_F(object, instead_of_task_policy)
{
	char *second = self->mem + page_size();

	reap(spawn(bind_rest, self));
	bind_task(&bind_target, self->from, self->to);
	EXPECT_OUTCOME(0, -EACCES,
		       move_one(phys_of(0, second), self->to, MPOL_MF_STRICT));
	EXPECT_EQ(self->from, node_of(0, second));
	bind_task(&bind_source, self->from, self->to);
	EXPECT_OUTCOME(0, -EACCES,
		       move_one(phys_of(0, self->mem), self->to,
				MPOL_MF_STRICT));
	EXPECT_EQ(self->from, node_of(0, self->mem));
}

/* Huge pages have policies, too */
#define POOL	2

FIXTURE(huge)
{
	int from, to;
	size_t size;
	char *mem;
};

FIXTURE_VARIANT(huge)
{
	int flags;	/* mmap() flags of a hugetlb mapping; 0: a THP */
};

FIXTURE_VARIANT_ADD(huge, thp)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(huge, hugetlb_private)
{
	.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
};

FIXTURE_VARIANT_ADD(huge, hugetlb_shared)
{
	.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB,
};

FIXTURE_SETUP(huge)
{
	TWO_NODES(self->from, self->to);
	if (!variant->flags) {
		self->size = thp_size();
		self->mem = alloc_thp(self->from, SEED);
		if (!self->mem)
			SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
		return;
	}
	NEEDS_HUGETLB();
	self->size = hugetlb_size();
	hugetlb_pool(self->from, POOL);
	hugetlb_pool(self->to, POOL);
	self->mem = mmap(NULL, self->size, PROT_READ | PROT_WRITE,
			 variant->flags, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	touch_on(self->from, self->mem, self->size);
	fill(self->mem, self->size, SEED);
}

FIXTURE_TEARDOWN(huge)
{
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	munmap(self->mem, self->size);
	if (variant->flags) {
		hugetlb_pool(self->from, 0);
		hugetlb_pool(self->to, 0);
	}
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(huge, policy)
{
	const size_t pages = self->size / page_size();
	/* An address in the middle of the huge page */
	char *page = self->mem + pages / 2 * page_size();

	bind_memory(self->mem, self->size, &bind_source, self->from, self->to);
	EXPECT_OUTCOME(0, -EACCES,
		       move_one(phys_of(0, page), self->to, MPOL_MF_STRICT));
	EXPECT_EQ(pages, count_on_node(0, self->mem, pages, self->from));
	EXPECT_OUTCOME(0, self->to, move_one(phys_of(0, page), self->to, 0));
	EXPECT_EQ(pages, count_on_node(0, self->mem, pages, self->to));
	EXPECT_OUTCOME(0, self->from,
		       move_one(phys_of(0, page), self->from, MPOL_MF_STRICT));
	bind_memory(self->mem, self->size, &bind_target, self->from, self->to);
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, page), self->to, MPOL_MF_STRICT));
	EXPECT_EQ(pages, count_on_node(0, self->mem, pages, self->to));
}

TEST_HARNESS_MAIN
