// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space cannot flush the translations of another process. A context switch need not
 * flush them either, since TLB entries are tagged with their address space. But all
 * processes share the entries of a TLB, so reading more pages than it has entries replaces
 * those of all processes.
 */
#include <numa.h>
#include <sys/mman.h>

#include "base.h"
#include "tlb.h"

/* The largest TLBs today have 4,096 entries, and fewer than 64 more for huge pages alone. */
#define SMALL	8192
#define HUGE	64
#define HUGE_SIZE	BIT(21)

/* Memory that is only read maps the zero page, so it takes no room but its page tables. */
static const atomic_char *map(size_t size, int advice)
{
	void *memory = mmap(NULL, size, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, size, advice);
	return memory;
}

static void touch(const atomic_char *memory, size_t pages, size_t size)
{
	for (size_t i = 0; memory && i < pages; i++)
		atomic_load(&memory[i * size]);
}

void tlb_evict(void)
{
	static const atomic_char *small, *huge;
	static struct bitmask *allowed, *one;

	if (!allowed) {
		allowed = numa_allocate_cpumask();
		one = numa_allocate_cpumask();
		small = map(SMALL * page_size, MADV_NOHUGEPAGE);
		huge = map(HUGE * HUGE_SIZE, MADV_HUGEPAGE);
	}
	/* Read it each time: CPUs come and go, and the affinity of this thread may change. */
	if (numa_sched_getaffinity(0, allowed) < 0)
		return;
	for (unsigned int cpu = 0; cpu < allowed->size; cpu++) {
		if (!numa_bitmask_isbitset(allowed, cpu))
			continue;
		numa_bitmask_clearall(one);
		numa_bitmask_setbit(one, cpu);
		if (numa_sched_setaffinity(0, one) < 0)
			continue;
		touch(small, SMALL, page_size);
		touch(huge, HUGE, HUGE_SIZE);
	}
	numa_sched_setaffinity(0, allowed);
}
