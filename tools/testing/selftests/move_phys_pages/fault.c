// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes each allocation and each access to the caller's memory in a call fail.
 * The statuses must still be true, and no page may be lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	47
#define PAGES	8UL
#define POOL	3
#define ROUNDS	100
#define MTHP_SIZE	65536UL

#define INJECT	"/sys/kernel/debug/"
#define MTHP	"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"

enum { BASE_PAGES, THP, HUGETLB };

FIXTURE(fault)
{
	int from, to;
	size_t size;			/* of each folio */
	unsigned long folios;
	char *mem;
	unsigned long free;		/* number of free hugetlb pages */
	pid_t child;
	struct request *req;
};

FIXTURE_VARIANT(fault)
{
	enum memory kind;
	int what;
	int flags;
	bool query;
	bool shared;
	bool policy;
};

FIXTURE_VARIANT_ADD(fault, query)
{
	.kind = ANON,
	.query = true,
};

FIXTURE_VARIANT_ADD(fault, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(fault, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(fault, file)
{
	.kind = TMPFS,
};

FIXTURE_VARIANT_ADD(fault, thp)
{
	.what = THP,
};

FIXTURE_VARIANT_ADD(fault, hugetlb)
{
	.what = HUGETLB,
};

FIXTURE_VARIANT_ADD(fault, shared)
{
	.kind = ANON,
	.flags = MPOL_MF_MOVE_ALL,
	.shared = true,
};

FIXTURE_VARIANT_ADD(fault, shared_memfd)
{
	.kind = MEMFD,
	.flags = MPOL_MF_MOVE_ALL,
	.shared = true,
};

FIXTURE_VARIANT_ADD(fault, strict)
{
	.kind = ANON,
	.flags = MPOL_MF_STRICT,
	.policy = true,
};

FIXTURE_VARIANT_ADD(fault, strict_shmem)
{
	.kind = SHMEM,
	.flags = MPOL_MF_STRICT | MPOL_MF_MOVE_ALL,
	.shared = true,
	.policy = true,
};

static size_t total(const FIXTURE_DATA(fault) *self)
{
	return self->folios * self->size;
}

static void alloc_folios(FIXTURE_DATA(fault) *self,
			 const FIXTURE_VARIANT(fault) *variant)
{
	self->size = page_size();
	self->folios = PAGES;
	switch (variant->what) {
	case THP:
		self->size = thp_size();
		self->folios = 1;
		self->mem = alloc_thp(self->from, SEED);
		break;
	case HUGETLB:
		self->size = hugetlb_size();
		self->folios = 2;
		self->mem = mmap(NULL, total(self), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		if (self->mem == MAP_FAILED)
			die("no hugetlb pages");
		touch_on(self->from, self->mem, total(self));
		fill(self->mem, total(self), SEED);
		break;
	default:
		self->mem = alloc_memory(variant->kind, self->from, PAGES,
					 SEED);
	}
}

static void look(void *arg)
{
	FIXTURE_DATA(fault) *self = arg;

	if (!intact(self->mem, total(self), SEED))
		die("the child reads wrong contents");
}

static unsigned long free_hugetlb(const FIXTURE_DATA(fault) *self)
{
	const int nodes[] = { self->from, self->to };
	unsigned long sum = 0;
	char path[128], buf[32];
	int i;

	if (!has_hugetlb())
		return 0;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/hugepages/hugepages-%zukB/free_hugepages",
			 nodes[i], hugetlb_size() / 1024);
		read_file(path, buf, sizeof(buf));
		sum += strtoul(buf, NULL, 10);
	}
	return sum;
}

static const char * const injectors[] = {
	INJECT "failslab", INJECT "fail_page_alloc", INJECT "fail_usercopy",
};

/* Also fail allocations that may sleep or are for users, and print nothing */
static void set_injection(bool on)
{
	const char *ignore = on ? "N" : "Y";
	int i;

	write_file(INJECT "failslab/ignore-gfp-wait", ignore);
	write_file(INJECT "fail_page_alloc/ignore-gfp-wait", ignore);
	write_file(INJECT "fail_page_alloc/ignore-gfp-highmem", ignore);
	write_file(INJECT "fail_page_alloc/min-order", on ? "0" : "1");
	for (i = 0; i < 3; i++) {
		write_in(injectors[i], "probability", "0");
		write_in(injectors[i], "task-filter", on ? "Y" : "N");
		write_in(injectors[i], "times", on ? "-1" : "1");
		write_in(injectors[i], "verbose", on ? "0" : "2");
	}
}

#define NEEDS_INJECTION() do {						\
	if (access("/proc/thread-self/fail-nth", W_OK))			\
		SKIP_TEST("needs CONFIG_FAULT_INJECTION");		\
	if (access(INJECT "failslab/ignore-gfp-wait", W_OK))		\
		SKIP_TEST("needs CONFIG_FAILSLAB");			\
	if (access(INJECT "fail_page_alloc/min-order", W_OK))		\
		SKIP_TEST("needs CONFIG_FAIL_PAGE_ALLOC");		\
	if (access(INJECT "fail_usercopy/verbose", W_OK))		\
		SKIP_TEST("needs CONFIG_FAULT_INJECTION_USERCOPY");	\
} while (0)

