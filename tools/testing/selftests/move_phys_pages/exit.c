// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task that is exiting constrains nothing, although it still has its address
 * space and its cpuset.
 *
 * To stop a task at that point: do_exit() marks the task as exiting and then
 * reads its list of robust futexes. That list is in a FUSE file, whose pages
 * the test never provides.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "fuse.h"
#include "util.h"

#define SEED		29
#define ROOT		"/sys/fs/cgroup"
#define TASKS		2
#define PF_EXITING	0x4	/* as in /proc/PID/stat */

/* The constraints of a task */
enum constraint { CPUSET, POLICY, LABEL };

struct role {
	bool exits;
	bool constrained;
};

struct task {
	struct role role;
	unsigned int nr;
	pid_t tid;
	char stack[64 * 1024];
};

FIXTURE(exiting)
{
	int from, to;
	enum constraint constraint;
	bool cpusets;
	char domain[64];
	char confined[80];
	struct fuse_file file;
	int started[2];
	enum memory kind;
	char *mem;
	struct task *tasks;
};

/*
 * The first task is a process. The second one shares its address space, as
 * another thread or as another process.
 */
FIXTURE_VARIANT(exiting)
{
	struct role roles[TASKS];
	int clone_flags;	/* of the second task; 0: there is none */
	bool moves;
};

#define THREAD	(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
/* CLONE_PARENT makes the second process a child of the test, too */
#define PROCESS	(CLONE_VM | CLONE_PARENT | SIGCHLD)

FIXTURE_VARIANT_ADD(exiting, alone)
{
	.roles = { { .exits = true, .constrained = true } },
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, alone_alive)
{
	.roles = { { .constrained = true } },
};

FIXTURE_VARIANT_ADD(exiting, both_processes)
{
	.roles = { { .exits = true, .constrained = true },
		   { .exits = true, .constrained = true } },
	.clone_flags = PROCESS,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, constrained_first_process)
{
	.roles = { { .exits = true, .constrained = true }, { } },
	.clone_flags = PROCESS,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, constrained_second_process)
{
	.roles = { { }, { .exits = true, .constrained = true } },
	.clone_flags = PROCESS,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, first_of_constrained_process)
{
	.roles = { { .exits = true }, { .constrained = true } },
	.clone_flags = PROCESS,
};

FIXTURE_VARIANT_ADD(exiting, second_of_constrained_process)
{
	.roles = { { .constrained = true }, { .exits = true } },
	.clone_flags = PROCESS,
};

FIXTURE_VARIANT_ADD(exiting, both_threads)
{
	.roles = { { .exits = true, .constrained = true },
		   { .exits = true, .constrained = true } },
	.clone_flags = THREAD,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, constrained_leader)
{
	.roles = { { .exits = true, .constrained = true }, { } },
	.clone_flags = THREAD,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, constrained_thread)
{
	.roles = { { }, { .exits = true, .constrained = true } },
	.clone_flags = THREAD,
	.moves = true,
};

FIXTURE_VARIANT_ADD(exiting, leader_of_constrained_thread)
{
	.roles = { { .exits = true }, { .constrained = true } },
	.clone_flags = THREAD,
};

FIXTURE_VARIANT_ADD(exiting, thread_of_constrained_leader)
{
	.roles = { { .constrained = true }, { .exits = true } },
	.clone_flags = THREAD,
};

static void make_cgroups(FIXTURE_DATA(exiting) *self)
{
	snprintf(self->domain, sizeof(self->domain), ROOT "/mpp-%d", getpid());
	snprintf(self->confined, sizeof(self->confined), "%s/confined",
		 self->domain);
	if (mkdir(self->domain, 0755) || mkdir(self->confined, 0755))
		die("cannot create %s", self->confined);
	write_in(self->confined, "cgroup.type", "threaded");
	write_in(self->domain, "cgroup.subtree_control", "+cpuset");
	write_in(self->confined, "cpuset.mems", "%d", self->from);
}

FIXTURE_SETUP(exiting)
{
	TWO_NODES(self->from, self->to);
	if (!fuse_mount(&self->file, TASKS * page_size(), BIT(FUSE_READ), NULL))
		SKIP_TEST("needs CONFIG_FUSE_FS");
	self->cpusets = try_write_file(ROOT "/cgroup.subtree_control",
				       "+cpuset");
	if (self->cpusets)
		make_cgroups(self);
	ASSERT_EQ(0, pipe(self->started));
	self->kind = memfd_or_anon();
	self->mem = map_memory(self->kind, 1);
	self->tasks = (void *)map_memory(SHMEM, sizeof(*self->tasks) * TASKS /
						page_size() + 1);
}

FIXTURE_TEARDOWN(exiting)
{
	unsigned int i;

	/* Tasks that wait for the file end now */
	fuse_abort(&self->file);
	for (i = 0; i < TASKS; i++) {
		if (i && variant->clone_flags != PROCESS)
			continue;
		if (self->tasks[i].tid)
			reap(self->tasks[i].tid);
	}
	/*
	 * A skipped test has not filled the memory, and this process does not
	 * map the anonymous memory of the tasks
	 */
	if (self->tasks[0].tid && self->kind != ANON)
		EXPECT_TRUE(intact(self->mem, page_size(), SEED));
	fuse_unmount(&self->file);
	if (self->cpusets) {
		EXPECT_TRUE(remove_cgroup(self->confined));
		EXPECT_TRUE(remove_cgroup(self->domain));
	}
	EXPECT_EQ(0, isolated_pages());
}

