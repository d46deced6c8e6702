// SPDX-License-Identifier: GPL-2.0-only
/* A hugetlb page moves as a whole, by any of its addresses */
#include <stdio.h>
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	17
#define POOL	4
#define MANY	8

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

static char *map_huge(int flags, size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap of %zu bytes of huge pages failed", size);
	return mem;
}

FIXTURE_SETUP(hugetlb)
{
	TWO_NODES(self->from, self->to);
	NEEDS_HUGETLB();
	self->size = hugetlb_size();
	self->pages = self->size / page_size();
	hugetlb_pool(self->from, POOL);
	hugetlb_pool(self->to, POOL);
	self->mem = map_huge(variant->flags, self->size);
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

/* The target has no free page in its pool, but has other memory */
TEST_F(hugetlb, without_a_pool)
{
	hugetlb_pool(self->to, 0);
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, self->mem), self->to, 0));
	EXPECT_EQ(self->pages,
		  count_on_node(0, self->mem, self->pages, self->to));
}

/* A pin of one part keeps the whole page from moving */
TEST_F(hugetlb, pinned)
{
	struct request *req = request_new(self->pages);
	uint64_t phys = phys_of(0, self->mem);
	int ring = ring_pin(self->mem + self->size / 2, 1);

	if (ring < 0)
		SKIP(return, "needs CONFIG_IO_URING");
	request_set_pages(req, 0, self->mem, self->pages, self->to);
	EXPECT_EQ(self->pages, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, -EBUSY));
	EXPECT_EQ(phys, phys_of(0, self->mem));
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->from));
	ring_unpin(ring);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages,
		  count_on_node(0, self->mem, self->pages, self->to));
}

/* No process maps a free page of a pool, reserved or not */
TEST_F(hugetlb, in_the_pool)
{
	uint64_t frames = count_frames(), step = self->size / page_size();
	uint64_t used = phys_of(0, self->mem), phys, pfn;
	unsigned long found = 0;
	char *reserved = map_huge(variant->flags, self->size);

	EXPECT_EQ(0, phys_of(0, reserved));
	for (pfn = 0; pfn < frames; pfn += step) {
		phys = pfn * page_size();
		if (phys == used || !page_has(phys, KPF_HUGE))
			continue;
		found++;
		EXPECT_OUTCOME(0, -ENOENT, query_one(phys + self->size / 2));
		EXPECT_OUTCOME(0, -ENOENT, move_one(phys, self->from, 0));
		EXPECT_OUTCOME(0, -ENOENT,
			       move_one(phys + 1, self->to, MPOL_MF_MOVE_ALL));
	}
	EXPECT_EQ(2 * POOL - 1, found);
	munmap(reserved, self->size);
}

static unsigned long pool_pages(const char *which)
{
	char buf[4096];

	read_file("/proc/meminfo", buf, sizeof(buf));
	return strtoul(strstr(buf, which) + strlen(which), NULL, 10);
}

/*
 * Makes the pool of the node as large as possible. Freed memory may be
 * fragmented, so compact it first.
 */
static void fill_pool(int node)
{
	unsigned long pages = 0, before;

	do {
		before = pages;
		try_write_file("/proc/sys/vm/compact_memory", "1");
		hugetlb_pool(node, 1 << 20);
		pages = pool_pages("HugePages_Total:");
	} while (pages > before);
}

/*
 * The pool has almost all memory of the target, and all free pages of the pool
 * are reserved. Some of the pages to move may still find room, but not all.
 */
