/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's command. Only the file with main() writes it. */
#ifndef MOVEPHYS_COMMAND_H
#define MOVEPHYS_COMMAND_H

#include <sys/types.h>

#include "nodes.h"
#include "options.h"

#define NOT_GIVEN	(-1)

struct command {
	/* From the command line. Numbers are NOT_GIVEN or 0 and more. */
	const char *to, *from, *cgroup, *fail_on, *keep_free, *comm, *damon;
	struct option_numbers pids;
	long status_seconds, idle, accessed, watch, limit, rate, budget, jobs;
	bool query, perf, strict_input, all, strict, dry_run, children, status;
	bool json, verbose, quiet, help, version;

	/* Derived from it */
	bool addresses;		/* are arguments or standard input */
	bool processes;		/* --pid, --comm */
	long pid;		/* of --pid, if it is all of one process */
	struct nodes sources;	/* of --from */
	int flags;		/* MPOL_MF_* */
};

extern struct command command;

/* Does the run move pages, rather than tell of them? */
static inline bool moves(void)
{
	return command.to && !command.dry_run;
}

#endif
