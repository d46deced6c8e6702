// SPDX-License-Identifier: GPL-2.0-only
/* A hugetlb page moves as a whole, whichever of its addresses names it */
#include <stdio.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	17
#define POOL	4

FIXTURE(hugetlb)
{
	int from, to;
	size_t size, pages;
	char *mem;
};

FIXTURE_VARIANT(hugetlb)
{
	int flags;
};

FIXTURE_VARIANT_ADD(hugetlb, private)
{
	.flags = MAP_PRIVATE,
};

FIXTURE_VARIANT_ADD(hugetlb, shared)
{
	.flags = MAP_SHARED,
};

FIXTURE_SETUP(hugetlb)
{
	TWO_NODES(self->from, self->to);
	self->size = hugetlb_size();
	self->pages = self->size / page_size();
	hugetlb_pool(self->from, POOL);
	hugetlb_pool(self->to, POOL);
	self->mem = mmap(NULL, self->size, PROT_READ | PROT_WRITE,
			 variant->flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	touch_on(self->from, self->mem, self->size);
	fill(self->mem, self->size, SEED);
}

FIXTURE_TEARDOWN(hugetlb)
{
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	munmap(self->mem, self->size);
	hugetlb_pool(self->from, 0);
	hugetlb_pool(self->to, 0);
}

TEST_F(hugetlb, by_any_address)
{
	unsigned long i;
	int node;

	for (i = 0; i < self->pages; i += 37) {
		node = i % 2 ? self->from : self->to;
		EXPECT_OUTCOME(0, node,
			       move_one(phys_of(0, self->mem + i * page_size()) + i,
					node, 0));
		EXPECT_EQ(self->pages,
			  count_on_node(0, self->mem, self->pages, node));
	}
}

TEST_F(hugetlb, by_all_addresses)
{
	struct request *req = request_new(self->pages);

	request_set_pages(req, 0, self->mem, self->pages, self->to);
	shuffle(req, SEED);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages,
		  count_on_node(0, self->mem, self->pages, self->to));
}

TEST_F(hugetlb, query)
{
	uint64_t phys = phys_of(0, self->mem + self->size / 2);

	EXPECT_OUTCOME(0, self->from, query_one(phys));
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_OUTCOME(0, self->to, query_one(phys_of(0, self->mem)));
}

static void look(void *mem)
{
	peek(mem);
}

TEST_F(hugetlb, of_several_processes)
{
	uint64_t phys = phys_of(0, self->mem);
	pid_t pid = spawn(look, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_EQ(self->pages,
		  count_on_node(0, self->mem, self->pages, self->from));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys, self->to, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	EXPECT_EQ(self->to, node_of(0, self->mem));
	reap(pid);
}

/* The pool of the target is empty, its memory is not */
TEST_F(hugetlb, without_a_pool)
{
	hugetlb_pool(self->to, 0);
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, self->mem), self->to, 0));
	EXPECT_EQ(self->pages,
		  count_on_node(0, self->mem, self->pages, self->to));
}

/* A file's page that nobody maps is nobody's */
TEST(unmapped)
{
	size_t size = hugetlb_size();
	uint64_t phys;
	int from, to;
	char *mem;
	int fd;

	TWO_NODES(from, to);
	hugetlb_pool(from, POOL);
	fd = memfd_create("hugetlb", MFD_HUGETLB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, size));
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	touch_on(from, mem, size);
	phys = phys_of(0, mem);
	EXPECT_OUTCOME(0, from, query_one(phys));
	munmap(mem, size);
	EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, to, MPOL_MF_MOVE_ALL));
	close(fd);
	hugetlb_pool(from, 0);
}

TEST_HARNESS_MAIN
