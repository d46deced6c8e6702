// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the parts of mm/migrate_phys.c that need no process. Included
 * at its end, so that they reach its static functions.
 */
#include <kunit/test.h>

#define MAX_PFN		((unsigned long)(BIT_ULL(MAX_PHYSMEM_BITS - PAGE_SHIFT) - 1))
#define NOT_FOUND	-1

static struct phys_call *call_of(struct kunit *test)
{
	return test->priv;
}

/* Addresses and statuses */

/* The width of an address may depend on the boot. */
static void address_to_pfn_test(struct kunit *test)
{
	unsigned long pfn;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		u64 addr = BIT_ULL(bit);
		bool ok = bit < MAX_PHYSMEM_BITS;

		KUNIT_EXPECT_EQ_MSG(test, address_to_pfn(addr, &pfn), ok,
				    "bit %d", bit);
		if (ok)
			KUNIT_EXPECT_EQ(test, pfn, addr >> PAGE_SHIFT);
		/* All bits below it: the last byte before */
		ok = bit <= MAX_PHYSMEM_BITS;
		KUNIT_EXPECT_EQ_MSG(test, address_to_pfn(addr - 1, &pfn), ok,
				    "bits below %d", bit);
		if (ok)
			KUNIT_EXPECT_EQ(test, pfn, (addr - 1) >> PAGE_SHIFT);
		/* None that is too high is taken for what the others name. */
		KUNIT_EXPECT_EQ_MSG(test, address_to_pfn(addr | PAGE_SIZE, &pfn),
				    bit < MAX_PHYSMEM_BITS, "bit %d", bit);
	}
	KUNIT_EXPECT_FALSE(test, address_to_pfn(U64_MAX, &pfn));
	KUNIT_EXPECT_TRUE(test, address_to_pfn(0, &pfn));
	KUNIT_EXPECT_EQ(test, pfn, 0UL);
}

static void node_has_memory_test(struct kunit *test)
{
	static const int bad[] = {
		INT_MIN, -MAX_NUMNODES, -1, MAX_NUMNODES, MAX_NUMNODES + 1,
		INT_MAX,
	};
	int i, nid;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE_MSG(test, node_has_memory(bad[i]), "%d",
				       bad[i]);
	for (nid = 0; nid < MAX_NUMNODES; nid++)
		KUNIT_EXPECT_EQ_MSG(test, node_has_memory(nid),
				    !!node_state(nid, N_MEMORY), "%d", nid);
}

/* Of all that a status can be */
static void status_is_failure_test(struct kunit *test)
{
	int status;

	for (status = -MAX_ERRNO; status < MAX_NUMNODES; status++) {
		bool failure = false;

		switch (status) {
		case -EBUSY:
		case -ENOMEM:
		case -EIO:
		case -EINVAL:
			failure = true;
		}
		KUNIT_EXPECT_EQ_MSG(test, status_is_failure(status), failure,
				    "%d", status);
	}
}

/* The folios of a chunk */

struct table_case {
	unsigned int entries;	/* that the table is made for */
	unsigned long first, step;
};

static const struct table_case table_cases[] = {
	{ 1, 0, 1 },
	{ 2, 0, 1 },
	{ 3, 0, 7 },
	{ CHUNK_ENTRIES - 1, 1, 1 },
	{ CHUNK_ENTRIES, 0, 1 },
	{ CHUNK_ENTRIES, 0, 512 },
	{ CHUNK_ENTRIES, ULONG_MAX - CHUNK_ENTRIES + 1, 1 },
};

static void table_case_desc(const struct table_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u entries, %lx and on by %lu",
		 c->entries, c->first, c->step);
}

KUNIT_ARRAY_PARAM(table, table_cases, table_case_desc);

