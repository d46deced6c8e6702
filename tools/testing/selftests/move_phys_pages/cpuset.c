// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every task of every address space that maps a page must be allowed to use the
 * target. No other task is checked.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	19
#define ROOT	"/sys/fs/cgroup"

/*
 * Cgroups of a test. The cgroup "confined" is below "domain" and may have
 * single threads as members; "outside" is not below it. Both of them allow only
 * the source node.
 */
struct cgroups {
	bool v1;
	int from, to;
	char root[32];
	char domain[64];
	char confined[80];
	char outside[64];
};

/*
 * The cpuset controller can move between v1 and v2 only some time after its
 * last cgroup was removed, so wait.
 */
static bool eventually(bool (*is_so)(const char *dir), const char *dir)
{
	int tries = 10000;

	while (!is_so(dir)) {
		if (!--tries)
			return false;
		usleep(1000);
	}
	return true;
}

static bool mount_v1(const char *dir)
{
	return !mount("mpp", dir, "cgroup", 0, "cpuset");
}

static bool has_root_only(const char *dir)
{
	char cgroups[4096], *line;
	int count;

	read_file("/proc/cgroups", cgroups, sizeof(cgroups));
	line = strstr(cgroups, "\ncpuset\t");
	return line && sscanf(line, " cpuset %*d %d", &count) == 1 &&
	       count == 1;
}

static bool is_in_v2(const char *dir)
{
	char controllers[256];

	read_file(ROOT "/cgroup.controllers", controllers, sizeof(controllers));
	return strstr(controllers, "cpuset");
}

/*
 * A hierarchy that still has cgroups would stay after umount(), so wait until
 * they are gone. Then wait until v2 has the controller again.
 */
static bool umount_v1(const char *dir)
{
	return eventually(has_root_only, dir) && !umount(dir) &&
	       eventually(is_in_v2, dir);
}

static void set_mems(const char *dir, int node)
{
	write_in(dir, "cpuset.mems", "%d", node);
}

static void allow_both(const char *dir, const struct cgroups *cg)
{
	write_in(dir, "cpuset.mems", "%d,%d", cg->from, cg->to);
}

/* join() moves the whole process to a cgroup, join_thread() only this thread */
static void join(const char *dir)
{
	write_in(dir, "cgroup.procs", "0");
}

static void join_thread(const struct cgroups *cg, const char *dir)
{
	write_in(dir, cg->v1 ? "tasks" : "cgroup.threads", "0");
}

static void make_cgroup(const struct cgroups *cg, const char *dir)
{
	char path[96], cpus[64];

	if (mkdir(dir, 0755))
		die("cannot create %s", dir);
	if (!cg->v1)
		return;
	/* A new cpuset of v1 inherits nothing */
	snprintf(path, sizeof(path), "%s/cpuset.cpus", cg->root);
	read_file(path, cpus, sizeof(cpus));
	write_in(dir, "cpuset.cpus", "%s", cpus);
	allow_both(dir, cg);
}

