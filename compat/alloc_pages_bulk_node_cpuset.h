/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has mm/page_alloc.c z = ac[.]preferred_zoneref; for_next_zone_zonelist_nodemask[(]
 * @for mm/migrate_phys_move.o
 * @tried 6.6.17 terryjwyoon/kernel-6.6.17
 *
 * Before "mm: fix NULL pointer dereference in alloc_pages_bulk_noprof", the
 * bulk allocator reads the caller's mems_allowed twice. If the cpuset gains the
 * target in between, it dereferences NULL. So do not use it while there are
 * cpusets; the engine then allocates one folio after the other.
 */
#include <linux/cpuset.h>
#include <linux/gfp.h>

static inline unsigned long
phys_alloc_pages_bulk(gfp_t gfp, int nid, unsigned long nr, struct page **pages)
{
	if (cpusets_enabled())
		return 0;
	return alloc_pages_bulk_node(gfp, nid, nr, pages);
}

/* On some of these kernels, alloc_pages_bulk_node.h has defined the name. */
#undef alloc_pages_bulk_node
#define alloc_pages_bulk_node	phys_alloc_pages_bulk
