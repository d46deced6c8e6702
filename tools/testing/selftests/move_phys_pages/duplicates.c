// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several entries may have the same page, or the same huge page by different
 * addresses. The page moves once, to the node of its first entry, and all of
 * its entries get the same status. The kernel handles entries in chunks, but
 * the chunks have no visible effect.
 */
#include "../kselftest_harness.h"
#include "util.h"

#define SEED	47
#define CHUNK	512UL	/* entries that the kernel handles at a time */

/* One page with many entries, among those of other pages */
FIXTURE(dup)
{
	int from, to;
	size_t size;
	char *mem;		/* the page */
	char *others;
	uint64_t phys;
};

FIXTURE_VARIANT(dup)
{
	bool thp;
	enum memory kind;
};

FIXTURE_VARIANT_ADD(dup, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(dup, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(dup, thp)
{
	.thp = true,
};

#define OTHERS	(3 * CHUNK)

FIXTURE_SETUP(dup)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	self->mem = variant->thp ? alloc_thp(self->from, SEED) :
		    alloc_memory(variant->kind, self->from, 1, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	self->size = variant->thp ? thp_size() : page_size();
	self->phys = phys_of(0, self->mem);
	self->others = alloc_memory(ANON, self->from, OTHERS, SEED + 1);
}

FIXTURE_TEARDOWN(dup)
{
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	EXPECT_TRUE(intact(self->others, OTHERS * page_size(), SEED + 1));
	EXPECT_EQ(0, isolated_pages());
}

/* A different address of the page for each entry */
static uint64_t some_address(const FIXTURE_DATA(dup) *self, unsigned long i)
{
	uint32_t state = i;

	return self->phys + next_random(&state) % self->size;
}

static bool all_on(const FIXTURE_DATA(dup) *self, int node)
{
	size_t pages = self->size / page_size();

	return count_on_node(0, self->mem, pages, node) == pages;
}

/* Two entries; the second one asks for another node, and has no effect */
TEST_F(dup, two_entries)
{
	static const unsigned long places[][2] = {
		{ 0, 1 }, { 0, CHUNK - 1 }, { CHUNK - 1, CHUNK },
		{ CHUNK - 2, CHUNK + 1 }, { 0, CHUNK }, { 0, 2 * CHUNK - 1 },
		{ 2 * CHUNK - 1, 2 * CHUNK }, { CHUNK, 3 * CHUNK - 1 },
	};
	struct request *req = request_new(OTHERS);
	unsigned long first, second;
	size_t i;
	int node;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		node = i % 2 ? self->from : self->to;
		first = places[i][0];
		second = places[i][1];
		self->phys = phys_of(0, self->mem);
		request_set_pages(req, 0, self->others, OTHERS, node);
		request_set(req, first, some_address(self, first), node);
		request_set(req, second, some_address(self, second),
			    node == self->to ? self->from : self->to);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(OTHERS, request_count(req, node));
		EXPECT_TRUE(all_on(self, node));
	}
}

/* The first entry counts, even if the page is on that node already */
TEST_F(dup, first_stays)
{
	struct request *req = request_new(OTHERS);
	unsigned long i;

	for (i = 0; i < OTHERS; i++)
		request_set(req, i, some_address(self, i),
			    i ? self->to : self->from);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(OTHERS, request_count(req, self->from));
	EXPECT_TRUE(all_on(self, self->from));
	EXPECT_EQ(self->phys, phys_of(0, self->mem));
}

/* The page is in every nth entry, from all entries to a few in each chunk */
TEST_F(dup, everywhere)
{
	static const unsigned long steps[] = { 1, 2, 3, 7, 100, 511 };
	const unsigned long count = 1500;
	struct request *req = request_new(count);
	unsigned long i;
	size_t round;
	int node;

	for (round = 0; round < ARRAY_SIZE(steps); round++) {
		node = round % 2 ? self->from : self->to;
		self->phys = phys_of(0, self->mem);
		request_set_pages(req, 0, self->others, count, node);
		for (i = 0; i < count; i += steps[round])
			request_set(req, i, some_address(self, i),
				    i % 4 ? self->from : node);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(count, request_count(req, node));
		EXPECT_TRUE(all_on(self, node));
	}
}

static void look(void *arg)
{
	peek(arg);
}

/*
 * All entries of a page that may not move get the same status, and each entry
 * of a busy page counts
 */
TEST_F(dup, of_others)
{
	struct request *req = request_new(OTHERS);
	pid_t pid = spawn(look, self->mem);
	unsigned long i;

	for (i = 0; i < OTHERS; i++)
		request_set(req, i, some_address(self, i), self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(OTHERS, request_count(req, -EACCES));
	EXPECT_TRUE(all_on(self, self->from));
	reap(pid);
}

TEST_F(dup, pinned)
{
	struct request *req = request_new(OTHERS);
	int ring = ring_pin(self->mem, 1);
	unsigned long i;

	if (ring < 0)
		SKIP(return, "needs CONFIG_IO_URING");
	for (i = 0; i < OTHERS; i++)
		request_set(req, i, some_address(self, i), self->to);
	EXPECT_EQ(OTHERS, request_move(req, 0));
	EXPECT_EQ(OTHERS, request_count(req, -EBUSY));
	EXPECT_TRUE(all_on(self, self->from));
	ring_unpin(ring);
}

/*
 * A page that has no entry in a whole chunk is forgotten if the chunk has
 * entries of other pages. Its old frame is free then.
 */
TEST_F(dup, forgotten)
{
	struct request *req = request_new(2 * CHUNK + 1);
	uint64_t other = phys_of(0, alloc_memory(ANON, self->from, 1, SEED));
	unsigned long i;

	request_set(req, 0, self->phys, self->to);
	for (i = 1; i < 2 * CHUNK; i++)
		request_set(req, i, other, self->from);
	request_set(req, 2 * CHUNK, self->phys, self->from);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->to, req->status[0]);
	EXPECT_EQ(2 * CHUNK - 1, request_count(req, self->from));
	EXPECT_EQ(-ENOENT, req->status[2 * CHUNK]);
	EXPECT_TRUE(all_on(self, self->to));
}

/* A chunk without any page does not make the call forget pages. */
TEST_F(dup, remembered)
{
	struct request *req = request_new(4 * CHUNK + 1);
	unsigned long i;

	request_set(req, 0, self->phys, self->to);
	for (i = 1; i < 4 * CHUNK; i++)
		request_set(req, i, UINT64_MAX, self->to);
	request_set(req, 4 * CHUNK, self->phys, self->from);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(2, request_count(req, self->to));
	EXPECT_EQ(4 * CHUNK - 1, request_count(req, -ENOENT));
	EXPECT_TRUE(all_on(self, self->to));
}

/*
 * Many pages on both nodes swap nodes, so that some move to frames that other
 * pages have left. Each chunk has entries for all pages in random order, some
 * more than once, with random targets: the first entry of each page counts.
 */
#define PAGES	400UL
#define CHUNKS	5UL

TEST(swapping)
{
	struct request *req = request_new(CHUNKS * CHUNK);
	unsigned long *named = calloc(req->count, sizeof(*named));
	uint32_t state = SEED, round;
	int wish[PAGES], from, to;
	unsigned long i, j, page;
	uint64_t phys[PAGES];
	char *mem[2];

	TWO_NODES(from, to);
	ASSERT_NE(NULL, named);
	mem[0] = alloc_memory(ANON, from, PAGES / 2, SEED);
	mem[1] = alloc_memory(memfd_or_anon(), to, PAGES / 2, SEED);
	for (round = 0; round < 10; round++) {
		for (page = 0; page < PAGES; page++) {
			phys[page] = phys_of(0, mem[page % 2] +
					     page / 2 * page_size());
			wish[page] = -1;
		}
		for (i = 0; i < req->count; i++) {
			named[i] = i % CHUNK < PAGES ? i % CHUNK :
				   next_random(&state) % PAGES;
			/* Swap the entry with an earlier one of its chunk */
			j = i - next_random(&state) % (i % CHUNK + 1);
			page = named[j];
			named[j] = named[i];
			named[i] = page;
		}
		for (i = 0; i < req->count; i++) {
			page = named[i];
			request_set(req, i,
				    phys[page] + next_random(&state) %
				    page_size(),
				    next_random(&state) % 2 ? from : to);
			if (wish[page] < 0)
				wish[page] = req->nodes[i];
		}
		ASSERT_EQ(0, request_move(req, 0));
		for (i = 0; i < req->count; i++)
			ASSERT_EQ(wish[named[i]], req->status[i]);
		for (page = 0; page < PAGES; page++)
			ASSERT_EQ(wish[page],
				  node_of(0, mem[page % 2] +
					  page / 2 * page_size()));
		for (i = 0; i < 2; i++)
			ASSERT_TRUE(intact(mem[i], PAGES / 2 * page_size(),
					   SEED));
	}
	EXPECT_EQ(0, isolated_pages());
}

TEST_HARNESS_MAIN
