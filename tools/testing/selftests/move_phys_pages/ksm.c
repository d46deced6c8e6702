// SPDX-License-Identifier: GPL-2.0-only
/* A page that KSM has merged moves by the rules of any other shared page */
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	41
#define PAGES	8
#define MAX_SCANS	100
#define KSM	"/sys/kernel/mm/ksm/"

/*
 * Restored in this order: some settings cannot change once pages are merged, so
 * "run" must be the last
 */
static const char * const settings[] = {
	KSM "merge_across_nodes", KSM "use_zero_pages", KSM "smart_scan",
	KSM "pages_to_scan", KSM "sleep_millisecs", KSM "run",
};

FIXTURE(ksm)
{
	int from, to;
	char saved[ARRAY_SIZE(settings)][16];
	char *mem;
};

FIXTURE_VARIANT(ksm)
{
	const char *across_nodes;
};

FIXTURE_VARIANT_ADD(ksm, across_nodes)
{
	.across_nodes = "1",
};

FIXTURE_VARIANT_ADD(ksm, by_node)
{
	.across_nodes = "0",
};

FIXTURE_SETUP(ksm)
{
	size_t i;

	TWO_NODES(self->from, self->to);
	if (access(KSM "run", W_OK))
		SKIP_TEST("needs CONFIG_KSM");
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (!access(settings[i], R_OK))
			read_file(settings[i], self->saved[i],
				  sizeof(self->saved[i]));
	write_file(KSM "run", "2");
	write_file(KSM "merge_across_nodes", variant->across_nodes);
	write_file(KSM "use_zero_pages", "0");
	/* KSM must not skip pages. Older kernels never do, and lack the file */
	try_write_file(KSM "smart_scan", "0");
	write_file(KSM "pages_to_scan", "10000");
	write_file(KSM "sleep_millisecs", "1");
	self->mem = map_memory(ANON, PAGES);
}

FIXTURE_TEARDOWN(ksm)
{
	size_t i;

	write_file(KSM "run", "2");
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (*self->saved[i])
			write_file(settings[i], self->saved[i]);
	EXPECT_EQ(0, isolated_pages());
}

