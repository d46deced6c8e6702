// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves the same pages by several ways, one after the other. Before each way,
 * their addresses are looked up again. The pages go round between the nodes.
 *
 * Between two nodes, each way moves the pages as often in one direction as in
 * the other. In the cases with DAMON as a third way, move_phys_pages(2) always
 * moves them in one direction, and move_pages(2) in the other.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bench.h"

/* Kinds of pages */
enum pages {
	BASE,		/* anonymous */
	FILES,		/* of a file on tmpfs */
	SHARED,		/* shared and anonymous */
	HUGE,		/* transparent */
	HUGETLB,
};

/* The places of the pages. Every page moves to the next of the nodes in use */
enum places {
	TOGETHER,	/* all on one node */
	ALTERNATE,	/* neighbours are on different nodes */
	RANDOM,
};

struct bench {
	const char *name;
	enum pages pages;
	unsigned long entries;	/* of all calls of a round together */
	unsigned long batch;	/* entries a call, 0: all */
	unsigned int rounds;	/* pairs of them: there and back */
	unsigned int processes;	/* that map the pages, 0: one */
	enum places places;
	unsigned int nodes;	/* 0: two */
	unsigned int threads;	/* that make calls at the same time, 0: one */
	bool shuffled;
	bool query;
	bool bad;		/* a third of the entries names no page */
	bool damon;		/* DAMON can do the same */
	bool bound;		/* the caller is bound to its CPU */
	bool sibling;		/* a process shares the caller's memory */
	unsigned int bystanders; /* processes with many threads, not mappers */
};

/* Enough rounds that a task which wakes up in one of them matters little */
static const struct bench benches[] = {
	{ "1 page a call", BASE, 64, .batch = 1, .rounds = 32 },
	{ "1 page a call, bound to a CPU", BASE, 64, .batch = 1, .rounds = 16,
	  .bound = true },
	{ "8 pages a call", BASE, 512, .batch = 8, .rounds = 16 },
	{ "64 pages a call", BASE, 1024, .batch = 64, .rounds = 8 },
	{ "512 pages", BASE, 512, .rounds = 16, .damon = true },
	{ "4096 pages", BASE, 4096, .rounds = 4, .damon = true },
	{ "16384 pages", BASE, 16384, .rounds = 1, .damon = true },
	{ "4096 pages, alternating", BASE, 4096, .rounds = 4, .places = ALTERNATE },
	{ "4096 pages, random targets", BASE, 4096, .rounds = 4, .places = RANDOM },
	{ "4096 pages, shuffled", BASE, 4096, .rounds = 4, .shuffled = true },
	{ "4096 pages, four nodes", BASE, 4096, .rounds = 4, .places = ALTERNATE,
	  .nodes = 4 },
	{ "4096 entries, a third bad", BASE, 4096, .rounds = 4, .bad = true },
	{ "4 threads, 8 pages a call", BASE, 1024, .batch = 8, .rounds = 16,
	  .threads = 4 },
	{ "512 pages of 2 processes", BASE, 512, .rounds = 16, .processes = 2 },
	{ "512 pages of 17 processes", BASE, 512, .rounds = 16, .processes = 17 },
	{ "512 pages of 257 processes", BASE, 512, .rounds = 4, .processes = 257 },
	{ "4096 pages of a file", FILES, 4096, .rounds = 4 },
	{ "4096 pages of shmem", SHARED, 4096, .rounds = 4 },
	{ "8 THPs", HUGE, 8, .rounds = 8 },
	{ "8 hugetlb pages", HUGETLB, 8, .rounds = 8 },
	{ "query of 4096 pages", BASE, 4096, .rounds = 2, .query = true },
	/*
	 * These are last, because the kernel does not forget that the memory of
	 * this process was shared.
	 */
	{ "1 page a call, with a sibling", BASE, 64, .batch = 1, .rounds = 8,
	  .sibling = true },
	{ "1 page a call, with a sibling, beside 4000 threads", BASE, 64,
	  .batch = 1, .rounds = 8, .sibling = true, .bystanders = 200 },
};

/* The ways */
enum way { PHYS, PAGES, DAMON, NR_WAYS };

static const char * const way_names[] = {
	[PHYS] = "move_phys_pages",
	[PAGES] = "move_pages",
	[DAMON] = "damon",
};

/* The state of a bench */
struct work {
	const struct bench *b;
	size_t size;		/* of a page */
	char *mem;
	const char **addrs;
	struct request *req;
	int nodes[MAX_NODES];
	unsigned int nr_nodes;
	unsigned char *place;	/* index of each entry's node */
	bool *bad;
};

