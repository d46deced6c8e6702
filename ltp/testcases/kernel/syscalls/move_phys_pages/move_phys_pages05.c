// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the authors of move_phys_pages
 */

/*\
 * Verify that :manpage:`move_phys_pages(2)` works correctly while the hugetlb
 * page at an address that it looks up is freed or taken offline.
 *
 * A process moves a page back and forth between two nodes, by the address that
 * it had a moment ago. Meanwhile another process maps, writes and frees the
 * page or, in the second test, has the page taken offline with
 * MADV_SOFT_OFFLINE, which moves the page, too. Every status must be one that
 * can be true of such a page, and the page must keep its contents.
 *
 * The second test loses a few huge pages until the next boot.
 */

#include <inttypes.h>
#include <stdlib.h>
#include "tst_atomic.h"
#include "lapi/mmap.h"
#include "move_phys_pages.h"

#define POOL 4
#define OFFLINE 4

static struct tcase {
	int offline;
	const char *what;
} tcases[] = {
	{ 0, "while the page is freed" },
	{ 1, "while the page is taken offline" },
};

static int nodes[2];
static size_t huge_size;
static char pool_path[2][PATH_MAX];
static unsigned long pool_was[2];
static int pool_saved;

static struct {
	uint64_t addr;
	int stop;
	unsigned long calls;
	unsigned long on_node;
} *shared;

static int can_be_true(int status)
{
	switch (status) {
	case -ENOENT:	/* freed, or in the pool */
	case -EFAULT:	/* the frame belongs to another page now */
	case -EACCES:
	case -EBUSY:	/* being allocated, freed or moved */
	case -ENOMEM:	/* the target has no room for a huge page */
		return 1;
	}
	return status == nodes[0] || status == nodes[1];
}

static void mover(void)
{
	while (!tst_atomic_load(&shared->stop)) {
		uint64_t addr = __atomic_load_n(&shared->addr, __ATOMIC_RELAXED);
		int target = nodes[shared->calls++ % 2];
		int status = UNWRITTEN;
		long ret;

		ret = move_phys_pages(1, &addr, &target, &status,
				      MPOL_MF_MOVE_ALL);
		if (ret < 0)
			tst_brk(TBROK | TERRNO, "move_phys_pages()");
		if (!can_be_true(status)) {
			tst_res(TFAIL, "status %d of page 0x%" PRIx64,
				status, addr);
			return;
		}
		if (status >= 0)
			shared->on_node++;
	}
	tst_res(TPASS, "every status can be true");
}

/* Maps, writes and frees a huge page. Returns 0 if no more can be had. */
static int use_page(int offline)
{
	char *page = mmap(NULL, huge_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	int i, ret = 1;

	if (page == MAP_FAILED)
		return 0;
	memset(page, 'a', huge_size);
	__atomic_store_n(&shared->addr, physical(page), __ATOMIC_RELAXED);
	if (offline && madvise(page, huge_size, MADV_SOFT_OFFLINE)) {
		if (errno == EINVAL || errno == EOPNOTSUPP)
			tst_brk(TCONF | TERRNO, "MADV_SOFT_OFFLINE");
		/* EBUSY and EIO: mover() has just moved the page. */
		ret = errno == EBUSY || errno == EIO;
		if (!ret && errno != ENOMEM)
			tst_res(TFAIL | TERRNO, "MADV_SOFT_OFFLINE");
	}
	for (i = 0; i < (int)huge_size; i += getpagesize()) {
		if (page[i] != 'a') {
			tst_res(TFAIL, "byte %d of the page is 0x%02x", i, page[i]);
			break;
		}
	}
	SAFE_MUNMAP(page, huge_size);
	return ret;
}

static void run(unsigned int n)
{
	unsigned long pages = 0;
	pid_t pid;

	tst_res(TINFO, "%s", tcases[n].what);
	memset(shared, 0, sizeof(*shared));
	pid = SAFE_FORK();
	if (!pid) {
		mover();
		exit(0);
	}
	do {
		if (!use_page(tcases[n].offline))
			break;
		pages++;
		if (tcases[n].offline && pages == OFFLINE)
			break;
	} while (tst_remaining_runtime());
	tst_atomic_store(1, &shared->stop);
	tst_reap_children();
	tst_res(TINFO, "%lu calls for %lu pages, %lu statuses were a node",
		shared->calls, pages, shared->on_node);
	if (!pages)
		tst_res(TCONF, "no huge page could be mapped");
}

static void setup(void)
{
	long kb = 0;
	int i;

	setup_nodes(nodes);
	if (access("/proc/sys/vm/nr_hugepages", F_OK))
		tst_brk(TCONF, "the kernel has no hugetlb pages");
	SAFE_FILE_LINES_SCANF("/proc/meminfo", "Hugepagesize: %ld", &kb);
	huge_size = kb * 1024;
	for (i = 0; i < 2; i++) {
		snprintf(pool_path[i], sizeof(pool_path[i]),
			 "/sys/devices/system/node/node%d/hugepages/hugepages-%ldkB/nr_hugepages",
			 nodes[i], kb);
		SAFE_FILE_SCANF(pool_path[i], "%lu", &pool_was[i]);
		pool_saved = i + 1;
		SAFE_FILE_PRINTF(pool_path[i], "%lu", pool_was[i] + POOL);
	}
	shared = SAFE_MMAP(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void cleanup(void)
{
	int i;

	for (i = 0; i < pool_saved; i++)
		SAFE_FILE_PRINTF(pool_path[i], "%lu", pool_was[i]);
	if (shared)
		SAFE_MUNMAP(shared, sizeof(*shared));
}

static struct tst_test test = {
	.test = run,
	.tcnt = ARRAY_SIZE(tcases),
	.setup = setup,
	.cleanup = cleanup,
	.needs_root = 1,
	.forks_child = 1,
	.runtime = 10,
};
