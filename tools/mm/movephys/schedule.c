// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "schedule.h"

#define CPU_SHARE_SOON	0.5	/* share of a CPU that the looks of a series may take */
#define MANY		256	/* hot pages: more than 1 in 256 */
#define UNSURE		64	/* pages that may be hot: more than 1 in 64 */

static struct {
	unsigned int looks;
	double cpu;		/* seconds that they took */
	__u64 moved;		/* base pages */
} series;

static unsigned long looks;		/* in all series */
static double last, earliest, next;	/* when the last look began, and the next may and will */
static __u64 left_hot;			/* pages of the sample that the last series left hot */

bool schedule_due(double now, double interval)
{
	/* A probe just before a look would leave its sample no time to be accessed. */
	return now >= next - interval / 2;
}

bool schedule_early(double now, const struct sample *sample)
{
	return now >= earliest && sample->hot > left_hot + sample->pages / MANY;
}

bool schedule_finds_hot(double now, double interval)
{
	return series.looks || now - last <= interval;
}

static __u64 pages_on(const struct nodes *nodes, enum age min, enum age max)
{
	__u64 pages = 0;

	for (int node = 0; node < MAX_NODES; node++)
		if (nodes->has[node])
			pages += ages_pages(node, min, max);
	return pages;
}

double schedule_next(const struct look *look, const struct nodes *slow, double interval,
		     double longest)
{
	__u64 unsure = pages_on(slow, AGE_WARM, AGE_NEW);
	__u64 pages = pages_on(slow, AGE_NONE, AGE_OLDEST);

	looks++;
	series.looks++;
	series.cpu += look->cpu;
	series.moved += look->moved;
	last = look->began;
	earliest = last + fmax(interval, look->cpu / CPU_SHARE_SOON);
	next = earliest;
	/* Which of the accessed folios are hot? One more look tells, unless many are new. */
	if (looks < ENOUGH || (series.looks == 1 && unsure) ||
	    (series.looks < ENOUGH && unsure * UNSURE > pages))
		return next;
	next = last + fmax(longest, series.cpu / CPU_SHARE);
	/*
	 * If few hot pages have moved, the fast nodes have no room for the others, or these
	 * are refused. Another series would not change that, so do not begin it early.
	 */
	left_hot = series.moved * MANY > pages ? 0 : look->sample.hot;
	memset(&series, 0, sizeof(series));
	return next;
}
