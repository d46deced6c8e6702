// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds pages on node 0 for a test to move. On SIGTERM, it exits 0 if every byte of them
 * is unchanged. It prints the pages' virtual address as in /proc/PID/numa_maps, each
 * physical address, and "ready".
 */
#include <err.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/types.h>
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
"usage: movephys-holder [-b | -h | -p | -r | -s | -t | -u | -z] PAGES\n"
"  -b  bound to node 0 by a policy\n"
"  -h  in huge pages\n"
"  -p  the first one pinned\n"
"  -r  beside 16 TiB of reserved address space with 64 pages in it\n"
"  -s  shared with another process\n"
"  -t  the first half read all the time, in a mapping of its own\n"
"  -u  beside 16 TiB of reserved address space without pages\n"
"  -z  never written: the zero page\n";

static void fill(__u64 *memory, size_t words)
{
	for (size_t i = 0; i < words; i++)
		memory[i] = i;
}

static int intact(const __u64 *memory, size_t words, int zero)
{
	for (size_t i = 0; i < words; i++)
		if (memory[i] != (zero ? 0 : i))
			return 0;
	return 1;
}

static void print_addresses(const char *memory, size_t size, size_t page)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry;

	for (size_t at = 0; at < size; at += page) {
		off_t where = ((uintptr_t)memory + at) / page * sizeof(entry);

		if (pread(pagemap, &entry, sizeof(entry), where) != sizeof(entry))
			err(1, "cannot read pagemap");
		printf("0x%llx\n", (entry & ((1ULL << 55) - 1)) * page);
	}
	close(pagemap);
}

static void pin(void *memory, size_t page)
{
	struct iovec vec = { memory, page };
	int fd[2];

	if (pipe(fd) || vmsplice(fd[1], &vec, 1, 0) != (ssize_t)page)
		err(1, "cannot take a reference with vmsplice");
}

/* Reserves address space as a sanitizer or a garbage collector does */
static void reserve(size_t pages, size_t page)
{
	const size_t size = 16UL << 40;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE))
		err(1, "no address space");
	for (size_t i = 0; i < pages; i++)
		memory[size / pages * i + i % 8 * page] = 1;
}

static void share(void)
{
	switch (fork()) {
	case -1:
		err(1, "cannot fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

/*
 * New pages are in an LRU batch of their CPU, where page_idle does not see
 * them. This call has nothing to move, but drains the batches.
 */
static void onto_lru(void)
{
	unsigned long node0 = 1;

	if (syscall(SYS_migrate_pages, 0, 64, &node0, &node0))
		err(1, "cannot call migrate_pages");
}

/*
 * An emulated CPU does not report another access to a page that is in its TLB,
 * so flush it.
 */
static void forget_tlb(size_t page)
{
	void *memory = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED || munmap(memory, 64 * page))
		err(1, "cannot map memory for a moment");
}

static void read_until(const sigset_t *signals, const __u64 *memory,
		       size_t words, size_t page)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	while (sigtimedwait(signals, NULL, &moment) < 0) {
		forget_tlb(page);
		if (!intact(memory, words, 0))
			exit(1);
	}
}

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE), size, words;
	unsigned long node0 = 1;
	int kind, signal;
	__u64 *memory;
	sigset_t term;

	kind = getopt(argc, argv, "bhprstuz");
	if (kind == '?' || optind != argc - 1) {
		fputs(usage, stderr);
		return 2;
	}
	size = strtoul(argv[optind], NULL, 10) * page;
	words = size / sizeof(*memory);

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);

	memory = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "cannot map memory");
	memory = (void *)(((uintptr_t)memory + HUGE - 1) & ~(HUGE - 1));
	if (syscall(SYS_mbind, memory, size,
		    kind == 'b' ? MPOL_BIND : MPOL_PREFERRED, &node0, 64, 0))
		err(1, "cannot prefer node 0");
	if (madvise(memory, size, kind == 'h' ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "cannot choose huge pages");

	if (kind != 'z')
		fill(memory, words);
	if (!intact(memory, words, kind == 'z'))
		errx(1, "memory is not what was written");
	/* Any advice that splits the mapping will do. */
	if (kind == 't' && madvise(memory, size / 2, MADV_DONTDUMP))
		err(1, "cannot split the mapping");
	if (kind == 'p')
		pin(memory, page);
	if (kind == 'r' || kind == 'u')
		reserve(kind == 'r' ? 64 : 0, page);
	if (kind == 's')
		share();

	onto_lru();
	printf("%lx\n", (unsigned long)memory);
	print_addresses((char *)memory, size, page);
	puts("ready");
	fflush(stdout);

	if (kind == 't')
		read_until(&term, memory, words / 2, page);
	else
		sigwait(&term, &signal);
	return !intact(memory, words, kind == 'z');
}
