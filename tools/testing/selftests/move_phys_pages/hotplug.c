// SPDX-License-Identifier: GPL-2.0-only
/* Memory that goes offline and comes back: before, during and after a call */
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		29
#define CHUNK		512UL	/* entries that the kernel handles at a time */
#define MAX_BLOCKS	64
#define MAX_NODES	1024

/* Blocks of memory, as sysfs shows them */

static void state_path(char *path, size_t size, unsigned long block)
{
	snprintf(path, size, "/sys/devices/system/memory/memory%lu/state",
		 block);
}

static bool try_state(unsigned long block, const char *state)
{
	char path[80];

	state_path(path, sizeof(path), block);
	return try_write_file(path, state);
}

static bool is_offline(unsigned long block)
{
	char path[80], state[32];

	state_path(path, sizeof(path), block);
	read_file(path, state, sizeof(state));
	return !strncmp(state, "offline", 7);
}

static bool has_memory(int node)
{
	int nodes[MAX_NODES];
	int i, n = memory_nodes(nodes, MAX_NODES);

	for (i = 0; i < n && nodes[i] != node; i++)
		;
	return i < n;
}

/* Cpusets learn of the node some time after its memory is online */
static void await_cpuset(int node)
{
	const int bits = 8 * sizeof(long);
	unsigned long mask[MAX_NODES / (8 * sizeof(long))];

	do {
		if (syscall(__NR_get_mempolicy, NULL, mask, MAX_NODES, NULL,
			    MPOL_F_MEMS_ALLOWED))
			die("get_mempolicy");
	} while (!(mask[node / bits] & 1UL << node % bits) && !usleep(1000));
}

/* Memory that was online at boot, and has a block that can go offline */

FIXTURE(boot)
{
	int from, to;
	unsigned long block;
};

FIXTURE_SETUP(boot)
{
	unsigned long blocks[MAX_BLOCKS];
	int n;

	TWO_NODES(self->from, self->to);
	n = memory_blocks(self->to, blocks, MAX_BLOCKS);
	if (!n)
		SKIP_TEST("needs CONFIG_MEMORY_HOTREMOVE");
	while (n && (is_offline(blocks[n - 1]) ||
		     !try_state(blocks[n - 1], "offline")))
		n--;
	if (!n)
		SKIP_TEST("needs memory that can go offline");
	self->block = blocks[n - 1];
}

FIXTURE_TEARDOWN(boot)
{
	EXPECT_TRUE(try_state(self->block, "online"));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(boot, offline)
{
	const uint64_t size = memory_block_size(), start = self->block * size;
	const uint64_t offsets[] = { 0, page_size(), size / 2, size - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t phys = start + offsets[i];

		EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
		EXPECT_OUTCOME(0, -ENOENT, move_one(phys, self->from, 0));
		EXPECT_OUTCOME(0, -ENOENT, move_one(phys, self->to, 0));
	}
}

/* A node that has memory only while a test wants it to */

struct spare {
	int node;
	int nr;
	unsigned long blocks[MAX_BLOCKS];
};

static bool find_spare(struct spare *spare)
{
	int i;

	for (spare->node = 0; spare->node < MAX_NODES; spare->node++) {
		spare->nr = memory_blocks(spare->node, spare->blocks, MAX_BLOCKS);
		for (i = 0; i < spare->nr && is_offline(spare->blocks[i]); i++)
			;
		if (i && i == spare->nr)
			return true;
	}
	return false;
}

static void bring(const struct spare *spare, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!try_state(spare->blocks[i], "online_movable"))
			die("block %lu stays offline", spare->blocks[i]);
	await_cpuset(spare->node);
}

/*
 * Takes blocks offline. Other tasks may isolate a page of a block for a moment,
 * so retry.
 */
static void take_away(const struct spare *spare, int nr)
{
	int tries = 1000;
	int i;

	for (i = 0; i < nr; i++)
		while (!is_offline(spare->blocks[i]) &&
		       !try_state(spare->blocks[i], "offline") && !usleep(1000))
			if (!--tries)
				die("block %lu stays online", spare->blocks[i]);
}

#define SPARE_NODE(_spare, _from, _to) do {				\
	TWO_NODES(_from, _to);						\
	if (!find_spare(_spare))					\
		SKIP_TEST("needs a node with all of its memory offline"); \
} while (0)

FIXTURE(spare)
{
	int from, to;
	struct spare spare;
};

FIXTURE_SETUP(spare)
{
	SPARE_NODE(&self->spare, self->from, self->to);
}

