/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's command. Only movephys.c writes it. */
#ifndef MOVEPHYS_COMMAND_H
#define MOVEPHYS_COMMAND_H

#include <sys/types.h>

#include "nodes.h"

#define NOT_GIVEN	(-1)

struct command {
	/* From the command line. Numbers are NOT_GIVEN or 0 and more. */
	const char *to, *from, *cgroup, *fail_on;
	long pid, idle, accessed, watch, limit, rate, budget;
	bool query, perf, strict_input, all, strict, dry_run;
	bool json, verbose, quiet, help, version;

	/* Derived from it */
	bool addresses;		/* are arguments or standard input */
	struct nodes sources;	/* of --from */
	int targets[MAX_NODES];	/* of --to, in their order */
	int nr_targets;
	int flags;		/* MPOL_MF_* */
};

extern struct command command;

/* Does the run move pages, rather than tell of them? */
static inline bool moves(void)
{
	return command.to && !command.dry_run;
}

static inline bool is_target(int node)
{
	for (int i = 0; i < command.nr_targets; i++)
		if (command.targets[i] == node)
			return true;
	return false;
}

#endif
