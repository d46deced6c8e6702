// SPDX-License-Identifier: GPL-2.0-only
/* movephys: move pages between NUMA nodes by their physical addresses. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <numaif.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "movephys.h"

#define VERSION "0.2"
#define SEE " (see movephys --help)"

enum {
	ALL_WELL,
	SOME_NOT,
	REFUSED,
};

struct options opt = {
	.pid = NOT_GIVEN, .idle = NOT_GIVEN, .accessed = NOT_GIVEN,
	.watch = NOT_GIVEN, .limit = NOT_GIVEN, .rate = NOT_GIVEN,
	.budget = NOT_GIVEN,
};

__u64 page_size;
atomic_int stopped;

/* An option sets a flag, or has a text or a number of at least @min. */
static const struct row {
	const char *name;
	const char *arg;
	bool *flag;
	const char **text;
	long *number;
	long min;
	const char *help;
} rows[] = {
	{ "to", "NODES", .text = &opt.to,
	  .help = "move the pages to this node; of several, the first with room" },
	{ "query", .flag = &opt.query,
	  .help = "tell where the pages are" },
	{ "pid", "PID", .number = &opt.pid, .min = 1,
	  .help = "all pages that this process has in memory" },
	{ "from", "NODES", .text = &opt.from,
	  .help = "only pages on these nodes; all, if nothing else names pages" },
	{ "cgroup", "PATH", .text = &opt.cgroup,
	  .help = "only pages charged to this cgroup and those below it; likewise" },
	{ "idle", "SECONDS", .number = &opt.idle,
	  .help = "only pages that nobody accesses for so long" },
	{ "accessed", "SECONDS", .number = &opt.accessed,
	  .help = "only pages that somebody accesses meanwhile" },
	{ "perf", .flag = &opt.perf,
	  .help = "standard input is what perf script -F phys_addr prints" },
	{ "strict-input", .flag = &opt.strict_input,
	  .help = "do nothing if any word of standard input is no address" },
	{ "all", .flag = &opt.all,
	  .help = "move also pages that several processes use (MPOL_MF_MOVE_ALL)" },
	{ "strict", .flag = &opt.strict,
	  .help = "keep to the memory policy of each process (MPOL_MF_STRICT)" },
	{ "limit", "PAGES", .number = &opt.limit, .min = 1,
	  .help = "end when so many pages have moved; with --query, were found" },
	{ "rate", "MB/S", .number = &opt.rate, .min = 1,
	  .help = "move so many megabytes a second at most" },
	{ "budget", "MS", .number = &opt.budget, .min = 1,
	  .help = "keep each call to about so many milliseconds" },
	{ "watch", "SECONDS", .number = &opt.watch,
	  .help = "do it again and again, with such a pause" },
	{ "dry-run", .flag = &opt.dry_run,
	  .help = "tell what would be tried, and move nothing" },
	{ "verbose", .flag = &opt.verbose,
	  .help = "name each page that did not move, and why; with --query, each page" },
	{ "json", .flag = &opt.json,
	  .help = "print objects of JSON, one a line" },
	{ "quiet", .flag = &opt.quiet,
	  .help = "no summary and no progress, only the exit status" },
	{ "help", .flag = &opt.help,
	  .help = "print this and exit" },
	{ "version", .flag = &opt.version,
	  .help = "print the version and exit" },
};

static void print_help(void)
{
	puts("Usage: movephys --to NODES [OPTION]... [ADDRESS... | -]\n"
	     "       movephys --query [OPTION]... [ADDRESS... | -]\n"
	     "Move pages to a NUMA node by their physical addresses, or tell where they are.\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		printf("  --%s %-*s%s\n", row->name,
		       (int)(20 - strlen(row->name)), row->arg ?: "", row->help);
	}
	puts("\nADDRESS is any byte of a page: 0xHEX or DECIMAL. START-END (without END) and\n"
	     "START+LENGTH (in bytes, or with K, M, G) name each page between. - reads\n"
	     "addresses from standard input. NODES is a list, as in 0,2-3.\n"
	     "\n"
	     "Exit status: 0 every page is there, 1 some are not, 2 wrong usage or input, or\n"
	     "refused, 128+N ended by signal N.");
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void nap(double seconds)
{
	double until = now() + seconds, left;

	while (!stopped && (left = until - now()) > 0) {
		/* In short ones: a signal may come just before each. */
		if (left > 0.1)
			left = 0.1;
		nanosleep(&(struct timespec){ .tv_nsec = left * 1e9 }, NULL);
	}
}

