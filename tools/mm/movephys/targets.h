/* SPDX-License-Identifier: GPL-2.0-only */
/* The targets of --to, which may depend on the node that a page is on */
#ifndef MOVEPHYS_TARGETS_H
#define MOVEPHYS_TARGETS_H

#include "nodes.h"

/* Reads --to and --keep-free. False after a message. */
bool targets_open(void);
/* For another round: looks again which nodes are slower or faster. False after a message. */
bool targets_again(void);

/* The targets of a page on this node, in the order in which they are tried */
const struct targets *targets_of(int node);
/* Does a page on this node stay there? */
bool targets_stays(int node);

/* All nodes that may be a target */
const struct targets *targets_all(void);
/* Is there no other target, in this round or a later one? */
bool targets_single(void);

/* Returns how many base pages may still move to a target under --keep-free. */
__u64 targets_room(int node);

#endif
