// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes of an early version of this call: mappers that exit, free frames,
 * other processes that forbid a move, and moves that stop working without an
 * error
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	37

/* A mapper exits while its pages move */
#define MORTAL_PAGES	8
#define GENERATIONS	(25 * race_rounds())

/* The addresses that a mapper publishes before it exits */
struct will {
	int published;
	uint64_t phys[2 * MORTAL_PAGES];
};

FIXTURE(mortal)
{
	int from, to;
	char *shared;		/* mapped by this process, too, but never touched */
	struct will *will;
	struct request *req;
};

FIXTURE_VARIANT(mortal)
{
	void (*end)(void);
};

static void end_process(void)
{
	_exit(0);
}

static void *exit_all(void *arg)
{
	_exit(0);
}

/* The other thread ends both threads */
static void end_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exit_all, NULL))
		die("cannot create a thread");
	for (;;)
		pause();
}

static void *exit_late(void *arg)
{
	sched_yield();
	return NULL;
}

/*
 * The leader is a zombie without an address space, while another thread still
 * has it
 */
static void end_leader_first(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exit_late, NULL))
		die("cannot create a thread");
	syscall(__NR_exit, 0);
}

static void end_by_signal(void)
{
	kill(getpid(), SIGKILL);
}

static void end_by_exec(void)
{
	execl("/bin/true", "true", NULL);
	die("cannot run /bin/true");
}

FIXTURE_VARIANT_ADD(mortal, process)
{
	.end = end_process,
};

FIXTURE_VARIANT_ADD(mortal, threads)
{
	.end = end_threads,
};

FIXTURE_VARIANT_ADD(mortal, leader_first)
{
	.end = end_leader_first,
};

FIXTURE_VARIANT_ADD(mortal, by_signal)
{
	.end = end_by_signal,
};

FIXTURE_VARIANT_ADD(mortal, by_exec)
{
	.end = end_by_exec,
};

FIXTURE_SETUP(mortal)
{
	TWO_NODES(self->from, self->to);
	self->will = (struct will *)map_memory(SHMEM, 1);
	self->shared = map_memory(memfd_or_anon(), MORTAL_PAGES);
	self->req = request_new(2 * MORTAL_PAGES);
}

FIXTURE_TEARDOWN(mortal)
{
	EXPECT_EQ(0, isolated_pages());
}

static void live(FIXTURE_DATA(mortal) *self, uint32_t age, void (*end)(void))
{
	char *private = map_memory(ANON, MORTAL_PAGES);
	int i;

	for (i = 0; i < MORTAL_PAGES; i++) {
		private[i * page_size()] = i;
		self->shared[i * page_size()] = i;
		self->will->phys[2 * i] =
			phys_of(0, private + i * page_size());
		self->will->phys[2 * i + 1] =
			phys_of(0, self->shared + i * page_size());
	}
	__atomic_store_n(&self->will->published, 1, __ATOMIC_RELEASE);
	while (age--)
		peek(private);
	end();
}

/* The page has moved, or its mapper has exited or is exiting */
static bool is_explained(int status, int from, int to)
{
	return status == from || status == to || status == -ENOENT ||
	       status == -EBUSY;
}

static bool all_explained(const struct request *req, long ret, int from, int to)
{
	bool good = ret >= 0 && (unsigned long)ret == request_failed(req);
	unsigned long i;

	if (!good)
		fprintf(stderr, "# returned %ld, of %lu failed\n", ret,
			request_failed(req));
	for (i = 0; i < req->count; i++) {
		if (is_explained(req->status[i], from, to))
			continue;
		fprintf(stderr, "# entry %lu has status %d\n", i,
			req->status[i]);
		good = false;
	}
	return good;
}

TEST_F(mortal, moved)
{
	static const int flags[] = { 0, MPOL_MF_MOVE_ALL, VALID_FLAGS };
	unsigned long generation, calls = 0, i;
	uint32_t random = SEED;
	pid_t pid, gone;
	int how;
	long ret;

	for (generation = 0; generation < GENERATIONS; generation++) {
		self->will->published = 0;
		next_random(&random);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			live(self, random >> 8 & 0x3fff, variant->end);
		do {
			sched_yield();
			gone = waitpid(pid, &how, WNOHANG);
		} while (!gone && !__atomic_load_n(&self->will->published,
						   __ATOMIC_ACQUIRE));
		ASSERT_EQ(1, self->will->published);
		do {
			for (i = 0; i < self->req->count; i++)
				request_set(self->req, i, self->will->phys[i],
					    calls % 2 ? self->from : self->to);
			ret = request_move(self->req,
					   flags[calls++ % ARRAY_SIZE(flags)]);
			ASSERT_TRUE(all_explained(self->req, ret, self->from,
						  self->to));
			if (!gone)
				gone = waitpid(pid, &how, WNOHANG);
		} while (!gone);
		ASSERT_EQ(pid, gone);
		ASSERT_EQ(variant->end == end_by_signal, WIFSIGNALED(how));
	}
	EXPECT_LE(GENERATIONS, calls);
}

