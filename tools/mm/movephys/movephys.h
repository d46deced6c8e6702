/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MOVEPHYS_H
#define MOVEPHYS_H

#include <err.h>
#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BATCH 8192		/* addresses a call */
#define QUERY (-1)
#define MAX_NODES 1024		/* CONFIG_NODES_SHIFT is 10 at most */

/* What the command line asks for. */
struct options {
	int node;		/* the target, or QUERY: where are they? */
	int flags;		/* MPOL_MF_* */
	pid_t pid;		/* whose pages; 0: addresses are given */
	bool dry_run;
	bool quiet;
	bool verbose;
};

extern struct options opt;
extern __u64 page_size;
extern atomic_int stopped;	/* the signal that asked us to end */

/* Where addresses come from: source.c */
struct source {
	/* Stores up to @max addresses, BATCH or more; returns how many, 0 at the end. */
	size_t (*fill)(struct source *src, __u64 *pages, size_t max);
	__u64 total;		/* how many there will be; 0: nobody knows */
	bool failed;		/* it broke off, and said why */
};

/* These return NULL after saying why. */
struct source *source_words(char **args);	/* "-": standard input */
struct source *source_pid(pid_t pid);

/* What the user is told: report.c */
#define complain(...) (progress_clear(), warnx(__VA_ARGS__))
void report_found(__u64 page, int node);
void report_moved(void);
void report_refused(__u64 page, int status);
bool report_all_well(void);
void report_summary(void);
void progress(__u64 done, __u64 total);
void progress_clear(void);

#endif
