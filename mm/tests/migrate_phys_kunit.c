// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the call's tables and statuses. This file is included at the
 * end of mm/migrate_phys.c, so that it reaches the static functions there.
 */
#include <kunit/test.h>

#include "migrate_phys_kunit.h"

#define MAX_PFN		((unsigned long)(BIT_ULL(MAX_PHYSMEM_BITS - PAGE_SHIFT) - 1))
#define NOT_FOUND	-1

static struct phys_call *call_of(struct kunit *test)
{
	return test->priv;
}

static struct phys_record *lookup(const struct phys_records *records,
				  unsigned long pfn, unsigned int order)
{
	return search_bucket(records, hash_long(pfn, records->bits), pfn,
			     order);
}

static void forget_records(struct phys_records *records)
{
	memset(records->bucket, 0, sizeof(u16) << records->bits);
	records->nr = 0;
	records->orders = 0;
}

/* Nodes and statuses */

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

/* Check every possible status. */
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

/* The records of a chunk's folios */

struct records_case {
	unsigned int entries;	/* for which the number of buckets is chosen */
	unsigned long first, step;
};

static const struct records_case records_cases[] = {
	{ 1, 0, 1 },
	{ 2, 0, 1 },
	{ 3, 0, 7 },
	{ PHYS_CHUNK - 1, 1, 1 },
	{ PHYS_CHUNK, 0, 1 },
	{ PHYS_CHUNK, 0, 512 },
	{ PHYS_CHUNK, ULONG_MAX - PHYS_CHUNK + 1, 1 },
};

static void records_case_desc(const struct records_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u entries, %lx and on by %lu",
		 c->entries, c->first, c->step);
}

KUNIT_ARRAY_PARAM(records, records_cases, records_case_desc);

/* All records are found, however few buckets there are. */
static void records_full_test(struct kunit *test)
{
	const struct records_case *c = test->param_value;
	struct phys_records *records = &call_of(test)->records;
	int i;

	records->bits = ilog2(c->entries) + 1;
	for (i = 0; i < PHYS_CHUNK; i++) {
		unsigned long pfn = c->first + i * c->step;

		KUNIT_ASSERT_NULL(test, lookup(records, pfn, 0));
		add_record(records, pfn, 0, i);
	}
	KUNIT_EXPECT_EQ(test, records->nr, PHYS_CHUNK);
	KUNIT_EXPECT_EQ(test, records->orders, BIT(0));
	for (i = 0; i < PHYS_CHUNK; i++) {
		unsigned long pfn = c->first + i * c->step;
		struct phys_record *record = lookup(records, pfn, 0);

		KUNIT_ASSERT_NOT_NULL(test, record);
		KUNIT_EXPECT_EQ(test, record->status, i);
		KUNIT_EXPECT_EQ(test, record->pfn, pfn);
		KUNIT_EXPECT_NULL(test, lookup(records, pfn, 1));
	}
	KUNIT_EXPECT_NULL(test, lookup(records, c->first - 1, 0));
	forget_records(records);
	KUNIT_EXPECT_NULL(test, lookup(records, c->first, 0));
}

/*
 * The records of this chunk and of the chunk before are found, each in its own
 * table, also if both chunks have the maximum size.
 */
static void next_records_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	unsigned long chunk, i;

	for (chunk = 0; chunk < 4; chunk++) {
		next_records(call);
		for (i = 0; i < PHYS_CHUNK; i++)
			add_record(&call->records, chunk * PHYS_CHUNK + i, 0, chunk);
		for (i = 0; i < (chunk + 1) * PHYS_CHUNK; i++) {
			struct phys_record *record = lookup(&call->records, i, 0);
			struct phys_record *prev = lookup(&call->prev_records, i, 0);

			KUNIT_EXPECT_EQ(test, !!record, i / PHYS_CHUNK == chunk);
			KUNIT_EXPECT_EQ(test, !!prev,
					i / PHYS_CHUNK + 1 == chunk);
			if (record)
				KUNIT_EXPECT_EQ(test, record->pfn, i);
			if (prev)
				KUNIT_EXPECT_EQ(test, prev->pfn, i);
		}
	}
}

