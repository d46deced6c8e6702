// SPDX-License-Identifier: GPL-2.0-only
/* Pages that can move do so with their contents, and all their entries report it */
#include <linux/kernel-page-flags.h>
#include <pthread.h>
#include <signal.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	7

/* Base pages of one process, of each kind that can move */
FIXTURE(base)
{
	int from, to;
};

FIXTURE_VARIANT(base)
{
	enum memory kind;
};

FIXTURE_VARIANT_ADD(base, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(base, shmem)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(base, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(base, tmpfs)
{
	.kind = TMPFS,
};

FIXTURE_SETUP(base)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
}

FIXTURE_TEARDOWN(base)
{
	EXPECT_EQ(0, isolated_pages());
}

/* Fills the request: each entry asks to move the next page to @node */
static void name_pages(struct request *req, const char *mem, int node)
{
	request_set_pages(req, 0, mem, req->count, node);
}

TEST_F(base, one_page)
{
	char *page = alloc_memory(variant->kind, self->from, 1, SEED);
	uint64_t phys = phys_of(0, page);

	EXPECT_OUTCOME(0, self->from, query_one(phys));
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, MPOL_MF_MOVE));
	EXPECT_EQ(self->to, node_of(0, page));
	EXPECT_NE(phys, phys_of(0, page));
	EXPECT_OUTCOME(0, self->to, query_one(phys_of(0, page)));
	EXPECT_TRUE(intact(page, page_size(), SEED));
}

/* The address of any byte identifies the page */
TEST_F(base, unaligned)
{
	const size_t last = page_size() - 1;
	const size_t offsets[] = { 1, 2, 7, 64, last / 2, last - 7, last };
	char *page = alloc_memory(variant->kind, self->from, 1, SEED);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		int node = i % 2 ? self->from : self->to;

		EXPECT_OUTCOME(0, node,
			       move_one(phys_of(0, page) + offsets[i], node,
					0));
		EXPECT_EQ(node, node_of(0, page));
		EXPECT_OUTCOME(0, node,
			       query_one(phys_of(0, page) + offsets[i]));
	}
	EXPECT_TRUE(intact(page, page_size(), SEED));
}

TEST_F(base, back_and_forth)
{
	char *page = alloc_memory(variant->kind, self->from, 1, SEED);
	int i, node;

	for (i = 0; i < 1000; i++) {
		node = i % 2 ? self->from : self->to;
		EXPECT_OUTCOME(0, node, move_one(phys_of(0, page), node, 0));
		ASSERT_EQ(node, node_of(0, page));
		ASSERT_TRUE(intact(page, page_size(), SEED));
	}
}

/* A page that is on the target already stays in its frame */
TEST_F(base, already_there)
{
	char *page = alloc_memory(variant->kind, self->from, 1, SEED);
	uint64_t phys = phys_of(0, page);

	EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	EXPECT_EQ(phys, phys_of(0, page));
	EXPECT_TRUE(intact(page, page_size(), SEED));
}

/*
 * Counts of entries around the sizes of chunks that a kernel might use. A chunk
 * does not depend on the kind of memory, so one kind is enough for large counts.
 */
TEST_F(base, any_count)
{
	static const unsigned long counts[] = {
		1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128,
		129, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025,
		1999, 2047, 2048, 2049, 3000, 4095, 4096, 4097,
	};
	const unsigned long most = counts[ARRAY_SIZE(counts) - 1] + 1;
	char *mem = alloc_memory(variant->kind, self->from, most, SEED);
	struct request *req;
	size_t i;
	int node;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		if (counts[i] > 1025 && variant->kind != ANON)
			break;
		/* When pages move back, the last ones have never moved away */
		node = i % 2 ? self->from : self->to;
		req = request_new(counts[i]);
		name_pages(req, mem, node);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(counts[i], request_count(req, node));
		EXPECT_EQ(counts[i], count_on_node(0, mem, counts[i], node));
		EXPECT_EQ(self->from,
			  node_of(0, mem + counts[i] * page_size()));
		request_free(req);
	}
	ASSERT_TRUE(intact(mem, most * page_size(), SEED));
}

