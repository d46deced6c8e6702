// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures calls for pages of other processes, by the number of the processes
 * that map the page and by the users of their address spaces. Only these
 * processes and users may add to the cost of a call. The threads of processes
 * that do not map the page may not.
 */
#include <unistd.h>
#include <sys/mman.h>

#include "bench.h"

struct scene {
	const char *name;
	unsigned int pages;
	unsigned int mappers;	/* processes that map all pages */
	enum mm_user user;	/* of the address space of each mapper */
	unsigned int bystanders;	/* processes with many threads */
};

static const struct scene scenes[] = {
	{ "1 page of 2000 processes", 1, 2000, USER_NONE },
	{ "1 page of 2000 processes, with siblings", 1, 2000, USER_SIBLING },
	{ "1 page a call, with a vfork() child", 64, 1, USER_VFORK },
	{ "1 page a call, with a vfork() child, beside 4000 threads", 64, 1,
	  USER_VFORK, 200 },
	{ "1 page a call, with a vhost", 64, 1, USER_VHOST },
	{ "1 page a call, with a vhost, beside 4000 threads", 64, 1,
	  USER_VHOST, 200 },
};

#define ROUNDS	8

static noreturn void be_mapper(const struct scene *scene, const char *mem,
			       int mapped)
{
	unsigned int i;

	for (i = 0; i < scene->pages; i++)
		peek(mem + i * page_size());
	sleep_with_user(scene->user, mapped);
}

static pid_t spawn_mapper(const struct scene *scene, const char *mem)
{
	int mapped[2];
	pid_t pid;
	char byte;

	if (pipe(mapped))
		die("no pipe");
	pid = fork();
	if (pid < 0)
		die("cannot create a process");
	if (!pid)
		be_mapper(scene, mem, mapped[1]);
	close(mapped[1]);
	if (read(mapped[0], &byte, 1) != 1)
		die("process %d does not map the pages", pid);
	close(mapped[0]);
	return pid;
}

static void bystander(void *arg)
{
	have_threads();
}

/* Moves each page by a call of its own, and returns the cost of all calls */
static uint64_t move_pages(struct request *req)
{
	uint64_t start = now();
	unsigned long i;

	for (i = 0; i < req->count; i++)
		move_phys_pages(1, req->pages + i, req->nodes + i,
				req->status + i, MPOL_MF_MOVE_ALL);
	return now() - start;
}

static uint64_t do_round(const struct scene *scene, struct request *req,
			 pid_t pid, const char *mem, int node)
{
	uint64_t took;
	unsigned long i;

	for (i = 0; i < req->count; i++)
		request_set(req, i, phys_of(pid, mem + i * page_size()), node);
	took = move_pages(req);
	if (request_count(req, node) != req->count ||
	    count_on_node(pid, mem, req->count, node) != req->count)
		die("%s: pages did not move to node %d, status %d", scene->name,
		    node, req->status[0]);
	return took;
}

static void run(const struct scene *scene)
{
	const unsigned int processes = scene->mappers + scene->bystanders;
	const unsigned int rounds = ROUNDS * repeat;
	struct request *req = request_new(scene->pages);
	char *mem = map_memory(SHMEM, scene->pages);
	struct json_object *result = result_new("tasks");
	unsigned int round, i;
	uint64_t took = 0;
	pid_t pids[processes];
	int nodes[2];

	min_nodes(nodes, 2);
	touch_on(nodes[0], mem, scene->pages * page_size());
	for (i = 0; i < scene->mappers; i++)
		pids[i] = spawn_mapper(scene, mem);
	/* Now the mappers are the only processes that map the pages. */
	munmap(mem, scene->pages * page_size());
	for (; i < processes; i++)
		pids[i] = spawn(bystander, NULL);

	/*
	 * Do not count the first moves, which depend on the earlier use of the
	 * memory.
	 */
	for (round = 0; round < 2 + rounds; round++) {
		uint64_t cost = do_round(scene, req, pids[0], mem,
					 nodes[(round + 1) % 2]);

		took += round < 2 ? 0 : cost;
	}
	add_string(result, "case", scene->name);
	add_number(result, "calls", rounds * scene->pages);
	add_number(result, "cost", took);
	result_put(result);
	for (i = 0; i < processes; i++)
		reap(pids[i]);
	request_free(req);
}

void bench_tasks(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		run(&scenes[i]);
}
