/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's command, which only the file with main() changes */
#ifndef MOVEPHYS_COMMAND_H
#define MOVEPHYS_COMMAND_H

#include <sys/types.h>

#include "nodes.h"
#include "options.h"

#define NOT_GIVEN	(-1)

struct command {
	/* From the command line. Numbers are NOT_GIVEN, or at least 0. */
	const char *to, *from, *cgroup, *fail_on, *keep_free, *comm, *damon;
	struct option_numbers pids;
	long status_seconds, idle, accessed, watch, limit, rate, budget, jobs;
	bool query, perf, strict_input, all, strict, dry_run, children, status;
	bool json, verbose, quiet, help, version;

	/* Derived from the command line */
	bool addresses;		/* given as arguments or on standard input */
	bool processes;		/* --pid or --comm is given */
	long pid;		/* of --pid, if it selects a single process */
	struct nodes sources;	/* of --from */
	int flags;		/* MPOL_MF_* */
};

extern struct command command;

/* Does this run move pages, rather than only look at them? */
static inline bool moves(void)
{
	return command.to && !command.dry_run;
}

#endif
