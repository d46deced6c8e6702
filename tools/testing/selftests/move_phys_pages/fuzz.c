// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls with arbitrary arrays. Each one must return what its input allows,
 * report true statuses, and change no other memory.
 *
 * Each call depends only on the seed and its number. FUZZ_CALLS in the
 * environment is the number of calls. FUZZ_SEED repeats the calls of another
 * run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define CALLS		3000
#define VIEW_PAGES	6
#define MAX_ENTRIES	4096	/* of a call that are filled and checked */
#define MAX_HOLES	16
#define REMEMBERED	1024	/* entries: in a longer call, the kernel forgets earlier folios */
#define RUNNING		LONG_MIN

/*
 * Arrays are in views. The call uses the mapping @seen, which may be protected
 * and has inaccessible pages around it. @mem maps the same memory without
 * restrictions.
 */
struct view {
	char *seen;
	char *mem;
	char *before;			/* its contents before the call */
	int prot[VIEW_PAGES];
	int fd;
};

/*
 * Memory of this process, in folios of one size. Its contents depend on the
 * address.
 */
struct region {
	const char *name;
	enum { BASE, THP, HUGETLB } folios;
	enum memory kind;
	size_t pages;
	bool shared;			/* a child maps it, too */
	bool locked;
	bool held;			/* never moves */
	char *mem;
	size_t folio_size;
	unsigned int *seen_in;		/* by folio: number of the last call with an entry for it */
	unsigned int *first;		/* by folio: first entry for it in that call */
	unsigned long moved, stayed;
};

enum what {
	WILD,		/* any status is possible */
	FIXED,		/* always has this status */
	OWN,		/* page "page" of "region" */
};

struct entry {
	uint64_t phys;
	enum what what;
	int status;
	struct region *region;
	size_t page;
	int before;			/* its node before the call */
};

struct array {
	struct view *view;		/* NULL: an invalid address */
	size_t off;
	void *ptr;
	size_t size;			/* of an element */
};

struct call {
	unsigned int number;
	uint32_t random;
	unsigned long count;
	unsigned long filled;		/* entries that fill_pages() has chosen */
	struct array pages, nodes, status;
	int flags;
	bool query, privileged, disturbed, killed;
	bool overlap;			/* the statuses share memory with another array */
	bool loose;			/* the nodes of pages cannot be predicted */
	long ret;
};

static uint32_t seed;
static int nodes[64], nr_nodes, bad_nodes[5];
static struct view views[3];
static struct entry entries[MAX_ENTRIES];
static struct entry fixed[MAX_HOLES + 8];
static unsigned int nr_fixed;
static uint64_t end_of_memory;
static uint64_t stale[256];
static int pagemap;
static char *churned;
static pid_t child;

static struct region regions[] = {
	{ .name = "anon, shared", .kind = ANON, .pages = 16, .shared = true },
	{ .name = "memfd, shared", .kind = MEMFD, .pages = 16, .shared = true },
	{ .name = "anon", .kind = ANON, .pages = 64 },
	{ .name = "anon, locked", .kind = ANON, .pages = 8, .locked = true },
	{ .name = "anon, held", .kind = ANON, .pages = 8, .held = true },
	{ .name = "shmem", .kind = SHMEM, .pages = 32 },
	{ .name = "memfd", .kind = MEMFD, .pages = 32 },
	{ .name = "file", .kind = TMPFS, .pages = 32 },
	{ .name = "thp", .folios = THP },
	{ .name = "hugetlb", .folios = HUGETLB },
};

#define NR_REGIONS	ARRAY_SIZE(regions)
#define NR_CHURNED	32

static size_t view_size(void)
{
	return VIEW_PAGES * page_size();
}

/* Choices */

static unsigned int pick(struct call *c, unsigned int n)
{
	return next_random(&c->random) % n;
}

static bool odds(struct call *c, unsigned int percent)
{
	return pick(c, 100) < percent;
}

/* Makes successive calls differ completely */
static uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x85ebca6b;
	x = (x ^ x >> 13) * 0xc2b2ae35;
	return x ^ x >> 16;
}

static uint64_t random_word(struct call *c)
{
	return (uint64_t)next_random(&c->random) << 42 ^
	       (uint64_t)next_random(&c->random) << 20 ^
	       next_random(&c->random);
}