/* Each entry has its own target, and some pages are there already */
TEST_F(base, mixed_targets)
{
	const unsigned long count = 3000;
	char *mem = alloc_memory(variant->kind, self->from, count, SEED);
	struct request *req = request_new(count);
	int *nodes = calloc(count, sizeof(*nodes)), round;
	uint32_t state = SEED;
	unsigned long i;

	ASSERT_NE(NULL, nodes);
	for (round = 0; round < 4; round++) {
		name_pages(req, mem, self->from);
		for (i = 0; i < count; i++) {
			/*
			 * Alternate in the first round, and choose at random
			 * later
			 */
			if (round ? next_random(&state) % 2 : i % 2)
				req->nodes[i] = self->to;
		}
		EXPECT_EQ(0, request_move(req, 0));
		nodes_of_pages(0, mem, count, nodes);
		for (i = 0; i < count; i++) {
			ASSERT_EQ(req->nodes[i], req->status[i]);
			ASSERT_EQ(req->nodes[i], nodes[i]);
		}
	}
	free(nodes);
	EXPECT_TRUE(intact(mem, count * page_size(), SEED));
}

/*
 * Another process writes its pages all the time, and no write may be lost. Each
 * thread increments a word of its own in every page, and one that is common to
 * all threads.
 */
#define WORKERS		2
#define COUNTED_PAGES	64

struct counting {
	char *mem;
	unsigned int next_worker;
	unsigned int rounds[WORKERS];
	unsigned int finished;
	unsigned int correct;
	bool stop;
};

static unsigned int *counter(const struct counting *counting, int page,
			     int word)
{
	return (unsigned int *)(counting->mem + page * page_size()) + word;
}

