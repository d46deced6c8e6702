// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "targets.h"

static struct targets all;
static struct targets *known[MAX_NODES];	/* for --to slower and faster: by the page's node */
static struct reserve reserve;
static bool relative, faster;

static bool among(int node, const struct targets *targets)
{
	for (int i = 0; i < targets->nr; i++)
		if (targets->nodes[i] == node)
			return true;
	return false;
}

/* Nodes without memory have no targets, since no page is on them. */
static bool find_relative(void)
{
	struct nodes with_memory;

	all.nr = 0;
	if (!nodes_with_memory(&with_memory))
		return false;
	for (int node = 0; node < MAX_NODES; node++) {
		if (known[node])
			known[node]->nr = 0;
		if (!with_memory.has[node])
			continue;
		if (!known[node])
			known[node] = malloc(sizeof(*known[node]));
		if (!known[node]) {
			complain("not enough memory for the list of nodes");
			return false;
		}
		if (!nodes_slower(node, faster, known[node]))
			return false;
		for (int i = 0; i < known[node]->nr; i++)
			if (!among(known[node]->nodes[i], &all))
				all.nodes[all.nr++] = known[node]->nodes[i];
	}
	return true;
}

bool targets_open(void)
{
	if (command.keep_free &&
	    !reserve_parse("--keep-free", command.keep_free, &reserve))
		return false;
	if (!command.to)
		return true;
	faster = !strcmp(command.to, "faster");
	relative = faster || !strcmp(command.to, "slower");
	if (!relative) {
		all.nr = nodes_parse("--to", command.to, all.nodes);
		return all.nr > 0;
	}
	if (!find_relative())
		return false;
	if (!all.nr)
		complain("--to %s: nodes %s are of one tier and equally far from CPUs",
			 command.to, nodes_known());
	return all.nr;
}

/* If there is no target now, nothing moves in this round, and perhaps in a later one. */
bool targets_again(void)
{
	return !relative || find_relative();
}

const struct targets *targets_of(int node)
{
	static const struct targets none;

	if (!relative)
		return &all;
	/* The pages of a node that got its memory after the start of the round stay there. */
	return known[node] ?: &none;
}

bool targets_stays(int node)
{
	return relative ? !targets_of(node)->nr : among(node, &all);
}

const struct targets *targets_all(void)
{
	return &all;
}

bool targets_single(void)
{
	return !relative && all.nr == 1;
}

__u64 targets_room(int node)
{
	long long room;

	if (!command.keep_free)
		return ULLONG_MAX;
	room = nodes_room(node, &reserve);
	return room > 0 ? room / page_size : 0;
}
