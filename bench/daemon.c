// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares one call by physical address with what tiering software does today:
 * it searches the page tables of every process for the pages, and then calls
 * move_pages(2) for each process.
 *
 * The search is no slower than it has to be: it reads pagemap in large pieces,
 * and ends when it has found as many mappings as kpagecount has counted.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bench.h"

#define PIECE		8192		/* pagemap entries that are read at once */
#define MAX_PROCESSES	256
#define ROUNDS		3		/* the fastest one counts */

struct world {
	unsigned int processes;
	size_t pages;			/* of all processes together */
	unsigned long wanted;		/* pages to move, of all */
};

static const struct world worlds[] = {
	/* 0.1%, 1% and 10% of the pages */
	{ 1, 32768, 33 }, { 1, 32768, 328 }, { 1, 32768, 3277 },
	{ 16, 32768, 33 }, { 16, 32768, 328 }, { 16, 32768, 3277 },
	{ 256, 32768, 33 }, { 256, 32768, 328 }, { 256, 32768, 3277 },
	/* The same number of pages to move in more and more memory */
	{ 16, 8192, 328 }, { 16, 16384, 328 }, { 16, 65536, 328 },
};

/*
 * The fastest round counts, because other work of the kernel can add a fifth to
 * a call.
 */
static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The frame numbers to search for, and where these frames are mapped */
struct wanted {
	uint64_t *frames;		/* hash table with open addressing, 0: empty */
	size_t mask;
	unsigned long mappings;		/* that kpagecount has counted */
	unsigned long found;
	pid_t *pids;			/* of each mapping found */
	void **addrs;
};

static size_t slot_of(const struct wanted *w, uint64_t frame)
{
	size_t i = frame * 0x9e3779b97f4a7c15ULL >> 40 & w->mask;

	while (w->frames[i] && w->frames[i] != frame)
		i = (i + 1) & w->mask;
	return i;
}

static void look_for(struct wanted *w, const uint64_t *pages, unsigned long n)
{
	unsigned long i;
	uint64_t count;

	for (w->mask = 1; w->mask < 4 * n; w->mask *= 2)
		;
	w->frames = alloc(w->mask--, sizeof(*w->frames));
	for (i = 0; i < n; i++) {
		w->frames[slot_of(w, pages[i] / page_size())] =
			pages[i] / page_size();
		if (!page_mapcount(pages[i], &count))
			die("no kpagecount");
		w->mappings += count;
	}
	w->pids = alloc(w->mappings, sizeof(*w->pids));
	w->addrs = alloc(w->mappings, sizeof(*w->addrs));
}

static void search_range(struct wanted *w, pid_t pid, int pagemap,
			 uintptr_t start, uintptr_t end)
{
	static uint64_t entry[PIECE];
	uintptr_t addr;
	size_t i, n;

	for (addr = start; addr < end; addr += n * page_size()) {
		n = (end - addr) / page_size();
		if (n > PIECE)
			n = PIECE;
		if (pread(pagemap, entry, n * sizeof(entry[0]),
			  addr / page_size() * sizeof(entry[0])) !=
		    (ssize_t)(n * sizeof(entry[0])))
			return;
		for (i = 0; i < n; i++) {
			if (!(entry[i] & PAGEMAP_PRESENT) ||
			    !w->frames[slot_of(w, entry[i] & PAGEMAP_PFN)] ||
			    w->found == w->mappings)
				continue;
			w->pids[w->found] = pid;
			w->addrs[w->found++] = (void *)(addr + i * page_size());
		}
	}
}

static void search_process(struct wanted *w, pid_t pid)
{
	unsigned long start, end;
	char line[512];
	int pagemap;
	FILE *maps;

	snprintf(line, sizeof(line), "/proc/%d/pagemap", pid);
	pagemap = open(line, O_RDONLY | O_CLOEXEC);
	snprintf(line, sizeof(line), "/proc/%d/maps", pid);
	maps = fopen(line, "re");
	while (pagemap >= 0 && maps && fgets(line, sizeof(line), maps) &&
	       w->found < w->mappings)
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    !strstr(line, "[v"))
			search_range(w, pid, pagemap, start, end);
	if (maps)
		fclose(maps);
	if (pagemap >= 0)
		close(pagemap);
}

static void search(struct wanted *w)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while ((entry = readdir(proc)) && w->found < w->mappings)
		if (isdigit(entry->d_name[0]))
			search_process(w, atoi(entry->d_name));
	closedir(proc);
}

