// SPDX-License-Identifier: GPL-2.0-only
/* What the user is told: rows, the summary by outcome, the progress bar. */
#include <errno.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "movephys.h"

/* What each status means: the first row that fits the status and the flags. */
static const struct meaning {
	int status;
	int flag_not_given;
	const char *words;
} meanings[] = {
	{ -ENOENT, 0,
	  "mapped by no process (free, the kernel's own, or no memory there)" },
	{ -EFAULT, 0,
	  "the zero page, or in a mapping that cannot migrate" },
	{ -EACCES, MPOL_MF_MOVE_ALL,
	  "in use by several processes: --all moves them; or barred by cpuset, policy or LSM" },
	{ -EACCES, MPOL_MF_STRICT,
	  "barred from the node by a cpuset or LSM" },
	{ -EACCES, 0,
	  "barred from the node by a cpuset, --strict policy or LSM" },
	{ -EBUSY, 0,
	  "busy (pinned or under I/O): try again" },
	{ -ENOMEM, 0,
	  "without room on the node" },
	{ -EIO, 0,
	  "dirty, and writing back failed" },
	{ -EINVAL, 0,
	  "dirty, and of a filesystem that can neither migrate nor write back" },
	{ 0, 0,
	  "refused for a reason that this movephys does not know" },
};

static struct {
	__u64 found[MAX_NODES];	/* by the node where the query saw them */
	__u64 moved;
	__u64 refused[ARRAY_SIZE(meanings)];
} tally;

static bool progress_shown;

static size_t meaning_of(int status)
{
	size_t i = 0;

	while (meanings[i].status && (meanings[i].status != status ||
				      meanings[i].flag_not_given & opt.flags))
		i++;
	return i;
}

void progress_clear(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/* A query of addresses is a table; otherwise rows are for the curious. */
static bool rows_wanted(void)
{
	return opt.verbose || (opt.node == QUERY && !opt.pid && !opt.quiet);
}

void report_found(__u64 page, int node)
{
	tally.found[node]++;
	if (opt.node == QUERY && rows_wanted())
		printf("0x%012llx  %d\n", page, node);
}

void report_moved(void)
{
	tally.moved++;
}

void report_refused(__u64 page, int status)
{
	size_t why = meaning_of(status);

	tally.refused[why]++;
	if (rows_wanted())
		printf("0x%012llx  -  %s\n", page, meanings[why].words);
}

static __u64 refused(void)
{
	__u64 sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		sum += tally.refused[i];
	return sum;
}

bool report_all_well(void)
{
	return !refused();
}

/* 1234567 as 1,234,567; printf's %' needs a locale, which may be missing. */
static void print_count(FILE *file, __u64 count)
{
	if (count < 1000) {
		fprintf(file, "%llu", count);
		return;
	}
	print_count(file, count / 1000);
	fprintf(file, ",%03llu", count % 1000);
}

/*
 * Only a process's page table names each page of a huge page, so only there
 * is the size known.
 */
static void print_pages(__u64 count)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = (double)count * page_size / 1024;
	size_t unit = 0;

	print_count(stdout, count);
	printf(count == 1 ? " page" : " pages");
	if (!opt.pid)
		return;
	for (; size >= 1024 && unit < ARRAY_SIZE(units) - 1; unit++)
		size /= 1024;
	printf(unit ? " (%.1f %s)" : " (%.0f %s)", size, units[unit]);
}

static void print_part(__u64 count)
{
	printf("  ");
	print_count(stdout, count);
	putchar(' ');
}

static void print_found(void)
{
	for (int node = 0; node < MAX_NODES; node++) {
		if (!tally.found[node] || node == opt.node)
			continue;
		print_part(tally.found[node]);
		printf("on node %d\n", node);
	}
}

void report_summary(void)
{
	__u64 found = 0;

	progress_clear();
	if (opt.quiet || (opt.node == QUERY && !opt.pid))
		return;
	for (int node = 0; node < MAX_NODES; node++)
		found += tally.found[node];

	if (opt.node == QUERY) {
		print_pages(found + refused());
		printf(" of process %d\n", opt.pid);
		print_found();
	} else if (opt.dry_run) {
		printf("would try to move ");
		print_pages(found - tally.found[opt.node]);
		printf(" to node %d\n", opt.node);
		print_found();
	} else {
		printf("moved ");
		print_pages(tally.moved);
		printf(" to node %d\n", opt.node);
	}

	if (opt.node != QUERY && tally.found[opt.node]) {
		print_part(tally.found[opt.node]);
		puts("already there");
	}
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (!tally.refused[i])
			continue;
		print_part(tally.refused[i]);
		puts(meanings[i].words);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Ten times a second is smooth, and a run that is over at once shows nothing. */
void progress(__u64 done, __u64 total)
{
	static const char full[] = "########################################";
	const int width = sizeof(full) - 1;
	static double next;
	int part;

	if (!next)
		next = now() + 0.3;
	if (opt.quiet || !isatty(STDERR_FILENO) || now() < next ||
	    (rows_wanted() && isatty(STDOUT_FILENO)))
		return;
	next = now() + 0.1;

	fputc('\r', stderr);
	if (total) {
		if (done > total)
			done = total;
		part = (double)done / total * width;
		fprintf(stderr, "[%.*s%*s] %3d%%  ", part, full, width - part,
			"", (int)((double)done / total * 100));
	}
	print_count(stderr, done);
	fputs(" pages\033[K", stderr);
	fflush(stderr);
	progress_shown = true;
}