/*
 * Folios of different orders may start at the same frame during a call, because
 * a huge page may be split, and small pages may become a huge page.
 */
static void record_by_order_test(struct kunit *test)
{
	struct phys_records *records = &call_of(test)->records;

	add_record(records, 512, 0, 1);
	add_record(records, 512, 9, 2);
	KUNIT_EXPECT_EQ(test, lookup(records, 512, 0)->status, 1);
	KUNIT_EXPECT_EQ(test, lookup(records, 512, 9)->status, 2);
	KUNIT_EXPECT_NULL(test, lookup(records, 512, 4));
	KUNIT_EXPECT_EQ(test, records->orders, BIT(0) | BIT(9));
}

/* Any frame of a folio leads to its record, and no frame beside it does. */
static void phys_find_record_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	unsigned int order;

	for (order = 0; order <= 18; order++) {
		unsigned long first = 3UL << order, last = (4UL << order) - 1;
		struct phys_record *record;

		forget_records(&call->records);
		record = add_record(&call->records, first, order, 0);
		KUNIT_EXPECT_PTR_EQ(test, record,
				    phys_find_record(call, first, order));
		KUNIT_EXPECT_PTR_EQ(test, record,
				    phys_find_record(call, last, order));
		KUNIT_EXPECT_PTR_EQ(test, record,
				    phys_find_record(call, (first + last) / 2,
						     order));
		KUNIT_EXPECT_NULL(test, phys_find_record(call, first - 1, order));
		KUNIT_EXPECT_NULL(test, phys_find_record(call, last + 1, order));
		KUNIT_EXPECT_NULL(test, phys_find_record(call, first, order + 1));
	}
}

struct find_case {
	unsigned long pfn, orders;
	int status;
};

#define ORDERS	(BIT(0) | BIT(4) | BIT(9) | BIT(18))

/*
 * find_record_test() adds records of order 9 at 0x200, 18 at 0x40000, 4 at
 * 0x410, and 0 at 0x800.
 */
static const struct find_case find_cases[] = {
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

static void find_case_desc(const struct find_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "pfn %lx, orders %lx", c->pfn,
		 c->orders);
}

KUNIT_ARRAY_PARAM(find, find_cases, find_case_desc);

static void find_record_test(struct kunit *test)
{
	const struct find_case *c = test->param_value;
	struct phys_call *call = call_of(test);
	struct phys_record *record;

	add_record(&call->records, 0x200, 9, 9);
	add_record(&call->records, 0x40000, 18, 18);
	add_record(&call->records, 0x410, 4, 4);
	add_record(&call->records, 0x800, 0, 0);
	call->records.orders = c->orders;
	record = find_or_copy_record(call, c->pfn);
	KUNIT_EXPECT_EQ(test, record ? record->status : NOT_FOUND, c->status);
	KUNIT_EXPECT_EQ(test, call->records.nr, 4U);
}

/*
 * The first and the last frame of the last folio of each order lead to its
 * record.
 */
static void find_record_at_the_end_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	unsigned int order;

	for (order = 0; order <= 18; order++) {
		unsigned long first = MAX_PFN & ~(BIT(order) - 1);
		struct phys_record *record;

		forget_records(&call->records);
		record = add_record(&call->records, first, order, 0);
		KUNIT_EXPECT_PTR_EQ(test, record, find_or_copy_record(call, first));
		KUNIT_EXPECT_PTR_EQ(test, record, find_or_copy_record(call, MAX_PFN));
		KUNIT_EXPECT_NULL(test, find_or_copy_record(call, first - 1));
	}
}

