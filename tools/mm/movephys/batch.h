/* SPDX-License-Identifier: GPL-2.0-only */
/* The folios at the addresses that a source gives, some thousands at a time. */
#ifndef MOVEPHYS_BATCH_H
#define MOVEPHYS_BATCH_H

#include "source.h"

#define BATCH	8192

struct folio {
	__u64 address;		/* in it, as the source gave it */
	__u64 named;		/* how many of its pages the source gave */
	__u64 head;		/* its first frame */
	__u64 pages;		/* its size; 1 if sizes are unknown */
	int node;		/* where a query has found it */
};

struct batch {
	size_t nr;
	struct folio folios[BATCH];
};

/* Are the sizes of folios known? Otherwise each page counts as one. */
bool batch_sizes_known(void);

/* Start a round: forget what the batches before were about. */
void batch_restart(void);

/*
 * Fill the batch from the source, without waiting for more once there is
 * something. With @merge each folio is in it once, however often it was given;
 * also not again if the batch before ended within it.
 */
void batch_fill(struct batch *batch, struct source *src, bool merge);

/* Read the sizes again, since some time has passed. */
void batch_measure(struct folio *folios, size_t count);

/* Filters: keep only some folios of the batch. */
bool cgroup_open(const char *path);	/* false after a message */
void cgroup_select(struct batch *batch);

void batch_mark_idle(const struct batch *batch);
/* With @remark, those found accessed are marked again, for another look later. */
void batch_select_idle(struct batch *batch, bool idle, bool remark);

#endif