static void be_constrained(const FIXTURE_DATA(exiting) *self)
{
	unsigned long mask = 1UL << self->from;

	switch (self->constraint) {
	case CPUSET:
		write_in(self->confined, "cgroup.threads", "0");
		break;
	case POLICY:
		if (syscall(__NR_set_mempolicy, MPOL_BIND, &mask,
			    8 * sizeof(mask) + 1))
			die("cannot set the policy of a task");
		break;
	case LABEL:
		write_file("/proc/thread-self/attr/smack/current", "mpp-exiting");
	}
}

/*
 * Each task waits for a page of its own. Two that wait for the same page would
 * make only one request.
 */
static void hold_exit(const FIXTURE_DATA(exiting) *self, unsigned int nr)
{
	const size_t size = TASKS * page_size(), list_size = 3 * sizeof(long);
	int fd = open(self->file.path, O_RDONLY | O_CLOEXEC);
	char *file;

	if (fd < 0)
		die("cannot open the FUSE file");
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		die("cannot map the FUSE file");
	/* No readahead: read only the page that is accessed */
	if (madvise(file, size, MADV_RANDOM) ||
	    syscall(__NR_set_robust_list, file + nr * page_size(), list_size))
		die("cannot have a list of robust futexes in the FUSE file");
}

static void act(const FIXTURE_DATA(exiting) *self, struct task *task)
{
	if (task->role.constrained)
		be_constrained(self);
	task->tid = syscall(__NR_gettid);
	if (write(self->started[1], "", 1) != 1)
		die("cannot report the start of task %u", task->nr);
	if (task->role.exits) {
		hold_exit(self, task->nr);
		syscall(__NR_exit, 0);
	}
	for (;;)
		pause();
}

static FIXTURE_DATA(exiting) *fixture;

static int act_second(void *task)
{
	act(fixture, task);
	return 0;
}

static void start(FIXTURE_DATA(exiting) *self, int clone_flags)
{
	struct task *second = &self->tasks[1];
	pid_t pid = fork();
	struct stat st;

	if (pid < 0)
		die("cannot create a process");
	if (pid)
		return;
	/* Otherwise the tasks that wait for the file would keep FUSE connected */
	close(self->file.dev);
	/*
	 * FUSE takes a file for empty until its size is requested. A later
	 * request would drop the pages that the other task is reading, and wait
	 * for them.
	 */
	if (stat(self->file.path, &st))
		die("the FUSE file has no size");
	if (self->cpusets)
		write_in(self->domain, "cgroup.procs", "0");
	touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
	fixture = self;
	if (clone_flags && clone(act_second, second->stack +
				 sizeof(second->stack), clone_flags, second) < 0)
		die("cannot create the second task");
	act(self, &self->tasks[0]);
}

static bool is_exiting(pid_t tid)
{
	char path[64], stat[512];
	unsigned int flags;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	read_file(path, stat, sizeof(stat));
	if (sscanf(strrchr(stat, ')'), ") %*c %*d %*d %*d %*d %*d %u",
		   &flags) != 1)
		die("%s has no flags", path);
	return flags & PF_EXITING;
}

/* Starts the tasks, and returns the page's address once each plays its role */
static uint64_t set_the_scene(struct __test_metadata *_metadata,
			      FIXTURE_DATA(exiting) *self,
			      const FIXTURE_VARIANT(exiting) *variant,
			      enum constraint constraint)
{
	unsigned int i, count = variant->clone_flags ? 2 : 1, exits = 0;
	char byte;

	self->constraint = constraint;
	for (i = 0; i < count; i++) {
		self->tasks[i].role = variant->roles[i];
		self->tasks[i].nr = i;
		exits += variant->roles[i].exits;
	}
	start(self, variant->clone_flags);
	fuse_serve(&self->file, FUSE_GETATTR, 1);
	for (i = 0; i < count; i++)
		ASSERT_EQ(1, read(self->started[0], &byte, 1));
	fuse_serve(&self->file, FUSE_READ, exits);
	for (i = 0; i < count; i++)
		EXPECT_EQ(variant->roles[i].exits,
			  is_exiting(self->tasks[i].tid));
	return phys_of(self->tasks[0].tid, self->mem);
}

static void check_node(struct __test_metadata *_metadata,
		       const FIXTURE_DATA(exiting) *self,
		       const FIXTURE_VARIANT(exiting) *variant)
{
	EXPECT_EQ(variant->moves ? self->to : self->from,
		  node_of(self->tasks[0].tid, self->mem));
}

TEST_F(exiting, cpuset)
{
	uint64_t phys;

	if (!self->cpusets)
		SKIP(return, "needs CONFIG_CPUSETS");
	phys = set_the_scene(_metadata, self, variant, CPUSET);
	EXPECT_OUTCOME(0, self->from, query_one(phys));
	EXPECT_OUTCOME(0, variant->moves ? self->to : -EACCES,
		       move_one(phys, self->to, 0));
	check_node(_metadata, self, variant);
}

TEST_F(exiting, policy)
{
	uint64_t phys = set_the_scene(_metadata, self, variant, POLICY);

	EXPECT_OUTCOME(0, variant->moves ? self->to : -EACCES,
		       move_one(phys, self->to, MPOL_MF_STRICT));
	check_node(_metadata, self, variant);
}

TEST_F(exiting, label)
{
	uint64_t phys;

	if (access("/sys/fs/smackfs", F_OK))
		SKIP(return, "needs CONFIG_SECURITY_SMACK");
	phys = set_the_scene(_metadata, self, variant, LABEL);
	use_caps(~BIT(CAP_MAC_OVERRIDE));
	EXPECT_OUTCOME(0, variant->moves ? self->to : -EACCES,
		       move_one(phys, self->to, 0));
	use_caps(~0ULL);
	check_node(_metadata, self, variant);
}

TEST_HARNESS_MAIN
