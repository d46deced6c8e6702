// SPDX-License-Identifier: GPL-2.0-only
/* Physical memory is divided into stretches, which go to the jobs in rotation. */
#include "frames.h"
#include "slice.h"

#define STRETCH	4096	/* frames; short, so that all jobs end at about the same time */

static unsigned int index_of_job, jobs = 1;
static __u64 known = NO_FRAME;		/* the stretch that @others is for */
static bool others;			/* does that stretch belong to another job? */

void slice_take(unsigned int index, unsigned int count)
{
	index_of_job = index;
	jobs = count;
	known = NO_FRAME;
}

unsigned int slice_jobs(void)
{
	return jobs;
}

__u64 slice_others(__u64 frame)
{
	__u64 stretch = frame / STRETCH;

	if (jobs == 1)
		return 0;
	if (stretch != known) {
		/* A folio that is larger than a stretch belongs to the job that has its head. */
		__u64 head = frames_folio(stretch * STRETCH).head;

		others = head / STRETCH % jobs != index_of_job;
		known = stretch;
	}
	return others ? (stretch + 1) * STRETCH - frame : 0;
}
