// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call checks as many tasks as use the address spaces that map its pages, and
 * few more. The trace event has their number, and that of the passes over all
 * processes.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "tracing.h"
#include "util.h"

#define SEED	67
#define ROOT	"/sys/fs/cgroup"
/* For other tasks that may be checked: this test and its harness */
#define SPARE	16

struct took {
	long spaces, tasks, passes;
};

static void read_took(const char *text, void *arg)
{
	struct took *took = arg;

	*took = (struct took) {
		.spaces = trace_field(text, "spaces"),
		.tasks = trace_field(text, "tasks"),
		.passes = trace_field(text, "passes"),
	};
}

/* Moves the pages, which are in one chunk and have one target node */
static long move_and_count(struct request *req, int flags, struct took *took)
{
	unsigned int events;
	long left;

	clear_trace();
	left = request_move(req, flags);
	events = read_trace(EVENT_OF_CALL, read_took, took);
	if (events != 1)
		die("a chunk for one node has %u trace events, status %d",
		    events, req->status[0]);
	return left;
}

static void do_nothing(void *arg)
{
}

/*
 * N processes, each with a second one that shares its address space. They serve
 * all parts of the test, because a fork takes long on a debug kernel.
 */
FIXTURE(pairs)
{
	int from, to;
	char *common;		/* a page that all processes map */
	char *own;		/* an anonymous page of each pair */
	char *shared;		/* pages that a pair and this process map */
	unsigned int nr;
	pid_t *pids;
};

FIXTURE_VARIANT(pairs)
{
	unsigned int count;
};

FIXTURE_VARIANT_ADD(pairs, of_64)
{
	.count = 64,
};

FIXTURE_VARIANT_ADD(pairs, of_512)
{
	.count = 512,
};

/* The second process ends with the first. */
static void own_page(FIXTURE_DATA(pairs) *self)
{
	touch_on(self->from, self->own, page_size());
	spawn_vm(do_nothing, NULL);
}

static void map_pages(void *arg)
{
	FIXTURE_DATA(pairs) *self = arg;

	peek(self->common);
	if (self->shared)
		peek(self->shared + self->nr * page_size());
	own_page(self);
}

FIXTURE_SETUP(pairs)
{
	TWO_NODES(self->from, self->to);
	if (!start_tracing(EVENT_OF_CALL))
		SKIP_TEST("needs CONFIG_EVENT_TRACING");
	self->pids = calloc(variant->count, sizeof(*self->pids));
	ASSERT_NE(NULL, self->pids);
	self->common = alloc_memory(memfd_or_anon(), self->from, 1, SEED);
	self->own = map_memory(ANON, 1);
	if (memfd_or_anon() == MEMFD)
		self->shared = alloc_memory(MEMFD, self->from, variant->count,
					    SEED);
	for (self->nr = 0; self->nr < variant->count; self->nr++)
		self->pids[self->nr] = spawn(map_pages, self);
}

FIXTURE_TEARDOWN(pairs)
{
	unsigned int i;

	stop_tracing();
	for (i = 0; i < variant->count; i++)
		reap(self->pids[i]);
	EXPECT_EQ(0, isolated_pages());
}

static void expect_linear(struct __test_metadata *_metadata, unsigned int count,
			  const struct took *took)
{
	TH_LOG("%u pairs: %ld spaces, %ld tasks, %ld passes", count,
	       took->spaces, took->tasks, took->passes);
	EXPECT_LE(count, took->spaces);
	EXPECT_GE(count + SPARE, took->spaces);
	EXPECT_LE(2 * count, took->tasks);
	EXPECT_GE(2 * count + SPARE, took->tasks);
	EXPECT_GE(1 + count / 1024, took->passes);
}

static void move_common_page(struct __test_metadata *_metadata,
			     FIXTURE_DATA(pairs) *self)
{
	struct request *req = request_new(1);
	struct took took;

	request_set_pages(req, 0, self->common, 1, self->to);
	EXPECT_EQ(0, move_and_count(req, MPOL_MF_MOVE_ALL, &took));
	EXPECT_EQ(self->to, req->status[0]);
	EXPECT_EQ(self->to, node_of(0, self->common));
	EXPECT_TRUE(intact(self->common, page_size(), SEED));
	expect_linear(_metadata, self->nr, &took);
	request_free(req);
}

static void move_own_pages(struct __test_metadata *_metadata,
			   FIXTURE_DATA(pairs) *self)
{
	struct request *req = request_new(self->nr);
	unsigned int i, there = 0;
	struct took took;

	for (i = 0; i < self->nr; i++)
		request_set(req, i, phys_of(self->pids[i], self->own), self->to);
	EXPECT_EQ(0, move_and_count(req, 0, &took));
	EXPECT_EQ(self->nr, request_count(req, self->to));
	for (i = 0; i < self->nr; i++)
		there += node_of(self->pids[i], self->own) == self->to;
	EXPECT_EQ(self->nr, there);
	expect_linear(_metadata, self->nr, &took);
	request_free(req);
}

