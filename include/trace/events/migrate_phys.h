/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM migrate_phys

#if !defined(_TRACE_MIGRATE_PHYS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MIGRATE_PHYS_H

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/tracepoint.h>

#ifdef CREATE_TRACE_POINTS
/* How many entries asked for a node and have a status from @first to @last */
static inline unsigned int trace_entries(int nid, const int *nodes,
					 const int *status, unsigned int n,
					 int first, int last)
{
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		count += nodes[i] == nid && status[i] >= first &&
			 status[i] <= last;
	return count;
}
#endif

/* What became of the entries of a chunk that asked for one node */
TRACE_EVENT(move_phys_pages,
	    TP_PROTO(int nid, const int *nodes, const int *status, unsigned int n),
	    TP_ARGS(nid, nodes, status, n),
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
			     __field(unsigned int, einval)),
	    TP_fast_assign(__entry->nid = nid;
			   __entry->asked = trace_entries(nid, nodes, status, n,
							  INT_MIN, INT_MAX);
			   __entry->there = trace_entries(nid, nodes, status, n,
							  nid, nid);
			   __entry->elsewhere = trace_entries(nid, nodes, status,
							      n, 0, INT_MAX) -
						__entry->there;
			   __entry->enoent = trace_entries(nid, nodes, status, n,
							   -ENOENT, -ENOENT);
			   __entry->efault = trace_entries(nid, nodes, status, n,
							   -EFAULT, -EFAULT);
			   __entry->eacces = trace_entries(nid, nodes, status, n,
							   -EACCES, -EACCES);
			   __entry->ebusy = trace_entries(nid, nodes, status, n,
							  -EBUSY, -EBUSY);
			   __entry->enomem = trace_entries(nid, nodes, status, n,
							   -ENOMEM, -ENOMEM);
			   __entry->eio = trace_entries(nid, nodes, status, n,
							-EIO, -EIO);
			   __entry->einval = trace_entries(nid, nodes, status, n,
							   -EINVAL, -EINVAL);),
	    TP_printk("nid=%d asked=%u there=%u elsewhere=%u enoent=%u efault=%u eacces=%u ebusy=%u enomem=%u eio=%u einval=%u",
		      __entry->nid, __entry->asked, __entry->there,
		      __entry->elsewhere, __entry->enoent, __entry->efault,
		      __entry->eacces, __entry->ebusy, __entry->enomem,
		      __entry->eio, __entry->einval)
);

#endif /* _TRACE_MIGRATE_PHYS_H */

#include <trace/define_trace.h>
