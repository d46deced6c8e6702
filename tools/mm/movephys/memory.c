// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of what processes have in memory on some nodes */
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

/* Memory comes and goes, so this is read again each time. */
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

/* Free memory and the kernel's own is left out, as far as the kernel tells. */
static bool wanted(__u64 frame)
{
	return !(frames_readable(KPAGECOUNT) || frames_readable(KPAGEFLAGS)) ||
	       frames_mapped(frame);
}

/* Goes on by what other jobs work on; false if that is nothing. */
static bool skip_others(struct memory *memory, const struct span *span)
{
	__u64 frames = slice_others(memory->next);

	if (frames > span->end - memory->next)
		frames = span->end - memory->next;
	memory->next += frames;
	memory->src.done += frames;
	return frames;
}

/* Goes on by as much as needs no look at each frame; false if that is nothing. */
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

/* Likewise by one frame; returns whether the range ends before it. */
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
		/* Its user asks about these frames again, while they are cached. */
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
