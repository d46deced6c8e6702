// SPDX-License-Identifier: GPL-2.0-only
/* A large folio of any order moves as a whole, by any of its addresses */
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	43
#define KIB	1024
#define THP	"/sys/kernel/mm/transparent_hugepage/"

FIXTURE(folio)
{
	int from, to;
	unsigned long pages;
	char setting[96];	/* the file of sysfs that enables such folios */
	char saved[16];
	char enabled[16];
	char dir[DIR_SIZE];
	char *mem;
};

FIXTURE_VARIANT(folio)
{
	size_t size;		/* 0: the size of a PMD */
	enum memory kind;
};

FIXTURE_VARIANT_ADD(folio, anon_16k)
{
	.size = 16 * KIB,
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(folio, anon_64k)
{
	.size = 64 * KIB,
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(folio, anon_1m)
{
	.size = 1024 * KIB,
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(folio, shmem_16k)
{
	.size = 16 * KIB,
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(folio, shmem_64k)
{
	.size = 64 * KIB,
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(folio, shmem_1m)
{
	.size = 1024 * KIB,
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(folio, shmem_thp)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(folio, tmpfs_thp)
{
	.kind = TMPFS,
};

static size_t variant_size(const FIXTURE_VARIANT(folio) *variant)
{
	return variant->size ?: thp_size();
}

/*
 * Stops khugepaged, which isolates pages: it runs only while THPs are enabled
 * globally
 */
static void stop_khugepaged(FIXTURE_DATA(folio) *self,
			    const FIXTURE_VARIANT(folio) *variant)
{
	if (variant->kind == SHMEM)
		write_file(self->setting, self->saved);
	read_choice(THP "enabled", self->enabled, sizeof(self->enabled));
	write_file(THP "enabled", "never");
}

static bool allow(FIXTURE_DATA(folio) *self,
		  const FIXTURE_VARIANT(folio) *variant)
{
	snprintf(self->setting, sizeof(self->setting),
		 THP "hugepages-%zukB/%s",
		 variant_size(variant) / KIB,
		 variant->kind == ANON ? "enabled" : "shmem_enabled");
	if (access(self->setting, W_OK))
		return false;
	read_choice(self->setting, self->saved, sizeof(self->saved));
	return try_write_file(self->setting, "always");
}

/* Uses a filesystem of its own, which gives huge pages */
static int open_huge_file(FIXTURE_DATA(folio) *self, size_t size)
{
	char path[64];
	int fd;

	if (!mount_temp(self->dir, "tmpfs", "huge=always"))
		die("this kernel has no tmpfs");
	snprintf(path, sizeof(path), "%s/file", self->dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || ftruncate(fd, size))
		die("cannot create %s", path);
	return fd;
}

/*
 * Maps memory at an address that is aligned for this folio, and for none that
 * is larger
 */
static char *map_folio(FIXTURE_DATA(folio) *self, enum memory kind, size_t size)
{
	int flags = kind == ANON ? MAP_PRIVATE : MAP_SHARED;
	int fd = kind == TMPFS ? open_huge_file(self, size) : -1;
	char *mem = mmap(NULL, 3 * size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mem += -(uintptr_t)mem & (size - 1);
	mem += (uintptr_t)mem & size ? 0 : size;
	mem = mmap(mem, size, PROT_READ | PROT_WRITE,
		   flags | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (mem == MAP_FAILED)
		die("mmap of %zu bytes failed", size);
	close(fd);
	return mem;
}

/* Is this exactly one folio, and all of it is mapped? */
static bool is_folio(const char *mem, size_t size)
{
	uint64_t phys = phys_of(0, mem);
	size_t i;

	if (!phys || phys & (size - 1) || !page_has(phys, KPF_COMPOUND_HEAD) ||
	    !page_has(phys, KPF_THP) || page_has(phys + size, KPF_COMPOUND_TAIL))
		return false;
	for (i = page_size(); i < size; i += page_size())
		if (phys_of(0, mem + i) != phys + i ||
		    !page_has(phys + i, KPF_COMPOUND_TAIL))
			return false;
	return true;
}

static bool get_folio(FIXTURE_DATA(folio) *self, enum memory kind)
{
	size_t size = self->pages * page_size();

	self->mem = map_folio(self, kind, size);
	touch_on(self->from, self->mem, size);
	fill(self->mem, size, SEED);
	return is_folio(self->mem, size);
}

/*
 * If an anonymous folio was unmapped page by page, as for a move, the kernel
 * takes it for partially mapped, and splits it when it moves again.
 * move_pages(2) does so, too, so each move needs a new folio.
 */
static bool renew_folio(FIXTURE_DATA(folio) *self, enum memory kind)
{
	if (kind != ANON)
		return true;
	munmap(self->mem, self->pages * page_size());
	return get_folio(self, kind);
}

FIXTURE_SETUP(folio)
{
	size_t size;

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (access(THP, R_OK))
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	size = variant_size(variant);
	if (variant->kind != TMPFS && !allow(self, variant))
		SKIP_TEST("needs a kernel that has huge pages of %zu KiB",
			  size / KIB);
	self->pages = size / page_size();
	ASSERT_TRUE(get_folio(self, variant->kind));
	stop_khugepaged(self, variant);
}

FIXTURE_TEARDOWN(folio)
{
	if (*self->enabled)
		write_file(THP "enabled", self->enabled);
	if (*self->saved)
		write_file(self->setting, self->saved);
	if (*self->dir) {
		munmap(self->mem, variant_size(variant));
		EXPECT_TRUE(unmount_temp(self->dir));
	}
	EXPECT_EQ(0, isolated_pages());
}

static struct request *name_all(FIXTURE_DATA(folio) *self, int node)
{
	struct request *req = request_new(self->pages);

	request_set_pages(req, 0, self->mem, self->pages, node);
	return req;
}

#define EXPECT_FOLIO_ON(_node) do {					\
	size_t __size = self->pages * page_size();			\
									\
	EXPECT_EQ(self->pages,						\
		  count_on_node(0, self->mem, self->pages, _node));	\
	EXPECT_TRUE(is_folio(self->mem, __size));			\
	EXPECT_TRUE(intact(self->mem, __size, SEED));			\
} while (0)

static int other_node(FIXTURE_DATA(folio) *self)
{
	return node_of(0, self->mem) == self->to ? self->from : self->to;
}

/* The folio moves, given the address of any of its bytes */
TEST_F(folio, by_each_address)
{
	unsigned long i, step = self->pages / 16 + 1;
	const size_t last = page_size() - 1;
	uint64_t phys;
	int node;

	for (i = 0; i < self->pages; i += step) {
		node = other_node(self);
		phys = phys_of(0, self->mem + i * page_size());
		EXPECT_OUTCOME(0, node, move_one(phys + i * 7 % last, node, 0));
		EXPECT_FOLIO_ON(node);
		phys = phys_of(0, self->mem + i * page_size());
		EXPECT_OUTCOME(0, node, query_one(phys + last));
		ASSERT_TRUE(renew_folio(self, variant->kind));
	}
}

/* All of the folio moves, whether it is split or not */
TEST_F(folio, again_and_again)
{
	size_t size = self->pages * page_size();
	unsigned long i;
	int node;

	for (i = 0; i < 4; i++) {
		char *page = self->mem + i * (self->pages / 4) * page_size();
		struct request *req = name_all(self, other_node(self));

		node = req->nodes[0];
		/* Use one address in the second move, and all in the others */
		req->count = i == 1 ? 1 : req->count;
		req->pages[0] = i == 1 ? phys_of(0, page) : req->pages[0];
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(req->count, request_count(req, node));
		EXPECT_EQ(self->pages,
			  count_on_node(0, self->mem, self->pages, node));
		EXPECT_TRUE(intact(self->mem, size, SEED));
		request_free(req);
	}
}

static void reverse(struct request *req)
{
	unsigned long i, j;

	for (i = 0, j = req->count - 1; i < j; i++, j--) {
		uint64_t page = req->pages[i];

		req->pages[i] = req->pages[j];
		req->pages[j] = page;
	}
}

TEST_F(folio, by_all_addresses)
{
	struct request *req;
	int order, node;

	for (order = 0; order < 4; order++) {
		node = other_node(self);
		req = name_all(self, node);
		if (order == 1)
			reverse(req);
		else if (order > 1)
			shuffle(req, SEED + order);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(self->pages, request_count(req, node));
		EXPECT_FOLIO_ON(node);
		request_free(req);
		ASSERT_TRUE(renew_folio(self, variant->kind));
	}
}

TEST_F(folio, already_there)
{
	struct request *req = name_all(self, self->from);
	uint64_t phys = phys_of(0, self->mem);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->from));
	EXPECT_EQ(phys, phys_of(0, self->mem));
	EXPECT_FOLIO_ON(self->from);
}

static void look_at_last(void *arg)
{
	FIXTURE_DATA(folio) *self = arg;
	size_t keep = (self->pages - 1) * page_size();

	if (munmap(self->mem, keep))
		die("cannot unmap a part");
	peek(self->mem + keep);
}

/* A folio is shared if any page of it is */
TEST_F(folio, of_several_processes)
{
	char *last = self->mem + (self->pages - 1) * page_size();
	struct request *req = name_all(self, self->to);
	pid_t pid = spawn(look_at_last, self);

	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, -EACCES));
	EXPECT_FOLIO_ON(self->from);
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_FOLIO_ON(self->to);
	EXPECT_EQ(phys_of(0, last), phys_of(pid, last));
	reap(pid);
}

/*
 * Only the second half of the folio is in a page table. The kernel may split
 * the folio, but all of its addresses still get the status of the whole.
 */
static void move_rest(struct __test_metadata *_metadata,
		      FIXTURE_DATA(folio) *self,
		      int (*drop)(char *mem, size_t size))
{
	struct request *req = name_all(self, self->to);
	unsigned long half = self->pages / 2;
	size_t size = half * page_size();
	char *rest = self->mem + size;
	char *copy = malloc(size);

	ASSERT_NE(NULL, copy);
	memcpy(copy, rest, size);
	ASSERT_EQ(0, drop(self->mem, size));
	/* This access maps the pages again, if a whole PMD had to be unmapped */
	ASSERT_EQ(0, memcmp(copy, rest, size));
	ASSERT_EQ(req->pages[half], phys_of(0, rest));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(half, count_on_node(0, rest, half, self->to));
	EXPECT_EQ(0, memcmp(copy, rest, size));
}

static int forget(char *mem, size_t size)
{
	return madvise(mem, size, MADV_DONTNEED);
}

TEST_F(folio, partly_dropped)
{
	move_rest(_metadata, self, forget);
}

static int unmap(char *mem, size_t size)
{
	return munmap(mem, size);
}

TEST_F(folio, partly_unmapped)
{
	move_rest(_metadata, self, unmap);
}

/* A folio in two mappings is still one folio */
TEST_F(folio, protected_in_part)
{
	size_t size = self->pages * page_size();
	struct request *req = name_all(self, self->to);

	ASSERT_EQ(0, mprotect(self->mem + size / 2, page_size(), PROT_READ));
	ASSERT_TRUE(intact(self->mem, size, SEED));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_FOLIO_ON(self->to);
}

TEST_F(folio, remapped_in_part)
{
	size_t half = self->pages / 2 * page_size();
	struct request *req = name_all(self, self->to);
	char *other = map_memory(ANON, self->pages / 2);
	uint64_t phys;
	size_t i;

	ASSERT_EQ(other, mremap(self->mem + half, half, half,
				MREMAP_MAYMOVE | MREMAP_FIXED, other));
	/* Pages that a PMD mapped are not mapped until they are accessed */
	for (i = 0; i < half; i += page_size()) {
		peek(self->mem + i);
		peek(other + i);
	}
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_EQ(self->pages / 2,
		  count_on_node(0, self->mem, self->pages / 2, self->to));
	EXPECT_EQ(self->pages / 2,
		  count_on_node(0, other, self->pages / 2, self->to));
	phys = phys_of(0, self->mem);
	EXPECT_TRUE(page_has(phys, KPF_COMPOUND_HEAD));
	EXPECT_EQ(phys + half, phys_of(0, other));
	/* Join the two parts again, to compare them */
	ASSERT_EQ(self->mem + half,
		  mremap(other, half, half, MREMAP_MAYMOVE | MREMAP_FIXED,
			 self->mem + half));
	EXPECT_TRUE(intact(self->mem, 2 * half, SEED));
}

TEST_F(folio, mlocked)
{
	size_t size = self->pages * page_size();
	struct request *req = name_all(self, self->to);

	ASSERT_EQ(0, mlock(self->mem, size));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_FOLIO_ON(self->to);
}

/* One pinned page keeps the folio from moving, and it is not even unmapped */
TEST_F(folio, pinned)
{
	struct request *req = name_all(self, self->to);
	uint64_t phys = phys_of(0, self->mem);
	unsigned long before, after;
	int ring;

	ring = ring_pin(self->mem + (self->pages - 1) * page_size(), 1);
	if (ring < 0)
		SKIP(return, "needs CONFIG_IO_URING");
	write_file("/proc/sys/vm/stat_refresh", "1");
	before = vmstat("/proc/vmstat", "pgmigrate_fail");
	EXPECT_EQ(self->pages, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, -EBUSY));
	after = vmstat("/proc/vmstat", "pgmigrate_fail");
	EXPECT_EQ(before, after);
	EXPECT_EQ(phys, phys_of(0, self->mem));
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->from));
	EXPECT_FOLIO_ON(self->from);
	ring_unpin(ring);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->to));
	EXPECT_FOLIO_ON(self->to);
}

TEST_HARNESS_MAIN