/* The entries of a chunk for one folio share one record, whatever their sequence. */
static void find_duplicates_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct phys_record *huge, *small;
	unsigned long pfn;

	huge = add_record(&call->records, 512, 9, 1);
	small = add_record(&call->records, 511, 0, 2);
	for (pfn = 1023; pfn >= 512; pfn--)
		KUNIT_EXPECT_PTR_EQ(test, find_or_copy_record(call, pfn), huge);
	KUNIT_EXPECT_PTR_EQ(test, find_or_copy_record(call, 511), small);
	KUNIT_EXPECT_NULL(test, find_or_copy_record(call, 510));
	KUNIT_EXPECT_NULL(test, find_or_copy_record(call, 1024));
	KUNIT_EXPECT_EQ(test, call->records.nr, 2U);
}

/*
 * The record of a huge page is kept as long as each chunk has an entry for that
 * page.
 */
static void find_across_chunks_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct phys_record *record;
	int chunk;

	add_record(&call->records, BIT(18), 18, 3);
	add_record(&call->records, 0, 0, 1);
	for (chunk = 0; chunk < 8; chunk++) {
		next_records(call);
		record = find_or_copy_record(call, BIT(18) + chunk * PHYS_CHUNK);
		KUNIT_ASSERT_NOT_NULL(test, record);
		KUNIT_EXPECT_EQ(test, record->status, 3);
		KUNIT_EXPECT_PTR_EQ(test, find_or_copy_record(call, BIT(19) - 1), record);
		KUNIT_EXPECT_EQ(test, call->records.nr, 1U);
	}
	/*
	 * A chunk without folios does not replace the records of the chunk
	 * before.
	 */
	next_records(call);
	next_records(call);
	KUNIT_EXPECT_NOT_NULL(test, lookup(&call->prev_records, BIT(18), 18));
	add_record(&call->records, 0, 0, 1);
	next_records(call);
	KUNIT_EXPECT_NULL(test, find_or_copy_record(call, BIT(18)));
}

/* A record of this chunk is found rather than one of the chunk before. */
static void find_prefers_this_chunk_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);

	add_record(&call->records, 7, 0, -EBUSY);
	next_records(call);
	add_record(&call->records, 7, 0, 1);
	KUNIT_EXPECT_EQ(test, find_or_copy_record(call, 7)->status, 1);

	/* The order of either folio does not matter. */
	next_records(call);
	add_record(&call->records, 0, 9, 2);
	KUNIT_EXPECT_EQ(test, find_or_copy_record(call, 7)->status, 2);
}

/* A small folio of the chunk before is found although that chunk had a large one. */
static void find_small_beside_large_test(struct kunit *test)
{
	struct phys_call *call = call_of(test);
	struct phys_record *record;

	add_record(&call->records, 7, 0, 1);
	add_record(&call->records, BIT(18), 18, 2);
	next_records(call);
	record = find_or_copy_record(call, 7);
	KUNIT_ASSERT_NOT_NULL(test, record);
	KUNIT_EXPECT_EQ(test, record->status, 1);
	KUNIT_EXPECT_EQ(test, record->order, 0);
}

/* The end of a chunk */

/*
 * A folio that is on no LRU list is deferred when the batch is moved. So the
 * batch must be moved before the last look, which finds that no process maps
 * this folio.
 */
static void finish_folios_test(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct phys_call *call = call_of(test);
	struct phys_record *record;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	record = add_record(&call->records, folio_pfn(folio), 0, folio_nid(folio));
	folio_get(folio);
	add_to_batch(call, folio, record);
	KUNIT_EXPECT_EQ(test, finish_folios(call), 0);
	KUNIT_EXPECT_EQ(test, record->status, -ENOENT);
	KUNIT_EXPECT_EQ(test, call->batch.nr_pages, 0U);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

/* A fatal signal ends the call before the second look. */
static void finish_killed_test(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct phys_call *call = call_of(test);
	struct phys_record *record;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	record = add_record(&call->records, folio_pfn(folio), 0, folio_nid(folio));
	phys_defer_record(call, record);
	set_fatal_signal(true);
	err = finish_folios(call);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, err, -EINTR);
	KUNIT_EXPECT_EQ(test, record->status, folio_nid(folio));
	folio_put(folio);
}

/* Folios that seem to be mapped */