/* However few buckets there are, a table can be filled, and all is found. */
static void table_full_test(struct kunit *test)
{
	const struct table_case *c = test->param_value;
	struct phys_table *table = &call_of(test)->table;
	int i;

	table->mask = roundup_pow_of_two(c->entries) - 1;
	table_reset(table);
	for (i = 0; i < CHUNK_ENTRIES; i++) {
		unsigned long pfn = c->first + i * c->step;

		KUNIT_ASSERT_NULL(test, table_find(table, pfn, 0));
		table_add(table, pfn, 0, i);
	}
	KUNIT_EXPECT_EQ(test, table->nr, CHUNK_ENTRIES);
	for (i = 0; i < CHUNK_ENTRIES; i++) {
		unsigned long pfn = c->first + i * c->step;
		struct phys_folio *pf = table_find(table, pfn, 0);

		KUNIT_ASSERT_NOT_NULL(test, pf);
		KUNIT_EXPECT_EQ(test, pf->status, i);
		KUNIT_EXPECT_EQ(test, pf->pfn, pfn);
		KUNIT_EXPECT_NULL(test, table_find(table, pfn, 1));
	}
	KUNIT_EXPECT_NULL(test, table_find(table, c->first - 1, 0));
	table_reset(table);
	KUNIT_EXPECT_NULL(test, table_find(table, c->first, 0));
}

/* Two chunks of the greatest size are known, and which of them is the former. */
static void table_turn_test(struct kunit *test)
{
	struct phys_table *table = &call_of(test)->table;
	unsigned long chunk, i;

	for (chunk = 0; chunk < 4; chunk++) {
		table_turn(table);
		for (i = 0; i < CHUNK_ENTRIES; i++)
			table_add(table, chunk * CHUNK_ENTRIES + i, 0, chunk);
		for (i = 0; i < (chunk + 1) * CHUNK_ENTRIES; i++) {
			struct phys_folio *pf = table_find(table, i, 0);

			if (i / CHUNK_ENTRIES + 1 < chunk) {
				KUNIT_EXPECT_NULL(test, pf);
				continue;
			}
			KUNIT_ASSERT_NOT_NULL(test, pf);
			KUNIT_EXPECT_EQ(test, pf->pfn, i);
			KUNIT_EXPECT_EQ(test, table_is_past(table, pf),
					i / CHUNK_ENTRIES < chunk);
		}
	}
}

/* What was a huge page may have become small ones, and the other way around. */
static void table_find_by_order_test(struct kunit *test)
{
	struct phys_table *table = &call_of(test)->table;

	table_add(table, 512, 0, 1);
	table_add(table, 512, 9, 2);
	KUNIT_EXPECT_EQ(test, table_find(table, 512, 0)->status, 1);
	KUNIT_EXPECT_EQ(test, table_find(table, 512, 9)->status, 2);
	KUNIT_EXPECT_NULL(test, table_find(table, 512, 4));
}

struct recall_case {
	unsigned long pfn, orders;
	int status;
};

#define ORDERS	(BIT(0) | BIT(4) | BIT(9) | BIT(18))

/* There are 0x200 and 0x40000 of order 9 and 18, 0x410 of 4, 0x800 of 0. */
static const struct recall_case recall_cases[] = {
	{ 0, ORDERS, NOT_FOUND },
	{ 1, ORDERS, NOT_FOUND },
	{ 0x1ff, ORDERS, NOT_FOUND },
	{ 0x200, ORDERS, 9 },
	{ 0x201, ORDERS, 9 },
	{ 0x3ff, ORDERS, 9 },
	{ 0x3ff, ORDERS & ~BIT(9), NOT_FOUND },
	{ 0x400, ORDERS, NOT_FOUND },
	{ 0x40f, ORDERS, NOT_FOUND },
	{ 0x410, BIT(4), 4 },
	{ 0x41f, ORDERS, 4 },
	{ 0x420, ORDERS, NOT_FOUND },
	{ 0x800, ORDERS, 0 },
	{ 0x801, ORDERS, NOT_FOUND },
	{ 0x800, 0, NOT_FOUND },
	{ 0x3ffff, ORDERS, NOT_FOUND },
	{ 0x40000, ORDERS, 18 },
	{ 0x7ffff, ORDERS, 18 },
	{ 0x80000, ORDERS, NOT_FOUND },
	{ 0x800 + BIT(BITS_PER_LONG - 1), ORDERS, NOT_FOUND },
	{ ULONG_MAX, ORDERS, NOT_FOUND },
	{ ULONG_MAX, ULONG_MAX, NOT_FOUND },
};

