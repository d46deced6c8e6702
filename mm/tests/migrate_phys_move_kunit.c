// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of target folios, isolation and drains. This file is included at
 * the end of mm/migrate_phys_move.c, so that it reaches the static functions
 * there.
 */
#include <kunit/test.h>
#include <linux/memcontrol.h>
#include <linux/mm_inline.h>
#include <linux/uaccess.h>
#include <linux/vmstat.h>

#include "migrate_phys_kunit.h"

#define TARGETS		3

static void target_gfp_test(struct kunit *test)
{
	const gfp_t always = __GFP_THISNODE | __GFP_KSWAPD_RECLAIM |
			     __GFP_NOMEMALLOC | __GFP_NOWARN | __GFP_HIGHMEM |
			     __GFP_MOVABLE;
	unsigned int order;

	for (order = 0; order <= 18; order++) {
		gfp_t gfp = target_gfp(order);

		KUNIT_EXPECT_TRUE_MSG(test, (gfp & always) == always,
				      "order %u", order);
		/* Without __GFP_HARDWALL, the caller's mems_allowed is not enforced. */
		KUNIT_EXPECT_TRUE_MSG(test, !(gfp & __GFP_HARDWALL),
				      "order %u", order);
		/* With __GFP_NORETRY the allocator compacts and does not reclaim. */
		KUNIT_EXPECT_EQ_MSG(test, !!(gfp & __GFP_NORETRY),
				    order > PAGE_ALLOC_COSTLY_ORDER, "order %u",
				    order);
		KUNIT_EXPECT_EQ_MSG(test, !!(gfp & __GFP_DIRECT_RECLAIM),
				    order > PAGE_ALLOC_COSTLY_ORDER &&
				    PHYS_COMPACT_GFP, "order %u", order);
	}
}

/* With vm.zone_reclaim_mode, an allocation that may sleep reclaims. */
static void target_gfp_zone_reclaim_test(struct kunit *test)
{
	int mode = node_reclaim_mode;
	unsigned int order;
	gfp_t any = 0;

	node_reclaim_mode = RECLAIM_ZONE;
	for (order = 0; order <= 18; order++)
		any |= target_gfp(order);
	node_reclaim_mode = mode;
	KUNIT_EXPECT_FALSE(test, any & __GFP_DIRECT_RECLAIM);
}

/* A hugetlb target, too, is allocated on its node or not at all. */
static void hugetlb_target_gfp_test(struct kunit *test)
{
#ifdef CONFIG_HUGETLB_PAGE
	gfp_t gfp = hugetlb_target_gfp(&default_hstate);
	const gfp_t always = __GFP_THISNODE | __GFP_NOMEMALLOC;

	KUNIT_EXPECT_TRUE(test, (gfp & always) == always);
	KUNIT_EXPECT_FALSE(test, gfp & (__GFP_DIRECT_RECLAIM | __GFP_HARDWALL));
#else
	kunit_skip(test, "needs CONFIG_HUGETLBFS");
#endif
}

static struct folio *test_folio(struct kunit *test, unsigned int order)
{
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_COMP, order);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	return folio;
}

struct order_case {
	unsigned int order;
};

static const struct order_case order_cases[] = {
	{ 0 }, { 1 }, { 2 }, { 4 },
};

static void order_case_desc(const struct order_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "order %u", c->order);
}

KUNIT_ARRAY_PARAM(order, order_cases, order_case_desc);

/* Targets of the source folios' order come from the array, and go back to it. */
static void get_target_test(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct folio *src = test_folio(test, c->order), *dst[TARGETS];
	struct folio *folios[TARGETS] = { };
	struct phys_targets targets = {
		.folio = folios,
		.nid = folio_nid(src),
		.order = c->order,
	};
	unsigned long private = (unsigned long)&targets;
	int i;

	alloc_targets(&targets, src, TARGETS);
	KUNIT_ASSERT_EQ(test, targets.nr, TARGETS);
	for (i = 0; i < TARGETS; i++) {
		dst[i] = folios[i];
		KUNIT_EXPECT_EQ(test, folio_order(dst[i]), c->order);
		KUNIT_EXPECT_EQ(test, folio_nid(dst[i]), targets.nid);
	}
	for (i = TARGETS - 1; i >= 0; i--) {
		KUNIT_EXPECT_PTR_EQ(test, get_target(src, private), dst[i]);
		KUNIT_EXPECT_EQ(test, targets.nr, i);
	}
	for (i = 0; i < TARGETS; i++) {
		put_target(dst[i], private);
		KUNIT_EXPECT_EQ(test, targets.nr, i + 1);
		KUNIT_EXPECT_PTR_EQ(test, folios[i], dst[i]);
		KUNIT_EXPECT_EQ(test, folio_ref_count(dst[i]), 1);
	}
	KUNIT_EXPECT_FALSE(test, targets.no_room);
	while (targets.nr)
		folio_put(folios[--targets.nr]);
	folio_put(src);
}

