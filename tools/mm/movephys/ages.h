/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The age of each folio of some nodes: for how many looks nobody has accessed it. A
 * look asks page_idle about the folios that the look before has marked, and marks again
 * those that were accessed.
 *
 * Ages are kept by frame, but belong to the folio: a look forgets those of frames that
 * are free, and a mover calls ages_forget() for the frame that a folio has left.
 */
#ifndef MOVEPHYS_AGES_H
#define MOVEPHYS_AGES_H

#include "nodes.h"

enum age {
	AGE_NONE,		/* no folio, or one that arrived after the last look */
	AGE_HOT,		/* accessed before each of the last two looks */
	AGE_WARM,		/* accessed before the last look */
	AGE_NEW,		/* found by the last look, and marked */
	AGE_IDLE,		/* idle in it, and one more for each idle look before */
	AGE_COLD = AGE_IDLE + 2,
	AGE_OLDEST = 255,
	NR_AGES,
};

/*
 * Watch the memory of these nodes as it is now. Ages of memory that was watched before
 * are kept. False after a message.
 */
bool ages_place(const struct nodes *fast, const struct nodes *slow);

/*
 * A look does not mark hot folios of slow nodes, since they are about to move, and are to
 * arrive without a mark. ages_mark_hot() marks those that could not move.
 */
void ages_look(void);
void ages_mark_hot(void);

/* Base pages of these ages on a node, as the last look found them */
__u64 ages_pages(int node, enum age min, enum age max);
/* Base pages on a node that have been idle for so long */
__u64 ages_idle(int node, double seconds);
/* Base pages that became warm after having been cold, or the other way round */
__u64 ages_turned(void);
/* Folios marked since the start: each costs a walk of its reverse map, and so does a look. */
__u64 ages_marked(void);

/* A position in the memory of a node. Start with zero. */
struct place {
	int area;
	__u64 next;
};

/* Stores the head of the next folio of these ages on a node. False at the end. */
bool ages_next(int node, struct place *place, enum age min, enum age max, __u64 *head);

/* Begin again with the folio in this frame: it moved away, or is not to be tried again soon. */
void ages_forget(__u64 head);

#endif
