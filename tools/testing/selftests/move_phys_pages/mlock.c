// SPDX-License-Identifier: GPL-2.0-only
/* Pages that are locked in memory can move */
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "util.h"

/* kpageflags has this flag, but no UAPI header defines it */
#ifndef KPF_MLOCKED
#define KPF_MLOCKED	33
#endif

#define SEED	53
#define PAGES	100UL

FIXTURE(mlock)
{
	int from, to;
	size_t size;
	char *mem;
};

FIXTURE_VARIANT(mlock)
{
	enum memory kind;
	int flags;	/* of mlock2() */
};

FIXTURE_VARIANT_ADD(mlock, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(mlock, anon_on_fault)
{
	.kind = ANON,
	.flags = MLOCK_ONFAULT,
};

FIXTURE_VARIANT_ADD(mlock, shmem)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(mlock, memfd_on_fault)
{
	.kind = MEMFD,
	.flags = MLOCK_ONFAULT,
};

FIXTURE_VARIANT_ADD(mlock, tmpfs)
{
	.kind = TMPFS,
};

FIXTURE_SETUP(mlock)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	self->size = PAGES * page_size();
	self->mem = map_memory(variant->kind, PAGES);
	/* Lock one half after it is allocated, and the other half before */
	touch_on(self->from, self->mem, self->size / 2);
	ASSERT_EQ(0, mlock(self->mem, self->size / 2));
	ASSERT_EQ(0, mlock2(self->mem, self->size, MLOCK_ONFAULT));
	touch_on(self->from, self->mem + self->size / 2, self->size / 2);
	ASSERT_EQ(0, mlock2(self->mem, self->size, variant->flags));
	fill(self->mem, self->size, SEED);
}

FIXTURE_TEARDOWN(mlock)
{
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	EXPECT_EQ(0, isolated_pages());
}

static unsigned long count_flagged(FIXTURE_DATA(mlock) *self, int kpf)
{
	unsigned long i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += page_has(phys_of(0, self->mem + i * page_size()), kpf);
	return n;
}

static unsigned long counter(FIXTURE_DATA(mlock) *self, const char *name)
{
	drain_lru_batches(self->mem);
	write_file("/proc/sys/vm/stat_refresh", "1");
	return vmstat("/proc/vmstat", name);
}

TEST_F(mlock, stays_locked)
{
	struct request *req = request_new(PAGES);
	unsigned long mlocked, unevictable;
	int round, node;

	mlocked = counter(self, "nr_mlock");
	unevictable = counter(self, "nr_unevictable");
	for (round = 0; round < 3; round++) {
		node = round % 2 ? self->from : self->to;
		request_set_pages(req, 0, self->mem, PAGES, node);
		EXPECT_EQ(0, request_move(req, 0));
		EXPECT_EQ(PAGES, request_count(req, node));
		EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, node));
		EXPECT_EQ(mlocked, counter(self, "nr_mlock"));
		EXPECT_EQ(unevictable, counter(self, "nr_unevictable"));
		EXPECT_EQ(PAGES, count_flagged(self, KPF_MLOCKED));
		EXPECT_EQ(PAGES, count_flagged(self, KPF_UNEVICTABLE));
	}
}

TEST_F(mlock, unlocked_after_move)
{
	struct request *req = request_new(PAGES);
	unsigned long mlocked, unevictable;

	mlocked = counter(self, "nr_mlock");
	unevictable = counter(self, "nr_unevictable");
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	ASSERT_EQ(0, request_move(req, 0));
	ASSERT_EQ(0, munlock(self->mem, self->size));
	EXPECT_EQ(mlocked - PAGES, counter(self, "nr_mlock"));
	EXPECT_EQ(unevictable - PAGES, counter(self, "nr_unevictable"));
	EXPECT_EQ(0, count_flagged(self, KPF_MLOCKED));
	EXPECT_EQ(0, count_flagged(self, KPF_UNEVICTABLE));
	EXPECT_EQ(PAGES, count_flagged(self, KPF_LRU));
	request_set_pages(req, 0, self->mem, PAGES, self->from);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->from));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));
}

TEST_HARNESS_MAIN
