// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "batch.h"
#include "frames.h"
#include "slice.h"

#define SLOTS	(2 * BATCH)

static struct range rest;	/* the part of the last range that the next batch begins with */
static struct extent last;	/* drop these frames: their folio was in the previous batch */

/* Hash table by head: the index of a folio in the batch, plus 1 */
static __u16 slots[SLOTS];

bool batch_sizes_known(void)
{
	return frames_readable(KPAGEFLAGS);
}

void batch_restart(void)
{
	rest.pages = 0;
	last.frames = 0;
}

/* Returns the slot of the folio with this head, or the free slot for it. */
static __u16 *slot_of(const struct batch *batch, __u64 head)
{
	size_t at = head * 0x9e3779b97f4a7c15ULL >> 32;

	for (;; at++) {
		__u16 *slot = &slots[at % SLOTS];

		if (!*slot || batch->folios[*slot - 1].head == head)
			return slot;
	}
}

static void add(struct batch *batch, struct folio folio, bool merge)
{
	__u16 *slot;

	if (!merge) {
		batch->folios[batch->nr++] = folio;
		return;
	}
	if (folio.address / page_size - last.head < last.frames)
		return;
	slot = slot_of(batch, folio.head);
	if (*slot) {
		batch->folios[*slot - 1].named += folio.named;
		return;
	}
	batch->folios[batch->nr++] = folio;
	*slot = batch->nr;
}

/* Remove pages of other jobs from the front of the range. False if there are none. */
static bool drop_others(struct range *range)
{
	__u64 frame = range->start / page_size, pages = slice_others(frame);

	if (!pages)
		return false;
	if (pages > range->pages)
		pages = range->pages;
	range->start = (frame + pages) * page_size;
	range->pages -= pages;
	return true;
}

/* Remove the pages of one folio from the front of the range, and return the folio. */
static struct folio cut(struct range *range)
{
	__u64 frame = range->start / page_size, named;
	struct extent extent = frames_folio(frame);

	named = extent.head + extent.frames - frame;
	if (named > range->pages)
		named = range->pages;
	range->pages -= named;
	frame += named;
	return (struct folio){
		.address = range->start, .named = named,
		.head = extent.head, .pages = extent.frames,
	};
}

/*
 * The pages of a folio may come in two batches, and the folio moves with the first one.
 * Drop those that come in the second. But if the program that names the pages has paused,
 * it may also name a page again, to move it once more.
 */
static void remember_last(const struct batch *batch)
{
	const struct folio *folio;
	__u64 next, end;

	if (!batch->nr)
		return;
	folio = &batch->folios[batch->nr - 1];
	next = batch->nr == BATCH ? folio->head :
				    folio->address / page_size + folio->named;
	end = folio->head + folio->pages;
	last = (struct extent){ next, next < end ? end - next : 0 };
}

void batch_fill(struct batch *batch, struct source *src, bool merge)
{
	frames_refresh();
	memset(slots, 0, sizeof(slots));
	batch->nr = 0;
	while (batch->nr < BATCH && !stopped) {
		struct folio folio;

		if (!rest.pages && !src->next(src, &rest, !batch->nr))
			break;
		if (drop_others(&rest))
			continue;
		folio = cut(&rest);
		rest.start = (rest.start / page_size + folio.named) * page_size;
		add(batch, folio, merge);
	}
	if (src->misread)
		batch->nr = 0;
	remember_last(batch);
}

__u64 batch_done(const struct source *src)
{
	return src->done - rest.pages;
}

void batch_measure(struct folio *folios, size_t count)
{
	frames_refresh();
	for (size_t i = 0; i < count && !stopped; i++) {
		struct extent extent =
			frames_folio(folios[i].address / page_size);

		folios[i].head = extent.head;
		folios[i].pages = extent.frames;
	}
}

static const __u64 *heads_of(const struct batch *batch)
{
	static __u64 heads[BATCH];

	for (size_t i = 0; i < batch->nr; i++)
		heads[i] = batch->folios[i].head;
	return heads;
}

void batch_mark_idle(const struct batch *batch)
{
	idle_mark(heads_of(batch), batch->nr);
}

void batch_select_idle(struct batch *batch, bool idle, bool remark)
{
	static __u64 accessed[BATCH];
	size_t nr = 0, nr_accessed = 0;

	idle_look(heads_of(batch), batch->nr, NULL);
	for (size_t i = 0; i < batch->nr && !stopped; i++) {
		int state = idle_state(batch->folios[i].head);

		if (!state)
			accessed[nr_accessed++] = batch->folios[i].head;
		if (state == idle)
			batch->folios[nr++] = batch->folios[i];
	}
	batch->nr = nr;
	if (remark)
		idle_mark(accessed, nr_accessed);
}
