// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program whose memory tierd places. Each millisecond, it writes one word of each hot
 * page, and it never flushes the TLB. It reads commands from standard input, one on each
 * line, and answers each with a line. At the end of its input, it exits with 0 if the
 * second word of each page is unchanged.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HUGE (2UL << 20)

static const char usage[] =
"usage: tierd-load [-h | -p | -s] PAGES NODE\n"
"  -h  huge pages\n"
"  -p  pinned pages\n"
"  -s  pages that another process maps, too\n"
"commands:\n"
"  hot FIRST COUNT STEP  from now on, write to these pages\n"
"  where                 print how many hot pages, and others, are on nodes 0 and 1\n"
"  frames                write the frame number of each page to ./frames\n";

static size_t unit, pages;
static char *memory;
static size_t first, count, step = 1;

static __u64 *page(size_t number)
{
	return (void *)(memory + number * unit);
}

static int is_hot(size_t number)
{
	return number >= first && (number - first) % step == 0 &&
	       (number - first) / step < count;
}

static void where(void)
{
	size_t on[2][2] = { };
	void *address;
	int status;

	for (size_t i = 0; i < pages; i++) {
		address = memory + i * unit;
		if (syscall(SYS_move_pages, 0, 1UL, &address, NULL, &status, 0))
			err(1, "move_pages");
		if (status == 0 || status == 1)
			on[is_hot(i)][status]++;
	}
	printf("hot %zu %zu cold %zu %zu\n", on[1][0], on[1][1], on[0][0], on[0][1]);
}

static void print_frames(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	size_t small = sysconf(_SC_PAGESIZE);
	FILE *file = fopen("frames", "w");
	__u64 entry;

	for (size_t i = 0; i < pages; i++) {
		off_t at = ((uintptr_t)memory + i * unit) / small * sizeof(entry);

		if (pread(pagemap, &entry, sizeof(entry), at) != sizeof(entry))
			err(1, "cannot read pagemap");
		fprintf(file, "%llu\n", entry & ((1ULL << 55) - 1));
	}
	fclose(file);
	close(pagemap);
	puts("done");
}

/* A reference from a pipe has the same effect as a pin by a device: the pages cannot move. */
static void pin(void)
{
	struct iovec all = { memory, pages * unit };
	int fd[2];

	if (pipe(fd) || fcntl(fd[1], F_SETPIPE_SZ, all.iov_len) < 0 ||
	    vmsplice(fd[1], &all, 1, 0) != (ssize_t)all.iov_len)
		err(1, "cannot take references with vmsplice");
}

static void share(void)
{
	int touched[2];
	char byte;

	if (pipe(touched))
		err(1, "cannot make a pipe");
	switch (fork()) {
	case -1:
		err(1, "cannot fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t i = 0; i < pages; i++)
			__atomic_load_n(page(i), __ATOMIC_RELAXED);
		write(touched[1], "", 1);
		for (;;)
			pause();
	}
	close(touched[1]);
	if (read(touched[0], &byte, 1) != 1)
		errx(1, "the other process has failed");
}

static void obey(const char *line)
{
	if (sscanf(line, "hot %zu %zu %zu", &first, &count, &step) == 3)
		puts("done");
	else if (!strcmp(line, "where\n"))
		where();
	else if (!strcmp(line, "frames\n"))
		print_frames();
	else
		errx(1, "unknown command: %s", line);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned long node, everywhere = 3;
	char line[256];
	int kind;

	kind = getopt(argc, argv, "hps");
	if (kind == '?' || optind != argc - 2) {
		fputs(usage, stderr);
		return 2;
	}
	unit = kind == 'h' ? HUGE : (size_t)sysconf(_SC_PAGESIZE);
	pages = strtoul(argv[optind], NULL, 10);
	node = 1UL << strtoul(argv[optind + 1], NULL, 10);

	memory = mmap(NULL, pages * unit + HUGE, PROT_READ | PROT_WRITE,
		      (kind == 's' ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (memory == MAP_FAILED)
		err(1, "cannot map memory");
	memory = (void *)(((uintptr_t)memory + HUGE - 1) & ~(HUGE - 1));
	if (madvise(memory, pages * unit, kind == 'h' ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "cannot choose huge pages");
	if (syscall(SYS_mbind, memory, pages * unit, MPOL_PREFERRED, &node, 64, 0))
		err(1, "cannot prefer a node");
	for (size_t i = 0; i < pages; i++)
		page(i)[1] = i + 1;
	if (kind == 'p')
		pin();
	if (kind == 's')
		share();
	/* New pages are in an LRU batch of their CPU. This call drains the batches. */
	if (syscall(SYS_migrate_pages, 0, 64, &everywhere, &everywhere))
		err(1, "cannot call migrate_pages");
	puts("ready");
	fflush(stdout);

	for (;;) {
		for (size_t i = 0; i < count; i++)
			__atomic_fetch_add(page(first + i * step), 1, __ATOMIC_RELAXED);
		if (poll(&input, 1, count ? 1 : -1) <= 0)
			continue;
		/* Do not use stdio, whose buffer could hide a second command from poll(). */
		for (size_t i = 0; i < sizeof(line) - 1; i++) {
			if (read(STDIN_FILENO, line + i, 1) != 1)
				goto end;
			line[i + 1] = '\0';
			if (line[i] == '\n')
				break;
		}
		obey(line);
	}
end:
	for (size_t i = 0; i < pages; i++)
		if (page(i)[1] != i + 1)
			return 1;
	return 0;
}