/* Returns the reason to skip the test, or NULL */
static const char *make_cgroups(struct cgroups *cg, bool v1)
{
	if (access(ROOT "/cgroup.subtree_control", W_OK))
		return "needs cgroup2 on " ROOT;
	if (!try_write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		return "needs CONFIG_CPUSETS";
	cg->v1 = v1;
	snprintf(cg->root, sizeof(cg->root), ROOT);
	if (v1) {
		write_in(ROOT, "cgroup.subtree_control", "-cpuset");
		snprintf(cg->root, sizeof(cg->root), "/tmp/mpp-%d", getpid());
		if (mkdir(cg->root, 0755))
			die("cannot create %s", cg->root);
		if (!eventually(mount_v1, cg->root)) {
			rmdir(cg->root);
			return "needs CONFIG_CPUSETS_V1";
		}
	}
	snprintf(cg->domain, sizeof(cg->domain), "%s/mpp-%d", cg->root,
		 getpid());
	snprintf(cg->outside, sizeof(cg->outside), "%s/mpp-%d-out", cg->root,
		 getpid());
	snprintf(cg->confined, sizeof(cg->confined), "%s/confined",
		 cg->domain);
	make_cgroup(cg, cg->domain);
	make_cgroup(cg, cg->outside);
	make_cgroup(cg, cg->confined);
	if (!v1) {
		write_in(cg->confined, "cgroup.type", "threaded");
		write_in(cg->domain, "cgroup.subtree_control", "+cpuset");
	}
	set_mems(cg->confined, cg->from);
	set_mems(cg->outside, cg->from);
	return NULL;
}

static bool remove_cgroups(const struct cgroups *cg)
{
	join(cg->root);
	return remove_cgroup(cg->confined) && remove_cgroup(cg->domain) &&
	       remove_cgroup(cg->outside) &&
	       (!cg->v1 || (umount_v1(cg->root) && !rmdir(cg->root)));
}

FIXTURE(cpuset)
{
	struct cgroups cg;
	int from, to;
	char *mem;
	pid_t *tid;		/* of the other task of a mapper; 0 until it runs */
};

FIXTURE_VARIANT(cpuset)
{
	bool v1;
};

FIXTURE_VARIANT_ADD(cpuset, v2)
{
	.v1 = false,
};

FIXTURE_VARIANT_ADD(cpuset, v1)
{
	.v1 = true,
};

static void map_unconfined(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
}

FIXTURE_SETUP(cpuset)
{
	const char *missing;

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(MEMFD);
	self->cg.from = self->from;
	self->cg.to = self->to;
	missing = make_cgroups(&self->cg, variant->v1);
	if (missing)
		SKIP_TEST("%s", missing);
	self->mem = map_memory(MEMFD, 1);
	self->tid = (pid_t *)map_memory(SHMEM, 1);
	/* The page stays in the file after this process has ended */
	reap(spawn(map_unconfined, self));
}

FIXTURE_TEARDOWN(cpuset)
{
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
	EXPECT_TRUE(remove_cgroups(&self->cg));
	EXPECT_EQ(0, isolated_pages());
}

/* Kinds of mappers */
static void be_confined(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	join(self->cg.outside);
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

	join_thread(&self->cg, self->cg.confined);
	__atomic_store_n(self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

/* A new sibling is in the cgroup of its creator, which is not confined yet. */
static void stay_unconfined(void *arg)
{
}

static void *be_confined_thread_with_sibling(void *arg)
{
	spawn_vm(stay_unconfined, arg);
	return be_confined_thread(arg);
}

static void *be_unconfined_thread(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	join_thread(&self->cg, self->cg.domain);
	__atomic_store_n(self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void await_other(FIXTURE_DATA(cpuset) *self)
{
	while (!__atomic_load_n(self->tid, __ATOMIC_SEQ_CST))
		usleep(1000);
}

static void start_thread(FIXTURE_DATA(cpuset) *self, void *(*fn)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, self))
		die("cannot create a thread");
	await_other(self);
}

static void map_with_thread(FIXTURE_DATA(cpuset) *self, void *(*fn)(void *))
{
	map_unconfined(self);
	join(self->cg.domain);
	start_thread(self, fn);
}

static void map_with_confined_thread(void *arg)
{
	map_with_thread(arg, be_confined_thread);
}

static void map_with_confined_thread_and_sibling(void *arg)
{
	map_with_thread(arg, be_confined_thread_with_sibling);
}

static void map_with_confined_leader(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	map_with_thread(self, be_unconfined_thread);
	join_thread(&self->cg, self->cg.confined);
}

/* Returns a process whose leader has exited, but not its other thread */
static pid_t spawn_orphan_thread(FIXTURE_DATA(cpuset) *self,
				 void (*map)(void *))
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot create a process");
	if (!pid) {
		map(self);
		syscall(__NR_exit, 0);
	}
	while (!in_state(pid, 'Z'))
		usleep(1000);
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
	/* The next call must check the cpuset again */
	allow_both(self->cg.outside, &self->cg);
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
	allow_both(self->cg.outside, &self->cg);
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
	allow_both(self->cg.confined, &self->cg);
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

/*
 * The cpuset of a thread counts even if its leader is a zombie without an address
 * space. If another process shares the address space of the thread, the call
 * finds the thread only by a search of all processes.
 */
TEST_F(cpuset, orphan_thread)
{
	void (*const maps[])(void *) = {
		map_with_confined_thread, map_with_confined_thread_and_sibling,
	};
	uint64_t phys;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		*self->tid = 0;
		pid = spawn_orphan_thread(self, maps[i]);
		phys = phys_of(*self->tid, self->mem);
		EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
		EXPECT_EQ(phys, phys_of(*self->tid, self->mem));
		allow_both(self->cg.confined, &self->cg);
		EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
		EXPECT_EQ(self->to, node_of(*self->tid, self->mem));
		phys = phys_of(*self->tid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
		set_mems(self->cg.confined, self->from);
		reap(pid);
	}
}

/* The zombie is still in its cgroup, but the cpuset of a zombie does not count */
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

/*
 * An io_uring worker is a task of the process, too. It starts in the cgroup of
 * the thread that made the ring.
 */
static void map_with_confined_worker(void *arg)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };
	FIXTURE_DATA(cpuset) *self = arg;

	map_unconfined(self);
	join(self->cg.domain);
	join_thread(&self->cg, self->cg.confined);
	if (syscall(__NR_io_uring_setup, 1, &params) < 0)
		die("no io_uring");
	join_thread(&self->cg, self->cg.domain);
}

TEST_F(cpuset, io_worker)
{
	struct io_uring_params params = { };
	pid_t pid;
	uint64_t phys;
	int fd;

	fd = syscall(__NR_io_uring_setup, 1, &params);
	if (fd < 0)
		SKIP(return, "needs CONFIG_IO_URING");
	close(fd);
	pid = spawn(map_with_confined_worker, self);
	phys = phys_of(pid, self->mem);
	EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	allow_both(self->cg.confined, &self->cg);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

/* The child of vfork() shares the address space of its parent, which sleeps */
struct vfork {
	FIXTURE_DATA(cpuset) *self;
	bool parent_confined;
};

static int be_vforked(void *arg)
{
	struct vfork *v = arg;

	join(v->parent_confined ? v->self->cg.domain : v->self->cg.outside);
	__atomic_store_n(v->self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return 0;
}

static pid_t spawn_vfork(FIXTURE_DATA(cpuset) *self, bool parent_confined)
{
	struct vfork v = { self, parent_confined };
	static char stack[64 * 1024];
	pid_t pid = fork();

	if (pid < 0)
		die("cannot create a process");
	if (!pid) {
		map_unconfined(self);
		join(parent_confined ? self->cg.outside : self->cg.domain);
		/* CLONE_PARENT lets the test wait for this child, too */
		clone(be_vforked, stack + sizeof(stack),
		      CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, &v);
		die("vfork() returned before its child ended");
	}
	await_other(self);
	return pid;
}

TEST_F(cpuset, vfork)
{
	int parent_confined;
	uint64_t phys;
	pid_t pid;

	for (parent_confined = 0; parent_confined < 2; parent_confined++) {
		pid = spawn_vfork(self, parent_confined);
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
		EXPECT_EQ(phys, phys_of(*self->tid, self->mem));
		allow_both(self->cg.outside, &self->cg);
		EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
		EXPECT_EQ(self->to, node_of(*self->tid, self->mem));
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
		set_mems(self->cg.outside, self->from);
		/* End the parent first, so that it does not return from vfork() */
		reap(pid);
		reap(*self->tid);
		*self->tid = 0;
	}
}

/* Tasks that are stopped or traced count like any other */
static void stop(pid_t pid)
{
	if (kill(pid, SIGSTOP) || waitpid(pid, NULL, WUNTRACED) != pid)
		die("process %d is still running", pid);
}

static void trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
	    waitpid(pid, NULL, 0) != pid)
		die("process %d is not traced", pid);
}

TEST_F(cpuset, halted)
{
	void (*const halts[])(pid_t pid) = { stop, trace };
	uint64_t phys;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(halts); i++) {
		pid = spawn(map_confined, self);
		halts[i](pid);
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
		EXPECT_EQ(phys, phys_of(pid, self->mem));
		allow_both(self->cg.outside, &self->cg);
		EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
		EXPECT_EQ(self->to, node_of(pid, self->mem));
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
		set_mems(self->cg.outside, self->from);
		reap(pid);
	}
}

