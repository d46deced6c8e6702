// SPDX-License-Identifier: GPL-2.0-only
/*
 * Movers that move the same pages to different nodes, threads that count in
 * those pages, and an opponent that does other things to the pages
 *
 * All of them continue until each has done enough rounds.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define SEED		41
#define CGROUP		"/sys/fs/cgroup"
#define KSM		"/sys/kernel/mm/ksm/"
#define SPLIT		"/sys/kernel/debug/split_huge_pages"
#define SWAP_DIR	"/mnt"
#define SWAP_PAGES	4096
#define BALLAST		4096UL

/* The memory: pages to count in, pages that nobody writes, and a playground */
#define COUNTED		16
#define STEADY		16
#define SMALL		64	/* number of all pages if these are base pages */

/* Addresses of memory that will soon be gone */
#define BOARD		16

#define MAX_MOVERS	4
#define COUNTERS	2
enum { OPPONENT, COUNTER, MOVER = COUNTER + COUNTERS };
#define PARTICIPANTS	(MOVER + MAX_MOVERS)

/* Memory that all processes share */
struct stage {
	unsigned long enough;
	unsigned long rounds[PARTICIPANTS];
	int participants;
	int over;
	unsigned long moved;	/* entries whose page is on its target */
	unsigned long stayed;	/* entries with the status -EBUSY or -ENOMEM */
	unsigned long counted[COUNTERS][COUNTED];
	uint64_t board[BOARD];
};

struct race {
	int nodes[MAX_MOVERS];
	int movers;
	pid_t pids[MAX_MOVERS];
	struct stage *stage;
	bool huge;
	const struct opponent *opponent;
	int fd;			/* of the file in which the memory is, or -1 */
	size_t pages;
	char *mem;
	char *steady;
	char *playground;
	size_t size;		/* of the playground */
	char *spare;		/* addresses that the playground can move to */
	unsigned long nr;	/* number of the opponent's round */
	char path[64];		/* a file or directory of the opponent */
	char saved[3][32];	/* settings to restore */
	char *ballast[MAX_MOVERS];
};

struct opponent {
	/* Returns the name of a thing that the test needs and lacks, or NULL */
	const char *(*begin)(struct race *race);
	/* Must restore the contents of the playground before it returns */
	void (*play)(struct race *race);
	void (*end)(struct race *race);
	bool refuses;		/* the status may be -EACCES */
	bool has_zero_pages;	/* the status may be -EFAULT */
};

FIXTURE(race)
{
	struct race race;
	unsigned long free;
};

FIXTURE_VARIANT(race)
{
	struct opponent opponent;
};

static bool again(struct stage *stage, int who)
{
	unsigned long rounds;
	int i;

	rounds = __atomic_add_fetch(&stage->rounds[who], 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&stage->over, __ATOMIC_RELAXED))
		return false;
	for (i = 0; i < stage->participants; i++) {
		if (__atomic_load_n(&stage->rounds[i], __ATOMIC_RELAXED) >=
		    stage->enough)
			continue;
		/*
		 * A participant that has done enough leaves the CPUs to the
		 * others, and to kernel threads that these wait for.
		 */
		if (rounds > stage->enough)
			usleep(1000);
		return true;
	}
	return false;
}

/* Movers */

/*
 * Looks up the addresses of pages. A page that is not present keeps its last
 * address.
 */
static void look_up(struct race *race, int pagemap, struct request *req)
{
	uint64_t entry[race->pages];
	size_t i;

	if (pread(pagemap, entry, sizeof(entry),
		  (uintptr_t)race->mem / page_size() * sizeof(*entry)) !=
	    sizeof(entry))
		die("cannot look up the pages");
	for (i = 0; i < race->pages; i++)
		if (entry[i] & PAGEMAP_PRESENT)
			req->pages[i] = (entry[i] & PAGEMAP_PFN) * page_size();
	for (i = 0; i < BOARD; i++)
		req->pages[race->pages + i] = race->stage->board[i];
}