/*
 * Each pair shares a page with this process, which is one of a pair, too. Once
 * the first page is checked, the call knows one of the address spaces that map
 * each further page, but not the other.
 */
static void move_shared_pages(struct __test_metadata *_metadata,
			      FIXTURE_DATA(pairs) *self)
{
	struct request *req = request_new(self->nr);
	pid_t sibling = spawn_vm(do_nothing, NULL);
	struct took took;

	request_set_pages(req, 0, self->shared, self->nr, self->to);
	EXPECT_EQ(0, move_and_count(req, MPOL_MF_MOVE_ALL, &took));
	EXPECT_EQ(self->nr, request_count(req, self->to));
	EXPECT_EQ(self->nr, count_on_node(0, self->shared, self->nr, self->to));
	EXPECT_TRUE(intact(self->shared, self->nr * page_size(), SEED));
	expect_linear(_metadata, self->nr, &took);
	reap(sibling);
	request_free(req);
}

TEST_F(pairs, tasks_and_passes)
{
	move_common_page(_metadata, self);
	move_own_pages(_metadata, self);
	/* Without CONFIG_SHMEM, no pages can be shared that move. */
	if (self->shared)
		move_shared_pages(_metadata, self);
}

/*
 * Pairs of processes, each with a page of its own in the LRU batch of another
 * CPU, so that the call can handle these pages only after a drain
 */
#define BATCHED	12

FIXTURE(batched)
{
	int from, to;
	int cpu;
	char *mem;
	int go[2], done[2];
	pid_t pids[BATCHED];
};