/* A piece of a folio that was split has a target of its own order. */
static void get_target_of_piece_test(struct kunit *test)
{
	struct folio *whole = test_folio(test, 2), *piece = test_folio(test, 0);
	struct folio *folios[TARGETS] = { };
	struct phys_targets targets = {
		.folio = folios,
		.nid = folio_nid(whole),
		.order = 2,
	};
	unsigned long private = (unsigned long)&targets;
	struct folio *dst;

	alloc_targets(&targets, whole, 1);
	KUNIT_ASSERT_EQ(test, targets.nr, 1U);
	dst = get_target(piece, private);
	KUNIT_ASSERT_NOT_NULL(test, dst);
	KUNIT_EXPECT_EQ(test, folio_order(dst), 0U);
	KUNIT_EXPECT_EQ(test, folio_nid(dst), targets.nid);
	KUNIT_EXPECT_EQ(test, targets.nr, 1U);
	KUNIT_EXPECT_PTR_NE(test, dst, folios[0]);
	KUNIT_EXPECT_FALSE(test, targets.no_room);

	/* An unused target of a piece is freed, and not kept for a whole folio. */
	folio_get(dst);
	put_target(dst, private);
	KUNIT_EXPECT_EQ(test, targets.nr, 1U);
	KUNIT_EXPECT_EQ(test, folio_ref_count(dst), 1);
	folio_put(dst);

	KUNIT_EXPECT_PTR_EQ(test, get_target(whole, private), folios[0]);
	KUNIT_EXPECT_EQ(test, targets.nr, 0U);
	folio_put(folios[0]);
	folio_put(whole);
	folio_put(piece);
}

/* Isolation */

struct isolate_case {
	const char *name;
	int without_target;
	bool last_look;
	unsigned int order;
	unsigned long next_drain;
};

static const struct isolate_case isolate_cases[] = {
	{ "all have a target", 0, false },
	{ "one has no target", 1, false },
	{ "no folio has a target", TARGETS, false },
	{ "all have a target, last look", 0, true },
	{ "one has no target, last look", 1, true },
	{ "all have a target, no drain is due", 0, false, 0, 1 },
	{ "large folios, which are in no batch", 0, false, 2 },
};

static void isolate_case_desc(const struct isolate_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(isolate, isolate_cases, isolate_case_desc);

/*
 * These folios are on no LRU list, as if they were in a batch of some CPU: they
 * are deferred until a drain, and busy after it. If no drain is due, or none would
 * help, they are busy at once.
 */
static void isolate_folios_test(struct kunit *test)
{
	const struct isolate_case *c = test->param_value;
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_record records[TARGETS];
	struct folio *folios[TARGETS];
	u16 bucket[1 << 2] = { };
	bool waits = !c->last_look && !c->order && !c->next_drain;
	struct phys_record *record;
	LIST_HEAD(list);
	int i, deferred = 0;

	KUNIT_ASSERT_NOT_NULL(test, call);
	call->records.bits = 2;
	call->records.bucket = bucket;
	call->records.record = records;
	call->records.nr = TARGETS;
	call->batch.last_look = c->last_look;
	call->batch.next_drain = c->next_drain;
	for (i = 0; i < TARGETS; i++) {
		u32 hash;

		folios[i] = test_folio(test, c->order);
		/* One reference for the batch, one for this test */
		folio_get(folios[i]);
		records[i] = (struct phys_record) {
			.pfn = folio_pfn(folios[i]),
			.status = 1,
			.order = c->order,
			.link = i ? &records[i - 1] : NULL,
		};
		hash = hash_long(records[i].pfn, call->records.bits);
		records[i].next = bucket[hash];
		bucket[hash] = i + 1;
	}
	isolate_folios(call, &records[TARGETS - 1], c->without_target, &list);
	KUNIT_EXPECT_TRUE(test, list_empty(&list));
	for (record = call->batch.deferred; record; record = record->link)
		deferred++;
	for (i = 0; i < TARGETS; i++) {
		bool target = TARGETS - 1 - i >= c->without_target;

		KUNIT_EXPECT_EQ(test, records[i].status,
				!target ? -ENOMEM : waits ? 1 : -EBUSY);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folios[i]), 1);
		folio_put(folios[i]);
	}
	KUNIT_EXPECT_EQ(test, deferred, waits ? TARGETS - c->without_target : 0);
	KUNIT_EXPECT_EQ(test, call->batch.drain_requested, deferred > 0);
}

/* The number of pages that are on this LRU list in the zone of the folio */
static long lru_size(struct folio *folio, enum lru_list lru)
{
	return zone_page_state_snapshot(folio_zone(folio),
					NR_ZONE_LRU_BASE + lru);
}

