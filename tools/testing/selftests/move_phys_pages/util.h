/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of move_phys_pages() have in common.
 *
 * A helper that cannot do its work aborts the test, so that none needs its
 * result checked.
 */
#ifndef MOVE_PHYS_PAGES_UTIL_H
#define MOVE_PHYS_PAGES_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/mempolicy.h>

#ifndef __NR_move_phys_pages
#define __NR_move_phys_pages	548
#endif

/* Emulated CPUs and debug kernels are slow: this only ends a test that hangs */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	600

#define PRESET			(-123)	/* a status that the call never gives */
#define ABSENT			(-ENOSYS)	/* what a kernel without the call says */

/*
 * Without the call a program is skipped as a whole, before main(). One that has
 * something to test there, too, defines this as true.
 */
extern const bool runs_without_call;

#define VALID_FLAGS		(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)

#define BIT(nr)			(1ULL << (nr))

/* How long a race is to last: RACE_ROUNDS in the environment, or 20 */
unsigned int race_rounds(void);

noreturn void die(const char *fmt, ...);

/* The system call; -errno where it fails */
long move_phys_pages(unsigned long count, const uint64_t *pages,
		     const int *nodes, int *status, int flags);

/* The arrays of one call */
struct request {
	unsigned long count;
	uint64_t *pages;
	int *nodes;
	int *status;
};

struct request *request_new(unsigned long count);
void request_free(struct request *req);
/* Entry @i asks for the page at @phys to be on @node */
void request_set(struct request *req, unsigned long i, uint64_t phys, int node);
/* Entries @first and on ask for the pages of @mem to be on @node */
void request_set_pages(struct request *req, unsigned long first,
		       const char *mem, unsigned long pages, int node);
/* Both preset every status */
long request_move(struct request *req, int flags);
long request_query(struct request *req, int flags);
/* How many entries have this status */
unsigned long request_count(const struct request *req, int status);
/* How many were eligible and did not move: what the call should return */
unsigned long request_failed(const struct request *req);

/* A call with one entry */
struct outcome {
	long ret;
	int status;
};

struct outcome move_one(uint64_t phys, int node, int flags);
struct outcome query_one(uint64_t phys);

#define EXPECT_OUTCOME(_ret, _status, _outcome) do {			\
	struct outcome __outcome = (_outcome);				\
									\
	EXPECT_EQ(_ret, __outcome.ret);					\
	EXPECT_EQ(_status, __outcome.status);				\
} while (0)

/* CPUs: those that we may run on, and to run on no other from now on */
int allowed_cpus(int *cpus, int max);
void run_on(int cpu);

/* Nodes */
int memory_nodes(int *nodes, int max);
int node_without_memory(void);
/* The blocks of its memory, online or not, that could be taken offline */
int memory_blocks(int node, unsigned long *blocks, int max);
uint64_t memory_block_size(void);	/* 0: memory is not in blocks */

/* SKIP() of a setup, after which harnesses before 6.9 would run the test */
#ifdef FIXTURE_TEARDOWN_PARENT
#define SKIP_TEST(...)	SKIP(return, __VA_ARGS__)
#else
#define SKIP_TEST(...)	SKIP(_exit(255), __VA_ARGS__)
#endif

/* What any test of a move needs, and is skipped without */
#define TWO_NODES(_from, _to) do {					\
	long __ret = move_phys_pages(0, NULL, NULL, NULL, 0);		\
	int __nodes[2];							\
									\
	if (__ret)							\
		SKIP_TEST("needs root");				\
	if (memory_nodes(__nodes, 2) < 2)				\
		SKIP_TEST("needs two nodes with memory");		\
	_from = __nodes[0];						\
	_to = __nodes[1];						\
} while (0)

/* Where a page is, by other ways than the call under test; pid 0 is self */
uint64_t phys_of(pid_t pid, const void *addr);	/* 0: not present */
void phys_of_pages(pid_t pid, const char *mem, size_t pages, uint64_t *phys);
/* An entry of pagemap */
#define PAGEMAP_PRESENT		BIT(63)
#define PAGEMAP_PFN		(BIT(55) - 1)
int node_of(pid_t pid, const void *addr);	/* status of move_pages(2) */
void nodes_of(pid_t pid, const void **addrs, size_t count, int *status);
void nodes_of_pages(pid_t pid, const char *mem, size_t pages, int *status);
/* How many of the pages are on the node */
size_t count_on_node(pid_t pid, const char *mem, size_t pages, int node);

