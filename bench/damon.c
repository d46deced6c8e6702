// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves pages by DAMON, with a scheme for physical addresses that takes all
 * memory in the given regions for cold. The cost is the CPU time of its thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define KDAMOND		"/sys/kernel/mm/damon/admin/kdamonds/0/"
#define CONTEXT		KDAMOND "contexts/0/"
#define SCHEME		CONTEXT "schemes/0/"
#define PATIENCE	1000	/* queries, a tenth of a second apart */

__attribute__((format(printf, 2, 3)))
static void set(const char *path, const char *fmt, ...)
{
	char text[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	write_file(path, text);
}

static void set_region(unsigned int region, uint64_t start, uint64_t end)
{
	char path[128];

	snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/start", region);
	set(path, "%llu", (unsigned long long)start);
	snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/end", region);
	set(path, "%llu", (unsigned long long)end);
}

/* Adjacent pages are one region. */
static void set_regions(const uint64_t *pages, unsigned long count)
{
	uint64_t *sorted = alloc(count, sizeof(*sorted));
	unsigned long i, first;
	unsigned int regions = 0;

	for (i = 0; i < count; i++)
		sorted[i] = pages[i] & -(uint64_t)page_size();
	qsort(sorted, count, sizeof(*sorted), by_value);
	for (i = 0; i < count; i++)
		regions += !i || sorted[i] != sorted[i - 1] + page_size();
	set(CONTEXT "targets/nr_targets", "1");
	set(CONTEXT "targets/0/regions/nr_regions", "%u", regions);
	set(CONTEXT "monitoring_attrs/nr_regions/max", "%u", 2 * regions + 10);
	regions = 0;
	for (i = first = 0; i < count; i++)
		if (i + 1 == count || sorted[i + 1] != sorted[i] + page_size()) {
			set_region(regions++, sorted[first],
				   sorted[i] + page_size());
			first = i + 1;
		}
	free(sorted);
}

static void set_scheme(int node)
{
	static const char * const pattern[] = { "sz", "nr_accesses", "age" };
	char path[128];
	size_t i;

	set(SCHEME "action", "migrate_cold");
	set(SCHEME "target_nid", "%d", node);
	for (i = 0; i < ARRAY_SIZE(pattern); i++) {
		snprintf(path, sizeof(path), SCHEME "access_pattern/%s/max",
			 pattern[i]);
		set(path, "4294967295");
	}
}

static uint64_t cpu_time(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		die("no CPU time of the thread of DAMON");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void add_kdamond(void)
{
	set("/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds", "1");
	set(KDAMOND "contexts/nr_contexts", "1");
	set(CONTEXT "schemes/nr_schemes", "1");
}

static void remove_kdamond(void)
{
	set("/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds", "0");
}

/*
 * While a kdamond works, it holds the lock of all kdamonds, so that the files
 * "state" and "pid" return EBUSY.
 */
static void stop_kdamond(void)
{
	int fd = open(KDAMOND "state", O_WRONLY);

	while (write(fd, "off", 3) < 0)
		if (errno != EBUSY)
			die("cannot turn DAMON off: %s", strerror(errno));
	close(fd);
}

static pid_t kdamond_pid(void)
{
	int fd = open(KDAMOND "pid", O_RDONLY);
	char text[32] = "";

	while (read(fd, text, sizeof(text) - 1) < 0)
		if (errno != EBUSY)
			die("cannot read the pid of DAMON's thread: %s", strerror(errno));
	close(fd);
	return atoi(text);
}

/* Older kernels have no schemes that move pages to a node. */
bool has_damon(void)
{
	bool has;

	if (access("/sys/kernel/mm/damon/admin/kdamonds", F_OK))
		return false;
	add_kdamond();
	has = !access(SCHEME "target_nid", F_OK);
	remove_kdamond();
	return has;
}

uint64_t damon_move(const char *mem, const uint64_t *pages, unsigned long count,
		    int node)
{
	struct request *req = request_new(count);
	unsigned int patience = PATIENCE;
	uint64_t took;
	pid_t pid;

	memcpy(req->pages, pages, count * sizeof(*pages));

	add_kdamond();
	set(CONTEXT "operations", "paddr");
	/* Sample so seldom that monitoring costs almost nothing */
	set(CONTEXT "monitoring_attrs/intervals/sample_us", "100000");
	set(CONTEXT "monitoring_attrs/intervals/aggr_us", "100000");
	set(CONTEXT "monitoring_attrs/intervals/update_us", "10000000");
	set_regions(pages, count);
	set_scheme(node);
	/* DAMON skips pages that are not on an LRU list yet. */
	drain_lru_batches(mem);
	set(KDAMOND "state", "on");
	pid = kdamond_pid();
	/*
	 * A page that has left its frame has moved, because nothing else frees
	 * it.
	 */
	do {
		usleep(100000);
		request_query(req, 0);
	} while (request_count(req, -ENOENT) < count && --patience);
	took = cpu_time(pid);
	stop_kdamond();
	remove_kdamond();
	if (!patience)
		die("DAMON leaves pages where they are");
	request_free(req);
	return took;
}
