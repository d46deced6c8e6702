/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has include/linux/mm.h folio_has_pincount[(]
 *
 * Came with "mm: move _pincount in folio to page[2] on 32bit". Before, every
 * large folio has a count of its pins.
 */
#include <linux/page-flags.h>

#define folio_has_pincount	folio_test_large