/* The calls of one thread, for the entries @first to @end */
struct share {
	struct work *w;
	enum way way;
	unsigned long first, end;
	long failed;
};

static void *do_share(void *arg)
{
	struct share *s = arg;
	struct work *w = s->w;
	struct request *req = w->req;
	unsigned long i, n, batch = w->b->batch ?: s->end - s->first;
	const int flags = w->b->processes > 1 ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;
	long ret = 0;

	for (i = s->first; i < s->end; i += n) {
		n = batch < s->end - i ? batch : s->end - i;
		if (s->way == PHYS)
			ret = move_phys_pages(n, req->pages + i,
					      w->b->query ? NULL : req->nodes + i,
					      req->status + i, flags);
		else
			ret = syscall(__NR_move_pages, 0, n, w->addrs + i,
				      w->b->query ? NULL : req->nodes + i,
				      req->status + i, flags);
		s->failed += ret;
	}
	return NULL;
}

static uint64_t do_calls(struct work *w, enum way way)
{
	unsigned int t, threads = w->b->threads ?: 1;
	struct share shares[threads];
	pthread_t ids[threads];
	uint64_t start;

	for (t = 0; t < threads; t++)
		shares[t] = (struct share) {
			.w = w,
			.way = way,
			.first = w->b->entries * t / threads,
			.end = w->b->entries * (t + 1) / threads,
		};
	start = now();
	for (t = 1; t < threads; t++)
		if (pthread_create(&ids[t], NULL, do_share, &shares[t]))
			die("no thread");
	do_share(&shares[0]);
	for (t = 1; t < threads; t++)
		pthread_join(ids[t], NULL);
	start = now() - start;
	for (t = 0; t < threads; t++)
		if (shares[t].failed)
			die("%s: %s: returned %ld", w->b->name, way_names[way],
			    shares[t].failed);
	return start;
}

static int node_at(struct work *w, unsigned long i, unsigned int round)
{
	return w->nodes[(w->place[i] + round) % w->nr_nodes];
}

static void aim(struct work *w, unsigned int round)
{
	unsigned long i;

	for (i = 0; i < w->b->entries; i++) {
		if (!w->bad[i])
			w->req->pages[i] = phys_of(0, w->addrs[i]);
		w->req->nodes[i] = node_at(w, i, round + !w->b->query);
		w->req->status[i] = PRESET;
	}
}

static void verify_status(struct work *w, enum way way, const char *what)
{
	unsigned long i;

	for (i = 0; i < w->b->entries; i++)
		if (!w->bad[i] && w->req->status[i] != w->req->nodes[i])
			die("%s: %s: entry %lu %s %d instead of %d",
			    w->b->name, way_names[way], i, what,
			    w->req->status[i], w->req->nodes[i]);
}

/* Check the reported nodes and the real ones. DAMON reports nothing. */
static void verify(struct work *w, enum way way)
{
	if (way != DAMON)
		verify_status(w, way, "status");
	nodes_of(0, (const void **)w->addrs, w->b->entries, w->req->status);
	verify_status(w, way, "is on");
}

static uint64_t do_way(struct work *w, enum way way, unsigned int *round)
{
	uint64_t took;

	aim(w, *round);
	if (way == DAMON)
		took = damon_move(w->mem, w->req->pages, w->b->entries,
				  w->req->nodes[0]);
	else
		took = do_calls(w, way);
	verify(w, way);
	*round += !w->b->query;
	return took;
}

static void sharer(void *arg)
{
	struct work *w = arg;
	unsigned long i;

	for (i = 0; i < w->b->entries; i++)
		peek(w->addrs[i]);
}

static void do_nothing(void *arg)
{
}

static void bystander(void *arg)
{
	struct work *w = arg;

	munmap(w->mem, w->b->entries * w->size);
	have_threads();
}