static void *count_until_stopped(void *arg)
{
	struct counting *counting = arg;
	int word = 1 + __atomic_fetch_add(&counting->next_worker, 1,
					  __ATOMIC_SEQ_CST);
	unsigned int *rounds = &counting->rounds[word - 1];
	unsigned int all_rounds = 0;
	bool correct = true;
	int page, i;

	while (!__atomic_load_n(&counting->stop, __ATOMIC_SEQ_CST)) {
		for (page = 0; page < COUNTED_PAGES; page++) {
			unsigned int *own = counter(counting, page, word);

			/*
			 * Only this thread writes the word, so the addition
			 * need not be atomic
			 */
			__atomic_store_n(own, *own + 1, __ATOMIC_RELAXED);
			__atomic_fetch_add(counter(counting, page, 0), 1,
					   __ATOMIC_SEQ_CST);
		}
		__atomic_fetch_add(rounds, 1, __ATOMIC_SEQ_CST);
	}
	for (page = 0; page < COUNTED_PAGES; page++)
		correct &= *counter(counting, page, word) == *rounds;
	__atomic_fetch_add(&counting->correct, correct, __ATOMIC_SEQ_CST);
	/* The last thread to finish checks the common word */
	if (__atomic_add_fetch(&counting->finished, 1, __ATOMIC_SEQ_CST) <
	    WORKERS)
		return NULL;
	for (i = 0; i < WORKERS; i++)
		all_rounds += counting->rounds[i];
	for (page = 0; page < COUNTED_PAGES; page++)
		if (*counter(counting, page, 0) != all_rounds)
			counting->correct = 0;
	__atomic_fetch_add(&counting->finished, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

struct start {
	struct counting *counting;
	int node;
};

static void start_counting(void *arg)
{
	struct start *start = arg;
	pthread_t thread;
	int i;

	touch_on(start->node, start->counting->mem,
		 COUNTED_PAGES * page_size());
	memset(start->counting->mem, 0, COUNTED_PAGES * page_size());
	for (i = 0; i < WORKERS; i++)
		if (pthread_create(&thread, NULL, count_until_stopped,
				   start->counting))
			die("cannot create a thread");
}

/*
 * Waits until every thread has completed a round, and until compaction and
 * reclaim have put back the pages that they had isolated.
 */
static void wait_for_users(struct counting *counting)
{
	unsigned int rounds;
	int i;

	for (i = 0; i < WORKERS; i++) {
		rounds = __atomic_load_n(&counting->rounds[i],
					 __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&counting->rounds[i],
				       __ATOMIC_SEQ_CST) == rounds)
			usleep(100);
	}
	isolated_pages();
}

static void log_busy(struct __test_metadata *_metadata,
		     const struct request *req)
{
	unsigned long i;
	uint64_t flags;

	for (i = 0; i < req->count; i++)
		if (req->status[i] == -EBUSY &&
		    page_flags(req->pages[i], &flags))
			TH_LOG("page %lu stays busy, its kpageflags are %#llx",
			       i, (unsigned long long)flags);
}

TEST_F(base, used_by_another_process)
{
	struct request *req = request_new(COUNTED_PAGES);
	struct counting *counting = (void *)map_memory(SHMEM, 1);
	struct start start = { .counting = counting, .node = self->from };
	char *mem = map_memory(variant->kind, COUNTED_PAGES);
	int round, node, tries, i;
	unsigned long busy;
	pid_t pid;

	counting->mem = mem;
	pid = spawn(start_counting, &start);
	for (round = 0; round < 200; round++) {
		node = round % 2 ? self->from : self->to;
		tries = 0;
		do {
			phys_of_pages(pid, mem, COUNTED_PAGES, req->pages);
			for (i = 0; i < COUNTED_PAGES; i++)
				req->nodes[i] = node;
			/*
			 * A page fault holds a file's page for a while, so the
			 * status of the page may be -EBUSY
			 */
			busy = request_move(req, 0);
			ASSERT_EQ(busy, request_count(req, -EBUSY));
			ASSERT_EQ(COUNTED_PAGES - busy,
				  request_count(req, node));
			ASSERT_EQ(COUNTED_PAGES - busy,
				  count_on_node(pid, mem, COUNTED_PAGES, node));
			ASSERT_TRUE(!busy || variant->kind != ANON);
			if (busy)
				wait_for_users(counting);
		} while (busy && ++tries < 100);
		if (busy)
			log_busy(_metadata, req);
		ASSERT_EQ(0, busy);
	}
	__atomic_store_n(&counting->stop, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&counting->finished, __ATOMIC_SEQ_CST) <=
	       WORKERS)
		usleep(1000);
	EXPECT_EQ(WORKERS, counting->correct);
	for (i = 0; i < WORKERS; i++)
		EXPECT_NE(0, counting->rounds[i]);
	reap(pid);
}

/* Processes that exit while their pages are moved */
#define MORTAL_PAGES	32

struct mortal {
	char *mem;
	int node;
};

static void touch_mortal(void *arg)
{
	struct mortal *mortal = arg;

	touch_on(mortal->node, mortal->mem, MORTAL_PAGES * page_size());
}

/* Kills the process as soon as this page leaves its frame. */
static pid_t kill_when_moving(pid_t pid, const char *page)
{
	uint64_t phys = phys_of(pid, page);
	pid_t killer = fork();

	if (killer < 0)
		die("cannot create a process");
	if (!killer) {
		while (phys_of(pid, page) == phys)
			;
		kill(pid, SIGKILL);
		_exit(0);
	}
	return killer;
}

