// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: move the folios of a batch.
 *
 * Folios with the same target node and order (hugetlb apart) are handed to
 * migrate_pages() together. Their targets are allocated first, without direct
 * reclaim (allocating a large folio may compact the node). Only folios with a
 * target are isolated, so nobody waits for memory while folios are isolated, and
 * a folio without a target is neither unmapped nor split.
 */

#include <linux/hugetlb.h>
#include <linux/migrate.h>
#include <linux/swap.h>
#include <linux/writeback.h>

#include "internal.h"
#include "migrate_phys.h"

/* Targets */

/**
 * struct phys_targets - new folios of one order
 * @folio: the folios
 * @nr: how many there are
 * @nid: their node
 * @order: their order
 * @no_room: no target could be allocated for a piece of a split folio
 */
struct phys_targets {
	struct folio **folio;
	unsigned int nr;
	int nid;
	unsigned int order;
	bool no_room;
};

/*
 * For a costly order with __GFP_NORETRY and __GFP_THISNODE, the allocator with
 * __GFP_DIRECT_RECLAIM only compacts the node. It does not reclaim, unless
 * vm.zone_reclaim_mode is set.
 */
#ifndef PHYS_COMPACT_GFP
#define PHYS_COMPACT_GFP	__GFP_DIRECT_RECLAIM
#endif

/*
 * The pages belong to others, so leave out __GFP_HARDWALL: then the allocator
 * does not enforce the caller's mems_allowed. It does enforce the mems of the
 * nearest cpuset with mem_hardwall or mem_exclusive, which is the caller's own
 * or an ancestor of that.
 */
static gfp_t target_gfp(unsigned int order)
{
	gfp_t gfp = GFP_HIGHUSER_MOVABLE & ~(__GFP_RECLAIM | __GFP_HARDWALL);

	gfp |= __GFP_KSWAPD_RECLAIM | __GFP_NOMEMALLOC | __GFP_NOWARN |
	       __GFP_THISNODE;
	if (order > PAGE_ALLOC_COSTLY_ORDER && !node_reclaim_enabled())
		gfp |= PHYS_COMPACT_GFP | __GFP_NORETRY;
	return gfp;
}

static gfp_t hugetlb_target_gfp(struct hstate *h)
{
	gfp_t gfp = htlb_alloc_mask(h);

	gfp &= ~(__GFP_DIRECT_RECLAIM | __GFP_HARDWALL);
	return gfp | __GFP_NOMEMALLOC | __GFP_THISNODE;
}

static struct folio *alloc_target(struct folio *src, int nid)
{
	unsigned int order = folio_order(src);
	struct hstate *h;

	if (!folio_test_hugetlb(src))
		return __folio_alloc(target_gfp(order), order, nid, NULL);
	h = folio_hstate(src);
	return alloc_hugetlb_folio_nodemask(h, nid, NULL, hugetlb_target_gfp(h),
					    false);
}

/*
 * The bulk allocator stops at a higher watermark than the allocation of one
 * folio does, so allocate the rest one by one.
 */
static void alloc_targets(struct phys_targets *targets, struct folio *src,
			  unsigned int nr)
{
	struct folio *dst;

	if (!targets->order && nr > 1) {
		/* An order-0 page is a folio, so the cast is safe. */
		memset(targets->folio, 0, nr * sizeof(*targets->folio));
		targets->nr =
			alloc_pages_bulk_node(target_gfp(0), targets->nid, nr,
					      (struct page **)targets->folio);
	}
	while (targets->nr < nr) {
		dst = alloc_target(src, targets->nid);
		if (!dst)
			return;
		targets->folio[targets->nr++] = dst;
	}
}

/*
 * migrate_pages() splits partially mapped folios. The order of a piece differs
 * from that of the allocated targets, so allocate a target for it here.
 */
static struct folio *get_target(struct folio *src, unsigned long private)
{
	struct phys_targets *targets = (struct phys_targets *)private;
	struct folio *dst;

	if (folio_order(src) == targets->order && targets->nr)
		return targets->folio[--targets->nr];
	dst = alloc_target(src, targets->nid);
	if (!dst)
		targets->no_room = true;
	return dst;
}

static void put_target(struct folio *dst, unsigned long private)
{
	struct phys_targets *targets = (struct phys_targets *)private;

	if (folio_order(dst) == targets->order)
		targets->folio[targets->nr++] = dst;
	else
		folio_put(dst);
}

/* Isolation */

/**
 * phys_defer_record - have a folio looked at again at the end of the chunk
 * @call: the call
 * @record: its record, with the target node as status
 */
void phys_defer_record(struct phys_call *call, struct phys_record *record)
{
	WARN_ON_ONCE(call->batch.last_look);
	record->link = call->batch.deferred;
	call->batch.deferred = record;
}

/**
 * phys_request_drain - have the LRU batches of all CPUs drained before the last
 * look
 * @call: the call
 *
 * An LRU batch holds a reference, which makes migration fail. But a drain
 * disturbs all CPUs. So after the first drain, request another one only when
 * the call has handled at least 512 entries, and at least twice as many as at
 * the previous drain.
 *
 * Return: true if all CPUs will be drained.
 */
