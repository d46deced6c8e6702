// SPDX-License-Identifier: GPL-2.0-only
/* Without MPOL_MF_MOVE_ALL, a page moves only if a single process maps it */
#include "../kselftest_harness.h"
#include "util.h"

#define SEED	13
#define PAGES	8

/*
 * Two processes have the pages in their page tables: the test, which touched
 * the pages first, and its child.
 */
FIXTURE(shared)
{
	int from, to;
	char *mem;
	pid_t pid;
};

FIXTURE_VARIANT(shared)
{
	enum memory kind;
};

FIXTURE_VARIANT_ADD(shared, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(shared, shmem)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(shared, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(shared, tmpfs)
{
	.kind = TMPFS,
};

static void read_pages(void *mem)
{
	if (!intact(mem, PAGES * page_size(), SEED))
		die("the child reads wrong contents");
}

static void do_nothing(void *arg)
{
}

FIXTURE_SETUP(shared)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	self->mem = alloc_memory(variant->kind, self->from, PAGES, SEED);
	self->pid = spawn(read_pages, self->mem);
}

FIXTURE_TEARDOWN(shared)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

static struct request *name_all(char *mem, int node)
{
	struct request *req = request_new(PAGES);

	request_set_pages(req, 0, mem, PAGES, node);
	return req;
}

TEST_F(shared, needs_move_all)
{
	static const int refused[] = {
		0, MPOL_MF_MOVE, MPOL_MF_STRICT, MPOL_MF_STRICT | MPOL_MF_MOVE,
	};
	struct request *req = name_all(self->mem, self->to);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		/* Pages that are not eligible do not count */
		EXPECT_EQ(0, request_move(req, refused[i]));
		EXPECT_EQ(PAGES, request_count(req, -EACCES));
	}
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->from));
	reap(self->pid);
}

TEST_F(shared, move_all)
{
	static const int allowed[] = {
		MPOL_MF_MOVE_ALL, MPOL_MF_MOVE_ALL | MPOL_MF_MOVE,
		MPOL_MF_MOVE_ALL | MPOL_MF_STRICT,
		MPOL_MF_MOVE_ALL | MPOL_MF_MOVE | MPOL_MF_STRICT,
	};
	struct request *req;
	size_t i;
	int node;

	for (i = 0; i < ARRAY_SIZE(allowed); i++) {
		node = i % 2 ? self->from : self->to;
		req = name_all(self->mem, node);
		EXPECT_EQ(0, request_move(req, allowed[i]));
		EXPECT_EQ(PAGES, request_count(req, node));
		EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, node));
		EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES,
					       node));
		EXPECT_EQ(phys_of(0, self->mem),
			  phys_of(self->pid, self->mem));
	}
	reap(self->pid);
}

/* The pages are on the target already, so mappers do not matter */
TEST_F(shared, already_there)
{
	struct request *req = name_all(self->mem, self->from);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->from));
	reap(self->pid);
}

/* A dead process does not count, even before its parent has waited for it */
TEST_F(shared, until_exit)
{
	struct request *req = name_all(self->mem, self->to);
	siginfo_t info;

	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, self->pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(self->pid, waitpid(self->pid, NULL, 0));
}

/*
 * A process that dropped the pages does not count, although its mapping covers
 * them
 */
TEST_F(shared, until_dropped)
{
	struct request *req = name_all(self->mem, self->to);

	ASSERT_EQ(0, madvise(self->mem, PAGES * page_size(), MADV_DONTNEED));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES, self->to));
	reap(self->pid);
	/*
	 * Private memory is empty now, but the contents of shared memory are
	 * the same
	 */
	if (variant->kind == ANON)
		fill(self->mem, PAGES * page_size(), SEED);
}

/* A process that never touched the pages does not count */
TEST_F(shared, until_mapped_only)
{
	struct request *req = name_all(self->mem, self->to);
	pid_t idle;

	reap(self->pid);
	/* fork() copies only page tables of private memory, so exclude it */
	ASSERT_EQ(0, variant->kind != ANON ? 0 :
		     madvise(self->mem, PAGES * page_size(), MADV_DONTFORK));
	idle = spawn(do_nothing, NULL);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	reap(idle);
}

/* Two other processes share pages that the caller does not map */
TEST_F(shared, by_others)
{
	struct request *req = name_all(self->mem, self->to);
	pid_t other = spawn(read_pages, self->mem);

	ASSERT_EQ(0, madvise(self->mem, PAGES * page_size(), MADV_DONTNEED));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, -EACCES));
	reap(other);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(self->pid, self->mem, PAGES, self->to));
	reap(self->pid);
	if (variant->kind == ANON)
		fill(self->mem, PAGES * page_size(), SEED);
}

