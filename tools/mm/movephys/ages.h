/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The age of each folio of some nodes: the number of looks in a row that found it idle.
 * A look asks page_idle whether the folios that the previous look marked were accessed
 * since, and marks the accessed ones again.
 *
 * Such a look costs too much to have one each second. Therefore a probe looks only at a
 * sample of the slow nodes, which tells whether hot folios are there: evenly spaced words
 * of page_idle's bitmap, because a read of a word checks all of its folios.
 *
 * Ages are stored by frame but describe the folio in it. Therefore a look clears the age
 * of a free frame, and a mover calls ages_forget() for a frame that a folio has left.
 */
#ifndef MOVEPHYS_AGES_H
#define MOVEPHYS_AGES_H

#include "nodes.h"

enum age {
	AGE_NONE,		/* no folio, or one that arrived after the last look */
	AGE_HOT,		/* the last two looks that can tell both found it accessed */
	AGE_WARM,		/* the last look found it accessed */
	AGE_NEW,		/* the last look found and marked it for the first time */
	AGE_IDLE,		/* the last look found it idle; 1 more for each look before that */
	AGE_COLD = AGE_IDLE + 2,	/* the last three looks found it idle */
	AGE_OLDEST = 255,
	NR_AGES,
};

/* Each folio is in one of these, and a look needs both. */
enum part {
	SAMPLE,
	REST,
	NR_PARTS,
};

/*
 * Watch the memory that these nodes have now. Memory that was watched before keeps its
 * ages. False after a message.
 */
bool ages_place(const struct nodes *fast, const struct nodes *slow);

/* Base pages of the sample, and how many of them are hot */
struct sample {
	__u64 pages, hot;
};

/* Look at the sample. Unless the rest is looked at next, idle folios do not grow older. */
struct sample ages_probe(bool look_follows);

/*
 * Look at the rest. After a long wait, most folios were accessed at least once, so do not
 * take a warm folio for hot then (!@finds_hot), but look again soon.
 *
 * A look does not mark hot folios of slow nodes: they are about to move, and should not
 * be marked when they arrive. ages_mark_hot() marks those that have not moved.
 */
void ages_look(bool finds_hot);
void ages_mark_hot(void);

/* Base pages of these ages on a node, as the last look or probe found them */
__u64 ages_pages(int node, enum age min, enum age max);
/* Base pages on a node that have been idle for this long */
__u64 ages_idle(int node, double seconds);
/*
 * The number of marks made since the start. Each mark costs a walk of the reverse map, and so
 * does each check of a marked folio.
 */
__u64 ages_marked(void);

/* A position in the memory of a node. Start with zero. */
struct place {
	int area;
	__u64 next;
};

/* Stores the head of the next folio of these ages on a node. False at the end. */
bool ages_next(int node, struct place *place, enum age min, enum age max, __u64 *head);

/* Clear the age of the folio in this frame, which has moved or should not be tried again soon. */
void ages_forget(__u64 head);

#endif
