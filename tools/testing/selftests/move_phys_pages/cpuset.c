// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every task of every address space that maps a page must be allowed to use
 * the target; nobody else is asked.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	19
#define ROOT	"/sys/fs/cgroup"

/*
 * A domain for the processes of a test, and below it a threaded cgroup whose
 * tasks may only use the source node.
 */
FIXTURE(cpuset)
{
	int from, to;
	char domain[64];
	char confined[80];
	char outside[64];	/* a domain that confines like the former */
	char *mem;
	pid_t *tid;		/* of the thread of a mapper, once it is set */
};

static void write_in(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	write_file(path, text);
}

static void write_number(const char *dir, const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	write_in(dir, name, text);
}

static void allow_both(const char *dir, const FIXTURE_DATA(cpuset) *self)
{
	char text[32];

	snprintf(text, sizeof(text), "%d,%d", self->from, self->to);
	write_in(dir, "cpuset.mems", text);
}

/* Joins with the whole process, resp. with this thread alone */
static void join(const char *dir)
{
	write_in(dir, "cgroup.procs", "0");
}

static void join_thread(const char *dir)
{
	write_in(dir, "cgroup.threads", "0");
}

FIXTURE_SETUP(cpuset)
{
	TWO_NODES(self->from, self->to);
	if (access(ROOT "/cgroup.subtree_control", W_OK))
		SKIP(return, "no cgroup2 on " ROOT);
	if (!try_write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		SKIP(return, "no cpuset controller");
	snprintf(self->domain, sizeof(self->domain), ROOT "/mpp-%d", getpid());
	snprintf(self->outside, sizeof(self->outside), ROOT "/mpp-%d-out",
		 getpid());
	snprintf(self->confined, sizeof(self->confined), "%s/confined",
		 self->domain);
	ASSERT_EQ(0, mkdir(self->domain, 0755));
	ASSERT_EQ(0, mkdir(self->outside, 0755));
	ASSERT_EQ(0, mkdir(self->confined, 0755));
	write_in(self->confined, "cgroup.type", "threaded");
	write_in(self->domain, "cgroup.subtree_control", "+cpuset");
	write_number(self->confined, "cpuset.mems", self->from);
	write_number(self->outside, "cpuset.mems", self->from);
	self->mem = map_memory(MEMFD, 1);
	self->tid = (pid_t *)map_memory(SHMEM, 1);
}

/* Those whom the death of their parent has killed leave a little later */
static bool remove_cgroup(const char *dir)
{
	int tries = 1000;

	while (rmdir(dir)) {
		if (errno != EBUSY || !--tries)
			return false;
		usleep(1000);
	}
	return true;
}

FIXTURE_TEARDOWN(cpuset)
{
	join(ROOT);
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
	EXPECT_TRUE(remove_cgroup(self->confined));
	EXPECT_TRUE(remove_cgroup(self->domain));
	EXPECT_TRUE(remove_cgroup(self->outside));
	EXPECT_EQ(0, isolated_pages());
}

/* What a mapper can be like */
static void map_unconfined(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
}

static void be_confined(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	join(self->outside);
}

static void map_confined(void *arg)
{
	map_unconfined(arg);
	be_confined(arg);
}

static void map_with_confined_sibling(void *arg)
{
	map_unconfined(arg);
	spawn_vm(be_confined, arg);
}

static void *be_confined_thread(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	join_thread(self->confined);
	__atomic_store_n(self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void *be_unconfined_thread(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	join_thread(self->domain);
	__atomic_store_n(self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void start_thread(FIXTURE_DATA(cpuset) *self, void *(*fn)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, self))
		die("no thread");
	while (!__atomic_load_n(self->tid, __ATOMIC_SEQ_CST))
		usleep(1000);
}

static void map_with_confined_thread(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	map_unconfined(self);
	join(self->domain);
	start_thread(self, be_confined_thread);
}

static void map_with_confined_leader(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	map_unconfined(self);
	join(self->domain);
	start_thread(self, be_unconfined_thread);
	join_thread(self->confined);
}

/* The thread lives on without its leader */
static pid_t spawn_orphan_thread(FIXTURE_DATA(cpuset) *self,
				 void (*map)(void *))
{
	char path[64], stat[256];
	pid_t pid = fork();

	if (pid < 0)
		die("no process");
	if (!pid) {
		map(self);
		syscall(__NR_exit, 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		usleep(1000);
		read_file(path, stat, sizeof(stat));
	} while (!strstr(stat, ") Z"));
	if (!*self->tid)
		die("process %d has no other thread", pid);
	return pid;
}

TEST_F(cpuset, nobody_confined)
{
	pid_t pid = spawn(map_unconfined, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(cpuset, process)
{
	pid_t pid = spawn(map_confined, self);
	uint64_t phys = phys_of(pid, self->mem);
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, flags));
		EXPECT_OUTCOME(0, self->from,
			       move_one(phys, self->from, flags));
	}
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	EXPECT_OUTCOME(0, self->from, query_one(phys));
	/* What a call has found out does not outlive it */
	allow_both(self->outside, self);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(cpuset, sibling)
{
	pid_t pid = spawn(map_with_confined_sibling, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	allow_both(self->outside, self);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(cpuset, one_thread)
{
	pid_t pid = spawn(map_with_confined_thread, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	allow_both(self->confined, self);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(cpuset, leader)
{
	pid_t pid = spawn(map_with_confined_leader, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	reap(pid);
}

/* A thread whose leader is a zombie without an address space */
TEST_F(cpuset, orphan_thread)
{
	pid_t pid = spawn_orphan_thread(self, map_with_confined_thread);
	uint64_t phys = phys_of(*self->tid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(*self->tid, self->mem));
	reap(pid);
}

/* And the zombie itself, though it still is in its cgroup, has no say */
TEST_F(cpuset, zombie_leader)
{
	pid_t pid = spawn_orphan_thread(self, map_with_confined_leader);
	uint64_t phys = phys_of(*self->tid, self->mem);

	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(*self->tid, self->mem));
	reap(pid);
}

TEST_F(cpuset, zombie_process)
{
	pid_t confined = spawn(map_confined, self);
	pid_t pid = spawn(map_unconfined, self);
	uint64_t phys = phys_of(pid, self->mem);
	siginfo_t info;

	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, MPOL_MF_MOVE_ALL));
	ASSERT_EQ(0, kill(confined, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, confined, &info, WEXITED | WNOWAIT));
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	ASSERT_EQ(confined, waitpid(confined, NULL, 0));
	reap(pid);
}

/* One of several mappers is enough, wherever it is in the reverse map */
TEST_F(cpuset, one_of_many)
{
	const int count = 9;
	pid_t pids[count];
	int confined, i;

	for (confined = 0; confined < count; confined += count / 2) {
		for (i = 0; i < count; i++)
			pids[i] = spawn(i == confined ? map_confined :
							map_unconfined, self);
		EXPECT_OUTCOME(0, -EACCES,
			       move_one(phys_of(pids[0], self->mem), self->to,
					MPOL_MF_MOVE_ALL));
		EXPECT_EQ(self->from, node_of(pids[0], self->mem));
		for (i = 0; i < count; i++)
			reap(pids[i]);
	}
}

/* Who has the file mapped, but never touched it, does not map the page */
TEST_F(cpuset, not_mapping)
{
	pid_t idle = spawn(be_confined, self);
	pid_t pid = spawn(map_unconfined, self);
	static const int flags[] = { 0, MPOL_MF_MOVE_ALL, MPOL_MF_STRICT };
	uint64_t phys;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, flags[i]));
		EXPECT_EQ(self->to, node_of(pid, self->mem));
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	}
	reap(pid);
	reap(idle);
}

/* Refused entries are no failures, and do not keep others from moving */
TEST_F(cpuset, among_others)
{
	const unsigned long count = 700;
	/* First the process, lest it shares the rest */
	pid_t pid = spawn(map_confined, self);
	char *mem = alloc_memory(ANON, self->from, count, SEED);
	struct request *req = request_new(2 * count);
	uint64_t phys = phys_of(pid, self->mem);
	unsigned long i;

	for (i = 0; i < count; i++) {
		request_set(req, 2 * i, phys, self->to);
		request_set(req, 2 * i + 1, phys_of(0, mem + i * page_size()),
			    self->to);
	}
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(count, request_count(req, -EACCES));
	EXPECT_EQ(count, request_count(req, self->to));
	EXPECT_EQ(count, count_on_node(0, mem, count, self->to));
	EXPECT_TRUE(intact(mem, count * page_size(), SEED));
	reap(pid);
}

/* The caller maps nothing, so that its own cpuset does not matter */
TEST_F(cpuset, of_caller)
{
	pid_t pid = spawn(map_unconfined, self);
	uint64_t phys = phys_of(pid, self->mem);

	join(self->outside);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_HARNESS_MAIN
