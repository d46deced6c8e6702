// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each batch is queried first, and only folios that are not on a target node are passed
 * to a move. So "moved" in the summary counts only folios that changed their node. The
 * kernel moves a whole folio if one address in it is given, so give one for each folio.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "command.h"
#include "move_phys_pages.h"
#include "report.h"
#include "slice.h"
#include "targets.h"

#define TRIES	4		/* calls at most for a busy folio */
#define STALE	0.1		/* seconds after which sizes are read again */
#define NO_ROOM_ROW	(2 * BATCH)	/* end the round if so many folios in a row find no room */

/*
 * How many folios in a row found no room. With --to slower and faster, the targets depend on
 * the node that a folio is on, so this is counted for each node. Otherwise, all folios have the
 * same targets, and only the first element is used.
 */
static __u64 without_room[MAX_NODES];
static bool limit_reached;

void caller_restart(void)
{
	memset(without_room, 0, sizeof(without_room));
	limit_reached = false;
}

static __u64 *without_room_from(int node)
{
	return &without_room[targets_of(node) == targets_all() ? 0 : node];
}

static bool targets_full(int node)
{
	return *without_room_from(node) >= NO_ROOM_ROW;
}

static void say_call_failed(void)
{
	const char *why = strerror(errno);

	switch (errno) {
	case ENODEV:
		complain("no memory on node%s %s: nodes with memory are %s",
			 targets_all()->nr > 1 ? "s" : "",
			 nodes_listed(targets_all()->nodes, targets_all()->nr),
			 nodes_known());
		return;
	case ENOSYS:
		why = "this kernel has no move_phys_pages(2): it needs CONFIG_MOVE_PHYS_PAGES=y";
		break;
	case EPERM:
		why = "not permitted: CAP_SYS_ADMIN in the initial user namespace is needed";
		break;
	}
	complain("%s", why);
}

/*
 * Probe with an address that no page can have: the call then reports any error of
 * its own and moves nothing.
 */
bool caller_works(void)
{
	uint64_t page = ~0ULL;
	int status;

	if (move_phys_pages(1, &page, command.query ? NULL : &targets_all()->nodes[0],
			    &status, command.flags) >= 0)
		return true;
	say_call_failed();
	return false;
}

/*
 * Some pages are left out of the report: with --from, those that are not on these nodes;
 * if we select frames ourselves, those without a user page.
 */
static bool left_out(int status)
{
	if (command.from)
		return status < 0 || status >= MAX_NODES ||
		       !command.sources.has[status];
	return status == -ENOENT && !command.addresses && !command.processes;
}

/*
 * Returns how many of the folios may be handled under --limit, if folios with @pages base
 * pages have been handled before. The first folio of all may exceed the limit.
 */
static size_t within_limit(const struct folio *folios, size_t count, __u64 pages)
{
	size_t n = 0;

	if (command.limit == NOT_GIVEN)
		return count;
	for (; n < count; n++) {
		if (pages && pages + folios[n].pages > (__u64)command.limit)
			break;
		pages += folios[n].pages;
	}
	return n;
}

/* A query counts pages, so --limit may end it within a folio. */
static bool find(struct folio *folio, int node)
{
	const struct amount *found = &tally.all_found;
	__u64 left = command.limit - found->pages;

	if (command.limit != NOT_GIVEN && command.query && folio->named > left)
		folio->named = left;
	if (command.dry_run && !targets_stays(node) &&
	    !within_limit(folio, 1, found->pages - tally.there.pages)) {
		limit_reached = true;
		return false;
	}
	folio->node = node;
	report_found(folio, node);
	if (command.limit != NOT_GIVEN && command.query &&
	    found->pages >= (__u64)command.limit)
		limit_reached = true;
	return true;
}

static int by_node(const void *a, const void *b)
{
	const struct folio *one = a, *two = b;

	if (one->node != two->node)
		return one->node - two->node;
	return (one->address > two->address) - (one->address < two->address);
}

/* Returns how many folios from the first on have the same targets. */
static size_t same_targets(const struct folio *folios, size_t count)
{
	size_t n = 0;

	while (n < count && targets_of(folios[n].node) == targets_of(folios[0].node))
		n++;
	return n;
}

/* Query the batch, and keep only the folios that have to move. */
static bool look(struct batch *batch)
{
	static uint64_t pages[BATCH];
	static int status[BATCH];
	size_t left = 0;

	for (size_t i = 0; i < batch->nr; i++)
		pages[i] = batch->folios[i].address;
	if (move_phys_pages(batch->nr, pages, NULL, status, 0) < 0) {
		say_call_failed();
		return false;
	}
	for (size_t i = 0; i < batch->nr && !limit_reached && !stopped; i++) {
		struct folio *folio = &batch->folios[i];

		if (left_out(status[i]))
			continue;
		if (status[i] < 0 || status[i] >= MAX_NODES)
			report_refused(folio, status[i], -1);
		else if (find(folio, status[i]) && !targets_stays(status[i]))
			batch->folios[left++] = *folio;
	}
	batch->nr = moves() ? left : 0;
	if (same_targets(batch->folios, batch->nr) < batch->nr)
		qsort(batch->folios, batch->nr, sizeof(*batch->folios), by_node);
	return true;
}

