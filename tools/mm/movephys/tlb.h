/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MOVEPHYS_TLB_H
#define MOVEPHYS_TLB_H

/*
 * Replace what the TLBs hold, on each CPU that this thread may run on. CPUs then walk
 * page tables again, and set the accessed bits there. It takes well below a
 * millisecond a CPU, but waits for its turn on a busy one.
 */
void tlb_evict(void);

#endif
