// SPDX-License-Identifier: GPL-2.0-only
/* All page frames of some nodes, and what the kernel tells of each. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

#define MAX_SPANS (8 * MAX_NODES)

/* Frame numbers that a zone of a node lies between */
struct span {
	__u64 next, end;
};

struct frames {
	struct source src;
	const struct bitmask *nodes;
	struct span spans[MAX_SPANS];
	size_t nr, at;
};

static int by_start(const void *a, const void *b)
{
	const struct span *one = a, *two = b;

	return (one->next > two->next) - (one->next < two->next);
}

static void read_spans(struct frames *frames, FILE *zones)
{
	unsigned long start, spanned = 0;
	char line[256];
	int node = -1;

	while (fgets(line, sizeof(line), zones)) {
		if (sscanf(line, "Node %d, zone", &node) == 1 ||
		    sscanf(line, " spanned %lu", &spanned) == 1 ||
		    sscanf(line, " start_pfn: %lu", &start) != 1)
			continue;
		if (frames->nodes && !numa_bitmask_isbitset(frames->nodes, node))
			continue;
		if (frames->nr < MAX_SPANS)
			frames->spans[frames->nr++] =
				(struct span){ start, start + spanned };
	}
}

/* Where the zones of two nodes lie in each other, a frame counts once. */
static __u64 part_spans(struct frames *frames)
{
	__u64 end = 0, total = 0;

	qsort(frames->spans, frames->nr, sizeof(frames->spans[0]), by_start);
	for (size_t i = 0; i < frames->nr; i++) {
		struct span *span = &frames->spans[i];

		if (span->next < end)
			span->next = end;
		if (span->end < span->next)
			span->end = span->next;
		end = span->end;
		total += span->end - span->next;
	}
	return total;
}

/* Memory comes and goes, so this is read anew each time. */
static bool rewind_frames(struct source *src)
{
	struct frames *frames = (struct frames *)src;
	FILE *zones = fopen("/proc/zoneinfo", "re");

	frames->nr = 0;
	frames->at = 0;
	src->ended = false;
	if (!zones) {
		complain("cannot open /proc/zoneinfo: %s", strerror(errno));
		return false;
	}
	read_spans(frames, zones);
	fclose(zones);
	src->total = part_spans(frames);
	if (!src->total)
		complain("no memory on node %s any more: nodes with memory are %s",
			 opt.from, nodes_with_memory());
	return src->total;
}

static size_t fill_from_frames(struct source *src, __u64 *pages, size_t max)
{
	struct frames *frames = (struct frames *)src;
	size_t n = 0;

	while (n < max && frames->at < frames->nr) {
		struct span *span = &frames->spans[frames->at];

		if (span->next == span->end)
			frames->at++;
		else
			pages[n++] = span->next++ * page_size;
	}
	src->ended = frames->at == frames->nr;
	return n;
}

struct source *source_frames(const struct bitmask *nodes)
{
	static struct frames frames = {
		.src.fill = fill_from_frames,
		.src.rewind = rewind_frames,
	};

	frames.nodes = nodes;
	return rewind_frames(&frames.src) ? &frames.src : NULL;
}

bool frame_file_open(struct frame_file *file, const char *path)
{
	file->path = path;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		complain("cannot open %s: %s", path, strerror(errno));
	return file->fd >= 0;
}

/* Zero for frames that do not exist. Neighbours are read along, and remembered. */
__u64 frame_entry(struct frame_file *file, __u64 frame)
{
	const size_t size = sizeof(file->entry[0]);
	ssize_t got;

	if (!file->known || frame / BLOCK != file->first / BLOCK) {
		file->first = frame / BLOCK * BLOCK;
		got = pread(file->fd, file->entry, sizeof(file->entry),
			    file->first * size);
		file->known = got > 0 ? got / size : 0;
	}
	return frame - file->first < file->known ?
	       file->entry[frame - file->first] : 0;
}
