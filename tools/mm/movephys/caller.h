/* SPDX-License-Identifier: GPL-2.0-only */
/* The caller moves or queries the folios of a batch, and passes the results to the report. */
#ifndef MOVEPHYS_CALLER_H
#define MOVEPHYS_CALLER_H

#include "batch.h"

/* Does the kernel have the call, and permit it to us? False after a message. */
bool caller_works(void);

/* Start a round: forget that nodes were full or the limit was reached. */
void caller_restart(void);

/* False after a message, if the call failed. */
bool caller_take(struct batch *batch);

/* Reasons to end a round */
bool caller_reached_limit(void);
bool caller_found_no_room(void);

/* The number of folios for the next call, and the pause after it: pace.c */
size_t pace_slice(const struct folio *folios, size_t count);
void pace_called(__u64 pages, __u64 moved, double seconds);

#endif
