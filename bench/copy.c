// SPDX-License-Identifier: GPL-2.0-only
/*
 * The minimum: what copying pages costs in the kernel, with the function that
 * migration uses.
 *
 * A write to a private page of a hugetlb file copies with that function, and
 * does little else: there is one fault for 512 pages or more.
 */
#include <stdio.h>
#include <unistd.h>
#include <sys/mman.h>

#include "bench.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB	4U
#endif

#define PAGES	8

void bench_copy(void)
{
	const size_t huge = hugetlb_size(), size = PAGES * huge;
	struct json_object *result = result_new("copy");
	uint64_t took = 0, start;
	unsigned int round, i;
	char *shared, *mem;
	int fd, node;

	min_nodes(&node, 1);
	hugetlb_pool(node, 2 * PAGES + 1);
	fd = memfd_create("bench", MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, size))
		die("no hugetlb file");
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		die("no room for huge pages");
	for (i = 0; i < PAGES; i++)
		touch_on(node, shared + i * huge, huge);
	for (round = 0; round < 1 + repeat; round++) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (mem == MAP_FAILED)
			die("no room to copy huge pages");
		for (i = 0; i < PAGES; i++)
			peek(mem + i * huge);
		start = now();
		for (i = 0; i < PAGES; i++)
			mem[i * huge] = 1;
		/*
		 * Do not count the first round, which depends on the earlier
		 * use of the memory.
		 */
		took += round ? now() - start : 0;
		munmap(mem, size);
	}
	munmap(shared, size);
	close(fd);
	hugetlb_pool(node, 0);
	add_number(result, "pages", repeat * size / page_size());
	add_number(result, "cost", took);
	result_put(result);
}
