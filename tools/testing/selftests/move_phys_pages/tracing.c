// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tracing.h"
#include "util.h"

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/move_phys_pages"

static bool mounted;

bool start_tracing(const char *event)
{
	char path[256];

	mounted = !mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "/instances", F_OK))
		return false;
	/* A test that was ended early may have left the instance. */
	rmdir(INSTANCE);
	if (mkdir(INSTANCE, 0700))
		die("cannot create %s", INSTANCE);
	snprintf(path, sizeof(path), INSTANCE "/events/%s/enable", event);
	write_file(path, "1");
	return true;
}

/* open() with O_TRUNC clears the trace, truncate(2) does not. */
void clear_trace(void)
{
	int fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		die("cannot clear the trace");
	close(fd);
}

void stop_tracing(void)
{
	if (rmdir(INSTANCE) || (mounted && umount(TRACING)))
		die("cannot stop the tracing");
}

unsigned int read_trace(const char *event, void (*fn)(const char *text, void *arg),
			void *arg)
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	char line[512], name[64], *text;
	unsigned int n = 0;

	if (!file)
		die("no trace");
	snprintf(name, sizeof(name), " %s:", strchr(event, '/') + 1);
	while (fgets(line, sizeof(line), file)) {
		text = strstr(line, name);
		if (!text)
			continue;
		fn(text + strlen(name), arg);
		n++;
	}
	fclose(file);
	return n;
}

long trace_field(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *at = text;

	while ((at = strstr(at, name))) {
		if (at > text && strchr(" \t", at[-1]) && strchr("=:", at[len]))
			return strtol(at + len + 1, NULL, 10);
		at += len;
	}
	die("no %s in the line%s", name, text);
}

static void add_failures(const char *text, void *arg)
{
	struct failures *failures = arg;

	/* Compaction moves pages, too, so count system calls only. */
	if (!strstr(text, "reason=syscall"))
		return;
	failures->events++;
	failures->pages += trace_field(text, "nr_failed");
	failures->waited += !strstr(text, "mode=MIGRATE_ASYNC ");
}

struct failures read_failures(void)
{
	struct failures failures = { 0 };

	read_trace(EVENT_OF_MIGRATION, add_failures, &failures);
	return failures;
}
