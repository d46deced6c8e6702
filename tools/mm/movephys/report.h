/* SPDX-License-Identifier: GPL-2.0-only */
/* The report tells what the sources gave and what became of it. It calls neither. */
#ifndef MOVEPHYS_REPORT_H
#define MOVEPHYS_REPORT_H

#include "batch.h"
#include "cause.h"
#include "command.h"

/*
 * Folios, and base pages of all of them. A query counts only the pages that the
 * source named; a move counts what moves, which is the whole folio.
 */
struct amount {
	__u64 folios, pages;
};

/* Why a round ended */
enum ending {
	COMPLETE,		/* all that the source had was looked at */
	LIMIT,			/* --limit */
	ALL_FULL,		/* no target has room */
	SIGNALLED,
	SOURCE_FAILED,
	CALL_FAILED,
	OUTPUT_FAILED,
};

/* The result of a round */
struct tally {
	struct amount found[MAX_NODES];	/* by the node where the query saw them */
	struct amount all_found;
	struct amount there;		/* on a target before */
	struct amount moved[MAX_NODES];	/* by target */
	struct amount all_moved;
	struct amount refused[NR_CAUSES];
	__u64 without_address;		/* samples of perf */
	__u64 calls;			/* that move */
	double longest;			/* of them, in seconds */
	double began, elapsed;		/* seconds, without those of marking; 0: not yet */
	__u64 done, total;		/* pages of the source; a total of 0 is unknown */
	unsigned long round;		/* from 1 on */
	enum ending ending;
};

extern struct tally tally;

bool report_open(void);		/* false after a message */
void report_round(void);	/* a round begins */
void report_look(void);		/* and with this the time that counts */
void report_found(const struct folio *folio, int node);
void report_moved(const struct folio *folio, int node);
void report_refused(const struct folio *folio, int status, int node);
void report_called(double seconds);
/* The next batch takes the source from there to there. A total of 0 is unknown. */
void report_batch(__u64 from, __u64 to, __u64 total);
void report_progress(double part);	/* of the batch is done */

/* In a job: keep a copy of the tally there, and show no progress. */
void report_into(struct tally *copy);
/* In its parent: make the tally the sum of these, and show progress. */
void report_gather(const struct tally *parts, unsigned int count);

void report_flush(void);
void report_summary(enum ending ending);

/* Did an entry end with a status that makes the exit status 1? */
bool report_failures(void);

/* The same as events for programs: json.c */
void json_start(void);
void json_page(__u64 address, int node, enum cause cause);
void json_progress(void);
void json_round(void);
void json_end(int status);

#endif
