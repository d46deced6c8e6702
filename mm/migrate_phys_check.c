// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by physical address: may a folio go to a node?
 *
 * All VMAs that map the folio must allow the move. A walk of its reverse map
 * finds them. If all VMAs of a file or an anon_vma allow moves to a node, then
 * so does every VMA that maps one of its folios. Further folios of that file or
 * anon_vma then need no walk of their own, except those for which find_rmap()
 * returns NULL.
 */

#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include "internal.h"
#include "migrate_phys.h"

/* One VMA */

/*
 * The rmap lock, which is held here, does not stabilise vm_policy or vm_flags.
 * mmap_lock does, but others take it before the rmap lock, so only try it.
 * The policy is checked only if @result has MM_ALIVE: exiting tasks allocate
 * no more memory. A caller that has no result yet passes 0.
 */
static int vma_check_locked(struct vm_area_struct *vma, unsigned long addr,
			    int nid, unsigned int result)
{
	struct mempolicy *pol;
	int err = 0;
	pgoff_t ilx;

	if (!mmap_read_trylock(vma->vm_mm))
		return -EBUSY;
	if (!vma_migratable(vma)) {
		err = -EFAULT;
	} else if (result & MM_ALIVE) {
		pol = __get_vma_policy(vma, addr, &ilx);
		if (pol ? policy_excludes(pol, nid) : result & MM_BOUND)
			err = -EACCES;
		mpol_cond_put(pol);
	}
	mmap_read_unlock(vma->vm_mm);
	return err;
}

/* Returns 0, -EAGAIN if the tasks are not checked yet, or another errno. */
static int vma_check(struct phys_call *call, struct vm_area_struct *vma,
		     unsigned long addr, int nid)
{
	struct phys_mm_slot *slot;
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	/*
	 * mlock() sets VM_IO for a moment, so check a refusal again under
	 * mmap_lock. An acceptance needs no lock, since the VMA may change
	 * between the check and the move anyway.
	 */
	if (!data_race(vma_migratable(vma))) {
		err = vma_check_locked(vma, addr, nid, 0);
		if (err)
			return err;
	}
	slot = phys_find_mm_slot(&call->mm_slots, vma->vm_mm, nid);
	if (!slot || !(slot->result & MM_CHECKED))
		return -EAGAIN;
	if (slot->result & MM_DENIES)
		return -EACCES;
	if (call->flags & MPOL_MF_STRICT && slot->result & MM_ALIVE)
		return vma_check_locked(vma, addr, nid, slot->result);
	return 0;
}

/* The VMAs that map one folio */

/**
 * struct mapper_walk - a walk over the VMAs that may map a folio
 * @call: the call
 * @nid: the target node
 * @exclusive: refuse the folio if a second address space maps it
 * @first_slot: index of the first address space gathered for this folio
 * @mm: the latest address space found to map the folio
 * @vmas: how many VMAs were visited
 * @unchecked: an address space waits for a pass over all processes
 * @status: 0, or the errno for the folio
 */
struct mapper_walk {
	struct phys_call *call;
	int nid;
	bool exclusive;
	unsigned int first_slot;
	struct mm_struct *mm;
	unsigned int vmas;
	bool unchecked;
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
 * Others may wait for the rmap lock, so check no tasks here: only add the
 * address space. If it was added for an earlier folio and has no result yet,
 * check_owner_tasks() failed: only a pass over all processes gives a result.
 */
static int gather_mm(struct mapper_walk *walk, struct mm_struct *mm)
{
	struct phys_mm_slots *slots = &walk->call->mm_slots;
	struct phys_mm_slot *slot = phys_find_mm_slot(slots, mm, walk->nid);

	if (!slot)
		return phys_add_mm_slot(slots, mm, walk->nid);
	if (slot < slots->slot + walk->first_slot)
		walk->unchecked = true;
	return 0;
}

/*
 * A VMA matters only if it maps the folio. Walk the page table only if this VMA
 * can change the result: if it refuses the move, if its tasks are not checked
 * yet, or if only one address space is allowed to map the folio and this VMA
 * may belong to a second one.
 */
static bool check_mapper(struct folio *folio, struct vm_area_struct *vma,
			 unsigned long addr, void *arg)
{
	struct mapper_walk *walk = arg;
	int err = vma_check(walk->call, vma, addr, walk->nid);

	walk->vmas++;
	if (!err && (!walk->exclusive || walk->mm == vma->vm_mm))
		return true;
	if (err != -EINTR && !folio_mapped_by(folio, vma, addr))
		return true;
	if (walk->exclusive && walk->mm && walk->mm != vma->vm_mm &&
	    (!err || err == -EAGAIN))
		err = -EACCES;
	walk->mm = vma->vm_mm;
	if (err == -EAGAIN)
		err = gather_mm(walk, vma->vm_mm);
	walk->status = err;
	return !err;
}

/* Returns an errno, or 0 if only the added address spaces can still refuse. */
static int walk_mappers(struct phys_call *call, struct folio *folio, int nid,
			struct phys_rmap *rmap, unsigned int first)
{
	bool hugetlb = folio_test_hugetlb(folio);
	struct mapper_walk walk = {
		.call = call,
		.nid = nid,
		.first_slot = first,
	};
	struct rmap_walk_control rwc = {
		.rmap_one = check_mapper,
		.arg = &walk,
		.anon_lock = folio_lock_anon_vma_read,
		/*
		 * hugetlbfs takes this rmap lock before the folio lock, which
		 * is held here, so only try the rmap lock.
		 */
		.try_lock = hugetlb && !folio_test_anon(folio),
	};

