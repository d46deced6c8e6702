/* SPDX-License-Identifier: GPL-2.0-only */
/* A tracing instance for the test, and the lines of its trace */
#ifndef MOVE_PHYS_PAGES_TRACING_H
#define MOVE_PHYS_PAGES_TRACING_H

#include <stdbool.h>
#include <stddef.h>

#define EVENT_OF_CALL		"migrate_phys/move_phys_pages"
#define EVENT_OF_MIGRATION	"migrate/mm_migrate_pages"

/* Traces this event; returns false if the kernel has no tracing */
bool start_tracing(const char *event);
/* Clears the trace */
void clear_trace(void);
void stop_tracing(void);

/*
 * Calls @fn for each line of the event, with the text behind the event's name.
 * Returns the number of these lines.
 */
unsigned int read_trace(const char *event, void (*fn)(const char *text, void *arg),
			void *arg);
/*
 * Counts the migrations of system calls, the pages that failed in them, and the
 * migrations that may have waited for a page, since they were not MIGRATE_ASYNC
 */
struct failures {
	unsigned long events, pages, waited;
};

struct failures read_failures(void);
/* Returns the number behind " NAME=" or " NAME:" */
long trace_field(const char *text, const char *name);

#endif
