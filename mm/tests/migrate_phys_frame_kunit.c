// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of taking the folio at an address. This file is included at the
 * end of mm/migrate_phys_frame.c, so that it reaches the static functions
 * there.
 */
#include <kunit/test.h>

/* folio->mapping of an anonymous folio, but of no real anon_vma */
#define ANON_MAPPING	((struct address_space *)1UL)

/* Addresses */

/* MAX_PHYSMEM_BITS may depend on the boot, so compute the cases from it. */
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
		/* The byte before has all lower bits set */
		ok = bit <= MAX_PHYSMEM_BITS;
		KUNIT_EXPECT_EQ_MSG(test, address_to_pfn(addr - 1, &pfn), ok,
				    "bits below %d", bit);
		if (ok)
			KUNIT_EXPECT_EQ(test, pfn, (addr - 1) >> PAGE_SHIFT);
		/* A bit that is too high must not be ignored. */
		KUNIT_EXPECT_EQ_MSG(test, address_to_pfn(addr | PAGE_SIZE, &pfn),
				    bit < MAX_PHYSMEM_BITS, "bit %d", bit);
	}
	KUNIT_EXPECT_FALSE(test, address_to_pfn(U64_MAX, &pfn));
	KUNIT_EXPECT_TRUE(test, address_to_pfn(0, &pfn));
	KUNIT_EXPECT_EQ(test, pfn, 0UL);
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

/*
 * The owner of an unmapped or reserved page may set its count, so the call must
 * take no reference on it. Large and locked folios are safe.
 */
static void phys_get_folio_test(struct kunit *test)
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
		KUNIT_EXPECT_EQ(test, phys_get_folio(page_to_pfn(page) + i,
						     &folio), c->ret);
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

static void phys_get_no_folio_test(struct kunit *test)
{
	struct page *zero = ZERO_PAGE(0);
	int count = page_count(zero);
	struct folio *folio;

	KUNIT_EXPECT_EQ(test, phys_get_folio(page_to_pfn(zero), &folio), -EFAULT);
	KUNIT_EXPECT_EQ(test, page_count(zero), count);
	KUNIT_EXPECT_EQ(test, phys_get_folio(-1UL, &folio), -ENOENT);
}

/*
 * A page with a reference count of 0 is free or about to be, is a slab, or has a
 * frozen count. If the page is locked, a migration, a split or reclaim has frozen
 * the count, so the page is busy. But slabs, and file pages on their LRU list, get
 * -ENOENT even if they are locked. A query reports -ENOENT for all these pages.
 */
static void phys_get_frozen_test(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct folio *folio;
	unsigned long pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = page_to_pfn(page);
	atomic_set(&page->_mapcount, 0);
	KUNIT_ASSERT_TRUE(test, page_ref_freeze(page, 1));
	KUNIT_EXPECT_EQ(test, phys_get_folio(pfn, &folio), -ENOENT);
	__folio_set_locked(page_folio(page));
	KUNIT_EXPECT_EQ(test, phys_get_folio(pfn, &folio), -EBUSY);
	KUNIT_EXPECT_EQ(test, query_address(PFN_PHYS(pfn)), -ENOENT);
	folio_set_lru(page_folio(page));
	KUNIT_EXPECT_EQ(test, phys_get_folio(pfn, &folio), -ENOENT);
	page->mapping = ANON_MAPPING;
	KUNIT_EXPECT_EQ(test, phys_get_folio(pfn, &folio), -EBUSY);
	page->mapping = NULL;
	folio_clear_lru(page_folio(page));
	atomic_set(&page->_mapcount, -1);
	__folio_set_slab(page_folio(page));
	KUNIT_EXPECT_EQ(test, phys_get_folio(pfn, &folio), -ENOENT);
	__folio_clear_slab(page_folio(page));
	__folio_clear_locked(page_folio(page));
	KUNIT_EXPECT_EQ(test, page_count(page), 0);
	page_ref_unfreeze(page, 1);
	__free_page(page);
}

static void no_memory_test(struct kunit *test)
{
	int bit;

	for (bit = MAX_PHYSMEM_BITS; bit < 64; bit++)
		KUNIT_EXPECT_EQ(test, query_address(BIT_ULL(bit)), -ENOENT);
	KUNIT_EXPECT_EQ(test, query_address(U64_MAX), -ENOENT);
}