/* Move the folios to the node, and store their statuses. False with errno if that failed. */
static bool call(const struct folio *folios, size_t count, int node, int *status)
{
	static uint64_t pages[BATCH];
	static int nodes[BATCH];
	double began = now(), seconds;
	__u64 asked = 0, moved = 0;

	for (size_t i = 0; i < count; i++) {
		pages[i] = folios[i].address;
		nodes[i] = node;
	}
	if (move_phys_pages(count, pages, nodes, status,
			    command.flags | MPOL_MF_MOVE) < 0)
		return false;
	seconds = now() - began;
	for (size_t i = 0; i < count; i++) {
		asked += folios[i].pages;
		if (status[i] >= 0)
			moved += folios[i].pages;
	}
	report_called(seconds);
	pace_called(asked, moved, seconds);
	return true;
}

/*
 * Move the folios to the front that fit on the node while the memory of --keep-free stays
 * free, and the others behind them. Returns how many fit. Each job uses only its share of
 * the room, since all jobs see the same room.
 */
static size_t fitting(int node, struct folio *folios, size_t count)
{
	static struct folio others[BATCH];
	__u64 room = targets_room(node) / slice_jobs();
	size_t fits = 0, nr = 0;

	for (size_t i = 0; i < count; i++) {
		if (folios[i].pages > room) {
			others[nr++] = folios[i];
			continue;
		}
		room -= folios[i].pages;
		folios[fits++] = folios[i];
	}
	memcpy(folios + fits, others, nr * sizeof(*others));
	return fits;
}

/*
 * Move folios to one target. Retry busy folios a few times, as long as some of them
 * move. Keep in @folios those that found no room and have another target. Returns how
 * many these are, or -1 after a message.
 */
static ssize_t move_to(int node, struct folio *folios, size_t count, bool last)
{
	static struct folio rest[BATCH];
	static int status[BATCH];
	size_t left = 0, fits = fitting(node, folios, count);
	__u64 *no_room = without_room_from(folios->node);

	for (size_t i = fits; i < count; i++) {
		if (last)
			report_refused(&folios[i], -ENOMEM, node);
		else
			rest[left++] = folios[i];
		*no_room += last;
	}
	count = fits;
	for (int try = 1; count; try++) {
		size_t busy = 0, moved = 0;
		bool again;

		if (!call(folios, count, node, status)) {
			if (errno != ENODEV || targets_single()) {
				say_call_failed();
				return -1;
			}
			/* The node has lost its memory. Try the next target. */
			if (!last)
				break;
			for (size_t i = 0; i < count; i++)
				report_refused(&folios[i], -ENOMEM, node);
			*no_room += count;
			return 0;
		}
		for (size_t i = 0; i < count; i++)
			moved += status[i] >= 0;
		if (moved)
			*no_room = 0;
		again = !stopped && try < TRIES && (try == 1 || moved);
		for (size_t i = 0; i < count; i++) {
			if (status[i] >= 0)
				report_moved(&folios[i], node);
			else if (again && status[i] == -EBUSY)
				folios[busy++] = folios[i];
			else if (!last && !stopped && status[i] == -ENOMEM)
				rest[left++] = folios[i];
			else
				report_refused(&folios[i], status[i], node);
			*no_room += last && status[i] == -ENOMEM;
		}
		count = busy;
		if (busy)
			nap(0.001 * (1 << try));
	}
	memcpy(folios + count, rest, left * sizeof(*rest));
	return count + left;
}

/* Returns how many folios to move in the next call: 0 if the first would exceed --limit. */
static size_t next_slice(const struct folio *folios, size_t count)
{
	count = within_limit(folios, count, tally.all_moved.pages);
	if (!count) {
		limit_reached = true;
		return 0;
	}
	return pace_slice(folios, count);
}

bool caller_take(struct batch *batch)
{
	struct folio *folios = batch->folios;
	double measured = now();
	size_t count, n;

	if (!look(batch))
		return false;
	for (count = batch->nr; count; count -= n, folios += n) {
		const struct targets *targets;
		ssize_t rest;

		if (stopped || caller_found_no_room())
			break;
		n = same_targets(folios, count);
		if (targets_full(folios->node)) {
			for (size_t i = 0; i < n; i++)
				report_refused(&folios[i], -ENOMEM, -1);
			continue;
		}
		/* With --rate a batch may take minutes. */
		if (now() - measured > STALE) {
			batch_measure(folios, count);
			measured = now();
		}
		n = next_slice(folios, n);
		if (!n)
			break;
		rest = n;
		targets = targets_of(folios->node);
		for (int i = 0; rest > 0 && i < targets->nr; i++)
			rest = move_to(targets->nodes[i], folios, rest,
				       i == targets->nr - 1);
		if (rest < 0)
			return false;
		report_progress(1 - (double)(count - n) / batch->nr);
	}
	report_progress(1);
	return true;
}

bool caller_reached_limit(void)
{
	return limit_reached || (moves() && command.limit != NOT_GIVEN &&
				 tally.all_moved.pages >= (__u64)command.limit);
}

bool caller_found_no_room(void)
{
	bool any = false;

	for (int node = 0; node < MAX_NODES; node++) {
		if (!targets_of(node)->nr || (command.from && !command.sources.has[node]))
			continue;
		if (!targets_full(node))
			return false;
		any = true;
	}
	return any;
}
