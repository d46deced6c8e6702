// SPDX-License-Identifier: GPL-2.0-only
/*
 * movephys: move pages between NUMA nodes by their physical addresses.
 *
 * A source (source.h) gives addresses, and a batch (batch.h) has the folios at these
 * addresses. The caller (caller.h) moves or queries the folios of a batch, and passes the
 * results to the report (report.h). Calls go in one direction only: from the caller to the
 * report and the batch, from the report to the batch, and from the batch to the source.
 */
#include <errno.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "cgroup.h"
#include "command.h"
#include "frames.h"
#include "jobs.h"
#include "options.h"
#include "report.h"
#include "source.h"
#include "status.h"
#include "targets.h"
#include "tlb.h"

#define SEE " (see movephys --help)"

enum {
	ALL_WELL,
	SOME_NOT,
	REFUSED = WRONG_USAGE,
};

struct command command = {
	.pid = NOT_GIVEN, .status_seconds = NOT_GIVEN, .idle = NOT_GIVEN, .accessed = NOT_GIVEN,
	.watch = NOT_GIVEN, .limit = NOT_GIVEN, .rate = NOT_GIVEN,
	.budget = NOT_GIVEN, .jobs = 1,
};

static const struct option_row rows[] = {
	{ 0, "to", "NODES", .text = &command.to,
	  .help = "move each page to the first of these nodes with room."
		  HELP_LINE "NODES can be slower or faster: these mean the nodes"
		  HELP_LINE "that are slower or faster than that of the page" },
	{ 'q', "query", .flag = &command.query,
	  .help = "print the node of each address; without addresses,"
		  HELP_LINE "print the number of pages on each node" },
	{ 0, "status", "SECONDS", .flag = &command.status, .optional = true,
	  .number = &command.status_seconds,
	  .help = "print the nodes, and the memory of each cgroup on"
		  HELP_LINE "them; with SECONDS, wait that long and print how"
		  HELP_LINE "much memory was idle" },
	{ 'p', "pid", "PID", .numbers = &command.pids, .min = 1,
	  .help = "select the pages that this process has in memory;"
		  HELP_LINE "may be given several times" },
	{ 0, "comm", "NAME", .text = &command.comm,
	  .help = "select the pages of all processes with this name, as"
		  HELP_LINE "ps -o comm prints it" },
	{ 0, "children", .flag = &command.children,
	  .help = "also select the pages of all descendants of these"
		  HELP_LINE "processes" },
	{ 0, "damon", "SCHEME", .text = &command.damon,
	  .help = "select the regions that this DAMON scheme has chosen:"
		  HELP_LINE "KDAMOND[/CONTEXT/SCHEME]" },
	{ 0, "from", "NODES", .text = &command.from,
	  .help = "select only pages on these nodes" },
	{ 0, "cgroup", "PATH", .text = &command.cgroup,
	  .help = "select only pages that are charged to this cgroup or"
		  HELP_LINE "to one below it" },
	{ 0, "idle", "SECONDS", .number = &command.idle,
	  .help = "select only pages that are not accessed for this long" },
	{ 0, "accessed", "SECONDS", .number = &command.accessed,
	  .help = "select only pages that are accessed within this time" },
	{ 0, "perf", .flag = &command.perf,
	  .help = "read the output of perf script -F phys_addr from"
		  HELP_LINE "standard input" },
	{ 0, "strict-input", .flag = &command.strict_input,
	  .help = "do nothing if any word of standard input is not an"
		  HELP_LINE "address" },
	{ 0, "all", .flag = &command.all,
	  .help = "also move pages that several processes map"
		  HELP_LINE "(MPOL_MF_MOVE_ALL)" },
	{ 0, "strict", .flag = &command.strict,
	  .help = "do not move a page off the nodes to which a process"
		  HELP_LINE "has bound it (MPOL_MF_STRICT)" },
	{ 0, "limit", "PAGES", .number = &command.limit, .min = 1,
	  .help = "stop before more base pages than this have moved or,"
		  HELP_LINE "with --query or --dry-run, were found" },
	{ 0, "rate", "MB/S", .number = &command.rate, .min = 1,
	  .help = "move at most this many megabytes per second" },
	{ 0, "budget", "MS", .number = &command.budget, .min = 1,
	  .help = "limit each call to about this many milliseconds" },
	{ 0, "keep-free", "SIZE", .text = &command.keep_free,
	  .help = "leave this much free on each target: bytes, such as"
		  HELP_LINE "64M, or a part of the node, such as 2%" },
	{ 0, "jobs", "N", .number = &command.jobs, .min = 1, .max = 256,
	  .help = "search and move with this many processes, each with a"
		  HELP_LINE "part of the memory" },
	{ 0, "watch", "SECONDS", .number = &command.watch,
	  .help = "repeat all this, with a pause of this many seconds" },
	{ 0, "fail-on", "STATUSES", .text = &command.fail_on,
	  .help = "also exit with status 1 if an entry ended with one of"
		  HELP_LINE "these, such as ENOENT,EACCES" },
	{ 'n', "dry-run", .flag = &command.dry_run,
	  .help = "print what would be tried, and move nothing" },
	{ 'v', "verbose", .flag = &command.verbose,
	  .help = "print each folio that did not move, and the reason;"
		  HELP_LINE "with --query, print each page" },
	{ 'j', "json", .flag = &command.json,
	  .help = "print events as JSON, one object on each line" },
	{ 0, "quiet", .flag = &command.quiet,
	  .help = "print no summary, progress or lines of a query" },
	{ 'h', "help", .flag = &command.help, .ends = true,
	  .help = "print this help and exit" },
	{ 'V', "version", .flag = &command.version, .ends = true,
	  .help = "print the version and exit" },
};

