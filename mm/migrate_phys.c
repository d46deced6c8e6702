// SPDX-License-Identifier: GPL-2.0-only
/* Migration by physical address: the call, its chunks and their statuses. */

#include <linux/capability.h>
#include <linux/hash.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "migrate_phys.h"

#define CREATE_TRACE_POINTS
#include <trace/events/migrate_phys.h>

/*
 * Trying again may help after these statuses, so the return value counts them.
 * But if the kernel has no ->writepage, and the filesystem has writepages but no
 * migrate_folio, -EINVAL is final: folio_check_fallback() refuses every folio.
 */
static bool status_is_failure(int status)
{
	return status == -EBUSY || status == -ENOMEM || status == -EIO ||
	       status == -EINVAL;
}

static struct phys_record *search_bucket(const struct phys_records *records,
					 u32 hash, unsigned long pfn,
					 unsigned int order)
{
	struct phys_record *record;
	u16 i;

	for (i = records->bucket[hash]; i; i = record->next) {
		record = &records->record[i - 1];
		if (record->pfn == pfn && record->order == order)
			return record;
	}
	return NULL;
}

/**
 * phys_find_record - find the record of a folio of the chunk
 * @call: the call
 * @pfn: any frame of the folio
 * @order: the order of the folio
 *
 * Return: the record, which exists for each folio of the batch.
 */
struct phys_record *phys_find_record(const struct phys_call *call,
				     unsigned long pfn, unsigned int order)
{
	pfn &= ~(BIT(order) - 1);
	return search_bucket(&call->records,
			     hash_long(pfn, call->records.bits), pfn, order);
}

static struct phys_record *add_record(struct phys_records *records,
				      unsigned long pfn, unsigned int order,
				      int status)
{
	struct phys_record *record = &records->record[records->nr++];
	u16 *bucket = &records->bucket[hash_long(pfn, records->bits)];

	BUILD_BUG_ON(MAX_NUMNODES > S16_MAX);
	*record = (struct phys_record) {
		.pfn = pfn,
		.status = status,
		.next = *bucket,
		.order = order,
	};
	*bucket = records->nr;
	records->orders |= BIT(order);
	return record;
}

/*
 * Start a chunk: the records of the chunk that has ended become @prev_records.
 * If that chunk had no folio, @prev_records stays as it is.
 */
static void next_records(struct phys_call *call)
{
	struct phys_records *records = &call->records;

	if (!records->nr)
		return;
	swap(*records, call->prev_records);
	memset(records->bucket, 0, sizeof(u16) << records->bits);
	records->nr = 0;
	records->orders = 0;
}

/*
 * Find the record of the folio that had this frame when an earlier entry, of
 * this chunk or of the chunk of @prev_records, referred to it. That folio may
 * have moved since, and another folio may have the frame, but this entry refers
 * to the old folio, too. If only @prev_records has the record, copy it.
 */
static __always_inline struct phys_record *
find_or_copy_record(struct phys_call *call, unsigned long pfn)
{
	struct phys_records *cur = &call->records, *prev = &call->prev_records;
	unsigned long orders = cur->orders | prev->orders;
	struct phys_record *record, *old = NULL;

	for (; orders; orders &= orders - 1) {
		unsigned int order = __ffs(orders);
		unsigned long first = pfn & ~(BIT(order) - 1);
		u32 hash = hash_long(first, cur->bits);

		record = search_bucket(cur, hash, first, order);
		if (record)
			return record;
		if (!old)
			old = search_bucket(prev, hash, first, order);
	}
	return old ? add_record(cur, old->pfn, old->order, old->status) : NULL;
}

/* Hand the reference of the caller to the batch. */
static void add_to_batch(struct phys_call *call, struct folio *folio,
			 struct phys_record *record)
{
	struct phys_batch *batch = &call->batch;

	record->link = batch->waiting;
	batch->waiting = record;
	batch->nr_pages += folio_nr_pages(folio);
}

/*
 * Consumes the reference on the folio. Returns 0, or -EINTR, which ends the
 * call before the statuses of this chunk are written.
 */
static int look_at_folio(struct phys_call *call, struct folio *folio,
			 struct phys_record *record)
{
	int nid = record->status;
	int err = folio_check_mapped(folio);

	if (err == -ENOENT)
		err = folio_check_unmapped(folio);
	if (!err && folio_node(folio) != nid) {
		err = phys_check_move(call, folio, nid);
		if (!err) {
			add_to_batch(call, folio, record);
			return 0;
		}
	}
	folio_put(folio);
	if (err == -EAGAIN)
		phys_defer_record(call, record);
	else
		record->status = err ?: nid;
	return err == -EINTR ? err : 0;
}