static unsigned long scans(void)
{
	char buf[32];

	read_file(KSM "full_scans", buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

static void offer(char *mem)
{
	if (madvise(mem, PAGES * page_size(), MADV_MERGEABLE))
		die("KSM does not take %p", mem);
}

static char *alloc_mergeable(int node)
{
	char *mem = alloc_memory(ANON, node, PAGES, SEED);

	offer(mem);
	return mem;
}

/*
 * Pages that were written separately share a frame only if KSM has merged them.
 * Do not look for KPF_KSM: some kernels set it for all anonymous pages.
 */
static bool merged(const char *mem, pid_t pid, const char *other)
{
	size_t i;

	for (i = 0; i < PAGES * page_size(); i += page_size())
		if (phys_of(0, mem + i) != phys_of(pid, other + i))
			return false;
	return true;
}

static unsigned long merged_pages(void)
{
	char buf[32];

	read_file("/proc/self/ksm_merging_pages", buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

/* The first scan only checks if a page changes, the second one merges it */
static void scan_until_merged(const char *mem, pid_t pid, const char *other)
{
	unsigned long start = scans(), now;

	write_file(KSM "run", "1");
	for (;;) {
		now = scans();
		if (merged(mem, pid, other))
			break;
		if (now > start + MAX_SCANS)
			die("%p is not merged", mem);
		usleep(1000);
	}
	write_file(KSM "run", "0");
}

static void scan_some(void)
{
	unsigned long start = scans();

	write_file(KSM "run", "1");
	while (scans() < start + 5)
		usleep(1000);
	write_file(KSM "run", "0");
}

static struct request *name_all(char *mem, int node)
{
	struct request *req = request_new(PAGES);

	request_set_pages(req, 0, mem, PAGES, node);
	return req;
}

#define EXPECT_ALL(_status, _mem, _node, _flags) do {			\
	struct request *__req = name_all(_mem, _node);			\
									\
	EXPECT_EQ(0, request_move(__req, _flags));			\
	EXPECT_EQ(PAGES, request_count(__req, _status));		\
	request_free(__req);						\
} while (0)

#define EXPECT_ON(_node, _pid, _mem)					\
	EXPECT_EQ(PAGES, count_on_node(_pid, _mem, PAGES, _node))

#define EXPECT_INTACT(_mem)						\
	EXPECT_TRUE(intact(_mem, PAGES * page_size(), SEED))

TEST_F(ksm, of_one_process)
{
	char *other = alloc_mergeable(self->from);
	struct request *req;
	int round, node;

	touch_on(self->from, self->mem, PAGES * page_size());
	fill(self->mem, PAGES * page_size(), SEED);
	offer(self->mem);
	scan_until_merged(self->mem, 0, other);
	for (round = 0; round < 4; round++) {
		node = round % 2 ? self->from : self->to;
		EXPECT_ALL(node, round / 2 ? other : self->mem, node, 0);
		EXPECT_ON(node, 0, self->mem);
		EXPECT_TRUE(merged(self->mem, 0, other));
		req = name_all(other, node);
		EXPECT_EQ(0, request_query(req, 0));
		EXPECT_EQ(PAGES, request_count(req, node));
		request_free(req);
	}
	EXPECT_INTACT(self->mem);
	EXPECT_INTACT(other);
}

static void fill_mergeable(void *arg)
{
	FIXTURE_DATA(ksm) *self = arg;

	touch_on(self->from, self->mem, PAGES * page_size());
	fill(self->mem, PAGES * page_size(), SEED);
	offer(self->mem);
}

/* Returns a process whose pages at the same address are merged with ours */
static pid_t spawn_merged(FIXTURE_DATA(ksm) *self)
{
	pid_t pid = spawn(fill_mergeable, self);

	fill_mergeable(self);
	scan_until_merged(self->mem, pid, self->mem);
	return pid;
}

TEST_F(ksm, of_two_processes)
{
	pid_t pid = spawn_merged(self);

	EXPECT_ALL(-EACCES, self->mem, self->to, 0);
	EXPECT_ALL(-EACCES, self->mem, self->to, MPOL_MF_STRICT);
	EXPECT_ON(self->from, 0, self->mem);
	EXPECT_ALL(self->to, self->mem, self->to, MPOL_MF_MOVE_ALL);
	EXPECT_ON(self->to, 0, self->mem);
	EXPECT_ON(self->to, pid, self->mem);
	EXPECT_TRUE(merged(self->mem, pid, self->mem));
	EXPECT_INTACT(self->mem);
	reap(pid);
	/* The pages are still KSM pages, but only one process maps them */
	EXPECT_ALL(self->from, self->mem, self->from, 0);
	EXPECT_ON(self->from, 0, self->mem);
	EXPECT_EQ(PAGES, merged_pages());
	EXPECT_INTACT(self->mem);
}

static void look(void *arg)
{
	if (!intact(arg, PAGES * page_size(), SEED))
		die("the child reads wrong contents");
}

/* KSM has never scanned the child's mapping */
TEST_F(ksm, after_fork)
{
	char *other = alloc_mergeable(self->from);
	pid_t pid;

	fill_mergeable(self);
	scan_until_merged(self->mem, 0, other);
	pid = spawn(look, self->mem);
	EXPECT_ALL(-EACCES, self->mem, self->to, 0);
	EXPECT_ALL(self->to, other, self->to, MPOL_MF_MOVE_ALL);
	EXPECT_ON(self->to, 0, self->mem);
	EXPECT_ON(self->to, pid, self->mem);
	EXPECT_ON(self->to, pid, other);
	EXPECT_TRUE(merged(self->mem, pid, other));
	reap(pid);
	EXPECT_INTACT(self->mem);
	EXPECT_INTACT(other);
}

TEST_F(ksm, written)
{
	pid_t pid = spawn_merged(self);

	/* Writing unmerges our pages. Those of the child remain KSM pages */
	touch_on(self->from, self->mem, PAGES * page_size());
	fill(self->mem, PAGES * page_size(), SEED);
	ASSERT_NE(phys_of(pid, self->mem), phys_of(0, self->mem));
	EXPECT_ALL(self->to, self->mem, self->to, 0);
	EXPECT_ON(self->to, 0, self->mem);
	EXPECT_ON(self->from, pid, self->mem);
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(pid, self->mem), self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	EXPECT_INTACT(self->mem);
	reap(pid);
}

TEST_F(ksm, unmerged)
{
	pid_t pid = spawn_merged(self);

	EXPECT_EQ(PAGES, merged_pages());
	write_file(KSM "run", "2");
	EXPECT_EQ(0, merged_pages());
	EXPECT_FALSE(merged(self->mem, pid, self->mem));
	EXPECT_ALL(self->to, self->mem, self->to, 0);
	EXPECT_ON(self->to, 0, self->mem);
	EXPECT_INTACT(self->mem);
	reap(pid);
}

/* After a move, KSM finds its page and merges others with it. */
TEST_F(ksm, merges_after_move)
{
	char *same = alloc_mergeable(self->from);
	char *third;

	fill_mergeable(self);
	scan_until_merged(self->mem, 0, same);
	EXPECT_ALL(self->to, self->mem, self->to, 0);
	/*
	 * If KSM merges by node, it must first see that the pages are on
	 * another node now
	 */
	scan_some();
	third = alloc_mergeable(self->to);
	scan_until_merged(self->mem, 0, third);
	EXPECT_ON(self->to, 0, same);
	EXPECT_ON(self->to, 0, third);
	EXPECT_ALL(self->from, third, self->from, 0);
	EXPECT_ON(self->from, 0, self->mem);
	EXPECT_INTACT(self->mem);
	EXPECT_INTACT(same);
	EXPECT_INTACT(third);
}

/* The contents are merged on each node, and the two pages swap nodes */
TEST_F(ksm, swap_nodes)
{
	char *near[2], *far[2];
	struct request *req;
	int i;

	if (*variant->across_nodes != '0')
		return;
	for (i = 0; i < 2; i++) {
		near[i] = alloc_mergeable(self->from);
		far[i] = alloc_mergeable(self->to);
	}
	scan_until_merged(near[0], 0, near[1]);
	scan_until_merged(far[0], 0, far[1]);
	ASSERT_FALSE(merged(near[0], 0, far[0]));
	req = request_new(2 * PAGES);
	request_set_pages(req, 0, near[0], PAGES, self->to);
	request_set_pages(req, PAGES, far[1], PAGES, self->from);
	EXPECT_EQ(0, request_move(req, 0));
	for (i = 0; i < 2; i++) {
		EXPECT_ON(self->to, 0, near[i]);
		EXPECT_ON(self->from, 0, far[i]);
	}
	scan_some();
	for (i = 0; i < 2; i++) {
		EXPECT_ON(self->to, 0, near[i]);
		EXPECT_ON(self->from, 0, far[i]);
		EXPECT_INTACT(near[i]);
		EXPECT_INTACT(far[i]);
	}
}

/* KSM replaces pages of zeroes by the zero page, which cannot move */
TEST_F(ksm, zero_page)
{
	unsigned long start, now;
	uint64_t phys;
	size_t i;
	int flags;

	write_file(KSM "use_zero_pages", "1");
	touch_on(self->from, self->mem, PAGES * page_size());
	memset(self->mem, 0, PAGES * page_size());
	offer(self->mem);
	start = scans();
	write_file(KSM "run", "1");
	for (i = 0; i < PAGES; i++) {
		for (;;) {
			now = scans();
			if (page_has(phys_of(0, self->mem + i * page_size()),
				     KPF_ZERO_PAGE))
				break;
			ASSERT_GE(start + MAX_SCANS, now);
			usleep(1000);
		}
	}
	write_file(KSM "run", "0");
	phys = phys_of(0, self->mem);
	EXPECT_OUTCOME(0, -EFAULT, query_one(phys));
	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_ALL(-EFAULT, self->mem, self->from, flags);
		EXPECT_ALL(-EFAULT, self->mem, self->to, flags);
	}
	EXPECT_EQ(phys, phys_of(0, self->mem));
	for (i = 0; i < PAGES * page_size(); i++)
		ASSERT_EQ(0, self->mem[i]);
}

TEST_HARNESS_MAIN