static void recall_case_desc(const struct recall_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "pfn %lx, orders %lx", c->pfn,
		 c->orders);
}

KUNIT_ARRAY_PARAM(recall, recall_cases, recall_case_desc);

static void table_recall_test(struct kunit *test)
{
	const struct recall_case *c = test->param_value;
	struct phys_table *table = &call_of(test)->table;
	struct phys_folio *pf;

	table_add(table, 0x200, 9, 9);
	table_add(table, 0x40000, 18, 18);
	table_add(table, 0x410, 4, 4);
	table_add(table, 0x800, 0, 0);
	pf = table_recall(table, c->pfn, c->orders);
	KUNIT_EXPECT_EQ(test, pf ? pf->status : NOT_FOUND, c->status);
}

/* Each frame of the last folio of its order leads to it. */
static void table_recall_at_the_end_test(struct kunit *test)
{
	struct phys_table *table = &call_of(test)->table;
	unsigned int order;

	for (order = 0; order <= 18; order++) {
		unsigned long first = MAX_PFN & ~(BIT(order) - 1);
		struct phys_folio *pf;

		table_reset(table);
		pf = table_add(table, first, order, 0);
		KUNIT_EXPECT_PTR_EQ(test, pf,
				    table_recall(table, first, BIT(order)));
		KUNIT_EXPECT_PTR_EQ(test, pf,
				    table_recall(table, MAX_PFN, BIT(order)));
		KUNIT_EXPECT_NULL(test, table_recall(table, first - 1,
						     BIT(order)));
	}
}

/* Duplicates in a chunk, in any order, are one folio. */
static void recall_duplicates_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct phys_folio *huge, *small;
	unsigned long pfn;

	call->orders = BIT(0) | BIT(9);
	huge = table_add(&call->table, 512, 9, 1);
	small = table_add(&call->table, 511, 0, 2);
	for (pfn = 1023; pfn >= 512; pfn--)
		KUNIT_EXPECT_PTR_EQ(test, recall_folio(call, pfn), huge);
	KUNIT_EXPECT_PTR_EQ(test, recall_folio(call, 511), small);
	KUNIT_EXPECT_NULL(test, recall_folio(call, 510));
	KUNIT_EXPECT_NULL(test, recall_folio(call, 1024));
	KUNIT_EXPECT_EQ(test, call->table.nr, 2U);
}

/* A huge page that moved is known as long as each chunk names it. */
static void recall_across_chunks_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct phys_folio *pf;
	int chunk;

	call->orders = BIT(0) | BIT(18);
	table_add(&call->table, BIT(18), 18, 3);
	for (chunk = 0; chunk < 8; chunk++) {
		table_turn(&call->table);
		pf = recall_folio(call, BIT(18) + chunk * CHUNK_ENTRIES);
		KUNIT_ASSERT_NOT_NULL(test, pf);
		KUNIT_EXPECT_EQ(test, pf->status, 3);
		KUNIT_EXPECT_PTR_EQ(test, recall_folio(call, BIT(19) - 1), pf);
		KUNIT_EXPECT_EQ(test, call->table.nr, 1U);
	}
	/* Chunks that meet no folio do not count. */
	table_turn(&call->table);
	table_turn(&call->table);
	KUNIT_EXPECT_NOT_NULL(test, table_recall(&call->table, BIT(18),
						 call->orders));
	table_add(&call->table, 0, 0, 1);
	table_turn(&call->table);
	KUNIT_EXPECT_NULL(test, recall_folio(call, BIT(18)));
}

/* What this chunk found out counts, not what an earlier one did. */
static void recall_prefers_this_chunk_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);

	call->orders = BIT(0);
	table_add(&call->table, 7, 0, -EBUSY);
	table_turn(&call->table);
	table_add(&call->table, 7, 0, 1);
	KUNIT_EXPECT_EQ(test, recall_folio(call, 7)->status, 1);

	/* Of whatever size either was */
	call->orders = BIT(0) | BIT(9);
	table_turn(&call->table);
	table_add(&call->table, 0, 9, 2);
	KUNIT_EXPECT_EQ(test, recall_folio(call, 7)->status, 2);
}

