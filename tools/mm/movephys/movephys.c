// SPDX-License-Identifier: GPL-2.0-only
/*
 * movephys: move pages between NUMA nodes by their physical addresses.
 *
 * Two calls a batch: a query tells which pages are elsewhere, and only those
 * are moved, so that "moved" in the summary means what it says.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <numa.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "movephys.h"

#ifndef __NR_move_phys_pages
#ifdef __alpha__
#define __NR_move_phys_pages (548 + 110)
#else
#define __NR_move_phys_pages 548
#endif
#endif

#define VERSION "0.1"
#define RETRIES 3

enum {
	ALL_WELL,
	SOME_NOT,
	REFUSED,
};

struct options opt = { .node = QUERY };
__u64 page_size;
atomic_int stopped;

static const char help[] =
"Usage: movephys --to NODE [OPTION]... ADDRESS... | - | --pid PID\n"
"       movephys --query [OPTION]... ADDRESS... | - | --pid PID\n"
"Move pages to a NUMA node by their physical addresses, or tell where they are.\n"
"\n"
"      --to NODE   move the pages to this node\n"
"      --query     tell on which node each page is; with --pid, how many on which\n"
"      --pid PID   all pages that this process has in memory\n"
"      --all       move also pages that several processes use (MPOL_MF_MOVE_ALL)\n"
"      --strict    keep to the memory policy of each process (MPOL_MF_STRICT)\n"
"      --dry-run   tell what would be tried, and move nothing\n"
"      --verbose   name each page that did not move, and why; with --query, each page\n"
"      --quiet     no summary and no progress, only the exit status\n"
"      --help      print this and exit\n"
"      --version   print the version and exit\n"
"\n"
"ADDRESS is any byte of a page: 0xHEX or DECIMAL. START-END (without END) and\n"
"START+LENGTH (in bytes, or with K, M, G) name each page between. - reads\n"
"addresses from standard input.\n"
"\n"
"Exit status: 0 every page is there, 1 some are not, 2 wrong usage or refused,\n"
"128+N ended by signal N.\n";

static long move_phys_pages(unsigned long count, __u64 *pages,
			    const int *nodes, int *status, int flags)
{
	return syscall(__NR_move_phys_pages, count, pages, nodes, status, flags);
}

static void say_no_memory(void)
{
	char nodes[256] = "";
	size_t len = 0;

	for (int node = 0; node <= numa_max_node() && len < sizeof(nodes); node++)
		if (numa_node_size64(node, NULL) > 0)
			len += snprintf(nodes + len, sizeof(nodes) - len, "%s%d",
					len ? ", " : "", node);
	complain("no memory on node %d: nodes with memory are %s", opt.node, nodes);
}

static void say_call_failed(void)
{
	const char *why = strerror(errno);

	switch (errno) {
	case ENODEV:
		say_no_memory();
		return;
	case ENOSYS:
		why = "this kernel has no move_phys_pages(2): it needs CONFIG_MOVE_PHYS_PAGES=y";
		break;
	case EPERM:
		why = "not permitted: it takes CAP_SYS_ADMIN in the initial user namespace";
		break;
	}
	complain("%s", why);
}

/* Asking for a page that cannot exist meets every refusal but of pages. */
static bool call_works(void)
{
	__u64 page = ~0ULL;
	int status;

	if (move_phys_pages(1, &page, opt.node == QUERY ? NULL : &opt.node,
			    &status, opt.flags) >= 0)
		return true;
	say_call_failed();
	return false;
}

/* Leaves those still to be moved in @pages and returns how many, or -1. */
static ssize_t look(__u64 *pages, size_t count)
{
	static int status[BATCH];
	size_t left = 0;

	if (move_phys_pages(count, pages, NULL, status, 0) < 0) {
		say_call_failed();
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (status[i] < 0 || status[i] >= MAX_NODES) {
			report_refused(pages[i], status[i]);
			continue;
		}
		report_found(pages[i], status[i]);
		if (status[i] != opt.node)
			pages[left++] = pages[i];
	}
	return opt.node == QUERY || opt.dry_run ? 0 : left;
}

