/* SPDX-License-Identifier: GPL-2.0-only */
/* The folios at the addresses that a source gives, some thousands at a time. */
#ifndef MOVEPHYS_BATCH_H
#define MOVEPHYS_BATCH_H

#include "source.h"

#define BATCH	8192

struct folio {
	__u64 address;		/* an address in it, as the source gave it */
	__u64 named;		/* number of its pages that the source gave */
	__u64 head;		/* its first frame */
	__u64 pages;		/* its size in base pages; 1 if sizes are unknown */
	int node;		/* the node on which a query has found it */
};

struct batch {
	size_t nr;
	struct folio folios[BATCH];
};

/* Are the sizes of folios known? Otherwise each page counts as one. */
bool batch_sizes_known(void);

/* Start a round: forget the previous batch, and what was left of its last range. */
void batch_restart(void);

/*
 * Fill the batch from the source. Wait for the first folio, but not for more. With
 * @merge, add a folio only once, however often it was given, and do not add the folio
 * with which the previous batch ended, unless an address in it is given again after a pause.
 */
void batch_fill(struct batch *batch, struct source *src, bool merge);

/* Returns how many pages of the source the batches have had, including this one. */
__u64 batch_done(const struct source *src);

/* Read the sizes again, since some time has passed. */
void batch_measure(struct folio *folios, size_t count);

void batch_mark_idle(const struct batch *batch);
/*
 * Keep only the folios that are still marked (@idle) or are not any more (!@idle). With
 * @remark, mark accessed folios again, for the next round.
 */
void batch_select_idle(struct batch *batch, bool idle, bool remark);

#endif
