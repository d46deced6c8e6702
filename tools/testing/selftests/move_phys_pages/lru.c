// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages in an LRU batch of another CPU move at once. A call drains the batches
 * of other CPUs only if one of its pages may be in one.
 */
#include <fcntl.h>
#include <sched.h>
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	37
#define PAGES	4
/*
 * Retry, because a task that exits or allocates memory on a CPU may drain the
 * batches of that CPU
 */
#define TRIES	100

enum batch { ADD, ACTIVATE, DEACTIVATE, LAZYFREE, MLOCK, MLOCK_NEW };

FIXTURE(batch)
{
	int from, to;
	int cpu, other_cpu;
	char *mem;
	pid_t pid;
};

/* @drained is the value of the page flag @kpf once the batch is drained */
FIXTURE_VARIANT(batch)
{
	enum batch batch;
	enum memory kind;
	int kpf;
	bool drained;
};

FIXTURE_VARIANT_ADD(batch, add)
{
	.batch = ADD,
	.kind = ANON,
	.kpf = KPF_LRU,
	.drained = true,
};

FIXTURE_VARIANT_ADD(batch, add_memfd)
{
	.batch = ADD,
	.kind = MEMFD,
	.kpf = KPF_LRU,
	.drained = true,
};

FIXTURE_VARIANT_ADD(batch, activate)
{
	.batch = ACTIVATE,
	.kind = ANON,
	.kpf = KPF_ACTIVE,
	.drained = true,
};

FIXTURE_VARIANT_ADD(batch, deactivate)
{
	.batch = DEACTIVATE,
	.kind = ANON,
	.kpf = KPF_ACTIVE,
	.drained = false,
};

FIXTURE_VARIANT_ADD(batch, lazyfree)
{
	.batch = LAZYFREE,
	.kind = ANON,
	.kpf = KPF_SWAPBACKED,
	.drained = false,
};

FIXTURE_VARIANT_ADD(batch, mlock)
{
	.batch = MLOCK,
	.kind = MEMFD,
	.kpf = KPF_UNEVICTABLE,
	.drained = true,
};

FIXTURE_VARIANT_ADD(batch, mlock_new)
{
	.batch = MLOCK_NEW,
	.kind = ANON,
	.kpf = KPF_UNEVICTABLE,
	.drained = true,
};

/* Marks the pages as accessed; the second time makes them active */
static void access_by_kernel(const char *mem)
{
	int fd = open("/proc/self/mem", O_RDONLY);
	int i;
	char byte;

	for (i = 0; i < PAGES; i++)
		if (pread(fd, &byte, 1, (uintptr_t)mem + i * page_size()) != 1)
			die("cannot read /proc/self/mem");
	close(fd);
}

static void advise(char *mem, int advice)
{
	if (madvise(mem, PAGES * page_size(), advice))
		die("madvise %d", advice);
}

static void lock_on_fault(char *mem)
{
	if (mlock2(mem, PAGES * page_size(), MLOCK_ONFAULT))
		die("mlock2");
}

struct parking {
	enum batch batch;
	int cpu, node;
	char *mem;
};

static void park(void *arg)
{
	const struct parking *parking = arg;
	char *mem = parking->mem;

	run_on(parking->cpu);
	/*
	 * The pages must be in the page cache and on an LRU list before they
	 * are locked
	 */
	if (parking->batch == MLOCK) {
		touch_on(parking->node, mem, PAGES * page_size());
		fill(mem, PAGES * page_size(), SEED);
		drain_lru_batches(mem);
		advise(mem, MADV_DONTNEED);
		lock_on_fault(mem);
		if (!intact(mem, PAGES * page_size(), SEED))
			die("the locked pages have wrong contents");
		return;
	}
	if (parking->batch == MLOCK_NEW)
		lock_on_fault(mem);
	touch_on(parking->node, mem, PAGES * page_size());
	fill(mem, PAGES * page_size(), SEED);
	if (parking->batch == ADD || parking->batch == MLOCK_NEW)
		return;
	drain_lru_batches(mem);
	if (parking->batch == LAZYFREE) {
		advise(mem, MADV_FREE);
		return;
	}
	access_by_kernel(mem);
	access_by_kernel(mem);
	if (parking->batch == ACTIVATE)
		return;
	drain_lru_batches(mem);
	advise(mem, MADV_COLD);
}

#define LRU_GEN	"/sys/kernel/mm/lru_gen/enabled"

/* The multi-generational LRU has no active list, and sets no active flag. */
static bool flag_is_used(const FIXTURE_VARIANT(batch) *variant)
{
	char enabled[16] = "0";

	if (variant->kpf == KPF_ACTIVE && !access(LRU_GEN, F_OK))
		read_file(LRU_GEN, enabled, sizeof(enabled));
	return !(strtoul(enabled, NULL, 16) & 1);
}

static int count_flagged(FIXTURE_DATA(batch) *self, int kpf, bool set)
{
	int i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += page_has(phys_of(self->pid, self->mem + i * page_size()),
			      kpf) == set;
	return n;
}

