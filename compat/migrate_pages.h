/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/migrate.h struct folio [*]alloc_migration_target[(]struct folio [*]
 *
 * "mm: convert migrate_pages() to work on folios" had pages before, in callbacks
 * too. Those are the first pages of folios: nothing else can be on the list or
 * come from alloc_migration_target().
 */
#include <linux/migrate.h>
#include <linux/mm.h>

static inline struct folio *compat_alloc_migration_target(struct folio *src,
							  unsigned long private)
{
	struct page *dst = alloc_migration_target(&src->page, private);

	return dst ? page_folio(dst) : NULL;
}

#define alloc_migration_target	compat_alloc_migration_target

struct compat_new_page {
	struct folio *(*get_new_folio)(struct folio *src, unsigned long private);
	unsigned long private;
};

static inline struct page *compat_new_page(struct page *page,
					   unsigned long private)
{
	struct compat_new_page *new = (struct compat_new_page *)private;
	struct folio *dst = new->get_new_folio(page_folio(page), new->private);

	return dst ? &dst->page : NULL;
}

static inline int
compat_migrate_pages(struct list_head *from,
		     struct folio *(*get_new_folio)(struct folio *src,
						    unsigned long private),
		     free_page_t *put_new_page, unsigned long private,
		     enum migrate_mode mode, int reason,
		     unsigned int *ret_succeeded)
{
	struct compat_new_page new = {
		.get_new_folio = get_new_folio,
		.private = private,
	};

	return migrate_pages(from, compat_new_page, put_new_page,
			     (unsigned long)&new, mode, reason,
			     ret_succeeded);
}

#define migrate_pages	compat_migrate_pages
