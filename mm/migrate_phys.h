/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Migration by physical address: the engine of move_phys_pages(2).
 *
 * A call handles its entries in chunks. Each entry of a chunk is resolved to
 * the folio at its address (migrate_phys_frame.c). If every mapping of that
 * folio allows the move (migrate_phys_check.c; migrate_phys_tasks.c checks the
 * tasks), the folio waits in a batch until the batch is moved
 * (migrate_phys_move.c). migrate_phys.c has the call itself.
 *
 * Some functions that run for each page are __always_inline, because KUnit tests
 * call them, too, and the compiler would not inline a function with two callers.
 */
#ifndef _MM_MIGRATE_PHYS_H
#define _MM_MIGRATE_PHYS_H

#include <linux/log2.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>

/* Entries of a full chunk; a batch is moved once this many base pages wait. */
#define PHYS_CHUNK	512UL

/**
 * struct phys_record - a folio to which at least one entry of a chunk refers
 * @pfn: its first frame
 * @status: the target node; an errno once the folio is known not to move
 * @next: index of the next record in the hash bucket, plus 1; 0 ends the bucket
 * @link: the next record in the same list of the batch, or NULL
 * @order: the order of the folio
 */
struct phys_record {
	unsigned long pfn;
	struct phys_record *link;
	s16 status;
	u16 next;
	u8 order;
};

/**
 * struct phys_records - the folios to which the entries of one chunk refer
 * @nr: how many there are
 * @bits: log2 of the number of hash buckets
 * @orders: the orders that occur, as a bitmap
 * @bucket: index of the latest record of each bucket, plus 1
 * @record: the records
 */
struct phys_records {
	unsigned int nr;
	unsigned int bits;
	unsigned long orders;
	u16 *bucket;
	struct phys_record *record;
};

/**
 * struct phys_chunk - the entries that are being handled
 * @nr: how many there are
 * @addr: physical addresses
 * @node: target nodes
 * @status: statuses. Until set_statuses(), an entry with a record has the index
 *	    of the record here, encoded by RECORD_STATUS()
 */
struct phys_chunk {
	unsigned int nr;
	u64 *addr;
	int *node;
	int *status;
};

/* Results of the checks of all tasks of an address space, for a target node */
#define MM_CHECKED	BIT(0)	/* the tasks have been checked */
#define MM_DENIES	BIT(1)	/* a cpuset or the LSM refuses */
#define MM_ALIVE	BIT(2)	/* some task is not exiting */
#define MM_BOUND	BIT(3)	/* the MPOL_BIND of a task excludes the node */

/**
 * struct phys_mm_slot - an address space and the result of checking its tasks
 * @mm: the address space; mmgrab() keeps the pointer from being reused
 * @nid: the target node
 * @next: index of the next slot in the hash bucket, plus 1; 0 ends the bucket
 * @result: MM_* flags
 */
struct phys_mm_slot {
	struct mm_struct *mm;
	int nid;
	u32 next;
	unsigned int result;
};

/**
 * struct phys_mm_slots - the address spaces that map the folios of a chunk
 * @slot: one for each pair of an address space and a target node, in the order
 *	  in which they were found
 * @nr: number of elements of @slot that are in use
 * @bits: log2 of the number of buckets; @slot has room for as many elements
 * @bucket: index of the latest element of @slot in each hash bucket, plus 1
 * @tasks: number of checks of single tasks for this chunk, for the trace event
 * @passes: number of passes made for this chunk over all processes
 * @enlarged: the allocation that holds @slot and @bucket, or NULL if they are
 *	      still among the tables of the call
 */
struct phys_mm_slots {
	struct phys_mm_slot *slot;
	unsigned int nr;
	unsigned int bits;
	u32 *bucket;
	unsigned int tasks;
	unsigned int passes;
	void *enlarged;
};

/**
 * struct phys_rmap - whether all VMAs of a file or an anon_vma allow a move
 * @mapping: folio->mapping of the folios of the file or anon_vma
 * @nid: the target node
 * @walked: number of VMAs that the walks for single folios have visited
 * @retry_at: the check of all VMAs is tried again when @walked has reached this
 * @witness: NULL until all VMAs are found to allow the move, then a folio of
 *	     the batch, which has a reference on it. While that folio is mapped
 *	     and has this @mapping, the file or anon_vma is still the one that
 *	     was checked, so the result holds. VMAs that were added since the
 *	     check are ignored, because the check is not atomic with the move
 *	     anyway
 */
struct phys_rmap {
	struct address_space *mapping;
	int nid;
	unsigned int walked;
	unsigned int retry_at;
	struct folio *witness;
};

