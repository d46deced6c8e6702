// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "frames.h"

#define PRESENT		BIT(63)
#define FRAME_MASK	(BIT(55) - 1)

/* Limit a scan, since a signal waits for its end, and a mapping may be very large. */
#define SCAN_BYTES	BIT(40)

/* For kernel headers from before 6.7. The kernel never changes this layout. */
#ifndef PAGEMAP_SCAN
struct page_region {
	__u64 start;
	__u64 end;
	__u64 categories;
};

struct pm_scan_arg {
	__u64 size;
	__u64 flags;
	__u64 start;
	__u64 end;
	__u64 walk_end;
	__u64 vec;
	__u64 vec_len;
	__u64 max_pages;
	__u64 category_inverted;
	__u64 category_mask;
	__u64 category_anyof_mask;
	__u64 return_mask;
};

#define PAGEMAP_SCAN		_IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_PRESENT		BIT(3)
#endif

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/*
 * Find the first successive pages between @start and @end that are in memory. Returns 1,
 * 0 if there are none, or -1 on failure.
 */
static int scan(const struct pagemap *map, __u64 start, __u64 end,
		struct page_region *region)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start * page_size,
		.end = end * page_size,
		.vec = (uintptr_t)region,
		.vec_len = 1,
		.category_mask = PAGE_IS_PRESENT,
		.return_mask = PAGE_IS_PRESENT,
	};

	return ioctl(map->fd, PAGEMAP_SCAN, &arg);
}

void pagemap_init(struct pagemap *map, int fd)
{
	struct page_region region;

	map->fd = fd;
	map->scans = scan(map, 0, 1, &region) >= 0;
}

bool pagemap_present(struct pagemap *map, __u64 *start, __u64 *end, __u64 limit)
{
	struct page_region region = { };
	int found;

	*end = limit;
	if (!map->scans)
		return true;
	*end = least(limit, *start + SCAN_BYTES / page_size);
	found = scan(map, *start, *end, &region);
	if (found <= 0)
		return false;
	*start = region.start / page_size;
	/* If the region is short, read a whole block of the pagemap, which may show more. */
	if (region.end / page_size - *start > PAGEMAP_BLOCK)
		*end = region.end / page_size;
	else
		*end = least(limit, *start + PAGEMAP_BLOCK);
	return true;
}

size_t pagemap_frames(const struct pagemap *map, __u64 start, size_t max,
		      __u64 frames[PAGEMAP_BLOCK])
{
	const size_t size = sizeof(frames[0]);
	ssize_t got;

	got = pread(map->fd, frames, least(max, PAGEMAP_BLOCK) * size, start * size);
	if (got <= 0)
		return 0;
	for (size_t i = 0; i < got / size; i++) {
		if (!(frames[i] & PRESENT))
			frames[i] = NO_FRAME;
		else if (!(frames[i] & FRAME_MASK))
			frames[i] = HIDDEN_FRAME;
		else
			frames[i] &= FRAME_MASK;
	}
	return got / size;
}