static bool has_memory(int node)
{
	return numa_node_size64(node, NULL) > 0;
}

const char *nodes_with_memory(void)
{
	static char nodes[1024];
	size_t len = 0;

	for (int node = 0; node <= numa_max_node() && len < sizeof(nodes); node++)
		if (has_memory(node))
			len += snprintf(nodes + len, sizeof(nodes) - len, "%s%d",
					len ? ", " : "", node);
	return nodes;
}

bool is_target(int node)
{
	for (int i = 0; i < opt.nr_targets; i++)
		if (opt.targets[i] == node)
			return true;
	return false;
}

/* libnuma's own complaint, for which there is a better one below */
void numa_warn(int number, char *format, ...)
{
	(void)number;
	(void)format;
}

static void refuse_nodes(const char *option, const char *text)
{
	errx(REFUSED, "%s takes nodes with memory, such as %s, not '%s'",
	     option, nodes_with_memory(), text);
}

/* A node without memory has no pages, and no room. */
static struct bitmask *nodes_of(const char *option, const char *text)
{
	struct bitmask *nodes = numa_parse_nodestring_all(text);

	if (!nodes)
		refuse_nodes(option, text);
	for (int node = 0; node <= numa_max_node(); node++)
		if (!has_memory(node))
			numa_bitmask_clearbit(nodes, node);
	return nodes;
}

static void find_sources(void)
{
	opt.sources = nodes_of("--from", opt.from);
	if (!numa_bitmask_weight(opt.sources))
		refuse_nodes("--from", opt.from);
}

static void add_targets(const char *text)
{
	struct bitmask *nodes = nodes_of("--to", text);

	for (int node = 0; node <= numa_max_node(); node++)
		if (numa_bitmask_isbitset(nodes, node) && !is_target(node))
			opt.targets[opt.nr_targets++] = node;
	numa_bitmask_free(nodes);
}

/* In the order in which they are written, which libnuma does not keep */
static void find_targets(void)
{
	char *list = strdup(opt.to), *rest = list, *part;

	/* !2,3 is all but these. */
	if (!list || *list == '!')
		add_targets(opt.to);
	else
		while ((part = strsep(&rest, ",")))
			add_targets(part);
	free(list);
	if (!opt.nr_targets)
		refuse_nodes("--to", opt.to);
}

static long number_of(const struct row *row, const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < row->min ||
	    value > INT_MAX)
		errx(REFUSED, "--%s takes a number from %ld to %d, not '%s'",
		     row->name, row->min, INT_MAX, text);
	return value;
}

static void parse_options(int argc, char **argv)
{
	struct option options[ARRAY_SIZE(rows) + 1] = { };
	const struct row *row;
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		options[i] = (struct option){
			rows[i].name,
			rows[i].arg ? required_argument : no_argument,
			NULL, UCHAR_MAX + i
		};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c < UCHAR_MAX)
			exit(REFUSED);
		row = &rows[c - UCHAR_MAX];
		if (row->flag)
			*row->flag = true;
		else if (row->text)
			*row->text = optarg;
		else
			*row->number = number_of(row, optarg);
		if (opt.help || opt.version)
			return;
	}
	opt.addresses = optind < argc;
	opt.flags = (opt.all ? MPOL_MF_MOVE_ALL : 0) |
		    (opt.strict ? MPOL_MF_STRICT : 0);
}

static void refuse_if(bool wrong, const char *why)
{
	if (wrong)
		errx(REFUSED, "%s" SEE, why);
}

static void check_options(char **args)
{
	bool moves = opt.to && !opt.dry_run;
	bool input = opt.addresses && !strcmp(args[0], "-") && !args[1];

	refuse_if(opt.query == !!opt.to,
		  "one of --to NODES and --query is needed");
	refuse_if(opt.query && (opt.flags || opt.dry_run),
		  "--all, --strict and --dry-run go with --to");
	refuse_if(!moves && (opt.rate != NOT_GIVEN || opt.budget != NOT_GIVEN),
		  "--rate and --budget are for moves");
	refuse_if(opt.quiet && (opt.verbose || opt.json),
		  "--quiet excludes --verbose and --json");
	refuse_if(opt.idle != NOT_GIVEN && opt.accessed != NOT_GIVEN,
		  "--idle and --accessed exclude each other");
	refuse_if((opt.perf || opt.strict_input) && !input,
		  "--perf and --strict-input need -, standard input");
	refuse_if(opt.addresses && opt.pid != NOT_GIVEN,
		  "addresses and --pid PID exclude each other");
	refuse_if(!opt.addresses && opt.pid == NOT_GIVEN && !opt.from && !opt.cgroup,
		  "one of addresses, -, --pid, --from and --cgroup is needed");
}

