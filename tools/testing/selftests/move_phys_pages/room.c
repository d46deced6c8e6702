// SPDX-License-Identifier: GPL-2.0-only
/* A node without room keeps nobody else from moving */
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	19
#define PAGES	16384

/* Huge pages in the pool of the target leave it almost no other memory. */
FIXTURE(room)
{
	int from, to;
	size_t back;
	char *mem, *other;
};

FIXTURE_SETUP(room)
{
	TWO_NODES(self->from, self->to);
	self->back = 100;
	self->mem = alloc_memory(ANON, self->from, PAGES, SEED);
	self->other = alloc_memory(ANON, self->to, self->back, SEED + 1);
	hugetlb_pool(self->to, 1 << 20);
}

FIXTURE_TEARDOWN(room)
{
	hugetlb_pool(self->to, 0);
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_TRUE(intact(self->other, self->back * page_size(), SEED + 1));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(room, others_still_move)
{
	struct request *req = request_new(PAGES + self->back);
	size_t moved;
	long left;

	request_set_pages(req, 0, self->mem, PAGES, self->to);
	request_set_pages(req, PAGES, self->other, self->back, self->from);
	left = request_move(req, 0);
	EXPECT_LT(0, left);
	EXPECT_EQ(left, request_count(req, -ENOMEM));
	moved = request_count(req, self->to);
	EXPECT_EQ(moved, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(PAGES, moved + left);
	EXPECT_EQ(self->back, request_count(req, self->from));
	EXPECT_EQ(self->back,
		  count_on_node(0, self->other, self->back, self->from));

	/* With room, those that are left follow. */
	hugetlb_pool(self->to, 0);
	req->count = PAGES;
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
}

TEST_F(room, of_huge_pages)
{
	size_t pages = thp_size() / page_size();
	struct request *req = request_new(pages);
	char *mem = alloc_thp(self->from, SEED);

	if (!mem)
		SKIP(return, "needs transparent huge pages");
	request_set_pages(req, 0, mem, pages, self->to);
	/* As a whole or in pieces: all of it has one status, and it is true. */
	if (request_move(req, 0)) {
		EXPECT_EQ(pages, request_count(req, -ENOMEM));
		EXPECT_GT(pages, count_on_node(0, mem, pages, self->to));
	} else {
		EXPECT_EQ(pages, request_count(req, self->to));
		EXPECT_EQ(pages, count_on_node(0, mem, pages, self->to));
	}
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

TEST_HARNESS_MAIN
