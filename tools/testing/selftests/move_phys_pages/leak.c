// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call leaves no page isolated or with a reference, and loses none, whatever
 * its result
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	31
#define PAGES	64UL
#define ROUNDS	50
#define KILLS	60

FIXTURE(leak)
{
	int from, to;
	char *mem;
	char *thp;
	struct request *req;
};

FIXTURE_VARIANT(leak)
{
	enum memory kind;
};

FIXTURE_VARIANT_ADD(leak, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(leak, memfd)
{
	.kind = MEMFD,
};

static void name_all(struct request *req, const char *mem, const char *thp,
		     int node)
{
	request_set_pages(req, 0, mem, PAGES, node);
	request_set(req, PAGES, phys_of(0, thp + page_size()), node);
}

FIXTURE_SETUP(leak)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	self->mem = alloc_memory(variant->kind, self->from, PAGES, SEED);
	self->thp = alloc_thp(self->from, SEED);
	if (!self->thp)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	self->req = request_new(PAGES + 1);
	name_all(self->req, self->mem, self->thp, self->to);
}

/* A page that is still isolated or has an extra reference would not move */
FIXTURE_TEARDOWN(leak)
{
	unsigned long i;
	uint64_t count;

	EXPECT_EQ(0, isolated_pages());
	name_all(self->req, self->mem, self->thp, self->to);
	EXPECT_EQ(0, request_move(self->req, 0));
	name_all(self->req, self->mem, self->thp, self->from);
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(PAGES + 1, request_count(self->req, self->from));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));
	EXPECT_EQ(self->from, node_of(0, self->thp));
	name_all(self->req, self->mem, self->thp, self->from);
	EXPECT_EQ(0, isolated_pages());
	drain_lru_batches(self->mem);
	for (i = 0; i < PAGES; i++) {
		EXPECT_TRUE(page_has(self->req->pages[i], KPF_LRU));
		EXPECT_TRUE(page_mapcount(self->req->pages[i], &count));
		EXPECT_EQ(1, count);
	}
	EXPECT_TRUE(page_has(phys_of(0, self->thp), KPF_LRU));
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_TRUE(intact(self->thp, thp_size(), SEED));
}

TEST_F(leak, moved)
{
	int round, node;

	for (round = 0; round < ROUNDS; round++) {
		node = round % 2 ? self->from : self->to;
		name_all(self->req, self->mem, self->thp, node);
		ASSERT_EQ(0, request_move(self->req, 0));
	}
}

TEST_F(leak, queried)
{
	int round;

	for (round = 0; round < ROUNDS; round++)
		ASSERT_EQ(0, request_query(self->req, 0));
	EXPECT_EQ(PAGES + 1, request_count(self->req, self->from));
}

static void read_all(void *arg)
{
	FIXTURE_DATA(leak) *self = arg;

	if (!intact(self->mem, PAGES * page_size(), SEED))
		die("the child reads wrong contents");
}

TEST_F(leak, refused)
{
	pid_t pid = spawn(read_all, self);
	int round;

	for (round = 0; round < ROUNDS; round++)
		ASSERT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(PAGES + 1, request_count(self->req, -EACCES));
	reap(pid);
}

TEST_F(leak, busy)
{
	struct iovec iov[2] = {
		{ .iov_base = self->mem, .iov_len = 4 * page_size() },
		{ .iov_base = self->thp, .iov_len = page_size() },
	};
	char *buf = map_memory(ANON, 5);
	int fds[2], round;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(5 * page_size(), vmsplice(fds[1], iov, 2, 0));
	for (round = 0; round < 20; round++) {
		ASSERT_EQ(5, request_move(self->req, 0));
		ASSERT_EQ(5, request_count(self->req, -EBUSY));
	}
	ASSERT_EQ(5 * page_size(), read(fds[0], buf, 5 * page_size()));
	close(fds[0]);
	close(fds[1]);
}

/* The statuses cannot be written. Pages may have moved, and none is held */
TEST_F(leak, faulted)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		name_all(self->req, self->mem, self->thp,
			 round % 2 ? self->from : self->to);
		ASSERT_EQ(-EFAULT, move_phys_pages(PAGES + 1, self->req->pages,
						   self->req->nodes, NULL, 0));
	}
}

TEST_F(leak, wrong_node)
{
	int round;

	self->req->nodes[PAGES] = node_without_memory();
	for (round = 0; round < ROUNDS; round++)
		ASSERT_EQ(-ENODEV, request_move(self->req, 0));
}

/*
 * The caller is killed while its pages are collected for a move. Its other
 * entries have the same pages, so that the call takes long enough.
 */
