/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's files about page frames: /proc/kpageflags, kpagecount, kpagecgroup,
 * the bitmap of page_idle, and the pagemap of a process. process.c opens the
 * pagemap, and frames.c the other files.
 */
#ifndef MOVEPHYS_FRAMES_H
#define MOVEPHYS_FRAMES_H

#include <sys/types.h>

#include "base.h"

/* Files of /proc that have 64 bits for each frame */
enum frame_file {
	KPAGEFLAGS,
	KPAGECOUNT,
	KPAGECGROUP,
	NR_FRAME_FILES,
};

/* Can the file be read? errno tells why not. The first call opens it. */
bool frames_readable(enum frame_file file);
const char *frames_path(enum frame_file file);

/* Returns the entry of a frame, or 0 if there is none. Reads ahead, and caches entries. */
__u64 frames_entry(enum frame_file file, __u64 frame);

/* Read the entries of successive frames, bypassing the cache. Returns how many were read. */
size_t frames_read(enum frame_file file, __u64 first, size_t count, __u64 *entries);

/* Forget the caches, since they may be out of date. */
void frames_refresh(void);

/* The folio that a frame belongs to */
struct extent {
	__u64 head;		/* its first frame */
	__u64 frames;
};

/* If nothing is known about the frame, it counts as a folio of one frame. */
struct extent frames_folio(__u64 frame);

/*
 * Is the frame in a page table? This reads kpagecount if it can. kpageflags costs three
 * times as much, since for a free frame it searches for the free block that has it.
 */
bool frames_mapped(__u64 frame);

/*
 * Returns how many frames from this one on need not be looked at one by one, or 0. This
 * frame must be mapped and the first one of a folio of at least 2 MiB, or the first one of
 * 2 MiB without memory. In the second case, no other frame is read, because the kernel keeps
 * track of memory in multiples of 2 MiB. Unless it returns 0, stores the flags of this frame.
 */
#define RUN_BYTES	BIT(21)
__u64 frames_run(__u64 frame, __u64 *flags);

bool frames_zero_page(__u64 frame);

/*
 * The bitmap of page_idle. Only folios on an LRU list can be marked, and a large folio
 * uses only the bit of its head. For the bitmap, the kernel clears and reads the accessed
 * bits in page tables, but flushes no TLB. A CPU sets such a bit only when it walks the
 * page table, so a page whose translation stays in a TLB looks idle although it is
 * accessed. tlb_evict() makes CPUs walk page tables again.
 */

/* Returns 0 or, after a message, an errno: EBUSY if another program uses page_idle. */
int idle_open(void);
void idle_mark(const __u64 *heads, size_t count);
/*
 * Make the kernel check whether marked folios were accessed since they were marked, and
 * clear the marks of those. If @idle is not NULL, store there which folios are idle.
 */
void idle_look(const __u64 *heads, size_t count, bool *idle);
/* After idle_look(): 1 if idle, 0 if accessed or never marked, -1 if it cannot be marked */
int idle_state(__u64 head);

/* The pagemap of a process: which frames are behind its virtual pages */
struct pagemap {
	int fd;
	bool scans;		/* PAGEMAP_SCAN works, from 6.7 on */
};

#define PAGEMAP_BLOCK	512
#define NO_FRAME	(~0ULL)		/* no page is in memory there */
#define HIDDEN_FRAME	(~0ULL - 1)	/* we lack the privilege to see the frame */

void pagemap_init(struct pagemap *map, int fd);

/*
 * Skip virtual pages that are not in memory: move @start up to the first page that is,
 * and store in @end, which is at most @limit, where the next call should start. False if
 * no page up to @end is in memory.
 */
bool pagemap_present(struct pagemap *map, __u64 *start, __u64 *end, __u64 limit);

/* Stores the frame of each page from @start on. Returns for how many pages it did. */
size_t pagemap_frames(const struct pagemap *map, __u64 start, size_t max,
		      __u64 frames[PAGEMAP_BLOCK]);

#endif
