// SPDX-License-Identifier: GPL-2.0-only
/*
 * tierd: a small tiering daemon. It brings pages that are accessed to a fast
 * node and pages that are not to a slow one, by physical address only: it never
 * looks at a process.
 *
 * Each round it marks all pages as idle, waits, sees which are so still, moves
 * what was accessed or idle for long enough, and tells how much that was. SIGUSR1
 * ends a wait. SIGTERM or SIGINT end it all.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kernel-page-flags.h>
#include <linux/mempolicy.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "move_phys_pages.h"

#define BITMAP		"/sys/kernel/mm/page_idle/bitmap"
#define BIT(n)		(1ULL << (n))
#define CHUNK		4096	/* frames looked at in one go */
#define BATCH		512	/* pages moved in one go */
#define MAX_SPANS	64
#define HOT		2	/* rounds in a row in which a page was accessed */
#define COLD		(-3)	/* and in which it was not */

/* Frames of a zone of one of the two nodes */
static struct span {
	__u64 start, frames;
	signed char *heat;	/* of each: rounds accessed, or negative: idle */
} spans[MAX_SPANS];

static int nr_spans;
static int bitmap, kpageflags;
static long page_size;
static sigset_t signals;	/* that end a wait */
static double interval = 10;	/* seconds */
static double rate = 100e6;	/* bytes a second */

struct batch {
	int from, to;
	unsigned long moved;
	size_t nr;
	uint64_t pages[BATCH];
};

static void read_spans(int fast, int slow)
{
	FILE *zones = fopen("/proc/zoneinfo", "re");
	struct span span = { };
	char line[256];
	int node;

	if (!zones)
		err(1, "cannot open /proc/zoneinfo");
	while (fgets(line, sizeof(line), zones)) {
		if (sscanf(line, "Node %d, zone", &node) == 1 ||
		    sscanf(line, " spanned %llu", &span.frames) == 1 ||
		    sscanf(line, " start_pfn: %llu", &span.start) != 1 ||
		    (node != fast && node != slow) || nr_spans == MAX_SPANS)
			continue;
		span.heat = calloc(span.frames, 1);
		if (!span.heat)
			err(1, "cannot watch so much memory");
		spans[nr_spans++] = span;
	}
	fclose(zones);
	if (!nr_spans)
		errx(1, "nodes %d and %d have no memory", fast, slow);
}

/* Waits, and tells whether somebody asked us to end. */
static bool pause_for(double seconds)
{
	struct timespec time = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (time_t)seconds) * 1e9,
	};
	static bool ending;

	if (!ending) {
		int signal = sigtimedwait(&signals, NULL, &time);

		ending = signal == SIGTERM || signal == SIGINT;
	}
	return ending;
}

/*
 * To write ones is to mark frames as idle; to read is to make the kernel look
 * whether they are so still. It ends at the end of memory without an error.
 */
static void each_idle_word(bool write)
{
	__u64 ones[CHUNK / 64], seen[CHUNK / 64];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < nr_spans; i++) {
		off_t at = spans[i].start / 64 * 8;
		off_t end = (spans[i].start + spans[i].frames + 63) / 64 * 8;
		ssize_t done = 1;

		for (; at < end && done > 0; at += done) {
			size_t size = sizeof(ones);

			if (size > (size_t)(end - at))
				size = end - at;
			done = write ? pwrite(bitmap, ones, size, at) :
				       pread(bitmap, seen, size, at);
			if (done < 0)
				err(1, BITMAP);
		}
	}
}

/* Only what is on an LRU list was marked. */
static signed char next_heat(signed char heat, __u64 flags)
{
	if (!(flags & BIT(KPF_LRU)))
		return 0;
	if (flags & BIT(KPF_IDLE))
		return heat > 0 ? -1 : heat > COLD ? heat - 1 : COLD;
	return heat < 0 ? 1 : heat < HOT ? heat + 1 : HOT;
}