FIXTURE_SETUP(fault)
{
	NEEDS_INJECTION();
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (variant->what == HUGETLB) {
		NEEDS_HUGETLB();
		hugetlb_pool(self->from, POOL);
		hugetlb_pool(self->to, POOL);
	}
	alloc_folios(self, variant);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	if (variant->policy) {
		unsigned long mask = BIT(self->from) | BIT(self->to);

		ASSERT_EQ(0, syscall(__NR_mbind, self->mem, total(self),
				     MPOL_BIND, &mask, 8 * sizeof(mask), 0));
	}
	if (variant->shared)
		self->child = spawn(look, self);
	self->free = free_hugetlb(self);
	self->req = request_new(self->folios);
	set_injection(true);
}

FIXTURE_TEARDOWN(fault)
{
	set_injection(false);
	if (self->child)
		reap(self->child);
	munmap(self->mem, total(self));
	if (variant->what == HUGETLB) {
		hugetlb_pool(self->from, 0);
		hugetlb_pool(self->to, 0);
	}
}

static void name_all(FIXTURE_DATA(fault) *self, int node)
{
	unsigned long i;

	for (i = 0; i < self->folios; i++)
		request_set(self->req, i,
			    phys_of(0, self->mem + i * self->size), node);
}

static bool is_split(const FIXTURE_DATA(fault) *self)
{
	return self->size == thp_size() &&
	       !page_has(phys_of(0, self->mem), KPF_THP) &&
	       !page_has(phys_of(0, self->mem), KPF_HUGE);
}

/* Moves all back to the source, which must succeed without injected failures */
static bool start_over(FIXTURE_DATA(fault) *self,
		       const FIXTURE_VARIANT(fault) *variant)
{
	name_all(self, self->from);
	if (request_move(self->req, variant->flags) ||
	    request_count(self->req, self->from) != self->folios)
		return false;
	if (is_split(self)) {
		munmap(self->mem, total(self));
		alloc_folios(self, variant);
		if (!self->mem)
			die("cannot allocate another THP");
	}
	name_all(self, self->to);
	return true;
}

/* Does the result of the call allow the status of folio @i, and where it is now? */
static bool exact(FIXTURE_DATA(fault) *self, bool query, long ret,
		  unsigned long i)
{
	const size_t pages = self->size / page_size();
	const char *folio = self->mem + i * self->size;
	int status = self->req->status[i];
	size_t at_target = count_on_node(0, folio, pages, self->to);

	if (query) {
		if (at_target)
			return false;
		return status == self->from || (ret < 0 && status == PRESET);
	}
	if (ret == -ENOMEM)
		return !at_target && status == PRESET;
	/* A folio that was split for lack of memory may have moved in part */
	if (ret == -EFAULT && status == PRESET)
		return at_target == 0 || at_target == pages || is_split(self);
	if (status == self->to)
		return at_target == pages;
	if (is_split(self))
		return at_target < pages && status == -ENOMEM;
	return !at_target && (status == -ENOMEM || status == -EBUSY);
}

static void check(struct __test_metadata *_metadata,
		  FIXTURE_DATA(fault) *self, bool query, long ret)
{
	unsigned long i;

	if (ret >= 0) {
		ASSERT_EQ(request_failed(self->req), ret);
	} else if (ret != -ENOMEM) {
		ASSERT_EQ(-EFAULT, ret);
	}
	for (i = 0; i < self->folios; i++) {
		ASSERT_TRUE(exact(self, query, ret, i)) {
			TH_LOG("folio %lu: status %d, the call returned %ld, %zu pages moved", i,
			       self->req->status[i], ret,
			       count_on_node(0, self->mem + i * self->size,
					     self->size / page_size(), self->to));
		}
	}
	ASSERT_TRUE(intact(self->mem, total(self), SEED));
	ASSERT_EQ(0, isolated_pages());
}