static noreturn void be_owner_of_batched(FIXTURE_DATA(batched) *self)
{
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_on(self->cpu);
	spawn_vm(do_nothing, NULL);
	/*
	 * The first touch allocates page tables, so that the next one allocates
	 * only its page.
	 */
	touch_on(self->from, self->mem + page_size(), page_size());
	if (write(self->done[1], "", 1) != 1 ||
	    read(self->go[0], &byte, 1) != 1)
		_exit(1);
	touch_on(self->from, self->mem, page_size());
	if (write(self->done[1], "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

FIXTURE_SETUP(batched)
{
	int cpus[2], i;
	char byte;

	TWO_NODES(self->from, self->to);
	if (allowed_cpus(cpus, 2) < 2)
		SKIP_TEST("needs two CPUs");
	if (!start_tracing(EVENT_OF_CALL))
		SKIP_TEST("needs CONFIG_EVENT_TRACING");
	run_on(cpus[0]);
	self->cpu = cpus[1];
	self->mem = map_memory(ANON, 2);
	ASSERT_EQ(0, pipe(self->go));
	ASSERT_EQ(0, pipe(self->done));
	for (i = 0; i < BATCHED; i++) {
		self->pids[i] = fork();
		ASSERT_LE(0, self->pids[i]);
		if (!self->pids[i])
			be_owner_of_batched(self);
		ASSERT_EQ(1, read(self->done[0], &byte, 1));
	}
	for (i = 0; i < BATCHED; i++) {
		ASSERT_EQ(1, write(self->go[1], "", 1));
		ASSERT_EQ(1, read(self->done[0], &byte, 1));
	}
}

FIXTURE_TEARDOWN(batched)
{
	int i;

	stop_tracing();
	for (i = 0; i < BATCHED; i++)
		reap(self->pids[i]);
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(batched, one_pass)
{
	struct request *req = request_new(BATCHED);
	struct took took;
	int i;

	for (i = 0; i < BATCHED; i++)
		request_set(req, i, phys_of(self->pids[i], self->mem), self->to);
	EXPECT_EQ(0, move_and_count(req, 0, &took));
	EXPECT_EQ(BATCHED, request_count(req, self->to));
	expect_linear(_metadata, BATCHED, &took);
}

/*
 * A page whose address space may have users other than the threads of its
 * owner, while other processes have many threads
 */
#define OTHERS	8
#define THREADS	16

struct scene {
	int from, to;
	enum mm_user user;
	char *mem;
	int started[2];
	pid_t owner, others[OTHERS];
};

FIXTURE(one)
{
	struct scene scene;
};

FIXTURE_VARIANT(one)
{
	enum mm_user user;
	long tasks, passes;
};

FIXTURE_VARIANT_ADD(one, alone)
{
	.user = USER_NONE,
	.tasks = 1,
	.passes = 0,
};

FIXTURE_VARIANT_ADD(one, with_a_sibling)
{
	.user = USER_SIBLING,
	.tasks = 2,
	.passes = 1,
};

FIXTURE_VARIANT_ADD(one, with_a_vfork_child)
{
	.user = USER_VFORK,
	.tasks = 2,
	.passes = 1,
};

/* In some kernels, vhost's worker is a thread of the process. */
FIXTURE_VARIANT_ADD(one, with_a_vhost)
{
	.user = USER_VHOST,
	.tasks = 2,
	.passes = 1,
};

static noreturn void be_owner(const struct scene *scene)
{
	touch_on(scene->from, scene->mem, page_size());
	sleep_with_user(scene->user, scene->started[1]);
}

static int sleep_for_ever(void *arg)
{
	for (;;)
		syscall(__NR_pause);
	return 0;
}

/* Stores the ID of the last thread if @tid is not NULL */
static void have_threads(void *tid)
{
	const int flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD |
			  (tid ? CLONE_PARENT_SETTID : 0);
	const size_t size = 16 * 1024;
	char *stacks = malloc(THREADS * size);
	int i;

	for (i = 1; i <= THREADS; i++)
		if (!stacks || clone(sleep_for_ever, stacks + i * size, flags,
				     NULL, tid) < 0)
			die("cannot create a thread");
}

/* Without CONFIG_MEMCG, the kernel does not know the owner of an address space */
#define NEEDS_OWNER() do {						\
	if (access(ROOT "/memory.stat", F_OK) &&			\
	    !try_write_file(ROOT "/cgroup.subtree_control", "+memory"))	\
		SKIP_TEST("needs CONFIG_MEMCG");			\
} while (0)

FIXTURE_SETUP(one)
{
	struct scene *scene = &self->scene;
	char byte;

	TWO_NODES(scene->from, scene->to);
	if (variant->user == USER_VHOST && access("/dev/vhost-net", F_OK))
		SKIP_TEST("needs CONFIG_VHOST_NET");
	NEEDS_OWNER();
	if (!start_tracing(EVENT_OF_CALL))
		SKIP_TEST("needs CONFIG_EVENT_TRACING");
	scene->user = variant->user;
	scene->mem = map_memory(ANON, 1);
	ASSERT_EQ(0, pipe(scene->started));
	scene->owner = fork();
	ASSERT_LE(0, scene->owner);
	if (!scene->owner)
		be_owner(scene);
	close(scene->started[1]);
	ASSERT_EQ(1, read(scene->started[0], &byte, 1));
}

FIXTURE_TEARDOWN(one)
{
	struct scene *scene = &self->scene;
	int i;

	stop_tracing();
	reap(scene->owner);
	for (i = 0; i < OTHERS; i++)
		if (scene->others[i])
			reap(scene->others[i]);
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(one, beside_others)
{
	struct scene *scene = &self->scene;
	struct request *req = request_new(1);
	struct took alone, beside;
	int i;

	request_set(req, 0, phys_of(scene->owner, scene->mem), scene->to);
	EXPECT_EQ(0, move_and_count(req, 0, &alone));
	EXPECT_EQ(scene->to, req->status[0]);
	for (i = 0; i < OTHERS; i++)
		scene->others[i] = spawn(have_threads, NULL);
	request_set(req, 0, phys_of(scene->owner, scene->mem), scene->from);
	EXPECT_EQ(0, move_and_count(req, 0, &beside));
	EXPECT_EQ(scene->from, req->status[0]);
	EXPECT_EQ(scene->from, node_of(scene->owner, scene->mem));

	TH_LOG("alone %ld tasks, %ld passes; beside others %ld and %ld",
	       alone.tasks, alone.passes, beside.tasks, beside.passes);
	EXPECT_EQ(1, alone.spaces);
	EXPECT_EQ(1, beside.spaces);
	EXPECT_LE(1, alone.tasks);
	EXPECT_GE(variant->tasks, alone.tasks);
	EXPECT_EQ(alone.tasks, beside.tasks);
	EXPECT_EQ(variant->passes, alone.passes);
	EXPECT_EQ(variant->passes, beside.passes);
}

/*
 * The leader of a process has exited, so it does not use the address space any
 * more. The remaining threads are all its users, so no pass is needed.
 */
TEST(exited_leader)
{
	struct request *req = request_new(1);
	char *mem = map_memory(ANON, 1);
	pid_t pid, *tid = (pid_t *)map_memory(SHMEM, 1);
	struct took took;
	int from, to;

	TWO_NODES(from, to);
	NEEDS_OWNER();
	if (!start_tracing(EVENT_OF_CALL))
		SKIP(return, "needs CONFIG_EVENT_TRACING");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		touch_on(from, mem, page_size());
		have_threads(tid);
		syscall(__NR_exit, 0);
	}
	while (!in_state(pid, 'Z'))
		usleep(1000);
	ASSERT_NE(0, *tid);
	request_set(req, 0, phys_of(*tid, mem), to);
	EXPECT_EQ(0, move_and_count(req, 0, &took));
	stop_tracing();
	EXPECT_EQ(to, node_of(*tid, mem));
	EXPECT_EQ(1, took.spaces);
	EXPECT_EQ(THREADS, took.tasks);
	EXPECT_EQ(0, took.passes);
	reap(pid);
}

/*
 * Every task of an address space is confined. The LSM may log each denial, so no
 * task is checked after the first one that denies.
 */
static void be_confined_threads(void *arg)
{
	FIXTURE_DATA(pairs) *self = arg;

	have_threads(NULL);
	own_page(self);
}

TEST(denied_once)
{
	FIXTURE_DATA(pairs) owner;
	struct request *req;
	struct took took;
	char dir[64];
	pid_t pid;

	TWO_NODES(owner.from, owner.to);
	if (!try_write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		SKIP(return, "needs CONFIG_CPUSETS");
	if (!start_tracing(EVENT_OF_CALL))
		SKIP(return, "needs CONFIG_EVENT_TRACING");
	owner.own = map_memory(ANON, 1);
	pid = spawn(be_confined_threads, &owner);
	snprintf(dir, sizeof(dir), ROOT "/mpp-%d", getpid());
	ASSERT_EQ(0, mkdir(dir, 0755));
	write_in(dir, "cpuset.mems", "%d", owner.from);
	write_in(dir, "cgroup.procs", "%d", pid);

	req = request_new(1);
	request_set(req, 0, phys_of(pid, owner.own), owner.to);
	EXPECT_EQ(0, move_and_count(req, 0, &took));
	EXPECT_EQ(-EACCES, req->status[0]);
	EXPECT_EQ(owner.from, node_of(pid, owner.own));
	EXPECT_EQ(1, took.tasks);
	stop_tracing();
	reap(pid);
	EXPECT_TRUE(remove_cgroup(dir));
	EXPECT_EQ(0, isolated_pages());
}

/*
 * The call's table of address spaces has room for 4 at first, then for 64,
 * 1,024 and 16,384. 1,100 processes need the last of these sizes.
 */
#define SHARERS	1100

FIXTURE(crowd)
{
	int from, to;
	char *mem;
	uint64_t phys;
	bool cpusets;
	char dir[64];
	pid_t pids[SHARERS];
};

static void map_it(void *mem)
{
	peek(mem);
}

FIXTURE_SETUP(crowd)
{
	int i;

	TWO_NODES(self->from, self->to);
	self->mem = alloc_memory(memfd_or_anon(), self->from, 1, SEED);
	for (i = 0; i < SHARERS; i++)
		self->pids[i] = spawn(map_it, self->mem);
	self->cpusets = try_write_file(ROOT "/cgroup.subtree_control",
				       "+cpuset");
	snprintf(self->dir, sizeof(self->dir), ROOT "/mpp-%d", getpid());
	if (self->cpusets)
		ASSERT_EQ(0, mkdir(self->dir, 0755));
}

FIXTURE_TEARDOWN(crowd)
{
	int i;

	for (i = 0; i < SHARERS; i++)
		reap(self->pids[i]);
	if (self->cpusets)
		EXPECT_TRUE(remove_cgroup(self->dir));
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

static struct outcome move_it(FIXTURE_DATA(crowd) *self, int node)
{
	return move_one(phys_of(0, self->mem), node, MPOL_MF_MOVE_ALL);
}

/* The cpuset of each process counts, wherever it is in the reverse map. */
static void confine_each(struct __test_metadata *_metadata,
			 FIXTURE_DATA(crowd) *self)
{
	static const int which[] = {
		0, 1, 3, 4, 15, 16, 63, 64, 511, 512, 1023, 1024, SHARERS - 1,
	};
	size_t i;

	write_in(self->dir, "cpuset.mems", "%d", self->from);
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		write_in(self->dir, "cgroup.procs", "%d", self->pids[which[i]]);
		EXPECT_OUTCOME(0, -EACCES, move_it(self, self->to));
		write_in(ROOT, "cgroup.procs", "%d", self->pids[which[i]]);
	}
}

TEST_F(crowd, moves)
{
	EXPECT_OUTCOME(0, self->to, move_it(self, self->to));
	EXPECT_EQ(self->to, node_of(0, self->mem));
	EXPECT_OUTCOME(0, -EACCES, move_one(phys_of(0, self->mem), self->from,
					    0));
	EXPECT_OUTCOME(0, self->from, move_it(self, self->from));
	EXPECT_EQ(self->from, node_of(0, self->mem));
	if (self->cpusets)
		confine_each(_metadata, self);
	EXPECT_OUTCOME(0, self->to, move_it(self, self->to));
	EXPECT_EQ(self->to, node_of(0, self->mem));
}

TEST_HARNESS_MAIN