/*
 * The split of a huge page may replace zeroed parts of it by the zero page,
 * whose status is -EFAULT.
 */
static bool explained(const struct race *race, int status, int node)
{
	switch (status) {
	case -ENOENT:
	case -EBUSY:
		return true;
	case -ENOMEM:	/* huge pages only, while memory is fragmented */
		return race->huge;
	case -EACCES:
		return race->opponent->refuses;
	case -EFAULT:
		return race->huge || race->opponent->has_zero_pages;
	default:
		return status == node;
	}
}

static void move_all(struct race *race, struct request *req, int node)
{
	long ret = request_move(req, MPOL_MF_MOVE_ALL);
	struct stage *stage = race->stage;
	unsigned long i, stayed;

	if (ret < 0 || (unsigned long)ret != request_failed(req))
		die("a move to node %d returned %ld, but %lu entries failed",
		    node, ret, request_failed(req));
	for (i = 0; i < req->count; i++)
		if (!explained(race, req->status[i], node))
			die("a move to node %d gave status %d to page %lu",
			    node, req->status[i], i);
	stayed = request_count(req, -EBUSY) + request_count(req, -ENOMEM);
	__atomic_fetch_add(&stage->moved, request_count(req, node),
			   __ATOMIC_RELAXED);
	__atomic_fetch_add(&stage->stayed, stayed, __ATOMIC_RELAXED);
}

static void query_all(struct race *race, struct request *req)
{
	unsigned long i, known = 0;
	long ret = request_query(req, 0);
	int n;

	for (n = 0; n < race->movers; n++)
		known += request_count(req, race->nodes[n]);
	for (i = 0; i < req->count; i++)
		known += req->status[i] == -ENOENT ||
			 (req->status[i] == -EFAULT &&
			  (race->huge || race->opponent->has_zero_pages));
	if (ret || known != req->count)
		die("a query returned %ld, and %lu of %lu statuses are right",
		    ret, known, req->count);
}

static void be_mover(struct race *race, int i)
{
	struct request *req = request_new(race->pages + BOARD);
	int node = race->nodes[i];
	unsigned long entry;
	char path[64];
	int pagemap;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", getppid());
	pagemap = open(path, O_RDONLY);
	if (pagemap < 0)
		die("cannot open %s", path);
	for (entry = 0; entry < req->count; entry++)
		request_set(req, entry, 0, node);
	do {
		look_up(race, pagemap, req);
		move_all(race, req, node);
		query_all(race, req);
	} while (again(race->stage, MOVER + i));
	_exit(0);
}

/* Counters */

static unsigned long *counter_in(struct race *race, int page)
{
	return (unsigned long *)(race->mem + page * page_size());
}

struct counter {
	struct race *race;
	int nr;
};

static void *be_counter(void *arg)
{
	struct counter *counter = arg;
	struct race *race = counter->race;
	int page;

	do {
		for (page = 0; page < COUNTED; page++) {
			__atomic_fetch_add(counter_in(race, page), 1,
					   __ATOMIC_RELAXED);
			race->stage->counted[counter->nr][page]++;
		}
		sched_yield();
	} while (again(race->stage, COUNTER + counter->nr));
	return NULL;
}

/* Opponents */

static void *be_opponent(void *arg)
{
	struct race *race = arg;

	do {
		race->opponent->play(race);
		race->nr++;
		if (!intact(race->playground, race->size, SEED))
			die("the playground has wrong contents");
	} while (again(race->stage, OPPONENT));
	return NULL;
}

static int next_node(const struct race *race)
{
	return race->nodes[race->nr % race->movers];
}

static void fill_playground(struct race *race)
{
	fill(race->playground, race->size, SEED);
}

static void run_child(struct race *race, void (*live)(struct race *race))
{
	pid_t pid = fork();
	int how;

	if (pid < 0)
		die("cannot fork");
	if (!pid) {
		live(race);
		_exit(0);
	}
	if (waitpid(pid, &how, 0) != pid || how)
		die("a child has ended with wait status %#x", how);
}

