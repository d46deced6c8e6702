// SPDX-License-Identifier: GPL-2.0-only
/* Whatever a call has come to, it leaves no page isolated, held or lost */
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
	self->mem = alloc_memory(variant->kind, self->from, PAGES, SEED);
	self->thp = alloc_thp(self->from, SEED);
	if (!self->thp)
		SKIP(return, "no transparent huge pages");
	self->req = request_new(PAGES + 1);
	name_all(self->req, self->mem, self->thp, self->to);
}

/* Every page is on its list, and moves, which it does not while it is held */
FIXTURE_TEARDOWN(leak)
{
	unsigned long i;

	EXPECT_EQ(0, isolated_pages());
	name_all(self->req, self->mem, self->thp, self->to);
	EXPECT_EQ(0, request_move(self->req, 0));
	name_all(self->req, self->mem, self->thp, self->from);
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(PAGES + 1, request_count(self->req, self->from));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));
	EXPECT_EQ(self->from, node_of(0, self->thp));
	EXPECT_EQ(0, isolated_pages());
	drain_lru_batches(self->mem);
	for (i = 0; i < PAGES; i++)
		EXPECT_TRUE(page_has(phys_of(0, self->mem + i * page_size()),
				     KPF_LRU));
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
		die("other contents");
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

/* The statuses cannot be written: what has moved has, and all are let go */
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

/* Free frames wait on lists of each CPU, too, and many may do so at a time. */
static unsigned long free_pages(void)
{
	static char buf[1 << 17];
	unsigned long sum = 0;
	char *line, *save;

	try_write_file("/proc/sys/vm/stat_refresh", "1");
	read_file("/proc/zoneinfo", buf, sizeof(buf));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " ");
		if (!strncmp(line, "nr_free_pages ", 14) ||
		    !strncmp(line, "count: ", 7))
			sum += strtoul(strchr(line, ' '), NULL, 10);
	}
	return sum;
}

/* If moves lost their old frames, or their new ones, more would be missing */
TEST(memory_is_given_back)
{
	const unsigned long pages = 2000, rounds = 20;
	struct request *req = request_new(pages);
	unsigned long before, after, round;
	int from, to, node;
	char *mem;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, pages, SEED);
	before = free_pages();
	for (round = 0; round < rounds; round++) {
		node = round % 2 ? from : to;
		request_set_pages(req, 0, mem, pages, node);
		ASSERT_EQ(0, request_move(req, 0));
		ASSERT_EQ(pages, request_count(req, node));
	}
	after = free_pages();
	EXPECT_LT(before, after + pages);
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

TEST_HARNESS_MAIN
