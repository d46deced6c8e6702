/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a page did not move: the status, and what /proc tells beside it. */
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
	int status;		/* 0: one that is not known here */
	const char *name;	/* for programs */
	const char *words;	/* NULL: those of the status */
};

extern const struct cause_text causes[NR_CAUSES];

/* The cause of the status of a folio that was to go to this node, or of a query (-1) */
enum cause cause_of(int status, const struct folio *folio, int node);
const char *cause_words(enum cause cause);

/* A cpuset may change between two rounds. */
void cause_forget(void);

#endif
