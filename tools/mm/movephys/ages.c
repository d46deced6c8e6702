// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel-page-flags.h>
#include <stdlib.h>
#include <string.h>

#include "ages.h"
#include "frames.h"

#define BLOCK	512		/* frames whose flags are read at once */
#define LIST	4096		/* folios that page_idle is asked about at once */
#define WORD	64		/* frames that a read of page_idle's bitmap asks about */
#define STRIDE	32		/* words: one of so many is in the sample */
#define MOST_WORDS	1024	/* in the sample of a zone: otherwise double the stride */

/*
 * The frames of a zone. Zones of two nodes may overlap, and the files that a look reads do
 * not have the node of a frame. So a folio in such frames has the same age in both areas,
 * and its pages are counted for both nodes.
 */
struct area {
	int node;
	bool slow;
	__u64 start, end;	/* frames */
	__u64 stride;		/* frames from one word of the sample to the next */
	__u8 *ages;		/* by frame: the age of the folio that begins there */
	__u64 pages[NR_PARTS][NR_AGES];	/* by age: base pages that were found */
};

/* The current probe or look */
static struct {
	enum part part;
	bool finds_hot;		/* a warm folio that was accessed again is hot */
	bool counts;		/* an idle folio grows older */
} search;

static struct sample sample;

/* Folios that the current look has found in an area */
static struct list {
	size_t nr;
	__u64 heads[LIST];
	__u64 pages[LIST];
	bool marked[LIST];
} list;

static struct area *areas;
static int nr_areas;
static __u64 all_marked;
static unsigned long looks;
static double times[NR_AGES];	/* when the last looks began */

static bool add_area(struct area **to, int *nr, int node, bool slow,
		     const struct span *span)
{
	struct area *more = reallocarray(*to, *nr + 1, sizeof(**to));
	struct area area = {
		.node = node, .slow = slow,
		.start = span->start, .end = span->end,
	};

	if (!more)
		return false;
	*to = more;
	area.stride = STRIDE * WORD;
	while ((span->end - span->start) / area.stride > MOST_WORDS)
		area.stride *= 2;
	area.ages = calloc(span->end - span->start, sizeof(*area.ages));
	if (!area.ages)
		return false;
	more[(*nr)++] = area;
	return true;
}

static void free_areas(struct area *old, int nr)
{
	for (int i = 0; i < nr; i++)
		free(old[i].ages);
	free(old);
}

static void copy_ages(struct area *to, const struct area *from)
{
	__u64 start = to->start > from->start ? to->start : from->start;
	__u64 end = to->end < from->end ? to->end : from->end;

	if (start < end)
		memcpy(to->ages + (start - to->start),
		       from->ages + (start - from->start), end - start);
}

static bool same_areas(const struct area *new, int nr)
{
	if (nr != nr_areas)
		return false;
	for (int i = 0; i < nr; i++)
		if (new[i].node != areas[i].node || new[i].slow != areas[i].slow ||
		    new[i].start != areas[i].start || new[i].end != areas[i].end)
			return false;
	return true;
}

bool ages_place(const struct nodes *fast, const struct nodes *slow)
{
	static struct span spans[MAX_SPANS];
	struct area *new = NULL;
	int nr = 0;

	for (int node = 0; node < MAX_NODES; node++) {
		struct nodes one = { };
		int found;

		if (!fast->has[node] && !slow->has[node])
			continue;
		one.has[node] = true;
		found = nodes_spans(&one, spans);
		for (int i = 0; i < found; i++) {
			if (spans[i].start == spans[i].end ||
			    add_area(&new, &nr, node, slow->has[node], &spans[i]))
				continue;
			complain("not enough memory to watch node %d", node);
			found = -1;
		}
		if (found < 0) {
			free_areas(new, nr);
			return false;
		}
	}
	if (same_areas(new, nr)) {
		free_areas(new, nr);
		return true;
	}
	for (int i = 0; i < nr; i++)
		for (int j = 0; j < nr_areas; j++)
			copy_ages(&new[i], &areas[j]);
	free_areas(areas, nr_areas);
	areas = new;
	nr_areas = nr;
	return true;
}

/*
 * A folio without a mark is new since the last look, or was accessed since then: reclaim
 * and other readers of page_idle's bitmap clear the marks of accessed folios. If the last
 * look found a folio in this frame, assume that this is the same one.
 */
