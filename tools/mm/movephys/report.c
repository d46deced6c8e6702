// SPDX-License-Identifier: GPL-2.0-only
/* What the user is told: rows, the summary by outcome, the progress bar. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

/* What each status means: the first row that fits the status and the options. */
const struct meaning meanings[] = {
	{ -ENOENT, NULL,
	  "mapped by no process (free, the kernel's own, or no memory there)" },
	{ -EFAULT, NULL,
	  "the zero page, or in a mapping that cannot migrate" },
	{ -EACCES, &opt.all,
	  "in use by several processes: --all moves them; or barred by cpuset, policy or LSM" },
	{ -EACCES, &opt.strict,
	  "barred from the node by a cpuset or LSM" },
	{ -EACCES, NULL,
	  "barred from the node by a cpuset, --strict policy or LSM" },
	{ -EBUSY, NULL,
	  "busy (pinned or under I/O): try again" },
	{ -ENOMEM, NULL,
	  "without room on the node" },
	{ -EIO, NULL,
	  "dirty, and writing back failed" },
	{ -EINVAL, NULL,
	  "dirty, and of a filesystem that can neither migrate nor write back" },
	{ 0, NULL,
	  "refused for a reason that this movephys does not know" },
};

static_assert(ARRAY_SIZE(meanings) == MEANINGS, "each has a count");

struct tally tally;

static bool progress_shown;

static size_t meaning_of(int status)
{
	size_t i = 0;

	while (meanings[i].status &&
	       (meanings[i].status != status ||
		(meanings[i].unless && *meanings[i].unless)))
		i++;
	return i;
}

void progress_clear(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/*
 * A query of addresses is a table; otherwise rows are for the curious. A reader
 * that takes no more would only hold us up.
 */
static bool rows_wanted(void)
{
	if (ferror(stdout))
		return false;
	return opt.verbose || (opt.query && opt.addresses && !opt.quiet);
}

void report_found(__u64 page, int node)
{
	tally.found[node]++;
	tally.nr_found++;
	tally.there += is_target(node);
	if (!opt.query || !rows_wanted())
		return;
	if (opt.json)
		json_row(page, node);
	else
		printf("0x%012llx  %d\n", page, node);
}

void report_moved(int node)
{
	tally.moved[node]++;
	tally.nr_moved++;
}

void report_refused(__u64 page, int status)
{
	size_t why = meaning_of(status);

	tally.refused[why]++;
	if (!rows_wanted())
		return;
	if (opt.json)
		json_row(page, status);
	else
		printf("0x%012llx  -  %s\n", page, meanings[why].words);
}

static __u64 refused(void)
{
	__u64 all = 0;

	for (size_t i = 0; i < MEANINGS; i++)
		all += tally.refused[i];
	return all;
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
 * Only where the kernel names them is each page of a huge page there, so only
 * there is the size known.
 */
static void print_pages(__u64 count)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = (double)count * page_size / 1024;
	size_t unit = 0;

	print_count(stdout, count);
	printf(count == 1 ? " page" : " pages");
	if (opt.addresses)
		return;
	for (; size >= 1024 && unit < ARRAY_SIZE(units) - 1; unit++)
		size /= 1024;
	printf(unit ? " (%.1f %s)" : " (%.0f %s)", size, units[unit]);
}

static void print_part(__u64 count, const char *what)
{
	if (!count)
		return;
	printf("  ");
	print_count(stdout, count);
	printf(" %s\n", what);
}

static void print_nodes(const __u64 *counts, const char *preposition)
{
	char what[32];

	for (int node = 0; node < MAX_NODES; node++) {
		snprintf(what, sizeof(what), "%s node %d", preposition, node);
		print_part(counts[node], what);
	}
}

/* Where those are that are not where they shall be */
static void print_elsewhere(void)
{
	static __u64 elsewhere[MAX_NODES];

	for (int node = 0; node < MAX_NODES; node++)
		elsewhere[node] = is_target(node) ? 0 : tally.found[node];
	print_nodes(elsewhere, "on");
}

static void print_head(const char *what, __u64 pages)
{
	printf("%s ", what);
	print_pages(pages);
	if (!opt.query)
		printf(" to node%s %s", opt.nr_targets > 1 ? "s" : "", opt.to);
	putchar('\n');
}

void report_summary(void)
{
	progress_clear();
	if (opt.quiet || ferror(stdout))
		return;
	if (opt.json) {
		json_summary();
		return;
	}
	if (opt.query && opt.addresses)
		return;
	if (opt.query) {
		print_head("found", tally.nr_found + refused());
		print_elsewhere();
	} else if (opt.dry_run) {
		print_head("would try to move", tally.nr_found - tally.there);
		print_elsewhere();
	} else {
		print_head("moved", tally.nr_moved);
		if (opt.nr_targets > 1)
			print_nodes(tally.moved, "to");
	}
	print_part(tally.there, "already there");
	for (size_t i = 0; i < MEANINGS; i++)
		print_part(tally.refused[i], meanings[i].words);
	print_part(tally.nowhere, "samples without a physical address");
}

/* Ten times a second is smooth, and a run that is over at once shows nothing. */
void progress(__u64 more)
{
	static const char full[] = "########################################";
	const int width = sizeof(full) - 1;
	static double next;
	__u64 done = tally.done += more, total = tally.total;
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