static void print_help(void)
{
	puts("Usage: movephys --to NODES [OPTION]... [ADDRESS... | -]\n"
	     "       movephys --query [OPTION]... [ADDRESS... | -]\n"
	     "       movephys --status[=SECONDS] [--json]\n"
	     "Move pages to a NUMA node by their physical addresses, or print where they are.\n");
	options_print(rows, ARRAY_SIZE(rows));
	puts("\nADDRESS is any byte of a page: 0xHEX or DECIMAL. START-END (without END) and\n"
	     "START+LENGTH (in bytes, or with K, M or G) name every page of a range. - reads\n"
	     "addresses from standard input, where # begins a comment. NODES is a list such\n"
	     "as 0,2-3. If none of ADDRESS, --pid, --comm and --damon is given, --from and\n"
	     "--cgroup select from all mapped pages of the machine.\n"
	     "\n"
	     "Exit status: 0 success, 1 some pages that were eligible to move did not, 2 wrong\n"
	     "usage or input, or an error, 128+N ended by signal N.");
}

static void refuse_if(bool wrong, const char *why)
{
	if (!wrong)
		return;
	complain("%s" SEE, why);
	exit(REFUSED);
}

static bool from_input(char **args)
{
	return command.addresses && !strcmp(args[0], "-") && !args[1];
}

/* --idle and --accessed look at pages twice: to mark them as idle, and to read the marks. */
static bool two_looks(void)
{
	return command.idle != NOT_GIVEN || command.accessed != NOT_GIVEN;
}