/**
 * struct phys_batch - folios that may move, and those to look at again
 * @waiting: list of the records whose folios wait to be moved, the latest
 *	     first; the batch has a reference on each of these folios
 * @nr_pages: base pages that wait
 * @deferred: list of the records to look at again at the end of the chunk, the
 *	      latest first; the batch has no reference on their folios
 * @target: target folios, allocated before the source folios are isolated
 * @rmap: results for whole reverse maps, in a hash table by mapping and node; a
 *	  collision replaces the old result
 * @rmap_bits: log2 of the number of elements of @rmap
 * @drain_requested: some deferred folio may be in an LRU batch of a CPU
 * @next_drain: request no drain of all CPUs while phys_call.done is below this
 * @last_look: this is the second look, at which no folio is deferred
 */
struct phys_batch {
	struct phys_record *waiting;
	unsigned int nr_pages;
	struct phys_record *deferred;
	struct folio **target;
	struct phys_rmap *rmap;
	unsigned int rmap_bits;
	bool drain_requested;
	unsigned long next_drain;
	bool last_look;
};

/**
 * struct phys_call - one call of move_phys_pages(2)
 * @flags: MPOL_MF_*, as the caller gave them
 * @done: entries of the chunks before this one
 * @failed: entries with a status that the return value counts, see
 *	    status_is_failure()
 * @chunk: the chunk that is being handled
 * @records: the folios to which the entries of @chunk refer
 * @prev_records: the records of the last chunk before @chunk that had a record
 * @mm_slots: the address spaces that map the folios of @records
 * @batch: the folios of @records that may move
 * @tables: the allocation for all tables, or NULL if they are on the stack
 */
struct phys_call {
	int flags;
	unsigned long done;
	unsigned long failed;
	struct phys_chunk chunk;
	struct phys_records records;
	struct phys_records prev_records;
	struct phys_mm_slots mm_slots;
	struct phys_batch batch;
	void *tables;
};

static inline bool node_has_memory(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES && node_state(nid, N_MEMORY);
}

/*
 * Refuse addresses above all memory. On a 32-bit kernel their frame numbers
 * would be truncated and would name other frames.
 */
static inline bool address_to_pfn(u64 addr, unsigned long *pfn)
{
	if (addr >> MAX_PHYSMEM_BITS)
		return false;
	*pfn = addr >> PAGE_SHIFT;
	return true;
}

static inline int folio_node(struct folio *folio)
{
	/* The flags of a page hold its node, too, in bits that never change. */
	return data_race(folio_nid(folio));
}

/*
 * A folio without a pincount counts its pins in its reference count. Subtract
 * its mappings, since 1,024 mappings would look like one pin.
 */
static inline bool folio_is_pinned(struct folio *folio)
{
	return folio_maybe_dma_pinned(folio) &&
	       (folio_has_pincount(folio) ||
		folio_ref_count(folio) - folio_mapcount(folio) >=
		GUP_PIN_COUNTING_BIAS);
}

/*
 * With MIGRATE_ASYNC, migrate_pages() cannot move a folio that is pinned or
 * under writeback, and unmaps a pinned folio before it finds that out.
 */
static inline bool folio_is_busy(struct folio *folio)
{
	return folio_is_pinned(folio) || folio_test_writeback(folio);
}

/* migrate_phys.c */
struct phys_record *phys_find_record(const struct phys_call *call,
				     unsigned long pfn, unsigned int order);

/* migrate_phys_frame.c */
int phys_get_folio(unsigned long pfn, struct folio **foliop);
void phys_query_chunk(struct phys_chunk *chunk);
int folio_check_mapped(struct folio *folio);
int folio_check_unmapped(struct folio *folio);

/* migrate_phys_check.c */
int phys_check_move(struct phys_call *call, struct folio *folio, int nid);
void phys_forget_rmaps(struct phys_call *call);

/* migrate_phys_tasks.c */
struct phys_mm_slot *phys_find_mm_slot(const struct phys_mm_slots *slots,
				       const struct mm_struct *mm, int nid);
int phys_add_mm_slot(struct phys_mm_slots *slots, struct mm_struct *mm,
		     int nid);
bool phys_enlarge_mm_slots(struct phys_mm_slots *slots);
int phys_check_tasks(struct phys_call *call, unsigned int first);
void phys_forget_mm_slots(struct phys_mm_slots *slots);

static inline bool policy_excludes(struct mempolicy *pol, int nid)
{
	return pol && pol->mode == MPOL_BIND && !node_isset(nid, pol->nodes);
}

/* migrate_phys_move.c */
void phys_defer_record(struct phys_call *call, struct phys_record *record);
bool phys_request_drain(struct phys_call *call);
void phys_drain(struct phys_call *call);
void phys_move_batch(struct phys_call *call);

#endif /* _MM_MIGRATE_PHYS_H */
