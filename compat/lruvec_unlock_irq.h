/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/memcontrol.h void lruvec_unlock_irq[(]struct lruvec [*]
 *
 * Renamed by "mm: rename unlock_page_lruvec_irq and its variants". Under either
 * name it undoes the same kernel's folio_lruvec_lock_irq().
 */
#include <linux/memcontrol.h>

#define lruvec_unlock_irq	unlock_page_lruvec_irq
