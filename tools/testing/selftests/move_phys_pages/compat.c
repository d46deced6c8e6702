// SPDX-License-Identifier: GPL-2.0-only
/* Addresses have 64 bits also in calls of 32-bit programs */
#include "../kselftest_harness.h"
#include "util.h"

#define PAGES	64
#define SEED	7
#define LOW	(BIT(32) - 1)

FIXTURE(compat)
{
	struct request *req;
	int from, to;
	char *mem;
};

static bool beyond_32_bits(const struct request *req)
{
	unsigned long i;

	for (i = 0; i < req->count; i++)
		if (req->pages[i] <= LOW)
			return false;
	return true;
}

FIXTURE_SETUP(compat)
{
	/* Use the second node, since the first one also has memory below 4 GiB */
	TWO_NODES(self->to, self->from);
	self->mem = alloc_memory(ANON, self->from, PAGES, SEED);
	self->req = request_new(PAGES);
	request_set_pages(self->req, 0, self->mem, PAGES, self->to);
	if (!beyond_32_bits(self->req))
		SKIP_TEST("needs memory above 4 GiB");
}

FIXTURE_TEARDOWN(compat)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(compat, query)
{
	EXPECT_EQ(0, request_query(self->req, 0));
	EXPECT_EQ(PAGES, request_count(self->req, self->from));
}

TEST_F(compat, move)
{
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(PAGES, request_count(self->req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));

	request_set_pages(self->req, 0, self->mem, PAGES, self->from);
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(PAGES, request_count(self->req, self->from));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));
	request_set_pages(self->req, 0, self->mem, PAGES, self->to);
	EXPECT_TRUE(beyond_32_bits(self->req));
}

/* The low half of an address is that of another frame, or of none */
TEST_F(compat, low_half)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		self->req->pages[i] &= LOW;
	EXPECT_EQ(0, request_query(self->req, 0));
	EXPECT_EQ(0, request_count(self->req, self->from));
}

TEST_HARNESS_MAIN