static void move_found(const struct wanted *w, int node)
{
	int *nodes = alloc(w->found, sizeof(*nodes));
	int *status = alloc(w->found, sizeof(*status));
	unsigned long i, n;

	for (i = 0; i < w->found; i++)
		nodes[i] = node;
	for (i = 0; i < w->found; i += n) {
		for (n = 1; i + n < w->found && w->pids[i + n] == w->pids[i]; n++)
			;
		if (syscall(__NR_move_pages, w->pids[i], n, w->addrs + i, nodes,
			    status, MPOL_MF_MOVE_ALL))
			die("move_pages() of process %d left some", w->pids[i]);
	}
	free(nodes);
	free(status);
}

static uint64_t by_search(const struct request *req, uint64_t *searching)
{
	struct wanted w = { };
	uint64_t start = now();

	look_for(&w, req->pages, req->count);
	search(&w);
	*searching = least(*searching, now() - start);
	move_found(&w, req->nodes[0]);
	start = now() - start;
	if (w.found != w.mappings)
		die("found %lu mappings of %lu", w.found, w.mappings);
	free(w.frames);
	free(w.pids);
	free(w.addrs);
	return start;
}

static uint64_t by_address(const struct request *req)
{
	uint64_t start = now();

	if (move_phys_pages(req->count, req->pages, req->nodes, req->status,
			    MPOL_MF_MOVE_ALL))
		die("move_phys_pages() left some");
	return now() - start;
}

struct member {
	size_t pages;
	const int *nodes;
	char *mem;
};

/* Half on one node and half on the other */
static void fill_memory(void *arg)
{
	struct member *m = arg;
	size_t size = m->pages / 2 * page_size();

	touch_on(m->nodes[0], m->mem, size);
	touch_on(m->nodes[1], m->mem + size, size);
}

/*
 * Chooses the pages to move, none twice. Their numbers run through the pages of
 * all processes.
 */
static void choose(const struct world *world, size_t *chosen)
{
	bool *taken = alloc(world->pages, sizeof(*taken));
	uint32_t random = SEED;
	unsigned long i;

	for (i = 0; i < world->wanted; i++) {
		do {
			chosen[i] = next_random(&random) % world->pages;
		} while (taken[chosen[i]]);
		taken[chosen[i]] = true;
	}
	free(taken);
}

/* Looks up the addresses of the pages again, and fills the request */
static void aim(struct request *req, const size_t *chosen, const pid_t *pids,
		const struct member *m, int node)
{
	unsigned long i;

	for (i = 0; i < req->count; i++)
		request_set(req, i,
			    phys_of(pids[chosen[i] / m->pages],
				    m->mem + chosen[i] % m->pages * page_size()),
			    node);
}

static void verify(const struct request *req, const size_t *chosen,
		   const pid_t *pids, const struct member *m)
{
	unsigned long i;

	for (i = 0; i < req->count; i++)
		if (node_of(pids[chosen[i] / m->pages],
			    m->mem + chosen[i] % m->pages * page_size()) !=
		    req->nodes[i])
			die("page %zu is not on node %d", chosen[i],
			    req->nodes[i]);
}

static void run(const struct world *world)
{
	struct request *req = request_new(world->wanted);
	size_t *chosen = alloc(world->wanted, sizeof(*chosen));
	uint64_t ours = -1, theirs = -1, searching = -1;
	struct json_object *result;
	pid_t pids[MAX_PROCESSES];
	unsigned int round, i;
	struct member member;
	int nodes[3];

	min_nodes(nodes, 3);
	member.pages = world->pages / world->processes;
	member.nodes = nodes;
	member.mem = map_memory(ANON, member.pages);
	for (i = 0; i < world->processes; i++)
		pids[i] = spawn(fill_memory, &member);
	choose(world, chosen);
	for (round = 0; round < 2 + 2 * ROUNDS; round++) {
		aim(req, chosen, pids, &member, nodes[2]);
		/*
		 * Do not count the first moves, which depend on the earlier use
		 * of the memory.
		 */
		if (round < 2)
			by_address(req);
		else if (round % 2)
			theirs = least(theirs, by_search(req, &searching));
		else
			ours = least(ours, by_address(req));
		verify(req, chosen, pids, &member);
		aim(req, chosen, pids, &member, nodes[round % 2]);
		by_address(req);
	}
	for (i = 0; i < world->processes; i++)
		reap(pids[i]);
	munmap(member.mem, member.pages * page_size());
	request_free(req);
	free(chosen);
	result = result_new("daemon");
	add_number(result, "processes", world->processes);
	add_number(result, "memory", world->pages);
	add_number(result, "pages", world->wanted);
	add_number(result, "move_phys_pages", ours);
	add_number(result, "search_and_move_pages", theirs);
	add_number(result, "search", searching);
	result_put(result);
}

void bench_daemon(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(worlds); i++)
		run(&worlds[i]);
}
