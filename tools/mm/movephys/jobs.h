/* SPDX-License-Identifier: GPL-2.0-only */
/* --jobs: several processes at once, each with its slice of memory */
#ifndef MOVEPHYS_JOBS_H
#define MOVEPHYS_JOBS_H

#include "report.h"

/*
 * Do a round in @count processes, each with a copy of the source, and add up their
 * tallies. Returns why the round ended. If the jobs ended for different reasons, that is
 * the reason that comes last in the enum.
 */
enum ending jobs_run(unsigned int count, struct source *src,
		     enum ending (*work)(struct source *src));

#endif