	if (!folio_trylock(folio))
		return -EBUSY;
	/*
	 * A hugetlb page table that processes share counts as one mapping, so
	 * a mapcount of 1 does not prove that only one process maps the folio.
	 */
	if (!(call->flags & MPOL_MF_MOVE_ALL))
		walk.exclusive = hugetlb || folio_mapcount(folio) > 1;
	rmap_walk(folio, &rwc);
	if (!walk.status && rwc.contended)
		walk.status = -EBUSY;
	if (!walk.status && walk.unchecked)
		walk.status = -EAGAIN;
	if (!walk.status && !folio_mapped(folio))
		walk.status = -ENOENT;
	folio_unlock(folio);
	if (rmap)
		rmap->walked += walk.vmas;
	return walk.status;
}

static noinline_for_stack int check_mappers(struct phys_call *call,
					    struct folio *folio, int nid,
					    struct phys_rmap *rmap)
{
	struct phys_mm_slots *slots = &call->mm_slots;
	unsigned int first, tries = 5;
	int err, tasks_err;

	do {
		first = slots->nr;
		do {
			err = walk_mappers(call, folio, nid, rmap, first);
		} while (err == -ENOSPC && phys_enlarge_mm_slots(slots));
		if (slots->nr == first)
			return err;
		tasks_err = phys_check_tasks(call, first);
		if (tasks_err == -EINTR)
			return tasks_err;
		err = err ?: tasks_err;
		if (err || !(call->flags & MPOL_MF_STRICT))
			return err;
		/* Walk again, now that vma_check() can check policies, too. */
	} while (--tries);
	return -EBUSY;
}

/* All VMAs of a file or an anon_vma */

static bool vma_allows(struct phys_call *call, struct vm_area_struct *vma,
		       int nid, unsigned int *budget)
{
	cond_resched();
	return (*budget)-- && !vma_check(call, vma, 0, nid);
}

/*
 * No task is checked here: an address space without a result refuses. The
 * anon_vma cannot be freed while it is locked, nor the file while its folio is
 * locked. A file without migrate_folio needs check_filesystem() for each folio.
 */
static bool all_vmas_allow(struct phys_call *call, struct folio *folio,
			   const struct phys_rmap *rmap)
{
	struct address_space *mapping = rmap->mapping;
	unsigned int budget = rmap->walked;
	struct anon_vma_chain *avc;
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	bool allow = false;

	if (!folio_trylock(folio))
		return false;
	if (mapping != folio->mapping) {
		/* The mapping has changed since find_rmap() read it. */
	} else if (folio_test_anon(folio)) {
		/* An unmapped or KSM folio has no anon_vma to lock. */
		anon_vma = folio_lock_anon_vma_read(folio, NULL);
		if (!anon_vma)
			goto unlock;
		anon_rmap_tree_foreach(avc, anon_vma, 0, ULONG_MAX) {
			allow = vma_allows(call, avc->vma, rmap->nid, &budget);
			if (!allow)
				break;
		}
		anon_vma_unlock_read(anon_vma);
	} else if (mapping->a_ops->migrate_folio) {
		i_mmap_lock_read(mapping);
		mapping_rmap_tree_foreach(vma, mapping, 0, ULONG_MAX) {
			allow = vma_allows(call, vma, rmap->nid, &budget);
			if (!allow)
				break;
		}
		i_mmap_unlock_read(mapping);
	}
unlock:
	folio_unlock(folio);
	return allow;
}

/*
 * The batch has a reference on the witness. If the witness is still mapped and
 * has this mapping, then the file or anon_vma was not freed and reused.
 */
static bool witness_is_valid(const struct phys_rmap *rmap)
{
	return rmap->witness &&
	       READ_ONCE(rmap->witness->mapping) == rmap->mapping &&
	       folio_mapped(rmap->witness);
}

/*
 * Visit at most as many VMAs as the walks for single folios have, and retry
 * only when that number has doubled. So these checks together visit at most
 * twice as many VMAs as the walks.
 */
static bool rmap_allows(struct phys_call *call, struct folio *folio,
			struct phys_rmap *rmap)
{
	if (witness_is_valid(rmap))
		return true;
	rmap->witness = NULL;
	if (!rmap->walked || rmap->walked < rmap->retry_at)
		return false;
	rmap->retry_at = 2 * rmap->walked;
	return all_vmas_allow(call, folio, rmap);
}

/* Returns NULL if the folio needs a walk of its own in any case. */
static struct phys_rmap *find_rmap(struct phys_call *call, struct folio *folio,
				   int nid, int mapcount)
{
	struct address_space *mapping = READ_ONCE(folio->mapping);
	struct phys_rmap *rmap;

	if (!mapping || call->flags & MPOL_MF_STRICT ||
	    folio_test_hugetlb(folio))
		return NULL;
	if (!(call->flags & MPOL_MF_MOVE_ALL) && mapcount > 1)
		return NULL;
	rmap = &call->batch.rmap[hash_long((unsigned long)mapping + nid,
					   call->batch.rmap_bits)];
	if (rmap->mapping != mapping || rmap->nid != nid)
		*rmap = (struct phys_rmap) { .mapping = mapping, .nid = nid };
	/*
	 * witness_is_valid() must read the mapping of the witness after that of
	 * this folio was read above. If both are equal and the witness is
	 * mapped, the file or anon_vma was not freed and reused in between.
	 * Pairs with the unmap before evict() and unlink_anon_vmas().
	 */
	smp_rmb();
	return rmap;
}

/**
 * phys_forget_rmaps - drop the results for whole reverse maps
 * @call: the call
 *
 * Call this before the witnesses are released, and at the end of a chunk.
 */
void phys_forget_rmaps(struct phys_call *call)
{
	memset(call->batch.rmap, 0,
	       sizeof(*call->batch.rmap) << call->batch.rmap_bits);
}

/* The filesystem */

#ifndef folio_check_fallback
/*
 * Without migrate_folio, migration falls back to a copy, which fails if the
 * folio is dirty, and warns if the filesystem has writepages: refuse the folio
 * in both cases. The caller has locked the folio; this function unlocks it.
 */
static int folio_check_fallback(struct folio *folio,
				struct address_space *mapping, bool last_look)
{
	int err = folio_test_dirty(folio) || mapping->a_ops->writepages ?
		  -EINVAL : 0;