/* Reports of broken invariants */

static void describe_array(const char *name, const struct array *a)
{
	size_t i;

	fprintf(stderr, "#   %s: %p", name, a->ptr);
	if (a->view) {
		fprintf(stderr, ", view %td at %zu, protections",
			a->view - views, a->off);
		for (i = 0; i < VIEW_PAGES; i++)
			fprintf(stderr, " %d", a->view->prot[i]);
	}
	fputc('\n', stderr);
}

__printf(2, 3)
static noreturn void broken(const struct call *c, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "# FUZZ_SEED=%u, call %u: ", seed, c->number);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n#   %s of %lu, flags %#x, returned %ld%s%s%s%s\n",
		c->query ? "query" : "move", c->count, c->flags, c->ret,
		c->privileged ? "" : ", without privilege",
		c->disturbed ? ", disturbed" : "", c->killed ? ", killed" : "",
		c->loose ? ", loose" : "");
	describe_array("pages", &c->pages);
	describe_array("nodes", &c->nodes);
	describe_array("status", &c->status);
	abort();
}

/* Arrays */

static void load(const struct array *a, unsigned long i, void *to)
{
	memcpy(to, a->view->mem + a->off + i * a->size, a->size);
}

static void store(const struct array *a, unsigned long i, const void *from)
{
	memcpy(a->view->mem + a->off + i * a->size, from, a->size);
}

static int load_int(const struct array *a, unsigned long i)
{
	int value;

	load(a, i, &value);
	return value;
}

/* Reads a node as it was before the call, which may have overwritten it */
static int asked_node(const struct array *a, unsigned long i)
{
	int value;

	memcpy(&value, a->view->before + a->off + i * a->size, a->size);
	return value;
}

static unsigned long room(const struct array *a)
{
	return a->view ? (view_size() - a->off) / a->size : 0;
}

/* Counts the elements that can be accessed */
static unsigned long accessible(const struct call *c, const struct array *a,
				int prot)
{
	size_t end;

	/* The disturbing thread may make any page accessible again */
	if (c->disturbed)
		return room(a);
	if (!a->view)
		return 0;
	for (end = a->off; end < view_size(); end += page_size()) {
		end -= end % page_size();
		if ((a->view->prot[end / page_size()] & prot) != prot)
			break;
	}
	return end > a->off ? (end - a->off) / a->size : 0;
}

static size_t end_of(const struct array *a, unsigned long count)
{
	return a->off + (count < room(a) ? count : room(a)) * a->size;
}

static bool overlap(const struct array *a, const struct array *b,
		    unsigned long count)
{
	return a->view && a->view == b->view && a->off < end_of(b, count) &&
	       b->off < end_of(a, count);
}

static void protect(struct view *v, unsigned int page, unsigned int pages,
		    int prot)
{
	unsigned int i;

	if (mprotect(v->seen + page * page_size(), pages * page_size(), prot))
		die("mprotect of a view failed");
	for (i = page; i < page + pages; i++)
		v->prot[i] = prot;
}

static void restore(struct view *v)
{
	unsigned int i;

	if (mmap(v->seen, view_size(), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, v->fd, 0) != v->seen)
		die("cannot map a view again");
	for (i = 0; i < VIEW_PAGES; i++)
		v->prot[i] = PROT_READ | PROT_WRITE;
}

static void make_view(struct view *v)
{
	size_t size = view_size();

	v->seen = mmap(NULL, size + 2 * page_size(), PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v->seen == MAP_FAILED)
		die("cannot map a view");
	v->seen += page_size();
	v->fd = open_file(MEMFD, size);
	v->mem = map_file(v->fd, VIEW_PAGES);
	v->before = malloc(size);
	restore(v);
}

/* Pages */

static uint64_t frame_of(const char *addr)
{
	uint64_t word;

	if (pread(pagemap, &word, sizeof(word),
		  (uintptr_t)addr / page_size() * sizeof(word)) != sizeof(word))
		die("cannot read the pagemap");
	return word & PAGEMAP_PRESENT ? (word & PAGEMAP_PFN) * page_size() : 0;
}

