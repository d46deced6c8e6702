// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the authors of move_phys_pages
 */

/*\
 * Verify the statuses of :manpage:`move_phys_pages(2)` for addresses at which
 * nothing can move, in a query and in a move.
 *
 * - -ENOENT for an address without memory.
 * - -ENOENT for the kernel's own memory.
 * - -ENOENT for a page in the page cache that no process maps: one that was
 *   unmapped, and one whose process has ended.
 * - -EFAULT for the zero page.
 *
 * None of these is counted, and a page between them moves.
 */

#include <stdlib.h>
#include "tst_safe_stdio.h"
#include "move_phys_pages.h"

enum {
	NO_MEMORY,
	KERNEL,
	UNMAPPED,
	ENDED,
	ZERO,
	GOOD,
	ENTRIES
};

static const int expected[] = {
	[NO_MEMORY] = -ENOENT,
	[KERNEL] = -ENOENT,
	[UNMAPPED] = -ENOENT,
	[ENDED] = -ENOENT,
	[ZERO] = -EFAULT,
};

static int nodes[2];
static uint64_t *addr;

static uint64_t kernel_text(void)
{
	FILE *iomem = SAFE_FOPEN("/proc/iomem", "r");
	uint64_t start = 0;
	char line[256];

	while (fgets(line, sizeof(line), iomem)) {
		if (strstr(line, ": Kernel code")) {
			start = strtoull(line, NULL, 16);
			break;
		}
	}
	SAFE_FCLOSE(iomem);
	return start;
}

/* The page stays in the page cache, since its file has data in it. */
static char *map_file(const char *path)
{
	size_t size = getpagesize();
	int fd = SAFE_OPEN(path, O_RDWR | O_CREAT, 0600);
	char *start;

	SAFE_FTRUNCATE(fd, size);
	start = SAFE_MMAP(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SAFE_CLOSE(fd);
	start[0] = 'x';
	return start;
}

static uint64_t map_and_unmap(const char *path)
{
	char *start = map_file(path);
	uint64_t page = physical(start);

	SAFE_MUNMAP(start, getpagesize());
	return page;
}

static uint64_t map_and_end(const char *path)
{
	uint64_t *shared = SAFE_MMAP(NULL, sizeof(*shared),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t page;

	if (!SAFE_FORK()) {
		*shared = physical(map_file(path));
		exit(0);
	}
	tst_reap_children();
	page = *shared;
	SAFE_MUNMAP(shared, sizeof(*shared));
	return page;
}

static void run(void)
{
	size_t size = getpagesize();
	char *good = map_pages(1, MAP_PRIVATE, nodes[0]);
	volatile char *zero = SAFE_MMAP(NULL, size, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int target[ENTRIES], status[ENTRIES], i;

	addr[UNMAPPED] = map_and_unmap("unmapped");
	addr[ENDED] = map_and_end("ended");
	(void)zero[0];
	addr[ZERO] = physical((void *)zero);
	addr[GOOD] = physical(good);
	for (i = 0; i < ENTRIES; i++) {
		target[i] = nodes[1];
		status[i] = UNWRITTEN;
	}

	tst_res(TINFO, "a query");
	TST_EXP_VAL(move_phys_pages(ENTRIES, addr, NULL, status, 0), 0);
	for (i = 0; i < GOOD; i++)
		TST_EXP_EQ_LI(status[i], expected[i]);
	TST_EXP_EQ_LI(status[GOOD], nodes[0]);

	tst_res(TINFO, "a move");
	TST_EXP_VAL(move_until_not_busy(ENTRIES, addr, target, status,
					MPOL_MF_MOVE_ALL), 0);
	for (i = 0; i < GOOD; i++)
		TST_EXP_EQ_LI(status[i], expected[i]);
	TST_EXP_EQ_LI(status[GOOD], nodes[1]);
	TST_EXP_EQ_LI(node_of(good), nodes[1]);
	expect_contents(good, 'a');

	SAFE_MUNMAP(good, size);
	SAFE_MUNMAP((void *)zero, size);
}

static void setup(void)
{
	setup_nodes(nodes);
	/* No architecture has as many address bits. */
	addr[NO_MEMORY] = 1ULL << 62;
	addr[KERNEL] = kernel_text();
	if (!addr[KERNEL]) {
		tst_res(TINFO, "/proc/iomem does not tell where the kernel is");
		addr[KERNEL] = addr[NO_MEMORY];
	}
}

static struct tst_test test = {
	.test_all = run,
	.setup = setup,
	.needs_root = 1,
	.needs_tmpdir = 1,
	.forks_child = 1,
	.bufs = (struct tst_buffers []) {
		{ &addr, .size = ENTRIES * sizeof(*addr) },
		{}
	},
};
