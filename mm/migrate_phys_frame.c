// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: which folio is at an address, and does a
 * process map it?
 *
 * The memory belongs to others, who may free, split or reuse it at any time. So
 * take a reference before following a pointer in a struct page, except the
 * pointer to its head page, which is checked again once there is a reference.
 *
 * Memory that no process maps (free, slab, kernel, unmapped page cache) gets
 * -ENOENT, so that a caller cannot tell these apart. Of unmapped memory, only
 * zero pages and, in a move, locked folios that another migration, a split or
 * reclaim may have unmapped get another status.
 */

#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/pagemap.h>
#include <linux/secretmem.h>

#include "internal.h"
#include "migrate_phys.h"

/* Callers need no reference. Not valid for pages of large folios. */
static bool page_is_mapped(struct page *page)
{
	return atomic_read(&page->_mapcount) >= 0;
}

/*
 * A migration unmaps a page after it has locked the page, and maps it again
 * before it unlocks the page. So a page that is seen unmapped, then unlocked,
 * then still unmapped is not migrating.
 */
static bool page_is_unmapped(struct page *page)
{
	if (PageCompound(page) || page_is_mapped(page))
		return false;
	smp_rmb(); /* pairs with folio_trylock() in migrate_folio_unmap() */
	if (PageLocked(page))
		return false;
	smp_rmb(); /* pairs with folio_unlock() in migrate_folio_undo_src() */
	return !page_is_mapped(page);
}

/*
 * Refuse unmapped and reserved pages without taking a reference: their owner
 * may free them without looking at the reference count, and the drop of our
 * reference would then free them a second time. Compound pages are freed by
 * put_page_testzero(), so a reference is safe for them.
 */
static int page_precheck(struct page *page)
{
	bool reserved = PageReserved(page);

	if (!reserved && !page_is_unmapped(page))
		return 0;
	return is_zero_pfn(page_to_pfn(page)) ||
	       (reserved && page_is_mapped(page)) ? -EFAULT : -ENOENT;
}

/*
 * A migration, a split or reclaim freezes the reference count of a folio that
 * it has locked. A slab may have a count of 0, too, and slab_lock() sets the
 * bit of the folio lock.
 *
 * Migration and reclaim isolate a file folio before they freeze it. A split or
 * an invalidation may freeze one that is on its LRU list. No process maps it
 * then, and neither of the two maps it again, so it gets -ENOENT like other
 * unmapped page cache.
 */
static bool page_is_frozen(struct page *page)
{
	return PageLocked(page) && !PageSlab(page) &&
	       (PageAnon(page) || !PageLRU(page));
}

/**
 * phys_get_folio - get the folio to which a frame belongs
 * @pfn: the frame
 * @foliop: the folio, with a reference
 *
 * Return: 0; -ENOENT if there is no folio, or a small one that is unmapped and
 * not locked; -EBUSY if page_is_frozen(); -EFAULT for a zero page of base size,
 * or for reserved memory that a process maps.
 * After 0, folio_check_mapped() tells whether a process maps the folio.
 */
int phys_get_folio(unsigned long pfn, struct folio **foliop)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	int err;

	if (!page)
		return -ENOENT;
	for (;;) {
		err = page_precheck(page);
		if (err)
			return err;
		folio = page_folio(page);
		if (!folio_try_get(folio))
			return page_is_frozen(page) ? -EBUSY : -ENOENT;
		if (likely(page_folio(page) == folio))
			break;
		folio_put(folio);
	}
	*foliop = folio;
	return 0;
}

static bool folio_is_secret(struct folio *folio)
{
	struct address_space *mapping;
	bool secret;

	rcu_read_lock();
	mapping = folio_mapping(folio);
	secret = mapping && (secretmem_mapping(mapping) ||
			     mapping_inaccessible(mapping));
	rcu_read_unlock();
	return secret;
}

