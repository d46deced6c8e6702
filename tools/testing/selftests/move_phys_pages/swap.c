// SPDX-License-Identifier: GPL-2.0-only
/* Pages in swap, pages in the swap cache, and pages that came back from swap */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		41
#define PAGES		64
#define SIZE		(PAGES * page_size())
#define SWAP_PAGES	2048	/* swap must stay half empty, or the swap cache is dropped */

/* Writes the same header as mkswap; the rest of the first page is zeroes */
static bool make_swap(int fd)
{
	const uint32_t info[] = { 1, SWAP_PAGES - 1, 0 };
	char *page = calloc(1, page_size());
	bool good = true;
	int i;

	/* Write every page, because a swap file must not have holes */
	for (i = SWAP_PAGES - 1; i >= 0 && good; i--) {
		if (!i) {
			memcpy(page + 1024, info, sizeof(info));
			memcpy(page + page_size() - 10, "SWAPSPACE2", 10);
		}
		good = pwrite(fd, page, page_size(), i * page_size()) ==
		       (ssize_t)page_size();
	}
	free(page);
	return good && !fsync(fd);
}

FIXTURE(swap)
{
	int from, to;
	char file[160];
	bool on;
	char *mem;
	uint64_t phys;		/* of the first page, before it was paged out */
};

FIXTURE_VARIANT(swap)
{
	enum memory kind;
	bool cached;	/* a page stays in the swap cache once it is mapped again */
};

FIXTURE_VARIANT_ADD(swap, anon)
{
	.kind = ANON,
	.cached = true,
};

FIXTURE_VARIANT_ADD(swap, shmem)
{
	.kind = SHMEM,
};

/* MADV_PAGEOUT skips pages in an LRU batch, so retry until all pages are out */
static void page_out(const char *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++) {
		while (phys_of(0, mem + i * page_size())) {
			if (madvise((char *)mem, SIZE, MADV_PAGEOUT))
				die("cannot page out");
		}
	}
}

/*
 * Only reads the pages, so that the copies on the disk stay valid. A page that
 * is still being written out is busy, so wait for the end of writeback.
 */
static void look_at(void *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++) {
		peek(mem + i * page_size());
		while (page_has(phys_of(0, mem + i * page_size()),
				KPF_WRITEBACK))
			usleep(1000);
	}
}

/*
 * Brings the pages back. The kernel chooses their node, so make another one the
 * target.
 */
static void page_in(FIXTURE_DATA(swap) *self)
{
	look_at(self->mem);
	if (node_of(0, self->mem) == self->to)
		self->to = self->from;
}

static size_t count_cached(const char *mem)
{
	size_t i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += page_has(phys_of(0, mem + i * page_size()), KPF_SWAPCACHE);
	return n;
}

static bool find_dir(char *dir)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[512], type[32];
	bool found = false;

	if (!mounts)
		die("cannot read /proc/mounts");
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*s %127s %31s", dir, type) == 2 &&
			!strcmp(type, "ext4");
	fclose(mounts);
	return found;
}

FIXTURE_SETUP(swap)
{
	char dir[128];
	int fd;

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (!find_dir(dir))
		SKIP_TEST("needs an ext4 filesystem on a disk");
	snprintf(self->file, sizeof(self->file), "%s/swap", dir);
	fd = open(self->file, O_CREAT | O_TRUNC | O_RDWR, 0600);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(make_swap(fd));
	close(fd);
	self->on = !swapon(self->file, 0);
	if (!self->on)
		SKIP_TEST("needs CONFIG_SWAP");
	self->mem = alloc_memory(variant->kind, self->from, PAGES, SEED);
	self->phys = phys_of(0, self->mem);
	page_out(self->mem);
}

FIXTURE_TEARDOWN(swap)
{
	if (self->on)
		EXPECT_EQ(0, swapoff(self->file));
	unlink(self->file);
	if (self->mem)
		EXPECT_TRUE(intact(self->mem, SIZE, SEED));
	EXPECT_EQ(0, isolated_pages());
}

/*
 * A page on its way out stays in the swap cache for a while, but no process
 * maps it
 */
TEST_F(swap, going_out)
{
	EXPECT_TRUE(page_has(self->phys, KPF_SWAPCACHE));
	EXPECT_OUTCOME(0, -ENOENT, query_one(self->phys));
	EXPECT_OUTCOME(0, -ENOENT, move_one(self->phys, self->from, 0));
	EXPECT_OUTCOME(0, -ENOENT, move_one(self->phys, self->to, 0));
	EXPECT_TRUE(page_has(self->phys, KPF_SWAPCACHE));
}

TEST_F(swap, back_and_out)
{
	const uint64_t used = BIT(KPF_LRU) | BIT(KPF_ANON) | BIT(KPF_MMAP);
	struct request *req = request_new(PAGES);
	size_t i, free = 0;
	uint64_t flags;

	page_in(self);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	page_out(self->mem);
	/*
	 * A page that was still in the swap cache need not be written again, so
	 * its frame is free by now. Other tasks may have taken some of the
	 * frames, so check only those that are unused.
	 */
	EXPECT_EQ(0, request_move(req, 0));
	for (i = 0; i < PAGES; i++) {
		if (!page_flags(req->pages[i], &flags) || flags & used)
			continue;
		free++;
		EXPECT_EQ(-ENOENT, req->status[i]);
	}
	if (variant->cached)
		EXPECT_LT(0, free);
}

TEST_F(swap, back)
{
	struct request *req = request_new(PAGES);
	size_t cached = variant->cached ? PAGES : 0;

	page_in(self);
	EXPECT_EQ(cached, count_cached(self->mem));
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(cached, count_cached(self->mem));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
	/* The swap entry moves with the page, so the page can go out again */
	page_out(self->mem);
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
}

/* Data written after the move must not be replaced by the copy on the disk */
TEST_F(swap, back_and_written)
{
	struct request *req = request_new(PAGES);

	page_in(self);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	fill(self->mem, SIZE, SEED + 1);
	page_out(self->mem);
	EXPECT_TRUE(intact(self->mem, SIZE, SEED + 1));
	fill(self->mem, SIZE, SEED);
}

TEST_F(swap, back_and_shared)
{
	struct request *req = request_new(PAGES);
	pid_t pid;

	page_in(self);
	pid = spawn(look_at, self->mem);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_LT(0, request_count(req, -EACCES));
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(PAGES, count_on_node(pid, self->mem, PAGES, self->to));
	reap(pid);
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
}

/* After swapoff(), the pages are still in memory */
TEST_F(swap, back_and_swapoff)
{
	struct request *req = request_new(PAGES);

	page_in(self);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	ASSERT_EQ(0, swapoff(self->file));
	self->on = false;
	EXPECT_EQ(0, count_cached(self->mem));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
}

TEST_HARNESS_MAIN
