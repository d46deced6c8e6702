/* SPDX-License-Identifier: GPL-2.0-only */
/* Sources give addresses. They neither move anything nor report the outcome. */
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
	 * Stores the next range. False at the end, when a signal has come, or, with
	 * @wait false, if the next range is not there yet.
	 */
	bool (*next)(struct source *src, struct range *range, bool wait);
	/* Begins again. False after a message. */
	bool (*rewind)(struct source *src);
	__u64 total, done;	/* pages, for progress; a total of 0 is unknown */
	__u64 without_address;	/* samples of perf that have none */
	bool shares_files;	/* that are read in sequence: rewind it after fork() */
	bool ended;
	bool failed;		/* it ended too early; there was a message */
	bool junk;		/* some words are no addresses; there was a message */
	bool misread;		/* what it gave may be wrong: do not use the last of it */
};

/* The syntax of the words of standard input */
enum words_syntax {
	WORDS_ADDRESSES,	/* 0xHEX or DECIMAL, START-END, START+LENGTH, # comments */
	WORDS_PERF,		/* the last field of each line, hexadecimal */
};

/* These return NULL after a message. */
struct source *source_arguments(char **args);
struct source *source_input(enum words_syntax syntax, bool strict);
/* Processes of these numbers, those of this name, and if wanted the children of all these */
struct source *source_processes(const long *pids, size_t nr, const char *comm,
				bool children);
/* The regions that a scheme of DAMON has chosen: "KDAMOND" or "KDAMOND/CONTEXT/SCHEME" */
struct source *source_damon(const char *text);
struct source *source_nodes(const struct nodes *nodes);	/* NULL: all */

#endif
