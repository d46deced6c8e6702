/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h struct address_space_operations [{] int [(][*]read_folio[)]
 * @for mm/migrate_phys_check.o
 *
 * Before "fs: remove aops->writepage", migration did not warn about a
 * filesystem that has writepages but no migrate_folio, so a clean folio may
 * move. ->writepage writes a dirty folio out, as in writeout() in mm/migrate.c
 * for MIGRATE_SYNC. But a dirty folio of a filesystem that never writes back is
 * refused, and nothing here waits for the end of the write.
 */
#include <linux/backing-dev.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>

/*
 * The caller has locked the folio; this function or ->writepage unlocks it.
 * Returns -EAGAIN if ->writepage was called and did not fail, so that the folio
 * is looked at again at the end of the chunk. Returns -EBUSY instead at the
 * last look, because no look follows. A folio that was deferred for another
 * reason, such as a drain, gets here only at the last look.
 */
static inline int folio_check_fallback(struct folio *folio,
				       struct address_space *mapping,
				       bool last_look)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = 1,
		.range_end = LLONG_MAX,
		.for_reclaim = 1,
	};
	int err = 0;

	if (!folio_test_dirty(folio))
		goto unlock;
	err = -EINVAL;
	if (!mapping->a_ops->writepage || !mapping_can_writeback(mapping))
		goto unlock;
	err = -EBUSY;
	if (!folio_clear_dirty_for_io(folio))
		goto unlock;
	err = mapping->a_ops->writepage(&folio->page, &wbc);
	if (err < 0)
		return -EIO;
	if (err == AOP_WRITEPAGE_ACTIVATE)
		folio_unlock(folio);
	return last_look ? -EBUSY : -EAGAIN;
unlock:
	folio_unlock(folio);
	return err;
}

#define folio_check_fallback	folio_check_fallback
