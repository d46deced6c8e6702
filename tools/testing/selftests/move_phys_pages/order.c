// SPDX-License-Identifier: GPL-2.0-only
/*
 * If there are several reasons why a page does not move, the first of these
 * determines its status: it is on the target already, it is locked, the move is
 * not allowed, it is pinned, its filesystem cannot move it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	61

enum refusal { PINNED, LOCKED, DIRTY };

FIXTURE(order)
{
	int from, to;
	char dir[DIR_SIZE];
	bool mounted;
	char *mem;
	uint64_t phys;
	int ring;
	pid_t sharer, holder;
};

FIXTURE_VARIANT(order)
{
	enum refusal refusal;
	int status;	/* if the page may go to the target */
	int not_allowed;	/* the status if it may not go there */
};

FIXTURE_VARIANT_ADD(order, pinned)
{
	.refusal = PINNED,
	.status = -EBUSY,
	.not_allowed = -EACCES,
};

FIXTURE_VARIANT_ADD(order, locked)
{
	.refusal = LOCKED,
	.status = -EBUSY,
	.not_allowed = -EBUSY,
};

FIXTURE_VARIANT_ADD(order, dirty)
{
	.refusal = DIRTY,
	.status = -EINVAL,
	.not_allowed = -EACCES,
};

/* Maps a file of a new filesystem, whose page will be on the node of this CPU */
static bool map_own_file(FIXTURE_DATA(order) *self, const char *type,
			 const char *name)
{
	self->mounted = mount_temp(self->dir, type, NULL);
	if (self->mounted)
		self->mem = map_temp(self->dir, name, 1);
	return self->mounted;
}

/*
 * Starts a process that writes to the page. The filesystem keeps the page
 * locked until the process is killed
 */
static void lock_page(struct __test_metadata *_metadata, FIXTURE_DATA(order) *self)
{
	self->holder = fork();
	ASSERT_LE(0, self->holder);
	if (!self->holder) {
		*self->mem = 1;
		_exit(0);
	}
	while (!page_has(phys_of(0, self->mem), KPF_LOCKED))
		ASSERT_EQ(0, waitpid(self->holder, NULL, WNOHANG));
}

static void map_it(void *mem)
{
	peek(mem);
}

FIXTURE_SETUP(order)
{
	uint64_t count;

	TWO_NODES(self->from, self->to);
	if (variant->refusal == PINNED) {
		NEEDS_KIND(SHMEM);
		self->mem = alloc_memory(SHMEM, self->from, 1, SEED);
		self->ring = ring_pin(self->mem, page_size());
		if (self->ring < 0)
			SKIP_TEST("needs CONFIG_IO_URING");
	} else {
		if (variant->refusal == LOCKED &&
		    !map_own_file(self, "migrate_phys_fs", "locked"))
			SKIP_TEST("needs CONFIG_MIGRATE_PHYS_TEST_FS");
		if (variant->refusal == DIRTY) {
			ASSERT_TRUE(map_own_file(self, "ramfs", "file"));
			*self->mem = 1;
		}
		peek(self->mem);
		if (node_of(0, self->mem) == self->to) {
			self->to = self->from;
			self->from = node_of(0, self->mem);
		}
		drain_lru_batches(self->mem);
	}
	self->phys = phys_of(0, self->mem);
	self->sharer = spawn(map_it, self->mem);
	ASSERT_TRUE(page_mapcount(self->phys, &count));
	ASSERT_EQ(2, count);
	if (variant->refusal == LOCKED)
		lock_page(_metadata, self);
}

FIXTURE_TEARDOWN(order)
{
	if (variant->refusal == PINNED)
		ring_unpin(self->ring);
	if (self->holder)
		reap(self->holder);
	reap(self->sharer);
	EXPECT_EQ(0, munmap(self->mem, page_size()));
	if (self->mounted)
		EXPECT_TRUE(unmount_temp(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

/* Returns what the call returns if its only entry gets this status */
static long counted(int status)
{
	return status == -EBUSY || status == -EINVAL;
}

#define EXPECT_STATUS(_status, _outcome) do {				\
	int __status = (_status);					\
									\
	EXPECT_OUTCOME(counted(__status), __status, _outcome);		\
} while (0)

TEST_F(order, allowed)
{
	EXPECT_STATUS(variant->status,
		      move_one(self->phys, self->to, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->phys, phys_of(0, self->mem));
}

TEST_F(order, there_already)
{
	EXPECT_OUTCOME(0, self->from, move_one(self->phys, self->from, 0));
	EXPECT_OUTCOME(0, self->from, query_one(self->phys));
}

TEST_F(order, shared)
{
	EXPECT_STATUS(variant->not_allowed, move_one(self->phys, self->to, 0));
}

TEST_F(order, excluded_by_its_policy)
{
	const int flags = MPOL_MF_MOVE_ALL | MPOL_MF_STRICT;
	unsigned long mask = 1UL << self->from;

	ASSERT_EQ(0, syscall(__NR_mbind, self->mem, page_size(), MPOL_BIND,
			     &mask, 8 * sizeof(mask) + 1, 0));
	EXPECT_STATUS(variant->not_allowed,
		      move_one(self->phys, self->to, flags));
	EXPECT_OUTCOME(0, self->from, move_one(self->phys, self->from, flags));
}

/* The cpuset of one process allows only the node where the page is. */
#define ROOT	"/sys/fs/cgroup"

TEST_F(order, not_in_a_cpuset)
{
	char dir[64];

	if (!try_write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		SKIP(return, "needs CONFIG_CPUSETS");
	snprintf(dir, sizeof(dir), ROOT "/mpp-%d", getpid());
	ASSERT_EQ(0, mkdir(dir, 0755));
	write_in(dir, "cpuset.mems", "%d", self->from);
	write_in(dir, "cgroup.procs", "%d", self->sharer);
	EXPECT_STATUS(variant->not_allowed, move_one(self->phys, self->to,
						     MPOL_MF_MOVE_ALL));
	EXPECT_OUTCOME(0, self->from, move_one(self->phys, self->from,
					       MPOL_MF_MOVE_ALL));
	write_in(ROOT, "cgroup.procs", "%d", self->sharer);
	EXPECT_TRUE(remove_cgroup(dir));
}

TEST_HARNESS_MAIN