static void check_options(char **args)
{
	refuse_if(command.query + !!command.to + command.status != 1,
		  "exactly one of --to NODES, --query and --status is needed");
	refuse_if(command.status && (command.addresses || command.processes ||
				     command.damon || command.from || command.cgroup ||
				     command.flags || two_looks() || command.dry_run ||
				     command.jobs > 1 || command.limit != NOT_GIVEN ||
				     command.watch != NOT_GIVEN || command.fail_on ||
				     command.verbose || command.quiet),
		  "--status takes no other option than --json, and no addresses");
	refuse_if(command.query && (command.flags || command.dry_run),
		  "--all, --strict and --dry-run need --to");
	refuse_if(!moves() && (command.rate != NOT_GIVEN ||
			       command.budget != NOT_GIVEN),
		  "--rate and --budget need --to without --dry-run");
	refuse_if(command.quiet && (command.verbose || command.json),
		  "--quiet excludes --verbose and --json");
	refuse_if(command.idle != NOT_GIVEN && command.accessed != NOT_GIVEN,
		  "--idle and --accessed exclude each other");
	refuse_if((command.perf || command.strict_input) && !from_input(args),
		  "--perf and --strict-input need - (standard input)");
	refuse_if(command.keep_free && !moves(),
		  "--keep-free needs --to without --dry-run");
	refuse_if(command.jobs > 1 && command.limit != NOT_GIVEN,
		  "--jobs and --limit exclude each other");
	refuse_if(command.jobs > 1 && (from_input(args) ||
				       (command.query && command.addresses)),
		  "--jobs excludes standard input and queries of addresses, since these keep their order");
	refuse_if(command.children && !command.processes,
		  "--children needs --pid or --comm");
	refuse_if(command.addresses && command.processes,
		  "addresses exclude --pid and --comm");
	refuse_if(command.damon && (command.addresses || command.processes),
		  "--damon excludes addresses, --pid and --comm");
	refuse_if(!command.status && !command.addresses && !command.processes &&
		  !command.damon && !command.from && !command.cgroup,
		  "one of addresses, -, --pid, --comm, --damon, --from and --cgroup is needed");
}

static bool find_nodes(void)
{
	int list[MAX_NODES], nr;

	if (!targets_open())
		return false;
	if (!command.from)
		return true;
	nr = nodes_parse("--from", command.from, list);
	for (int i = 0; i < nr; i++)
		command.sources.has[list[i]] = true;
	return nr > 0;
}

static struct source *open_source(char **args)
{
	struct source *src = NULL;

	/* Check the words first, so that an error in them is reported to any user. */
	if (from_input(args))
		src = source_input(command.perf ? WORDS_PERF : WORDS_ADDRESSES,
				   command.strict_input);
	else if (command.addresses)
		src = source_arguments(args);
	if (command.addresses && !src)
		return NULL;
	if (!report_open() || !find_nodes() || !caller_works())
		return NULL;
	if (command.cgroup && !cgroup_open(command.cgroup, false))
		return NULL;
	if (two_looks() && idle_open())
		return NULL;
	if (command.processes)
		src = source_processes(command.pids.values, command.pids.nr,
				       command.comm, command.children);
	else if (command.damon)
		src = source_damon(command.damon);
	else if (!src)
		src = source_nodes(command.from ? &command.sources : NULL);
	/* If the source cannot begin again, say so before the first round. */
	if (src && (command.watch != NOT_GIVEN || two_looks()) &&
	    !src->rewind(src))
		return NULL;
	return src;
}

static struct batch batch;

/* Fill the next batch. --cgroup may remove all of its folios. */
static void next_batch(struct source *src)
{
	__u64 from = batch_done(src);

	/* A query prints a row for each address that was given, so do not merge duplicates. */
	batch_fill(&batch, src, !command.query);
	if (command.cgroup)
		cgroup_select(&batch);
	report_batch(from, batch_done(src), src->total);
}

/* Mark all pages as idle, and wait. Pages that are accessed lose the mark. */
static bool mark(struct source *src)
{
	while (!stopped && !src->ended) {
		next_batch(src);
		batch_mark_idle(&batch);
	}
	if (src->failed || src->misread || stopped)
		return false;
	/* Accesses through a cached translation would not clear the mark. */
	if (!tlb_evict())
		return false;
	nap(command.idle != NOT_GIVEN ? command.idle : command.accessed);
	batch_restart();
	return !stopped && src->rewind(src);
}

static void say_full(void)
{
	complain("no room on node%s %s: %u folios in a row were refused; %s",
		 targets_all()->nr > 1 ? "s" : "",
		 nodes_listed(targets_all()->nodes, targets_all()->nr), 2 * BATCH,
		 "make room there, or add another node to --to");
}

static enum ending move_or_query(struct source *src)
{
	while (!stopped && !src->ended) {
		next_batch(src);
		if (two_looks())
			batch_select_idle(&batch, command.idle != NOT_GIVEN,
					  command.watch != NOT_GIVEN);
		if (stopped)
			break;
		if (!caller_take(&batch))
			return CALL_FAILED;
		/* A program may wait for this answer before it gives the next address. */
		report_flush();
		if (caller_found_no_room())
			return ALL_FULL;
		if (caller_reached_limit())
			return LIMIT;
		if (ferror(stdout) && command.query)
			return OUTPUT_FAILED;
	}
	if (stopped)
		return SIGNALLED;
	return src->failed || src->junk ? SOURCE_FAILED : COMPLETE;
}

