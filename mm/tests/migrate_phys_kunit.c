// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the parts of mm/migrate_phys.c that need no pages. Included at
 * its end, so that they reach its static functions.
 */
#include <kunit/test.h>

static void phys_to_pfn_test(struct kunit *test)
{
	static const struct {
		u64 addr;
		bool ok;
		unsigned long pfn;
	} cases[] = {
		{ 0, true, 0 },
		{ PAGE_SIZE - 1, true, 0 },
		{ PAGE_SIZE, true, 1 },
		{ 3 * PAGE_SIZE + 1, true, 3 },
		{ (u64)SZ_1G << 2, true, (SZ_1G >> PAGE_SHIFT) << 2 },
		{ U64_MAX, false },
		{ BIT_ULL(63), false },
		{ BIT_ULL(63) | PAGE_SIZE, false },
	};
	unsigned long pfn;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ_MSG(test, phys_to_pfn(cases[i].addr, &pfn),
				    cases[i].ok, "%llx", cases[i].addr);
		if (cases[i].ok)
			KUNIT_EXPECT_EQ(test, pfn, cases[i].pfn);
	}
	/* The width may depend on the boot. */
	KUNIT_EXPECT_TRUE(test, phys_to_pfn(BIT_ULL(MAX_PHYSMEM_BITS) - 1, &pfn));
	KUNIT_EXPECT_EQ(test, pfn,
			(unsigned long)(BIT_ULL(MAX_PHYSMEM_BITS - PAGE_SHIFT) - 1));
	KUNIT_EXPECT_FALSE(test, phys_to_pfn(BIT_ULL(MAX_PHYSMEM_BITS), &pfn));
}

static void node_has_memory_test(struct kunit *test)
{
	static const int bad[] = { INT_MIN, -1, MAX_NUMNODES, INT_MAX };
	int i, nid;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE_MSG(test, node_has_memory(bad[i]), "%d",
				       bad[i]);
	for (nid = 0; nid < MAX_NUMNODES; nid++)
		KUNIT_EXPECT_EQ(test, node_has_memory(nid),
				!!node_state(nid, N_MEMORY));
}

static void status_is_failure_test(struct kunit *test)
{
	static const struct {
		int status;
		bool failure;
	} cases[] = {
		{ 0, false },
		{ 1, false },
		{ MAX_NUMNODES - 1, false },
		{ -ENOENT, false },
		{ -EFAULT, false },
		{ -EACCES, false },
		{ -EBUSY, true },
		{ -ENOMEM, true },
		{ -EIO, true },
		{ -EINVAL, true },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, status_is_failure(cases[i].status),
				    cases[i].failure, "%d", cases[i].status);
}

static struct phys_call *test_call(struct kunit *test)
{
	struct phys_call *call;

	call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, call);
	call->table = &call->tables[0];
	call->past = &call->tables[1];
	table_reset(call->table, CHUNK_ENTRIES);
	table_reset(call->past, CHUNK_ENTRIES);
	return call;
}

/* Every folio of a full table is found again, in one bucket or in many. */
static void table_full_test(struct kunit *test)
{
	static const unsigned int buckets[] = { 1, 2, 3, CHUNK_ENTRIES };
	struct phys_table *table = test_call(test)->table;
	int b, i;

	for (b = 0; b < ARRAY_SIZE(buckets); b++) {
		table_reset(table, buckets[b]);
		KUNIT_EXPECT_NULL(test, table_find(table, 0, 0));
		for (i = 0; i < CHUNK_ENTRIES; i++)
			table_add(table, 7 * i, 0, i);
		KUNIT_EXPECT_EQ(test, table->nr, CHUNK_ENTRIES);
		for (i = 0; i < CHUNK_ENTRIES; i++) {
			struct phys_folio *pf = table_find(table, 7 * i, 0);

			KUNIT_ASSERT_NOT_NULL(test, pf);
			KUNIT_EXPECT_EQ(test, pf->status, i);
			KUNIT_EXPECT_NULL(test, table_find(table, 7 * i + 1, 0));
		}
	}
}

static void table_order_test(struct kunit *test)
{
	struct phys_table *table = test_call(test)->table;

	table_add(table, 512, 0, 1);
	table_add(table, 512, 9, 2);
	KUNIT_EXPECT_EQ(test, table_find(table, 512, 0)->status, 1);
	KUNIT_EXPECT_EQ(test, table_find(table, 512, 9)->status, 2);
	KUNIT_EXPECT_NULL(test, table_find(table, 512, 4));
}