static void map_in_confined(void *arg)
{
	FIXTURE_DATA(cpuset) *self = arg;

	map_unconfined(self);
	join(self->cg.domain);
	join_thread(&self->cg, self->cg.confined);
}

/* The effective memory nodes of a cpuset count, not those written to it */
TEST_F(cpuset, nested)
{
	const char *const domain = self->cg.domain;
	int inherits;
	uint64_t phys;
	pid_t pid;

	/* A cpuset of v1 can neither be empty nor exceed its parent */
	if (variant->v1)
		return;
	/* A cpuset with tasks cannot become empty, so test the empty one first */
	for (inherits = 1; inherits >= 0; inherits--) {
		if (inherits)
			write_in(self->cg.confined, "cpuset.mems", "\n");
		else
			allow_both(self->cg.confined, &self->cg);
		pid = spawn(map_in_confined, self);
		set_mems(domain, self->from);
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, -EACCES, move_one(phys, self->to, 0));
		EXPECT_EQ(phys, phys_of(pid, self->mem));
		allow_both(domain, &self->cg);
		EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
		EXPECT_EQ(self->to, node_of(pid, self->mem));
		phys = phys_of(pid, self->mem);
		EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
		reap(pid);
	}
}

/* One confined mapper is enough, wherever it is in the reverse map */
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

