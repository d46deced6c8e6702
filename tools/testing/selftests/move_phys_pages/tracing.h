/* SPDX-License-Identifier: GPL-2.0-only */
/* An instance of the kernel's tracing of our own, and its lines */
#ifndef MOVE_PHYS_PAGES_TRACING_H
#define MOVE_PHYS_PAGES_TRACING_H

#include <stdbool.h>
#include <stddef.h>

#define EVENT_OF_CALL		"migrate_phys/move_phys_pages"
#define EVENT_OF_MIGRATION	"migrate/mm_migrate_pages"

/* Traces this event; returns false where the kernel has no tracing */
bool start_tracing(const char *event);
/* Drops the lines until now */
void clear_trace(void);
void stop_tracing(void);

/*
 * Calls @fn for each line of the event, with what follows its name, and returns
 * how many there are
 */
unsigned int read_trace(const char *event, void (*fn)(const char *text, void *arg),
			void *arg);
/* The events of migration for system calls, and the pages that failed */
struct failures {
	unsigned long events, pages;
};

struct failures read_failures(void);
/* The number behind " NAME=" or " NAME:" */
long trace_field(const char *text, const char *name);

#endif