/**
 * struct file_folios - folios of a file that has no VMAs
 * @mapping: the file
 * @nid: a node with memory, but not that of the folios
 * @folio: the folios, each with a reference of the test
 */
struct file_folios {
	struct address_space mapping;
	int nid;
	struct folio *folio[PHYS_CHUNK];
};

static const struct address_space_operations no_operations = { };

/*
 * Make folios of a file, and fill the table of results for whole reverse maps, so
 * that the folios may move without a walk of their reverse map.
 */
static struct file_folios *make_folios(struct kunit *test, unsigned int nr)
{
	struct phys_call *call = call_of(test);
	struct file_folios *file;
	struct page *page;
	unsigned int i;

	if (next_memory_node(first_memory_node) == MAX_NUMNODES)
		kunit_skip(test, "needs two nodes with memory");
	file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, file);
	address_space_init_once(&file->mapping);
	file->mapping.a_ops = &no_operations;
	file->nid = next_memory_node(first_memory_node);
	for (i = 0; i < nr; i++) {
		page = alloc_pages_node(first_memory_node,
					GFP_KERNEL | __GFP_THISNODE, 0);
		KUNIT_ASSERT_NOT_NULL(test, page);
		file->folio[i] = page_folio(page);
		file->folio[i]->mapping = &file->mapping;
		folio_mark_uptodate(file->folio[i]);
		atomic_set(&page->_mapcount, 0);
	}
	for (i = 0; i < BIT(call->batch.rmap_bits); i++)
		call->batch.rmap[i] = (struct phys_rmap) {
			.mapping = &file->mapping,
			.nid = file->nid,
			.witness = file->folio[0],
		};
	return file;
}

static void free_folios(struct file_folios *file, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		file->folio[i]->mapping = NULL;
		atomic_set(&file->folio[i]->_mapcount, -1);
		folio_clear_uptodate(file->folio[i]);
		folio_clear_dirty(file->folio[i]);
		folio_put(file->folio[i]);
	}
}

struct chunk_case {
	const char *name;
	unsigned int waiting;	/* initial nr_pages of the batch, though it is empty */
	bool killed;
	int status[2];
};

static const struct chunk_case chunk_cases[] = {
	{ "empty batch", 0, false, { -EBUSY, -EBUSY } },
	{ "full after two folios", PHYS_CHUNK - 2, false, { -EBUSY, -EBUSY } },
	{ "full after one folio", PHYS_CHUNK - 1, false, { -EBUSY, -EINVAL } },
	{ "fatal signal", PHYS_CHUNK - 1, true },
};

static void chunk_case_desc(const struct chunk_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(chunk, chunk_cases, chunk_case_desc);

/*
 * The batch is moved, and the results for whole reverse maps are dropped, once 512
 * pages wait or the chunk ends. The folios are not on an LRU list, so none moves.
 * A folio without a result needs a walk of its reverse map, and is then refused
 * because its filesystem cannot migrate it.
 */
static void move_chunk_test(struct kunit *test)
{
	struct file_folios *file = make_folios(test, 3);
	const struct chunk_case *c = test->param_value;
	struct phys_call *call = call_of(test);
	struct mm_struct *mm = mm_alloc();
	unsigned int i;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, phys_add_mm_slot(&call->mm_slots, mm, file->nid), 0);
	/* The third entry is beyond the end of the chunk. */
	for (i = 0; i < 3; i++) {
		folio_set_dirty(file->folio[i]);
		call->chunk.addr[i] = PFN_PHYS(folio_pfn(file->folio[i]));
		call->chunk.node[i] = file->nid;
	}
	call->chunk.nr = 2;
	call->batch.nr_pages = c->waiting;
	call->batch.next_drain = ULONG_MAX;
	set_fatal_signal(c->killed);
	err = move_chunk(call);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, err, c->killed ? -EINTR : 0);
	KUNIT_EXPECT_EQ(test, call->records.nr, c->killed ? 1U : 2U);
	KUNIT_EXPECT_EQ(test, call->failed, c->killed ? 0UL : 2UL);
	for (i = 0; i < 2 && !c->killed; i++)
		KUNIT_EXPECT_EQ(test, call->chunk.status[i], c->status[i]);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, folio_ref_count(file->folio[i]), 1);
	KUNIT_EXPECT_EQ(test, call->batch.nr_pages, 0U);
	KUNIT_EXPECT_EQ(test, call->mm_slots.nr, 0U);
	free_folios(file, 3);
	mmput(mm);
}