static char *map_pages(const struct bench *b, size_t size)
{
	size_t length = b->entries * size;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t before;
	char *mem;

	switch (b->pages) {
	case BASE:
		return map_memory(ANON, b->entries);
	case FILES:
		return map_memory(TMPFS, b->entries);
	case SHARED:
		return map_memory(SHMEM, b->entries);
	case HUGETLB:
		flags |= MAP_HUGETLB;
		break;
	case HUGE:
		break;
	}
	mem = mmap(NULL, length + size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (mem == MAP_FAILED)
		die("%s: mmap of %zu bytes", b->name, length + size);
	before = -(uintptr_t)mem & (size - 1);
	if (before)
		munmap(mem, before);
	mem += before;
	munmap(mem + length, size - before);
	if (b->pages == HUGE && madvise(mem, length, MADV_HUGEPAGE))
		die("%s: no huge pages", b->name);
	return mem;
}

static void place(struct work *w)
{
	static const char beyond_ram[4096];
	uint32_t random = SEED;
	unsigned long i, j;

	for (i = 0; i < w->b->entries; i++) {
		w->addrs[i] = w->mem + i * w->size;
		w->place[i] = w->b->places == ALTERNATE ? i % w->nr_nodes :
			      w->b->places == RANDOM ?
			      next_random(&random) % w->nr_nodes : 0;
		touch_on(w->nodes[w->place[i]], w->mem + i * w->size, w->size);
	}
	for (i = w->b->shuffled ? w->b->entries : 0; i > 1; i--) {
		const char *addr = w->addrs[i - 1];

		j = next_random(&random) % i;
		w->addrs[i - 1] = w->addrs[j];
		w->addrs[j] = addr;
	}
	for (i = 0; w->b->bad && i < w->b->entries; i += 3) {
		w->bad[i] = true;
		w->req->pages[i] = 1ULL << 45;
		w->addrs[i] = beyond_ram - (uintptr_t)beyond_ram % 4096 + 1;
	}
}

static void pool(struct work *w, unsigned long pages)
{
	unsigned int i;

	for (i = 0; w->b->pages == HUGETLB && i < w->nr_nodes; i++)
		hugetlb_pool(w->nodes[i], pages);
}

static void tell(struct work *w, unsigned int rounds, const uint64_t *took)
{
	const struct bench *b = w->b;
	struct json_object *result = result_new("move");
	struct json_object *cost = json_object_new_object();
	unsigned long pages = b->entries * (w->size / page_size());
	unsigned int way;

	add_string(result, "case", b->name);
	add_number(result, "pages", rounds * pages);
	add_number(result, "calls", rounds * (b->batch ? b->entries / b->batch : 1));
	for (way = 0; way < NR_WAYS; way++)
		if (took[way])
			add_number(cost, way_names[way], took[way]);
	json_object_object_add(result, "cost", cost);
	result_put(result);
}

static void run(const struct bench *b)
{
	struct work w = { .b = b, .nr_nodes = b->nodes ?: 2 };
	const unsigned int rounds = 2 * b->rounds * repeat;
	const unsigned int processes = (b->processes ?: 1) + b->bystanders;
	const bool damon = b->damon && has_damon();
	unsigned int round = 0, i;
	uint64_t took[NR_WAYS] = {};
	pid_t pids[processes], sibling = 0;

	min_nodes(w.nodes, w.nr_nodes);
	w.size = b->pages >= HUGE ? thp_size() : page_size();
	w.addrs = alloc(b->entries, sizeof(*w.addrs));
	w.place = alloc(b->entries, sizeof(*w.place));
	w.bad = alloc(b->entries, sizeof(*w.bad));
	w.req = request_new(b->entries);
	pool(&w, b->entries + 1);
	w.mem = map_pages(b, w.size);
	place(&w);
	for (i = 1; i < processes; i++)
		pids[i] = spawn(b->bystanders ? bystander : sharer, &w);
	if (b->sibling)
		sibling = spawn_vm(do_nothing, NULL);

	/*
	 * Do not count the first moves, which depend on the earlier use of the
	 * memory.
	 */
	do_way(&w, PHYS, &round);
	do_way(&w, PAGES, &round);
	for (i = 0; i < rounds; i++) {
		enum way first = i % 2;

		took[first] += do_way(&w, first, &round);
		took[!first] += do_way(&w, !first, &round);
		if (damon)
			took[DAMON] += do_way(&w, DAMON, &round);
	}
	tell(&w, rounds, took);
	for (i = 1; i < processes; i++)
		reap(pids[i]);
	if (b->sibling)
		reap(sibling);
	munmap(w.mem, b->entries * w.size);
	pool(&w, 0);
	request_free(w.req);
	free(w.addrs);
	free(w.place);
	free(w.bad);
}

void bench_moves(void)
{
	cpu_set_t all;
	size_t i;

	sched_getaffinity(0, sizeof(all), &all);
	for (i = 0; i < ARRAY_SIZE(benches); i++) {
		if (benches[i].bound)
			run_thread_on(pthread_self(), sched_getcpu());
		run(&benches[i]);
		sched_setaffinity(0, sizeof(all), &all);
	}
}
