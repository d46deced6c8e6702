/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for the tests of move_phys_pages().
 *
 * A helper that fails aborts the test, unless its comment says otherwise, so
 * callers need not check results.
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

/*
 * Older versions of kselftest.h lack this macro. Newer ones define it without
 * an #ifndef, so include kselftest.h before this file.
 */
#ifndef __printf
#define __printf(...)
#endif

#ifndef __NR_move_phys_pages
#define __NR_move_phys_pages	548
#endif

/* Only a test that hangs may reach this limit, even on slow emulated CPUs */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	1800

#define PRESET			(-123)	/* a status that the call never writes */
#define ABSENT			(-ENOSYS)	/* the result of a kernel without the call */

/*
 * Without the call, the whole program is skipped before main(), except if it
 * defines this constant as true because it can test such a kernel, too.
 */
extern const bool runs_without_call;

#define VALID_FLAGS		(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)

#define BIT(nr)			(1ULL << (nr))

/* Returns the rounds that a race lasts: RACE_ROUNDS in the environment, or 20 */
unsigned int race_rounds(void);

__printf(1, 2)
noreturn void die(const char *fmt, ...);

/* Makes the system call; returns -errno if it fails */
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
/* Makes entry @i ask to move the page at @phys to @node */
void request_set(struct request *req, unsigned long i, uint64_t phys, int node);
/* Makes entries from @first on ask to move the pages of @mem to @node */
void request_set_pages(struct request *req, unsigned long first,
		       const char *mem, unsigned long pages, int node);
/* request_move() and request_query() first set every status to PRESET */
long request_move(struct request *req, int flags);
long request_query(struct request *req, int flags);
/* Counts the entries with this status */
unsigned long request_count(const struct request *req, int status);
/*
 * Counts the entries that were eligible and did not move. The call should
 * return this number.
 */
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

/*
 * allowed_cpus() lists the CPUs that this task may run on; run_on() binds it to
 * one
 */
int allowed_cpus(int *cpus, int max);
void run_on(int cpu);

/* Nodes */
int memory_nodes(int *nodes, int max);
int node_without_memory(void);
/* Lists the memory blocks of the node by their numbers in sysfs, online or not */
int memory_blocks(int node, unsigned long *blocks, int max);
uint64_t memory_block_size(void);	/* 0: there are no memory blocks */

/*
 * Skips the test from its setup. Harnesses before 6.9 would still run the test
 * after SKIP(), so leave the process there.
 */
#ifdef FIXTURE_TEARDOWN_PARENT
#define SKIP_TEST(...)	SKIP(return, __VA_ARGS__)
#else
#define SKIP_TEST(...)	SKIP(_exit(255), __VA_ARGS__)
#endif

/*
 * Finds two nodes with memory. Skips the test if there are none, or without
 * root.
 */
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

/* Find a page without the call under test; pid 0 is this process */
uint64_t phys_of(pid_t pid, const void *addr);	/* 0: not present */
void phys_of_pages(pid_t pid, const char *mem, size_t pages, uint64_t *phys);
/* The parts of an entry of pagemap */
#define PAGEMAP_PRESENT		BIT(63)
#define PAGEMAP_PFN		(BIT(55) - 1)
int node_of(pid_t pid, const void *addr);	/* status of move_pages(2) */
void nodes_of(pid_t pid, const void **addrs, size_t count, int *status);
void nodes_of_pages(pid_t pid, const char *mem, size_t pages, int *status);
/* Counts the pages that are on the node */
size_t count_on_node(pid_t pid, const char *mem, size_t pages, int node);

/* Finds the next line of /proc/iomem with this name; *pos is 0 at first */
bool next_resource(const char *name, long *pos, uint64_t *start, uint64_t *end);
bool is_ram(uint64_t phys);

/* Read kpageflags and kpagecount of a frame; return false beyond the last one */
bool page_flags(uint64_t phys, uint64_t *flags);
bool page_mapcount(uint64_t phys, uint64_t *count);
/* Counts the frames from 0 up to the end of RAM */
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

/*
 * Without CONFIG_SHMEM, there may be no memfd, and other shared memory is on
 * ramfs, whose dirty pages cannot migrate.
 */
bool has_memfd(void);
bool has_shmem(void);
/* Returns MEMFD if such memory can move, or else ANON */
enum memory memfd_or_anon(void);

