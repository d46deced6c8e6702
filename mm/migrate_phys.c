// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: the engine of move_phys_pages(2).
 *
 * A call is worked off in chunks. Every address of a chunk is resolved to its
 * folio; the folio is judged (may it leave, may it go there) and isolated onto
 * the list of its target node; each list is handed to migrate_pages() once;
 * what is left on a list settles the status of the folio that it came from.
 *
 * The frames belong to whoever maps them, and may be freed, split or used anew
 * at any moment. So, but for the flags and the map count of a small page, a folio
 * is looked at only under a reference that it gave while its count was not zero,
 * its mappers only under the rmap lock, and their tasks only under RCU.
 */

#include <linux/backing-dev.h>
#include <linux/bitops.h>
#include <linux/cpuset.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/mempolicy.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/secretmem.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "migrate_phys.h"

#define CREATE_TRACE_POINTS
#include <trace/events/migrate_phys.h>

#define CHUNK_ENTRIES	512
#define MAX_VERDICTS	64

/**
 * struct phys_folio - a folio that entries of a chunk name
 * @pfn: its first frame
 * @status: what its entries report; the target while it is on its way there
 * @next: the next one in its bucket, counted from 1
 * @order: its order
 * @judged: it may go, is held, and is to be isolated
 */
struct phys_folio {
	unsigned long pfn;
	int status;
	u16 next;
	u8 order;
	bool judged;
};

/**
 * struct phys_table - the folios of a chunk and of the one before, found by
 *		       their first frame
 * @half: how many there can be of each
 * @first: which is the first of this chunk
 * @nr: how many this chunk has
 * @mask: number of buckets, less one
 * @bucket: latest folio of each bucket, counted from 1
 * @folio: the folios
 */
struct phys_table {
	unsigned int half;
	unsigned int first;
	unsigned int nr;
	unsigned int mask;
	u16 *bucket;
	struct phys_folio *folio;
};

/* What the tasks of an address space say of a node. */
#define VERDICT_REFUSED		BIT(0)	/* by a cpuset or the LSM */
#define VERDICT_UNBOUND		BIT(1)	/* a task's MPOL_BIND excludes it */
#define VERDICT_ALIVE		BIT(2)	/* there is a task to say something */

struct mm_verdict {
	struct mm_struct *mm;
	int nid;
	unsigned int verdict;
};

/**
 * struct rmap_verdict - what is known of all that map the folios of an anon_vma
 *			 or of a file
 * @mapping: the folio->mapping of such folios
 * @nid: the target
 * @vmas: how many VMAs were asked about the first of them, as a measure
 * @judged: all VMAs were asked
 * @passes: and all let folios go there
 * @anon_vma: held then, so that @mapping means the same one
 * @file: or this is
 */
struct rmap_verdict {
	struct address_space *mapping;
	int nid;
	unsigned int vmas;
	bool judged;
	bool passes;
	struct anon_vma *anon_vma;
	struct file *file;
};

/**
 * struct phys_call - one call at work
 * @flags: MPOL_MF_*, as given
 * @drained: the LRU batches of all CPUs have been drained
 * @orders: orders of the folios met so far
 * @failed: entries that were eligible and did not move
 * @queued: nodes that pages are on their way to
 * @queued_pages: how many pages that is
 * @judged: how many folios are judged, and not isolated yet
 * @judged_on: the nodes that they lie on
 * @queue: isolated folios, by target node
 * @table: folios of this chunk and of the one before
 * @verdicts: room for how many verdicts there is, a power of two
 * @verdict: verdicts on address spaces, which are held by mmgrab() so that a
 *	     pointer means the same one as long as it stands here
 * @rmap: verdicts on whole reverse maps
 * @ready: new pages on the node that the queue at work goes to
 * @nr_ready: how many there are
 * @addr: the chunk's addresses
 * @node: the chunk's targets
 * @status: the chunk's statuses
 * @named: the folio in @table that each entry names, counted from 1
 * @room: where all of these lie, if it had to be allocated
 */
struct phys_call {
	int flags;
	bool drained;
	unsigned long orders;
	unsigned long failed;
	nodemask_t queued;
	unsigned long queued_pages;
	unsigned int judged;
	nodemask_t judged_on;
	struct list_head *queue;
	struct phys_table table;
	unsigned int verdicts;
	struct mm_verdict *verdict;
	struct rmap_verdict *rmap;
	struct page **ready;
	unsigned int nr_ready;
	u64 *addr;
	int *node;
	int *status;
	u16 *named;
	void *room;
};

/* Addresses and statuses */

/* Bits above the physical address width must not reach the section tables. */
static bool address_to_pfn(u64 addr, unsigned long *pfn)
{
	if (addr >> MAX_PHYSMEM_BITS)
		return false;
	*pfn = addr >> PAGE_SHIFT;
	return true;
}

static bool node_has_memory(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES && node_state(nid, N_MEMORY);
}

/* Was the entry eligible to move, so that trying again may help? */
static bool status_is_failure(int status)
{
	return status == -EBUSY || status == -ENOMEM || status == -EIO ||
	       status == -EINVAL;
}

/* The folios of a chunk */

static void table_reset(struct phys_table *table)
{
	table->nr = 0;
	memset(table->bucket, 0, (table->mask + 1) * sizeof(table->bucket[0]));
}

static u16 *table_bucket(struct phys_table *table, unsigned long pfn)
{
	return &table->bucket[hash_long(pfn, 32) & table->mask];
}

static struct phys_folio *table_find(struct phys_table *table,
				     unsigned long pfn, unsigned int order)
{
	u16 i;

	for (i = *table_bucket(table, pfn); i; i = table->folio[i - 1].next) {
		struct phys_folio *pf = &table->folio[i - 1];

		if (pf->pfn == pfn && pf->order == order)
			return pf;
	}
	return NULL;
}

