// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls: a query tells which pages are meant and elsewhere, and only those
 * are moved, so that "moved" in the summary means what it says.
 */
#include <errno.h>
#include <numaif.h>
#include <string.h>

#include "move_phys_pages.h"
#include "movephys.h"

#define TRIES 4			/* for what is busy */
#define NO_ROOM (2 * BATCH)	/* so many refused in a row: there will be none */

static __u64 without_room;	/* since the last page that moved */

static void say_call_failed(void)
{
	const char *why = strerror(errno);

	switch (errno) {
	case ENODEV:
		complain("no memory on node %s: nodes with memory are %s",
			 opt.to, nodes_with_memory());
		return;
	case ENOSYS:
		why = "this kernel has no move_phys_pages(2): it needs CONFIG_MOVE_PHYS_PAGES=y";
		break;
	case EPERM:
		why = "not permitted: it takes CAP_SYS_ADMIN in the initial user namespace";
		break;
	}
	complain("%s", why);
}

/* Asking for a page that cannot exist meets every refusal but of pages. */
bool call_works(void)
{
	__u64 page = ~0ULL;
	int status;

	if (move_phys_pages(1, &page, opt.query ? NULL : &opt.targets[0],
			    &status, opt.flags) >= 0)
		return true;
	say_call_failed();
	return false;
}

/* Who selects pages does not ask about what is none. */
static bool left_out(int status)
{
	if (opt.sources)
		return status < 0 ||
		       !numa_bitmask_isbitset(opt.sources, status);
	return status == -ENOENT && !opt.addresses && opt.pid == NOT_GIVEN;
}

/* Leaves those still to be moved in @pages and returns how many, or -1. */
static ssize_t look(__u64 *pages, size_t count)
{
	static int status[BATCH];
	size_t left = 0;

	if (move_phys_pages(count, pages, NULL, status, 0) < 0) {
		say_call_failed();
		return -1;
	}
	for (size_t i = 0; i < count && !limit_reached(); i++) {
		if (left_out(status[i]))
			continue;
		if (status[i] < 0 || status[i] >= MAX_NODES) {
			report_refused(pages[i], status[i]);
			continue;
		}
		report_found(pages[i], status[i]);
		if (!is_target(status[i]))
			pages[left++] = pages[i];
	}
	return opt.query || opt.dry_run ? 0 : left;
}

/* Returns how many moved, or -1. */
static ssize_t call(const __u64 *pages, size_t count, int node, int *status)
{
	static int nodes[BATCH];
	double began = now();
	size_t moved = 0;

	for (size_t i = 0; i < count; i++)
		nodes[i] = node;
	if (move_phys_pages(count, pages, nodes, status,
			    opt.flags | MPOL_MF_MOVE) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		moved += status[i] >= 0;
	pace_called(count, moved, now() - began);
	return moved;
}

/*
 * Busy pages are tried again a few times, as long as that helps. Returns how
 * many are left in @pages, since another target may have room, or -1.
 */
static ssize_t move_to(int node, __u64 *pages, size_t count, bool last)
{
	static __u64 rest[BATCH];
	static int status[BATCH];
	size_t left = 0;

	for (int try = 1; count; try++) {
		ssize_t moved = call(pages, count, node, status);
		size_t busy = 0;
		bool again;

		if (moved < 0 && (errno != ENODEV || last)) {
			say_call_failed();
			return -1;
		}
		if (moved < 0)
			break;
		if (moved)
			without_room = 0;
		again = !stopped && try < TRIES && (try == 1 || moved);
		for (size_t i = 0; i < count; i++) {
			if (status[i] >= 0)
				report_moved(node);
			else if (again && status[i] == -EBUSY)
				pages[busy++] = pages[i];
			else if (!last && status[i] == -ENOMEM)
				rest[left++] = pages[i];
			else
				report_refused(pages[i], status[i]);
			without_room += last && status[i] == -ENOMEM;
		}
		count = busy;
		if (busy)
			nap(0.001 * (1 << try));
	}
	memcpy(pages + count, rest, left * sizeof(*rest));
	return count + left;
}

bool look_and_move(__u64 *pages, size_t count)
{
	ssize_t left = look(pages, count);

	if (left >= 0)
		progress(count - left);
	while (left > 0 && !limit_reached() && !nothing_moves()) {
		size_t n = pace_slice(pages, left);
		ssize_t rest = n;

		for (int i = 0; rest > 0 && i < opt.nr_targets; i++)
			rest = move_to(opt.targets[i], pages, rest,
				       i == opt.nr_targets - 1);
		if (rest < 0)
			return false;
		progress(n);
		pages += n;
		left -= n;
		if (stopped)
			break;
	}
	return left >= 0;
}

bool limit_reached(void)
{
	__u64 done = opt.query || opt.dry_run ?
		     tally.nr_found - tally.there :
		     tally.nr_moved;

	return opt.limit != NOT_GIVEN && done >= (__u64)opt.limit;
}

bool nothing_moves(void)
{
	return without_room >= NO_ROOM;
}
