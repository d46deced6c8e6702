/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's files about page frames: /proc/kpageflags, kpagecount, kpagecgroup,
 * the bitmap of page_idle, and the pagemap of a process. Nothing else in these
 * tools opens any of them.
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

/* The entry of a frame; 0 if there is none. Neighbours are read along and cached. */
__u64 frames_entry(enum frame_file file, __u64 frame);

/* Read the entries of successive frames past the cache; returns how many there are. */
size_t frames_read(enum frame_file file, __u64 first, size_t count, __u64 *entries);

/* Forget the caches, since they may be out of date. */
void frames_refresh(void);

/* The folio that a frame belongs to */
struct extent {
	__u64 head;		/* its first frame */
	__u64 frames;
};

/* A frame of which nothing is known is a folio of its own. */
struct extent frames_folio(__u64 frame);

/*
 * Is it in a page table? kpagecount tells that at a third of the price of
 * kpageflags, which looks for the free block that each free frame is in.
 */
bool frames_mapped(__u64 frame);

/*
 * Returns how many frames from this one on need no look at each: those of a folio
 * whose first frame is mapped, or of a hole without memory, of 2 MiB or more. Stores
 * the flags of the first one.
 */
#define RUN_BYTES	BIT(21)
__u64 frames_run(__u64 frame, __u64 *flags);

bool frames_zero_page(__u64 frame);

/*
 * The bitmap of page_idle. Only folios on an LRU list can be marked, and a large
 * one has only the bit of its head. The kernel clears and reads the accessed bits of
 * page tables for it, and flushes no TLB: a CPU sets the bit only when it walks the
 * page table, so a page whose translation stays in a TLB looks idle although it is
 * accessed. tlb_evict() makes CPUs walk again.
 */
bool idle_open(void);		/* false after a message */
bool idle_in_use(void);		/* by another program that opens it so */
void idle_mark(const __u64 *heads, size_t count);
/*
 * Make the kernel look whether marked folios were accessed since. Stores which are
 * idle, if @idle is not NULL.
 */
void idle_look(const __u64 *heads, size_t count, bool *idle);
/* After that: 1 idle, 0 accessed or not marked, -1 cannot be marked. */
int idle_state(__u64 head);

/* The pagemap of a process: which frames are behind its virtual pages */
struct pagemap {
	int fd;
	bool scans;		/* PAGEMAP_SCAN works, from 6.7 on */
};

#define PAGEMAP_BLOCK	512
#define NO_FRAME	(~0ULL)		/* nothing in memory there */
#define HIDDEN_FRAME	(~0ULL - 1)	/* the kernel does not tell us the frame */

void pagemap_init(struct pagemap *map, int fd);

/*
 * Narrow a stretch of virtual pages to one that has something in memory: moves
 * @start up to the first such page and stores where to go on in @end, at most
 * @limit. False if there is nothing up to @end.
 */
bool pagemap_present(struct pagemap *map, __u64 *start, __u64 *end, __u64 limit);

/* Stores the frame of each page from @start on; returns for how many pages. */
size_t pagemap_frames(const struct pagemap *map, __u64 start, size_t max,
		      __u64 frames[PAGEMAP_BLOCK]);

#endif
