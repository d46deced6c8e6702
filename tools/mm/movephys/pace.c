// SPDX-License-Identifier: GPL-2.0-only
/* --budget and --rate: the size of each call, and the pause after it */
#include "caller.h"
#include "command.h"
#include "slice.h"

#define FIRST_SLICE	32	/* pages of the first call, before any call was measured */
#define HUGE		512	/* pages that may be one folio, if sizes are unknown */

static double budget_pages = FIRST_SLICE;	/* estimate of the pages that fit the budget */

static bool may_be_one(const struct folio *a, const struct folio *b)
{
	return !batch_sizes_known() && a->head / HUGE == b->head / HUGE;
}

/* The rate of this job, in bytes per second */
static double rate(void)
{
	return command.rate * 1e6 / slice_jobs();
}

size_t pace_slice(const struct folio *folios, size_t count)
{
	double limit = 1e18, pages = folios[0].pages;
	size_t n = 1;

	if (command.budget != NOT_GIVEN)
		limit = budget_pages;
	/* With --rate, make ten calls a second, so that the pages move at an even pace. */
	if (command.rate != NOT_GIVEN && limit > rate() / 10 / page_size)
		limit = rate() / 10 / page_size;
	while (n < count && (pages + folios[n].pages <= limit ||
			     may_be_one(&folios[n - 1], &folios[n])))
		pages += folios[n++].pages;
	return n;
}

void pace_called(__u64 pages, __u64 moved, double seconds)
{
	/* A call that the budget did not limit says little about what fits. */
	if (command.budget != NOT_GIVEN && pages >= budget_pages / 2) {
		double fits = pages * (command.budget / 1e3) / seconds;

		/* One measurement is noisy, so at most double the estimate. */
		if (!(fits < 2 * budget_pages))
			fits = 2 * budget_pages;
		budget_pages = fits > 1 ? fits : 1;
	}
	if (command.rate != NOT_GIVEN)
		nap(moved * page_size / rate() - seconds);
}
