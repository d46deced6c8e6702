/* SPDX-License-Identifier: GPL-2.0-only */
/* The report counts what was found, moved and refused, and prints it. */
#ifndef MOVEPHYS_REPORT_H
#define MOVEPHYS_REPORT_H

#include "batch.h"
#include "cause.h"
#include "command.h"

/*
 * A number of folios, and of base pages in them. A query counts only the pages that the
 * source gave. A move counts all pages of a folio, since the whole folio moves.
 */
struct amount {
	__u64 folios, pages;
};

/* Why a round ended */
enum ending {
	COMPLETE,		/* all pages of the source were handled */
	LIMIT,			/* --limit was reached */
	ALL_FULL,		/* no target had room */
	SIGNALLED,
	SOURCE_FAILED,
	CALL_FAILED,
	OUTPUT_FAILED,
};

/* The result of a round */
struct tally {
	struct amount found[MAX_NODES];	/* by the node on which the query found them */
	struct amount all_found;
	struct amount there;		/* was on a target node already */
	struct amount moved[MAX_NODES];	/* by target node */
	struct amount all_moved;
	struct amount refused[NR_CAUSES];
	__u64 without_address;		/* perf samples without an address */
	__u64 calls;			/* calls that move pages */
	double longest;			/* the longest of these calls, in seconds */
	double began, elapsed;		/* seconds without marking; began is 0 while a job marks */
	__u64 done, total;		/* pages of the source; a total of 0 is unknown */
	unsigned long round;		/* from 1 on */
	enum ending ending;
};

extern struct tally tally;

bool report_open(void);		/* false after a message */
void report_round(void);	/* a round begins */
void report_look(void);		/* pages are marked if needed; the elapsed time begins */
void report_found(const struct folio *folio, int node);
void report_moved(const struct folio *folio, int node);
void report_refused(const struct folio *folio, int status, int node);
void report_called(double seconds);
/* The batch has the pages of the source from @from to @to. A total of 0 is unknown. */
void report_batch(__u64 from, __u64 to, __u64 total);
void report_progress(double part);	/* this part of the batch, from 0 to 1, is done */

/* In a job: copy the tally to @copy, and do not show progress. */
void report_into(struct tally *copy);
/* In the parent of jobs: make the tally the sum of these, and show progress. */
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