/* Folio @i is from now on the first of its bucket. */
static void table_link(struct phys_table *table, unsigned int i)
{
	struct phys_folio *pf = &table->folio[i];
	u16 *bucket = table_bucket(table, pf->pfn);

	pf->next = *bucket;
	*bucket = i + 1;
}

static struct phys_folio *table_add(struct phys_table *table, unsigned long pfn,
				    unsigned int order, int status)
{
	unsigned int i = table->first + table->nr++;

	table->folio[i] = (struct phys_folio) {
		.pfn = pfn,
		.status = status,
		.order = order,
	};
	table_link(table, i);
	return &table->folio[i];
}

/*
 * This chunk is the one before from now on, and what was that is forgotten,
 * unless there is nothing to take its place.
 */
static void table_turn(struct phys_table *table)
{
	unsigned int past = table->first, end = past + table->nr;

	if (past == end)
		return;
	table_reset(table);
	table->first = past ? 0 : table->half;
	for (; past < end; past++)
		table_link(table, past);
}

static bool table_is_past(const struct phys_table *table,
			  const struct phys_folio *pf)
{
	unsigned int i = pf - table->folio;

	return i - table->first >= table->half;
}

/*
 * Find the folio that had this frame, of this chunk if there is one. Folios are
 * aligned to their size.
 */
static struct phys_folio *table_recall(struct phys_table *table,
				       unsigned long pfn, unsigned long orders)
{
	struct phys_folio *past = NULL;

	for (; orders; orders &= orders - 1) {
		unsigned int order = __ffs(orders);
		unsigned long first = pfn & ~(BIT(order) - 1);
		struct phys_folio *pf = table_find(table, first, order);

		if (pf && !table_is_past(table, pf))
			return pf;
		if (!past)
			past = pf;
	}
	return past;
}

/* Taking a folio */

/* For a page that is not part of a larger one; none of it need be held. */
static bool page_is_mapped(struct page *page)
{
	return atomic_read(&page->_mapcount) >= 0;
}

/*
 * It is locked while migration has it out of the page tables, and back in them
 * before it is unlocked.
 */
static bool page_is_unmapped(struct page *page)
{
	if (PageCompound(page) || page_is_mapped(page))
		return false;
	smp_rmb(); /* out of the page tables after it was locked */
	if (PageLocked(page))
		return false;
	smp_rmb(); /* and back in them before it was unlocked */
	return !page_is_mapped(page);
}

/*
 * What there is to say of a page to which no reference may be taken. Memory that
 * no process has in its page tables may be freed whatever its count is, as what
 * booting reserved is, and such a reference would free it a second time. Who
 * frees large pages reckons with references.
 */
static int page_check(struct page *page)
{
	if (is_zero_pfn(page_to_pfn(page)))
		return -EFAULT;
	if (PageReserved(page))
		return page_is_mapped(page) ? -EFAULT : -ENOENT;
	return page_is_unmapped(page) ? -ENOENT : 0;
}

static int page_get_folio(struct page *page, struct folio **foliop)
{
	int err = page ? page_check(page) : -ENOENT;
	struct folio *folio;

	while (!err) {
		folio = page_folio(page);
		if (!folio_try_get(folio))
			return -ENOENT;
		if (likely(page_folio(page) == folio)) {
			*foliop = folio;
			return 0;
		}
		folio_put(folio);
		err = page_check(page);
	}
	return err;
}

static int page_node(struct page *page)
{
	/* It lies in the flags, of which others change while it stays. */
	return data_race(page_to_nid(page));
}

static int folio_node(struct folio *folio)
{
	return page_node(&folio->page);
}

static bool folio_is_secret(struct folio *folio)
{
	struct address_space *mapping;
	bool secret;

	rcu_read_lock();
	mapping = folio_mapping(folio);
	secret = mapping && (secretmem_mapping(mapping) ||
			     mapping_inaccessible(mapping));
	rcu_read_unlock();
	return secret;
}

/*
 * Is this memory that a process has in its page tables, and that can migrate?
 * Free, kernel and unmapped memory must look alike: -ENOENT.
 */
static int folio_check_user(struct folio *folio)
{
	if (is_huge_zero_folio(folio))
		return -EFAULT;
	if (folio_test_slab(folio) || !folio_mapped(folio))
		return -ENOENT;
	if (folio_test_hugetlb(folio))
		return hugepage_migration_supported(folio_hstate(folio)) ?
		       0 : -EFAULT;
	/*
	 * A driver's page, unless it was truncated, or is anonymous and about to
	 * be mapped. Others are mapped uptodate.
	 */
	if (!READ_ONCE(folio->mapping) || !folio_test_uptodate(folio))
		return folio_mapped(folio) && !folio_test_swapbacked(folio) ?
		       -EFAULT : -ENOENT;
	return !folio_test_anon(folio) && folio_is_secret(folio) ? -EFAULT : 0;
}

/*
 * As folio_maybe_dma_pinned(), but a small folio with very many mappers does
 * not count as pinned.
 */
static bool folio_is_pinned(struct folio *folio)
{
	if (!folio_maybe_dma_pinned(folio))
		return false;
	return folio_test_large(folio) ||
	       folio_ref_count(folio) - folio_mapcount(folio) >=
	       GUP_PIN_COUNTING_BIAS;
}

/* Taking judged folios off their LRU lists: many under one lock */

/**
 * struct lru_run - folios that are taken off one LRU list, to be counted at once
 * @lruvec: its owner, which is locked
 * @lru: the list
 * @zone: where the folios lie
 * @file: what they are counted as when they are isolated
 * @pages: how many pages they have
 * @uncounted: how many of these @lruvec does not know to be gone
 */