/* A child that shares all pages, and copies some if the memory is anonymous */
static void be_child(struct race *race)
{
	size_t i;

	if (!intact(race->steady, STEADY * page_size(), SEED))
		die("a child reads wrong contents");
	if (race->fd >= 0)
		return;
	for (i = 0; i < race->size; i += 2 * page_size())
		race->playground[i] = 1;
}

static void play_fork(struct race *race)
{
	run_child(race, be_child);
}

FIXTURE_VARIANT_ADD(race, fork)
{
	.opponent = { .play = play_fork },
};

static void be_program(struct race *race)
{
	peek(race->steady);
	execl("/bin/true", "true", NULL);
	die("cannot run /bin/true");
}

static void play_exec(struct race *race)
{
	run_child(race, be_program);
}

FIXTURE_VARIANT_ADD(race, exec)
{
	.opponent = { .play = play_exec },
};

/* A child that has memory of its own and exits soon */
static void be_short(struct race *race)
{
	char *mem = map_memory(race->fd < 0 ? ANON : SHMEM, BOARD);
	int i;

	for (i = 0; i < BOARD; i++) {
		mem[i * page_size()] = 1;
		race->stage->board[i] = phys_of(0, mem + i * page_size());
	}
}

static void play_exit(struct race *race)
{
	run_child(race, be_short);
}

FIXTURE_VARIANT_ADD(race, exit)
{
	.opponent = { .play = play_exit },
};

static void map_at(struct race *race, char *addr, size_t size)
{
	off_t offset = race->fd < 0 ? 0 : addr - race->mem;
	int flags = race->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	if (mmap(addr, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		 race->fd, offset) != addr)
		die("cannot map %p", addr);
}

static void play_munmap(struct race *race)
{
	size_t some = race->size / 4;

	if (munmap(race->playground + some, some))
		die("cannot unmap some of the playground");
	map_at(race, race->playground, race->size);
	if (race->fd < 0)
		fill_playground(race);
}

FIXTURE_VARIANT_ADD(race, munmap)
{
	.opponent = { .play = play_munmap },
};

static void play_mremap(struct race *race)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (mremap(race->playground, race->size, race->size, flags,
		   race->spare) != race->spare)
		die("cannot move the playground away");
	if (!intact(race->spare, race->size, SEED))
		die("the playground has wrong contents elsewhere");
	if (mremap(race->spare, race->size, race->size, flags,
		   race->playground) != race->playground)
		die("cannot move the playground back");
}

FIXTURE_VARIANT_ADD(race, mremap)
{
	.opponent = { .play = play_mremap },
};

static void advise(struct race *race, int advice)
{
	if (madvise(race->playground, race->size, advice))
		die("cannot give advice %d", advice);
}

static void play_dontneed(struct race *race)
{
	size_t i;

	advise(race, MADV_DONTNEED);
	/* Map zero pages, or the pages of the file */
	for (i = 0; i < race->size; i += page_size())
		peek(race->playground + i);
	if (race->fd < 0)
		fill_playground(race);
}

FIXTURE_VARIANT_ADD(race, dontneed)
{
	.opponent = {
		.play = play_dontneed,
		.has_zero_pages = true,
	},
};

/*
 * Writes every page, because a swap file must not have holes, and the header
 * that mkswap would write
 */
static void make_swap(const char *path)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	char *page = calloc(1, page_size());
	uint32_t *info = (uint32_t *)(page + 1024);
	int i;

	if (fd < 0 || !page)
		die("cannot create %s", path);
	for (i = 1; i < SWAP_PAGES; i++)
		if (pwrite(fd, page, page_size(), i * page_size()) < 0)
			die("cannot write page %d of %s", i, path);
	info[0] = 1;			/* version */
	info[1] = SWAP_PAGES - 1;	/* last page */
	memcpy(page + page_size() - 10, "SWAPSPACE2", 10);
	if (pwrite(fd, page, page_size(), 0) < 0 || fsync(fd))
		die("cannot write to %s", path);
	close(fd);
	free(page);
}

