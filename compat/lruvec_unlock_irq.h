/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/memcontrol.h void lruvec_unlock_irq[(]struct lruvec [*]
 * @for mm/vmscan.o
 *
 * "mm: rename unlock_page_lruvec_irq and its variants" renamed the function.
 * Both functions release the lock that folio_lruvec_relock_irq() takes. Nothing
 * is included, since <linux/printk.h> must not define pr_fmt before mm/vmscan.c
 * does.
 */
#define lruvec_unlock_irq	unlock_page_lruvec_irq