/* Skips the test if memory of this kind cannot move; for use after TWO_NODES() */
#define NEEDS_KIND(_kind) do {						\
	if ((_kind) != ANON && !has_shmem())				\
		SKIP_TEST("needs CONFIG_SHMEM");			\
} while (0)

int open_file(enum memory kind, size_t size);
/* Maps base pages and touches none */
char *map_memory(enum memory kind, size_t pages);
char *map_file(int fd, size_t pages);

/*
 * mount_temp() creates a directory, stores its path in @dir, and mounts a
 * filesystem of @type there. It returns false if the kernel lacks @type.
 * unmount_temp() undoes both, and returns false if that fails.
 * map_temp() opens or creates a file in the directory, sets the size of the
 * file, and maps it.
 */
#define DIR_SIZE	64

bool mount_temp(char dir[DIR_SIZE], const char *type, const char *options);
bool unmount_temp(const char *dir);
char *map_temp(const char *dir, const char *name, size_t pages);

/* Allocates each page on the node; the task has no memory policy afterwards */
void touch_on(int node, char *mem, size_t size);
/* Allocates base pages on a node and fills them with a pattern */
char *alloc_memory(enum memory kind, int node, size_t pages, uint32_t seed);
/* Allocates a THP; returns NULL if the kernel gives none */
char *alloc_thp(int node, uint32_t seed);

bool has_hugetlb(void);

/* Skips the test without CONFIG_HUGETLBFS; for use after TWO_NODES() */
#define NEEDS_HUGETLB() do {						\
	if (!has_hugetlb())						\
		SKIP_TEST("needs CONFIG_HUGETLBFS");			\
} while (0)

/* hugetlb_size() is the default size; hugetlb_pool() resizes the pool of a node */
size_t hugetlb_size(void);
void hugetlb_pool(int node, unsigned long pages);

void fill(void *mem, size_t size, uint32_t seed);
bool intact(const void *mem, size_t size, uint32_t seed);

/*
 * spawn() and spawn_vm() return a child that has run fn(arg) and then sleeps. A
 * child of spawn_vm() shares the address space and has no thread-local state of
 * its own, so its fn may only make plain system calls.
 */
pid_t spawn(void (*fn)(void *arg), void *arg);
pid_t spawn_vm(void (*fn)(void *arg), void *arg);

/* A user of an address space, besides the process that has it */
enum mm_user { USER_NONE, USER_SIBLING, USER_VFORK, USER_VHOST };

/*
 * Adds the user to the address space of this process, writes a byte to the pipe
 * "started", and sleeps. USER_VHOST needs /dev/vhost-net.
 */
noreturn void sleep_with_user(enum mm_user user, int started);

void reap(pid_t pid);
/* Returns the wait status of a child; -1 if it has not ended after 10 seconds */
int exit_of(pid_t pid);
/* Is the process in this state, a letter of /proc/PID/stat? */
bool in_state(pid_t pid, char state);

/* Reads a byte; the compiler cannot leave the access out */
char peek(const char *addr);

/* Read or write a whole small file; try_write_file() returns false if it fails */
void read_file(const char *path, char *buf, size_t size);
void write_file(const char *path, const char *text);
bool try_write_file(const char *path, const char *text);
/* Reads the chosen one of "always [madvise] never" */
void read_choice(const char *path, char *choice, size_t size);

/*
 * Cgroups: write_in() writes to a file of one; remove_cgroup() waits up to a
 * second until its tasks are gone, and returns false if it cannot be removed
 */
__printf(3, 4)
void write_in(const char *dir, const char *name, const char *fmt, ...);
bool remove_cgroup(const char *dir);

/* Lets accesses to missing pages of this memory wait for @uffd */
void watch_missing(int uffd, const void *mem, size_t size);

/* Of the permitted capabilities, makes exactly those in @mask effective */
void use_caps(uint64_t mask);

/* Makes a long-term pin by a registered buffer; returns -1 without io_uring */
int ring_pin(void *mem, size_t size);
void ring_unpin(int ring);

/* Returns 0 if no page is isolated; waits up to a second for that */
unsigned long isolated_pages(void);
/* Drains the LRU batches of all CPUs; @page is any page of this process */
void drain_lru_batches(const char *page);
unsigned long vmstat(const char *path, const char *name);
/* Counts the free frames, including those on the lists of CPUs */
unsigned long free_frames(void);

/* A pseudo-random sequence that depends on @state alone */
uint32_t next_random(uint32_t *state);
void shuffle(struct request *req, uint32_t seed);

#endif