static const char *begin_pageout(struct race *race)
{
	struct stat root, dir;

	if (stat("/", &root) || stat(SWAP_DIR, &dir) ||
	    root.st_dev == dir.st_dev)
		return "a disk at " SWAP_DIR;
	snprintf(race->path, sizeof(race->path), SWAP_DIR "/swap-%d", getpid());
	make_swap(race->path);
	if (swapon(race->path, 0)) {
		unlink(race->path);
		return "CONFIG_SWAP";
	}
	return NULL;
}

static void end_pageout(struct race *race)
{
	if (swapoff(race->path) || unlink(race->path))
		die("cannot remove the swap file %s", race->path);
}

static void play_pageout(struct race *race)
{
	advise(race, MADV_PAGEOUT);
}

FIXTURE_VARIANT_ADD(race, pageout)
{
	.opponent = {
		.begin = begin_pageout,
		.play = play_pageout,
		.end = end_pageout,
	},
};

/*
 * Compaction waits while too large a part of a node's pages is isolated, so
 * allocate many pages that the movers do not isolate
 */
static const char *begin_compaction(struct race *race)
{
	int i;

	for (i = 0; i < race->movers; i++)
		race->ballast[i] = alloc_memory(ANON, race->nodes[i], BALLAST,
						SEED);
	return NULL;
}

static void end_compaction(struct race *race)
{
	int i;

	for (i = 0; i < race->movers; i++)
		munmap(race->ballast[i], BALLAST * page_size());
}

static void play_compaction(struct race *race)
{
	write_file("/proc/sys/vm/compact_memory", "1");
}

FIXTURE_VARIANT_ADD(race, compaction)
{
	.opponent = {
		.begin = begin_compaction,
		.play = play_compaction,
		.end = end_compaction,
	},
};

static void play_mlock(struct race *race)
{
	if (mlock(race->playground, race->size) ||
	    munlock(race->playground, race->size))
		die("cannot lock the playground");
}

FIXTURE_VARIANT_ADD(race, mlock)
{
	.opponent = { .play = play_mlock },
};

static void play_mprotect(struct race *race)
{
	if (mprotect(race->playground, race->size, PROT_READ) ||
	    mprotect(race->playground, race->size, PROT_READ | PROT_WRITE))
		die("cannot protect the playground");
}

FIXTURE_VARIANT_ADD(race, mprotect)
{
	.opponent = { .play = play_mprotect },
};

static const char *const ksm_settings[][2] = {
	{ KSM "pages_to_scan", "1000" },
	{ KSM "sleep_millisecs", "0" },
	{ KSM "run", "1" },
};

static const char *begin_ksm(struct race *race)
{
	unsigned long i;

	if (access(KSM "run", W_OK))
		return "CONFIG_KSM";
	for (i = 0; i < ARRAY_SIZE(ksm_settings); i++) {
		read_file(ksm_settings[i][0], race->saved[i],
			  sizeof(race->saved[i]));
		write_file(ksm_settings[i][0], ksm_settings[i][1]);
	}
	return NULL;
}

static void end_ksm(struct race *race)
{
	unsigned long i;

	write_file(KSM "run", "2");
	for (i = 0; i < ARRAY_SIZE(ksm_settings); i++)
		write_file(ksm_settings[i][0], race->saved[i]);
}

static unsigned long ksm_scans(void)
{
	char text[32];

	read_file(KSM "full_scans", text, sizeof(text));
	return strtoul(text, NULL, 10);
}

/*
 * Gives all pages of the playground the same contents, so that KSM merges the
 * pages, and then restores the contents
 */
static void play_ksm(struct race *race)
{
	/* KSM merges a page if two scans find it unchanged */
	unsigned long last = ksm_scans() + 3;
	int tries = 10000;

	/* KSM does not scan shared memory */
	if (race->fd >= 0)
		return;
	advise(race, MADV_MERGEABLE);
	memset(race->playground, race->nr, race->size);
	/* ksmd has a low priority, and may never run if there are few CPUs. */
	while (ksm_scans() < last && tries-- &&
	       !__atomic_load_n(&race->stage->over, __ATOMIC_RELAXED))
		usleep(1000);
	fill_playground(race);
}

