// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find hot and cold page frames by physical address alone. The files
 * /sys/kernel/mm/page_idle/bitmap and /proc/kpageflags are indexed by frame
 * number, so this program needs no process and no virtual address.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/kernel-page-flags.h>
#include <linux/types.h>

#define BIT(n)		(1ULL << (n))
#define MAX_SPANS	64
#define MAX_NODES	2
#define CELLS		1024	/* squares in the picture of a node */
#define CHUNK		4096	/* frames looked at in one go */

#define BITMAP		"/sys/kernel/mm/page_idle/bitmap"

#define ANON_MAPPED	(BIT(KPF_ANON) | BIT(KPF_MMAP))

enum temperature { HOT, COLD, OTHER, FREE, TEMPERATURES };

/* A run of frame numbers that belongs to one node: a zone's span. */
struct span {
	int node;
	unsigned long start;
	unsigned long frames;
};

static struct span spans[MAX_SPANS];
static int nr_spans;

static void read_spans(void)
{
	FILE *zones = fopen("/proc/zoneinfo", "r");
	struct span span = {};
	char line[256];

	if (!zones)
		err(2, "/proc/zoneinfo");
	while (fgets(line, sizeof(line), zones)) {
		if (sscanf(line, "Node %d, zone", &span.node) == 1 ||
		    sscanf(line, " spanned %lu", &span.frames) == 1 ||
		    sscanf(line, " start_pfn: %lu", &span.start) != 1 ||
		    !span.frames)
			continue;
		if (nr_spans == MAX_SPANS)
			errx(2, "more than %d memory zones", MAX_SPANS);
		spans[nr_spans++] = span;
	}
	fclose(zones);
}

static int open_or_die(const char *path, int mode)
{
	int fd = open(path, mode);

	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

/*
 * Writing the bitmap makes all frames idle. Reading it makes the kernel look at
 * the accessed bits; what it finds stays in the idle flag of kpageflags. Either
 * is done in words of 64 frames.
 */
static void each_idle_word(int mode)
{
	int fd = open_or_die(BITMAP, mode);
	__u64 words[CHUNK / 64];

	memset(words, 0xff, sizeof(words));
	for (int i = 0; i < nr_spans; i++) {
		unsigned long word = spans[i].start / 64;
		unsigned long end = (spans[i].start + spans[i].frames + 63) / 64;

		while (word < end) {
			unsigned long n = end - word;
			ssize_t done;

			if (n > CHUNK / 64)
				n = CHUNK / 64;
			if (mode == O_WRONLY)
				done = pwrite(fd, words, n * 8, word * 8);
			else
				done = pread(fd, words, n * 8, word * 8);
			if (done < 0)
				err(2, "%s", BITMAP);
			if (!done)	/* memory ends in the middle of this word */
				break;
			word += done / 8;
		}
	}
	close(fd);
}

static enum temperature temperature(__u64 flags)
{
	if ((flags & ANON_MAPPED) == ANON_MAPPED)
		return flags & BIT(KPF_IDLE) ? COLD : HOT;
	return flags & BIT(KPF_BUDDY) ? FREE : OTHER;
}

/* Call @see for each existing frame, in address order. */
static void each_frame(void (*see)(int node, unsigned long frame, __u64 flags))
{
	int fd = open_or_die("/proc/kpageflags", O_RDONLY);
	__u64 flags[CHUNK];

	for (int i = 0; i < nr_spans; i++) {
		unsigned long frame = spans[i].start;
		unsigned long end = frame + spans[i].frames;

		while (frame < end) {
			unsigned long want = end - frame < CHUNK ? end - frame : CHUNK;
			ssize_t got = pread(fd, flags, want * 8, frame * 8);

			if (got < 0)
				err(2, "/proc/kpageflags");
			if (!got)
				break;
			for (ssize_t j = 0; j < got / 8; j++, frame++) {
				if (!(flags[j] & BIT(KPF_NOPAGE)))
					see(spans[i].node, frame, flags[j]);
			}
		}
	}
	close(fd);
}

static enum temperature wanted;
static int wanted_node;

static void print_address(int node, unsigned long frame, __u64 flags)
{
	/* Skip frames off the LRU lists, because page_idle does not mark them. */
	if (node == wanted_node && flags & BIT(KPF_LRU) &&
	    temperature(flags) == wanted)
		printf("0x%lx\n", frame * sysconf(_SC_PAGESIZE));
}

static unsigned long frames_of[MAX_NODES];
static unsigned long totals[MAX_NODES][TEMPERATURES];
static unsigned long cells[MAX_NODES][CELLS][TEMPERATURES];
static unsigned long cell_frames = 1;

static void count_frame(int node, unsigned long frame, __u64 flags)
{
	if (node < MAX_NODES)
		frames_of[node]++;
}

static void fill_cell(int node, unsigned long frame, __u64 flags)
{
	enum temperature t = temperature(flags);

	if (node >= MAX_NODES)
		return;
	totals[node][t]++;
	cells[node][frames_of[node]++ / cell_frames][t]++;
}

/*
 * Return the letter of a square: h, c or o for the kind of most of its used
 * frames, a capital if at least half of its frames are used, '.' if less than an
 * eighth are used, and '_' if the square is beyond the end of the node.
 */
static char letter(const unsigned long *cell)
{
	static const char sparse[] = "hco", dense[] = "HCO";
	unsigned long used = cell[HOT] + cell[COLD] + cell[OTHER];
	unsigned long frames = used + cell[FREE];
	enum temperature most = HOT;

	if (!frames)
		return '_';
	if (used * 8 < frames)
		return '.';
	if (cell[COLD] > cell[most])
		most = COLD;
	if (cell[OTHER] > cell[most])
		most = OTHER;
	return used * 2 < frames ? sparse[most] : dense[most];
}

static void picture(void)
{
	each_frame(count_frame);
	for (int node = 0; node < MAX_NODES; node++) {
		unsigned long least = (frames_of[node] + CELLS - 1) / CELLS;

		if (cell_frames < least)
			cell_frames = least;
	}
	memset(frames_of, 0, sizeof(frames_of));
	each_frame(fill_cell);

	for (int node = 0; node < MAX_NODES; node++) {
		printf("node %d %lu %lu", node,
		       frames_of[node], cell_frames);
		for (int t = 0; t < TEMPERATURES; t++)
			printf(" %lu", totals[node][t]);
		putchar(' ');
		for (int i = 0; i < CELLS; i++)
			putchar(letter(cells[node][i]));
		putchar('\n');
	}
}

static void misuse(void)
{
	fputs("usage: pagetemp start          mark all frames as idle\n"
	      "       pagetemp look           unmark the frames that were accessed since\n"
	      "       pagetemp cold|hot NODE  print the addresses of the idle|accessed pages of NODE\n"
	      "       pagetemp picture        print the contents of each node for the demo's pictures\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	read_spans();
	if (!strcmp(what, "start") && argc == 2) {
		each_idle_word(O_WRONLY);
	} else if (!strcmp(what, "look") && argc == 2) {
		each_idle_word(O_RDONLY);
	} else if (!strcmp(what, "picture") && argc == 2) {
		picture();
	} else if ((!strcmp(what, "cold") || !strcmp(what, "hot")) && argc == 3) {
		wanted = *what == 'c' ? COLD : HOT;
		wanted_node = atoi(argv[2]);
		each_idle_word(O_RDONLY);
		each_frame(print_address);
	} else {
		misuse();
	}
	if (fflush(stdout))
		err(2, "standard output");
	return 0;
}