TEST_F(hugetlb, no_room)
{
	char *mem[MANY], *reserved;
	struct request *req = request_new(MANY);
	size_t free_pages;
	long left;
	int i;

	hugetlb_pool(self->from, MANY + 1);
	for (i = 0; i < MANY; i++) {
		mem[i] = map_huge(variant->flags, self->size);
		touch_on(self->from, mem[i], self->size);
		fill(mem[i], self->size, SEED + i);
		request_set(req, i, phys_of(0, mem[i]), self->to);
	}
	fill_pool(self->to);
	free_pages = pool_pages("HugePages_Free:");
	reserved = map_huge(MAP_SHARED, free_pages * self->size);
	left = request_move(req, 0);
	EXPECT_LT(0, left);
	EXPECT_EQ(left, request_count(req, -ENOMEM));
	EXPECT_EQ(MANY - left, request_count(req, self->to));
	munmap(reserved, free_pages * self->size);
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(req->status[i] == self->to ? self->to : self->from,
			  node_of(0, mem[i]));
		EXPECT_TRUE(intact(mem[i], self->size, SEED + i));
		munmap(mem[i], self->size);
	}
}

static unsigned long surplus_pages(int node)
{
	char path[128], buf[32];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%zukB/surplus_hugepages",
		 node, hugetlb_size() / 1024);
	read_file(path, buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

/* A surplus page is a surplus page on its new node, too, and is freed there */
TEST_F(hugetlb, surplus)
{
	char saved[32];
	char *mem;

	read_file("/proc/sys/vm/nr_overcommit_hugepages", saved, sizeof(saved));
	hugetlb_pool(self->to, 0);
	hugetlb_pool(self->from, 1);
	write_file("/proc/sys/vm/nr_overcommit_hugepages", "1");
	/* Do not reserve the page, since this would allocate it on any node */
	mem = map_huge(variant->flags | MAP_NORESERVE, self->size);
	touch_on(self->from, mem, self->size);
	fill(mem, self->size, SEED + 1);
	EXPECT_EQ(1, surplus_pages(self->from));
	EXPECT_OUTCOME(0, self->to, move_one(phys_of(0, mem), self->to, 0));
	EXPECT_EQ(self->pages, count_on_node(0, mem, self->pages, self->to));
	EXPECT_EQ(0, surplus_pages(self->from));
	EXPECT_EQ(1, surplus_pages(self->to));
	EXPECT_TRUE(intact(mem, self->size, SEED + 1));
	munmap(mem, self->size);
	EXPECT_EQ(0, surplus_pages(self->to));
	write_file("/proc/sys/vm/nr_overcommit_hugepages", saved);
}

/*
 * Processes that share a page table count as one mapper of the page, but the
 * call must treat them as several.
 */
TEST_F(hugetlb, shared_page_table)
{
	const size_t entries = page_size() / sizeof(uint64_t);
	const size_t span = entries * self->size;
	char *mem, *area;
	uint64_t count;
	pid_t pid;

	if (variant->flags != MAP_SHARED)
		return;
	if (self->size != entries * page_size())
		SKIP(return, "needs huge pages that are as large as a page table maps");
	area = mmap(NULL, 2 * span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		    MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	area += -(uintptr_t)area & (span - 1);
	mem = mmap(area, span, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED |
		   MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	ASSERT_EQ(area, mem);
	touch_on(self->from, mem, self->size);
	fill(mem, self->size, SEED + 1);
	pid = spawn(look, mem);
	ASSERT_EQ(phys_of(0, mem), phys_of(pid, mem));
	ASSERT_TRUE(page_mapcount(phys_of(0, mem), &count));
	if (count != 1)
		SKIP(return, "needs page tables that are shared");
	EXPECT_OUTCOME(0, -EACCES, move_one(phys_of(0, mem), self->to, 0));
	EXPECT_EQ(self->from, node_of(0, mem));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, mem), self->to, MPOL_MF_MOVE_ALL));
	EXPECT_TRUE(intact(mem, self->size, SEED + 1));
	EXPECT_EQ(self->to, node_of(0, mem));
	reap(pid);
	EXPECT_OUTCOME(0, self->from,
		       move_one(phys_of(0, mem), self->from, 0));
	EXPECT_TRUE(intact(mem, self->size, SEED + 1));
	munmap(mem, span);
}

/* A page of a file that no process maps */
TEST(unmapped)
{
	uint64_t phys;
	int from, to;
	size_t size;
	char *mem;
	int fd;

	TWO_NODES(from, to);
	NEEDS_HUGETLB();
	size = hugetlb_size();
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
