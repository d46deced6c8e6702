/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's files about nodes: which have memory, and at which frames. */
#ifndef MOVEPHYS_NODES_H
#define MOVEPHYS_NODES_H

#include "base.h"

#define MAX_NODES	1024	/* CONFIG_NODES_SHIFT is 10 at most */
#define MAX_SPANS	(8 * MAX_NODES)

struct nodes {
	bool has[MAX_NODES];
};

/*
 * How slow the memory of a node is, compared with other nodes: by the kernel's memory
 * tiers or, where all nodes are of one tier, by the distance to the nearest CPU.
 */
struct speed {
	int tier;		/* -1: not known */
	int distance;		/* -1: likewise */
	int rank;		/* the higher, the slower */
};

/* Stores the speed of each node with memory. False after a message. */
bool nodes_speeds(struct speed speeds[MAX_NODES]);

struct targets {
	int nr;
	int nodes[MAX_NODES];
};

/*
 * The nodes that are slower than this one, or faster: those of the next rank first, and
 * of these the nearest. False after a message.
 */
bool nodes_slower(int node, bool faster, struct targets *targets);

/* Memory that is to stay free on a node: so many bytes, or percent of all it has */
struct reserve {
	__u64 bytes;
	unsigned int percent;
};

/* Parse "64M" or "2%", for an option of this name. False after a message. */
bool reserve_parse(const char *option, const char *text, struct reserve *reserve);

struct memory_size {
	__u64 total, free;	/* in bytes */
	__u64 usable;		/* of what is free, without the kernel's own reserves */
};

/* All zero for a node without memory. */
struct memory_size nodes_size(int node);

/* The bytes that are usable beyond the reserve; negative: so many are missing. */
long long nodes_room(int node, const struct reserve *reserve);

/* Successive frames */
struct span {
	__u64 start, end;
};

/* These return false after a message. */
bool nodes_with_memory(struct nodes *nodes);

/*
 * Parse a list in the syntax of numa(3), for an option of this name. Stores the
 * nodes with memory in @list, in the order of the text; returns how many, or -1
 * after a message.
 */
int nodes_parse(const char *option, const char *text, int list[MAX_NODES]);

/* Likewise for nodes that may have no memory yet, in no order. False if @text is no list. */
bool nodes_named(const char *text, struct nodes *nodes);

/* Store the nodes in @list, the nearest to @node first; returns how many. */
int nodes_nearest(int node, const struct nodes *nodes, int list[MAX_NODES]);

/* The text is valid until the call after the next one: "0, 1", or why it is unknown. */
const char *nodes_known(void);
const char *nodes_listed(const int *list, int nr);

/*
 * The frames of the zones of these nodes, or of all if @nodes is NULL: in
 * ascending order, each frame once. Returns how many spans, or -1 after a message.
 */
int nodes_spans(const struct nodes *nodes, struct span spans[MAX_SPANS]);

#endif
