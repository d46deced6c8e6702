/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a page did not move, as far as its status and /proc show */
#ifndef MOVEPHYS_CAUSE_H
#define MOVEPHYS_CAUSE_H

#include "batch.h"

enum cause {
	UNMAPPED,
	ZERO_PAGE,
	UNMOVABLE,
	ZERO_OR_UNMOVABLE,
	SHARED,
	CPUSET,
	CPUSET_OR_LSM,
	POLICY_OR_LSM,
	CPUSET_POLICY_OR_LSM,
	LSM,
	SHARED_OR_DENIED,
	BUSY,
	NO_ROOM,
	WRITE_FAILED,
	DIRTY,
	UNKNOWN_CAUSE,
	NR_CAUSES,
};

struct cause_text {
	int status;		/* 0: any that this program does not know */
	const char *name;	/* in JSON and metrics */
	const char *words;	/* NULL: the text of the status in move_phys_pages.h */
};

extern const struct cause_text causes[NR_CAUSES];

/* The cause of the status of a folio. @node is the target node, or -1 in a query. */
enum cause cause_of(int status, const struct folio *folio, int node);
const char *cause_words(enum cause cause);

/* Forget cached answers about cpusets, since these may change between two rounds. */
void cause_forget(void);

#endif
