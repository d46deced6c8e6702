/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/fs.h struct address_space_operations [{] int [(][*]read_folio[)]
 * @for mm/tests/migrate_phys_fs.o
 *
 * Before "fs: remove aops->writepage", migration wrote single pages out by
 * ->writepage. The test filesystem needs a ->writepage, too, which these macros
 * define.
 */
#define PHYS_FS_WRITE(_write)	.writepage = _write
#define PHYS_FS_HAS_WRITEPAGE	true
#define PHYS_FS_DEFINE_WRITE(_kind)					\
static int phys_fs_##_kind##_write(struct page *page,			\
				   struct writeback_control *wbc)	\
{									\
	return phys_fs_##_kind(page_folio(page), wbc);			\
}