struct lru_run {
	struct lruvec *lruvec;
	enum lru_list lru;
	enum zone_type zone;
	bool file;
	long pages;
	long uncounted;
};

static void lru_run_end(struct lru_run *run)
{
	if (run->uncounted)
		update_lru_size(run->lruvec, run->lru, run->zone,
				-run->uncounted);
	if (run->pages)
		mod_node_page_state(lruvec_pgdat(run->lruvec),
				    NR_ISOLATED_ANON + run->file, run->pages);
	run->uncounted = 0;
	run->pages = 0;
}

/* As folio_isolate_lru(), but for the count. */
static void lru_run_take(struct lru_run *run, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	if (run->lruvec && !folio_matches_lruvec(folio, run->lruvec)) {
		lru_run_end(run);
		lruvec_unlock_irq(run->lruvec);
		run->lruvec = NULL;
	}
	if (!run->lruvec)
		run->lruvec = folio_lruvec_lock_irq(folio);
	if (run->lru != folio_lru_list(folio) ||
	    run->zone != folio_zonenum(folio) ||
	    run->file != folio_is_file_lru(folio)) {
		lru_run_end(run);
		run->lru = folio_lru_list(folio);
		run->zone = folio_zonenum(folio);
		run->file = folio_is_file_lru(folio);
	}
	if (!lru_gen_del_folio(run->lruvec, folio, false)) {
		if (run->lru != LRU_UNEVICTABLE)
			list_del(&folio->lru);
		run->uncounted += nr;
	}
	run->pages += nr;
}

static void isolate_judged(struct phys_call *call)
{
	struct phys_folio *end = &call->table.folio[call->table.first +
						    call->table.nr];
	struct lru_run run = { };
	int nid;

	/* An LRU list is of one node. */
	for_each_node_mask(nid, call->judged_on) {
		struct phys_folio *pf = end;
		unsigned int left = call->judged;

		/* They are the latest. */
		while (left) {
			struct folio *folio;

			if (!(--pf)->judged)
				continue;
			left--;
			folio = pfn_folio(pf->pfn);
			if (folio_node(folio) != nid ||
			    !folio_test_clear_lru(folio))
				continue;
			lru_run_take(&run, folio);
			list_add(&folio->lru, &call->queue[pf->status]);
			pf->judged = false;
			call->judged--;
		}
	}
	if (!run.lruvec)
		return;
	lru_run_end(&run);
	lruvec_unlock_irq(run.lruvec);
}

static void refuse_judged(struct phys_call *call)
{
	struct phys_folio *pf = &call->table.folio[call->table.first +
						   call->table.nr];

	while (call->judged) {
		if (!(--pf)->judged)
			continue;
		folio_put(pfn_folio(pf->pfn));
		pf->status = -EBUSY;
		pf->judged = false;
		call->judged--;
	}
	nodes_clear(call->judged_on);
}

static void queue_judged(struct phys_call *call)
{
	if (call->judged)
		isolate_judged(call);
	if (call->judged) {
		/* Some may wait in a batch for the LRU: of this CPU, */
		lru_add_drain();
		isolate_judged(call);
	}
	if (call->judged && !call->drained) {
		/* or of another. */
		call->drained = true;
		lru_add_drain_all();
		isolate_judged(call);
	}
	refuse_judged(call);
}

/* Moving what is queued */

/**
 * struct phys_target - where a queue goes
 * @call: the call, which may have pages ready
 * @mtc: for alloc_migration_target()
 * @no_room: the node lacked room
 * @order: for a folio of this order, the last time
 * @hugetlb: and that was hugetlb, which has a pool for each size
 */
struct phys_target {
	struct phys_call *call;
	struct migration_target_control mtc;
	bool no_room;
	unsigned int order;
	bool hugetlb;
};

static struct folio *alloc_phys_target(struct folio *src, unsigned long private)
{
	struct phys_target *target = (struct phys_target *)private;
	struct phys_call *call = target->call;
	struct folio *dst;

	if (call->nr_ready && !folio_test_large(src))
		return page_folio(call->ready[--call->nr_ready]);
	dst = alloc_migration_target(src, (unsigned long)&target->mtc);
	if (!dst) {
		target->no_room = true;
		target->order = folio_order(src);
		target->hugetlb = folio_test_hugetlb(src);
	}
	return dst;
}

static void settle_folio(struct phys_call *call, struct folio *folio, int err)
{
	unsigned long pfn = folio_pfn(folio);
	struct phys_folio *pf;

	pf = table_find(&call->table, pfn, folio_order(folio));
	/* Or else it is a piece of one that was split to find room. */
	if (!pf || table_is_past(&call->table, pf))
		pf = table_recall(&call->table, pfn, call->orders);
	if (!WARN_ON_ONCE(!pf))
		pf->status = err;
}

static bool folio_fits(struct folio *folio, const struct phys_target *target)
{
	if (folio_test_hugetlb(folio) != target->hugetlb)
		return true;
	return target->hugetlb ? folio_order(folio) != target->order :
				 folio_order(folio) < target->order;
}

/* Settle and put back what the node has no room for; the rest may find some. */
static bool put_back_large(struct phys_call *call, struct list_head *queue,
			   const struct phys_target *target)
{
	struct folio *folio, *next;
	LIST_HEAD(large);

	list_for_each_entry_safe(folio, next, queue, lru) {
		if (folio_fits(folio, target))
			continue;
		settle_folio(call, folio, -ENOMEM);
		list_move(&folio->lru, &large);
	}
	if (list_empty(&large))
		return false;
	putback_movable_pages(&large);
	return true;
}

