/* SPDX-License-Identifier: GPL-2.0-only */
/* The targets of --to, which may depend on the node that a page is on */
#ifndef MOVEPHYS_TARGETS_H
#define MOVEPHYS_TARGETS_H

#include "nodes.h"

/* Reads --to and --keep-free. False after a message. */
bool targets_open(void);

/* In the order in which they are tried; empty if a page on this node stays there */
const struct targets *targets_of(int node);
bool targets_stays(int node);

/* All nodes that may be a target */
const struct targets *targets_all(void);

/* Base pages that a target still takes: as many as --keep-free leaves */
__u64 targets_room(int node);

#endif
