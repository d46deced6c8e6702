/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics of tierd, in the text format of Prometheus */
#ifndef MOVEPHYS_METRICS_H
#define MOVEPHYS_METRICS_H

#include "cause.h"
#include "nodes.h"

#define METRICS_DIR	"/run/tierd"
#define METRICS		METRICS_DIR "/tierd.prom"	/* unless tierd is given another file */

/* Since the start */
struct totals {
	unsigned long rounds, failed_calls;
	__u64 up, down, refused[NR_CAUSES];	/* base pages */
};

/* Can a file of this name be replaced? False after a message. */
bool metrics_possible(const char *path);

/*
 * Replace the file atomically, so that readers never find a part of it. Keep the new one
 * open and locked, so that movephys --status knows whether it is current.
 * A failure is no error: complain once, and try again the next time.
 */
void metrics_write(const char *path, const struct totals *total,
		   const struct nodes *watched, double interval);

#endif