static void put_back_rest(struct phys_call *call, struct list_head *queue,
			  bool no_room)
{
	struct folio *folio;

	list_for_each_entry(folio, queue, lru)
		settle_folio(call, folio,
			     no_room && !folio_test_hugetlb(folio) ?
			     -ENOMEM : -EBUSY);
	putback_movable_pages(queue);
}

/* To take many pages from the allocator costs less than to take each. */
static void make_ready(struct phys_call *call, struct list_head *queue,
		       int nid, gfp_t gfp)
{
	struct folio *folio;
	unsigned int n = 0;

	list_for_each_entry(folio, queue, lru)
		n += !folio_test_large(folio);
	n = min(n, CHUNK_ENTRIES);
	if (n < 2)
		return;
	memset(call->ready, 0, n * sizeof(call->ready[0]));
	call->nr_ready = alloc_pages_bulk_node(gfp, nid, n, call->ready);
}

static void free_ready(struct phys_call *call)
{
	while (call->nr_ready)
		__free_page(call->ready[--call->nr_ready]);
}

/* Move a node's list; whatever stays behind gets its status and goes back. */
static void move_queue(struct phys_call *call, int nid)
{
	struct phys_target target = {
		.call = call,
		.mtc = {
			.nid = nid,
			/* The page is not ours, nor is it for our cpuset. */
			.gfp_mask = (GFP_HIGHUSER_MOVABLE & ~__GFP_HARDWALL) |
				    __GFP_THISNODE | __GFP_NOWARN,
			.reason = MR_SYSCALL,
		},
	};
	struct list_head *queue = &call->queue[nid];
	int left;

	if (list_empty(queue))
		return;
	make_ready(call, queue, nid, target.mtc.gfp_mask);
	for (;;) {
		target.no_room = false;
		/* More would be to wait for I/O, even if killed. */
		left = migrate_pages(queue, alloc_phys_target, NULL,
				     (unsigned long)&target, MIGRATE_SYNC_LIGHT,
				     MR_SYSCALL, NULL);
		free_ready(call);
		if (list_empty(queue))
			return;
		if (left == -ENOMEM) {
			if (!target.order ||
			    !put_back_large(call, queue, &target))
				break;
		} else if (target.no_room) {
			/* A huge page was split; its pieces may find room. */
			continue;
		} else if (!call->drained) {
			/* A batch for the LRU, of any CPU, holds a reference. */
			call->drained = true;
			lru_add_drain_all();
		} else {
			break;
		}
	}
	put_back_rest(call, queue, left == -ENOMEM);
}

static void move_queues(struct phys_call *call)
{
	int nid;

	queue_judged(call);
	for_each_node_mask(nid, call->queued)
		move_queue(call, nid);
	nodes_clear(call->queued);
	call->queued_pages = 0;
}

static void put_back_queues(struct phys_call *call)
{
	int nid;

	refuse_judged(call);
	for_each_node_mask(nid, call->queued)
		putback_movable_pages(&call->queue[nid]);
	nodes_clear(call->queued);
}

/* Judging a folio's mappers */

static bool policy_excludes(struct mempolicy *pol, int nid)
{
	return pol && pol->mode == MPOL_BIND && !node_isset(nid, pol->nodes);
}

static unsigned int task_verdict(struct task_struct *task, int nid, bool strict)
{
	nodemask_t mems = cpuset_mems_allowed(task);
	unsigned int verdict = VERDICT_ALIVE;

	if (!node_isset(nid, mems) || security_task_movememory(task))
		verdict |= VERDICT_REFUSED;
	if (strict) {
		task_lock(task);
		if (policy_excludes(task->mempolicy, nid))
			verdict |= VERDICT_UNBOUND;
		task_unlock(task);
	}
	return verdict;
}

/*
 * Ask the threads of a process that use @mm, and count them. Exiting ones
 * constrain nothing.
 */
static unsigned int process_verdict(struct task_struct *process,
				    struct mm_struct *mm, int nid, bool strict,
				    int *counted)
{
	unsigned int verdict = 0;
	struct task_struct *task;

	for_each_thread(process, task) {
		/* Only the task itself writes them, and plainly. */
		unsigned int flags = data_race(READ_ONCE(task->flags));

		if (READ_ONCE(task->mm) != mm || (flags & PF_KTHREAD))
			continue;
		++*counted;
		if (!(flags & PF_EXITING))
			verdict |= task_verdict(task, nid, strict);
	}
	return verdict;
}

/* A task that can be looked up is one whose fork cannot fail any more. */
static struct task_struct *mm_owner_process(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner = rcu_dereference(mm->owner);

	if (owner && find_task_by_pid_ns(owner->pid, &init_pid_ns) == owner)
		return owner;
#endif
	return NULL;
}

/*
 * Every task of an address space counts in mm_users, so usually the threads of
 * the owner explain all of it. Where they do not (a passing reference, no owner
 * known), or where threads that come and go might seem to while there is a
 * CLONE_VM sibling, every process has to be asked.
 */
static unsigned int mm_tasks_verdict(struct mm_struct *mm, int nid, bool strict)
{
	struct task_struct *owner, *process;
	unsigned int verdict = 0;
	int users, counted = 0;

	rcu_read_lock();
	users = atomic_read(&mm->mm_users);
	owner = mm_owner_process(mm);
	if (owner)
		verdict = process_verdict(owner, mm, nid, strict, &counted);
	if (mm_flags_test(MMF_MULTIPROCESS, mm) || counted != users ||
	    counted != atomic_read(&mm->mm_users)) {
		for_each_process(process)
			verdict |= process_verdict(process, mm, nid, strict,
						   &counted);
	}
	rcu_read_unlock();
	return verdict;
}

