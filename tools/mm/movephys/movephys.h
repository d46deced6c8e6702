/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MOVEPHYS_H
#define MOVEPHYS_H

#include <err.h>
#include <linux/types.h>
#include <numa.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BATCH 8192		/* addresses looked at in one go */
#define BLOCK 512		/* pages that may be one huge page */
#define MAX_NODES 1024		/* CONFIG_NODES_SHIFT is 10 at most */
#define NOT_GIVEN (-1)

/* What the command line asks for. Numbers are NOT_GIVEN or zero and more. */
struct options {
	const char *to, *from, *cgroup;
	long pid, idle, accessed, watch, limit, rate, budget;
	bool query, perf, strict_input, all, strict, dry_run;
	bool json, verbose, quiet, help, version;

	bool addresses;		/* that are arguments or standard input */
	struct bitmask *sources;/* the nodes of --from, or NULL */
	int targets[MAX_NODES];	/* the nodes of --to */
	int nr_targets;
	int flags;		/* MPOL_MF_* */
};

extern struct options opt;
extern __u64 page_size;
extern atomic_int stopped;	/* the signal that asked us to end */

/* Sleeps until then, or until a signal asks us to end. */
void nap(double seconds);
double now(void);

/* Where addresses come from */
struct source {
	/* Stores up to @max addresses; returns how many there are by now. */
	size_t (*fill)(struct source *src, __u64 *pages, size_t max);
	/* From the start again; says why if it cannot. */
	bool (*rewind)(struct source *src);
	__u64 total;		/* how many there will be; 0: nobody knows */
	bool ended;
	bool failed;		/* it ended too early, and said why */
	bool junk;		/* some of it was no address; it said so */
};

/* These return NULL after saying why. */
struct source *source_words(char **args);	/* "-": standard input */
struct source *source_process(pid_t pid);
struct source *source_frames(const struct bitmask *nodes);

/* Of the kernel's files that have 64 bits for each page frame: frames.c */
struct frame_file {
	const char *path;
	int fd;
	__u64 first;		/* frame in @entry[0] */
	size_t known;		/* how many entries are read */
	__u64 entry[BLOCK];
};

bool frame_file_open(struct frame_file *file, const char *path);
__u64 frame_entry(struct frame_file *file, __u64 frame);

/* Which of the pages are meant: these keep them in front and return how many. */
bool cgroup_open(const char *path);
size_t cgroup_select(__u64 *pages, size_t count);
bool idle_open(void);
void idle_mark(const __u64 *pages, size_t count);
size_t idle_select(__u64 *pages, size_t count, bool idle);

/* The calls: call.c. False after saying why. */
bool call_works(void);
bool look_and_move(__u64 *pages, size_t count);
bool limit_reached(void);
bool nothing_moves(void);

/* How fast: pace.c */
size_t pace_slice(const __u64 *pages, size_t count);
size_t whole_blocks(const __u64 *pages, size_t count);
void pace_called(size_t entries, size_t moved, double seconds);

/* What the user is told: report.c */
struct meaning {
	int status;
	bool *unless;		/* this option explains it, too */
	const char *words;
};

extern const struct meaning meanings[];
#define MEANINGS 10

extern struct tally {
	__u64 found[MAX_NODES];	/* by the node where the query saw them */
	__u64 there;		/* on a target before */
	__u64 nr_found;
	__u64 moved[MAX_NODES];	/* by target */
	__u64 nr_moved;
	__u64 refused[MEANINGS];
	__u64 nowhere;		/* samples without a physical address */
	__u64 total, done;	/* addresses, for the progress bar */
	__u64 calls;		/* that move */
	double longest;		/* of them, in seconds */
} tally;

#define complain(...) (progress_clear(), warnx(__VA_ARGS__))
bool is_target(int node);
void report_found(__u64 page, int node);
void report_moved(int node);
void report_refused(__u64 page, int status);
bool report_all_well(void);
void report_summary(void);
void progress(__u64 more);
void progress_clear(void);

/* The same for programs: json.c */
void json_row(__u64 page, int status);
void json_summary(void);

/* The nodes with memory, as "0, 1" */
const char *nodes_with_memory(void);

#endif
