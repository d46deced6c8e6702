/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h folio_has_pincount[(]
 *
 * "mm: move _pincount in folio to page[2] on 32bit" added the function. Before
 * that, every large folio had a count of its pins.
 */
#include <linux/page-flags.h>

#define folio_has_pincount	folio_test_large
