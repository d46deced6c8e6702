// SPDX-License-Identifier: GPL-2.0-only
/* How many pages a call moves, and how long the pause after it is: --budget, --rate, --limit */
#include "movephys.h"

static size_t batch = BLOCK;	/* that fits the budget, as far as we know */

static bool same_block(__u64 a, __u64 b)
{
	return a / (BLOCK * page_size) == b / (BLOCK * page_size);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many of the addresses to give to one call. Those of a huge page must not
 * be parted: the rest of it would name frames that it has left.
 */
size_t pace_slice(const __u64 *pages, size_t count)
{
	size_t n = count;

	if (opt.budget != NOT_GIVEN)
		n = least(n, batch);
	/* Ten times a second is smooth. */
	if (opt.rate != NOT_GIVEN)
		n = least(n, opt.rate * 1000000.0 / page_size / 10 + 1);
	while (n < count && same_block(pages[n - 1], pages[n]))
		n++;
	if (opt.limit != NOT_GIVEN)
		n = least(n, opt.limit - tally.nr_moved);
	return n;
}

void pace_called(size_t entries, size_t moved, double seconds)
{
	tally.calls++;
	if (tally.longest < seconds)
		tally.longest = seconds;
	if (opt.budget != NOT_GIVEN && entries >= batch / 2) {
		double fits = entries * opt.budget / 1000.0 / seconds;

		/* What one call took says not much of the next. */
		batch = fits < 2 * batch ? fits + 1 : least(2 * batch, BATCH);
	}
	if (opt.rate != NOT_GIVEN)
		nap(moved * page_size / (opt.rate * 1000000.0) - seconds);
}

/* How many there are in front of those in the last block */
size_t whole_blocks(const __u64 *pages, size_t count)
{
	size_t n = count;

	while (n && same_block(pages[n - 1], pages[count - 1]))
		n--;
	return n;
}