/* Taking a folio */

struct page_case {
	const char *name;
	unsigned int order;
	bool reserved, locked, mapped;
	int ret;
};

static const struct page_case page_cases[] = {
	{ "unmapped", .ret = -ENOENT },
	{ "migrating", .locked = true, .ret = 0 },
	{ "mapped", .mapped = true, .ret = 0 },
	{ "mapped and locked", .mapped = true, .locked = true, .ret = 0 },
	{ "large", .order = 2, .ret = 0 },
	{ "reserved", .reserved = true, .ret = -ENOENT },
	{ "reserved and locked", .reserved = true, .locked = true,
	  .ret = -ENOENT },
	{ "reserved and mapped", .reserved = true, .mapped = true,
	  .ret = -EFAULT },
};

static void page_case_desc(const struct page_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(page, page_cases, page_case_desc);

/* Who has memory that no process can map may set its count. */
static void page_get_folio_test(struct kunit *test)
{
	const struct page_case *c = test->param_value;
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, c->order);
	struct folio *folio;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (c->reserved)
		SetPageReserved(page);
	if (c->locked)
		folio_lock(page_folio(page));
	if (c->mapped)
		atomic_set(&page->_mapcount, 0);
	for (i = 0; i < BIT(c->order); i++) {
		KUNIT_EXPECT_EQ(test, page_get_folio(page + i, &folio), c->ret);
		KUNIT_EXPECT_EQ(test, page_count(page), c->ret ? 1 : 2);
		if (page_count(page) > 1)
			put_page(page);
	}
	if (c->mapped)
		atomic_set(&page->_mapcount, -1);
	if (c->locked)
		folio_unlock(page_folio(page));
	if (c->reserved)
		ClearPageReserved(page);
	__free_pages(page, c->order);
}

static void page_get_no_folio_test(struct kunit *test)
{
	struct page *zero = ZERO_PAGE(0);
	int count = page_count(zero);
	struct folio *folio;

	KUNIT_EXPECT_EQ(test, page_get_folio(zero, &folio), -EFAULT);
	KUNIT_EXPECT_EQ(test, page_count(zero), count);
	KUNIT_EXPECT_EQ(test, page_get_folio(NULL, &folio), -ENOENT);
}

/* Statuses */

struct settle_case {
	int status;
	bool counts;
};

static const struct settle_case settle_cases[] = {
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

static void settle_case_desc(const struct settle_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d", c->status);
}

KUNIT_ARRAY_PARAM(settle, settle_cases, settle_case_desc);

/* All entries of a folio report the same, and each of them counts. */
static void settle_entries_test(struct kunit *test)
{
	static const unsigned int counts[] = {
		0, 1, 2, CHUNK_ENTRIES - 1, CHUNK_ENTRIES,
	};
	const struct settle_case *c = test->param_value;
	struct phys_call *call = call_of(test);
	unsigned long failed = 0;
	unsigned int i, k;

	table_add(&call->table, 20, 0, c->status);
	for (k = 0; k < ARRAY_SIZE(counts); k++) {
		for (i = 0; i < CHUNK_ENTRIES; i++) {
			call->named[i] = 1;
			call->status[i] = INT_MIN;
		}
		settle_entries(call, counts[k]);
		failed += c->counts ? counts[k] : 0;
		for (i = 0; i < CHUNK_ENTRIES; i++)
			KUNIT_EXPECT_EQ(test, call->status[i],
					i < counts[k] ? c->status : INT_MIN);
		KUNIT_EXPECT_EQ(test, call->failed, failed);
	}
}

static void settle_entries_mixed_test(struct kunit *test)
{
	static const struct {
		u16 named;
		int status;
	} entries[] = {
		{ 0, -ENOENT },
		{ 1, 2 },
		{ 2, -EBUSY },
		{ 1, 2 },
		{ 3, -EACCES },
		{ 2, -EBUSY },
		{ 4, -ENOMEM },
		{ 0, -ENOENT },
	};
	struct phys_call *call = call_of(test);
	int i;

	table_add(&call->table, 10, 0, 2);
	table_add(&call->table, 20, 0, -EBUSY);
	table_add(&call->table, 30, 0, -EACCES);
	table_add(&call->table, 40, 0, -ENOMEM);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		call->status[i] = -ENOENT;
		call->named[i] = entries[i].named;
	}
	settle_entries(call, ARRAY_SIZE(entries));
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		KUNIT_EXPECT_EQ(test, call->status[i], entries[i].status);
	KUNIT_EXPECT_EQ(test, call->failed, 3UL);
}

