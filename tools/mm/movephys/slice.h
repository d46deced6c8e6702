/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of physical memory that one of several jobs works on. */
#ifndef MOVEPHYS_SLICE_H
#define MOVEPHYS_SLICE_H

#include "base.h"

/* From now on, this process is job @index of @count. */
void slice_take(unsigned int index, unsigned int count);

/* Returns the number of jobs, or 1 without --jobs. */
unsigned int slice_jobs(void);

/*
 * Returns how many frames from this one on belong to other jobs: 0 if this one is
 * ours. All pages of a folio belong to the same job.
 */
__u64 slice_others(__u64 frame);

#endif