/*
 * No result for a whole reverse map outlives the chunk, because the reference on
 * its witness does not.
 */
static void chunk_without_folios_test(struct kunit *test)
{
	struct file_folios *file = make_folios(test, 1);
	struct phys_call *call = call_of(test);
	unsigned int i;

	call->chunk.addr[0] = U64_MAX;
	call->chunk.node[0] = file->nid;
	call->chunk.nr = 1;
	KUNIT_EXPECT_EQ(test, move_chunk(call), 0);
	KUNIT_EXPECT_EQ(test, call->chunk.status[0], -ENOENT);
	for (i = 0; i < BIT(call->batch.rmap_bits); i++)
		KUNIT_EXPECT_NULL(test, call->batch.rmap[i].witness);
	free_folios(file, 1);
}

/* A locked folio is busy, unless it is on its target node already. */
static void look_at_folio_test(struct kunit *test)
{
	struct file_folios *file = make_folios(test, 1);
	struct phys_call *call = call_of(test);
	struct folio *folio = file->folio[0];
	struct phys_record *record;

	record = add_record(&call->records, folio_pfn(folio), 0, folio_nid(folio));
	folio_lock(folio);
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, look_at_folio(call, folio, record), 0);
	KUNIT_EXPECT_EQ(test, record->status, folio_nid(folio));
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);

	record->status = file->nid;
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, look_at_folio(call, folio, record), 0);
	KUNIT_EXPECT_EQ(test, record->status, -EBUSY);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_unlock(folio);
	KUNIT_EXPECT_EQ(test, call->batch.nr_pages, 0U);
	free_folios(file, 1);
}

/* The second look, too, moves a batch when it is full, and not before. */
static void full_batch_at_last_look_test(struct kunit *test)
{
	struct file_folios *file = make_folios(test, PHYS_CHUNK);
	struct phys_call *call = call_of(test);
	struct phys_record *record;
	unsigned int i;

	for (i = 0; i < PHYS_CHUNK; i++) {
		folio_set_dirty(file->folio[i]);
		record = add_record(&call->records, folio_pfn(file->folio[i]), 0,
				    file->nid);
		phys_defer_record(call, record);
	}
	KUNIT_EXPECT_EQ(test, finish_folios(call), 0);
	KUNIT_EXPECT_EQ(test, call->batch.nr_pages, 0U);
	KUNIT_EXPECT_NULL(test, call->batch.waiting);
	phys_move_batch(call);
	for (i = 0; i < PHYS_CHUNK; i++) {
		KUNIT_EXPECT_EQ(test, call->records.record[i].status, -EBUSY);
		KUNIT_EXPECT_EQ(test, folio_ref_count(file->folio[i]), 1);
	}
	free_folios(file, PHYS_CHUNK);
}

/* At the second look, the frame of a record may be in another folio. */
static void look_again_test(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_COMP, 2);
	struct phys_call *call = call_of(test);
	static const struct {
		unsigned int page, order;
		int status;
	} records[] = {
		{ 0, 0, -EBUSY },
		{ 0, 1, -EBUSY },
		{ 0, 3, -EBUSY },
		{ 1, 0, -EBUSY },
		{ 2, 1, -EBUSY },
		/* This record is for the folio, which no process maps. */
		{ 0, 2, -ENOENT },
	};
	struct phys_record *record;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		record = add_record(&call->records, folio_pfn(folio) + records[i].page,
				    records[i].order, 1);
		KUNIT_EXPECT_EQ(test, look_again(call, record), 0);
		KUNIT_EXPECT_EQ_MSG(test, record->status, records[i].status,
				    "page %u, order %u", records[i].page,
				    records[i].order);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	}
	/* There is no folio any more. */
	record = add_record(&call->records, -1UL, 0, 1);
	KUNIT_EXPECT_EQ(test, look_again(call, record), 0);
	KUNIT_EXPECT_EQ(test, record->status, -ENOENT);
	folio_put(folio);
}