/* The next line of /proc/iomem that is named so, from *pos = 0 on */
bool next_resource(const char *name, long *pos, uint64_t *start, uint64_t *end);
bool is_ram(uint64_t phys);

/* kpageflags and kpagecount of a frame; false beyond the last */
bool page_flags(uint64_t phys, uint64_t *flags);
bool page_mapcount(uint64_t phys, uint64_t *count);
/* Up to the end of RAM */
uint64_t count_frames(void);
bool page_has(uint64_t phys, int kpf);

/* Memory */
size_t page_size(void);
size_t thp_size(void);

enum memory {
	ANON,		/* private and anonymous */
	SHMEM,		/* shared and anonymous */
	MEMFD,
	TMPFS,		/* a file on /tmp */
};

/* Without CONFIG_SHMEM there may be no memfd, and the rest is of ramfs, whose dirty pages stay */
bool has_memfd(void);
bool has_shmem(void);
/* MEMFD, if that can move: for a test that can do with ANON */
enum memory memfd_or_anon(void);

/* What a test needs that moves memory of this kind, after TWO_NODES() */
#define NEEDS_KIND(_kind) do {						\
	if ((_kind) != ANON && !has_shmem())				\
		SKIP_TEST("needs CONFIG_SHMEM");			\
} while (0)

int open_file(enum memory kind, size_t size);
/* Base pages, mapped and not yet touched */
char *map_memory(enum memory kind, size_t pages);
char *map_file(int fd, size_t pages);
/* Allocates each page on a node; leaves no policy behind */
void touch_on(int node, char *mem, size_t size);
/* Base pages on a node, filled with a pattern */
char *alloc_memory(enum memory kind, int node, size_t pages, uint32_t seed);
/* A THP, or NULL where the kernel gives none */
char *alloc_thp(int node, uint32_t seed);

bool has_hugetlb(void);

/* What a test of hugetlb pages needs, after TWO_NODES() */
#define NEEDS_HUGETLB() do {						\
	if (!has_hugetlb())						\
		SKIP_TEST("needs CONFIG_HUGETLBFS");			\
} while (0)

/* The default size of hugetlb pages, and how many of them a node holds ready */
size_t hugetlb_size(void);
void hugetlb_pool(int node, unsigned long pages);

void fill(void *mem, size_t size, uint32_t seed);
bool intact(const void *mem, size_t size, uint32_t seed);

/*
 * A child that has run fn(arg) and then sleeps. spawn_vm() shares the address
 * space; it has no thread-local state of its own, so that fn may only do plain
 * system calls.
 */
pid_t spawn(void (*fn)(void *arg), void *arg);
pid_t spawn_vm(void (*fn)(void *arg), void *arg);
void reap(pid_t pid);
/* The status with which a child has ended; -1 if it does not */
int exit_of(pid_t pid);
/* Is it in this state, by the letter that /proc has for it? */
bool in_state(pid_t pid, char state);

/* Looks at memory, whatever the compiler thinks to know of it */
char peek(const char *addr);

/* Reads, writes a whole small file; a failed write aborts or is told */
void read_file(const char *path, char *buf, size_t size);
void write_file(const char *path, const char *text);
bool try_write_file(const char *path, const char *text);

/* Cgroups: writes to a file of one; removes one, as soon as its tasks are gone */
__attribute__((format(printf, 3, 4)))
void write_in(const char *dir, const char *name, const char *fmt, ...);
bool remove_cgroup(const char *dir);

/* Whoever touches pages of this memory that are missing waits for @uffd */
void watch_missing(int uffd, const void *mem, size_t size);

/* Of the permitted capabilities, these are the ones in effect from now on */
void use_caps(uint64_t mask);

/* A long-term pin, that of a registered buffer; -1 where there is no io_uring */
int ring_pin(void *mem, size_t size);
void ring_unpin(int ring);

/* Pages that are taken off their LRU list, once that has settled */
unsigned long isolated_pages(void);
/* Puts what waits in any CPU's batch on its LRU list; needs a page of ours */
void drain_lru_batches(const char *page);
unsigned long vmstat(const char *path, const char *name);
/* Frames that are free, or wait for that on the list of a CPU */
unsigned long free_frames(void);

/* A reproducible sequence */
uint32_t next_random(uint32_t *state);
void shuffle(struct request *req, uint32_t seed);

#endif