/* Busy pages are tried again a few times, as long as that helps. */
static bool move(__u64 *pages, size_t count)
{
	static int nodes[BATCH], status[BATCH];
	bool again = true;

	for (size_t i = 0; i < count; i++)
		nodes[i] = opt.node;
	for (int try = 0; count && again; try++) {
		size_t busy = 0;

		if (move_phys_pages(count, pages, nodes, status,
				    opt.flags | MPOL_MF_MOVE) < 0) {
			say_call_failed();
			return false;
		}
		for (size_t i = 0; i < count; i++)
			busy += status[i] == -EBUSY;
		again = busy && !stopped && try < RETRIES && (!try || busy < count);

		busy = 0;
		for (size_t i = 0; i < count; i++) {
			if (status[i] >= 0)
				report_moved();
			else if (again && status[i] == -EBUSY)
				pages[busy++] = pages[i];
			else
				report_refused(pages[i], status[i]);
		}
		count = busy;
	}
	return true;
}

static bool run(struct source *src)
{
	static __u64 pages[BATCH];
	__u64 done = 0;
	size_t count;
	ssize_t left;

	while ((count = src->fill(src, pages, BATCH)) && !stopped) {
		left = look(pages, count);
		if (left < 0 || !move(pages, left))
			return false;
		done += count;
		progress(done, src->total);
		if (ferror(stdout) && opt.node == QUERY)
			break;
	}
	return !src->failed;
}

static void stop(int signal)
{
	stopped = signal;
}

/* The first signal ends the run with a summary, the second one at once. */
static void catch_signals(void)
{
	struct sigaction action = {
		.sa_handler = stop,
		.sa_flags = SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* A reader that leaves ends a query; it must not cut a move in two. */
	if (opt.node != QUERY)
		signal(SIGPIPE, SIG_IGN);
}

static int number_of(const char *option, const char *text, int min)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min ||
	    value > INT_MAX)
		errx(REFUSED, "%s takes one number, not '%s'", option, text);
	return value;
}

static int close_stdout(int status)
{
	if (ferror(stdout) | fflush(stdout)) {
		complain("cannot write to standard output");
		return REFUSED;
	}
	return status;
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "query", no_argument, NULL, 'q' },
		{ "pid", required_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "strict", no_argument, NULL, 's' },
		{ "dry-run", no_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'Q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	static const char see[] = " (see movephys --help)";
	bool query = false, to = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			to = true;
			opt.node = number_of("--to", optarg, 0);
			break;
		case 'q':
			query = true;
			break;
		case 'p':
			opt.pid = number_of("--pid", optarg, 1);
			break;
		case 'a':
			opt.flags |= MPOL_MF_MOVE_ALL;
			break;
		case 's':
			opt.flags |= MPOL_MF_STRICT;
			break;
		case 'd':
			opt.dry_run = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'Q':
			opt.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(close_stdout(ALL_WELL));
		case 'V':
			puts("movephys " VERSION);
			exit(close_stdout(ALL_WELL));
		default:
			exit(REFUSED);
		}
	}
	if (query == to)
		errx(REFUSED, "one of --to NODE and --query is needed%s", see);
	if (query && (opt.flags || opt.dry_run))
		errx(REFUSED, "--all, --strict and --dry-run go with --to%s", see);
	if (opt.quiet && opt.verbose)
		errx(REFUSED, "--quiet and --verbose exclude each other%s", see);
	if (opt.pid ? optind < argc : optind == argc)
		errx(REFUSED, "one of addresses, - and --pid PID is needed%s", see);
}

int main(int argc, char **argv)
{
	struct source *src = NULL;
	int status;

	/* The progress bar shall reach the terminal in one piece. */
	setlinebuf(stderr);
	page_size = sysconf(_SC_PAGESIZE);
	parse_options(argc, argv);
	if (!opt.pid) {
		src = source_words(argv + optind);
		if (!src)
			return REFUSED;
	}
	if (!call_works())
		return REFUSED;
	if (opt.pid) {
		src = source_pid(opt.pid);
		if (!src)
			return REFUSED;
	}

	catch_signals();
	if (!run(src))
		status = REFUSED;
	else
		status = report_all_well() ? ALL_WELL : SOME_NOT;
	if (stopped) {
		complain("interrupted");
		status = 128 + stopped;
	}
	report_summary();
	return close_stdout(status);
}
