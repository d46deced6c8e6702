// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves a page of this process from node 0 to node 1 and back, by its physical
 * address and through libnuma. Prints a line for each step that succeeds, and
 * exits at the first that fails.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <numaif.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Neither a node nor an error */
#define UNTOUCHED	-123

static unsigned char *page;
static size_t page_size;
static int status;

static unsigned char byte(size_t i)
{
	return i * 31 + i / 256 + 1;
}

static uint64_t physical(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry),
		  (uintptr_t)page / page_size * sizeof(entry)) != sizeof(entry))
		err(1, "cannot read pagemap");
	close(pagemap);
	return (entry & ((1ULL << 55) - 1)) * page_size;
}

/* Asks get_mempolicy(2), so that neither the call nor libnuma checks itself. */
static void is_on(int node)
{
	int real;

	if (get_mempolicy(&real, NULL, 0, page, MPOL_F_NODE | MPOL_F_ADDR))
		err(1, "get_mempolicy");
	if (real != node)
		errx(1, "the page is on node %d, not %d", real, node);
	for (size_t i = 0; i < page_size; i++)
		if (page[i] != byte(i))
			errx(1, "byte %zu has changed", i);
}

static void check(long ret, int expected)
{
	if (ret)
		err(1, "returned %ld", ret);
	if (status != expected)
		errx(1, "status is %d, not %d", status, expected);
}

int main(void)
{
	const int to_1 = 1, to_0 = 0;
	uint64_t before, addr;

	if (numa_available() < 0)
		errx(1, "no NUMA");
	page_size = numa_pagesize();
	page = numa_alloc_onnode(page_size, 0);
	if (!page)
		errx(1, "no memory on node 0");
	for (size_t i = 0; i < page_size; i++)
		page[i] = byte(i);
	is_on(0);

	before = physical();
	addr = before;
	status = UNTOUCHED;
	check(move_phys_pages(1, &addr, &to_1, &status, MPOL_MF_MOVE), 1);
	is_on(1);
	if (physical() == before)
		errx(1, "the page has not moved");
	puts("move_phys_pages() moves a page and its contents");

	addr = physical() + 5;
	status = UNTOUCHED;
	check(numa_move_phys_pages(1, &addr, NULL, &status, 0), 1);
	is_on(1);
	puts("numa_move_phys_pages() queries the node of the page");

	status = UNTOUCHED;
	check(numa_move_phys_pages(1, &addr, &to_0, &status, MPOL_MF_MOVE), 0);
	is_on(0);
	puts("numa_move_phys_pages() moves the page back");

	status = UNTOUCHED;
	if (numa_move_phys_pages(1, &addr, &to_1, &status, 1 << 30) != -1 || errno != EINVAL)
		err(1, "an unknown flag is not refused with EINVAL");
	if (status != UNTOUCHED)
		errx(1, "status is %d after an error", status);
	is_on(0);
	puts("a failed call sets errno");
	return 0;
}
