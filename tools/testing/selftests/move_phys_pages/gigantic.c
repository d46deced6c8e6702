// SPDX-License-Identifier: GPL-2.0-only
/* A hugetlb page of 1 GiB moves like any other, given any of its addresses */
#include <stdio.h>
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SHIFT	30
#define SEED	31
#define SIZE	BIT(SHIFT)

FIXTURE(gigantic)
{
	int from, to;
	unsigned long pages;
	char *mem;
};

static bool pool(int node, int pages)
{
	char path[128], text[16], got[16];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%llukB/nr_hugepages",
		 node, SIZE / 1024);
	if (access(path, W_OK))
		return false;
	snprintf(text, sizeof(text), "%d\n", pages);
	if (!try_write_file(path, text))
		return false;
	read_file(path, got, sizeof(got));
	return !strcmp(text, got);
}

static void empty_pools(FIXTURE_DATA(gigantic) *self)
{
	pool(self->from, 0);
	pool(self->to, 0);
}

/* Some words of each base page, with different contents in each page */
static uint64_t *word(char *mem, unsigned long page, int i)
{
	return (uint64_t *)(mem + page * page_size()) + 401 * i;
}

static void fill_some(char *mem, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < 2 * pages; i++)
		*word(mem, i / 2, i % 2) = ~(uint64_t)i << 20;
}

static unsigned long count_intact(char *mem, unsigned long pages)
{
	unsigned long i, n = 0;

	for (i = 0; i < 2 * pages; i++)
		n += *word(mem, i / 2, i % 2) == ~(uint64_t)i << 20;
	return n / 2;
}

FIXTURE_SETUP(gigantic)
{
	TWO_NODES(self->from, self->to);
	NEEDS_HUGETLB();
	if (!pool(self->from, 1) || !pool(self->to, 1)) {
		empty_pools(self);
		SKIP_TEST("needs room for a page of 1 GiB on both nodes");
	}
	self->pages = SIZE / page_size();
	self->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB |
			 SHIFT << MAP_HUGE_SHIFT, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	touch_on(self->from, self->mem, page_size());
	fill_some(self->mem, self->pages);
}

FIXTURE_TEARDOWN(gigantic)
{
	EXPECT_EQ(self->pages, count_intact(self->mem, self->pages));
	EXPECT_EQ(0, munmap(self->mem, SIZE));
	EXPECT_TRUE(pool(self->from, 0));
	EXPECT_TRUE(pool(self->to, 0));
}

/* The GiB is one page, so it is enough to check the first and the last address */
#define EXPECT_ON(_node) do {						\
	uint64_t __phys = phys_of(0, self->mem);			\
	int __node = (_node);						\
									\
	EXPECT_EQ(0, __phys & (SIZE - 1));				\
	EXPECT_EQ(__phys + SIZE - 1,					\
		  phys_of(0, self->mem + SIZE - 1));			\
	EXPECT_TRUE(page_has(__phys, KPF_HUGE));			\
	EXPECT_EQ(__node, node_of(0, self->mem));			\
	EXPECT_EQ(__node, node_of(0, self->mem + SIZE - 1));		\
} while (0)

/* The page moves if a chunk of entries has one of its addresses, or many */
TEST_F(gigantic, moves)
{
	struct request *req = request_new(2000);
	uint64_t phys = phys_of(0, self->mem);
	unsigned long i;

	EXPECT_OUTCOME(0, self->from, query_one(phys + SIZE / 2));
	EXPECT_OUTCOME(0, self->to, move_one(phys + SIZE - 1, self->to, 0));
	EXPECT_ON(self->to);
	EXPECT_EQ(self->pages, count_intact(self->mem, self->pages));
	phys = phys_of(0, self->mem);
	for (i = 0; i < req->count; i++)
		request_set(req, i, phys + i * (SIZE / req->count), self->from);
	shuffle(req, 1);
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(req->count, request_count(req, self->to));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(req->count, request_count(req, self->from));
	EXPECT_ON(self->from);
}

static void look(void *arg)
{
	peek(arg);
}

/*
 * The page does not move while it is pinned, while another process maps it
 * (without MPOL_MF_MOVE_ALL), or while the pool of the target node is empty
 */
TEST_F(gigantic, refused)
{
	uint64_t phys = phys_of(0, self->mem), middle = phys + SIZE / 2;
	int ring = ring_pin(self->mem + SIZE - page_size(), page_size());
	pid_t pid;

	if (ring < 0)
		SKIP(return, "needs CONFIG_IO_URING");
	EXPECT_OUTCOME(1, -EBUSY, move_one(middle, self->to, 0));
	ring_unpin(ring);
	pid = spawn(look, self->mem + SIZE / 3);
	EXPECT_OUTCOME(0, -EACCES, move_one(middle, self->to, 0));
	/* The move needs a free page of 1 GiB in the pool of the target node */
	ASSERT_TRUE(pool(self->to, 0));
	EXPECT_OUTCOME(1, -ENOMEM, move_one(middle, self->to,
					    MPOL_MF_MOVE_ALL));
	ASSERT_TRUE(pool(self->to, 1));
	EXPECT_EQ(phys, phys_of(0, self->mem));
	EXPECT_OUTCOME(0, self->to,
		       move_one(middle, self->to, MPOL_MF_MOVE_ALL));
	EXPECT_ON(self->to);
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

/* Pages without room on the node do not keep other pages from moving there */
TEST_F(gigantic, no_room_among_others)
{
	const unsigned long pages = 16, count = 2 * pages + 2;
	char *base = alloc_memory(ANON, self->from, 2 * pages, SEED);
	struct request *req = request_new(count);
	size_t size = hugetlb_size();
	char *huge;

	hugetlb_pool(self->from, 1);
	huge = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, huge);
	touch_on(self->from, huge, size);
	ASSERT_TRUE(pool(self->to, 0));
	request_set_pages(req, 0, base, pages, self->to);
	request_set(req, pages, phys_of(0, self->mem), self->to);
	request_set_pages(req, pages + 1, base + pages * page_size(), pages,
			  self->to);
	request_set(req, count - 1, phys_of(0, huge), self->to);
	EXPECT_EQ(1, request_move(req, 0));
	EXPECT_EQ(-ENOMEM, req->status[pages]);
	EXPECT_EQ(count - 1, request_count(req, self->to));
	EXPECT_EQ(2 * pages, count_on_node(0, base, 2 * pages, self->to));
	EXPECT_EQ(self->to, node_of(0, huge));
	EXPECT_ON(self->from);
	EXPECT_TRUE(intact(base, 2 * pages * page_size(), SEED));
	munmap(base, 2 * pages * page_size());
	munmap(huge, size);
	hugetlb_pool(self->from, 0);
	/* Once the pool has a free page again, the page moves. */
	ASSERT_TRUE(pool(self->to, 1));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, self->mem), self->to, 0));
	EXPECT_ON(self->to);
	request_free(req);
}

TEST_HARNESS_MAIN