/* Free frames, in repeated calls */
#define QUERIES		10

static void read_frames(uint64_t *flags, uint64_t frames)
{
	FILE *file = fopen("/proc/kpageflags", "re");

	if (!file || fread(flags, sizeof(*flags), frames, file) != frames)
		die("cannot read the flags of %llu frames",
		    (unsigned long long)frames);
	fclose(file);
}

static unsigned long count_free(const uint64_t *flags, uint64_t frames)
{
	unsigned long n = 0;
	uint64_t pfn;

	for (pfn = 0; pfn < frames; pfn++)
		n += !!(flags[pfn] & BIT(KPF_BUDDY));
	return n;
}

FIXTURE(free_frames)
{
	int from, to;
	uint64_t frames;
	uint64_t *before, *after;
	unsigned long count;
	struct request *req;
};

FIXTURE_VARIANT(free_frames)
{
	long (*ask)(struct request *req, int flags);
};

FIXTURE_VARIANT_ADD(free_frames, query)
{
	.ask = request_query,
};

FIXTURE_VARIANT_ADD(free_frames, move)
{
	.ask = request_move,
};

FIXTURE_SETUP(free_frames)
{
	unsigned long i = 0;
	uint64_t pfn;

	TWO_NODES(self->from, self->to);
	self->frames = count_frames();
	self->before = calloc(self->frames, sizeof(*self->before));
	self->after = calloc(self->frames, sizeof(*self->after));
	ASSERT_NE(NULL, self->before);
	ASSERT_NE(NULL, self->after);
	/*
	 * Read the flags to size the request, and again once the request has
	 * its memory, since fewer frames are free then
	 */
	read_frames(self->after, self->frames);
	read_frames(self->before, self->frames);
	self->count = count_free(self->before, self->frames);
	self->req = request_new(self->count);
	for (pfn = 0; pfn < self->frames; pfn++)
		if (self->before[pfn] & BIT(KPF_BUDDY))
			request_set(self->req, i++, pfn * page_size(),
				    self->to);
	memset(self->req->status, 0, self->count * sizeof(int));
	read_frames(self->before, self->frames);
	self->count = count_free(self->before, self->frames);
}