static enum age next_age(enum age age, bool marked, bool idle)
{
	if (!marked && age == AGE_NONE)
		return AGE_NEW;
	if (!idle)
		return age == AGE_HOT || (age == AGE_WARM && search.finds_hot) ?
		       AGE_HOT : AGE_WARM;
	if (age < AGE_IDLE)
		return AGE_IDLE;
	return search.counts && age < AGE_OLDEST ? age + 1 : age;
}

static void mark(const __u64 *heads, size_t count)
{
	idle_mark(heads, count);
	all_marked += count;
}

static bool covers(const struct area *area, __u64 frame)
{
	return frame >= area->start && frame < area->end;
}

static void set_age(__u64 head, __u64 pages, enum age age)
{
	for (int i = 0; i < nr_areas; i++) {
		if (!covers(&areas[i], head))
			continue;
		areas[i].ages[head - areas[i].start] = age;
		areas[i].pages[search.part][age] += pages;
	}
}

/* A large folio is in the sample with its first word, or with each stride that it has. */
static void add_to_sample(const struct area *area, __u64 pages, enum age age)
{
	if (pages > WORD)
		pages = pages > area->stride ? pages / area->stride * WORD : WORD;
	sample.pages += pages;
	if (age == AGE_HOT)
		sample.hot += pages;
}

static void update_ages(const struct area *area)
{
	static __u64 marked[LIST], to_mark[LIST];
	static bool idle[LIST];
	size_t nr_marked = 0, nr_to_mark = 0, asked = 0;

	for (size_t i = 0; i < list.nr; i++)
		if (list.marked[i])
			marked[nr_marked++] = list.heads[i];
	idle_look(marked, nr_marked, idle);
	for (size_t i = 0; i < list.nr && !stopped; i++) {
		enum age age = area->ages[list.heads[i] - area->start];
		bool is_idle = list.marked[i] && idle[asked++];
		enum age next = next_age(age, list.marked[i], is_idle);

		set_age(list.heads[i], list.pages[i], next);
		if (search.part == SAMPLE)
			add_to_sample(area, list.pages[i], next);
		if (!is_idle && !(area->slow && next == AGE_HOT && search.counts))
			to_mark[nr_to_mark++] = list.heads[i];
	}
	mark(to_mark, nr_to_mark);
	list.nr = 0;
}

/*
 * No folio begins in these frames. Do not write zeroes over zeroes, since the first write
 * to a page of @ages allocates it.
 */
static void clear(__u64 first, __u64 count)
{
	for (int i = 0; i < nr_areas; i++) {
		const struct area *area = &areas[i];
		__u64 at = first > area->start ? first : area->start;

		for (; at < first + count && at < area->end; at++)
			if (area->ages[at - area->start])
				area->ages[at - area->start] = AGE_NONE;
	}
}

static void add_folio(__u64 head, __u64 pages, __u64 flags)
{
	list.heads[list.nr] = head;
	list.pages[list.nr] = pages;
	list.marked[list.nr++] = flags & BIT(KPF_IDLE);
}

/* Add the folios of a run of mapped frames to the list. */
static void look_at_run(__u64 first, size_t count)
{
	static __u64 flags[BLOCK];
	size_t got = frames_read(KPAGEFLAGS, first, count, flags), next;

	for (size_t i = 0; i < got; i = next) {
		for (next = i + 1; next < got && flags[next] & BIT(KPF_COMPOUND_TAIL); )
			next++;
		if (flags[i] & BIT(KPF_LRU) && !(flags[i] & BIT(KPF_COMPOUND_TAIL))) {
			bool cut = next == got && flags[i] & BIT(KPF_COMPOUND_HEAD);

			add_folio(first + i, cut ? frames_folio(first + i).frames : next - i,
				  flags[i]);
			clear(first + i + 1, next - i - 1);
		} else {
			clear(first + i, next - i);
		}
	}
}

/* Read kpagecount first: it costs a third of kpageflags, which only mapped frames need. */
static void look_at_block(__u64 first, size_t count)
{
	static __u64 mapped[BLOCK];
	size_t got = frames_read(KPAGECOUNT, first, count, mapped), next;

	for (size_t i = 0; i < got; i = next) {
		for (next = i + 1; next < got && !mapped[next] == !mapped[i]; )
			next++;
		if (mapped[i])
			look_at_run(first + i, next - i);
		else
			clear(first + i, next - i);
	}
}

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/*
 * Was this frame looked at with an area before this one? The answer holds for all frames
 * before *@end.
 */
static bool looked_at(const struct area *area, __u64 frame, __u64 *end)
{
	*end = area->end;
	for (const struct area *other = areas; other < area; other++) {
		if (frame < other->start)
			*end = least(*end, other->start);
		if (!covers(other, frame))
			continue;
		*end = least(*end, other->end);
		return true;
	}
	return false;
}

