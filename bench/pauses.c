// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures how long a thread that uses memory must wait while that memory
 * moves: the longest pause in each of many moves.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define PAGES	4096
#define MOVES	50	/* by each way, times REPEAT */

/* The call that is made. A query shows how long the machine itself pauses. */
enum way { MOVE_PHYS, MOVE_PAGES, QUERY, NR_WAYS };

static const char * const way_names[] = {
	[MOVE_PHYS] = "move_phys_pages",
	[MOVE_PAGES] = "move_pages",
	[QUERY] = "query",
};

static char *mem;
static uint64_t longest;
static bool stop;

static void *touch(void *unused)
{
	uint64_t start, end, last;
	uint32_t random = SEED;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		start = now();
		++*(volatile char *)(mem + next_random(&random) % PAGES * page_size());
		end = now();
		last = __atomic_load_n(&longest, __ATOMIC_RELAXED);
		while (end - start > last &&
		       !__atomic_compare_exchange_n(&longest, &last, end - start,
						    false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED))
			;
	}
	return NULL;
}

static struct json_object *distribution(uint64_t *pauses, unsigned int n)
{
	struct json_object *object = json_object_new_object();

	qsort(pauses, n, sizeof(*pauses), by_value);
	add_number(object, "median", pauses[n / 2]);
	add_number(object, "p99", pauses[(n - 1) * 99 / 100]);
	add_number(object, "max", pauses[n - 1]);
	return object;
}

/* Returns the longest pause during a call, even if that moves nothing. */
static uint64_t pause_of(enum way way, struct request *req, const char **addrs,
			 int node)
{
	unsigned long i;

	phys_of_pages(0, mem, PAGES, req->pages);
	for (i = 0; i < PAGES; i++)
		req->nodes[i] = node;
	__atomic_store_n(&longest, 0, __ATOMIC_RELAXED);
	if (way == MOVE_PAGES)
		syscall(__NR_move_pages, 0, req->count, addrs, req->nodes,
			req->status, MPOL_MF_MOVE);
	else
		move_phys_pages(req->count, req->pages,
				way == QUERY ? NULL : req->nodes, req->status, 0);
	return __atomic_load_n(&longest, __ATOMIC_RELAXED);
}

void bench_pauses(void)
{
	const unsigned int moves = MOVES * repeat;
	const char **addrs = alloc(PAGES, sizeof(*addrs));
	struct request *req = request_new(PAGES);
	struct json_object *result = result_new("pauses");
	uint64_t *pauses[NR_WAYS];
	unsigned int i, way;
	pthread_t toucher;
	int nodes[2];

	min_nodes(nodes, 2);
	mem = alloc_memory(ANON, nodes[0], PAGES, SEED);
	for (i = 0; i < PAGES; i++)
		addrs[i] = mem + i * page_size();
	for (way = 0; way < NR_WAYS; way++)
		pauses[way] = alloc(moves, sizeof(*pauses[way]));
	if (pthread_create(&toucher, NULL, touch, NULL))
		die("no thread");
	run_thread_on(pthread_self(), 0);
	run_thread_on(toucher, 1);
	for (i = 0; i < moves; i++) {
		/* There by one way and back by the other, in alternating order */
		const enum way first = i % 2 ? MOVE_PAGES : MOVE_PHYS;
		const enum way second = i % 2 ? MOVE_PHYS : MOVE_PAGES;

		pauses[first][i] = pause_of(first, req, addrs, nodes[1]);
		pauses[second][i] = pause_of(second, req, addrs, nodes[0]);
		pauses[QUERY][i] = pause_of(QUERY, req, addrs, nodes[0]);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(toucher, NULL);
	add_number(result, "pages", PAGES);
	add_number(result, "moves", moves);
	for (way = 0; way < NR_WAYS; way++)
		json_object_object_add(result, way_names[way],
				       distribution(pauses[way], moves));
	result_put(result);
}
