/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MOVEPHYS_TLB_H
#define MOVEPHYS_TLB_H

/*
 * Replace the entries of the TLBs on each CPU that this thread may run on. These CPUs
 * then walk page tables again, and set accessed bits there. This takes less than a
 * millisecond for each CPU, plus the wait for the scheduler on a busy CPU. False on
 * failure, with a message at the first one in a row: pages in use may look idle.
 */
bool tlb_evict(void);

#endif
