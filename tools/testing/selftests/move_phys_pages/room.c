// SPDX-License-Identifier: GPL-2.0-only
/* Pages that find no room on their target do not keep other pages from moving */
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "tracing.h"
#include "util.h"

#define SEED	19
#define PAGES	((64UL << 20) / page_size())
#define MAX_NODES	64
#define MAX_THPS	16
#define UNWANTED	256
#define COMPACT_LOCKED	"/proc/sys/vm/compact_unevictable_allowed"

/* The pool of huge pages takes almost all memory of the target node. */
FIXTURE(room)
{
	int from, to;
	size_t back;
	char *mem, *other;
};

static void do_without(char *mem)
{
	if (madvise(mem, UNWANTED * page_size(), MADV_FREE))
		die("cannot make pages free for reclaim");
}

/*
 * Fills the node. The page allocator drains the per-CPU lists of free pages
 * only after reclaim has freed something, so provide pages with MADV_FREE for
 * reclaim to free. The pool cannot use free memory that is fragmented. Fill it
 * with base pages, until no more of them can move there.
 */
static void fill_up(int from, int node)
{
	int *nodes = calloc(PAGES, sizeof(*nodes));
	int *status = calloc(PAGES, sizeof(*status));
	void **pages = calloc(PAGES, sizeof(*pages));
	size_t i, before, moved = PAGES;
	char *mem = NULL, *unwanted;

	if (!nodes || !status || !pages)
		die("no memory");
	unwanted = alloc_memory(ANON, node, 2 * UNWANTED, SEED);
	do_without(unwanted);
	hugetlb_pool(node, 1 << 20);
	do_without(unwanted + UNWANTED * page_size());
	do {
		if (moved == PAGES) {
			mem = alloc_memory(ANON, from, PAGES, SEED);
			for (i = 0; i < PAGES; i++) {
				pages[i] = mem + i * page_size();
				nodes[i] = node;
			}
			moved = 0;
		}
		before = moved;
		syscall(__NR_move_pages, 0, PAGES, pages, nodes, status,
			MPOL_MF_MOVE);
		moved = count_on_node(0, mem, PAGES, node);
	} while (moved > before);
	free(nodes);
	free(status);
	free(pages);
}

FIXTURE_SETUP(room)
{
	TWO_NODES(self->from, self->to);
	NEEDS_HUGETLB();
	self->back = 100;
	self->mem = alloc_memory(ANON, self->from, PAGES, SEED);
	self->other = alloc_memory(ANON, self->to, self->back, SEED + 1);
	/*
	 * Keep compaction from moving the pages that tests move away from the
	 * full node: lock them, and let compaction skip locked pages.
	 */
	try_write_file(COMPACT_LOCKED, "0");
	ASSERT_EQ(0, mlock(self->other, self->back * page_size()));
	fill_up(self->from, self->to);
}

FIXTURE_TEARDOWN(room)
{
	hugetlb_pool(self->to, 0);
	try_write_file(COMPACT_LOCKED, "1");
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

	/* Once there is room, the remaining pages move. */
	hugetlb_pool(self->to, 0);
	req->count = PAGES;
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
}

static unsigned long splits(void)
{
	return vmstat("/proc/vmstat", "thp_split_page") +
	       vmstat("/proc/vmstat", "thp_migration_split");
}

/*
 * Pages that find no room are not passed to migrate_pages(), so it reports no
 * failure.
 */
TEST_F(room, not_tried)
{
	struct request *req = request_new(PAGES);
	struct failures failures;
	unsigned long moved;

	if (!start_tracing(EVENT_OF_MIGRATION))
		SKIP(return, "needs CONFIG_EVENT_TRACING");
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_LT(0, request_move(req, 0));
	moved = request_count(req, self->to);
	EXPECT_EQ(PAGES, moved + request_count(req, -ENOMEM));
	failures = read_failures();
	stop_tracing();
	EXPECT_EQ(0, failures.pages);
}

/* Without room in one piece, a huge page stays on its node and is not split. */
TEST_F(room, of_huge_pages)
{
	size_t pages = thp_size() / page_size();
	struct request *req = request_new(pages);
	bool found_room = true;
	unsigned long before;
	uint64_t phys;
	char *mem;
	int i;

	/* Some may find room, but not so many of them */
	for (i = 0; found_room && i < MAX_THPS; i++) {
		mem = alloc_thp(self->from, SEED);
		if (!mem) {
			ASSERT_EQ(0, i);
			SKIP(return, "needs CONFIG_TRANSPARENT_HUGEPAGE");
		}
		before = splits();
		phys = phys_of(0, mem);
		request_set_pages(req, 0, mem, pages, self->to);
		found_room = !request_move(req, 0);
		if (found_room) {
			EXPECT_EQ(pages, request_count(req, self->to));
			EXPECT_EQ(pages,
				  count_on_node(0, mem, pages, self->to));
		} else {
			EXPECT_EQ(pages, request_count(req, -ENOMEM));
			EXPECT_EQ(pages,
				  count_on_node(0, mem, pages, self->from));
			EXPECT_EQ(phys, phys_of(0, mem));
		}
		phys = phys_of(0, mem);
		EXPECT_TRUE(page_has(phys, KPF_THP));
		EXPECT_TRUE(page_has(phys, KPF_COMPOUND_HEAD));
		EXPECT_TRUE(page_has(phys + thp_size() - page_size(),
				     KPF_COMPOUND_TAIL));
		EXPECT_EQ(before, splits());
		EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
	}
	EXPECT_FALSE(found_room);
}