static bool marked;		/* the previous round has marked the pages for this one */

static enum ending work(struct source *src)
{
	batch_restart();
	caller_restart();
	if (two_looks() && !marked && !mark(src))
		return stopped ? SIGNALLED : SOURCE_FAILED;
	report_look();
	return move_or_query(src);
}

static int once(struct source *src)
{
	enum ending ending;

	report_round();
	ending = command.jobs > 1 ? jobs_run(command.jobs, src, work) : work(src);
	if (ending == ALL_FULL)
		say_full();
	tally.without_address = src->without_address;
	report_summary(ending);
	if (ending == CALL_FAILED || ending == SOURCE_FAILED || ending == OUTPUT_FAILED)
		return REFUSED;
	return report_failures() ? SOME_NOT : ALL_WELL;
}

/*
 * Between two rounds, cgroups may have been made or removed, and nodes may have got or
 * lost memory.
 */
static bool begin_again(struct source *src)
{
	return targets_again() && (!command.cgroup || cgroup_open(command.cgroup, true)) &&
	       (src->renew ?: src->rewind)(src);
}

/* Do one round or, with --watch, repeat it until something fails or a signal comes. */
static int again_and_again(struct source *src)
{
	/* The next round of a source that renews itself has pages that this one does not mark. */
	bool marks = two_looks() && !src->renew;
	long seconds = command.watch;
	int status = once(src);

	/*
	 * A round marks pages for the next one, up to its end. So the next one must wait
	 * from there on for as long as --idle asks for.
	 */
	if (marks && seconds < command.idle)
		seconds = command.idle;
	if (marks && seconds < command.accessed)
		seconds = command.accessed;
	while (command.watch != NOT_GIVEN && status <= SOME_NOT && !stopped &&
	       !ferror(stdout)) {
		marked = marks;
		if (marked && !tlb_evict())
			return REFUSED;
		nap(seconds);
		if (!stopped)
			status = begin_again(src) ? once(src) : REFUSED;
	}
	return status;
}

static void leave(int status)
{
	if (output_written())
		exit(status);
	/* exit() would try once more to write what cannot be written. */
	_exit(stopped ? status : REFUSED);
}

static int tell_status(void)
{
	static struct status status;
	int result = ALL_WELL;

	if (command.json)
		json_start();
	if (!status_read(&status, command.status_seconds)) {
		if (stopped)
			complain("interrupted");
		result = stopped ? 128 + stopped : REFUSED;
	} else if (command.json) {
		json_status(&status);
	} else {
		status_print(&status);
	}
	if (command.json)
		json_end(result);
	return result;
}

int main(int argc, char **argv)
{
	struct source *src;
	char **args;
	int status;

	base_init();
	args = argv + options_parse(argc, argv, rows, ARRAY_SIZE(rows));
	if (command.help)
		print_help();
	else if (command.version)
		puts("movephys " VERSION);
	if (command.help || command.version)
		leave(ALL_WELL);
	command.addresses = *args;
	command.processes = command.pids.nr || command.comm;
	if (command.pids.nr == 1 && !command.comm && !command.children)
		command.pid = command.pids.values[0];
	command.flags = (command.all ? MPOL_MF_MOVE_ALL : 0) |
			(command.strict ? MPOL_MF_STRICT : 0);
	check_options(args);
	catch_signals(FIRST_SIGNAL);
	/* If the reader of the output exits, that may end a query, but not a move half-way. */
	if (!command.query)
		signal(SIGPIPE, SIG_IGN);
	if (command.status)
		leave(tell_status());
	src = open_source(args);
	if (src && command.json)
		json_start();
	status = src ? again_and_again(src) : REFUSED;
	if (stopped) {
		progress_clear();
		complain("interrupted");
		status = 128 + stopped;
	}
	if (src && command.json && !ferror(stdout))
		json_end(status);
	leave(status);
}
