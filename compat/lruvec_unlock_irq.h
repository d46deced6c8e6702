/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/memcontrol.h void lruvec_unlock_irq[(]struct lruvec [*]
 * @for mm/vmscan.o
 *
 * "mm: rename unlock_page_lruvec_irq and its variants" renamed the function.
 * Both names release the lock that folio_lruvec_relock_irq() takes. Nothing is
 * included here, since mm/vmscan.c sets pr_fmt before its own includes.
 */
#define lruvec_unlock_irq	unlock_page_lruvec_irq