/* Pages that fork() shares have one reverse map, so one result holds for all */
TEST_F(cpuset, forked_pages)
{
	const unsigned long count = 8;
	char *mem = alloc_memory(ANON, self->from, count, SEED);
	struct request *req = request_new(count);
	pid_t pid = spawn(be_confined, self);

	request_set_pages(req, 0, mem, count, self->to);
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(count, request_count(req, -EACCES));
	EXPECT_EQ(count, count_on_node(0, mem, count, self->from));
	reap(pid);
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(count, request_count(req, self->to));
	EXPECT_EQ(count, count_on_node(0, mem, count, self->to));
	EXPECT_TRUE(intact(mem, count * page_size(), SEED));
}

/*
 * A process that has the file mapped, but never touched it, does not map the
 * page
 */
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

/* -EACCES does not count as a failure, and the other pages of the call move */
TEST_F(cpuset, among_others)
{
	const unsigned long count = 700;
	/*
	 * Start the process first, so that it does not share the pages
	 * allocated later
	 */
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

/* The caller does not map the page, so its own cpuset does not matter */
TEST_F(cpuset, of_caller)
{
	pid_t pid = spawn(map_unconfined, self);
	uint64_t phys = phys_of(pid, self->mem);

	join(self->cg.outside);
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

/*
 * A cpuset that changes during a call. The call reads its array of addresses
 * through userfaultfd, page by page, and the cpuset may change before each
 * page. A page of the array names at most NAMED_PER_PAGE pages of memory; its
 * other addresses are invalid.
 */
#define ARRAY_PAGES	6
#define NAMED_PER_PAGE	512

FIXTURE(long_call)
{
	struct cgroups cg;
	int from, to;
	char *mem;
	unsigned long count;	/* pages of memory */
	unsigned long stride;	/* entries from one page of memory to the next */
	struct request *req;	/* its array of addresses is read through @uffd */
	uint64_t *array;	/* the contents of the array of addresses */
	int uffd;
	const char *plan;
	bool stop;
};

FIXTURE_VARIANT(long_call)
{
	bool v1;
	bool migrates;		/* the memory of tasks moves when their cpuset changes */
};

FIXTURE_VARIANT_ADD(long_call, v2)
{
	.migrates = true,
};

FIXTURE_VARIANT_ADD(long_call, v1)
{
	.v1 = true,
};

FIXTURE_VARIANT_ADD(long_call, v1_memory_migrate)
{
	.v1 = true,
	.migrates = true,
};

static void map_all_confined(void *arg)
{
	FIXTURE_DATA(long_call) *self = arg;
	const size_t size = self->count * page_size();

	touch_on(self->from, self->mem, size);
	fill(self->mem, size, SEED);
	join(self->cg.outside);
}

FIXTURE_SETUP(long_call)
{
	const char *missing;

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(MEMFD);
	self->cg.from = self->from;
	self->cg.to = self->to;
	self->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (self->uffd < 0)
		SKIP_TEST("needs CONFIG_USERFAULTFD");
	missing = make_cgroups(&self->cg, variant->v1);
	if (missing)
		SKIP_TEST("%s", missing);
	if (variant->v1)
		write_in(self->cg.outside, "cpuset.memory_migrate", "%d",
			 variant->migrates);
	self->count = ARRAY_PAGES * NAMED_PER_PAGE;
	self->stride = page_size() / sizeof(*self->array) / NAMED_PER_PAGE;
	self->mem = map_memory(MEMFD, self->count);
	self->req = request_new(self->count * self->stride);
	self->array = self->req->pages;
}

FIXTURE_TEARDOWN(long_call)
{
	EXPECT_TRUE(intact(self->mem, self->count * page_size(), SEED));
	EXPECT_TRUE(remove_cgroups(&self->cg));
	EXPECT_EQ(0, isolated_pages());
}

static void name_all(FIXTURE_DATA(long_call) *self, pid_t pid)
{
	uint64_t phys[self->count];
	unsigned long i;

	phys_of_pages(pid, self->mem, self->count, phys);
	for (i = 0; i < self->req->count; i++) {
		self->array[i] = i % self->stride ? UINT64_MAX :
						    phys[i / self->stride];
		self->req->nodes[i] = self->to;
	}
}

/*
 * The plan has a letter for each page of the array: 'a' allows the target, 'c'
 * does not.
 */
static void follow_plan(FIXTURE_DATA(long_call) *self, unsigned long page)
{
	if (self->plan[page] == 'a')
		allow_both(self->cg.outside, &self->cg);
	else
		set_mems(self->cg.outside, self->from);
}

static void *bring_array(void *arg)
{
	FIXTURE_DATA(long_call) *self = arg;
	unsigned long page;

	for (page = 0; page < ARRAY_PAGES; page++) {
		struct uffdio_copy copy = { .len = page_size() };
		struct uffd_msg msg;

		if (read(self->uffd, &msg, sizeof(msg)) != sizeof(msg))
			die("userfaultfd reports no fault");
		copy.dst = (uintptr_t)self->req->pages + page * page_size();
		if (msg.arg.pagefault.address != copy.dst)
			die("the pages of the array are not read in order");
		follow_plan(self, page);
		copy.src = (uintptr_t)self->array + page * page_size();
		if (ioctl(self->uffd, UFFDIO_COPY, &copy))
			die("cannot provide page %lu of the array", page);
	}
	return NULL;
}

static long planned_move(FIXTURE_DATA(long_call) *self, const char *plan)
{
	const size_t size = ARRAY_PAGES * page_size();
	pthread_t thread;
	long ret;

	self->plan = plan;
	self->req->pages = (uint64_t *)map_memory(ANON, ARRAY_PAGES);
	watch_missing(self->uffd, self->req->pages, size);
	if (pthread_create(&thread, NULL, bring_array, self))
		die("cannot create a thread");
	ret = request_move(self->req, 0);
	pthread_join(thread, NULL);
	munmap(self->req->pages, size);
	self->req->pages = self->array;
	return ret;
}

/* The cpuset may be checked when the entry is read, or after a later change */
static bool is_possible(const char *plan, int status, int to)
{
	return status == to ? !!strchr(plan, 'a') :
			      status == -EACCES && strchr(plan, 'c');
}

static void check_plan(struct __test_metadata *_metadata,
		       FIXTURE_DATA(long_call) *self, const char *plan,
		       bool migrates)
{
	pid_t pid = spawn(map_all_confined, self);
	/*
	 * Node of the pages that have moved: their cpuset may have moved them
	 * back since
	 */
	int moved = migrates && plan[ARRAY_PAGES - 1] == 'c' ? self->from :
							       self->to;
	unsigned long i, page, n;
	int node[self->count], status;

	name_all(self, pid);
	EXPECT_EQ(0, planned_move(self, plan));
	nodes_of_pages(pid, self->mem, self->count, node);
	for (i = 0; i < self->count; i++) {
		page = i / NAMED_PER_PAGE;
		status = self->req->status[i * self->stride];
		EXPECT_TRUE(is_possible(plan + page, status, self->to));
		EXPECT_EQ(status == self->to ? moved : self->from, node[i]);
	}
	/* Some pages moved and some did not, so the change came during the call */
	n = request_count(self->req, self->to);
	EXPECT_LT(0, n);
	EXPECT_GT(self->count, n);

	/* The next call depends only on the new state of the cpuset */
	set_mems(self->cg.outside, self->from);
	name_all(self, pid);
	n = count_on_node(pid, self->mem, self->count, self->to);
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(n, request_count(self->req, self->to));
	EXPECT_EQ(self->count - n, request_count(self->req, -EACCES));
	allow_both(self->cg.outside, &self->cg);
	name_all(self, pid);
	EXPECT_EQ(0, request_move(self->req, 0));
	EXPECT_EQ(self->count, request_count(self->req, self->to));
	EXPECT_EQ(self->count,
		  count_on_node(pid, self->mem, self->count, self->to));
	reap(pid);
}

TEST_F(long_call, becomes_confined)
{
	check_plan(_metadata, self, "aaaccc", variant->migrates);
}

TEST_F(long_call, becomes_allowed)
{
	check_plan(_metadata, self, "cccaaa", variant->migrates);
}

TEST_F(long_call, back_and_forth)
{
	check_plan(_metadata, self, "acacac", variant->migrates);
}

/* Changes the cpuset at arbitrary times, not only between pages of the array */
static void *change_mind(void *arg)
{
	FIXTURE_DATA(long_call) *self = arg;

	while (!__atomic_load_n(&self->stop, __ATOMIC_SEQ_CST)) {
		set_mems(self->cg.outside, self->from);
		allow_both(self->cg.outside, &self->cg);
	}
	return NULL;
}

TEST_F(long_call, rewritten)
{
	pid_t pid = spawn(map_all_confined, self);
	unsigned long moved, i;
	pthread_t thread;
	int round;

	for (round = 0; round < 5; round++) {
		name_all(self, pid);
		self->stop = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, change_mind, self));
		EXPECT_EQ(0, request_move(self->req, 0));
		__atomic_store_n(&self->stop, true, __ATOMIC_SEQ_CST);
		pthread_join(thread, NULL);
		moved = request_count(self->req, self->to);
		EXPECT_EQ(self->count - moved,
			  request_count(self->req, -EACCES));
		for (i = 0; i < self->count && !variant->migrates; i++)
			EXPECT_EQ(self->req->status[i * self->stride] ==
				  self->to ? self->to : self->from,
				  node_of(pid, self->mem + i * page_size()));
		/* Move all pages back for the next round */
		name_all(self, pid);
		for (i = 0; i < self->req->count; i++)
			self->req->nodes[i] = self->from;
		EXPECT_EQ(0, request_move(self->req, 0));
		EXPECT_EQ(self->count, request_count(self->req, self->from));
	}
	reap(pid);
}

TEST_HARNESS_MAIN