TEST_F(base, mapper_exits)
{
	struct mortal mortal = {
		.mem = map_memory(variant->kind, MORTAL_PAGES),
		.node = self->from,
	};
	struct request *req = request_new(MORTAL_PAGES);
	unsigned long known, moved = 0;
	pid_t pid, killer;
	int round, i;
	long ret;

	for (round = 0; round < 100; round++) {
		pid = spawn(touch_mortal, &mortal);
		phys_of_pages(pid, mortal.mem, MORTAL_PAGES, req->pages);
		for (i = 0; i < MORTAL_PAGES; i++)
			req->nodes[i] = i % 2 ? self->to : self->from;
		shuffle(req, round);
		killer = 0;
		if (round % 2)
			killer = kill_when_moving(pid, mortal.mem + page_size());
		else
			ASSERT_EQ(0, kill(pid, SIGKILL));
		ret = request_move(req, MPOL_MF_MOVE_ALL);
		if (killer) {
			reap(killer);
			ASSERT_EQ(0, kill(pid, SIGKILL));
		}
		/*
		 * The page has moved, no process maps it any more, or it is
		 * just being freed
		 */
		known = request_count(req, self->to) +
			request_count(req, self->from) +
			request_count(req, -ENOENT) +
			request_count(req, -EBUSY);
		ASSERT_EQ(MORTAL_PAGES, known);
		ASSERT_EQ(request_count(req, -EBUSY), ret);
		moved += request_count(req, self->to);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		/* The file keeps its pages, so free them before the next round */
		ASSERT_EQ(0, madvise(mortal.mem, MORTAL_PAGES * page_size(),
				     variant->kind == ANON ? MADV_DONTNEED :
							     MADV_REMOVE));
	}
	/* The processes of every other round live until a page has moved. */
	EXPECT_LT(0, moved);
}

/* Transparent huge pages: any address inside one identifies the whole */
FIXTURE(thp)
{
	int from, to;
	unsigned long pages;	/* in a THP */
	char *mem;
};

