// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of busy folios, and of the answers for whole reverse maps. This
 * file is included at the end of mm/migrate_phys_check.c, so that it reaches
 * the static functions there.
 */
#include <kunit/test.h>

/* folio->mapping of an anonymous folio, but of no real anon_vma */
#define ANON_MAPPING	((struct address_space *)1UL)

static struct folio *test_folio(struct kunit *test, unsigned int order)
{
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_COMP, order);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	return folio;
}

static void free_folio(struct folio *folio)
{
	folio_clear_lru(folio);
	folio->mapping = NULL;
	atomic_set(&folio->_mapcount, -1);
	folio_ref_sub(folio, folio_ref_count(folio) - 1);
	folio_put(folio);
}

/* Drains */

struct drain_case {
	const char *name;
	bool anon;
	int mapped;
	int refs;	/* all references, including the test's */
	bool lru;
	bool waits;
};

static const struct drain_case drain_cases[] = {
	{ "anonymous", true, 1, 2, true, false },
	{ "anonymous, in a batch", true, 1, 3, true, true },
	{ "anonymous, not on its LRU list", true, 1, 2, false, true },
	{ "anonymous, shared", true, 5, 6, true, false },
	{ "anonymous, shared, in a batch", true, 5, 7, true, true },
	{ "file", false, 1, 3, true, false },
	{ "file, in a batch", false, 1, 4, true, true },
	{ "file, not on its LRU list", false, 1, 3, false, true },
	{ "file, shared", false, 5, 7, true, false },
	{ "file, shared, in a batch", false, 5, 8, true, true },
};

static void drain_case_desc(const struct drain_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(drain, drain_cases, drain_case_desc);

static struct folio *drain_folio(struct kunit *test)
{
	struct address_space *file = kunit_kzalloc(test, sizeof(*file),
						   GFP_KERNEL);
	const struct drain_case *c = test->param_value;
	struct folio *folio;

	KUNIT_ASSERT_NOT_NULL(test, file);
	folio = test_folio(test, 0);
	folio->mapping = c->anon ? ANON_MAPPING : file;
	atomic_set(&folio->_mapcount, c->mapped - 1);
	folio_ref_add(folio, c->refs - 1);
	if (c->lru)
		folio_set_lru(folio);
	return folio;
}

static void may_be_in_lru_batch_test(struct kunit *test)
{
	const struct drain_case *c = test->param_value;
	struct folio *folio = drain_folio(test);

	KUNIT_EXPECT_EQ(test, may_be_in_lru_batch(folio, c->mapped), c->waits);
	free_folio(folio);
}

/* A folio is deferred only if a drain is due, and not at the last look. */
static void needs_drain_test(struct kunit *test)
{
	const struct drain_case *c = test->param_value;
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_batch *batch = &call->batch;
	struct folio *folio = drain_folio(test);

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_EXPECT_EQ(test, needs_drain(call, folio, c->mapped),
			c->waits);
	KUNIT_EXPECT_EQ(test, batch->drain, c->waits);

	batch->drain = false;
	batch->next_drain = 512;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	call->done = 511;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	KUNIT_EXPECT_FALSE(test, batch->drain);
	call->done = 512;
	KUNIT_EXPECT_EQ(test, needs_drain(call, folio, c->mapped),
			c->waits);
	KUNIT_EXPECT_EQ(test, batch->drain, c->waits);

	batch->drain = false;
	batch->last_look = true;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	KUNIT_EXPECT_FALSE(test, batch->drain);
	free_folio(folio);
}

/* Large folios are in no batch, so a drain would not help. */
static void large_folio_in_lru_batch_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct folio *folio = test_folio(test, 2);

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, 0));
	KUNIT_EXPECT_FALSE(test, call->batch.drain);
	folio_put(folio);
}

/* Pins */

struct pin_case {
	int mapped, others;
	bool pinned;
};

static const struct pin_case pin_cases[] = {
	{ 1, 1, false },
	{ 1, GUP_PIN_COUNTING_BIAS - 1, false },
	{ 1, GUP_PIN_COUNTING_BIAS, true },
	{ 1, 2 * GUP_PIN_COUNTING_BIAS, true },
	/* References of mappings are no pins, however many there are. */
	{ GUP_PIN_COUNTING_BIAS - 1, 1, false },
	{ GUP_PIN_COUNTING_BIAS, 1, false },
	{ 10 * GUP_PIN_COUNTING_BIAS, GUP_PIN_COUNTING_BIAS - 1, false },
	{ 10 * GUP_PIN_COUNTING_BIAS, GUP_PIN_COUNTING_BIAS, true },
};

static void pin_case_desc(const struct pin_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d mappings, %d other references",
		 c->mapped, c->others);
}

KUNIT_ARRAY_PARAM(pin, pin_cases, pin_case_desc);

static void folio_is_pinned_test(struct kunit *test)
{
	const struct pin_case *c = test->param_value;
	struct folio *folio = test_folio(test, 0);

	atomic_set(&folio->_mapcount, c->mapped - 1);
	folio_ref_add(folio, c->mapped + c->others - 1);
	KUNIT_EXPECT_EQ(test, folio_is_pinned(folio), c->pinned);
	KUNIT_EXPECT_EQ(test, folio_is_busy(folio), c->pinned);
	free_folio(folio);
}

/* Locked folios */