/* The page tables of many processes all map the new page */
TEST_F(shared, by_many)
{
	pid_t pids[40];
	struct request *req = name_all(self->mem, self->to);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = spawn(read_pages, self->mem);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, -EACCES));
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(PAGES, count_on_node(pids[i], self->mem, PAGES,
					       self->to));
		reap(pids[i]);
	}
	reap(self->pid);
}

/* A write to private memory gives each process a page of its own */
TEST(copied_on_write)
{
	struct request *req;
	int from, to;
	char *mem;
	pid_t pid;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, PAGES, SEED);
	pid = spawn(read_pages, mem);
	touch_on(from, mem, PAGES * page_size());
	fill(mem, PAGES * page_size(), SEED + 1);
	ASSERT_NE(phys_of(pid, mem), phys_of(0, mem));
	req = name_all(mem, to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, to));
	EXPECT_EQ(PAGES, count_on_node(0, mem, PAGES, to));
	EXPECT_EQ(PAGES, count_on_node(pid, mem, PAGES, from));
	EXPECT_OUTCOME(0, to, move_one(phys_of(pid, mem), to, 0));
	EXPECT_EQ(to, node_of(pid, mem));
	EXPECT_TRUE(intact(mem, PAGES * page_size(), SEED + 1));
	reap(pid);
}

/* A process with many mappings of the pages is one mapper */
TEST(mapped_twice)
{
	struct request *req;
	int from, to, fd;
	char *maps[5];
	size_t i;

	TWO_NODES(from, to);
	NEEDS_KIND(MEMFD);
	fd = open_file(MEMFD, PAGES * page_size());
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		maps[i] = map_file(fd, PAGES);
		touch_on(from, maps[i], PAGES * page_size());
	}
	fill(maps[0], PAGES * page_size(), SEED);
	req = name_all(maps[0], to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, to));
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		EXPECT_EQ(PAGES, count_on_node(0, maps[i], PAGES, to));
		EXPECT_TRUE(intact(maps[i], PAGES * page_size(), SEED));
		EXPECT_EQ(phys_of(0, maps[0]), phys_of(0, maps[i]));
	}
}

/* Two processes in one address space are one mapper */
TEST(one_address_space)
{
	struct request *req;
	int from, to;
	char *mem;
	pid_t pid;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, PAGES, SEED);
	pid = spawn_vm(read_pages, mem);
	req = name_all(mem, to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, to));
	EXPECT_EQ(PAGES, count_on_node(0, mem, PAGES, to));
	EXPECT_TRUE(intact(mem, PAGES * page_size(), SEED));
	reap(pid);
}

/* A huge page is shared if any part of it is */
FIXTURE(shared_thp)
{
	int from, to;
	unsigned long pages;
	char *mem;
};

FIXTURE_SETUP(shared_thp)
{
	TWO_NODES(self->from, self->to);
	self->pages = thp_size() / page_size();
	self->mem = alloc_thp(self->from, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
}

FIXTURE_TEARDOWN(shared_thp)
{
	EXPECT_TRUE(intact(self->mem, thp_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

static void keep_last_page(void *mem)
{
	if (munmap(mem, thp_size() - page_size()))
		die("cannot unmap a part");
}

static void keep_nothing(void *mem)
{
	if (munmap(mem, thp_size()))
		die("cannot unmap a huge page");
}

static struct request *name_thp(char *mem, unsigned long pages, int node)
{
	struct request *req = request_new(pages);

	request_set_pages(req, 0, mem, pages, node);
	return req;
}

TEST_F(shared_thp, whole)
{
	pid_t pid = spawn(do_nothing, NULL);
	struct request *req = name_thp(self->mem, self->pages, self->to);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, -EACCES));
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages, count_on_node(pid, self->mem, self->pages,
					     self->to));
	reap(pid);
}

TEST_F(shared_thp, one_page_of_it)
{
	pid_t pid = spawn(keep_last_page, self->mem);
	struct request *req = name_thp(self->mem, self->pages, self->to);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, -EACCES));
	EXPECT_EQ(self->pages, count_on_node(0, self->mem, self->pages,
					     self->from));
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages, count_on_node(0, self->mem, self->pages,
					     self->to));
	reap(pid);
}

TEST_F(shared_thp, no_more)
{
	pid_t pid = spawn(keep_nothing, self->mem);
	struct request *req = name_thp(self->mem, self->pages, self->to);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages, count_on_node(0, self->mem, self->pages,
					     self->to));
	reap(pid);
}

TEST_HARNESS_MAIN