/* What a piece of a huge page met, the whole of it reports. */
static void settle_piece_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	struct phys_folio *whole, *before;
	unsigned long pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = page_to_pfn(page);
	call->orders = BIT(0) | BIT(2);
	whole = table_add(&call->table, pfn, 2, 1);
	before = table_add(&call->table, pfn - 1, 0, 1);
	settle_folio(call, page_folio(page + 3), -EBUSY);
	KUNIT_EXPECT_EQ(test, whole->status, -EBUSY);
	KUNIT_EXPECT_EQ(test, before->status, 1);
	__free_pages(page, 2);
}

struct fits_case {
	unsigned int order;	/* of the folio */
	unsigned int no_room;	/* the order that was last refused */
	bool hugetlb;		/* and that was hugetlb */
	bool fits;
};

static const struct fits_case fits_cases[] = {
	{ 0, 0, false, false },
	{ 0, 1, false, true },
	{ 0, 9, false, true },
	{ 1, 0, false, false },
	{ 2, 1, false, false },
	{ 2, 2, false, false },
	{ 2, 3, false, true },
	{ 0, 9, true, true },
	{ 2, 2, true, true },
};

static void fits_case_desc(const struct fits_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "order %u, no room for %u%s",
		 c->order, c->no_room, c->hugetlb ? " of hugetlb" : "");
}

KUNIT_ARRAY_PARAM(fits, fits_cases, fits_case_desc);

static void folio_fits_test(struct kunit *test)
{
	const struct fits_case *c = test->param_value;
	const struct phys_target target = {
		.no_room = true,
		.order = c->no_room,
		.hugetlb = c->hugetlb,
	};
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_COMP, c->order);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, folio_fits(folio, &target), c->fits);
	folio_put(folio);
}

/* Verdicts */

struct mask_case {
	const char *name;
	bool all;	/* nodes of the mask, or else @nid only */
	int nid;
};

static const struct mask_case mask_cases[] = {
	{ "no node", false, NUMA_NO_NODE },
	{ "first node", false, 0 },
	{ "last node", false, MAX_NUMNODES - 1 },
	{ "all nodes", true, NUMA_NO_NODE },
};

static void mask_case_desc(const struct mask_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mask, mask_cases, mask_case_desc);

static struct mempolicy *mask_policy(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = kunit_kzalloc(test, sizeof(*pol), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pol);
	if (c->all)
		nodes_setall(pol->nodes);
	else if (c->nid != NUMA_NO_NODE)
		node_set(c->nid, pol->nodes);
	return pol;
}

/* Nothing but MPOL_BIND excludes a node: every other mode is a preference. */
static void policy_excludes_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = mask_policy(test);
	int nid;

	for (nid = 0; nid < MAX_NUMNODES; nid++) {
		bool outside = !c->all && nid != c->nid;

		for (pol->mode = 0; pol->mode < MPOL_MAX; pol->mode++)
			KUNIT_EXPECT_EQ_MSG(test, policy_excludes(pol, nid),
					    outside && pol->mode == MPOL_BIND,
					    "mode %d, node %d", pol->mode, nid);
		KUNIT_EXPECT_FALSE(test, policy_excludes(NULL, nid));
	}
}