/* LRU generations have no inactive and active list, but still count both. */
static long anon_lru_size(struct folio *folio)
{
	return lru_size(folio, LRU_INACTIVE_ANON) +
	       lru_size(folio, LRU_ACTIVE_ANON);
}

static struct folio *use_lru_page(struct kunit *test, unsigned long addr)
{
	struct page *page;

	KUNIT_ASSERT_EQ(test, put_user(1, (int __user *)addr), 0);
	KUNIT_ASSERT_EQ(test, get_user_pages_fast(addr, 1, 0, &page), 1);
	return page_folio(page);
}

/*
 * Of three folios that follow each other, the second one is on another LRU list
 * or in another generation. The isolation changes each count by its own folios.
 */
static void isolate_from_two_lists_test(struct kunit *test)
{
	unsigned long addr = make_user_memory(test, TARGETS);
	struct folio *folio, *second;
	bool lists = !lru_gen_enabled();
	struct folio_batch fbatch;
	LIST_HEAD(list);
	long all, active;
	int i;

	folio_batch_init(&fbatch);
	for (i = 0; i < TARGETS; i++)
		folio_batch_add(&fbatch,
				use_lru_page(test, addr + i * PAGE_SIZE));
	/* The folios may be in an LRU batch of this CPU, and on no LRU list yet. */
	lru_add_drain_all();
	second = fbatch.folios[1];
	folio_isolate_lru(second);
	folio_set_active(second);
	folio_putback_lru(second);
	lru_add_drain_all();
	for (i = 0; i < TARGETS; i++) {
		folio = fbatch.folios[i];
		KUNIT_ASSERT_TRUE(test, folio_test_lru(folio));
		KUNIT_ASSERT_EQ(test, folio_lru_list(folio),
				i == 1 && lists ?
				LRU_ACTIVE_ANON : LRU_INACTIVE_ANON);
		KUNIT_ASSERT_PTR_EQ(test, folio_zone(folio), folio_zone(second));
	}
	all = anon_lru_size(second);
	active = lru_size(second, LRU_ACTIVE_ANON);

	folio_batch_isolate_lru(&fbatch, &list);
	KUNIT_EXPECT_EQ(test, folio_batch_count(&fbatch), 0U);
	KUNIT_EXPECT_EQ(test, anon_lru_size(second), all - TARGETS);
	if (lists)
		KUNIT_EXPECT_EQ(test, lru_size(second, LRU_ACTIVE_ANON),
				active - 1);

	/* The page table still has a reference on each folio. */
	putback_movable_pages(&list);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, anon_lru_size(second), all);
	if (lists)
		KUNIT_EXPECT_EQ(test, lru_size(second, LRU_ACTIVE_ANON),
				active);
	free_user_memory();
}

/* A new folio in the first zone of its node */
static struct folio *first_zone_folio(struct kunit *test)
{
	gfp_t zone = IS_ENABLED(CONFIG_ZONE_DMA) ? __GFP_DMA :
		     IS_ENABLED(CONFIG_ZONE_DMA32) ? __GFP_DMA32 : 0;
	struct page *page = alloc_page(GFP_KERNEL | zone);
	struct folio *folio;

	KUNIT_ASSERT_NOT_NULL(test, page);
	folio = page_folio(page);
	KUNIT_ASSERT_EQ(test, folio_zonenum(folio), 0);
	KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
	folio_mark_uptodate(folio);
	__folio_set_swapbacked(folio);
	return folio;
}

/*
 * LRU_INACTIVE_ANON and the first zone have the number 0, which is also their
 * value in the run before the first folio. The isolation must not confuse these.
 */
static void isolate_number_0_test(struct kunit *test)
{
	struct folio *folio;
	struct folio_batch fbatch;
	LIST_HEAD(list);
	long all;

	folio = first_zone_folio(test);
	folio_add_lru(folio);
	lru_add_drain_all();
	KUNIT_ASSERT_TRUE(test, folio_test_lru(folio));
	KUNIT_ASSERT_EQ(test, folio_lru_list(folio), LRU_INACTIVE_ANON);
	all = anon_lru_size(folio);

	folio_batch_init(&fbatch);
	folio_get(folio);
	folio_batch_add(&fbatch, folio);
	folio_batch_isolate_lru(&fbatch, &list);
	KUNIT_EXPECT_EQ(test, folio_batch_count(&fbatch), 0U);
	KUNIT_EXPECT_EQ(test, anon_lru_size(folio), all - 1);

	putback_movable_pages(&list);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, anon_lru_size(folio), all);
	folio_put(folio);
}

#ifdef CONFIG_HUGETLB_PAGE
/* Of the smallest size that this machine has */
static struct folio *test_hugetlb_folio(struct kunit *test)
{
	struct hstate *h, *smallest = NULL;
	struct folio *folio;

