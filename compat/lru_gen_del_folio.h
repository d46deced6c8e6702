/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm_inline.h bool lru_gen_del_folio[(]struct lruvec [*]lruvec, struct folio [*]
 * @for mm/vmscan.o
 * @tried 6.0.19 RahulBoipai/linux-6.0.19
 *
 * "mm: multi-gen LRU: groundwork" added the function. Before that, every folio
 * on an LRU list was on a list of its lruvec and on none of a generation. Only
 * <linux/types.h> is included, since <linux/printk.h> must not define pr_fmt
 * before mm/vmscan.c does.
 */
#include <linux/types.h>

struct folio;
struct lruvec;

static inline bool lru_gen_del_folio(struct lruvec *lruvec, struct folio *folio,
				     bool reclaiming)
{
	return false;
}
