/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When tierd looks at all folios.
 *
 * Looks come in series. The first look of a series comes after a long wait, so most of the
 * folios that it finds accessed are not hot. The next looks come soon, and tell which are.
 * A series begins when a probe finds that more memory of the slow nodes has become hot,
 * and otherwise after --longest.
 */
#ifndef MOVEPHYS_SCHEDULE_H
#define MOVEPHYS_SCHEDULE_H

#include "ages.h"

#define ENOUGH		(AGE_COLD - AGE_IDLE + 2)	/* looks until a folio can be cold */
#define CPU_SHARE	0.02		/* share of a CPU that probes may take, and series */

/* Is it time for a look? */
bool schedule_due(double now, double interval);
/* May a look begin already, because of what a probe has found? */
bool schedule_early(double now, const struct sample *sample);
/* Does a look that begins now come soon enough after the last one to find hot folios? */
bool schedule_finds_hot(double now, double interval);

/* A look, and the moves after it */
struct look {
	double began;
	double cpu;		/* seconds that it took */
	__u64 moved;		/* base pages */
	struct sample sample;
};

/* Returns the time of the next look. */
double schedule_next(const struct look *look, const struct nodes *slow, double interval,
		     double longest);

#endif