	folio_unlock(folio);
	return err;
}
#endif

static int check_filesystem(struct phys_call *call, struct folio *folio)
{
	struct address_space *mapping;

	if (!folio_trylock(folio))
		return -EBUSY;
	mapping = folio_mapping(folio);
	if (mapping && !mapping->a_ops->migrate_folio)
		return folio_check_fallback(folio, mapping,
					    call->batch.last_look);
	folio_unlock(folio);
	return 0;
}

/* The LRU batches of the CPUs */

static __always_inline bool may_be_in_lru_batch(struct folio *folio,
						int mapcount)
{
	int refs = folio_ref_count(folio) - 1;

	/* Try @mapcount first: that is enough for most anonymous folios. */
	return !folio_test_lru(folio) ||
	       (refs > mapcount && refs > folio_expected_ref_count(folio));
}

/*
 * An LRU batch holds a reference. Drain the batches of this CPU, and if the
 * reference is still there, request a drain of all CPUs.
 */
static __always_inline bool needs_drain(struct phys_call *call,
					struct folio *folio, int mapcount)
{
	if (!folio_may_be_lru_cached(folio) ||
	    !may_be_in_lru_batch(folio, mapcount) || call->batch.last_look)
		return false;
	lru_add_drain();
	return may_be_in_lru_batch(folio, mapcount) && phys_request_drain(call);
}

/**
 * phys_check_move - check whether a folio may go to a node
 * @call: the call
 * @folio: the folio, with a reference
 * @nid: the target node, or NUMA_NO_NODE for one without memory
 *
 * Return: 0, the status of a refused move, -EINTR, or -EAGAIN if the folio is
 * to be deferred to the end of the chunk.
 */
int phys_check_move(struct phys_call *call, struct folio *folio, int nid)
{
	int mapcount = folio_mapcount(folio), err = 0;
	struct phys_rmap *rmap;
	bool allowed;

	/*
	 * check_nodes() saw memory on the node. Since then, the caller has
	 * changed its array, or the memory of the node has gone offline.
	 */
	if (nid == NUMA_NO_NODE)
		return -ENOMEM;
	if (folio_test_locked(folio))
		return -EBUSY;
	rmap = find_rmap(call, folio, nid, mapcount);
	allowed = rmap && rmap_allows(call, folio, rmap);
	if (!allowed)
		err = check_mappers(call, folio, nid, rmap);
	if (err == -ENOSPC || (err == -EAGAIN && call->batch.last_look))
		return -EBUSY;
	if (err && err != -EAGAIN)
		return err;
	if (folio_is_busy(folio))
		return err ?: -EBUSY;
	if (needs_drain(call, folio, mapcount) || err)
		return -EAGAIN;
	if (!allowed)
		return folio_test_anon(folio) ?
		       0 : check_filesystem(call, folio);
	if (!rmap->witness)
		rmap->witness = folio;
	return 0;
}

#ifdef CONFIG_MIGRATE_PHYS_KUNIT_TEST
#include "tests/migrate_phys_check_kunit.c"
#endif
