// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of busy folios, and of the results for whole reverse maps. This
 * file is included at the end of mm/migrate_phys_check.c, so that it reaches
 * the static functions there.
 */
#include <kunit/test.h>
#include <linux/uaccess.h>

#include "migrate_phys_kunit.h"

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
	KUNIT_EXPECT_EQ(test, batch->drain_requested, c->waits);

	batch->drain_requested = false;
	batch->next_drain = 512;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	call->done = 511;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	KUNIT_EXPECT_FALSE(test, batch->drain_requested);
	call->done = 512;
	KUNIT_EXPECT_EQ(test, needs_drain(call, folio, c->mapped),
			c->waits);
	KUNIT_EXPECT_EQ(test, batch->drain_requested, c->waits);

	batch->drain_requested = false;
	batch->last_look = true;
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, c->mapped));
	KUNIT_EXPECT_FALSE(test, batch->drain_requested);
	free_folio(folio);
}

/* Large folios are in no batch, so a drain would not help. */
static void large_folio_in_lru_batch_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct folio *folio = test_folio(test, 2);

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_EXPECT_FALSE(test, needs_drain(call, folio, 0));
	KUNIT_EXPECT_FALSE(test, call->batch.drain_requested);
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

	/* No process maps the folio, and it has no filesystem. */
	KUNIT_EXPECT_EQ(test, walk_mappers(call, folio, 0, NULL, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, check_filesystem(call, folio), 0);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	free_folio(folio);
}

/* The filesystem */

/* A dirty folio that its filesystem can neither migrate nor write out stays. */
static void check_filesystem_test(struct kunit *test)
{
	static const struct address_space_operations aops = { };
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct address_space *file = kunit_kzalloc(test, sizeof(*file),
						   GFP_KERNEL);
	struct folio *folio = test_folio(test, 0);

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, file);
	file->a_ops = &aops;
	folio->mapping = file;
	KUNIT_EXPECT_EQ(test, check_filesystem(call, folio), 0);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	folio_set_dirty(folio);
	KUNIT_EXPECT_EQ(test, check_filesystem(call, folio), -EINVAL);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	folio_clear_dirty(folio);
	free_folio(folio);
}

/* Whole reverse maps */

/* A folio that no process maps any more has no anon_vma that can be locked. */
static void unmapped_anon_folio_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct phys_rmap rmap = { .mapping = ANON_MAPPING, .walked = 1 };
	struct folio *folio = test_folio(test, 0);

	KUNIT_ASSERT_NOT_NULL(test, call);
	folio->mapping = ANON_MAPPING;
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(call, folio, &rmap));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	free_folio(folio);
}

/*
 * A result for a whole reverse map is valid while its witness is mapped and has
 * the same mapping.
 */
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

/* Each pair of a mapping and a node has a result of its own, at first empty. */
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

/* One VMA */

/* Only the holder of mmap_lock can tell whether a VMA refuses for good. */
static void unmigratable_vma_test(struct kunit *test)
{
	struct phys_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct vma = { .vm_mm = mm, .vm_flags = VM_IO };

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_EXPECT_EQ(test, vma_check(call, &vma, 0, 0), -EFAULT);
	KUNIT_ASSERT_FALSE(test, rwsem_is_locked(&mm->mmap_lock));
	mmap_write_lock(mm);
	KUNIT_EXPECT_EQ(test, vma_check(call, &vma, 0, 0), -EBUSY);
	mmap_write_unlock(mm);
	mmput(mm);
}

/* Mapped pages */

#define MAPPED_PAGES	2

/**
 * struct mapped - pages that an address space maps, and a call that checks them
 * @call: the call, with the tables below
 * @rmap: results for whole reverse maps
 * @slot: address spaces
 * @bucket: their hash buckets
 * @mm: the address space. None of its tasks refuses a move, but only a pass over
 *	all processes can find that out
 * @vma: its only VMA, which has one more page that nobody has used
 * @folio: the pages, which are anonymous; the test has a reference on each
 */
struct mapped {
	struct phys_call call;
	struct phys_rmap rmap[1 << 1];
	struct phys_mm_slot slot[1 << 2];
	u32 bucket[1 << 2];
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	struct folio *folio[MAPPED_PAGES];
};

static struct folio *use_page(struct kunit *test, unsigned long addr)
{
	struct page *page;

	KUNIT_ASSERT_EQ(test, put_user(1, (int __user *)addr), 0);
	KUNIT_ASSERT_EQ(test, get_user_pages_fast(addr, 1, 0, &page), 1);
	return page_folio(page);
}

