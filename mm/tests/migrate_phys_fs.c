// SPDX-License-Identifier: GPL-2.0-only
/*
 * A filesystem for the tests of move_phys_pages(2). Its files are only in
 * memory. Except for "locked" and "stuck", they have no migrate_folio. The
 * name of a file determines its behaviour:
 *
 * written		its pages can be written out
 * broken		writing out fails, and the page stays dirty
 * lossy		writing out fails, but the page is clean afterwards
 * late		as lossy, but the failure is only recorded in the mapping
 * busy		cannot be written out, and never releases the private data of a page
 * locked		a page stays locked as long as a process lives that writes to it
 * stuck		a migration of a page waits until the process that migrates it is
 *			killed, and then fails
 * writepage	as written, but exists only if this kernel has ->writepage
 *
 * The lookup of a file creates it.
 */

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/migrate_mode.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/writeback.h>

#define PHYS_FS_MAGIC	0x70687973
#define PHYS_FS_SIZE	(64 * PAGE_SIZE)

static int phys_fs_read_folio(struct file *file, struct folio *folio)
{
	folio_zero_range(folio, 0, folio_size(folio));
	folio_mark_uptodate(folio);
	folio_unlock(folio);
	return 0;
}

/* Each of these gets a locked folio that is no longer dirty, and unlocks it. */

static int phys_fs_written(struct folio *folio, struct writeback_control *wbc)
{
	folio_start_writeback(folio);
	folio_unlock(folio);
	folio_end_writeback(folio);
	return 0;
}

static int phys_fs_lossy(struct folio *folio, struct writeback_control *wbc)
{
	phys_fs_written(folio, wbc);
	return -ENOSPC;
}

static int phys_fs_late(struct folio *folio, struct writeback_control *wbc)
{
	mapping_set_error(folio->mapping, -ENOSPC);
	return phys_fs_written(folio, wbc);
}

static int phys_fs_broken(struct folio *folio, struct writeback_control *wbc)
{
	folio_redirty_for_writepage(wbc, folio);
	folio_unlock(folio);
	return -ENOSPC;
}

/* compat/ has other definitions for kernels with ->writepage. */
#ifndef PHYS_FS_WRITE
#define PHYS_FS_WRITE(_write)	.writepages = _write
#define PHYS_FS_HAS_WRITEPAGE	false
#define PHYS_FS_DEFINE_WRITE(_kind)					\
static int phys_fs_##_kind##_write(struct address_space *mapping,	\
				   struct writeback_control *wbc)	\
{									\
	struct folio *folio = NULL;					\
	int err;							\
									\
	while ((folio = writeback_iter(mapping, wbc, folio, &err)))	\
		err = phys_fs_##_kind(folio, wbc);			\
	return err;							\
}
#endif

#define PHYS_FS_DEFINE_AOPS(_kind)					\
PHYS_FS_DEFINE_WRITE(_kind)						\
static const struct address_space_operations phys_fs_##_kind##_aops = {	\
	.read_folio = phys_fs_read_folio,				\
	.dirty_folio = filemap_dirty_folio,				\
	PHYS_FS_WRITE(phys_fs_##_kind##_write),				\
}

PHYS_FS_DEFINE_AOPS(written);
PHYS_FS_DEFINE_AOPS(broken);
PHYS_FS_DEFINE_AOPS(lossy);
PHYS_FS_DEFINE_AOPS(late);

static int phys_fs_read_and_keep(struct file *file, struct folio *folio)
{
	folio_attach_private(folio, folio->mapping->host);
	return phys_fs_read_folio(file, folio);
}

static bool phys_fs_busy(struct folio *folio, gfp_t gfp)
{
	return false;
}

static void phys_fs_let_go(struct folio *folio, size_t offset, size_t length)
{
	folio_detach_private(folio);
}

static const struct address_space_operations phys_fs_busy_aops = {
	.read_folio = phys_fs_read_and_keep,
	.dirty_folio = filemap_dirty_folio,
	.release_folio = phys_fs_busy,
	.invalidate_folio = phys_fs_let_go,
};

static const struct address_space_operations phys_fs_locked_aops = {
	.read_folio = phys_fs_read_folio,
	.dirty_folio = filemap_dirty_folio,
	.migrate_folio = filemap_migrate_folio,
};