static unsigned int mm_verdict(struct phys_call *call, struct mm_struct *mm,
			       int nid)
{
	struct mm_verdict *slot;

	slot = &call->verdict[(hash_ptr(mm, 32) + nid) & (call->verdicts - 1)];
	if (slot->mm == mm && slot->nid == nid)
		return slot->verdict;
	if (slot->mm)
		mmdrop(slot->mm);
	mmgrab(mm);
	slot->mm = mm;
	slot->nid = nid;
	slot->verdict = mm_tasks_verdict(mm, nid, call->flags & MPOL_MF_STRICT);
	return slot->verdict;
}

static void forget_rmap(struct rmap_verdict *slot)
{
	if (slot->anon_vma)
		put_anon_vma(slot->anon_vma);
	if (slot->file)
		fput(slot->file);
	*slot = (struct rmap_verdict) { };
}

/* Cpusets and policies may change while a call is long: ask anew. */
static void forget_verdicts(struct phys_call *call)
{
	unsigned int i;

	for (i = 0; i < call->verdicts; i++) {
		if (call->verdict[i].mm)
			mmdrop(call->verdict[i].mm);
		call->verdict[i].mm = NULL;
		if (call->rmap[i].mapping)
			forget_rmap(&call->rmap[i]);
	}
}

/*
 * The reverse map holds neither the mapping nor its policy still, only
 * mmap_lock does; and waiting for that under the rmap lock would be a deadlock.
 */
static int vma_policy_check(struct vm_area_struct *vma, unsigned long addr,
			    int nid, unsigned int verdict)
{
	struct mempolicy *pol;
	bool excluded;
	pgoff_t ilx;

	if (!mmap_read_trylock(vma->vm_mm))
		return -EBUSY;
	pol = __get_vma_policy(vma, addr, &ilx);
	excluded = pol ? policy_excludes(pol, nid) :
			 verdict & VERDICT_UNBOUND;
	mpol_cond_put(pol);
	mmap_read_unlock(vma->vm_mm);
	return excluded ? -EACCES : 0;
}

/* mlock() and munlock() set VM_IO for a moment, to keep rmap walks away. */
static int vma_migratable_check(struct vm_area_struct *vma)
{
	bool migratable;

	/* Flags that change do so under mmap_lock, below. */
	if (data_race(vma_migratable(vma)))
		return 0;
	if (!mmap_read_trylock(vma->vm_mm))
		return -EBUSY;
	migratable = vma_migratable(vma);
	mmap_read_unlock(vma->vm_mm);
	return migratable ? 0 : -EFAULT;
}

static int vma_check(struct phys_call *call, struct vm_area_struct *vma,
		     unsigned long addr, int nid)
{
	unsigned int verdict;
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	err = vma_migratable_check(vma);
	if (err)
		return err;
	verdict = mm_verdict(call, vma->vm_mm, nid);
	if (verdict & VERDICT_REFUSED)
		return -EACCES;
	if (call->flags & MPOL_MF_STRICT && verdict & VERDICT_ALIVE)
		return vma_policy_check(vma, addr, nid, verdict);
	return 0;
}

/**
 * struct judgement - what the mappers of a folio say of its move
 * @call: the call
 * @nid: the target
 * @exclusive: more than one address space is a refusal
 * @mm: the address space found to map the folio, if @exclusive
 * @vmas: how many VMAs were asked
 * @status: 0 or the refusal
 */
struct judgement {
	struct phys_call *call;
	int nid;
	bool exclusive;
	struct mm_struct *mm;
	unsigned int vmas;
	int status;
};

static bool folio_mapped_by(struct folio *folio, struct vm_area_struct *vma,
			    unsigned long addr)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, PVMW_SYNC);

	if (!page_vma_mapped_walk(&pvmw))
		return false;
	page_vma_mapped_walk_done(&pvmw);
	return true;
}

/*
 * Who merely could map the folio has no say, but to look it up in the page
 * tables is worth it only where the answer matters.
 */
static bool judge_vma(struct folio *folio, struct vm_area_struct *vma,
		      unsigned long addr, void *arg)
{
	struct judgement *j = arg;
	int err = vma_check(j->call, vma, addr, j->nid);

	j->vmas++;
	if (!err && (!j->exclusive || j->mm == vma->vm_mm))
		return true;
	if (err != -EINTR && !folio_mapped_by(folio, vma, addr))
		return true;
	if (!err && j->mm)
		err = -EACCES;
	j->mm = vma->vm_mm;
	j->status = err;
	return !err;
}

/*
 * Judging a reverse map
 *
 * If every VMA of an anon_vma or a file lets folios go to a node, then so does
 * every one that maps a folio of it, and no folio needs a walk of its own. To
 * ask them all is worth it from the second folio on, and if that takes not much
 * longer than to ask who might map the first one did.
 */
#define RMAP_PATIENCE	4

static bool anon_vma_passes(struct phys_call *call, struct anon_vma *anon_vma,
			    int nid, unsigned int most)
{
	struct anon_vma_chain *avc;
	bool passes = true;

	anon_vma_lock_read(anon_vma);
	anon_rmap_tree_foreach(avc, anon_vma, 0, ULONG_MAX) {
		passes = most-- && !vma_check(call, avc->vma, 0, nid);
		if (!passes)
			break;
		cond_resched();
	}
	anon_vma_unlock_read(anon_vma);
	return passes;
}