/* Is this frame in the sample? The answer holds for all frames before *@end. */
static bool in_sample(const struct area *area, __u64 frame, __u64 *end)
{
	__u64 offset = frame % area->stride;
	bool in = area->slow && offset < WORD;

	*end = frame - offset + (in ? WORD : area->stride);
	return in;
}

static void look_at(const struct area *area)
{
	__u64 flags, count, end, part_end;

	for (__u64 at = area->start; at < area->end && !stopped; at += count) {
		bool sampled, skip;

		/* The first look has marked these folios, so a second one would find them idle. */
		if (looked_at(area, at, &end)) {
			count = end - at;
			continue;
		}
		sampled = in_sample(area, at, &part_end);
		part_end = least(part_end, end);
		skip = sampled != (search.part == SAMPLE);
		if (skip && !sampled) {
			count = part_end - at;
			continue;
		}
		frames_refresh();
		/* A folio belongs to the part that has its first frame. */
		count = least(frames_run(at, &flags), end - at);
		if (skip) {
			count = count ?: part_end - at;
		} else if (!count) {
			count = least(BLOCK - at % BLOCK, part_end - at);
			look_at_block(at, count);
		} else if (flags & BIT(KPF_LRU)) {
			add_folio(at, count, flags);
			clear(at + 1, count - 1);
		} else {
			clear(at, count);
		}
		if (list.nr > LIST - BLOCK)
			update_ages(area);
	}
	update_ages(area);
}

static void look_at_part(enum part part)
{
	search.part = part;
	for (int i = 0; i < nr_areas; i++)
		memset(areas[i].pages[part], 0, sizeof(areas[i].pages[part]));
	for (int i = 0; i < nr_areas; i++)
		look_at(&areas[i]);
}

struct sample ages_probe(bool look_follows)
{
	search.finds_hot = true;
	search.counts = look_follows;
	sample = (struct sample){ };
	look_at_part(SAMPLE);
	return sample;
}

void ages_look(bool finds_hot)
{
	times[looks++ % NR_AGES] = now();
	search.finds_hot = finds_hot;
	search.counts = true;
	look_at_part(REST);
}

static void mark_hot_in(const struct area *area)
{
	static __u64 heads[LIST];
	size_t nr = 0;

	for (__u64 at = area->start; at < area->end; at++) {
		if (area->ages[at - area->start] != AGE_HOT)
			continue;
		heads[nr++] = at;
		if (nr < LIST)
			continue;
		mark(heads, nr);
		nr = 0;
	}
	mark(heads, nr);
}

void ages_mark_hot(void)
{
	for (int i = 0; i < nr_areas; i++)
		if (areas[i].slow)
			mark_hot_in(&areas[i]);
}

__u64 ages_pages(int node, enum age min, enum age max)
{
	__u64 pages = 0;

	for (int i = 0; i < nr_areas; i++)
		for (int age = min; areas[i].node == node && age <= (int)max; age++)
			pages += areas[i].pages[SAMPLE][age] + areas[i].pages[REST][age];
	return pages;
}

__u64 ages_idle(int node, double seconds)
{
	unsigned long idle;		/* number of looks in a row */

	/*
	 * A folio that was idle in all of them was marked by the look before the first one.
	 * Ages end at AGE_OLDEST, so nothing is known of a longer time.
	 */
	for (idle = 1; idle < looks && idle <= AGE_OLDEST - AGE_IDLE; idle++)
		if (times[(looks - 1) % NR_AGES] - times[(looks - 1 - idle) % NR_AGES] >= seconds)
			return ages_pages(node, AGE_IDLE + idle - 1, AGE_OLDEST);
	return 0;
}

__u64 ages_marked(void)
{
	return all_marked;
}

bool ages_next(int node, struct place *place, enum age min, enum age max, __u64 *head)
{
	for (; place->area < nr_areas; place->area++, place->next = 0) {
		const struct area *area = &areas[place->area];

		if (area->node != node)
			continue;
		while (place->next < area->end - area->start) {
			__u64 at = place->next++;

			if (area->ages[at] < min || area->ages[at] > max)
				continue;
			*head = area->start + at;
			return true;
		}
	}
	return false;
}

void ages_forget(__u64 head)
{
	for (int i = 0; i < nr_areas; i++)
		if (covers(&areas[i], head))
			areas[i].ages[head - areas[i].start] = AGE_NONE;
}