FIXTURE_SETUP(thp)
{
	TWO_NODES(self->from, self->to);
	self->pages = thp_size() / page_size();
	self->mem = alloc_thp(self->from, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
}

FIXTURE_TEARDOWN(thp)
{
	EXPECT_TRUE(intact(self->mem, thp_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

#define EXPECT_THP_ON(_mem, _node) do {					\
	char *__mem = (_mem);						\
									\
	EXPECT_EQ(self->pages,						\
		  count_on_node(0, __mem, self->pages, _node));		\
	EXPECT_TRUE(page_has(phys_of(0, __mem), KPF_COMPOUND_HEAD));	\
	EXPECT_TRUE(page_has(phys_of(0, __mem), KPF_THP));		\
} while (0)

/* Moves the THP by some of its addresses, and queries it by all of them */
TEST_F(thp, by_each_address)
{
	const size_t last = page_size() - 1;
	const unsigned long step = self->pages / 32;
	int node = self->from;
	unsigned long i;

	for (i = 0; i < self->pages; i++) {
		uint64_t phys = phys_of(0, self->mem + i * page_size()) + i % last;

		if (i % step == i / step) {
			node = node == self->to ? self->from : self->to;
			EXPECT_OUTCOME(0, node, move_one(phys, node, 0));
			ASSERT_EQ(node, node_of(0, self->mem));
			phys = phys_of(0, self->mem + i * page_size()) + i % last;
		}
		ASSERT_EQ(node, node_of(0, self->mem + i * page_size()));
		EXPECT_OUTCOME(0, node, query_one(phys));
	}
	EXPECT_THP_ON(self->mem, node);
}

/* The order of a THP's addresses in the request */
enum order { FORWARD, BACKWARD, SHUFFLED };

FIXTURE(thp_order)
{
	int from, to;
	unsigned long pages;
	char *mem[2];
};

FIXTURE_VARIANT(thp_order)
{
	enum order order;
};

FIXTURE_VARIANT_ADD(thp_order, forward)
{
	.order = FORWARD,
};

FIXTURE_VARIANT_ADD(thp_order, backward)
{
	.order = BACKWARD,
};

FIXTURE_VARIANT_ADD(thp_order, shuffled)
{
	.order = SHUFFLED,
};

FIXTURE_SETUP(thp_order)
{
	int i;

	TWO_NODES(self->from, self->to);
	self->pages = thp_size() / page_size();
	for (i = 0; i < 2; i++) {
		self->mem[i] = alloc_thp(self->from, SEED + i);
		if (!self->mem[i])
			SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	}
}

FIXTURE_TEARDOWN(thp_order)
{
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_TRUE(intact(self->mem[i], thp_size(), SEED + i));
	EXPECT_EQ(0, isolated_pages());
}

static void name_thp(struct request *req, unsigned long at, const char *mem,
		     unsigned long pages, int node, enum order order)
{
	struct request part = {
		.count = pages,
		.pages = req->pages + at,
		.nodes = req->nodes + at,
	};
	unsigned long i;

	name_pages(&part, mem, node);
	if (order == SHUFFLED)
		shuffle(&part, SEED);
	for (i = 0; order == BACKWARD && i < pages / 2; i++) {
		uint64_t page = part.pages[i];

		part.pages[i] = part.pages[pages - 1 - i];
		part.pages[pages - 1 - i] = page;
	}
}

/*
 * Other entries come first, so that those of the THP start at various places of
 * a chunk
 */
TEST_F(thp_order, by_all_addresses)
{
	static const unsigned long lengths[] = {
		0, 1, 3, 31, 33, 64, 100, 128, 250, 256, 300, 500, 511, 512,
		1000, 1023, 2047, 3900, 4095,
	};
	size_t i;
	int node;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		unsigned long before = lengths[i], j;
		struct request *req = request_new(before + self->pages);

		node = i % 2 ? self->from : self->to;
		for (j = 0; j < before; j++)
			request_set(req, j, UINT64_MAX, node);
		name_thp(req, before, self->mem[0], self->pages, node,
			 variant->order);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(before, request_count(req, -ENOENT));
		EXPECT_EQ(self->pages, request_count(req, node));
		EXPECT_THP_ON(self->mem[0], node);
		request_free(req);
	}
}

/*
 * Two THPs swap their nodes. Their addresses alternate, with base pages in
 * between
 */
TEST_F(thp_order, two_interleaved)
{
	char *base = alloc_memory(ANON, self->from, self->pages, SEED);
	struct request *req = request_new(3 * self->pages);
	struct request *third = request_new(self->pages);
	unsigned long i;
	int kind;

	ASSERT_EQ(0, move_one(phys_of(0, self->mem[1]), self->to, 0).ret);
	for (kind = 0; kind < 3; kind++) {
		name_thp(third, 0, kind < 2 ? self->mem[kind] : base,
			 self->pages, kind == 1 ? self->from : self->to,
			 variant->order);
		for (i = 0; i < self->pages; i++)
			request_set(req, 3 * i + kind, third->pages[i],
				    third->nodes[i]);
	}
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_THP_ON(self->mem[0], self->to);
	EXPECT_THP_ON(self->mem[1], self->from);
	EXPECT_EQ(self->pages, count_on_node(0, base, self->pages, self->to));
	for (i = 0; i < req->count; i++)
		ASSERT_EQ(req->nodes[i], req->status[i]);
	EXPECT_TRUE(intact(base, self->pages * page_size(), SEED));
}

TEST_F(thp, already_there)
{
	uint64_t phys = phys_of(0, self->mem);
	struct request *req = request_new(self->pages);

	name_pages(req, self->mem, self->from);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(self->pages, request_count(req, self->from));
	EXPECT_EQ(phys, phys_of(0, self->mem));
}

/*
 * A THP that is mapped page by page still moves as a whole. Move each THP only
 * once: migration unmaps it page by page, and the kernel splits such a THP when
 * it moves again, also in move_pages(2).
 */
TEST_F(thp, mapped_by_pages)
{
	char *middle, *mem;
	unsigned long i;

	for (i = 0; i < self->pages; i += 31) {
		mem = alloc_thp(self->from, SEED);
		ASSERT_NE(NULL, mem);
		middle = mem + self->pages / 2 * page_size();
		ASSERT_EQ(0, mprotect(middle, page_size(), PROT_READ));
		EXPECT_OUTCOME(0, self->to,
			       move_one(phys_of(0, mem + i * page_size()),
					self->to, 0));
		EXPECT_THP_ON(mem, self->to);
		EXPECT_TRUE(intact(mem, thp_size(), SEED));
		ASSERT_EQ(0, munmap(mem, thp_size()));
	}
}

TEST_F(thp, mlocked)
{
	ASSERT_EQ(0, mlock(self->mem, thp_size()));
	EXPECT_OUTCOME(0, self->to,
		       move_one(phys_of(0, self->mem), self->to, 0));
	EXPECT_THP_ON(self->mem, self->to);
}

TEST_HARNESS_MAIN