FIXTURE_VARIANT_ADD(race, ksm)
{
	.opponent = {
		.begin = begin_ksm,
		.play = play_ksm,
		.end = end_ksm,
	},
};

/* Fails often, because the movers isolate pages all the time */
static void play_collapse(struct race *race)
{
	madvise(race->mem, thp_size(), MADV_COLLAPSE);
}

FIXTURE_VARIANT_ADD(race, collapse)
{
	.opponent = { .play = play_collapse },
};

static const char *begin_split(struct race *race)
{
	return access(SPLIT, W_OK) ? "CONFIG_TRANSPARENT_HUGEPAGE" : NULL;
}

static void play_split(struct race *race)
{
	char range[64];

	snprintf(range, sizeof(range), "%d,%p,%p", getpid(), race->mem,
		 race->mem + thp_size());
	try_write_file(SPLIT, range);
	play_collapse(race);
}

FIXTURE_VARIANT_ADD(race, split)
{
	.opponent = {
		.begin = begin_split,
		.play = play_split,
	},
};

static const char *begin_cpuset(struct race *race)
{
	if (access(CGROUP "/cgroup.subtree_control", W_OK))
		return "cgroup2 on " CGROUP;
	if (!try_write_file(CGROUP "/cgroup.subtree_control", "+cpuset"))
		return "CONFIG_CPUSETS";
	snprintf(race->path, sizeof(race->path), CGROUP "/mpp-%d", getpid());
	if (mkdir(race->path, 0755))
		die("cannot create %s", race->path);
	write_in(race->path, "cgroup.procs", "0");
	return NULL;
}

static void end_cpuset(struct race *race)
{
	write_in(CGROUP, "cgroup.procs", "0");
	if (!remove_cgroup(race->path))
		die("cannot remove %s", race->path);
}

static void play_cpuset(struct race *race)
{
	write_in(race->path, "cpuset.mems", "%d", next_node(race));
}

FIXTURE_VARIANT_ADD(race, cpuset)
{
	.opponent = {
		.begin = begin_cpuset,
		.play = play_cpuset,
		.end = end_cpuset,
		.refuses = true,
	},
};

static const char *begin_cpu(struct race *race)
{
	int cpu = sysconf(_SC_NPROCESSORS_CONF) - 1;

	snprintf(race->path, sizeof(race->path),
		 "/sys/devices/system/cpu/cpu%d/online", cpu);
	return cpu && !access(race->path, W_OK) ?
	       NULL : "CONFIG_HOTPLUG_CPU and two CPUs";
}

static void play_cpu(struct race *race)
{
	write_file(race->path, "0");
	write_file(race->path, "1");
}

FIXTURE_VARIANT_ADD(race, cpu_hotplug)
{
	.opponent = {
		.begin = begin_cpu,
		.play = play_cpu,
	},
};

static void play_move_pages(struct race *race)
{
	void *addr[race->pages];
	int node[race->pages], status[race->pages];
	size_t i;

	for (i = 0; i < race->pages; i++) {
		addr[i] = race->mem + i * page_size();
		node[i] = next_node(race);
	}
	if (syscall(__NR_move_pages, 0, race->pages, addr, node, status,
		    MPOL_MF_MOVE_ALL) < 0)
		die("move_pages failed");
}

FIXTURE_VARIANT_ADD(race, move_pages)
{
	.opponent = { .play = play_move_pages },
};

static void play_migrate_pages(struct race *race)
{
	unsigned long all = 0, to = 1UL << next_node(race), from;
	int i;

	for (i = 0; i < race->movers; i++)
		all |= 1UL << race->nodes[i];
	from = all & ~to;
	if (syscall(__NR_migrate_pages, 0, 8 * sizeof(from), &from, &to) < 0)
		die("migrate_pages failed");
}

