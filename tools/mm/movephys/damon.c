// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that a scheme of DAMON has chosen: its tried regions. If the context
 * monitors physical memory, these are ranges of physical addresses.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

#define ADMIN	"/sys/kernel/mm/damon/admin/kdamonds"
#define PATIENCE	60	/* seconds */

struct damon {
	struct source src;
	unsigned int kdamond, context, scheme;
	struct range *ranges;
	size_t nr, at;
};

/* Reads the first line of a file below a kdamond. False on failure, with a message if @say. */
static bool read_file(const struct damon *damon, const char *name, char *text, size_t size,
		      bool say)
{
	char path[256];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), ADMIN "/%u/%s", damon->kdamond, name);
	file = fopen(path, "re");
	read = file && fgets(text, size, file);
	if (!read && say)
		complain("cannot read %s: %s", path, strerror(errno));
	if (file)
		fclose(file);
	if (read)
		text[strcspn(text, "\n")] = '\0';
	return read;
}

static bool read_number(const struct damon *damon, const char *name, __u64 *value)
{
	char text[64];

	return read_file(damon, name, text, sizeof(text), false) &&
	       sscanf(text, "%llu", value) == 1;
}

static bool write_state(const struct damon *damon, const char *state)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), ADMIN "/%u/state", damon->kdamond);
	file = fopen(path, "we");
	if (!file)
		return false;
	fputs(state, file);
	return !fclose(file);
}

/*
 * A request fails with EBUSY while another program holds the lock of all kdamonds, which a
 * request may do for as long as a kdamond takes to apply its schemes once. It fails with
 * ECANCELED while the kdamond is paused, or inactive because of its watermarks. Some
 * kernels return either of them for ever after the kdamond was turned off. Reading the
 * state also fails with EBUSY while the lock is held.
 */
static bool may_succeed(const struct damon *damon, int error)
{
	char state[16];

	if (error != EBUSY && error != ECANCELED)
		return false;
	if (!read_file(damon, "state", state, sizeof(state), false))
		return errno == EBUSY;
	return !strcmp(state, "on");
}

/* The files of the tried regions are a copy, which the kernel makes on request. */
static bool update(const struct damon *damon)
{
	static const char command[] = "update_schemes_tried_regions";
	double until = now() + PATIENCE;

	while (!write_state(damon, command)) {
		int error = errno;

		if (stopped)
			return false;
		if (!may_succeed(damon, error) || now() >= until) {
			complain("cannot read the tried regions of kdamond %u: %s: "
				 "is it on, and is the kernel 6.2 or later?",
				 damon->kdamond, strerror(error));
			return false;
		}
		nap(0.01);
	}
	return true;
}

static bool add_region(struct damon *damon, const char *dir, const char *region, __u64 unit)
{
	struct range *more;
	__u64 start, end;
	char name[256];

	snprintf(name, sizeof(name), "%s/%.16s/start", dir, region);
	if (!read_number(damon, name, &start))
		return true;
	snprintf(name, sizeof(name), "%s/%.16s/end", dir, region);
	if (!read_number(damon, name, &end) || start >= end)
		return true;
	more = reallocarray(damon->ranges, damon->nr + 1, sizeof(*more));
	if (!more) {
		complain("not enough memory for the tried regions");
		return false;
	}
	damon->ranges = more;
	start *= unit;
	end *= unit;
	more[damon->nr++] = (struct range){
		.start = start,
		.pages = (end - 1) / page_size - start / page_size + 1,
	};
	damon->src.total += more[damon->nr - 1].pages;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct range *one = a, *two = b;

	return (one->start > two->start) - (one->start < two->start);
}

static bool read_regions(struct damon *damon, __u64 unit)
{
	char dir[64], path[256];
	struct dirent *entry;
	bool added = true;
	DIR *regions;

	snprintf(dir, sizeof(dir), "contexts/%u/schemes/%u/tried_regions", damon->context,
		 damon->scheme);
	snprintf(path, sizeof(path), ADMIN "/%u/%s", damon->kdamond, dir);
	regions = opendir(path);
	if (!regions) {
		complain("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while (added && !stopped && (entry = readdir(regions)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			added = add_region(damon, dir, entry->d_name, unit);
	closedir(regions);
	if (damon->nr)
		qsort(damon->ranges, damon->nr, sizeof(*damon->ranges), by_start);
	return added;
}

/*
 * Begin with the first region again, but do not read the regions again: pages were marked
 * as idle in these, and another job that reads new ones would remove the files of ours.
 */
static bool rewind_damon(struct source *src)
{
	struct damon *damon = (struct damon *)src;

	damon->at = 0;
	src->ended = false;
	src->done = 0;
	return true;
}

static bool renew_damon(struct source *src)
{
	struct damon *damon = (struct damon *)src;
	char name[64], operations[64];
	__u64 unit = 1;

	rewind_damon(src);
	damon->nr = 0;
	src->total = 0;
	snprintf(name, sizeof(name), "contexts/%u/operations", damon->context);
	if (!read_file(damon, name, operations, sizeof(operations), true))
		return false;
	if (strcmp(operations, "paddr")) {
		complain("context %u of kdamond %u monitors %s: only paddr has physical addresses",
			 damon->context, damon->kdamond, operations);
		return false;
	}
	/* On 32-bit machines, addresses may be in larger units than bytes. */
	snprintf(name, sizeof(name), "contexts/%u/addr_unit", damon->context);
	read_number(damon, name, &unit);
	return update(damon) && read_regions(damon, unit);
}

static bool next_in_damon(struct source *src, struct range *range, bool wait)
{
	struct damon *damon = (struct damon *)src;

	(void)wait;
	src->ended = damon->at == damon->nr || stopped;
	if (src->ended)
		return false;
	*range = damon->ranges[damon->at++];
	src->done += range->pages;
	return true;
}

/* Parse a number at the start, but not the sign and the space that strtoull() allows. */
static bool number(const char **text, unsigned int *value)
{
	unsigned long long parsed;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	parsed = strtoull(*text, &end, 10);
	*text = end;
	*value = parsed;
	return !errno && parsed <= UINT_MAX;
}

static bool parse(struct damon *damon, const char *text)
{
	if (!number(&text, &damon->kdamond))
		return false;
	if (!*text)
		return true;
	return *text++ == '/' && number(&text, &damon->context) &&
	       *text++ == '/' && number(&text, &damon->scheme) && !*text;
}

struct source *source_damon(const char *text)
{
	static struct damon damon = {
		.src.next = next_in_damon,
		.src.rewind = rewind_damon,
		.src.renew = renew_damon,
	};

	if (!parse(&damon, text)) {
		complain("--damon takes KDAMOND or KDAMOND/CONTEXT/SCHEME, as in 0/0/1, not '%s'",
			 text);
		return NULL;
	}
	return renew_damon(&damon.src) ? &damon.src : NULL;
}