static bool file_passes(struct phys_call *call, struct address_space *mapping,
			int nid, unsigned int most, struct file **file)
{
	struct vm_area_struct *vma;
	bool passes = true;

	i_mmap_lock_read(mapping);
	mapping_rmap_tree_foreach(vma, mapping, 0, ULONG_MAX) {
		passes = most-- && !vma_check(call, vma, 0, nid);
		if (!passes)
			break;
		if (!*file)
			*file = get_file(vma->vm_file);
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
	return passes && *file;
}

/* Do the mappers of all folios like this one, which is locked, agree? */
static void judge_rmap(struct phys_call *call, struct folio *folio,
		       struct rmap_verdict *slot)
{
	unsigned int most = RMAP_PATIENCE * slot->vmas;

	slot->judged = true;
	if (folio_test_anon(folio)) {
		slot->anon_vma = folio_get_anon_vma(folio);
		slot->passes = slot->anon_vma &&
			       anon_vma_passes(call, slot->anon_vma, slot->nid,
					       most);
	} else if (slot->mapping->a_ops->migrate_folio) {
		slot->passes = file_passes(call, slot->mapping, slot->nid,
					   most, &slot->file);
	}
}

static bool rmap_passes(struct phys_call *call, struct folio *folio,
			struct rmap_verdict *slot)
{
	/* It was not locked when the slot was found. */
	if (!slot || slot->mapping != folio->mapping)
		return false;
	if (slot->vmas && !slot->judged)
		judge_rmap(call, folio, slot);
	return slot->passes;
}

/* NULL if the folio needs a walk of its own, whatever the others have. */
static struct rmap_verdict *rmap_verdict(struct phys_call *call,
					 struct folio *folio, int nid)
{
	struct address_space *mapping = READ_ONCE(folio->mapping);
	struct rmap_verdict *slot;

	if (!mapping || call->flags & MPOL_MF_STRICT ||
	    folio_test_hugetlb(folio) || folio_test_ksm(folio))
		return NULL;
	if (!(call->flags & MPOL_MF_MOVE_ALL) && folio_mapcount(folio) > 1)
		return NULL;
	slot = &call->rmap[(hash_ptr(mapping, 32) + nid) & (call->verdicts - 1)];
	if (slot->mapping != mapping || slot->nid != nid) {
		forget_rmap(slot);
		slot->mapping = mapping;
		slot->nid = nid;
	}
	return slot;
}

/* Judging a folio */

/* May the folio, which is locked, go to @nid, for all that map it? */
static int judge_folio(struct phys_call *call, struct folio *folio, int nid,
		       struct rmap_verdict *slot)
{
	bool hugetlb = folio_test_hugetlb(folio);
	struct judgement j = {
		.call = call,
		.nid = nid,
	};
	struct rmap_walk_control rwc = {
		.rmap_one = judge_vma,
		.arg = &j,
		.anon_lock = folio_lock_anon_vma_read,
		/* hugetlbfs takes the two locks the other way around. */
		.try_lock = hugetlb && !folio_test_anon(folio),
	};

	if (rmap_passes(call, folio, slot))
		return folio_mapped(folio) ? 0 : -ENOENT;
	/* A shared hugetlb page table counts once, for many processes. */
	if (!(call->flags & MPOL_MF_MOVE_ALL))
		j.exclusive = hugetlb || folio_mapcount(folio) > 1;
	rmap_walk(folio, &rwc);
	if (slot && !slot->vmas)
		slot->vmas = j.vmas;
	if (rwc.contended && !j.status)
		return -EBUSY;
	if (!j.status && !folio_mapped(folio))
		return -ENOENT;
	return j.status;
}

static bool folio_is_isolated(struct folio *folio)
{
	return folio_test_hugetlb(folio) ?
	       !folio_test_hugetlb_migratable(folio) : !folio_test_lru(folio);
}

/*
 * Whoever has the lock may wait for memory, and so for what is isolated: do not
 * sleep while holding that, nor keep open the files of those that end meanwhile.
 * And do not wait for a migration: it would fail for the reference of the one
 * who waits.
 */
static int lock_folio(struct phys_call *call, struct folio *folio)
{
	if (folio_trylock(folio))
		return 0;
	if (folio_is_isolated(folio))
		return -EBUSY;
	move_queues(call);
	forget_verdicts(call);
	task_work_run();
	return folio_lock_killable(folio);
}

/* The same as folio_check_user() of a folio that may just be moving. */
static int check_user(struct phys_call *call, struct folio *folio)
{
	int err = folio_check_user(folio);

	/*
	 * It is locked while migration has it out of the page tables; and while
	 * it is read, before anybody can map it.
	 */
	if (err != -ENOENT || folio_test_slab(folio) ||
	    !READ_ONCE(folio->mapping) || !folio_test_uptodate(folio))
		return err;
	smp_rmb(); /* out of the page tables after it was locked */
	if (!folio_test_locked(folio)) {
		smp_rmb(); /* and back in them before it was unlocked */
		return folio_check_user(folio);
	}
	err = lock_folio(call, folio);
	if (err)
		return err;
	err = folio_check_user(folio);
	folio_unlock(folio);
	return err;
}

/* Writing back */

static bool get_vma_file(struct folio *folio, struct vm_area_struct *vma,
			 unsigned long addr, void *arg)
{
	struct file **file = arg;

	*file = get_file(vma->vm_file);
	return false;
}

/*
 * The file of a folio, which is locked, if it is dirty and its filesystem cannot
 * migrate it so. It keeps that mounted.
 */
static struct file *file_to_write_back(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);
	struct file *file = NULL;
	struct rmap_walk_control rwc = {
		.rmap_one = get_vma_file,
		.arg = &file,
	};

	if (mapping && !folio_test_anon(folio) && folio_test_dirty(folio) &&
	    !mapping->a_ops->migrate_folio)
		rmap_walk(folio, &rwc);
	return file;
}

/* migrate_pages() would not tell how that went, if it did so at all. */
static int write_back(struct phys_call *call, struct folio *folio,
		      struct file *file)
{
	struct address_space *mapping = file->f_mapping;
	loff_t pos = folio_pos(folio);
	errseq_t before;

