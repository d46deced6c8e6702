/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm_inline.h bool lru_gen_del_folio[(]struct lruvec [*]lruvec, struct folio [*]
 * @for mm/vmscan.o
 * @tried 6.0.19 RahulBoipai/linux-6.0.19
 *
 * "mm: multi-gen LRU: groundwork" added the function. Before that, every folio
 * is on a list of its lruvec and on no list of a generation. No header of mm/
 * is included here, since mm/vmscan.c sets pr_fmt before its own includes.
 */
#include <linux/types.h>

struct folio;
struct lruvec;

static inline bool lru_gen_del_folio(struct lruvec *lruvec, struct folio *folio,
				     bool reclaiming)
{
	return false;
}