/* The statuses of entries */

struct status_case {
	int status;
	bool counts;
};

static const struct status_case status_cases[] = {
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

static void status_case_desc(const struct status_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d", c->status);
}

KUNIT_ARRAY_PARAM(status, status_cases, status_case_desc);

/* All entries of a folio report the same, and each of them counts. */
static void set_statuses_test(struct kunit *test)
{
	static const unsigned int counts[] = {
		0, 1, 2, PHYS_CHUNK - 1, PHYS_CHUNK,
	};
	const struct status_case *c = test->param_value;
	struct phys_call *call = call_of(test);
	unsigned long failed = 0;
	unsigned int i, k;

	add_record(&call->records, 20, 0, c->status);
	for (k = 0; k < ARRAY_SIZE(counts); k++) {
		for (i = 0; i < PHYS_CHUNK; i++) {
			call->chunk.status[i] = i < counts[k] ?
						RECORD_STATUS(0) : INT_MIN;
		}
		call->chunk.nr = counts[k];
		set_statuses(call);
		failed += c->counts ? counts[k] : 0;
		for (i = 0; i < PHYS_CHUNK; i++)
			KUNIT_EXPECT_EQ(test, call->chunk.status[i],
					i < counts[k] ? c->status : INT_MIN);
		KUNIT_EXPECT_EQ(test, call->failed, failed);
	}
}

static void set_mixed_statuses_test(struct kunit *test)
{
	static const struct {
		int before, after;
	} entries[] = {
		{ -ENOENT, -ENOENT },
		{ RECORD_STATUS(0), 2 },
		{ RECORD_STATUS(1), -EBUSY },
		{ RECORD_STATUS(0), 2 },
		{ RECORD_STATUS(2), -EACCES },
		{ RECORD_STATUS(1), -EBUSY },
		{ RECORD_STATUS(3), -ENOMEM },
		{ -EFAULT, -EFAULT },
		{ 0, 0 },
		{ MAX_NUMNODES - 1, MAX_NUMNODES - 1 },
		{ -MAX_ERRNO, -MAX_ERRNO },
	};
	struct phys_call *call = call_of(test);
	int i;

	add_record(&call->records, 10, 0, 2);
	add_record(&call->records, 20, 0, -EBUSY);
	add_record(&call->records, 30, 0, -EACCES);
	add_record(&call->records, 40, 0, -ENOMEM);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		call->chunk.status[i] = entries[i].before;
	call->chunk.nr = ARRAY_SIZE(entries);
	set_statuses(call);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		KUNIT_EXPECT_EQ(test, call->chunk.status[i], entries[i].after);
	KUNIT_EXPECT_EQ(test, call->failed, 3UL);
}

/* The memory of a call */

struct table {
	const char *name;
	void *start;
	size_t size;
	size_t align;
};

#define TABLE(_start, _nr)						\
	{ #_start, _start, (_nr) * sizeof((_start)[0]),			\
	  __alignof__(typeof((_start)[0])) }

static void expect_tables(struct kunit *test, const struct phys_call *call,
			  unsigned int entries, void *room, void *end)
{
	const struct table tables[] = {
		TABLE(call->records.bucket, 1UL << call->records.bits),
		TABLE(call->records.record, entries),
		TABLE(call->prev_records.bucket, 1UL << call->prev_records.bits),
		TABLE(call->prev_records.record, entries),
		TABLE(call->mm_slots.bucket, 1UL << call->mm_slots.bits),
		TABLE(call->mm_slots.slot, 1UL << call->mm_slots.bits),
		TABLE(call->batch.rmap, 1UL << call->batch.rmap_bits),
		TABLE(call->batch.target, entries),
		TABLE(call->chunk.addr, entries),
		TABLE(call->chunk.node, entries),
		TABLE(call->chunk.status, entries),
	};
	int i, k;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct table *t = &tables[i];

		KUNIT_EXPECT_TRUE_MSG(test, t->start >= room &&
				      t->start + t->size <= end,
				      "%s of %u entries is outside", t->name,
				      entries);
		KUNIT_EXPECT_TRUE_MSG(test, IS_ALIGNED((unsigned long)t->start,
						       t->align),
				      "%s of %u entries is at %p", t->name,
				      entries, t->start);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_TRUE_MSG(test, t->start >= tables[k].start +
					      tables[k].size ||
					      t->start + t->size <= tables[k].start,
					      "%s and %s of %u entries overlap",
					      t->name, tables[k].name, entries);
	}
}

