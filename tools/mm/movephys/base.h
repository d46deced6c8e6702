/* SPDX-License-Identifier: GPL-2.0-only */
/* Used by all other files: time, the signal that ends a run, and messages. */
#ifndef MOVEPHYS_BASE_H
#define MOVEPHYS_BASE_H

#include <err.h>
#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1ULL << (n))

extern __u64 page_size;
extern atomic_int stopped;	/* the signal that asked us to end, or 0 */
extern atomic_bool woken;	/* SIGUSR1 has come, if it is caught: do not wait */

void base_init(void);

/* SIGINT and SIGTERM set @stopped. With FIRST_SIGNAL, a second one kills. */
enum signals {
	FIRST_SIGNAL,
	ALL_SIGNALS,
};

void catch_signals(enum signals which);

double now(void);		/* seconds of the monotonic clock */
double cpu_seconds(void);	/* CPU time of this process */
void nap(double seconds);	/* ends early once @stopped is set */

/*
 * Wait until @file has input or has ended, or a signal sets @stopped or @woken, but not
 * longer than @seconds. A negative @file has no input, and negative @seconds do not end.
 * Clears @woken. Returns whether @file can be read without waiting.
 */
bool wait_for_input(int file, double seconds);

/*
 * Progress is one line on the terminal, which the next call replaces. Clear it before
 * anything else is printed. complain() does that.
 */
bool progress_possible(void);
void progress_show(const char *line);
void progress_clear(void);

/*
 * Replace the characters that a terminal would not print as they are. Otherwise the author
 * of the text could control the terminal.
 */
const char *printable(char *text);

/* Has all of standard output been written? False after a message. */
bool output_written(void);

/* Print a message to standard error, after the name of the program. */
#define complain(...)	(progress_clear(), warnx(__VA_ARGS__))

#endif