/**
 * folio_check_mapped - check whether a process maps a folio
 * @folio: the folio, with a reference
 *
 * Return: 0; -ENOENT if no process maps the folio, or if it is a new anonymous
 * folio whose mapping is not visible yet; -EFAULT if it is the huge zero folio,
 * or if a process maps it but it cannot migrate.
 */
int folio_check_mapped(struct folio *folio)
{
	if (is_huge_zero_folio(folio))
		return -EFAULT;
	if (folio_test_slab(folio) || !folio_mapped(folio))
		return -ENOENT;
	/*
	 * Read the mapping after the map count. Pairs with folio_unlock() after
	 * filemap_add_folio(): only then can a file folio be mapped.
	 */
	smp_rmb();
	if (folio_test_hugetlb(folio))
		return hugepage_migration_supported(folio_hstate(folio)) ?
		       0 : -EFAULT;
	/*
	 * A mapped folio that has no mapping belongs to a driver, unless it is
	 * swapbacked: then it is a new anonymous folio whose mapping is not
	 * visible yet, and counts as unmapped. Some folios of drivers, such as
	 * those of a framebuffer, have a mapping, but are neither uptodate nor
	 * on an LRU list. A file folio whose write failed is not uptodate
	 * either, but it is on an LRU list. Read the map count again, because a
	 * file folio that was truncated meanwhile has lost its mapping, too.
	 */
	if (!READ_ONCE(folio->mapping) ||
	    (!folio_test_uptodate(folio) && !folio_test_lru(folio))) {
		/*
		 * Pairs with folio_remove_rmap_ptes(): truncation unmaps before
		 * filemap_remove_folio() clears the mapping.
		 */
		smp_rmb();
		return folio_mapped(folio) && !folio_test_swapbacked(folio) ?
		       -EFAULT : -ENOENT;
	}
	return !folio_test_anon(folio) && folio_is_secret(folio) ? -EFAULT : 0;
}

/**
 * folio_check_unmapped - check why no process maps a folio that is to move
 * @folio: the folio, with a reference, for which folio_check_mapped() has
 *	   returned -ENOENT
 *
 * Return: -EBUSY if another migration, a split or reclaim may be handling the
 * folio (page_is_frozen() has more about file folios), else as
 * folio_check_mapped().
 */
int folio_check_unmapped(struct folio *folio)
{
	smp_rmb(); /* pairs with folio_trylock() in migrate_folio_unmap() */
	if (folio_test_locked(folio) && folio_test_uptodate(folio) &&
	    !folio_test_slab(folio) && READ_ONCE(folio->mapping) &&
	    (folio_test_anon(folio) || !folio_test_lru(folio)))
		return -EBUSY;
	smp_rmb(); /* pairs with folio_unlock() in migrate_folio_undo_src() */
	return folio_check_mapped(folio);
}

static int query_address(u64 addr)
{
	struct folio *folio;
	struct page *page;
	unsigned long pfn;
	int status;

	if (!address_to_pfn(addr, &pfn))
		return -ENOENT;
	page = pfn_to_online_page(pfn);
	/*
	 * An anonymous base page needs no reference, since no pointer in its
	 * struct page is followed here. The page may be reused meanwhile, but
	 * any status may be stale anyway by the time the caller reads it.
	 */
	if (page && !PageCompound(page) && page_is_mapped(page) &&
	    PageAnon(page))
		/* The bits of the node never change; see folio_node(). */
		return data_race(page_to_nid(page));
	status = phys_get_folio(pfn, &folio);
	if (status)
		return status == -EBUSY ? -ENOENT : status;
	status = folio_check_mapped(folio) ?: folio_node(folio);
	folio_put(folio);
	return status;
}

/**
 * phys_query_chunk - find the nodes of the pages at the addresses of a chunk
 * @chunk: the chunk
 *
 * Each status is the node of a page that a process maps, else -ENOENT or
 * -EFAULT.
 */
void phys_query_chunk(struct phys_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < chunk->nr; i++)
		chunk->status[i] = query_address(chunk->addr[i]);
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_frame_kunit.c"
#endif