	for_each_hstate(h)
		if (!smallest || huge_page_order(h) < huge_page_order(smallest))
			smallest = h;
	if (!smallest)
		kunit_skip(test, "needs huge pages");
	folio = alloc_hugetlb_folio_nodemask(smallest, numa_mem_id(), NULL,
					     htlb_alloc_mask(smallest), true);
	if (!folio)
		kunit_skip(test, "needs room for a huge page");
	return folio;
}

/* A hugetlb folio that no process has used yet cannot be isolated. */
static void isolate_hugetlb_test(struct kunit *test)
{
	struct folio *folio = test_hugetlb_folio(test);
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_record record = {
		.pfn = folio_pfn(folio),
		.order = folio_order(folio),
		.status = 1,
	};
	LIST_HEAD(list);

	KUNIT_ASSERT_NOT_NULL(test, call);
	folio_get(folio);
	isolate_folios(call, &record, 0, &list);
	KUNIT_EXPECT_TRUE(test, list_empty(&list));
	KUNIT_EXPECT_EQ(test, record.status, -EBUSY);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

/* A hugetlb folio does not move together with another folio of its order. */
static void moves_with_test(struct kunit *test)
{
	struct folio *folio = test_hugetlb_folio(test);
	struct folio *other = test_folio(test, folio_order(folio));
	const struct phys_record first = {
		.pfn = folio_pfn(folio),
		.order = folio_order(folio),
		.status = 1,
	};
	struct phys_record record = first;

	KUNIT_EXPECT_TRUE(test, moves_with(&record, &first));
	record.status = 2;
	KUNIT_EXPECT_FALSE(test, moves_with(&record, &first));
	record = first;
	record.order = 0;
	KUNIT_EXPECT_FALSE(test, moves_with(&record, &first));
	record = first;
	record.pfn = folio_pfn(other);
	KUNIT_EXPECT_FALSE(test, moves_with(&record, &first));
	folio_put(other);
	folio_put(folio);
}

/*
 * hugetlbfs takes the rmap lock before the folio lock, so the call must not wait
 * for the rmap lock while it holds the folio lock.
 */
static void locked_hugetlb_rmap_test(struct kunit *test)
{
	struct folio *folio = test_hugetlb_folio(test);
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct address_space *file = kunit_kzalloc(test, sizeof(*file),
						   GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, file);
	address_space_init_once(file);
	folio->mapping = file;
	i_mmap_lock_write(file);
	err = phys_check_move(call, folio, 0);
	i_mmap_unlock_write(file);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	/* No process has mapped the folio. */
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), -ENOENT);
	folio->mapping = NULL;
	folio_put(folio);
}
#endif

/* Drains */

/*
 * After a drain, the next one waits until the call has handled twice as many
 * entries, and at least 512.
 */
static void phys_drain_test(struct kunit *test)
{
	static const struct {
		unsigned long done, next;
	} drains[] = {
		{ 0, PHYS_CHUNK },
		{ 100, PHYS_CHUNK },
		{ PHYS_CHUNK, 2 * PHYS_CHUNK },
		{ 2 * PHYS_CHUNK, 4 * PHYS_CHUNK },
		{ 1UL << 20, 1UL << 21 },
	};
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, call);
	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		call->done = drains[i].done;
		call->batch.next_drain = 7;
		call->batch.drain_requested = false;
		phys_drain(call);
		KUNIT_EXPECT_EQ(test, call->batch.next_drain, 7UL);
		call->batch.drain_requested = true;
		phys_drain(call);
		KUNIT_EXPECT_FALSE(test, call->batch.drain_requested);
		KUNIT_EXPECT_EQ(test, call->batch.next_drain, drains[i].next);
	}
}

static struct kunit_case migrate_phys_move_cases[] = {
	KUNIT_CASE(target_gfp_test),
	KUNIT_CASE(target_gfp_zone_reclaim_test),
	KUNIT_CASE(hugetlb_target_gfp_test),
	KUNIT_CASE_PARAM(get_target_test, order_gen_params),
	KUNIT_CASE(get_target_of_piece_test),
	KUNIT_CASE_PARAM(isolate_folios_test, isolate_gen_params),
	KUNIT_CASE(isolate_from_two_lists_test),
	KUNIT_CASE(isolate_number_0_test),
#ifdef CONFIG_HUGETLB_PAGE
	KUNIT_CASE(isolate_hugetlb_test),
	KUNIT_CASE(moves_with_test),
	KUNIT_CASE(locked_hugetlb_rmap_test),
#endif
	KUNIT_CASE(phys_drain_test),
	{}
};

static struct kunit_suite migrate_phys_move_suite = {
	.name = "migrate_phys_move",
	.test_cases = migrate_phys_move_cases,
};

kunit_test_suite(migrate_phys_move_suite);