TEST_F(leak, killed)
{
	const unsigned long count = 8192;
	struct request *req = request_new(count);
	int *begun = (int *)map_memory(SHMEM, 1);
	unsigned long i, spin;
	uint32_t random = SEED;
	int round;
	pid_t pid;

	for (round = 0; round < KILLS; round++) {
		name_all(self->req, self->mem, self->thp,
			 round % 2 ? self->from : self->to);
		for (i = 0; i < count; i++)
			request_set(req, i, self->req->pages[i % (PAGES + 1)],
				    self->req->nodes[0]);
		*begun = 0;
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			__atomic_store_n(begun, 1, __ATOMIC_SEQ_CST);
			request_move(req, MPOL_MF_MOVE_ALL);
			_exit(0);
		}
		while (!__atomic_load_n(begun, __ATOMIC_SEQ_CST))
			;
		for (spin = next_random(&random) % (1 << 14); spin; spin--)
			peek((char *)begun);
		reap(pid);
	}
	munmap(begun, page_size());
	request_free(req);
}

/* If moves leaked old or new frames, more memory would be missing */
TEST(memory_is_given_back)
{
	const unsigned long pages = 2000, rounds = 20;
	struct request *req = request_new(pages);
	unsigned long before, after, round;
	int from, to, node;
	char *mem;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, pages, SEED);
	before = free_frames();
	for (round = 0; round < rounds; round++) {
		node = round % 2 ? from : to;
		request_set_pages(req, 0, mem, pages, node);
		ASSERT_EQ(0, request_move(req, 0));
		ASSERT_EQ(pages, request_count(req, node));
	}
	after = free_frames();
	EXPECT_LT(before, after + pages);
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

enum calls { MOVES, QUERIES, REFUSALS, FAULTS, WRONG_NODES };

/* Each call allocates memory, and many calls would show if it leaked */
static long small_call(enum calls kind, struct request *req)
{
	switch (kind) {
	case QUERIES:
		return request_query(req, 0);
	case FAULTS:
		return move_phys_pages(1, req->pages, req->nodes, NULL, 0);
	default:
		return request_move(req, 0);
	}
}

FIXTURE(small)
{
	int from, to;
	char *mem;
	pid_t sharer;
	struct request *req;
};

FIXTURE_VARIANT(small)
{
	enum calls calls;
	long ret;
};

FIXTURE_VARIANT_ADD(small, moves)
{
	.calls = MOVES,
};

FIXTURE_VARIANT_ADD(small, queries)
{
	.calls = QUERIES,
};

FIXTURE_VARIANT_ADD(small, refusals)
{
	.calls = REFUSALS,
};

FIXTURE_VARIANT_ADD(small, faults)
{
	.calls = FAULTS,
	.ret = -EFAULT,
};

FIXTURE_VARIANT_ADD(small, wrong_nodes)
{
	.calls = WRONG_NODES,
	.ret = -ENODEV,
};

static void read_page(void *mem)
{
	if (!intact(mem, page_size(), SEED))
		die("the child reads wrong contents");
}

FIXTURE_SETUP(small)
{
	TWO_NODES(self->from, self->to);
	self->mem = alloc_memory(ANON, self->from, 1, SEED);
	if (variant->calls == REFUSALS)
		self->sharer = spawn(read_page, self->mem);
	self->req = request_new(1);
}

FIXTURE_TEARDOWN(small)
{
	if (self->sharer)
		reap(self->sharer);
}

TEST_F(small, calls_give_memory_back)
{
	unsigned long before = free_frames(), after;
	const unsigned long calls = 1000;
	unsigned long i;
	int node;

	for (i = 0; i < calls; i++) {
		node = i % 2 ? self->from : self->to;
		if (variant->calls == WRONG_NODES)
			node = -1;
		request_set_pages(self->req, 0, self->mem, 1, node);
		ASSERT_EQ(variant->ret, small_call(variant->calls, self->req));
	}
	after = free_frames();
	EXPECT_LT(before, after + calls);
}

/*
 * Counts the address spaces. Those that calls have checked are freed when their
 * processes end
 */
static unsigned long address_spaces(void)
{
	static char buf[1 << 16];
	char *line;

	if (access("/proc/slabinfo", R_OK))
		return 0;
	read_file("/proc/slabinfo", buf, sizeof(buf));
	line = strstr(buf, "\nmm_struct ");
	return line ? strtoul(line + strlen("\nmm_struct "), NULL, 10) : 0;
}

/* KASAN keeps freed objects for a while, so compare with a run without the call */
TEST(address_spaces_are_let_go)
{
	const unsigned long processes = 200;
	unsigned long count[3], i;
	struct request *req;
	int from, to, moves;
	char *mem;
	pid_t pid;

	TWO_NODES(from, to);
	count[0] = address_spaces();
	if (!count[0])
		SKIP(return, "needs CONFIG_SLUB_DEBUG");
	mem = alloc_memory(ANON, from, 1, SEED);
	req = request_new(1);
	for (moves = 0; moves < 2; moves++) {
		for (i = 0; i < processes; i++) {
			pid = spawn(read_page, mem);
			request_set_pages(req, 0, mem, 1, i % 2 ? from : to);
			if (moves)
				ASSERT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
			reap(pid);
		}
		count[moves + 1] = address_spaces();
	}
	EXPECT_LT(count[2] + count[0], 2 * count[1] + processes / 2);
}

TEST_HARNESS_MAIN