/* Pages that are chosen by whether they are accessed are looked at twice. */
static bool two_looks(void)
{
	return opt.idle != NOT_GIVEN || opt.accessed != NOT_GIVEN;
}

static struct source *open_source(char **args)
{
	struct source *src = NULL;

	/* Wrong addresses are told first: for them it takes no privilege. */
	if (opt.addresses)
		src = source_words(args);
	if (opt.addresses && !src)
		return NULL;
	if (opt.to)
		find_targets();
	if (opt.from)
		find_sources();
	if (!call_works())
		return NULL;
	if (opt.cgroup && !cgroup_open(opt.cgroup))
		return NULL;
	if (two_looks() && !idle_open())
		return NULL;
	if (opt.pid != NOT_GIVEN)
		src = source_process(opt.pid);
	else if (!src)
		src = source_frames(opt.sources);
	/* Better now than after the first time */
	if (src && (opt.watch != NOT_GIVEN || two_looks()) && !src->rewind(src))
		return NULL;
	return src;
}

/* The first pass, if there are two: what is not accessed from now on? */
static bool mark(struct source *src)
{
	static __u64 pages[BATCH];
	size_t count;

	while (!stopped && !src->ended) {
		count = src->fill(src, pages, BATCH);
		if (opt.cgroup)
			count = cgroup_select(pages, count);
		idle_mark(pages, count);
	}
	if (src->failed || stopped)
		return false;
	nap(opt.idle != NOT_GIVEN ? opt.idle : opt.accessed);
	return !stopped && src->rewind(src);
}

static bool work(__u64 *pages, size_t count)
{
	size_t all = count;

	if (opt.cgroup)
		count = cgroup_select(pages, count);
	if (two_looks())
		count = idle_select(pages, count, opt.idle != NOT_GIVEN);
	progress(all - count);
	return look_and_move(pages, count);
}

/* A huge page that lies in two batches has gone from its place in the second. */
static bool run(struct source *src)
{
	static __u64 pages[BATCH];
	size_t have = 0, take;

	tally.total = src->total;
	do {
		have += src->fill(src, pages + have, BATCH - have);
		if (stopped)
			break;
		take = src->ended ? have : whole_blocks(pages, have);
		if (!take && have == BATCH)
			take = have;
		if (!work(pages, take))
			return false;
		have -= take;
		memmove(pages, pages + take, have * sizeof(*pages));
		if (nothing_moves()) {
			complain("no room on node %s: the rest was not tried",
				 opt.to);
			break;
		}
		if (limit_reached() || (ferror(stdout) && opt.query))
			break;
	} while (!src->ended);
	return !src->failed && !src->junk;
}

static int once(struct source *src)
{
	int status = REFUSED;

	memset(&tally, 0, sizeof(tally));
	if ((!two_looks() || mark(src)) && run(src))
		status = report_all_well() ? ALL_WELL : SOME_NOT;
	report_summary();
	fflush(stdout);
	return status;
}

/* Until something fails or somebody asks us to end */
static int again_and_again(struct source *src)
{
	int status = once(src);

	while (opt.watch != NOT_GIVEN && status <= SOME_NOT && !stopped &&
	       !ferror(stdout)) {
		nap(opt.watch);
		if (!stopped)
			status = src->rewind(src) ? once(src) : REFUSED;
	}
	return status;
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
	if (!opt.query)
		signal(SIGPIPE, SIG_IGN);
}

/* Not by exit(), which would try to write what cannot be written again. */
static void leave(int status)
{
	if (ferror(stdout) || fflush(stdout)) {
		complain("cannot write to standard output");
		_exit(stopped ? status : REFUSED);
	}
	exit(status);
}

int main(int argc, char **argv)
{
	struct source *src;
	int status;

	/* The progress bar shall reach the terminal in one piece. */
	setlinebuf(stderr);
	page_size = sysconf(_SC_PAGESIZE);
	parse_options(argc, argv);
	if (opt.help)
		print_help();
	else if (opt.version)
		puts("movephys " VERSION);
	if (opt.help || opt.version)
		leave(ALL_WELL);
	check_options(argv + optind);
	catch_signals();
	src = open_source(argv + optind);
	status = src ? again_and_again(src) : REFUSED;
	if (stopped) {
		complain("interrupted");
		status = 128 + stopped;
	}
	leave(status);
}