/*
 * If the first frame of the record is now in a folio with another first frame
 * or order, the record is not for that folio: do not move it, and report -EBUSY
 * for the record. A new folio with the same first frame and order looks like
 * the old one, and may move.
 */
static int look_again(struct phys_call *call, struct phys_record *record)
{
	struct folio *folio;
	int err = phys_get_folio(record->pfn, &folio);

	if (!err && folio_pfn(folio) == record->pfn &&
	    folio_order(folio) == record->order)
		return look_at_folio(call, folio, record);
	if (!err)
		folio_put(folio);
	record->status = err ?: -EBUSY;
	return 0;
}

/*
 * Move the folios that may move. Then look again at those that were deferred: a
 * folio may be in an LRU batch or may have been handed to ->writepage, or its
 * mappers may have tasks that only a pass over all processes finds.
 */
static int finish_folios(struct phys_call *call)
{
	struct phys_batch *batch = &call->batch;
	struct phys_record *record, *next;
	int err = 0;

	/*
	 * Call phys_move_batch() first: it may defer more folios, and it drops
	 * all references, as phys_drain() requires.
	 */
	phys_move_batch(call);
	record = batch->deferred;
	if (!record)
		return 0;
	batch->deferred = NULL;
	batch->last_look = true;
	phys_check_tasks(call, 0);
	if (fatal_signal_pending(current))
		return -EINTR;
	phys_drain(call);
	for (; record && !err; record = next) {
		next = record->link; /* add_to_batch() overwrites the link. */
		err = look_again(call, record);
		if (batch->nr_pages >= PHYS_CHUNK)
			phys_move_batch(call);
	}
	return err;
}

/*
 * Until set_statuses(), the status of an entry with a record encodes the index
 * of that record as a number below every errno.
 */
#define RECORD_STATUS(_i)	(-MAX_ERRNO - 1 - (int)(_i))

static int look_at_entry(struct phys_call *call, unsigned int i, int nid)
{
	struct phys_chunk *chunk = &call->chunk;
	struct phys_record *record;
	struct folio *folio;
	unsigned long pfn;
	int err = 0;

	if (!address_to_pfn(chunk->addr[i], &pfn)) {
		chunk->status[i] = -ENOENT;
		return 0;
	}
	record = find_or_copy_record(call, pfn);
	if (!record) {
		chunk->status[i] = phys_get_folio(pfn, &folio);
		if (chunk->status[i])
			return 0;
		record = add_record(&call->records, folio_pfn(folio),
				    folio_order(folio), nid);
		err = look_at_folio(call, folio, record);
	}
	chunk->status[i] = RECORD_STATUS(record - call->records.record);
	return err;
}

static void set_statuses(struct phys_call *call)
{
	const struct phys_record *record = call->records.record;
	int *status = call->chunk.status;
	unsigned int i;

	for (i = 0; i < call->chunk.nr; i++) {
		if (status[i] <= RECORD_STATUS(0))
			status[i] = record[RECORD_STATUS(0) - status[i]].status;
		call->failed += status_is_failure(status[i]);
	}
}

static noinline void trace_chunk(const struct phys_call *call)
{
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		if (count_entries(&call->chunk, nid, INT_MIN, INT_MAX))
			trace_move_phys_pages(nid, &call->chunk,
					      &call->mm_slots);
}

static int move_chunk(struct phys_call *call)
{
	const int *node = call->chunk.node;
	int i, nid = NUMA_NO_NODE, err = 0;

	next_records(call);
	call->batch.last_look = false;
	for (i = 0; i < call->chunk.nr && !err; i++) {
		if (nid != node[i])
			nid = node_has_memory(node[i]) ? node[i] : NUMA_NO_NODE;
		err = look_at_entry(call, i, nid);
		if (call->batch.nr_pages < PHYS_CHUNK)
			continue;
		phys_move_batch(call);
		if (fatal_signal_pending(current))
			err = -EINTR;
	}
	if (!err)
		err = finish_folios(call);
	phys_move_batch(call);
	phys_forget_rmaps(call);
	if (!err) {
		set_statuses(call);
		if (trace_move_phys_pages_enabled())
			trace_chunk(call);
	}
	phys_forget_mm_slots(&call->mm_slots);
	return err;
}