static void look_at(struct span *span)
{
	__u64 flags[CHUNK], head = 0;

	for (__u64 at = 0; at < span->frames; ) {
		size_t want = span->frames - at < CHUNK ? span->frames - at : CHUNK;
		ssize_t got = pread(kpageflags, flags, want * sizeof(*flags),
				    (span->start + at) * sizeof(*flags));

		if (got < 0)
			err(1, "cannot read /proc/kpageflags");
		if (!got)
			return;
		for (size_t i = 0; i < got / sizeof(*flags); i++, at++) {
			/* A huge page is one, and known by its head. */
			if (!(flags[i] & BIT(KPF_COMPOUND_TAIL)))
				head = flags[i];
			span->heat[at] = next_heat(span->heat[at], head);
		}
	}
}

static void call(size_t count, uint64_t *pages, const int *nodes, int *status)
{
	if (move_phys_pages(count, pages, nodes, status, MPOL_MF_MOVE_ALL) < 0)
		err(1, "move_phys_pages");
}

/* What does not move has another chance in the next round. */
static void move(struct batch *batch)
{
	int nodes[BATCH], status[BATCH];
	size_t count = 0, moved = 0;

	call(batch->nr, batch->pages, NULL, status);
	for (size_t i = 0; i < batch->nr; i++) {
		if (status[i] != batch->from)
			continue;
		nodes[count] = batch->to;
		batch->pages[count++] = batch->pages[i];
	}
	call(count, batch->pages, nodes, status);
	for (size_t i = 0; i < count; i++)
		moved += status[i] == batch->to;
	batch->moved += moved;
	batch->nr = 0;
	pause_for(moved * page_size / rate);
}

static bool extreme(signed char heat, bool hot)
{
	return hot ? heat >= HOT : heat <= COLD;
}

static unsigned long move_all(int from, int to, bool hot)
{
	struct batch batch = { .from = from, .to = to };

	for (int i = 0; i < nr_spans; i++) {
		for (__u64 at = 0; at < spans[i].frames; at++) {
			if (!extreme(spans[i].heat[at], hot))
				continue;
			batch.pages[batch.nr++] = (spans[i].start + at) * page_size;
			if (batch.nr < BATCH)
				continue;
			if (pause_for(0))
				return batch.moved;
			move(&batch);
		}
	}
	move(&batch);
	return batch.moved;
}

static double value_of(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || value < 0)
		errx(2, "'%s' is no number of zero or more", text);
	return value;
}

static void open_files(void)
{
	bitmap = open(BITMAP, O_RDWR | O_CLOEXEC);
	if (bitmap < 0)
		err(1, "cannot open " BITMAP);
	kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (kpageflags < 0)
		err(1, "cannot open /proc/kpageflags");
}

int main(int argc, char **argv)
{
	unsigned long up, down;
	int fast, slow, c;

	while ((c = getopt(argc, argv, "i:r:")) != -1) {
		if (c == 'i')
			interval = value_of(optarg);
		else if (c == 'r')
			rate = value_of(optarg) * 1e6;
		else
			return 2;
	}
	if (argc - optind != 2 || !rate)
		errx(2, "usage: tierd [-i SECONDS] [-r MB/S] FAST-NODE SLOW-NODE");
	fast = value_of(argv[optind]);
	slow = value_of(argv[optind + 1]);

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	page_size = sysconf(_SC_PAGESIZE);
	setlinebuf(stdout);
	open_files();
	read_spans(fast, slow);
	for (;;) {
		each_idle_word(true);
		if (pause_for(interval))
			break;
		each_idle_word(false);
		for (int i = 0; i < nr_spans; i++)
			look_at(&spans[i]);
		/* Cold ones first: they make room. */
		down = move_all(fast, slow, false);
		up = move_all(slow, fast, true);
		printf("%lu pages up, %lu down\n", up, down);
	}
	return 0;
}
