/* SPDX-License-Identifier: GPL-2.0-only */
/* --status: the nodes, which cgroups lie where, and how much nobody accesses */
#ifndef MOVEPHYS_STATUS_H
#define MOVEPHYS_STATUS_H

#include "nodes.h"

#define MAX_IDLE_TIMES	8

struct node_status {
	int node;
	struct speed speed;
	struct memory_size size;
	__u64 idle[MAX_IDLE_TIMES];	/* bytes, for each of the times */
};

struct cgroup_status {
	char *path;		/* below /sys/fs/cgroup */
	__u64 all;		/* bytes */
	__u64 *on;		/* of these, on each of the nodes above */
};

struct status {
	size_t nr_nodes, nr_cgroups, nr_times;
	struct node_status nodes[MAX_NODES];
	struct cgroup_status *cgroups;	/* the largest first */
	long times[MAX_IDLE_TIMES];	/* seconds */
};

/* Reads all of that; with @seconds it looks itself what is idle. False after a message. */
bool status_read(struct status *status, long seconds);
void status_print(const struct status *status);
void json_status(const struct status *status);	/* json.c */

#endif
