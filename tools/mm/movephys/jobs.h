/* SPDX-License-Identifier: GPL-2.0-only */
/* Several processes at once, each with its slice of memory: --jobs. */
#ifndef MOVEPHYS_JOBS_H
#define MOVEPHYS_JOBS_H

#include "report.h"

/*
 * Do a round in so many processes, each with the source as it is now, and add up their
 * tallies. Returns why the round ended: the last in the order of the
 * enum, if not all ended for the same reason.
 */
enum ending jobs_run(unsigned int count, struct source *src,
		     enum ending (*work)(struct source *src));

#endif
