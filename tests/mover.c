// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves each frame of the machine to the next node with memory, round after
 * round, while other programs run, and checks the result of each call against
 * the contract in mm/migrate.c.add. SIGTERM ends it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_move_phys_pages
#define __NR_move_phys_pages	548
#endif

/* The call handles 512 entries at a time, and a huge page on x86 has 512 base pages. */
#define ENTRIES		512
#define UNSET		INT_MIN	/* a status that the call never gives */

static const char usage[] =
"usage: mover FILE [ZONEINFO]\n"
"FILE always has the number of rounds that are complete. The zones of the\n"
"machine are read from /proc/zoneinfo, or from ZONEINFO.\n";

struct zone {
	unsigned long first, frames;
	int node;
};

static struct zone zones[64];
static unsigned int nr_zones;

static const struct {
	int status;
	const char *name;
	bool counts;	/* in the return value */
} errors[] = {
	{ -ENOENT, "ENOENT", false },
	{ -EFAULT, "EFAULT", false },
	{ -EACCES, "EACCES", false },
	{ -EBUSY, "EBUSY", true },
	{ -ENOMEM, "ENOMEM", true },
	{ -EIO, "EIO", true },
	{ -EINVAL, "EINVAL", true },
};

#define NR_ERRORS	(sizeof(errors) / sizeof(errors[0]))

static unsigned long rounds, calls, without_memory, moved, seen[NR_ERRORS];
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Reads the frames of each zone. A zone without present pages has nothing to move, so skip it. */
static void read_zones(const char *path)
{
	unsigned long spanned = 0, present = 0, first;
	char line[256];
	FILE *file;
	int node = -1;

	file = fopen(path, "r");
	if (!file) {
		printf("# mover: cannot open %s: %s\n", path, strerror(errno));
		exit(2);
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone", &node) == 1)
			spanned = present = 0;
		sscanf(line, " spanned %lu", &spanned);
		sscanf(line, " present %lu", &present);
		if (sscanf(line, " start_pfn: %lu", &first) != 1 || !present)
			continue;
		if (nr_zones == sizeof(zones) / sizeof(zones[0])) {
			printf("# mover: %s has too many zones\n", path);
			exit(2);
		}
		zones[nr_zones++] = (struct zone){
			.first = first,
			.frames = spanned,
			.node = node,
		};
	}
	fclose(file);
}

/* The node with memory that follows @node, or the lowest one; -1 if none */
static int next_node(int node)
{
	int lowest = -1, next = -1, other;
	unsigned int i;

	for (i = 0; i < nr_zones; i++) {
		other = zones[i].node;
		if (other == node)
			continue;
		if (lowest < 0 || other < lowest)
			lowest = other;
		if (other > node && (next < 0 || other < next))
			next = other;
	}
	return next < 0 ? lowest : next;
}

/* Checks the statuses and the return value against the contract. False after a message. */
static bool check(unsigned long first, int node, const int *status, long ret)
{
	unsigned int i, e;
	long failed = 0;

	for (i = 0; i < ENTRIES; i++) {
		if (status[i] == node) {
			moved++;
			continue;
		}
		for (e = 0; e < NR_ERRORS; e++)
			if (errors[e].status == status[i])
				break;
		if (e == NR_ERRORS) {
			printf("# mover: frame %#lx to node %d: status %d%s\n",
			       first + i, node, status[i],
			       status[i] == UNSET ? ", which is unset" : "");
			return false;
		}
		seen[e]++;
		failed += errors[e].counts;
	}
	if (failed != ret) {
		printf("# mover: frames %#lx to %#lx to node %d: the call returned %ld, but %ld statuses count\n",
		       first, first + ENTRIES - 1, node, ret, failed);
		return false;
	}
	return true;
}

/* Moves ENTRIES frames from @first on. False after a message, if the call broke the contract. */
static bool move(unsigned long first, int node)
{
	static uint64_t pages[ENTRIES];
	static int nodes[ENTRIES], status[ENTRIES];
	long ret, size = sysconf(_SC_PAGESIZE);
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		pages[i] = (uint64_t)(first + i) * size;
		nodes[i] = node;
		status[i] = UNSET;
	}
	calls++;
	ret = syscall(__NR_move_phys_pages, (unsigned long)ENTRIES, pages,
		      nodes, status, MPOL_MF_MOVE_ALL);
	if (ret >= 0)
		return check(first, node, status, ret);
	/* The kernel may have no memory for the call itself. */
	if (errno == ENOMEM) {
		without_memory++;
		return true;
	}
	printf("# mover: frames %#lx to %#lx to node %d: %s\n", first,
	       first + ENTRIES - 1, node, strerror(errno));
	return false;
}

/* Align the calls, so that all pages of a huge page are in one call. */
static bool move_zone(const struct zone *zone)
{
	unsigned long first = zone->first - zone->first % ENTRIES;
	int node = next_node(zone->node);

	for (; first < zone->first + zone->frames && !stopped; first += ENTRIES)
		if (!move(first, node))
			return false;
	return true;
}

static bool move_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_zones && !stopped; i++)
		if (!move_zone(&zones[i]))
			return false;
	return true;
}

/* Replaces the file atomically, so that a reader never sees a part of it. */
static void write_rounds(const char *path)
{
	char new[PATH_MAX];
	FILE *file;

	snprintf(new, sizeof(new), "%s.new", path);
	file = fopen(new, "w");
	if (!file || fprintf(file, "%lu\n", rounds) < 0 || fclose(file) ||
	    rename(new, path)) {
		printf("# mover: cannot write %s: %s\n", path, strerror(errno));
		exit(2);
	}
}

static void report(void)
{
	unsigned int e;

	printf("# mover: %lu rounds, %lu calls, %lu pages moved\n", rounds, calls, moved);
	printf("# mover:");
	for (e = 0; e < NR_ERRORS; e++)
		printf(" %s %lu", errors[e].name, seen[e]);
	printf(", calls without memory %lu\n", without_memory);
}

/* Keeps the OOM killer away from this program, since other programs use all the memory. */
static void live_on(void)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "w");

	if (file) {
		fputs("-1000", file);
		fclose(file);
	}
}

int main(int argc, char **argv)
{
	bool well = true;

	if (argc < 2 || argc > 3) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	read_zones(argc > 2 ? argv[2] : "/proc/zoneinfo");
	if (!nr_zones || next_node(zones[0].node) < 0) {
		printf("# mover: there are no two nodes with memory\n");
		return 2;
	}
	/* Catch the signal, because a fatal one would end a call before its results are checked. */
	signal(SIGTERM, stop);
	live_on();
	write_rounds(argv[1]);
	while (well && !stopped) {
		well = move_all();
		if (well && !stopped) {
			rounds++;
			write_rounds(argv[1]);
		}
	}
	report();
	return well ? 0 : 1;
}