/* Queries */

static void query_address_test(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct folio *large = folio_alloc(GFP_KERNEL | __GFP_COMP, 2);
	u64 addr;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_NOT_NULL(test, large);
	addr = PFN_PHYS(folio_pfn(folio));
	KUNIT_EXPECT_EQ(test, query_address(addr), -ENOENT);
	/* An anonymous page that no process maps, and one that a process maps */
	folio->mapping = ANON_MAPPING;
	KUNIT_EXPECT_EQ(test, query_address(addr), -ENOENT);
	atomic_set(&folio->_mapcount, 0);
	KUNIT_EXPECT_EQ(test, query_address(addr + PAGE_SIZE - 1),
			folio_nid(folio));
	/* A driver's page */
	folio->mapping = NULL;
	KUNIT_EXPECT_EQ(test, query_address(addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	atomic_set(&folio->_mapcount, -1);
	folio_put(folio);

	KUNIT_EXPECT_EQ(test, query_address(PFN_PHYS(folio_pfn(large) + 1)),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, folio_ref_count(large), 1);
	folio_put(large);
}

/* Entries beyond the last get no status. */
static void query_chunk_test(struct kunit *test)
{
	u64 addr[] = { U64_MAX, U64_MAX, U64_MAX };
	int status[] = { INT_MIN, INT_MIN, INT_MIN };
	struct phys_chunk chunk = { .nr = 2, .addr = addr, .status = status };

	phys_query_chunk(&chunk);
	KUNIT_EXPECT_EQ(test, status[0], -ENOENT);
	KUNIT_EXPECT_EQ(test, status[1], -ENOENT);
	KUNIT_EXPECT_EQ(test, status[2], INT_MIN);
}

/* Checks of whether a process maps a folio, and if not, why */

enum kind { NONE, ANON, PAGECACHE };

struct folio_case {
	const char *name;
	enum kind kind;
	bool slab, mapped, uptodate, swapbacked, locked, lru;
	int mapped_ret;		/* of folio_check_mapped() */
	int unmapped_ret;	/* of folio_check_unmapped(); 0: is not called */
};

static const struct folio_case folio_cases[] = {
	{ "kernel memory", NONE, .uptodate = true, .mapped_ret = -ENOENT,
	  .unmapped_ret = -ENOENT },
	{ "kernel memory, locked", NONE, .uptodate = true, .locked = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "slab", ANON, .slab = true, .uptodate = true, .locked = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "driver's page, mapped", NONE, .mapped = true, .mapped_ret = -EFAULT },
	{ "truncated or not yet mapped", NONE, .mapped = true,
	  .swapbacked = true, .uptodate = true, .mapped_ret = -ENOENT },
	{ "anonymous, mapped", ANON, .mapped = true, .uptodate = true,
	  .swapbacked = true, .lru = true },
	{ "anonymous, unmapped", ANON, .uptodate = true, .swapbacked = true,
	  .lru = true, .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "anonymous, being moved or reclaimed", ANON, .uptodate = true, .swapbacked = true,
	  .locked = true, .mapped_ret = -ENOENT, .unmapped_ret = -EBUSY },
	{ "anonymous, locked, on its LRU list", ANON, .uptodate = true,
	  .swapbacked = true, .locked = true, .lru = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -EBUSY },
	{ "anonymous, being read", ANON, .swapbacked = true, .locked = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "file, mapped", PAGECACHE, .mapped = true, .uptodate = true,
	  .lru = true },
	{ "file, mapped and locked", PAGECACHE, .mapped = true,
	  .uptodate = true, .locked = true, .lru = true },
	{ "file, mapped, failed to write", PAGECACHE, .mapped = true,
	  .lru = true },
	{ "driver's page with a mapping, mapped", PAGECACHE, .mapped = true,
	  .mapped_ret = -EFAULT },
	{ "file, unmapped", PAGECACHE, .uptodate = true, .lru = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "file, locked, on its LRU list", PAGECACHE, .uptodate = true,
	  .locked = true, .lru = true, .mapped_ret = -ENOENT,
	  .unmapped_ret = -ENOENT },
	{ "file, being moved or reclaimed", PAGECACHE, .uptodate = true, .locked = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -EBUSY },
	{ "file, isolated and unlocked", PAGECACHE, .uptodate = true,
	  .mapped_ret = -ENOENT, .unmapped_ret = -ENOENT },
	{ "file, being read", PAGECACHE, .locked = true, .mapped_ret = -ENOENT,
	  .unmapped_ret = -ENOENT },
};

static void folio_case_desc(const struct folio_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(folio, folio_cases, folio_case_desc);

static void make_folio(const struct folio_case *c, struct folio *folio,
		       struct address_space *file)
{
	folio->mapping = c->kind == ANON ? ANON_MAPPING :
			 c->kind == PAGECACHE ? file : NULL;
	if (c->uptodate)
		folio_mark_uptodate(folio);
	if (c->swapbacked)
		folio_set_swapbacked(folio);
	if (c->locked)
		folio_lock(folio);
	if (c->lru)
		folio_set_lru(folio);
	if (c->slab)
		__folio_set_slab(folio);
	else if (c->mapped)
		atomic_set(&folio->_mapcount, 0);
}

static void unmake_folio(const struct folio_case *c, struct folio *folio)
{
	if (c->slab)
		__folio_clear_slab(folio);
	else
		atomic_set(&folio->_mapcount, -1);
	folio_clear_lru(folio);
	folio_clear_swapbacked(folio);
	folio_clear_uptodate(folio);
	if (c->locked)
		folio_unlock(folio);
	folio->mapping = NULL;
}

static void folio_check_test(struct kunit *test)
{
	struct address_space *file = kunit_kzalloc(test, sizeof(*file),
						   GFP_KERNEL);
	const struct folio_case *c = test->param_value;
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	make_folio(c, folio, file);
	KUNIT_EXPECT_EQ(test, folio_test_anon(folio), c->kind == ANON);
	KUNIT_EXPECT_EQ(test, folio_check_mapped(folio), c->mapped_ret);
	if (c->unmapped_ret) {
		KUNIT_EXPECT_EQ(test, folio_check_unmapped(folio),
				c->unmapped_ret);
		/* A migration may have mapped the folio again in the meantime. */
		if (c->uptodate && c->kind != NONE && !c->locked) {
			atomic_set(&folio->_mapcount, 0);
			KUNIT_EXPECT_EQ(test, folio_check_unmapped(folio), 0);
		}
	}
	unmake_folio(c, folio);
	folio_put(folio);
}

/* A process may map the memory of a confidential guest, but nobody may copy it. */
static void inaccessible_mapping_test(struct kunit *test)
{
	const struct folio_case mapped = {
		.kind = PAGECACHE,
		.mapped = true,
		.uptodate = true,
		.lru = true,
	};
	struct address_space *file = kunit_kzalloc(test, sizeof(*file),
						   GFP_KERNEL);
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	make_folio(&mapped, folio, file);
	KUNIT_EXPECT_EQ(test, folio_check_mapped(folio), 0);
	mapping_set_inaccessible(file);
	KUNIT_EXPECT_EQ(test, folio_check_mapped(folio) == -EFAULT,
			mapping_inaccessible(file));
	unmake_folio(&mapped, folio);
	folio_put(folio);
}

static struct kunit_case migrate_phys_frame_cases[] = {
	KUNIT_CASE(address_to_pfn_test),
	KUNIT_CASE_PARAM(phys_get_folio_test, page_gen_params),
	KUNIT_CASE(phys_get_no_folio_test),
	KUNIT_CASE(phys_get_frozen_test),
	KUNIT_CASE(no_memory_test),
	KUNIT_CASE(query_address_test),
	KUNIT_CASE(query_chunk_test),
	KUNIT_CASE_PARAM(folio_check_test, folio_gen_params),
	KUNIT_CASE(inaccessible_mapping_test),
	{}
};

static struct kunit_suite migrate_phys_frame_suite = {
	.name = "migrate_phys_frame",
	.test_cases = migrate_phys_frame_cases,
};

kunit_test_suite(migrate_phys_frame_suite);