/* A folio that another task has locked is busy, and stays locked. */
static void locked_folio_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct folio *folio = test_folio(test, 0);
	struct phys_rmap rmap = { .mapping = ANON_MAPPING };

	KUNIT_ASSERT_NOT_NULL(test, call);
	folio_lock(folio);
	KUNIT_EXPECT_EQ(test, walk_mappers(call, folio, 0, NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, check_filesystem(call, folio), -EBUSY);
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(call, folio, &rmap));
	KUNIT_ASSERT_TRUE(test, folio_test_locked(folio));
	folio_unlock(folio);

	/* No process maps it, and it has no filesystem. */
	KUNIT_EXPECT_EQ(test, walk_mappers(call, folio, 0, NULL, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, check_filesystem(call, folio), 0);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	free_folio(folio);
}

/* Whole reverse maps */

/* An answer is valid while its witness is mapped and has the same mapping. */
static void witness_is_valid_test(struct kunit *test)
{
	struct folio *folio = test_folio(test, 0);
	struct phys_rmap rmap = { .mapping = ANON_MAPPING };

	KUNIT_EXPECT_FALSE(test, witness_is_valid(&rmap));
	rmap.witness = folio;
	folio->mapping = ANON_MAPPING;
	KUNIT_EXPECT_FALSE(test, witness_is_valid(&rmap));
	atomic_set(&folio->_mapcount, 0);
	KUNIT_EXPECT_TRUE(test, witness_is_valid(&rmap));
	folio->mapping = NULL;
	KUNIT_EXPECT_FALSE(test, witness_is_valid(&rmap));
	folio->mapping = ANON_MAPPING + 1;
	KUNIT_EXPECT_FALSE(test, witness_is_valid(&rmap));
	free_folio(folio);
}

/*
 * The check of all VMAs may visit as many as the walks before it, and is tried
 * again when these have visited twice as many. It fails in this test, because
 * the mapping is not the folio's.
 */
static void rmap_retry_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct folio *folio = test_folio(test, 0);
	struct phys_rmap rmap = { .mapping = ANON_MAPPING, .witness = folio };
	unsigned int walked;

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_EXPECT_FALSE(test, rmap_allows(call, folio, &rmap));
	KUNIT_EXPECT_NULL(test, rmap.witness);
	KUNIT_EXPECT_EQ(test, rmap.retry_at, 0U);
	for (walked = 1; walked < 100; walked++) {
		unsigned int retry = rmap.retry_at;

		rmap.walked = walked;
		KUNIT_EXPECT_FALSE(test, rmap_allows(call, folio, &rmap));
		KUNIT_EXPECT_EQ(test, rmap.retry_at,
				walked < retry ? retry : 2 * walked);
	}
	KUNIT_EXPECT_EQ(test, rmap.retry_at, 128U);
	free_folio(folio);
}

/* There is an answer for each mapping and node, and a new one is empty. */
static void find_rmap_test(struct kunit *test)
{
	struct phys_rmap slots[2] = { };
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct folio *folio = test_folio(test, 0);
	struct phys_rmap *rmap;
	int nid;

	KUNIT_ASSERT_NOT_NULL(test, call);
	call->batch.rmap = slots;
	call->batch.rmap_bits = 1;
	KUNIT_EXPECT_NULL(test, find_rmap(call, folio, 0, 1));
	folio->mapping = ANON_MAPPING;
	atomic_set(&folio->_mapcount, 0);
	for (nid = 0; nid < 8; nid++) {
		rmap = find_rmap(call, folio, nid, 1);
		KUNIT_ASSERT_NOT_NULL(test, rmap);
		KUNIT_EXPECT_PTR_EQ(test, rmap->mapping, ANON_MAPPING);
		KUNIT_EXPECT_EQ(test, rmap->nid, nid);
		KUNIT_EXPECT_EQ(test, rmap->walked, 0U);
		KUNIT_EXPECT_NULL(test, rmap->witness);
		rmap->walked = 17;
		rmap->witness = folio;
		KUNIT_EXPECT_PTR_EQ(test, find_rmap(call, folio, nid, 1), rmap);
		KUNIT_EXPECT_EQ(test, rmap->walked, 17U);
		KUNIT_EXPECT_PTR_EQ(test, rmap->witness, folio);
	}
	phys_forget_rmaps(call);
	rmap = find_rmap(call, folio, 7, 1);
	KUNIT_EXPECT_NULL(test, rmap->witness);
	KUNIT_EXPECT_EQ(test, rmap->walked, 0U);

	/*
	 * Shared folios without MPOL_MF_MOVE_ALL, and MPOL_MF_STRICT, need a
	 * walk for each folio.
	 */
	atomic_set(&folio->_mapcount, 1);
	KUNIT_EXPECT_NULL(test, find_rmap(call, folio, 0, 2));
	call->flags = MPOL_MF_MOVE_ALL;
	KUNIT_EXPECT_NOT_NULL(test, find_rmap(call, folio, 0, 2));
	call->flags = MPOL_MF_MOVE_ALL | MPOL_MF_STRICT;
	KUNIT_EXPECT_NULL(test, find_rmap(call, folio, 0, 2));
	free_folio(folio);
}

static struct kunit_case migrate_phys_check_cases[] = {
	KUNIT_CASE_PARAM(may_be_in_lru_batch_test, drain_gen_params),
	KUNIT_CASE_PARAM(needs_drain_test, drain_gen_params),
	KUNIT_CASE(large_folio_in_lru_batch_test),
	KUNIT_CASE_PARAM(folio_is_pinned_test, pin_gen_params),
	KUNIT_CASE(locked_folio_test),
	KUNIT_CASE(witness_is_valid_test),
	KUNIT_CASE(rmap_retry_test),
	KUNIT_CASE(find_rmap_test),
	{}
};

static struct kunit_suite migrate_phys_check_suite = {
	.name = "migrate_phys_check",
	.test_cases = migrate_phys_check_cases,
};

kunit_test_suite(migrate_phys_check_suite);
