/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes: which have memory, how slow and how full it is, and its frames */
#ifndef MOVEPHYS_NODES_H
#define MOVEPHYS_NODES_H

#include "base.h"

#define MAX_NODES	1024	/* CONFIG_NODES_SHIFT is 10 at most */
#define MAX_SPANS	(8 * MAX_NODES)

struct nodes {
	bool has[MAX_NODES];
};

/*
 * The speed of the memory of a node, compared with other nodes. The kernel's memory tiers
 * decide or, if all nodes are in one tier, the distance to the nearest CPU.
 */
struct speed {
	int tier;		/* -1: unknown */
	int distance;		/* from the nearest CPU; -1: unknown */
	int rank;		/* the higher, the slower; -1: unknown */
};

/* Stores the speed of each node with memory. False after a message. */
bool nodes_speeds(struct speed speeds[MAX_NODES]);

struct targets {
	int nr;
	int nodes[MAX_NODES];
};

/*
 * Store the nodes that are slower, or faster, than this one: those of the next rank come
 * first, and among these the nearest. False after a message.
 */
bool nodes_slower(int node, bool faster, struct targets *targets);

/* Memory that should stay free on a node: bytes, or a percentage of its memory */
struct reserve {
	__u64 bytes;
	unsigned int percent;
};

/* Parse "64M" or "2%", for an option of this name. False after a message. */
bool reserve_parse(const char *option, const char *text, struct reserve *reserve);

struct memory_size {
	__u64 total, free;	/* in bytes */
	__u64 usable;		/* free memory without the kernel's own reserves */
};

/* All zero for a node without memory. */
struct memory_size nodes_size(int node);

/* Returns how many bytes are usable beyond the reserve; negative if bytes are missing. */
long long nodes_room(int node, const struct reserve *reserve);

/* Successive frames */
struct span {
	__u64 start, end;
};

/* Returns false after a message. */
bool nodes_with_memory(struct nodes *nodes);

/*
 * Parse a list in the syntax of numa(3), for an option of this name. Stores the
 * nodes with memory in @list, in the order of the text; returns how many, or -1
 * after a message.
 */
int nodes_parse(const char *option, const char *text, int list[MAX_NODES]);

/* Parse a list of nodes that may have no memory yet. False after a message. */
bool nodes_possible(const char *option, const char *text, struct nodes *nodes);

/* Store the nodes in @list, the nearest to @node first; returns how many. */
int nodes_nearest(int node, const struct nodes *nodes, int list[MAX_NODES]);

/* Return a text such as "0, 1". It is valid until the second call after this one. */
const char *nodes_known(void);
const char *nodes_listed(const int *list, int nr);

/*
 * Store the frames of the zones of these nodes, or of all nodes if @nodes is NULL: in
 * ascending order, each frame once. Returns the number of spans, or -1 after a message.
 */
int nodes_spans(const struct nodes *nodes, struct span spans[MAX_SPANS]);

#endif
