// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page that cannot move is counted as failed once if the call tried to move
 * it, and not at all if the call refused it without trying.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../kselftest_harness.h"
#include "tracing.h"
#include "util.h"

#define SEED	59
#define TIMES	3

FIXTURE(counts)
{
	int from, to;
	char *mem;
	size_t size;
	int fds[2];	/* the pipe or the ring that holds the page */
};

FIXTURE_VARIANT(counts)
{
	bool thp;
	bool pinned;	/* else a pipe has an unexplained reference */
};

FIXTURE_VARIANT_ADD(counts, in_a_pipe)
{
	.thp = false,
};

FIXTURE_VARIANT_ADD(counts, thp_in_a_pipe)
{
	.thp = true,
};

FIXTURE_VARIANT_ADD(counts, pinned)
{
	.pinned = true,
};

FIXTURE_VARIANT_ADD(counts, thp_pinned)
{
	.thp = true,
	.pinned = true,
};

FIXTURE_SETUP(counts)
{
	struct iovec iov;

	TWO_NODES(self->from, self->to);
	self->mem = variant->thp ? alloc_thp(self->from, SEED) :
		    alloc_memory(ANON, self->from, 1, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	self->size = variant->thp ? thp_size() : page_size();
	if (variant->pinned) {
		self->fds[0] = ring_pin(self->mem, page_size());
		if (self->fds[0] < 0)
			SKIP_TEST("needs CONFIG_IO_URING");
		return;
	}
	iov = (struct iovec) { self->mem, page_size() };
	ASSERT_EQ(0, pipe(self->fds));
	ASSERT_EQ(page_size(), vmsplice(self->fds[1], &iov, 1, 0));
}

FIXTURE_TEARDOWN(counts)
{
	if (variant->pinned)
		ring_unpin(self->fds[0]);
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	EXPECT_EQ(0, isolated_pages());
}

struct counters {
	unsigned long pages, thps;
};

static struct counters read_counters(bool thp)
{
	struct counters now = { 0 };

	write_file("/proc/sys/vm/stat_refresh", "1");
	now.pages = vmstat("/proc/vmstat", "pgmigrate_fail");
	if (thp)
		now.thps = vmstat("/proc/vmstat", "thp_migration_fail");
	return now;
}

static int move_by_pid(void *mem, int node)
{
	int status = PRESET;

	if (syscall(__NR_move_pages, 0, 1UL, &mem, &node, &status,
		    MPOL_MF_MOVE) < 0)
		die("move_pages");
	return status;
}

TEST_F(counts, counters)
{
	const uint64_t phys = phys_of(0, self->mem);
	struct counters before, after, theirs;
	int i;

	for (i = 0; i < TIMES; i++) {
		before = read_counters(variant->thp);
		EXPECT_OUTCOME(1, -EBUSY, move_one(phys, self->to, 0));
		after = read_counters(variant->thp);
		EXPECT_NE(self->to, move_by_pid(self->mem, self->to));
		theirs = read_counters(variant->thp);
		EXPECT_EQ(self->from, node_of(0, self->mem));

		after.pages -= before.pages;
		after.thps -= before.thps;
		theirs.pages -= before.pages + after.pages;
		theirs.thps -= before.thps + after.thps;
		TH_LOG("failed: %lu pages, %lu THPs; move_pages(2): %lu, %lu",
		       after.pages, after.thps, theirs.pages, theirs.thps);
		EXPECT_GE(theirs.pages, after.pages);
		EXPECT_GE(theirs.thps, after.thps);
		if (variant->thp)
			EXPECT_EQ(!variant->pinned, after.thps);
		EXPECT_EQ(variant->pinned ? 0 : self->size / page_size(),
			  after.pages);
	}
}

TEST_F(counts, events)
{
	const uint64_t phys = phys_of(0, self->mem);
	struct failures failures;

	if (!start_tracing(EVENT_OF_MIGRATION))
		SKIP(return, "needs CONFIG_EVENT_TRACING");
	EXPECT_OUTCOME(1, -EBUSY, move_one(phys, self->to, 0));
	failures = read_failures();
	stop_tracing();
	EXPECT_EQ(!variant->pinned, failures.events);
	EXPECT_EQ(variant->pinned ? 0 : self->size / page_size(),
		  failures.pages);
	EXPECT_EQ(0, failures.waited);
}

TEST_HARNESS_MAIN
