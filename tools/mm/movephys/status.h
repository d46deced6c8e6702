/* SPDX-License-Identifier: GPL-2.0-only */
/* --status: the nodes, how much of their memory is idle, and the memory of cgroups on them */
#ifndef MOVEPHYS_STATUS_H
#define MOVEPHYS_STATUS_H

#include "nodes.h"

#define MAX_IDLE_TIMES	8

struct node_status {
	int node;
	struct speed speed;
	struct memory_size size;
	__u64 idle[MAX_IDLE_TIMES];	/* bytes idle for each of the times of struct status */
};

struct cgroup_status {
	char *path;		/* below /sys/fs/cgroup */
	__u64 all;		/* bytes on all nodes */
	__u64 *on;		/* bytes on each of the nodes of struct status */
};

struct status {
	size_t nr_nodes, nr_cgroups, nr_times;
	struct node_status nodes[MAX_NODES];
	struct cgroup_status *cgroups;	/* the largest first */
	long times[MAX_IDLE_TIMES];	/* seconds */
};

/*
 * Read all of it. If @seconds are given, mark pages as idle, wait that long, and look.
 * Otherwise use what tierd has found. False after a message.
 */
bool status_read(struct status *status, long seconds);
void status_print(const struct status *status);
void json_status(const struct status *status);	/* json.c */

#endif