/*
 * One call moves pages to every node, one of which is full, and other pages
 * away from the full node. The pool has almost all memory of the full node, so
 * a hugetlb page finds room there, but not all base pages do.
 */
TEST_F(room, of_all_kinds)
{
	struct request *req;
	int nodes[MAX_NODES], n, i, node;
	unsigned long count = 0, full = 0;
	size_t size = hugetlb_size();
	char *huge;
	long left;

	n = memory_nodes(nodes, MAX_NODES);
	hugetlb_pool(self->from, 1);
	huge = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge == MAP_FAILED)
		SKIP(return, "needs CONFIG_HUGETLBFS");
	touch_on(self->from, huge, size);
	fill(huge, size, SEED + 2);

	req = request_new(PAGES + self->back + 1);
	for (i = 0; i < PAGES; i++, count++) {
		node = nodes[i % n];
		full += node == self->to;
		request_set(req, count,
			    phys_of(0, self->mem + i * page_size()), node);
	}
	for (i = 0; i < (int)self->back; i++, count++)
		request_set(req, count,
			    phys_of(0, self->other + i * page_size()),
			    self->from);
	request_set(req, count, phys_of(0, huge), self->to);

	left = request_move(req, 0);
	EXPECT_LT(0, left);
	EXPECT_EQ(left, request_count(req, -ENOMEM));
	for (count = 0; count < req->count; count++) {
		node = req->nodes[count];
		ASSERT_TRUE(req->status[count] == node ||
			    (node == self->to && req->status[count] == -ENOMEM));
	}
	EXPECT_EQ(full + 1 - left, request_count(req, self->to));
	EXPECT_EQ(self->to, req->status[req->count - 1]);
	EXPECT_EQ(self->to, node_of(0, huge));
	for (i = 0; i < PAGES; i++) {
		node = req->status[i] == -ENOMEM ? self->from : req->status[i];
		ASSERT_EQ(node, node_of(0, self->mem + i * page_size()));
	}
	EXPECT_TRUE(intact(huge, size, SEED + 2));
	ASSERT_EQ(0, munmap(huge, size));
	hugetlb_pool(self->from, 0);
}

/*
 * The pages of a memory cgroup can move even if it is at its limit, because
 * migration never charges the cgroup for the old and the new page at once.
 */
#define ROOT	"/sys/fs/cgroup"
#define LIMITED	500

FIXTURE(limited)
{
	int from, to;
	char dir[64];
	char *mem;
	pid_t pid;
};

FIXTURE_VARIANT(limited)
{
	enum memory kind;
};

FIXTURE_VARIANT_ADD(limited, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(limited, shmem)
{
	.kind = SHMEM,
};

static void fill_limited(void *arg)
{
	FIXTURE_DATA(limited) *self = arg;
	const size_t size = LIMITED * page_size();

	write_in(self->dir, "cgroup.procs", "0");
	touch_on(self->from, self->mem, size);
	fill(self->mem, size, SEED);
}

FIXTURE_SETUP(limited)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (!try_write_file(ROOT "/cgroup.subtree_control", "+memory"))
		SKIP_TEST("needs CONFIG_MEMCG");
	snprintf(self->dir, sizeof(self->dir), ROOT "/mpp-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	self->mem = map_memory(variant->kind, LIMITED);
	self->pid = spawn(fill_limited, self);
}

FIXTURE_TEARDOWN(limited)
{
	reap(self->pid);
	EXPECT_TRUE(remove_cgroup(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

static unsigned long value_in(const char *dir, const char *name)
{
	char path[96], buf[32];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	read_file(path, buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

static void read_events(const char *dir, char *buf, size_t size)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.events", dir);
	read_file(path, buf, size);
}

TEST_F(limited, at_its_limit)
{
	struct request *req = request_new(LIMITED);
	const int nodes[] = { self->to, self->from };
	char before[256], after[256];
	unsigned long limit;
	size_t i;
	int k;

	limit = value_in(self->dir, "memory.current");
	ASSERT_LE(LIMITED * page_size(), limit);
	write_in(self->dir, "memory.max", "%lu", limit);
	read_events(self->dir, before, sizeof(before));
	for (k = 0; k < 10; k++) {
		for (i = 0; i < LIMITED; i++)
			request_set(req, i, phys_of(self->pid, self->mem +
						    i * page_size()),
				    nodes[k % 2]);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(LIMITED, request_count(req, nodes[k % 2]));
		EXPECT_EQ(LIMITED, count_on_node(self->pid, self->mem, LIMITED,
						 nodes[k % 2]));
		/* Each page is charged to the same cgroup as before, and once. */
		EXPECT_GE(limit, value_in(self->dir, "memory.current"));
		EXPECT_LE(LIMITED * page_size(),
			  value_in(self->dir, "memory.current"));
	}
	read_events(self->dir, after, sizeof(after));
	EXPECT_STREQ(before, after);
}

TEST_HARNESS_MAIN