/* The caller's buffer, on the stack, is aligned to 8 bytes, and to no more. */
static void lay_out_tables_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	void *room = (void *)(PAGE_SIZE + sizeof(u64));
	unsigned int entries;

	KUNIT_ASSERT_NOT_NULL(test, call);
	for (entries = 1; entries <= PHYS_CHUNK; entries++) {
		void *end = lay_out_tables(call, entries, room);

		expect_tables(test, call, entries, room, end);
		KUNIT_EXPECT_EQ(test, call->records.bits, call->prev_records.bits);
		KUNIT_EXPECT_LE(test, entries, BIT(call->records.bits));
		KUNIT_EXPECT_GE(test, call->batch.rmap_bits, 1U);
	}
}

/*
 * Memory is allocated only for calls whose tables do not fit in the caller's
 * buffer.
 */
static void make_tables_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	void *buffer = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int entries;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	for (entries = 1; entries <= PHYS_CHUNK; entries++) {
		size_t needed = lay_out_tables(call, entries, buffer) - buffer;

		call->tables = NULL;
		if (needed <= PAGE_SIZE) {
			KUNIT_EXPECT_EQ(test, make_tables(call, entries, buffer,
							  needed), 0);
			KUNIT_EXPECT_NULL(test, call->tables);
			expect_tables(test, call, entries, buffer,
				      buffer + needed);
		}
		KUNIT_ASSERT_EQ(test, make_tables(call, entries, buffer,
						  needed - 1), 0);
		KUNIT_EXPECT_NOT_NULL(test, call->tables);
		expect_tables(test, call, entries, call->tables,
			      call->tables + needed);
		kvfree(call->tables);
	}
}

/* The arrays of the caller */

/* An address that is in no VMA */
#define BAD_ADDRESS	sizeof(u64)

static void check_nodes_test(struct kunit *test)
{
	const unsigned long mem = make_user_memory(test, 1);
	int __user *nodes = (int __user *)(mem + PAGE_SIZE) - 1;
	int __user *bad = (int __user *)BAD_ADDRESS;
	struct phys_call *call = call_of(test);
	int err;

	/*
	 * The memory ends after one node. call->chunk.node[1] is left over from an
	 * earlier chunk, so check_nodes() must not check it.
	 */
	KUNIT_ASSERT_EQ(test, put_user(first_memory_node, nodes), 0);
	call->chunk.node[1] = -1;
	KUNIT_EXPECT_EQ(test, check_nodes(call, 1, nodes), 0);
	KUNIT_EXPECT_EQ(test, check_nodes(call, 2, nodes), -EFAULT);
	KUNIT_EXPECT_EQ(test, check_nodes(call, 1, bad), -EFAULT);
	set_fatal_signal(true);
	err = check_nodes(call, 1, nodes);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, err, -EINTR);

	KUNIT_ASSERT_EQ(test, put_user(MAX_NUMNODES, nodes), 0);
	KUNIT_EXPECT_EQ(test, check_nodes(call, 1, nodes), -ENODEV);
	free_user_memory();
}

