// SPDX-License-Identifier: GPL-2.0-only
/*
 * A workload for a tiering daemon: 300 MiB of memory, of which 20 MiB are hot. Which
 * pages are hot changes from time to time. Each second, print the percentage of the hot
 * pages that move_pages(2) finds on node 0, and at the end the average of the whole run.
 */
#include <err.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGES		76800UL		/* of 4 KiB: 300 MiB */
#define HOT		5120UL		/* 20 MiB */
#define STEP		(PAGES / HOT)
#define TICKS		100		/* per second */
#define RANDOM		10		/* accesses in each tick: in a second, 1.3% of PAGES */
#define FLUSHED		64		/* pages: for more than 33, Linux flushes the whole TLB */
#define SIZE		4096
#define LINE		64

static const char usage[] =
"usage: load contiguous|scattered SECONDS PHASE\n"
"  The hot pages are contiguous, or every 15th page. After each PHASE seconds, other\n"
"  pages become hot.\n";

_Static_assert(RANDOM * TICKS * 1000 / PAGES == 13, "RANDOM is not 1.3% of PAGES");

static char *memory;
static int scattered;
static size_t phase;

static char *hot_page(size_t i)
{
	size_t page = scattered ? i * STEP + phase : phase * HOT + i;

	return memory + page % PAGES * SIZE;
}

static void touch_first(void)
{
	unsigned long node = 1UL << 1;

	memory = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, PAGES * SIZE, MADV_NOHUGEPAGE))
		err(1, "cannot map memory");
	/*
	 * Bind the task, and only while it touches the memory. A policy of the memory would make
	 * NUMA balancing skip it.
	 */
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &node, 64))
		err(1, "set_mempolicy");
	for (size_t i = 0; i < PAGES; i++)
		memory[i * SIZE] = 1;
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0))
		err(1, "set_mempolicy");
}

/*
 * QEMU sets an accessed bit only when it fills an entry into its own TLB, which is much
 * larger than that of a real CPU. Flush this TLB, so that daemons see the accesses.
 */
static void flush_tlb(void)
{
	static char *own;
	static int protection = PROT_READ;

	if (!own) {
		own = mmap(NULL, FLUSHED * SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (own == MAP_FAILED)
			err(1, "cannot map memory");
	}
	for (size_t i = 0; protection == PROT_READ && i < FLUSHED; i++)
		own[i * SIZE]++;
	if (mprotect(own, FLUSHED * SIZE, protection))
		err(1, "mprotect");
	protection ^= PROT_WRITE;
}

static void tick(void)
{
	static uint32_t random = 1;

	flush_tlb();
	/* Use CPU time, because NUMA balancing scans a task after each portion of its CPU time. */
	for (size_t i = 0; i < HOT; i++)
		for (char *line = hot_page(i), *end = line + SIZE; line < end; line += LINE)
			(*line)++;
	for (size_t i = 0; i < RANDOM; i++) {
		random = random * 1664525 + 1013904223;
		memory[(random >> 8) % PAGES * SIZE]++;
	}
}

static size_t hot_on_node_0(void)
{
	static void *pages[HOT];
	static int status[HOT];
	size_t on = 0;

	for (size_t i = 0; i < HOT; i++)
		pages[i] = hot_page(i);
	if (syscall(SYS_move_pages, 0, HOT, pages, NULL, status, 0))
		err(1, "move_pages");
	for (size_t i = 0; i < HOT; i++)
		on += status[i] == 0;
	return on;
}

int main(int argc, char **argv)
{
	struct timespec next;
	long seconds, length;
	double share = 0;

	if (argc != 4 || (strcmp(argv[1], "contiguous") && strcmp(argv[1], "scattered"))) {
		fputs(usage, stderr);
		return 2;
	}
	scattered = *argv[1] == 's';
	seconds = atol(argv[2]);
	length = atol(argv[3]);
	touch_first();
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 1; i <= seconds * TICKS; i++) {
		size_t on;

		tick();
		next.tv_nsec += 1000000000 / TICKS;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		if (i % TICKS)
			continue;
		on = hot_on_node_0();
		share += 100.0 * on / HOT;
		printf("at %ld %.1f\n", i / TICKS, 100.0 * on / HOT);
		fflush(stdout);
		phase = i / TICKS / length;
	}
	printf("share %.1f\n", share / seconds);
	return 0;
}
