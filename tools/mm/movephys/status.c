// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ages.h"
#include "cgroup.h"
#include "command.h"
#include "frames.h"
#include "metrics.h"
#include "status.h"
#include "tlb.h"

#define CGROUPS		"/sys/fs/cgroup"
#define MOST_CGROUPS	20	/* in a table for people */
#define BAR		45	/* characters; with them, a line has 79 */

static bool read_node_statuses(struct status *status)
{
	static struct speed speeds[MAX_NODES];
	struct nodes with_memory;

	if (!nodes_with_memory(&with_memory) || !nodes_speeds(speeds))
		return false;
	for (int node = 0; node < MAX_NODES; node++)
		if (with_memory.has[node])
			status->nodes[status->nr_nodes++] = (struct node_status){
				.node = node, .speed = speeds[node],
				.size = nodes_size(node),
			};
	return true;
}

static struct node_status *status_of(struct status *status, int node)
{
	for (size_t i = 0; i < status->nr_nodes; i++)
		if (status->nodes[i].node == node)
			return &status->nodes[i];
	return NULL;
}

/* Add the bytes of a line such as "anon N0=4096 N1=0". */
static void add_line(struct status *status, struct cgroup_status *cgroup, char *line)
{
	const char *part = strtok(line, "\n ");
	struct node_status *node;
	int number;
	__u64 bytes;

	/* Other lines count parts of these two, or the kernel's memory. */
	if (!part || (strcmp(part, "anon") && strcmp(part, "file")))
		return;
	while ((part = strtok(NULL, "\n "))) {
		if (sscanf(part, "N%d=%llu", &number, &bytes) != 2)
			continue;
		node = status_of(status, number);
		if (node)
			cgroup->on[node - status->nodes] += bytes;
		cgroup->all += bytes;
	}
}

static struct status *reading;	/* for the functions that cgroup_walk() calls */

static int read_cgroup(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct cgroup_status cgroup = { }, *more;
	char *name, line[4096];
	FILE *file;

	(void)st;
	if (type != FTW_D || !ftw->level || asprintf(&name, "%s/memory.numa_stat", path) < 0)
		return stopped;
	file = fopen(name, "re");
	free(name);
	if (!file)
		return stopped;
	cgroup.on = calloc(reading->nr_nodes, sizeof(*cgroup.on));
	while (cgroup.on && fgets(line, sizeof(line), file))
		add_line(reading, &cgroup, line);
	fclose(file);
	more = cgroup.all ? reallocarray(reading->cgroups, reading->nr_cgroups + 1,
					 sizeof(*more)) : NULL;
	if (!more) {
		free(cgroup.on);
		return stopped;
	}
	cgroup.path = strdup(path + strlen(CGROUPS));
	reading->cgroups = more;
	more[reading->nr_cgroups++] = cgroup;
	return stopped;
}

static int by_size(const void *a, const void *b)
{
	const struct cgroup_status *one = a, *two = b;

	return (one->all < two->all) - (one->all > two->all);
}

static void forget_cgroups(void)
{
	while (reading->nr_cgroups) {
		struct cgroup_status *cgroup = &reading->cgroups[--reading->nr_cgroups];

		free(cgroup->path);
		free(cgroup->on);
	}
}

static void read_cgroups(struct status *status)
{
	reading = status;
	if (!cgroup_walk(CGROUPS, forget_cgroups, read_cgroup) && !stopped &&
	    !access(CGROUPS, F_OK))
		complain("cannot read all cgroups below " CGROUPS ": %s", strerror(errno));
	if (status->nr_cgroups)
		qsort(status->cgroups, status->nr_cgroups, sizeof(*status->cgroups),
		      by_size);
}

/* Mark all folios, wait, and look once. */
static bool look(struct status *status, long seconds)
{
	static const struct nodes none;
	struct nodes nodes = { };

	if (idle_open())
		return false;
	for (size_t i = 0; i < status->nr_nodes; i++)
		nodes.has[status->nodes[i].node] = true;
	if (!ages_place(&nodes, &none))
		return false;
	/* The first look may find marks of other programs, so use only the second one. */
	ages_look(false);
	if (!tlb_evict())
		return false;
	nap(seconds);
	ages_look(false);
	status->times[status->nr_times++] = seconds;
	for (size_t i = 0; i < status->nr_nodes; i++)
		status->nodes[i].idle[0] = page_size *
			ages_pages(status->nodes[i].node, AGE_IDLE, AGE_OLDEST);
	return !stopped;
}

static size_t time_of(struct status *status, long seconds)
{
	for (size_t i = 0; i < status->nr_times; i++)
		if (status->times[i] == seconds)
			return i;
	if (status->nr_times == MAX_IDLE_TIMES)
		return MAX_IDLE_TIMES - 1;
	status->times[status->nr_times] = seconds;
	return status->nr_times++;
}

