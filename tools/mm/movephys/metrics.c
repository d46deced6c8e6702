// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ages.h"
#include "metrics.h"

static void print_ages(FILE *file, const struct nodes *watched)
{
	static const int seconds[] = { 0, 10, 60, 600, 3600 };

	fputs("# TYPE tierd_hot_bytes gauge\n", file);
	for (int node = 0; node < MAX_NODES; node++)
		if (watched->has[node])
			fprintf(file, "tierd_hot_bytes{node=\"%d\"} %llu\n", node,
				ages_pages(node, AGE_HOT, AGE_HOT) * page_size);
	fputs("# HELP tierd_idle_bytes memory not accessed for at least this many seconds\n"
	      "# TYPE tierd_idle_bytes gauge\n", file);
	for (int node = 0; node < MAX_NODES; node++)
		for (size_t i = 0; watched->has[node] && i < ARRAY_SIZE(seconds); i++)
			fprintf(file, "tierd_idle_bytes{node=\"%d\",seconds=\"%d\"} %llu\n",
				node, seconds[i],
				ages_idle(node, seconds[i]) * page_size);
}

static void print_totals(FILE *file, const struct totals *total, double interval)
{
	fprintf(file, "# TYPE tierd_rounds_total counter\ntierd_rounds_total %lu\n"
		"# TYPE tierd_cpu_seconds_total counter\ntierd_cpu_seconds_total %.3f\n"
		"# TYPE tierd_marked_folios_total counter\ntierd_marked_folios_total %llu\n"
		"# TYPE tierd_failed_calls_total counter\ntierd_failed_calls_total %lu\n"
		"# TYPE tierd_interval_seconds gauge\ntierd_interval_seconds %.3f\n"
		"# TYPE tierd_moved_bytes_total counter\n"
		"tierd_moved_bytes_total{direction=\"up\"} %llu\n"
		"tierd_moved_bytes_total{direction=\"down\"} %llu\n"
		"# TYPE tierd_refused_bytes_total counter\n",
		total->rounds, cpu_seconds(), ages_marked(), total->failed_calls, interval,
		total->up * page_size, total->down * page_size);
	for (int i = 0; i < NR_CAUSES; i++)
		fprintf(file, "tierd_refused_bytes_total{cause=\"%s\"} %llu\n",
			causes[i].name, total->refused[i] * page_size);
}

bool metrics_possible(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || S_ISREG(st.st_mode))
		return true;
	complain("cannot write metrics to %s: it is not a regular file", path);
	return false;
}

void metrics_write(const char *path, const struct totals *total,
		   const struct nodes *watched, double interval)
{
	static char *temporary;
	static FILE *current;
	static bool failing;
	FILE *file = NULL;
	bool failed = true;

	if (temporary || asprintf(&temporary, "%s.new", path) >= 0) {
		/* systemd removes the directory with a service, even if another tierd uses it. */
		if (!strcmp(path, METRICS))
			mkdir(METRICS_DIR, 0755);
		/* In a directory of many users, somebody may have put a link there. */
		unlink(temporary);
		file = fopen(temporary, "wxe");
	}
	if (file) {
		print_totals(file, total, interval);
		print_ages(file, watched);
		flock(fileno(file), LOCK_EX | LOCK_NB);
		failed = ferror(file) || fflush(file) || rename(temporary, path);
	}
	if (failed && !failing)
		complain("cannot write %s: %s: going on without metrics", path,
			 strerror(errno));
	failing = failed;
	if (current)
		fclose(current);
	current = file;
	if (failed && file) {
		fclose(file);
		current = NULL;
	}
}