static long call(FIXTURE_DATA(fault) *self, bool query, int flags)
{
	return move_phys_pages(self->req->count, self->req->pages,
			       query ? NULL : self->req->nodes,
			       self->req->status, flags);
}

static void preset(struct request *req)
{
	unsigned long i;

	for (i = 0; i < req->count; i++)
		req->status[i] = PRESET;
}

/* Writing "0" may be made to fail, too, so retry */
static void insist(int fd, const char *text)
{
	int tries = 1000;

	while (pwrite(fd, text, strlen(text), 0) < 0)
		if (!--tries)
			die("cannot write %s", text);
}

static void check_works(struct __test_metadata *_metadata,
			FIXTURE_DATA(fault) *self,
			const FIXTURE_VARIANT(fault) *variant)
{
	ASSERT_TRUE(start_over(self, variant));
	preset(self->req);
	EXPECT_EQ(0, call(self, variant->query, variant->flags));
	EXPECT_EQ(self->folios,
		  request_count(self->req,
				variant->query ? self->from : self->to));
	ASSERT_TRUE(start_over(self, variant));
	EXPECT_EQ(self->free, free_hugetlb(self));
}

/*
 * Lets the first possible failure happen in one call, the second one in the
 * next, and so on
 */
TEST_F(fault, nth)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	unsigned int nth, failed = 0;
	bool reached = true;
	char buf[16];
	long ret;

	ASSERT_LE(0, fd);
	for (nth = 1; reached; nth++) {
		ASSERT_LT(nth, 10000);
		ASSERT_TRUE(start_over(self, variant));
		preset(self->req);
		sprintf(buf, "%u", nth);
		insist(fd, buf);
		ret = call(self, variant->query, variant->flags);
		/* If this read fails, no failure was left for the call. */
		reached = pread(fd, buf, sizeof(buf), 0) > 0 && buf[0] == '0';
		insist(fd, "0");
		check(_metadata, self, variant->query, ret);
		failed += ret != 0;
	}
	TH_LOG("%u injected failures, %u of them made the call fail", nth - 2, failed);
	EXPECT_LE(2, failed);
	check_works(_metadata, self, variant);
	close(fd);
}

/* Many failures in one call */
TEST_F(fault, often)
{
	int fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	static const unsigned int percents[] = { 0, 2, 20, 50, 100 };
	unsigned int round, i, failed = 0;
	uint32_t random = SEED;
	long ret;

	ASSERT_LE(0, fd);
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_TRUE(start_over(self, variant));
		preset(self->req);
		for (i = 0; i < 3; i++)
			/*
			 * Failures of usercopy must stay below 100%, or they
			 * could not be turned off.
			 */
			write_in(injectors[i], "probability", "%u",
				 percents[next_random(&random) % (5 - i / 2)]);
		insist(fd, "1");
		ret = call(self, variant->query, variant->flags);
		insist(fd, "0");
		check(_metadata, self, variant->query, ret);
		failed += ret != 0;
	}
	TH_LOG("%u of %u calls failed", failed, ROUNDS);
	EXPECT_LE(ROUNDS / 4, failed);
	check_works(_metadata, self, variant);
	close(fd);
}

/*
 * If only a part of a large folio is mapped, migration splits the folio. Then
 * each piece needs room of its own.
 */
FIXTURE(pieces)
{
	int from, to;
	char *mem;
};

