/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM migrate_phys

#if !defined(_TRACE_MIGRATE_PHYS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MIGRATE_PHYS_H

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/tracepoint.h>

struct phys_chunk;
struct phys_mm_slots;

#ifdef CREATE_TRACE_POINTS
/*
 * Count the entries of a chunk that ask for node @nid and have a status from
 * @first to @last.
 */
static inline unsigned int count_entries(const struct phys_chunk *chunk,
					 int nid, int first, int last)
{
	unsigned int i, count = 0;

	for (i = 0; i < chunk->nr; i++)
		count += chunk->node[i] == nid && chunk->status[i] >= first &&
			 chunk->status[i] <= last;
	return count;
}
#endif

/*
 * Each event counts, by status, the entries of a chunk that ask for one target
 * node. Only spaces, tasks and passes are totals of the whole chunk: the pairs
 * of an address space and a node, the checks of tasks, and the passes over all
 * processes.
 */
TRACE_EVENT(move_phys_pages,
	    TP_PROTO(int nid, const struct phys_chunk *chunk,
		     const struct phys_mm_slots *slots),
	    TP_ARGS(nid, chunk, slots),
	    TP_STRUCT__entry(__field(int, nid)
			     __field(unsigned int, asked)
			     __field(unsigned int, there)
			     __field(unsigned int, elsewhere)
			     __field(unsigned int, enoent)
			     __field(unsigned int, efault)
			     __field(unsigned int, eacces)
			     __field(unsigned int, ebusy)
			     __field(unsigned int, enomem)
			     __field(unsigned int, eio)
			     __field(unsigned int, einval)
			     __field(unsigned int, spaces)
			     __field(unsigned int, tasks)
			     __field(unsigned int, passes)),
	    TP_fast_assign(__entry->nid = nid;
			   __entry->asked = count_entries(chunk, nid, INT_MIN,
							  INT_MAX);
			   __entry->there = count_entries(chunk, nid, nid, nid);
			   __entry->elsewhere = count_entries(chunk, nid, 0,
							      INT_MAX) -
						__entry->there;
			   __entry->enoent = count_entries(chunk, nid, -ENOENT,
							   -ENOENT);
			   __entry->efault = count_entries(chunk, nid, -EFAULT,
							   -EFAULT);
			   __entry->eacces = count_entries(chunk, nid, -EACCES,
							   -EACCES);
			   __entry->ebusy = count_entries(chunk, nid, -EBUSY,
							  -EBUSY);
			   __entry->enomem = count_entries(chunk, nid, -ENOMEM,
							   -ENOMEM);
			   __entry->eio = count_entries(chunk, nid, -EIO, -EIO);
			   __entry->einval = count_entries(chunk, nid, -EINVAL,
							   -EINVAL);
			   __entry->spaces = slots->nr;
			   __entry->tasks = slots->tasks;
			   __entry->passes = slots->passes;),
	    TP_printk("nid=%d asked=%u there=%u elsewhere=%u enoent=%u efault=%u eacces=%u ebusy=%u enomem=%u eio=%u einval=%u spaces=%u tasks=%u passes=%u",
		      __entry->nid, __entry->asked, __entry->there,
		      __entry->elsewhere, __entry->enoent, __entry->efault,
		      __entry->eacces, __entry->ebusy, __entry->enomem,
		      __entry->eio, __entry->einval, __entry->spaces,
		      __entry->tasks, __entry->passes)
);

#endif /* _TRACE_MIGRATE_PHYS_H */

#include <trace/define_trace.h>