	if (!mapping_can_writeback(mapping))
		return -EINVAL;
	move_queues(call);
	before = filemap_sample_wb_err(mapping);
	if (filemap_fdatawrite_range(mapping, pos,
				     pos + folio_size(folio) - 1))
		return -EIO;
	if (folio_wait_writeback_killable(folio))
		return -EINTR;
	return filemap_check_wb_err(mapping, before) ? -EIO : 0;
}

/* Meeting a folio */

/* Not only after it was unmapped, or waited for, for nothing */
static bool folio_is_busy(struct folio *folio)
{
	return folio_is_pinned(folio) || folio_test_writeback(folio);
}

/* May it go to @nid? Returns 1 if so, 0 if it is there, or what refuses it. */
static int may_move(struct phys_call *call, struct folio *folio, int nid)
{
	struct rmap_verdict *slot;
	int err = check_user(call, folio);
	struct file *file;

	if (err)
		return err;
	if (folio_node(folio) == nid)
		return 0;
	/* Its memory went offline, or the array changed, since it was checked. */
	if (!node_has_memory(nid))
		return -ENOMEM;
	slot = rmap_verdict(call, folio, nid);
	/* If it is locked, wait for that here: migration could not be killed. */
	if (!slot || !slot->passes || folio_test_locked(folio)) {
		err = lock_folio(call, folio);
		if (err)
			return err;
		err = judge_folio(call, folio, nid, slot);
		file = err || folio_is_busy(folio) ? NULL :
						     file_to_write_back(folio);
		folio_unlock(folio);
		if (file) {
			err = write_back(call, folio, file);
			fput(file);
		}
		if (err)
			return err;
	}
	return folio_is_busy(folio) ? -EBUSY : 1;
}

/* Have a judged folio moved. The reference to it is taken over. */
static void queue_folio(struct phys_call *call, struct folio *folio,
			struct phys_folio *pf)
{
	if (folio_test_hugetlb(folio)) {
		if (!isolate_folio_to_list(folio, &call->queue[pf->status]))
			pf->status = -EBUSY;
		folio_put(folio);
	} else {
		pf->judged = true;
		call->judged++;
		__node_set(folio_node(folio), &call->judged_on);
	}
	if (pf->status < 0)
		return;
	__node_set(pf->status, &call->queued);
	call->queued_pages += folio_nr_pages(folio);
	/* No LRU lock is held for long, nor are so many references. */
	if (call->judged == SWAP_CLUSTER_MAX)
		queue_judged(call);
}

/*
 * The record of the folio that had this frame when the call was made, if the
 * call has met it lately: it may have moved, and the frame have a new user that
 * the entry does not mean.
 */
static struct phys_folio *recall_folio(struct phys_call *call,
				       unsigned long pfn)
{
	struct phys_folio *pf = table_recall(&call->table, pfn, call->orders);

	if (pf && table_is_past(&call->table, pf))
		return table_add(&call->table, pf->pfn, pf->order, pf->status);
	return pf;
}

static struct phys_folio *meet_folio(struct phys_call *call,
				     struct folio *folio, int nid)
{
	int ret = may_move(call, folio, nid);
	struct phys_folio *pf;

	pf = table_add(&call->table, folio_pfn(folio), folio_order(folio),
		       ret < 0 ? ret : nid);
	call->orders |= BIT(pf->order);
	if (ret > 0)
		queue_folio(call, folio, pf);
	else
		folio_put(folio);
	return pf;
}

/* Returns 0, or -EINTR, which is no entry's status. */
static int take_entry(struct phys_call *call, unsigned int i)
{
	struct phys_folio *pf;
	struct folio *folio;
	unsigned long pfn;

	call->named[i] = 0;
	call->status[i] = -ENOENT;
	if (!address_to_pfn(call->addr[i], &pfn))
		return 0;
	pf = recall_folio(call, pfn);
	if (!pf) {
		call->status[i] = page_get_folio(pfn_to_online_page(pfn),
						 &folio);
		if (call->status[i])
			return 0;
		pf = meet_folio(call, folio, call->node[i]);
	}
	call->named[i] = pf - call->table.folio + 1;
	return pf->status == -EINTR ? -EINTR : 0;
}

/* The chunk */

static void settle_entries(struct phys_call *call, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (call->named[i])
			call->status[i] =
				call->table.folio[call->named[i] - 1].status;
		call->failed += status_is_failure(call->status[i]);
	}
}

/* The array may have changed since its nodes were checked. */
static noinline void trace_chunk(struct phys_call *call, unsigned int n)
{
	nodemask_t told = NODE_MASK_NONE;
	unsigned int i;

	for (i = 0; i < n; i++) {
		int nid = call->node[i];

		if (nid >= 0 && nid < MAX_NUMNODES &&
		    !node_test_and_set(nid, told))
			trace_move_phys_pages(nid, call->node, call->status, n);
	}
}

static int move_chunk(struct phys_call *call, unsigned int n)
{
	unsigned int i;
	int err = 0;

	table_turn(&call->table);
	for (i = 0; i < n && !err; i++) {
		err = take_entry(call, i);
		/* migrate_pages() would not take more at once, either. */
		if (call->queued_pages >= CHUNK_ENTRIES)
			move_queues(call);
		if (fatal_signal_pending(current))
			err = -EINTR;
	}
	forget_verdicts(call);
	if (err) {
		put_back_queues(call);
		return err;
	}
	move_queues(call);
	settle_entries(call, n);
	if (trace_move_phys_pages_enabled())
		trace_chunk(call, n);
	return 0;
}

/*
 * Nothing of it is held, so it may be another page the next moment, but this is
 * true of any answer; and nothing that it points to is looked at.
 */
static bool page_is_mapped_anon(struct page *page)
{
	return !PageCompound(page) && page_is_mapped(page) && PageAnon(page);
}