FIXTURE_TEARDOWN(spare)
{
	take_away(&self->spare, self->spare.nr);
	EXPECT_FALSE(has_memory(self->spare.node));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(spare, comes_and_goes)
{
	const struct spare *spare = &self->spare;
	const size_t pages = 100;
	char *mem = alloc_memory(ANON, self->from, pages, SEED);
	uint64_t phys = phys_of(0, mem), there;

	EXPECT_OUTCOME(-ENODEV, PRESET, move_one(phys, spare->node, 0));
	EXPECT_EQ(phys, phys_of(0, mem));

	bring(spare, spare->nr);
	EXPECT_OUTCOME(0, spare->node, move_one(phys, spare->node, 0));
	EXPECT_EQ(spare->node, node_of(0, mem));
	there = phys_of(0, mem);
	EXPECT_OUTCOME(0, spare->node, query_one(there));

	/* The page's old frame is offline now, and the page is elsewhere */
	take_away(spare, spare->nr);
	EXPECT_OUTCOME(0, -ENOENT, query_one(there));
	EXPECT_OUTCOME(0, -ENOENT, move_one(there, self->to, 0));
	EXPECT_OUTCOME(-ENODEV, PRESET, move_one(there, spare->node, 0));
	EXPECT_NE(spare->node, node_of(0, mem));

	/* When the block is online again, no process maps the old frame */
	bring(spare, spare->nr);
	EXPECT_OUTCOME(0, -ENOENT, query_one(there));
	EXPECT_OUTCOME(0, -ENOENT, move_one(there, self->to, 0));
	EXPECT_OUTCOME(0, spare->node,
		       move_one(phys_of(0, mem), spare->node, 0));
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

/* All blocks but one go offline, and the node remains */
TEST_F(spare, keeps_the_rest)
{
	const struct spare *spare = &self->spare;
	const size_t pages = 100;
	char *mem = alloc_memory(ANON, self->from, pages, SEED);
	struct request *req = request_new(pages);

	if (spare->nr < 2)
		SKIP(return, "needs a node of two blocks");
	bring(spare, spare->nr);
	take_away(spare, spare->nr - 1);
	ASSERT_TRUE(has_memory(spare->node));
	request_set_pages(req, 0, mem, pages, spare->node);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(pages, request_count(req, spare->node));
	EXPECT_EQ(pages, count_on_node(0, mem, pages, spare->node));
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

/* The source or target node goes offline between two chunks of one call */

/* A call that must wait for the second half of its addresses */
struct halves {
	struct spare *spare;
	bool returns;
	int uffd;
	uint64_t *pages;
	uint64_t later[CHUNK];
};

FIXTURE(during)
{
	int from, to;
	struct spare spare;
	struct halves halves;
	struct request *req;
	char *mem;
};

FIXTURE_VARIANT(during)
{
	bool target;	/* which node goes offline: the target, or the source */
	bool returns;	/* the node is online again before the call continues */
	int status;	/* of the second half of the entries; 0: pages move */
};

FIXTURE_VARIANT_ADD(during, source_goes)
{
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(during, source_returns)
{
	.returns = true,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(during, target_goes)
{
	.target = true,
	.status = -ENOMEM,
};

FIXTURE_VARIANT_ADD(during, target_returns)
{
	.target = true,
	.returns = true,
	.status = 0,	/* the pages move */
};

/*
 * The addresses of a chunk fill a page. The page with the addresses of the
 * second chunk is missing at first.
 */
static void split_addresses(struct halves *halves, struct request *req)
{
	const size_t size = sizeof(halves->later);
	uint64_t *pages;

	pages = (uint64_t *)map_memory(ANON, 2);
	if (size != page_size())
		die("half of the addresses do not fill a page");
	memcpy(pages, req->pages, size);
	memcpy(halves->later, req->pages + CHUNK, size);
	halves->pages = pages;
	req->pages = pages;

	halves->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	watch_missing(halves->uffd, pages + CHUNK, size);
}

static void *between(void *arg)
{
	struct halves *halves = arg;
	struct uffdio_copy copy = {
		.dst = (uintptr_t)(halves->pages + CHUNK),
		.src = (uintptr_t)halves->later,
		.len = sizeof(halves->later),
	};
	struct uffd_msg msg;

	if (read(halves->uffd, &msg, sizeof(msg)) != sizeof(msg))
		die("cannot read a fault from a userfaultfd");
	take_away(halves->spare, halves->spare->nr);
	if (halves->returns)
		bring(halves->spare, halves->spare->nr);
	if (ioctl(halves->uffd, UFFDIO_COPY, &copy))
		die("cannot resolve a fault");
	return NULL;
}

FIXTURE_SETUP(during)
{
	SPARE_NODE(&self->spare, self->from, self->to);
	if (access("/proc/sys/vm/unprivileged_userfaultfd", F_OK))
		SKIP_TEST("needs CONFIG_USERFAULTFD");
	bring(&self->spare, self->spare.nr);
	self->mem = alloc_memory(ANON, variant->target ? self->from :
				 self->spare.node, 2 * CHUNK, SEED);
	self->req = request_new(2 * CHUNK);
	request_set_pages(self->req, 0, self->mem, 2 * CHUNK,
			  variant->target ? self->spare.node : self->to);
	self->halves.spare = &self->spare;
	self->halves.returns = variant->returns;
	split_addresses(&self->halves, self->req);
}

FIXTURE_TEARDOWN(during)
{
	EXPECT_TRUE(intact(self->mem, 2 * CHUNK * page_size(), SEED));
	take_away(&self->spare, self->spare.nr);
	EXPECT_FALSE(has_memory(self->spare.node));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(during, one_call)
{
	const int status = variant->status ?: self->req->nodes[0];
	char *rest = self->mem + CHUNK * page_size();
	const int node = self->req->nodes[0];
	struct request *req = self->req;
	unsigned long i, right = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, between, &self->halves));
	EXPECT_EQ(status == -ENOMEM ? CHUNK : 0, request_move(req, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	for (i = 0; i < req->count; i++)
		right += req->status[i] == (i < CHUNK ? node : status);
	EXPECT_EQ(req->count, right);

	/*
	 * When the spare node went offline, all pages had to leave it, even if
	 * the call had just moved them there
	 */
	EXPECT_EQ(variant->target ? 0 : CHUNK,
		  count_on_node(0, self->mem, CHUNK, node));
	EXPECT_EQ(variant->target && variant->returns ? CHUNK : 0,
		  count_on_node(0, rest, CHUNK, self->spare.node));
	if (!variant->returns) {
		EXPECT_OUTCOME(-ENODEV, PRESET, move_one(phys_of(0, rest),
							 self->spare.node, 0));
	}
}

/*
 * Many calls, while memory of the source or target goes offline and online all
 * the time
 */

#define ROUNDS	10
#define PAGES	1000

struct rounds {
	const struct spare *spare;
	int nr;		/* of blocks that go offline and come back */
	bool done;
};

FIXTURE(meanwhile)
{
	int from, to;
	struct spare spare;
	struct rounds rounds;
	char *mem, *thp;
};

FIXTURE_VARIANT(meanwhile)
{
	bool all;	/* all blocks of the node go offline, not only one */
};

FIXTURE_VARIANT_ADD(meanwhile, block)
{
	.all = false,
};

FIXTURE_VARIANT_ADD(meanwhile, node)
{
	.all = true,
};

/*
 * OFFLINE_HUGE=0 says that this kernel counts isolated pages wrongly when
 * memory with huge pages goes offline
 */
static bool has_huge_offline(void)
{
	const char *value = getenv("OFFLINE_HUGE");

	return !value || strcmp(value, "0");
}

FIXTURE_SETUP(meanwhile)
{
	SPARE_NODE(&self->spare, self->from, self->to);
	if (!variant->all && self->spare.nr < 2)
		SKIP_TEST("needs a node of two blocks");
	self->rounds.spare = &self->spare;
	self->rounds.nr = variant->all ? self->spare.nr : 1;
	self->mem = alloc_memory(ANON, self->to, PAGES, SEED);
	if (has_huge_offline())
		self->thp = alloc_thp(self->to, SEED);
	bring(&self->spare, self->spare.nr);
}

FIXTURE_TEARDOWN(meanwhile)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_TRUE(!self->thp || intact(self->thp, thp_size(), SEED));
	take_away(&self->spare, self->spare.nr);
	EXPECT_FALSE(has_memory(self->spare.node));
	EXPECT_EQ(0, isolated_pages());
}

static void *come_and_go(void *arg)
{
	struct rounds *rounds = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		take_away(rounds->spare, rounds->nr);
		bring(rounds->spare, rounds->nr);
	}
	__atomic_store_n(&rounds->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool done(const struct rounds *rounds)
{
	return __atomic_load_n(&rounds->done, __ATOMIC_ACQUIRE);
}

TEST_F(meanwhile, calls)
{
	const int nodes[] = { self->spare.node, self->to };
	unsigned long left, known, moved = 0;
	struct request *req = request_new(PAGES + 1);
	pthread_t thread;
	int i, node;
	long ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, come_and_go,
				    &self->rounds));
	for (i = 0; !done(&self->rounds); i++) {
		node = nodes[i % 2];
		request_set_pages(req, 0, self->mem, PAGES, node);
		/* Use a base page again if there are no huge pages */
		request_set_pages(req, PAGES, self->thp ?: self->mem, 1, node);
		ret = request_move(req, 0);
		if (ret == -ENODEV && variant->all && node == self->spare.node) {
			ASSERT_EQ(req->count, request_count(req, PRESET));
			continue;
		}
		left = request_failed(req);
		ASSERT_EQ(left, ret);
		/* An address may be outdated, so -ENOENT is possible, too */
		known = request_count(req, node) + request_count(req, -EBUSY) +
			request_count(req, -ENOMEM) +
			request_count(req, -ENOENT);
		/* Cpusets learn of the node some time after the call does */
		if (variant->all)
			known += request_count(req, -EACCES);
		ASSERT_EQ(req->count, known);
		moved += request_count(req, node);
		ASSERT_EQ(0, request_query(req, 0));
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LT(0, moved);

	request_set_pages(req, 0, self->mem, PAGES, self->to);
	request_set_pages(req, PAGES, self->thp ?: self->mem, 1,
			  self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(req->count, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
}

TEST_HARNESS_MAIN