/* The two reasons of a task, alone and together */
static void task_verdict_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mempolicy *pol = mask_policy(test), *own = current->mempolicy;
	/* All memory that there is; without cpusets, any node that may be. */
	nodemask_t mems = cpuset_mems_allowed(current);
	int nid;

	KUNIT_EXPECT_TRUE(test, nodes_subset(node_states[N_MEMORY], mems));
	pol->mode = MPOL_BIND;
	for (nid = 0; nid < MAX_NUMNODES; nid++) {
		unsigned int allowed, verdict;

		allowed = VERDICT_ALIVE |
			  (node_isset(nid, mems) ? 0 : VERDICT_REFUSED);
		task_lock(current);
		current->mempolicy = pol;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, task_verdict(current, nid, false),
				    allowed, "node %d", nid);
		verdict = task_verdict(current, nid, true);
		task_lock(current);
		current->mempolicy = own;
		task_unlock(current);
		KUNIT_EXPECT_EQ_MSG(test, verdict,
				    allowed | (c->all || nid == c->nid ?
					       0 : VERDICT_UNBOUND),
				    "node %d", nid);
	}
}

/* One answer to an address space and a node serves until it is forgotten. */
static void mm_verdict_is_remembered_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct mm_struct *mm = mm_alloc();
	const int same_slot = 5 + call->verdicts;
	struct mm_verdict *slot;
	int grabbed;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	grabbed = atomic_read(&mm->mm_count);

	/* No task uses it, and so nobody objects. */
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 5), 0U);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), grabbed + 1);
	for (slot = call->verdict; slot->mm != mm; slot++)
		;
	slot->verdict = VERDICT_REFUSED;
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 5), VERDICT_REFUSED);
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 6), 0U);
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 5), VERDICT_REFUSED);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), grabbed + 2);

	/* Who takes the slot has no part of its verdict. */
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, same_slot), 0U);
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 5), 0U);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), grabbed + 2);

	slot->verdict = VERDICT_REFUSED;
	forget_verdicts(call);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), grabbed);
	KUNIT_EXPECT_EQ(test, mm_verdict(call, mm, 5), 0U);
	forget_verdicts(call);
	mmput(mm);
}

static struct kunit_case migrate_phys_cases[] = {
	KUNIT_CASE(address_to_pfn_test),
	KUNIT_CASE(node_has_memory_test),
	KUNIT_CASE(status_is_failure_test),
	KUNIT_CASE_PARAM(table_full_test, table_gen_params),
	KUNIT_CASE(table_turn_test),
	KUNIT_CASE(table_find_by_order_test),
	KUNIT_CASE_PARAM(table_recall_test, recall_gen_params),
	KUNIT_CASE(table_recall_at_the_end_test),
	KUNIT_CASE(recall_duplicates_test),
	KUNIT_CASE(recall_across_chunks_test),
	KUNIT_CASE(recall_prefers_this_chunk_test),
	KUNIT_CASE_PARAM(page_get_folio_test, page_gen_params),
	KUNIT_CASE(page_get_no_folio_test),
	KUNIT_CASE_PARAM(settle_entries_test, settle_gen_params),
	KUNIT_CASE(settle_entries_mixed_test),
	KUNIT_CASE(settle_piece_test),
	KUNIT_CASE_PARAM(folio_fits_test, fits_gen_params),
	KUNIT_CASE_PARAM(policy_excludes_test, mask_gen_params),
	KUNIT_CASE_PARAM(task_verdict_test, mask_gen_params),
	KUNIT_CASE(mm_verdict_is_remembered_test),
	{}
};

static int migrate_phys_init(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	if (!call || open_call(call, CHUNK_ENTRIES, NULL, 0))
		return -ENOMEM;
	test->priv = call;
	return 0;
}

static void migrate_phys_exit(struct kunit *test)
{
	kvfree(call_of(test)->room);
}

static struct kunit_suite migrate_phys_suite = {
	.name = "migrate_phys",
	.init = migrate_phys_init,
	.exit = migrate_phys_exit,
	.test_cases = migrate_phys_cases,
};

kunit_test_suite(migrate_phys_suite);