bool phys_request_drain(struct phys_call *call)
{
	if (call->done < call->batch.next_drain)
		return false;
	call->batch.drain_requested = true;
	return true;
}

/**
 * phys_drain - drain the LRU batches of all CPUs if that was requested
 * @call: the call, which must hold no reference on a folio
 */
void phys_drain(struct phys_call *call)
{
	if (!call->batch.drain_requested)
		return;
	lru_add_drain_all();
	call->batch.drain_requested = false;
	call->batch.next_drain = max(2 * call->done, PHYS_CHUNK);
}

/*
 * A folio that cannot be isolated may be in an LRU batch. Defer it if a drain
 * can still be requested, since the drain may put it on its LRU list.
 */
static void isolate_batch(struct phys_call *call, struct folio_batch *fbatch,
			  struct list_head *list)
{
	struct phys_record *record;
	unsigned int i;

	folio_batch_isolate_lru(fbatch, list);
	for (i = 0; i < folio_batch_count(fbatch); i++) {
		struct folio *folio = fbatch->folios[i];

		record = phys_find_record(call, folio_pfn(folio),
					  folio_order(folio));
		if (!call->batch.last_look && folio_may_be_lru_cached(folio) &&
		    phys_request_drain(call))
			phys_defer_record(call, record);
		else
			record->status = -EBUSY;
		folio_put(folio);
	}
	folio_batch_init(fbatch);
}

/* Moves */

/* Refuse the first @without_target records with -ENOMEM; isolate the rest. */
static void isolate_folios(struct phys_call *call, struct phys_record *record,
			   unsigned int without_target, struct list_head *list)
{
	bool hugetlb = folio_test_hugetlb(pfn_folio(record->pfn));
	struct folio_batch fbatch;
	struct phys_record *next;

	folio_batch_init(&fbatch);
	for (; record; record = next) {
		struct folio *folio = pfn_folio(record->pfn);

		/* phys_defer_record() overwrites the link. */
		next = record->link;
		if (without_target) {
			without_target--;
			record->status = -ENOMEM;
			folio_put(folio);
		} else if (hugetlb) {
			if (!folio_isolate_hugetlb(folio, list))
				record->status = -EBUSY;
			folio_put(folio);
		} else if (!folio_batch_add(&fbatch, folio)) {
			isolate_batch(call, &fbatch, list);
		}
	}
	isolate_batch(call, &fbatch, list);
}

/*
 * Move the folios of @nr records, for any two of which moves_with() is true.
 * MIGRATE_ASYNC is used so that folio and buffer locks that others hold cannot
 * block the caller.
 */
static void move_records(struct phys_call *call, struct phys_record *record,
			 unsigned int nr)
{
	struct phys_targets targets = {
		.folio = call->batch.target,
		.nid = record->status,
		.order = record->order,
	};
	struct folio *folio;
	LIST_HEAD(list);

	alloc_targets(&targets, pfn_folio(record->pfn), nr);
	isolate_folios(call, record, nr - targets.nr, &list);
	if (!list_empty(&list))
		migrate_pages(&list, get_target, put_target,
			      (unsigned long)&targets, MIGRATE_ASYNC,
			      MR_SYSCALL, NULL);
	while (targets.nr)
		folio_put(targets.folio[--targets.nr]);

	list_for_each_entry(folio, &list, lru) {
		/* A piece of a split folio shares the record of the whole. */
		record = phys_find_record(call, folio_pfn(folio),
					  targets.order);
		record->status = targets.no_room &&
				 folio_order(folio) < targets.order ?
				 -ENOMEM : -EBUSY;
	}
	putback_movable_pages(&list);
}

/* hugetlb folios have allocation and isolation functions of their own. */
static bool moves_with(const struct phys_record *record,
		       const struct phys_record *first)
{
	return record->status == first->status &&
	       record->order == first->order &&
	       (!record->order || folio_test_hugetlb(pfn_folio(record->pfn)) ==
				  folio_test_hugetlb(pfn_folio(first->pfn)));
}

/* Move the first folio of the batch, and all that can move together with it. */
static void move_some(struct phys_call *call)
{
	struct phys_record **link = &call->batch.waiting, *record;
	struct phys_record *first = *link, *run, **end = &run;
	unsigned int nr = 0;

	while ((record = *link)) {
		if (!moves_with(record, first)) {
			link = &record->link;
			continue;
		}
		*link = record->link;
		*end = record;
		end = &record->link;
		nr++;
	}
	*end = NULL;
	move_records(call, run, nr);
}

/**
 * phys_move_batch - move all folios of the batch
 * @call: the call
 *
 * A folio that stays behind gets an errno as its status, or is deferred; the
 * other records keep the target node. All references of the batch are dropped.
 */
void phys_move_batch(struct phys_call *call)
{
	if (!call->batch.nr_pages)
		return;
	phys_forget_rmaps(call);
	while (call->batch.waiting)
		move_some(call);
	call->batch.nr_pages = 0;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_move_kunit.c"
#endif
