/* SPDX-License-Identifier: GPL-2.0-only */
/* A source gives addresses. It neither moves pages nor reports results. */
#ifndef MOVEPHYS_SOURCE_H
#define MOVEPHYS_SOURCE_H

#include <sys/types.h>

#include "nodes.h"

/* Successive pages of physical memory */
struct range {
	__u64 start;		/* any byte of the first page */
	__u64 pages;
};

struct source {
	/*
	 * Stores the next range. False at the end, after a signal, or, without @wait, if
	 * the next range has not arrived yet.
	 */
	bool (*next)(struct source *src, struct range *range, bool wait);
	/* Starts again from the first range. False after a message. */
	bool (*rewind)(struct source *src);
	/* For another round: also reads again what to select. NULL if rewind() does that. */
	bool (*renew)(struct source *src);
	__u64 total, done;	/* pages, for progress; a total of 0 is unknown */
	__u64 without_address;	/* perf samples without an address */
	bool shares_files;	/* has open files with positions: rewind it after fork() */
	bool ended;
	bool failed;		/* ended too early, after a message */
	bool junk;		/* some words are not addresses, after a message */
	bool misread;		/* the last addresses may be wrong: drop the batch */
};

/* The syntax of the words of standard input */
enum words_syntax {
	WORDS_ADDRESSES,	/* 0xHEX or DECIMAL, START-END, START+LENGTH, # comments */
	WORDS_PERF,		/* the last field of each line, hexadecimal */
};

/* These return NULL after a message. */
struct source *source_arguments(char **args);
struct source *source_input(enum words_syntax syntax, bool strict);
/* The processes with these numbers, those with this name, and with @children all descendants */
struct source *source_processes(const long *pids, size_t nr, const char *comm,
				bool children);
/* The regions that a scheme of DAMON has chosen: "KDAMOND" or "KDAMOND/CONTEXT/SCHEME" */
struct source *source_damon(const char *text);
struct source *source_nodes(const struct nodes *nodes);	/* NULL: all */

#endif