/* Retries until the pages are in the batch; gives up after TRIES attempts */
static bool park_pages(FIXTURE_DATA(batch) *self,
		       const FIXTURE_VARIANT(batch) *variant)
{
	struct parking parking = {
		.batch = variant->batch,
		.cpu = self->other_cpu,
		.node = self->from,
	};
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		self->mem = map_memory(variant->kind, PAGES);
		parking.mem = self->mem;
		self->pid = spawn(park, &parking);
		if (!flag_is_used(variant) ||
		    count_flagged(self, variant->kpf, !variant->drained) ==
		    PAGES)
			return true;
		reap(self->pid);
		munmap(self->mem, PAGES * page_size());
	}
	return false;
}

static struct request *name_parked(FIXTURE_DATA(batch) *self)
{
	struct request *req = request_new(PAGES);
	int i;

	for (i = 0; i < PAGES; i++)
		request_set(req, i,
			    phys_of(self->pid, self->mem + i * page_size()),
			    self->to);
	return req;
}

FIXTURE_SETUP(batch)
{
	int cpus[2];

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (allowed_cpus(cpus, 2) < 2)
		SKIP_TEST("needs two CPUs");
	self->cpu = cpus[0];
	self->other_cpu = cpus[1];
	run_on(self->cpu);
	if (!park_pages(self, variant))
		SKIP_TEST("needs pages that wait in LRU batches");
}

FIXTURE_TEARDOWN(batch)
{
	if (self->pid)
		reap(self->pid);
	EXPECT_EQ(0, isolated_pages());
}

static bool child_has(pid_t pid, const char *mem, uint32_t seed)
{
	size_t size = PAGES * page_size();
	char path[32], *copy = malloc(size);
	bool same;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (!copy || pread(fd, copy, size, (uintptr_t)mem) != (ssize_t)size)
		die("cannot read %s", path);
	same = intact(copy, size, seed);
	close(fd);
	free(copy);
	return same;
}

/* After a drain, the pages of the batch are on LRU lists of the same node */
TEST_F(batch, waits)
{
	drain_lru_batches(alloc_memory(ANON, self->from, 1, SEED));
	if (flag_is_used(variant))
		EXPECT_EQ(PAGES, count_flagged(self, variant->kpf,
					       variant->drained));
	EXPECT_EQ(PAGES, count_flagged(self, KPF_LRU, true));
	EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES,
				       self->from));
}

TEST_F(batch, moves)
{
	struct request *req = name_parked(self);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES, self->to));
	drain_lru_batches(alloc_memory(ANON, self->from, 1, SEED));
	EXPECT_EQ(PAGES, count_flagged(self, KPF_LRU, true));
	EXPECT_TRUE(child_has(self->pid, self->mem, SEED));
}

/* Many entries for pages in a batch, behind those of other pages */
TEST_F(batch, moves_with_others)
{
	const unsigned long others = 1500;
	char *mem = alloc_memory(ANON, self->from, others, SEED);
	struct request *req = request_new(others + 4 * PAGES);
	struct request *parked = name_parked(self);
	unsigned long i;

	request_set_pages(req, 0, mem, others, self->to);
	for (i = 0; i < 4 * PAGES; i++)
		request_set(req, others + i, parked->pages[i % PAGES],
			    self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(req->count, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES, self->to));
	EXPECT_EQ(others, count_on_node(0, mem, others, self->to));
	EXPECT_TRUE(intact(mem, others * page_size(), SEED));
	EXPECT_TRUE(child_has(self->pid, self->mem, SEED));
}

static void query_parked(FIXTURE_DATA(batch) *self)
{
	struct request *req = name_parked(self);

	if (request_query(req, 0) || request_count(req, self->from) != PAGES)
		die("pages are on another node");
	request_free(req);
}

static void move_pages_to(char *mem, int node)
{
	struct request *req = request_new(PAGES);

	request_set_pages(req, 0, mem, PAGES, node);
	if (request_move(req, 0) || request_count(req, node) != PAGES)
		die("pages have not moved");
	request_free(req);
}

/*
 * Queries, pages on LRU lists and pages in a batch of this CPU are no reason to
 * drain the batches of other CPUs. A call that drains them would do so each
 * time, so a single round in which they keep their pages is proof.
 */
TEST_F(batch, left_alone)
{
	char *listed = alloc_memory(ANON, self->from, PAGES, SEED);
	int tries, left = 0;
	char *fresh;

	/* Only the flag tells whether pages are still in a batch. */
	if (!flag_is_used(variant))
		return;
	/* The child must not share these pages */
	ASSERT_EQ(0, madvise(listed, PAGES * page_size(), MADV_DONTFORK));
	for (tries = 0; tries < TRIES && left != PAGES; tries++) {
		reap(self->pid);
		self->pid = 0;
		drain_lru_batches(listed);
		ASSERT_TRUE(park_pages(self, variant));
		fresh = alloc_memory(ANON, self->from, PAGES, SEED);
		query_parked(self);
		move_pages_to(listed, tries % 2 ? self->from : self->to);
		move_pages_to(fresh, self->to);
		left = count_flagged(self, variant->kpf, !variant->drained);
		ASSERT_TRUE(intact(fresh, PAGES * page_size(), SEED));
		munmap(fresh, PAGES * page_size());
	}
	EXPECT_EQ(PAGES, left);
	EXPECT_TRUE(intact(listed, PAGES * page_size(), SEED));
}

TEST_HARNESS_MAIN
