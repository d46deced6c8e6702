// SPDX-License-Identifier: GPL-2.0-only
/* A source: the mapped pages of some nodes */
#include <linux/kernel-page-flags.h>
#include <stdio.h>

#include "frames.h"
#include "slice.h"
#include "source.h"

#define BLOCK	512	/* frames that are read at once */

struct memory {
	struct source src;
	const struct nodes *nodes;
	struct span spans[MAX_SPANS];
	int nr, at;
	__u64 next;		/* frame in spans[at] */
};

/* Read the memory of the nodes again, since memory blocks may have come or gone. */
static bool rewind_memory(struct source *src)
{
	struct memory *memory = (struct memory *)src;

	memory->nr = nodes_spans(memory->nodes, memory->spans);
	memory->at = 0;
	memory->next = 0;
	src->ended = false;
	src->total = 0;
	src->done = 0;
	if (memory->nr < 0)
		return false;
	for (int i = 0; i < memory->nr; i++)
		src->total += memory->spans[i].end - memory->spans[i].start;
	if (!src->total)
		complain("the nodes of --from have no memory any more: nodes with memory are %s",
			 nodes_known());
	return src->total;
}

/* Leave out free memory and the kernel's own, if /proc shows which that is. */
static bool wanted(__u64 frame)
{
	return !(frames_readable(KPAGECOUNT) || frames_readable(KPAGEFLAGS)) ||
	       frames_mapped(frame);
}

/* Skip the frames of other jobs. False if there are none. */
static bool skip_others(struct memory *memory, const struct span *span)
{
	__u64 frames = slice_others(memory->next);

	if (frames > span->end - memory->next)
		frames = span->end - memory->next;
	memory->next += frames;
	memory->src.done += frames;
	return frames;
}

/* Take a run of frames that need not be looked at one by one. False if there is none. */
static bool next_run(struct memory *memory, const struct span *span,
		     struct range *range)
{
	__u64 start = memory->next, flags;
	__u64 frames = frames_run(start, &flags);

	if (!frames || frames > span->end - start)
		return false;
	memory->next += frames;
	memory->src.done += frames;
	if (flags & BIT(KPF_MMAP))
		*range = (struct range){ start * page_size, frames };
	return true;
}

/* Add the next frame to the range, or skip it. True if the range ends before it. */
static bool next_frame(struct memory *memory, struct range *range)
{
	if (!wanted(memory->next)) {
		if (range->pages)
			return true;
	} else if (!range->pages++) {
		range->start = memory->next * page_size;
	}
	memory->next++;
	memory->src.done++;
	return false;
}

static bool next_in_memory(struct source *src, struct range *range, bool wait)
{
	struct memory *memory = (struct memory *)src;

	(void)wait;
	range->pages = 0;
	while (memory->at < memory->nr && !stopped) {
		struct span *span = &memory->spans[memory->at];

		if (memory->next < span->start)
			memory->next = span->start;
		if (memory->next >= span->end) {
			memory->at++;
			if (range->pages)
				return true;
			continue;
		}
		if (skip_others(memory, span)) {
			if (range->pages)
				return true;
			continue;
		}
		/* End the range here, so that its entries are still cached when batch_fill() reads them. */
		if (range->pages && memory->next % BLOCK == 0)
			return true;
		if (!range->pages && next_run(memory, span, range)) {
			if (range->pages)
				return true;
			continue;
		}
		if (next_frame(memory, range))
			return true;
	}
	src->ended = !range->pages;
	return range->pages && !stopped;
}

struct source *source_nodes(const struct nodes *nodes)
{
	static struct memory memory;

	memory.src.next = next_in_memory;
	memory.src.rewind = rewind_memory;
	memory.nodes = nodes;
	return rewind_memory(&memory.src) ? &memory.src : NULL;
}