static uint64_t content(const uint64_t *word)
{
	return (uintptr_t)word * 0x9e3779b97f4a7c15ULL;
}

static bool region_intact(const struct region *r)
{
	const uint64_t *word = (const uint64_t *)r->mem;
	const uint64_t *end = word + r->pages * page_size() / sizeof(*word);

	for (; word < end; word++)
		if (__atomic_load_n(word, __ATOMIC_RELAXED) != content(word))
			return false;
	return true;
}

/* Holds one half of the memory by a pin, the other by a plain reference */
static void hold(char *mem, size_t half)
{
	struct iovec iov = { .iov_base = mem + half, .iov_len = half };
	int fds[2];

	if (ring_pin(mem, half) < 0)
		die("no io_uring");
	if (pipe(fds) || vmsplice(fds[1], &iov, 1, 0) != (ssize_t)half)
		die("a pipe does not take memory");
}

/* The region is not used if the kernel has no such memory or cannot move it */
static bool is_lacking(const struct region *r)
{
	if (r->folios == HUGETLB)
		return !has_hugetlb();
	return r->kind != ANON && !has_shmem();
}

static bool alloc_region(struct region *r)
{
	uint64_t *word, *end;

	r->folio_size = page_size();
	if (r->folios == THP) {
		r->mem = alloc_thp(nodes[0], 0);
		if (!r->mem)
			return false;
		r->folio_size = thp_size();
		r->pages = r->folio_size / page_size();
	} else if (r->folios == HUGETLB) {
		r->folio_size = hugetlb_size();
		r->pages = 2 * r->folio_size / page_size();
		hugetlb_pool(nodes[0], 3);
		hugetlb_pool(nodes[1], 3);
		r->mem = mmap(NULL, 2 * r->folio_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		if (r->mem == MAP_FAILED)
			die("no hugetlb pages");
	} else {
		r->mem = map_memory(r->kind, r->pages);
	}
	touch_on(nodes[0], r->mem, r->pages * page_size());
	end = (uint64_t *)(r->mem + r->pages * page_size());
	for (word = (uint64_t *)r->mem; word < end; word++)
		*word = content(word);
	if (r->locked && mlock(r->mem, r->pages * page_size()))
		die("cannot lock memory");
	if (r->held)
		hold(r->mem, r->pages / 2 * page_size());
	r->seen_in = calloc(r->pages, sizeof(*r->seen_in));
	r->first = calloc(r->pages, sizeof(*r->first));
	return true;
}

static void map_shared(void *unused)
{
	struct region *r;

	for (r = regions; r->shared; r++)
		if (!region_intact(r))
			die("wrong contents in %s", r->name);
}

static void add_fixed(uint64_t phys, int status)
{
	if (nr_fixed < ARRAY_SIZE(fixed))
		fixed[nr_fixed++] = (struct entry){
			.phys = phys, .what = FIXED, .status = status,
		};
}

/* Finds frames that no process maps, and zero pages, which never move */
static void find_fixed(void)
{
	uint64_t start, end, last = 0;
	char *mem, *zero;
	long pos = 0;

	end_of_memory = count_frames() * page_size();
	while (next_resource("System RAM", &pos, &start, &end)) {
		if (start > last + 2 * page_size() && nr_fixed < MAX_HOLES) {
			add_fixed(start - page_size(), -ENOENT);
			add_fixed(last + page_size(), -ENOENT);
		}
		last = end;
	}
	pos = 0;
	if (next_resource("Kernel code", &pos, &start, &end))
		add_fixed(start + 5 * page_size() + 77, -ENOENT);
	add_fixed(end_of_memory, -ENOENT);
	add_fixed(end_of_memory + (1ULL << 40), -ENOENT);
	add_fixed(-1ULL, -ENOENT);
	mem = map_memory(ANON, 1);
	peek(mem);
	add_fixed(phys_of(0, mem) + 13, -EFAULT);
	mem = mmap(NULL, 2 * thp_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die("no room for a huge zero page");
	madvise(mem, 2 * thp_size(), MADV_HUGEPAGE);
	zero = mem + thp_size() - (uintptr_t)mem % thp_size();
	peek(zero);
	if (page_has(phys_of(0, zero), KPF_ZERO_PAGE))
		add_fixed(phys_of(0, zero) + 5 * page_size(), -EFAULT);
}

static struct entry own_entry(struct call *c)
{
	struct region *r = &regions[pick(c, NR_REGIONS)];
	struct entry e = { .what = OWN, .region = r };

	/*
	 * Use large folios less often, because they are slow. A region that is
	 * not used has no pages.
	 */
	if (!r->pages || (r->folio_size > page_size() && odds(c, 90))) {
		r = &regions[0];
		e.region = r;
	}
	e.page = pick(c, r->pages);
	e.phys = frame_of(r->mem + e.page * page_size()) + pick(c, page_size());
	stale[pick(c, 256)] = e.phys;
	return e;
}

static struct entry wild_entry(struct call *c)
{
	static int variable;
	struct view *v = &views[pick(c, 3)];
	struct entry e = { .what = WILD };

	switch (pick(c, 8)) {
	case 0:
		e.phys = random_word(c);
		break;
	case 1:
		e.phys = stale[pick(c, 256)];
		break;
	case 2:
		e.phys = frame_of(v->mem + pick(c, VIEW_PAGES) * page_size());
		break;
	case 3:
		e.phys = frame_of((char *)move_phys_pages);
		break;
	case 4:
		e.phys = odds(c, 50) ? frame_of((char *)&variable) :
				       frame_of((char *)&e);
		break;
	case 5:
		e.phys = frame_of(churned + pick(c, NR_CHURNED) * page_size());
		break;
	default:
		e.phys = random_word(c) % end_of_memory;
	}
	return e;
}

static struct entry any_entry(struct call *c, unsigned long i, bool tame)
{
	unsigned int choice = pick(c, 100);
	struct entry e;

	if (!tame && choice < 40)
		return wild_entry(c);
	if (i && choice < 55)
		return entries[pick(c, i)];
	if (choice < 65)
		return fixed[pick(c, nr_fixed)];
	e = own_entry(c);
	if (choice < 70)
		e = (struct entry){
			.phys = e.phys | BIT(57 + pick(c, 7)),
			.what = FIXED,
			.status = -ENOENT,
		};
	return e;
}

/* Making a call */

static unsigned long any_count(struct call *c)
{
	static const unsigned int edges[] = {
		511, 512, 513, 800, 1023, 1024, 1025, 2049,
	};
	static const unsigned long huge[] = {
		-1UL, LONG_MAX, LONG_MAX / 2, LONG_MAX / 4, LONG_MAX / 4 + 2,
		INT_MAX, UINT_MAX, 100000,
	};
	unsigned int choice = pick(c, 1000);

	if (choice < 820)
		return pick(c, 9);
	if (choice < 968)
		return pick(c, 65);
	if (choice < 978)
		return edges[pick(c, ARRAY_SIZE(edges))];
	if (choice < 980)
		return pick(c, 2 * MAX_ENTRIES);
	return huge[pick(c, ARRAY_SIZE(huge))];
}

static int any_flags(struct call *c)
{
	if (odds(c, 96))
		return pick(c, VALID_FLAGS + 1) & VALID_FLAGS;
	return odds(c, 50) ? 1 << pick(c, 32) : (int)random_word(c);
}

static void place(struct call *c, struct array *a, struct view *v, size_t size)
{
	static const uintptr_t nobodys[] = {
		1, -1UL, -4096UL, 1UL << (sizeof(long) * 8 - 2),
		1UL << (sizeof(long) * 8 - 1),
	};
	size_t bytes = c->count < MAX_ENTRIES ? c->count * size : view_size();

	a->size = size;
	if (odds(c, 1)) {
		a->view = NULL;
		a->ptr = (void *)nobodys[pick(c, 5)];
		return;
	}
	a->view = v;
	if (bytes > view_size())
		a->off = 0;
	else if (odds(c, 40))
		a->off = view_size() - bytes;
	else
		a->off = pick(c, view_size() - bytes + 1);
	if (odds(c, 60))
		a->off -= a->off % size;
	if (odds(c, 1))
		a->off = view_size() - pick(c, 2 * size);
	a->ptr = v->seen + a->off;
}

static void fill_pages(struct call *c, bool tame)
{
	unsigned long i;

	for (i = 0; i < c->count && i < room(&c->pages) && i < MAX_ENTRIES; i++) {
		entries[i] = any_entry(c, i, tame);
		store(&c->pages, i, &entries[i].phys);
	}
	c->filled = i;
}

static void fill_nodes(struct call *c)
{
	bool all_alike = odds(c, 30);
	int node = nodes[pick(c, nr_nodes)];
	unsigned long i, n;

	n = room(&c->nodes) < c->count ? room(&c->nodes) : c->count;
	for (i = 0; i < n; i++) {
		if (!all_alike)
			node = nodes[pick(c, nr_nodes)];
		store(&c->nodes, i, &node);
	}
	if (n && odds(c, 3)) {
		node = odds(c, 20) ? (int)random_word(c) :
				     bad_nodes[pick(c, 5)];
		store(&c->nodes, pick(c, n), &node);
	}
}

static void fill_status(struct call *c)
{
	const int preset = PRESET;
	unsigned long i;

	for (i = 0; i < c->count && i < room(&c->status); i++)
		store(&c->status, i, &preset);
}

static struct view *any_view(struct call *c, int usual)
{
	return &views[odds(c, 3) ? pick(c, 3) : usual];
}

static void limit_views(struct call *c)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	struct view *v;

	for (v = views; v < views + 3; v++) {
		if (odds(c, 4))
			protect(v, pick(c, VIEW_PAGES), 1, prots[pick(c, 2)]);
		if (odds(c, 3))
			protect(v, 0, VIEW_PAGES, PROT_READ);
	}
}

static void where_entries_are(unsigned long n, int *status)
{
	static const void *addr[MAX_ENTRIES];
	static int known[MAX_ENTRIES];
	unsigned long i, k = 0;

	for (i = 0; i < n; i++)
		if (entries[i].what == OWN)
			addr[k++] = entries[i].region->mem +
				    entries[i].page * page_size();
	nodes_of(0, addr, k, known);
	for (i = 0, k = 0; i < n; i++)
		if (entries[i].what == OWN)
			status[i] = known[k++];
}

/* If arrays overlap, filling one may have changed addresses in another */
static void note_entries(struct call *c)
{
	static int before[MAX_ENTRIES];
	struct entry *e;
	struct region *r;
	unsigned long i;
	uint64_t phys;

	where_entries_are(c->filled, before);
	for (i = 0; i < c->filled; i++) {
		e = &entries[i];
		load(&c->pages, i, &phys);
		if (phys != e->phys)
			e->what = WILD;
		if (e->what == WILD)
			c->loose = true;
		if (e->what != OWN)
			continue;
		e->before = before[i];
		r = e->region;
		phys = e->page * page_size() / r->folio_size;
		if (r->seen_in[phys] != c->number) {
			r->seen_in[phys] = c->number;
			r->first[phys] = i;
		}
	}
}

static void make_call(struct call *c, unsigned int number)
{
	bool tame;
	int i;

	*c = (struct call){
		.number = number,
		.random = mix(seed + mix(number)),
		.ret = RUNNING,
	};
	c->count = any_count(c);
	c->flags = any_flags(c);
	c->query = odds(c, 25);
	c->privileged = !odds(c, 2);
	c->disturbed = odds(c, 2);
	c->killed = odds(c, 1);
	tame = odds(c, 65);
	place(c, &c->pages, any_view(c, 0), sizeof(uint64_t));
	place(c, &c->nodes, any_view(c, 1), sizeof(int));
	place(c, &c->status, any_view(c, 2), sizeof(int));
	if (c->query)
		c->nodes = (struct array){ .size = sizeof(int) };
	c->overlap = overlap(&c->status, &c->pages, c->count) ||
		     overlap(&c->status, &c->nodes, c->count);
	/*
	 * The nodes of pages cannot be predicted if the disturbing thread runs,
	 * if statuses may overwrite entries, or if the kernel may have
	 * forgotten a folio: then an entry may refer to another page, which has
	 * moved to a frame of that folio.
	 */
	c->loose = c->disturbed || c->overlap || c->count > REMEMBERED;
	if (odds(c, 50))
		fill_status(c);
	fill_pages(c, tame);
	if (!c->query)
		fill_nodes(c);
	if (!c->overlap || odds(c, 20))
		fill_status(c);
	note_entries(c);
	limit_views(c);
	for (i = 0; i < 3; i++)
		memcpy(views[i].before, views[i].mem, view_size());
}

/* Checks of the result */

static bool is_memory_node(int node)
{
	int i;

	for (i = 0; i < nr_nodes; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

static bool may_return(const struct call *c, long ret)
{
	const struct array *n = &c->nodes;
	bool unreadable = false, unknown = false;
	unsigned long i, end;

	if (!c->privileged)
		return ret == -EPERM;
	if (c->flags & ~VALID_FLAGS)
		return ret == -EINVAL;
	if (!c->count)
		return !ret;
	if (!c->query) {
		end = accessible(c, n, PROT_READ);
		unreadable = end < c->count;
		for (i = 0; i < c->count && i < end; i++)
			unknown |= !is_memory_node(asked_node(n, i));
	}
	if (unknown && ret == -ENODEV)
		return true;
	if (c->disturbed && ret == -EFAULT)
		return true;
	if (unreadable)
		return ret == -EFAULT;
	if (unknown)
		return false;
	if (accessible(c, &c->pages, PROT_READ) < c->count ||
	    accessible(c, &c->status,
		       PROT_READ | PROT_WRITE) < c->count)
		return ret == -EFAULT;
	return ret >= 0 && (unsigned long)ret <= c->count;
}

static bool is_failure(int status)
{
	return status == -EBUSY || status == -ENOMEM || status == -EIO ||
	       status == -EINVAL;
}

static bool is_documented(const struct call *c, int status)
{
	return is_memory_node(status) || status == -ENOENT ||
	       status == -EFAULT ||
	       (!c->query && (status == -EACCES || is_failure(status)));
}

static bool is_refused(const struct call *c, const struct region *r)
{
	return r->shared && !(c->flags & MPOL_MF_MOVE_ALL);
}

static bool may_move(const struct call *c, const struct region *r)
{
	return !r->held && !is_refused(c, r);
}

static bool may_fail(const struct call *c, const struct region *r, int status)
{
	return status == -EBUSY || status == -ENOMEM ||
	       (status == -EACCES && is_refused(c, r));
}

static void check_own(const struct call *c, unsigned long i, int status,
		      int after)
{
	const struct entry *e = &entries[i];
	struct region *r = e->region;
	unsigned long first;
	int node;

	if (c->query) {
		if (status != e->before)
			broken(c, "entry %lu, page %zu of %s on node %d: status %d",
			       i, e->page, r->name, e->before, status);
		return;
	}
	first = r->first[e->page * page_size() / r->folio_size];
	node = asked_node(&c->nodes, first);
	if (status == load_int(&c->status, first) &&
	    (status == node ? after == node && (e->before == node || may_move(c, r)) :
			      e->before != node && may_fail(c, r, status) &&
			      (r->folio_size > page_size() ||
			       after == e->before))) {
		r->moved += status == node && e->before != node;
		r->stayed += status == -EBUSY || status == -ENOMEM;
		return;
	}
	broken(c,
	       "entry %lu, page %zu of %s, from node %d to %d: status %d; entry %lu: %d; now on node %d",
	       i, e->page, r->name, e->before, node, status, first,
	       load_int(&c->status, first), after);
}

static void check_entries(const struct call *c, unsigned long written)
{
	unsigned long n = c->filled < written ? c->filled : written, i;
	static int after[MAX_ENTRIES];
	int status;

	if (!c->loose)
		where_entries_are(n, after);
	for (i = 0; i < n; i++) {
		status = load_int(&c->status, i);
		if (entries[i].what == FIXED && !c->overlap &&
		    status != entries[i].status)
			broken(c, "entry %lu, %#llx: status %d, expected %d", i,
			       (unsigned long long)entries[i].phys, status,
			       entries[i].status);
		if (entries[i].what == OWN && !c->loose)
			check_own(c, i, status, after[i]);
	}
}

static void check_statuses(const struct call *c)
{
	unsigned long n = c->count, written = 0, failed = 0, i;
	bool all = c->ret >= 0;
	int status;

	if (n > room(&c->status))
		n = room(&c->status);
	for (i = 0; i < n; i++) {
		status = load_int(&c->status, i);
		if (!all && status == PRESET)
			continue;
		if (!is_documented(c, status))
			broken(c, "entry %lu: status %d is undocumented", i, status);
		if (i != written++)
			broken(c, "entry %lu has a status, but one before it has none",
			       i);
		failed += is_failure(status);
	}
	if (all && failed != (unsigned long)c->ret)
		broken(c, "%lu entries have a status that counts as failed", failed);
	check_entries(c, written);
}

/* Checks that only statuses have changed, or nothing at all */
static void check_views(const struct call *c, bool statuses)
{
	const struct array *s = &c->status;
	size_t start = 0, end = 0;
	struct view *v;

	if (statuses && s->view) {
		start = s->off;
		end = end_of(s, c->count);
	}
	for (v = views; v < views + 3; v++) {
		if (v == s->view) {
			if (memcmp(v->mem, v->before, start) ||
			    memcmp(v->mem + end, v->before + end,
				   view_size() - end))
				broken(c, "memory beside the statuses changed");
		} else if (memcmp(v->mem, v->before, view_size())) {
			broken(c, "memory other than statuses changed");
		}
	}
}

static void check_named(const struct call *c)
{
	const uint64_t *word;
	unsigned long i;

	for (i = 0; i < c->filled; i++) {
		if (entries[i].what != OWN)
			continue;
		word = (uint64_t *)(entries[i].region->mem +
				    entries[i].page * page_size()) + i % 512;
		if (__atomic_load_n(word, __ATOMIC_RELAXED) != content(word))
			broken(c, "page %zu of %s has wrong contents",
			       entries[i].page, entries[i].region->name);
	}
}

static void check_call(struct call *c)
{
	bool begun = c->ret == RUNNING || c->ret == -EFAULT ||
		     (c->ret >= 0 && c->count);

	if (c->ret == RUNNING && !c->killed)
		broken(c, "did not return");
	if (c->ret != RUNNING && !may_return(c, c->ret))
		broken(c, "the input does not allow this result");
	check_views(c, begun);
	/*
	 * If statuses overlap another array, only a complete set of statuses
	 * can be recognised
	 */
	if (begun && c->status.view && (c->ret >= 0 || !c->overlap))
		check_statuses(c);
	check_named(c);
}

/* The disturbing thread */

static pthread_barrier_t barrier;
static struct call *disturbed;
static bool stop, started;

static void meddle(struct call *c)
{
	struct view *v = &views[pick(c, 3)];
	unsigned int page = pick(c, VIEW_PAGES);
	char *at = v->seen + page * page_size();
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	};

	if (odds(c, 50)) {
		mprotect(at, page_size(), prots[pick(c, 3)]);
	} else {
		munmap(at, page_size());
		if (mmap(at, page_size(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, v->fd, page * page_size()) != at)
			die("cannot map a page of a view");
	}
}

static void churn(struct call *c)
{
	char *at = churned + pick(c, NR_CHURNED) * page_size();
	int node = nodes[pick(c, nr_nodes)];
	void *addr = at;
	int status;
	pid_t pid;

	switch (pick(c, 4)) {
	case 0:
		madvise(at, page_size(), MADV_DONTNEED);
		break;
	case 1:
		at[pick(c, page_size())] = 1;
		break;
	case 2:
		syscall(__NR_move_pages, 0, 1UL, &addr, &node, &status,
			MPOL_MF_MOVE);
		break;
	default:
		if (!odds(c, 10))
			break;
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("cannot fork");
	}
}

static void *disturb(void *unused)
{
	struct call c;

	for (;;) {
		pthread_barrier_wait(&barrier);
		c = *disturbed;
		do {
			if (odds(&c, 50))
				meddle(&c);
			else
				churn(&c);
			__atomic_store_n(&started, true, __ATOMIC_SEQ_CST);
		} while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST));
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void begin_disturbance(struct call *c)
{
	disturbed = c;
	started = false;
	stop = false;
	pthread_barrier_wait(&barrier);
	while (!__atomic_load_n(&started, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void end_disturbance(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	pthread_barrier_wait(&barrier);
}

/* Calling */

static int do_call(void *arg)
{
	struct call *c = arg;
	long ret = move_phys_pages(c->count, c->pages.ptr, c->nodes.ptr,
				   c->status.ptr, c->flags);

	__atomic_store_n(&c->ret, ret, __ATOMIC_SEQ_CST);
	return 0;
}

/* Use another process, since a fatal signal ends all threads of one */
static void do_killed_call(struct call *c)
{
	static uint64_t stack[8 * 1024];
	unsigned int spin = pick(c, 20000);
	pid_t pid;

	pid = clone(do_call, stack + ARRAY_SIZE(stack), CLONE_VM | SIGCHLD, c);
	if (pid < 0)
		die("cannot clone");
	while (spin-- && __atomic_load_n(&c->ret, __ATOMIC_SEQ_CST) == RUNNING)
		;
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("cannot wait for a caller");
}

static void run_call(struct call *c)
{
	struct view *v;
	int i;

	if (!c->privileged)
		use_caps(~BIT(CAP_SYS_ADMIN));
	if (c->disturbed)
		begin_disturbance(c);
	if (c->killed)
		do_killed_call(c);
	else
		do_call(c);
	if (c->disturbed)
		end_disturbance();
	if (!c->privileged)
		use_caps(~0ULL);
	check_call(c);
	for (v = views; v < views + 3; v++) {
		for (i = 0; i < VIEW_PAGES; i++)
			if (v->prot[i] != (PROT_READ | PROT_WRITE))
				break;
		if (c->disturbed || i < VIEW_PAGES)
			restore(v);
	}
}

static void check_regions(const struct call *c)
{
	struct region *r;

	for (r = regions; r < regions + NR_REGIONS; r++)
		if (!region_intact(r))
			broken(c, "%s has wrong contents", r->name);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 0) : otherwise;
}

FIXTURE(fuzz)
{
};

FIXTURE_SETUP(fuzz)
{
	struct region *r;
	pthread_t thread;
	int i;

	TWO_NODES(nodes[0], nodes[1]);
	nr_nodes = memory_nodes(nodes, 64);
	bad_nodes[0] = node_without_memory();
	bad_nodes[1] = -1;
	bad_nodes[2] = 1024;
	bad_nodes[3] = INT_MAX;
	bad_nodes[4] = INT_MIN;
	for (r = regions; r < regions + NR_REGIONS; r++) {
		if (!r->shared && !child)
			child = spawn(map_shared, NULL);
		if (is_lacking(r))
			r->pages = 0;
		else if (!alloc_region(r))
			SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	}
	for (i = 0; i < 3; i++)
		make_view(&views[i]);
	churned = map_memory(ANON, NR_CHURNED);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, pagemap);
	find_fixed();
	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, disturb, NULL));
}

FIXTURE_TEARDOWN(fuzz)
{
	reap(child);
	if (!has_hugetlb())
		return;
	munmap(regions[NR_REGIONS - 1].mem,
	       regions[NR_REGIONS - 1].pages * page_size());
	hugetlb_pool(nodes[0], 0);
	hugetlb_pool(nodes[1], 0);
}

TEST_F_TIMEOUT(fuzz, arbitrary_calls, 4 * TEST_TIMEOUT_DEFAULT)
{
	unsigned long calls = from_environment("FUZZ_CALLS", CALLS), i;
	struct region *r;
	struct call c;

	seed = from_environment("FUZZ_SEED", time(NULL) ^ getpid() << 16);
	TH_LOG("FUZZ_SEED=%u FUZZ_CALLS=%lu", seed, calls);
	for (i = 1; i <= calls; i++) {
		make_call(&c, i);
		run_call(&c);
		if (i % 256 == 0 || i == calls)
			check_regions(&c);
	}
	for (r = regions; r < regions + NR_REGIONS; r++) {
		if (!r->pages)
			continue;
		TH_LOG("%s: %lu moved, %lu stayed", r->name, r->moved,
		       r->stayed);
		if (r->held) {
			EXPECT_LT(0, r->stayed);
		} else {
			EXPECT_LT(r->stayed, r->moved);
		}
	}
	EXPECT_EQ(0, isolated_pages());
}

TEST_HARNESS_MAIN
