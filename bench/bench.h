/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for the parts of the benchmark.
 *
 * Every result is a line of JSON. Costs are in nanoseconds of the clock. If
 * QEMU counts instructions, each of them takes one nanosecond.
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json.h>

#include "util.h"

#define SEED		1
#define MAX_NODES	4
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Multiplies the number of rounds. With a real clock, more rounds reduce the
 * noise from other work of the machine.
 */
extern unsigned int repeat;

uint64_t now(void);
void *alloc(size_t n, size_t size);
void run_thread_on(pthread_t thread, int cpu);
void min_nodes(int *nodes, int n);	/* the first n that have memory */
int by_value(const void *a, const void *b);	/* of uint64_t, for qsort() */
void have_threads(void);	/* gives this process 20 threads */

/* A result is an object with its kind; result_put() prints and frees it */
struct json_object *result_new(const char *kind);
void result_put(struct json_object *result);
void add_string(struct json_object *object, const char *key, const char *value);
void add_number(struct json_object *object, const char *key, int64_t value);

/*
 * Moves pages by DAMON; returns the CPU time of its thread. @mem is any page of
 * ours.
 */
bool has_damon(void);
uint64_t damon_move(const char *mem, const uint64_t *pages, unsigned long count,
		    int node);

/* The parts */
void bench_copy(void);
void bench_moves(void);
void bench_daemon(void);
void bench_pauses(void);
void bench_scratch(void);
void bench_tasks(void);

#endif