static struct mapped *map_pages(struct kunit *test)
{
	struct mapped *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned long addr = make_user_memory(test, MAPPED_PAGES + 1);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->call.batch.rmap = m->rmap;
	m->call.batch.rmap_bits = 1;
	m->call.mm_slots.slot = m->slot;
	m->call.mm_slots.bucket = m->bucket;
	m->call.mm_slots.bits = 2;
	m->mm = current->mm;
	mmap_read_lock(m->mm);
	m->vma = find_vma(m->mm, addr);
	mmap_read_unlock(m->mm);
	KUNIT_ASSERT_NOT_NULL(test, m->vma);
	for (i = 0; i < MAPPED_PAGES; i++)
		m->folio[i] = use_page(test, addr + i * PAGE_SIZE);
	/* The LRU batches have references, too. */
	lru_add_drain_all();
	return m;
}

static void unmap_pages(struct mapped *m)
{
	int i;

	phys_forget_mm_slots(&m->call.mm_slots);
	kvfree(m->call.mm_slots.enlarged);
	for (i = 0; i < MAPPED_PAGES; i++)
		folio_put(m->folio[i]);
	free_user_memory();
}

/*
 * A folio is deferred if only a pass over all processes can check the tasks of
 * the address space that maps the folio. At the last look, the folio is busy
 * instead, because no further look follows.
 */
static void check_before_pass_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct phys_call *call = &m->call;

	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[0], 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, call->mm_slots.nr, 1U);
	KUNIT_EXPECT_FALSE(test, call->batch.drain_requested);

	/* If the folio may be in an LRU batch, too, a drain is requested. */
	folio_get(m->folio[0]);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[0], 0), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, call->batch.drain_requested);
	folio_put(m->folio[0]);

	call->batch.last_look = true;
	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[0], 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, call->mm_slots.nr, 1U);
	KUNIT_EXPECT_EQ(test, call->mm_slots.passes, 0U);
	unmap_pages(m);
}

/*
 * The first folio is walked. For the second one all VMAs are checked, and as they
 * allow the move, no further folio of the anon_vma is walked.
 */
static void check_after_pass_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct phys_call *call = &m->call;
	struct phys_rmap *rmap;

	call->batch.last_look = true;
	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[0], 0), 0);
	KUNIT_EXPECT_EQ(test, call->mm_slots.passes, 1U);
	KUNIT_EXPECT_EQ(test, call->mm_slots.bits, 2U);
	rmap = find_rmap(call, m->folio[0], 0, 1);
	KUNIT_ASSERT_NOT_NULL(test, rmap);
	KUNIT_EXPECT_EQ(test, rmap->walked, 1U);
	KUNIT_EXPECT_NULL(test, rmap->witness);

	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[1], 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, rmap->witness, m->folio[1]);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, m->folio[0], 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, rmap->witness, m->folio[1]);
	KUNIT_EXPECT_EQ(test, rmap->walked, 1U);
	KUNIT_EXPECT_EQ(test, call->mm_slots.passes, 1U);
	unmap_pages(m);
}

/* A folio that no task and no VMA refuses may still be busy. */
static void check_busy_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct folio *folio = m->folio[0];
	struct phys_call *call = &m->call;

	call->batch.last_look = true;
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), 0);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, NUMA_NO_NODE),
			-ENOMEM);
	folio_lock(folio);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), -EBUSY);
	folio_unlock(folio);
	folio_ref_add(folio, GUP_PIN_COUNTING_BIAS);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), -EBUSY);
	folio_ref_sub(folio, GUP_PIN_COUNTING_BIAS);

	/* The folio may be in an LRU batch, which is drained before the last look. */
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), 0);
	call->batch.last_look = false;
	KUNIT_EXPECT_EQ(test, phys_check_move(call, folio, 0), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, call->batch.drain_requested);
	folio_put(folio);
	unmap_pages(m);
}

/* The check of all VMAs visits no more of them than it may. */
static void check_all_vmas_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct phys_rmap rmap = { .mapping = m->folio[0]->mapping, .walked = 1 };
	struct phys_mm_slot *slot;

	KUNIT_EXPECT_FALSE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	KUNIT_ASSERT_EQ(test, phys_add_mm_slot(&m->call.mm_slots, m->mm, 0), 0);
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	slot = phys_find_mm_slot(&m->call.mm_slots, m->mm, 0);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	slot->result = MM_CHECKED;
	KUNIT_EXPECT_TRUE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	rmap.walked = 0;
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	rmap.walked = 1;
	rmap.nid = 1;
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	rmap.nid = 0;
	slot->result = MM_CHECKED | MM_DENIES;
	KUNIT_EXPECT_FALSE(test, all_vmas_allow(&m->call, m->folio[0], &rmap));
	unmap_pages(m);
}

/* The LRU batch of this CPU is drained at once, without a drain of all CPUs. */
static void drain_this_cpu_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct folio *folio;

	migrate_disable();
	folio = use_page(test, m->vma->vm_start + MAPPED_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, needs_drain(&m->call, folio, 1));
	migrate_enable();
	KUNIT_EXPECT_FALSE(test, m->call.batch.drain_requested);
	folio_put(folio);
	unmap_pages(m);
}

/*
 * If the table has no room for an address space, the tasks of the address space
 * are not checked, and the folio is busy.
 */
