/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/writeback.h struct folio [*]writeback_iter[(]
 *
 * Came with "writeback: add a writeback iterator". This one is for the files of
 * migrate_phys_fs only: of few and small folios, which it looks at one by one,
 * and of which all fail alike, so that the last error is as good as the first.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>

static inline struct folio *writeback_iter(struct address_space *mapping,
					   struct writeback_control *wbc,
					   struct folio *folio, int *error)
{
	const pgoff_t pages = (i_size_read(mapping->host) + PAGE_SIZE - 1) >>
			      PAGE_SHIFT;
	const pgoff_t last = wbc->range_end >> PAGE_SHIFT;
	pgoff_t index = wbc->range_start >> PAGE_SHIFT;

	if (!folio) {
		*error = 0;
	} else {
		index = folio_next_index(folio);
		wbc->nr_to_write -= folio_nr_pages(folio);
		folio_put(folio);
		if (wbc->sync_mode == WB_SYNC_NONE &&
		    (*error || wbc->nr_to_write <= 0))
			return NULL;
	}
	for (; index < pages && index <= last; index++) {
		folio = filemap_lock_folio(mapping, index);
		if (IS_ERR_OR_NULL(folio))
			continue;
		if (wbc->sync_mode != WB_SYNC_NONE)
			folio_wait_writeback(folio);
		if (!folio_test_writeback(folio) &&
		    folio_clear_dirty_for_io(folio))
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
	return NULL;
}