static void phys_fs_await_kill(void)
{
	while (!fatal_signal_pending(current))
		schedule_timeout_killable(MAX_SCHEDULE_TIMEOUT);
}

/* Compaction must not wait, and does not use MIGRATE_SYNC. */
static int phys_fs_get_stuck(struct address_space *mapping, struct folio *dst,
			     struct folio *src, enum migrate_mode mode)
{
	if (mode == MIGRATE_SYNC)
		phys_fs_await_kill();
	return -EAGAIN;
}

static const struct address_space_operations phys_fs_stuck_aops = {
	.read_folio = phys_fs_read_folio,
	.dirty_folio = filemap_dirty_folio,
	.migrate_folio = phys_fs_get_stuck,
};

static vm_fault_t phys_fs_stay(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);

	folio_lock(folio);
	phys_fs_await_kill();
	folio_unlock(folio);
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct phys_fs_locked_vm_operations = {
	.fault = filemap_fault,
	.page_mkwrite = phys_fs_stay,
};

static int phys_fs_mmap(struct file *file, struct vm_area_struct *vma)
{
	int err = generic_file_mmap(file, vma);

	if (!err && file->f_mapping->a_ops == &phys_fs_locked_aops)
		vma->vm_ops = &phys_fs_locked_vm_operations;
	return err;
}

static const struct {
	const char *name;
	const struct address_space_operations *aops;
} phys_fs_kinds[] = {
	{ "written", &phys_fs_written_aops },
	{ "broken", &phys_fs_broken_aops },
	{ "lossy", &phys_fs_lossy_aops },
	{ "late", &phys_fs_late_aops },
	{ "busy", &phys_fs_busy_aops },
	{ "locked", &phys_fs_locked_aops },
	{ "stuck", &phys_fs_stuck_aops },
	{ "writepage", PHYS_FS_HAS_WRITEPAGE ? &phys_fs_written_aops : NULL },
};

static const struct file_operations phys_fs_file_operations = {
	.mmap = phys_fs_mmap,
	.read_iter = generic_file_read_iter,
	.llseek = generic_file_llseek,
};

static struct inode *phys_fs_inode(struct super_block *sb, umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	inode->i_mode = mode;
	simple_inode_init_ts(inode);
	return inode;
}

static struct dentry *phys_fs_lookup(struct inode *dir, struct dentry *dentry,
				     unsigned int flags)
{
	struct inode *inode = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(phys_fs_kinds); i++) {
		if (strcmp(dentry->d_name.name, phys_fs_kinds[i].name) ||
		    !phys_fs_kinds[i].aops)
			continue;
		inode = phys_fs_inode(dir->i_sb, S_IFREG | 0600);
		if (!inode)
			return ERR_PTR(-ENOMEM);
		inode->i_fop = &phys_fs_file_operations;
		inode->i_mapping->a_ops = phys_fs_kinds[i].aops;
		i_size_write(inode, PHYS_FS_SIZE);
		break;
	}
	return d_splice_alias(inode, dentry);
}

static const struct inode_operations phys_fs_dir_inode_operations = {
	.lookup = phys_fs_lookup,
};

static const struct super_operations phys_fs_super_operations = {
	.statfs = simple_statfs,
};

static int phys_fs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct inode *root;
	/*
	 * Without a bdi, this would count as a filesystem that never writes
	 * back.
	 */
	int err = super_setup_bdi(sb);

	if (err)
		return err;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = PHYS_FS_MAGIC;
	sb->s_op = &phys_fs_super_operations;
	root = phys_fs_inode(sb, S_IFDIR | 0700);
	if (!root)
		return -ENOMEM;
	root->i_op = &phys_fs_dir_inode_operations;
	root->i_fop = &simple_dir_operations;
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int phys_fs_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, phys_fs_fill_super);
}

static const struct fs_context_operations phys_fs_context_operations = {
	.get_tree = phys_fs_get_tree,
};

static int phys_fs_init_context(struct fs_context *fc)
{
	fc->ops = &phys_fs_context_operations;
	return 0;
}

static struct file_system_type phys_fs_type = {
	.name = "migrate_phys_fs",
	.init_fs_context = phys_fs_init_context,
	.kill_sb = kill_anon_super,
};

static int __init phys_fs_init(void)
{
	return register_filesystem(&phys_fs_type);
}
fs_initcall(phys_fs_init);