static int query_frame(u64 addr)
{
	struct folio *folio;
	struct page *page;
	unsigned long pfn;
	int status;

	if (!address_to_pfn(addr, &pfn))
		return -ENOENT;
	page = pfn_to_online_page(pfn);
	if (page && page_is_mapped_anon(page))
		return page_node(page);
	status = page_get_folio(page, &folio);
	if (status)
		return status;
	status = folio_check_user(folio);
	if (!status)
		status = folio_node(folio);
	folio_put(folio);
	return status;
}

static void query_chunk(struct phys_call *call, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		call->status[i] = query_frame(call->addr[i]);
}

/* The call */

static int check_nodes(struct phys_call *call, unsigned long count,
		       const int __user *nodes)
{
	unsigned long done, left;
	unsigned int i, n;

	for (done = 0; done < count; done += n) {
		n = min(count - done, CHUNK_ENTRIES);
		left = copy_from_user(call->node, nodes + done,
				      n * sizeof(*nodes));
		for (i = 0; i < n - DIV_ROUND_UP(left, sizeof(*nodes)); i++)
			if (!node_has_memory(call->node[i]))
				return -ENODEV;
		if (left)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/*
 * Find out that a status cannot be written before its page moves. The chunk's
 * part of the array spans no more than two pages.
 */
static int probe_status(int __user *status, unsigned int n)
{
	int first, last;

	if (get_user(first, status) || put_user(first, status) ||
	    get_user(last, status + n - 1) || put_user(last, status + n - 1))
		return -EFAULT;
	return 0;
}

static int do_chunk(struct phys_call *call, unsigned int n,
		    const u64 __user *pages, const int __user *nodes,
		    int __user *status)
{
	int err;

	BUILD_BUG_ON(CHUNK_ENTRIES * sizeof(*status) > PAGE_SIZE);
	if (copy_from_user(call->addr, pages, n * sizeof(*pages)) ||
	    probe_status(status, n))
		return -EFAULT;
	if (nodes) {
		if (copy_from_user(call->node, nodes, n * sizeof(*nodes)))
			return -EFAULT;
		err = move_chunk(call, n);
		if (err)
			return err;
	} else {
		query_chunk(call, n);
	}
	if (copy_to_user(status, call->status, n * sizeof(*status)))
		return -EFAULT;
	return 0;
}

static void *carve(void *room, size_t *used, size_t n, size_t size)
{
	*used += n * size;
	return room + *used - n * size;
}

/*
 * Lay out what a call has room for, for chunks of so many entries: most calls
 * that are made are short. Returns how much room that is.
 */
static size_t lay_out(struct phys_call *call, unsigned int entries, void *room)
{
	struct phys_table *table = &call->table;
	size_t used = 0;

	call->verdicts = roundup_pow_of_two(min(entries, MAX_VERDICTS));
	table->half = entries;
	table->mask = roundup_pow_of_two(max(2 * entries, 4)) - 1;
	call->verdict = carve(room, &used, call->verdicts, sizeof(*call->verdict));
	call->rmap = carve(room, &used, call->verdicts, sizeof(*call->rmap));
	table->bucket = carve(room, &used, table->mask + 1,
			      sizeof(*table->bucket));
	/* In the order of their alignment; what precedes starts out as zeroes. */
	call->queue = carve(room, &used, nr_node_ids, sizeof(*call->queue));
	call->ready = carve(room, &used, entries, sizeof(*call->ready));
	call->addr = carve(room, &used, entries, sizeof(*call->addr));
	table->folio = carve(room, &used, 2 * entries, sizeof(*table->folio));
	call->node = carve(room, &used, entries, sizeof(*call->node));
	call->status = carve(room, &used, entries, sizeof(*call->status));
	call->named = carve(room, &used, entries, sizeof(*call->named));
	return used;
}

/* The call lies in @few if that is room enough. */
static int open_call(struct phys_call *call, unsigned int entries, void *few,
		     size_t size)
{
	size_t needed = lay_out(call, entries, few);
	int nid;

	if (needed > size) {
		call->room = kvmalloc(needed, GFP_KERNEL);
		if (!call->room)
			return -ENOMEM;
		lay_out(call, entries, call->room);
	}
	memset(call->verdict, 0, (void *)call->queue - (void *)call->verdict);
	for (nid = 0; nid < nr_node_ids; nid++)
		INIT_LIST_HEAD(&call->queue[nid]);
	return 0;
}

/**
 * kernel_move_phys_pages - the body of move_phys_pages(2)
 * @count: number of entries in each array
 * @pages: physical addresses
 * @nodes: target nodes, or NULL to query
 * @status: what became of each entry
 * @flags: MPOL_MF_*
 *
 * The contract stands above the system call in mm/migrate.c.
 *
 * Return: number of entries that were eligible and did not move, or an errno.
 */
long kernel_move_phys_pages(unsigned long count, const u64 __user *pages,
			    const int __user *nodes, int __user *status,
			    int flags)
{
	struct phys_call call = { .flags = flags };
	u64 few[64];
	unsigned long done;
	unsigned int n;
	long ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL | MPOL_MF_STRICT))
		return -EINVAL;
	if (!count)
		return 0;

	ret = open_call(&call, min(count, CHUNK_ENTRIES), few, sizeof(few));
	if (ret)
		return ret;
	if (nodes)
		ret = check_nodes(&call, count, nodes);
	for (done = 0; !ret && done < count; done += n) {
		n = min(count - done, CHUNK_ENTRIES);
		ret = do_chunk(&call, n, pages + done,
			       nodes ? nodes + done : NULL, status + done);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		task_work_run(); /* closes what forget_verdicts() let go of */
		cond_resched();
	}
	if (!ret)
		ret = call.failed;
	kvfree(call.room);
	return ret;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_kunit.c"
#endif
