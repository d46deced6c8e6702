// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures how much memory a call allocates for itself: many calls are stopped
 * when they read their first address, and the kernel reports how much it has
 * allocated since.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#include "bench.h"

#define CALLS	64

/* A call whose page of addresses is missing until the test provides it */
struct call {
	unsigned long count;
	uint64_t *pages;
	int *status;
	pthread_barrier_t *begin;
};

static void *make_call(void *arg)
{
	struct call *call = arg;

	pthread_barrier_wait(call->begin);
	move_phys_pages(call->count, call->pages, NULL, call->status, 0);
	return NULL;
}

static int64_t allocated(void)
{
	char text[1];

	/* This adds the per-CPU counters to the totals */
	read_file("/proc/sys/vm/stat_refresh", text, sizeof(text));
	return vmstat("/proc/vmstat", "nr_slab_unreclaimable") * page_size() +
	       vmstat("/proc/meminfo", "VmallocUsed:") * 1024;
}

static int64_t scratch_of(unsigned long count)
{
	const size_t size = 2 * CALLS * page_size();
	char *mem = map_memory(ANON, 2 * CALLS);
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	pthread_barrier_t begin;
	pthread_t threads[CALLS];
	struct call calls[CALLS];
	struct uffd_msg msg;
	int status[512];
	int64_t before, held;
	unsigned int i;

	watch_missing(uffd, mem, size);
	pthread_barrier_init(&begin, NULL, CALLS + 1);
	for (i = 0; i < CALLS; i++) {
		char *page = mem + 2 * i * page_size();

		/* The next page is inaccessible, so that a call ends early. */
		mprotect(page + page_size(), page_size(), PROT_NONE);
		calls[i] = (struct call){
			count, (uint64_t *)page, status, &begin,
		};
		if (pthread_create(&threads[i], NULL, make_call, &calls[i]))
			die("no thread");
	}
	before = allocated();
	pthread_barrier_wait(&begin);
	for (i = 0; i < CALLS; i++)
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			die("a call does not wait for its addresses");
	held = allocated() - before;
	for (i = 0; i < CALLS; i++) {
		struct uffdio_zeropage zero = {
			.range = { (uintptr_t)calls[i].pages, page_size() },
		};

		if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
			die("a call gets no addresses");
	}
	for (i = 0; i < CALLS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&begin);
	close(uffd);
	munmap(mem, size);
	return held / CALLS;
}

void bench_scratch(void)
{
	static const unsigned long counts[] = { 1, 64, 512, 10000, 10000000 };
	struct json_object *result;
	size_t i;

	/*
	 * Do not count the first calls, which allocate what later ones use
	 * again.
	 */
	scratch_of(1);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		result = result_new("scratch");
		add_number(result, "entries", counts[i]);
		add_number(result, "bytes", scratch_of(counts[i]));
		result_put(result);
	}
}