/*
 * Open the metrics of tierd, but only while it runs: a file that is left behind is old.
 * tierd locks the file until it has replaced it by the next one.
 */
static FILE *open_metrics(void)
{
	for (int try = 0; try < 10; try++) {
		FILE *file = fopen(METRICS, "re");

		if (!file || (flock(fileno(file), LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK))
			return file;
		fclose(file);
		/* tierd may have replaced the file just after it was opened. */
	}
	return NULL;
}

static void ask_tierd(struct status *status)
{
	FILE *file = open_metrics();
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		struct node_status *node;
		long seconds;
		__u64 bytes;
		int number;

		if (sscanf(line, "tierd_idle_bytes{node=\"%d\",seconds=\"%ld\"} %llu",
			   &number, &seconds, &bytes) != 3)
			continue;
		node = status_of(status, number);
		if (node)
			node->idle[time_of(status, seconds)] = bytes;
	}
	if (file)
		fclose(file);
}

bool status_read(struct status *status, long seconds)
{
	*status = (struct status){ };
	if (!read_node_statuses(status))
		return false;
	if (seconds == NOT_GIVEN)
		ask_tierd(status);
	else if (!look(status, seconds))
		return false;
	read_cgroups(status);
	return !stopped;
}

static void print_size(__u64 bytes)
{
	static const char units[] = "KMGTP";
	double size = bytes / 1024.0;
	size_t unit = 0;

	for (; size >= 1024 && unit < strlen(units) - 1; unit++)
		size /= 1024;
	printf(unit && size < 100 ? "%8.1f %ciB" : "%8.0f %ciB", size, units[unit]);
}

static void print_number(int number)
{
	if (number < 0)
		printf("%10s", "-");
	else
		printf("%10d", number);
}

/* Bytes that have been idle for one of the times, but not for the next longer one */
static __u64 idle_between(const struct status *status, size_t node, size_t time)
{
	const __u64 *idle = &status->nodes[node].idle[time];
	__u64 longer = time + 1 < status->nr_times ? idle[1] : 0;

	return *idle > longer ? *idle - longer : 0;
}

static void print_idle_row(const struct status *status, size_t node, size_t time,
			   __u64 most)
{
	__u64 bytes = idle_between(status, node, time);
	char range[48];

	if (time + 1 < status->nr_times)
		snprintf(range, sizeof(range), "%ld-%ld s", status->times[time],
			 status->times[time + 1]);
	else
		snprintf(range, sizeof(range), "%ld s +", status->times[time]);
	printf("%4d%16s", status->nodes[node].node, range);
	print_size(bytes);
	/* Round up, so that each row with some memory has a bar. */
	for (__u64 i = 0; i * most < bytes * BAR; i++)
		fputs(i ? "#" : "  #", stdout);
	putchar('\n');
}

static void print_idle(const struct status *status)
{
	__u64 most = 0;

	for (size_t i = 0; i < status->nr_nodes; i++)
		for (size_t j = 0; j < status->nr_times; j++)
			if (idle_between(status, i, j) > most)
				most = idle_between(status, i, j);
	printf("\n%4s%16s%12s\n", "node", "idle for", "size");
	for (size_t i = 0; i < status->nr_nodes; i++)
		for (size_t j = 0; j < status->nr_times; j++)
			print_idle_row(status, i, j, most);
}

void status_print(const struct status *status)
{
	char head[32];

	printf("%4s%10s%10s%12s%12s\n", "node", "tier", "distance", "size", "free");
	for (size_t i = 0; i < status->nr_nodes; i++) {
		const struct node_status *node = &status->nodes[i];

		printf("%4d", node->node);
		print_number(node->speed.tier);
		print_number(node->speed.distance);
		print_size(node->size.total);
		print_size(node->size.free);
		putchar('\n');
	}
	if (status->nr_times)
		print_idle(status);
	if (!status->nr_cgroups)
		return;
	putchar('\n');
	for (size_t i = 0; i < status->nr_nodes; i++) {
		snprintf(head, sizeof(head), "node %d", status->nodes[i].node);
		printf("%12s", head);
	}
	puts("  cgroup");
	for (size_t i = 0; i < status->nr_cgroups && i < MOST_CGROUPS; i++) {
		for (size_t j = 0; j < status->nr_nodes; j++)
			print_size(status->cgroups[i].on[j]);
		/* A user to whom a cgroup is delegated names those below it. */
		printf("  %s\n", printable(status->cgroups[i].path));
	}
	if (status->nr_cgroups > MOST_CGROUPS)
		printf("and %zu smaller cgroups, which --json prints\n",
		       status->nr_cgroups - MOST_CGROUPS);
}