static void do_chunk_test(struct kunit *test)
{
	const unsigned long mem = make_user_memory(test, 1);
	u64 __user *pages = (u64 __user *)mem;
	int __user *nodes = (int __user *)(pages + 1), *status = nodes + 1;
	void __user *bad = (void __user *)BAD_ADDRESS;
	struct phys_call *call = call_of(test);
	int said;

	KUNIT_ASSERT_EQ(test, put_user(U64_MAX, pages), 0);
	KUNIT_ASSERT_EQ(test, put_user(first_memory_node, nodes), 0);
	KUNIT_ASSERT_EQ(test, put_user(INT_MIN, status), 0);
	call->chunk.nr = 1;
	KUNIT_EXPECT_EQ(test, do_chunk(call, bad, NULL, status), -EFAULT);
	KUNIT_EXPECT_EQ(test, do_chunk(call, bad, nodes, status), -EFAULT);
	KUNIT_EXPECT_EQ(test, do_chunk(call, pages, bad, status), -EFAULT);
	KUNIT_EXPECT_EQ(test, do_chunk(call, pages, NULL, bad), -EFAULT);
	KUNIT_EXPECT_EQ(test, do_chunk(call, pages, nodes, bad), -EFAULT);
	KUNIT_ASSERT_EQ(test, get_user(said, status), 0);
	KUNIT_EXPECT_EQ(test, said, INT_MIN);

	KUNIT_EXPECT_EQ(test, do_chunk(call, pages, NULL, status), 0);
	KUNIT_ASSERT_EQ(test, get_user(said, status), 0);
	KUNIT_EXPECT_EQ(test, said, -ENOENT);
	KUNIT_ASSERT_EQ(test, put_user(INT_MIN, status), 0);
	KUNIT_EXPECT_EQ(test, do_chunk(call, pages, nodes, status), 0);
	KUNIT_ASSERT_EQ(test, get_user(said, status), 0);
	KUNIT_EXPECT_EQ(test, said, -ENOENT);
	free_user_memory();
}

static struct kunit_case migrate_phys_cases[] = {
	KUNIT_CASE(node_has_memory_test),
	KUNIT_CASE(status_is_failure_test),
	KUNIT_CASE_PARAM(records_full_test, records_gen_params),
	KUNIT_CASE(next_records_test),
	KUNIT_CASE(record_by_order_test),
	KUNIT_CASE(phys_find_record_test),
	KUNIT_CASE_PARAM(find_record_test, find_gen_params),
	KUNIT_CASE(find_record_at_the_end_test),
	KUNIT_CASE(find_duplicates_test),
	KUNIT_CASE(find_across_chunks_test),
	KUNIT_CASE(find_prefers_this_chunk_test),
	KUNIT_CASE(find_small_beside_large_test),
	KUNIT_CASE(finish_folios_test),
	KUNIT_CASE(finish_killed_test),
	KUNIT_CASE_PARAM(move_chunk_test, chunk_gen_params),
	KUNIT_CASE(chunk_without_folios_test),
	KUNIT_CASE(look_at_folio_test),
	KUNIT_CASE(full_batch_at_last_look_test),
	KUNIT_CASE(look_again_test),
	KUNIT_CASE_PARAM(set_statuses_test, status_gen_params),
	KUNIT_CASE(set_mixed_statuses_test),
	KUNIT_CASE(lay_out_tables_test),
	KUNIT_CASE(make_tables_test),
	KUNIT_CASE(check_nodes_test),
	KUNIT_CASE(do_chunk_test),
	{}
};

static int migrate_phys_init(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	if (!call || make_tables(call, PHYS_CHUNK, NULL, 0))
		return -ENOMEM;
	test->priv = call;
	return 0;
}

static void migrate_phys_exit(struct kunit *test)
{
	kvfree(call_of(test)->tables);
}

static struct kunit_suite migrate_phys_suite = {
	.name = "migrate_phys",
	.init = migrate_phys_init,
	.exit = migrate_phys_exit,
	.test_cases = migrate_phys_cases,
};

kunit_test_suite(migrate_phys_suite);
