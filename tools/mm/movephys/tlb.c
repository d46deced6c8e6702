// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space cannot flush the translations of another process. A context switch need not
 * flush them either, since TLB entries are tagged with their address space. But all
 * processes share the entries of a TLB, so reading more pages than it has entries replaces
 * those of all processes.
 */
#include <numa.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base.h"
#include "tlb.h"

/* The largest TLBs today have 4,096 entries, and fewer than 64 more for huge pages alone. */
#define SMALL	8192
#define HUGE	64
#define HUGE_SIZE	BIT(21)

/*
 * Memory that is only read maps one of the kernel's two zero pages, so it takes no room
 * but its page tables. There are two exceptions: if
 * /sys/kernel/mm/transparent_hugepage/use_zero_page is 0, each of the HUGE pages is
 * allocated, and without transparent huge pages, small pages are mapped instead.
 */
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
	for (size_t i = 0; i < pages; i++)
		atomic_load(&memory[i * size]);
}

/* Returns the argument, or NULL on failure. */
static void *evict_on_each_cpu(void *argument)
{
	static const atomic_char *small, *huge;
	static struct bitmask *allowed, *one;

	if (!allowed) {
		allowed = numa_allocate_cpumask();
		one = numa_allocate_cpumask();
	}
	if (!small)
		small = map(SMALL * page_size, MADV_NOHUGEPAGE);
	if (!huge)
		huge = map(HUGE * HUGE_SIZE, MADV_HUGEPAGE);
	if (!small || !huge || numa_sched_getaffinity(0, allowed) < 0)
		return NULL;
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
	return argument;
}

/*
 * The affinity that can be read has only CPUs that are online. If a thread set it as its
 * own again, the thread would never run on a CPU that comes online later. Therefore a new
 * thread changes its affinity, and ends.
 */
bool tlb_evict(void)
{
	static bool failed;
	void *done = NULL;
	pthread_t thread;

	if (!pthread_create(&thread, NULL, evict_on_each_cpu, &failed))
		pthread_join(thread, &done);
	if (!done && !failed)
		complain("cannot replace the entries of TLBs, for want of memory or of a thread: "
			 "pages in use may look idle");
	failed = !done;
	return done;
}