static void check_without_room_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	struct phys_mm_slots *slots = &m->call.mm_slots;
	unsigned int nr;

	while (phys_enlarge_mm_slots(slots))
		;
	nr = 1U << slots->bits;
	slots->nr = nr;
	KUNIT_EXPECT_EQ(test, phys_check_move(&m->call, m->folio[0], 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, slots->nr, nr);
	slots->nr = 0;
	unmap_pages(m);
}

/* One VMA that maps the folio, whose tasks have been checked */
static void check_mapper_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	const unsigned long addr = m->vma->vm_start;
	struct mapper_walk walk = { .call = &m->call };
	struct phys_mm_slot *slot;

	KUNIT_ASSERT_EQ(test, phys_add_mm_slot(&m->call.mm_slots, m->mm, 0), 0);
	slot = phys_find_mm_slot(&m->call.mm_slots, m->mm, 0);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	slot->result = MM_CHECKED;
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	walk.exclusive = true;
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	KUNIT_EXPECT_PTR_EQ(test, walk.mm, m->mm);
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, 0);

	/* This VMA is of a second address space, but maps the folio only at @addr. */
	walk.mm = &init_mm;
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma,
					     addr + PAGE_SIZE, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, 0);
	KUNIT_EXPECT_FALSE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, -EACCES);

	/*
	 * Without @exclusive, a second address space may map the folio. Then the
	 * walk ends only if this VMA maps the folio, and a task that uses the
	 * address space of the VMA refuses the move.
	 */
	walk = (struct mapper_walk) { .call = &m->call, .mm = &init_mm };
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, 0);
	slot->result = MM_CHECKED | MM_DENIES;
	KUNIT_EXPECT_TRUE(test, check_mapper(m->folio[0], m->vma,
					     addr + PAGE_SIZE, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, 0);
	KUNIT_EXPECT_FALSE(test, check_mapper(m->folio[0], m->vma, addr, &walk));
	KUNIT_EXPECT_EQ(test, walk.status, -EACCES);
	unmap_pages(m);
}

/* A VMA that does not refuse needs no lock. */
static void check_under_mmap_lock_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	int err;

	mmap_write_lock(m->mm);
	err = vma_check(&m->call, m->vma, m->vma->vm_start, 0);
	mmap_write_unlock(m->mm);
	KUNIT_EXPECT_EQ(test, err, -EAGAIN);
	unmap_pages(m);
}

/* A fatal signal ends a walk at the next VMA, whether that maps the folio or not. */
static void check_killed_test(struct kunit *test)
{
	struct mapped *m = map_pages(test);
	const unsigned long addr = m->vma->vm_start;
	struct mapper_walk walk = {
		.call = &m->call,
		.exclusive = true,
		.mm = &init_mm,
	};
	bool goes_on;
	int of_vma, of_folio;

	set_fatal_signal(true);
	of_vma = vma_check(&m->call, m->vma, addr, 0);
	of_folio = phys_check_move(&m->call, m->folio[0], 0);
	goes_on = check_mapper(m->folio[0], m->vma, addr + PAGE_SIZE, &walk);
	set_fatal_signal(false);
	KUNIT_EXPECT_EQ(test, of_vma, -EINTR);
	KUNIT_EXPECT_EQ(test, of_folio, -EINTR);
	KUNIT_EXPECT_FALSE(test, goes_on);
	KUNIT_EXPECT_EQ(test, walk.status, -EINTR);
	KUNIT_EXPECT_EQ(test, m->call.mm_slots.nr, 0U);
	unmap_pages(m);
}

static struct kunit_case migrate_phys_check_cases[] = {
	KUNIT_CASE_PARAM(may_be_in_lru_batch_test, drain_gen_params),
	KUNIT_CASE_PARAM(needs_drain_test, drain_gen_params),
	KUNIT_CASE(large_folio_in_lru_batch_test),
	KUNIT_CASE_PARAM(folio_is_pinned_test, pin_gen_params),
	KUNIT_CASE(locked_folio_test),
	KUNIT_CASE(check_filesystem_test),
	KUNIT_CASE(unmapped_anon_folio_test),
	KUNIT_CASE(witness_is_valid_test),
	KUNIT_CASE(rmap_retry_test),
	KUNIT_CASE(find_rmap_test),
	KUNIT_CASE(unmigratable_vma_test),
	KUNIT_CASE(check_before_pass_test),
	KUNIT_CASE(check_after_pass_test),
	KUNIT_CASE(check_busy_test),
	KUNIT_CASE(check_all_vmas_test),
	KUNIT_CASE(drain_this_cpu_test),
	KUNIT_CASE(check_without_room_test),
	KUNIT_CASE(check_mapper_test),
	KUNIT_CASE(check_under_mmap_lock_test),
	KUNIT_CASE(check_killed_test),
	{}
};

static struct kunit_suite migrate_phys_check_suite = {
	.name = "migrate_phys_check",
	.test_cases = migrate_phys_check_cases,
};

kunit_test_suite(migrate_phys_check_suite);
