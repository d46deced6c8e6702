/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/migrate.h typedef struct folio [*]new_folio_t[(]
 * @for mm/migrate_phys_move.o
 *
 * Before "mm: convert migrate_pages() to work on folios", the callbacks of
 * migrate_pages() took the first page of a folio, and new_page_t returned one.
 */
#include <linux/migrate.h>
#include <linux/mm.h>

struct compat_callbacks {
	struct folio *(*get_new_folio)(struct folio *src,
				       unsigned long private);
	void (*put_new_folio)(struct folio *dst, unsigned long private);
	unsigned long private;
};

static inline struct page *compat_get_new_page(struct page *page,
					       unsigned long private)
{
	struct compat_callbacks *callbacks = (void *)private;
	struct folio *dst = callbacks->get_new_folio(page_folio(page),
						     callbacks->private);

	return dst ? &dst->page : NULL;
}

static inline void compat_put_new_page(struct page *page, unsigned long private)
{
	struct compat_callbacks *callbacks = (void *)private;

	callbacks->put_new_folio(page_folio(page), callbacks->private);
}

static inline int
compat_migrate_pages(struct list_head *from,
		     struct folio *(*get_new_folio)(struct folio *src,
						    unsigned long private),
		     void (*put_new_folio)(struct folio *dst,
					   unsigned long private),
		     unsigned long private, enum migrate_mode mode, int reason,
		     unsigned int *ret_succeeded)
{
	struct compat_callbacks callbacks = {
		.get_new_folio = get_new_folio,
		.put_new_folio = put_new_folio,
		.private = private,
	};

	return migrate_pages(from, compat_get_new_page, compat_put_new_page,
			     (unsigned long)&callbacks, mode, reason,
			     ret_succeeded);
}

#define migrate_pages	compat_migrate_pages