static int check_nodes(struct phys_call *call, unsigned long count,
		       const int __user *nodes)
{
	int *node = call->chunk.node, last = first_memory_node;
	unsigned long done, left;
	unsigned int i, n;

	for (done = 0; done < count; done += n) {
		n = min(count - done, PHYS_CHUNK);
		left = copy_from_user(node, nodes + done, n * sizeof(*node));
		for (i = 0; i < n - DIV_ROUND_UP(left, sizeof(*node)); i++) {
			if (node[i] != last && !node_has_memory(node[i]))
				return -ENODEV;
			last = node[i];
		}
		if (left)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int do_chunk(struct phys_call *call, const u64 __user *pages,
		    const int __user *nodes, int __user *status)
{
	struct phys_chunk *chunk = &call->chunk;
	size_t size = chunk->nr * sizeof(*status);
	int err = 0;

	/* Do not move a page whose status cannot be written. */
	if (copy_from_user(chunk->addr, pages, chunk->nr * sizeof(*pages)) ||
	    fault_in_safe_writeable((char __user *)status, size) ||
	    (nodes && copy_from_user(chunk->node, nodes,
				     chunk->nr * sizeof(*nodes))))
		return -EFAULT;
	if (nodes)
		err = move_chunk(call);
	else
		phys_query_chunk(chunk);
	if (!err && copy_to_user(status, chunk->status, size))
		err = -EFAULT;
	return err;
}

static void *take_room(void **room, size_t size)
{
	*room += ALIGN(size, sizeof(u64));
	return *room - ALIGN(size, sizeof(u64));
}

static void lay_out_records(struct phys_records *records, unsigned int entries,
			    void **room)
{
	records->bits = ilog2(entries) + 1;
	records->bucket = take_room(room, sizeof(u16) << records->bits);
	records->record = take_room(room, entries * sizeof(*records->record));
}

/*
 * Lay out the tables from @room on, and return their end. Their size depends on
 * @entries, so that the tables of a call with up to 3 entries fit on the stack.
 */
static void *lay_out_tables(struct phys_call *call, unsigned int entries,
			    void *room)
{
	struct phys_chunk *chunk = &call->chunk;
	struct phys_mm_slots *slots = &call->mm_slots;
	struct phys_batch *batch = &call->batch;

	lay_out_records(&call->records, entries, &room);
	lay_out_records(&call->prev_records, entries, &room);
	slots->bits = 2; /* phys_enlarge_mm_slots() makes more room. */
	slots->bucket = take_room(&room, sizeof(u32) << slots->bits);
	slots->slot = take_room(&room, sizeof(*slots->slot) << slots->bits);
	batch->rmap_bits = min(call->records.bits, 6U);
	batch->rmap = take_room(&room,
				sizeof(*batch->rmap) << batch->rmap_bits);
	batch->target = take_room(&room, entries * sizeof(*batch->target));
	chunk->addr = take_room(&room, entries * sizeof(*chunk->addr));
	chunk->node = take_room(&room, entries * sizeof(*chunk->node));
	chunk->status = take_room(&room, entries * sizeof(*chunk->status));
	return room;
}

/* Short calls use @onstack, which saves them an allocation. */
static int make_tables(struct phys_call *call, unsigned int entries,
		       void *onstack, size_t size)
{
	size_t needed = lay_out_tables(call, entries, onstack) - onstack;

	if (needed <= size)
		return 0;
	call->tables = kvzalloc(needed, GFP_KERNEL);
	if (!call->tables)
		return -ENOMEM;
	lay_out_tables(call, entries, call->tables);
	return 0;
}

/**
 * kernel_move_phys_pages - the body of move_phys_pages(2)
 * @count: number of entries in each array
 * @pages: physical addresses
 * @nodes: target nodes, or NULL to query
 * @status: the status of each entry
 * @flags: MPOL_MF_*
 *
 * See move_phys_pages() in mm/migrate.c for the contract.
 *
 * Return: number of entries with -EBUSY, -ENOMEM, -EIO or -EINVAL, or an errno
 */
long kernel_move_phys_pages(unsigned long count, const u64 __user *pages,
			    const int __user *nodes, int __user *status,
			    int flags)
{
	struct phys_call call = { .flags = flags };
	u64 onstack[64] = { };
	long ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL | MPOL_MF_STRICT))
		return -EINVAL;
	if (!count)
		return 0;

	ret = make_tables(&call, min(count, PHYS_CHUNK), onstack,
			  sizeof(onstack));
	if (ret)
		return ret;
	if (nodes)
		ret = check_nodes(&call, count, nodes);
	while (!ret && call.done < count) {
		call.chunk.nr = min(count - call.done, PHYS_CHUNK);
		ret = do_chunk(&call, pages + call.done,
			       nodes ? nodes + call.done : NULL,
			       status + call.done);
		call.done += call.chunk.nr;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	if (!ret)
		ret = call.failed;
	kvfree(call.mm_slots.enlarged);
	kvfree(call.tables);
	return ret;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_kunit.c"
#endif