FIXTURE_SETUP(pieces)
{
	NEEDS_INJECTION();
	TWO_NODES(self->from, self->to);
	self->mem = alloc_thp(self->from, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	set_injection(true);
}

FIXTURE_TEARDOWN(pieces)
{
	write_in(INJECT "fail_page_alloc", "space", "0");
	set_injection(false);
	munmap(self->mem, thp_size());
	EXPECT_EQ(0, isolated_pages());
}

/* The call has room for @pages of base pages, and for no more */
static long move_into_room(struct request *req, size_t pages)
{
	int fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		die("cannot make allocations fail");
	write_in(INJECT "fail_page_alloc", "space", "%zu", pages);
	write_in(INJECT "fail_page_alloc", "probability", "100");
	insist(fd, "1");
	ret = request_move(req, 0);
	insist(fd, "0");
	write_in(INJECT "fail_page_alloc", "probability", "0");
	close(fd);
	return ret;
}

TEST_F(pieces, without_room)
{
	size_t half = thp_size() / 2, pages = half / page_size(), moved;
	struct request *req = request_new(pages);
	char *rest = self->mem + half, *copy = malloc(half);
	long failed;

	ASSERT_NE(NULL, copy);
	memcpy(copy, rest, half);
	ASSERT_EQ(0, munmap(self->mem, half));
	/* The huge page has a target, and so have some of its pieces. */
	request_set(req, 0, phys_of(0, rest), self->to);
	req->count = 1;
	failed = move_into_room(req, 2 * pages + pages / 2);
	moved = count_on_node(0, rest, pages, self->to);
	if (page_has(phys_of(0, rest), KPF_THP)) {
		/* Older kernels do not split the huge page. */
		EXPECT_EQ(0, failed);
		EXPECT_EQ(self->to, req->status[0]);
		EXPECT_EQ(pages, moved);
	} else {
		EXPECT_EQ(1, failed);
		EXPECT_EQ(-ENOMEM, req->status[0]);
		EXPECT_GT(pages, moved);
	}
	EXPECT_EQ(pages, moved + count_on_node(0, rest, pages, self->from));
	EXPECT_EQ(0, memcmp(copy, rest, half));

	/* With room, the remaining pages move, too. */
	req->count = pages;
	request_set_pages(req, 0, rest, pages, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(pages, count_on_node(0, rest, pages, self->to));
	EXPECT_EQ(0, memcmp(copy, rest, half));
	request_free(req);
	free(copy);
}

/*
 * Returns two neighbouring folios of MTHP_SIZE, or NULL if the kernel has no
 * such folios
 */
static char *alloc_pair(int node)
{
	char saved[16], *mem;

	if (access(MTHP, W_OK))
		return NULL;
	read_choice(MTHP, saved, sizeof(saved));
	write_file(MTHP, "always");
	mem = mmap(NULL, 3 * MTHP_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die("mmap of %lu bytes failed", 3 * MTHP_SIZE);
	mem += -(uintptr_t)mem & (MTHP_SIZE - 1);
	touch_on(node, mem, 2 * MTHP_SIZE);
	write_file(MTHP, saved);
	if (!page_has(phys_of(0, mem), KPF_COMPOUND_HEAD) ||
	    !page_has(phys_of(0, mem + MTHP_SIZE), KPF_COMPOUND_HEAD))
		die("there are no folios of %lu bytes", MTHP_SIZE);
	fill(mem, 2 * MTHP_SIZE, SEED);
	return mem;
}

/* A folio that is in use is -EBUSY, even if pieces of another one lack room. */
TEST_F(pieces, beside_another_folio)
{
	size_t half = MTHP_SIZE / 2, pages = half / page_size();
	char *mem = alloc_pair(self->from), *used = mem + MTHP_SIZE;
	struct iovec iov = { used, page_size() };
	struct request *req = request_new(2);
	char *copy = malloc(half);
	long failed;
	int fds[2];

	if (!mem)
		SKIP(return, "needs a kernel that has huge pages of %lu KiB",
		     MTHP_SIZE / 1024);
	ASSERT_NE(NULL, copy);
	memcpy(copy, used, half);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(page_size(), vmsplice(fds[1], &iov, 1, 0));
	ASSERT_EQ(0, munmap(mem, half));
	request_set(req, 0, phys_of(0, mem + half), self->to);
	request_set(req, 1, phys_of(0, used), self->to);
	failed = move_into_room(req, 4 * pages + pages / 2);
	if (page_has(phys_of(0, mem + half), KPF_THP)) {
		/* Older kernels do not split the folio, and all of it has room. */
		EXPECT_EQ(1, failed);
		EXPECT_EQ(self->to, req->status[0]);
	} else {
		EXPECT_EQ(2, failed);
		EXPECT_EQ(-ENOMEM, req->status[0]);
	}
	EXPECT_EQ(-EBUSY, req->status[1]);
	EXPECT_EQ(2 * pages, count_on_node(0, used, 2 * pages, self->from));
	EXPECT_EQ(0, memcmp(copy, used, half));
	close(fds[0]);
	close(fds[1]);
	munmap(mem + half, 3 * half);
	request_free(req);
	free(copy);
}

TEST_HARNESS_MAIN