FIXTURE_VARIANT_ADD(race, migrate_pages)
{
	.opponent = { .play = play_migrate_pages },
};

/* Fails often, because the movers isolate pages all the time */
static void play_mbind(struct race *race)
{
	unsigned long node = 1UL << next_node(race);

	syscall(__NR_mbind, race->playground, race->size, MPOL_BIND, &node,
		8 * sizeof(node), MPOL_MF_MOVE_ALL);
	if (syscall(__NR_mbind, race->playground, race->size, MPOL_DEFAULT,
		    NULL, 0, 0))
		die("cannot reset the policy of the playground");
}

FIXTURE_VARIANT_ADD(race, mbind)
{
	.opponent = { .play = play_mbind },
};

/* No opponent: movers and counters are alone */
static void play_nothing(struct race *race)
{
}

FIXTURE_VARIANT_ADD(race, nothing)
{
	.opponent = { .play = play_nothing },
};

/* The race */

/* Reserves memory without touching it, so that the movers do not share its pages */
static void reserve_memory(struct race *race, bool file, bool huge)
{
	size_t align = thp_size(), bytes;
	char *room;

	race->huge = huge;
	/* Do fewer rounds, since copying a huge page takes a long time */
	if (huge)
		race->stage->enough = (race->stage->enough + 3) / 4;
	race->pages = huge ? align / page_size() : SMALL;
	bytes = race->pages * page_size();
	room = mmap(NULL, bytes + align, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		die("no room for the memory");
	race->mem = room + (-(uintptr_t)room & (align - 1));
	race->steady = race->mem + COUNTED * page_size();
	race->playground = race->steady + STEADY * page_size();
	race->size = bytes - (race->playground - race->mem);
	race->spare = mmap(NULL, race->size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (race->spare == MAP_FAILED)
		die("no room for the playground");
	race->fd = file ? open_file(MEMFD, bytes) : -1;
	map_at(race, race->mem, bytes);
}

static void fill_memory(struct race *race)
{
	/* madvise() fails without CONFIG_TRANSPARENT_HUGEPAGE */
	madvise(race->mem, race->pages * page_size(),
		race->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(race->mem, 0, COUNTED * page_size());
	fill(race->steady, STEADY * page_size(), SEED);
	fill_playground(race);
}

static void start_movers(struct race *race)
{
	int i;

	for (i = 0; i < race->movers; i++) {
		race->pids[i] = fork();
		if (race->pids[i] < 0)
			die("cannot fork");
		if (!race->pids[i])
			be_mover(race, i);
	}
}

static void start(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	if (pthread_create(thread, NULL, fn, arg))
		die("cannot create a thread");
}

/*
 * Waits for the movers. If one dies, ends the race and returns false, because
 * the others would wait for it.
 */
static bool await_movers(struct race *race)
{
	int left = race->movers, how, i;
	bool good = true;

	while (left) {
		for (i = 0; i < race->movers; i++) {
			if (!race->pids[i] ||
			    waitpid(race->pids[i], &how, WNOHANG) !=
			    race->pids[i])
				continue;
			race->pids[i] = 0;
			left--;
			if (!how)
				continue;
			printf("# the mover to node %d has ended with %#x\n",
			       race->nodes[i], how);
			race->stage->over = 1;
			good = false;
		}
		usleep(1000);
	}
	return good;
}

FIXTURE_SETUP(race)
{
	struct race *race = &self->race;
	const char *lacks;

	TWO_NODES(race->nodes[0], race->nodes[1]);
	race->movers = memory_nodes(race->nodes, MAX_MOVERS);
	race->opponent = &variant->opponent;
	race->stage = (struct stage *)map_memory(SHMEM, 1);
	ASSERT_LE(sizeof(*race->stage), page_size());
	race->stage->enough = race_rounds();
	race->stage->participants = MOVER + race->movers;
	self->free = free_frames();
	lacks = race->opponent->begin ? race->opponent->begin(race) : NULL;
	if (lacks)
		SKIP_TEST("needs %s", lacks);
}

/* Moves all pages. Kernel threads may hold some for a moment, so retry. */
static bool all_move(struct race *race, int node)
{
	struct request *req = request_new(race->pages);
	int tries = 1000;
	long ret;

	do {
		request_set_pages(req, 0, race->mem, race->pages, node);
		ret = request_move(req, MPOL_MF_MOVE_ALL);
	} while (ret > 0 && --tries && !usleep(1000));
	return !ret && request_count(req, node) == race->pages &&
	       count_on_node(0, race->mem, race->pages, node) == race->pages;
}

FIXTURE_TEARDOWN(race)
{
	struct race *race = &self->race;
	const size_t bytes = race->pages * page_size();
	unsigned long sum;
	size_t i, nr;

	if (race->opponent->end)
		race->opponent->end(race);
	/* A skipped test has no memory */
	if (!race->mem)
		return;
	for (i = 0; i < COUNTED; i++) {
		sum = 0;
		for (nr = 0; nr < COUNTERS; nr++)
			sum += race->stage->counted[nr][i];
		EXPECT_LT(0, sum);
		EXPECT_EQ(sum, *counter_in(race, i));
	}
	EXPECT_TRUE(intact(race->steady, STEADY * page_size(), SEED));
	EXPECT_TRUE(intact(race->playground, race->size, SEED));
	for (i = 0; i < (size_t)race->movers; i++)
		EXPECT_TRUE(all_move(race, race->nodes[i]));
	EXPECT_TRUE(intact(race->steady, STEADY * page_size(), SEED));
	EXPECT_TRUE(intact(race->playground, race->size, SEED));
	EXPECT_EQ(0, isolated_pages());
	drain_lru_batches(race->mem);
	/* In some kernels, only the head of a huge page has KPF_LRU. */
	for (i = 0; i < race->pages; i++) {
		uint64_t phys = phys_of(0, race->mem + i * page_size());

		EXPECT_TRUE(page_has(phys, KPF_LRU) ||
			    page_has(phys, KPF_COMPOUND_TAIL));
	}
	munmap(race->mem, bytes);
	if (race->fd >= 0)
		close(race->fd);
	/* Debugging options of the kernel may keep some freed memory */
	EXPECT_LT(self->free, free_frames() + self->free / 16);
}

/* Runs the race. Returns false if a mover has died. */
static bool run(struct race *race, bool file, bool huge)
{
	struct counter counters[COUNTERS];
	pthread_t threads[1 + COUNTERS];
	bool good;
	int i;

	reserve_memory(race, file, huge);
	start_movers(race);
	fill_memory(race);
	start(&threads[OPPONENT], be_opponent, race);
	for (i = 0; i < COUNTERS; i++) {
		counters[i] = (struct counter){ .race = race, .nr = i };
		start(&threads[COUNTER + i], be_counter, &counters[i]);
	}
	good = await_movers(race);
	for (i = 0; i < 1 + COUNTERS; i++)
		pthread_join(threads[i], NULL);
	return good;
}

/* The call may refuse busy pages, but at least some have to move. */
static void expect_moves(struct __test_metadata *_metadata, struct race *race,
			 bool file, bool huge)
{
	EXPECT_TRUE(run(race, file, huge));
	TH_LOG("%lu entries moved, and %lu stayed", race->stage->moved,
	       race->stage->stayed);
	EXPECT_LT(0, race->stage->moved);
}

TEST_F(race, anon)
{
	expect_moves(_metadata, &self->race, false, false);
}

TEST_F(race, file)
{
	NEEDS_KIND(MEMFD);
	expect_moves(_metadata, &self->race, true, false);
}

TEST_F(race, huge)
{
	expect_moves(_metadata, &self->race, false, true);
}

/* The pages of the file are huge if the opponent makes them so */
TEST_F(race, huge_file)
{
	NEEDS_KIND(MEMFD);
	expect_moves(_metadata, &self->race, true, true);
}

TEST_HARNESS_MAIN