static void table_recall_test(struct kunit *test)
{
	static const struct {
		unsigned long pfn, orders;
		int status;	/* -1: nothing */
	} cases[] = {
		/* 0x200: order 9, 0x410: order 4, 0x800: order 0 */
		{ 0x1ff, BIT(0) | BIT(4) | BIT(9), -1 },
		{ 0x200, BIT(0) | BIT(4) | BIT(9), 9 },
		{ 0x201, BIT(0) | BIT(4) | BIT(9), 9 },
		{ 0x3ff, BIT(0) | BIT(4) | BIT(9), 9 },
		{ 0x3ff, BIT(0) | BIT(4), -1 },
		{ 0x400, BIT(0) | BIT(4) | BIT(9), -1 },
		{ 0x410, BIT(4), 4 },
		{ 0x41f, BIT(0) | BIT(4) | BIT(9), 4 },
		{ 0x420, BIT(0) | BIT(4) | BIT(9), -1 },
		{ 0x800, BIT(0) | BIT(4) | BIT(9), 0 },
		{ 0x801, BIT(0) | BIT(4) | BIT(9), -1 },
		{ 0x800, 0, -1 },
	};
	struct phys_table *table = test_call(test)->table;
	struct phys_folio *pf;
	int i;

	table_add(table, 0x200, 9, 9);
	table_add(table, 0x410, 4, 4);
	table_add(table, 0x800, 0, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pf = table_recall(table, cases[i].pfn, cases[i].orders);
		KUNIT_EXPECT_EQ_MSG(test, pf ? pf->status : -1, cases[i].status,
				    "pfn %lx orders %lx", cases[i].pfn,
				    cases[i].orders);
	}
}

/* A huge page that moved is known as long as each chunk names it. */
static void recall_across_chunks_test(struct kunit *test)
{
	struct phys_call *call = test_call(test);
	struct phys_folio *pf;
	int chunk;

	call->orders = BIT(0) | BIT(18);
	table_add(call->table, BIT(18), 18, 3);
	for (chunk = 0; chunk < 8; chunk++) {
		swap(call->table, call->past);
		table_reset(call->table, CHUNK_ENTRIES);
		pf = recall_folio(call, BIT(18) + chunk * CHUNK_ENTRIES);
		KUNIT_ASSERT_NOT_NULL(test, pf);
		KUNIT_EXPECT_EQ(test, pf->status, 3);
		KUNIT_EXPECT_PTR_EQ(test, recall_folio(call, BIT(19) - 1), pf);
		KUNIT_EXPECT_EQ(test, call->table->nr, 1);
	}
	swap(call->table, call->past);
	table_reset(call->table, CHUNK_ENTRIES);
	swap(call->table, call->past);
	table_reset(call->table, CHUNK_ENTRIES);
	KUNIT_EXPECT_NULL(test, recall_folio(call, BIT(18)));
}

static void settle_entries_test(struct kunit *test)
{
	static const struct {
		int direct;	/* the status of an entry that names no folio */
		u16 named;
		int status;
	} cases[] = {
		{ -ENOENT, 0, -ENOENT },
		{ -ENOENT, 1, 2 },
		{ -ENOENT, 2, -EBUSY },
		{ -ENOENT, 1, 2 },
		{ -ENOENT, 3, -EACCES },
		{ -ENOENT, 2, -EBUSY },
		{ -ENOENT, 4, -ENOMEM },
	};
	struct phys_call *call = test_call(test);
	int i;

	table_add(call->table, 10, 0, 2);
	table_add(call->table, 20, 0, -EBUSY);
	table_add(call->table, 30, 0, -EACCES);
	table_add(call->table, 40, 0, -ENOMEM);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		call->status[i] = cases[i].direct;
		call->named[i] = cases[i].named;
	}
	settle_entries(call, ARRAY_SIZE(cases));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test, call->status[i], cases[i].status);
	/* Entries count, not folios; and only those that were eligible. */
	KUNIT_EXPECT_EQ(test, call->failed, 3);
}

static void policy_excludes_test(struct kunit *test)
{
	static const struct {
		unsigned short mode;
		bool excludes;
	} cases[] = {
		{ MPOL_DEFAULT, false },
		{ MPOL_PREFERRED, false },
		{ MPOL_BIND, true },
		{ MPOL_INTERLEAVE, false },
		{ MPOL_LOCAL, false },
		{ MPOL_PREFERRED_MANY, false },
	};
	struct mempolicy *pol = kunit_kzalloc(test, sizeof(*pol), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, pol);
	KUNIT_EXPECT_FALSE(test, policy_excludes(NULL, 0));
	node_set(0, pol->nodes);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pol->mode = cases[i].mode;
		KUNIT_EXPECT_FALSE(test, policy_excludes(pol, 0));
		KUNIT_EXPECT_EQ_MSG(test, policy_excludes(pol, MAX_NUMNODES - 1),
				    cases[i].excludes, "mode %d", cases[i].mode);
	}
}

static struct kunit_case migrate_phys_cases[] = {
	KUNIT_CASE(phys_to_pfn_test),
	KUNIT_CASE(node_has_memory_test),
	KUNIT_CASE(status_is_failure_test),
	KUNIT_CASE(table_full_test),
	KUNIT_CASE(table_order_test),
	KUNIT_CASE(table_recall_test),
	KUNIT_CASE(recall_across_chunks_test),
	KUNIT_CASE(settle_entries_test),
	KUNIT_CASE(policy_excludes_test),
	{}
};

static struct kunit_suite migrate_phys_suite = {
	.name = "migrate_phys",
	.test_cases = migrate_phys_cases,
};

kunit_test_suite(migrate_phys_suite);