FIXTURE_TEARDOWN(free_frames)
{
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(free_frames, stay_free)
{
	unsigned long i;
	uint64_t pfn;
	int round;

	ASSERT_LT(1000, self->count);
	for (round = 0; round < QUERIES; round++) {
		ASSERT_EQ(0, variant->ask(self->req, MPOL_MF_MOVE_ALL));
		/* Some frames have been allocated since */
		EXPECT_LT(self->req->count * 9 / 10,
			  request_count(self->req, -ENOENT));
	}
	read_frames(self->after, self->frames);
	for (i = 0; i < self->req->count; i++) {
		pfn = self->req->pages[i] / page_size();
		if (self->before[pfn] & self->after[pfn] & BIT(KPF_BUDDY))
			ASSERT_EQ(-ENOENT, self->req->status[i]);
	}
	/*
	 * Earlier processes may still free frames, and other processes allocate
	 * some
	 */
	EXPECT_LT(count_free(self->after, self->frames),
		  self->count + self->count / 10);
	EXPECT_LT(self->count,
		  count_free(self->after, self->frames) + self->count / 10);
}

/* A process that could map a page but does not has no influence on its move */
#define ROOT		"/sys/fs/cgroup"

FIXTURE(bystander)
{
	int from, to;
	char dir[64];
	char *mem;
	pid_t pid;
};

FIXTURE_VARIANT(bystander)
{
	enum memory kind;
};

/* The process dropped the page, but is still in the page's reverse map */
FIXTURE_VARIANT_ADD(bystander, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(bystander, memfd)
{
	.kind = MEMFD,
};

static void set_policies(int node, char *mem, bool vma)
{
	unsigned long mask = 1UL << node;

	if (syscall(__NR_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)))
		die("cannot bind to node %d", node);
	if (vma && syscall(__NR_mbind, mem, page_size(), MPOL_BIND, &mask,
			   8 * sizeof(mask), 0))
		die("cannot bind %p to node %d", mem, node);
}

static void stand_by(void *arg)
{
	FIXTURE_DATA(bystander) *self = arg;
	bool private = phys_of(0, self->mem);

	if (private && madvise(self->mem, page_size(), MADV_DONTNEED))
		die("cannot drop a page");
	/*
	 * A policy of a shared mapping would belong to the file, and apply to
	 * all processes
	 */
	set_policies(self->from, self->mem, private);
	write_in(self->dir, "cgroup.procs", "0");
}

FIXTURE_SETUP(bystander)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	if (access(ROOT "/cgroup.subtree_control", W_OK))
		SKIP_TEST("needs cgroup2 on " ROOT);
	if (!try_write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		SKIP_TEST("needs CONFIG_CPUSETS");
	snprintf(self->dir, sizeof(self->dir), ROOT "/mpp-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	write_in(self->dir, "cpuset.mems", "%d", self->from);
	self->mem = map_memory(variant->kind, 1);
	if (variant->kind == ANON)
		touch_on(self->from, self->mem, page_size());
	self->pid = spawn(stand_by, self);
	if (variant->kind != ANON)
		touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
}

FIXTURE_TEARDOWN(bystander)
{
	reap(self->pid);
	EXPECT_TRUE(remove_cgroup(self->dir));
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(bystander, has_no_say)
{
	int flags, node;

	ASSERT_EQ(0, phys_of(self->pid, self->mem));
	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		node = flags % 2 ? self->from : self->to;
		EXPECT_OUTCOME(0, node,
			       move_one(phys_of(0, self->mem), node, flags));
		EXPECT_EQ(node, node_of(0, self->mem));
	}
	ASSERT_EQ(0, phys_of(self->pid, self->mem));
}

/* The same page moves many times, by addresses that are looked up each time */
enum size { BASE, THP, HUGETLB };

FIXTURE(same)
{
	int from, to;
	size_t bytes, pages;
	char *mem;
	struct request *req;
};

FIXTURE_VARIANT(same)
{
	enum memory kind;
	enum size size;
	int moves;
};

FIXTURE_VARIANT_ADD(same, anon)
{
	.kind = ANON,
	.moves = 1000,
};

FIXTURE_VARIANT_ADD(same, shmem)
{
	.kind = SHMEM,
	.moves = 1000,
};

FIXTURE_VARIANT_ADD(same, memfd)
{
	.kind = MEMFD,
	.moves = 1000,
};

FIXTURE_VARIANT_ADD(same, tmpfs)
{
	.kind = TMPFS,
	.moves = 1000,
};

FIXTURE_VARIANT_ADD(same, thp)
{
	.size = THP,
	.moves = 40,
};

FIXTURE_VARIANT_ADD(same, hugetlb)
{
	.size = HUGETLB,
	.moves = 40,
};

FIXTURE_SETUP(same)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	switch (variant->size) {
	case BASE:
		self->bytes = page_size();
		self->mem = alloc_memory(variant->kind, self->from, 1, SEED);
		break;
	case THP:
		self->bytes = thp_size();
		self->mem = alloc_thp(self->from, SEED);
		if (!self->mem)
			SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
		break;
	case HUGETLB:
		NEEDS_HUGETLB();
		self->bytes = hugetlb_size();
		hugetlb_pool(self->from, 1);
		hugetlb_pool(self->to, 1);
		self->mem = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1,
				 0);
		ASSERT_NE(MAP_FAILED, self->mem);
		touch_on(self->from, self->mem, self->bytes);
		fill(self->mem, self->bytes, SEED);
		break;
	}
	self->pages = self->bytes / page_size();
	self->req = request_new(self->pages);
}

FIXTURE_TEARDOWN(same)
{
	EXPECT_TRUE(intact(self->mem, self->bytes, SEED));
	if (variant->size == HUGETLB) {
		munmap(self->mem, self->bytes);
		hugetlb_pool(self->from, 0);
		hugetlb_pool(self->to, 0);
	}
	EXPECT_EQ(0, isolated_pages());
}

/* The entries are all addresses of the huge page */
TEST_F(same, back_and_forth)
{
	int move, node;
	uint64_t phys;

	for (move = 0; move < variant->moves; move++) {
		node = move % 2 ? self->from : self->to;
		phys = phys_of(0, self->mem);
		request_set_pages(self->req, 0, self->mem, self->pages, node);
		ASSERT_EQ(0, request_move(self->req, 0));
		ASSERT_EQ(self->pages, request_count(self->req, node));
		ASSERT_NE(phys, phys_of(0, self->mem));
		ASSERT_EQ(self->pages, count_on_node(0, self->mem, self->pages,
						     node));
	}
}

TEST_HARNESS_MAIN
