// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL ends a long call, but other signals do not. A page that is locked or
 * migrating does not prolong a call.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	29
#define COUNT	(4UL * 1024 * 1024)

FIXTURE(killable)
{
	int from, to;
	char *mem;
	int *status;		/* in memory shared with the caller, which is killed */
	uint64_t phys[2];
	pid_t pid;
};

FIXTURE_VARIANT(killable)
{
	bool query;
	bool move;		/* else the pages are on their targets already */
};

FIXTURE_VARIANT_ADD(killable, query)
{
	.query = true,
};

FIXTURE_VARIANT_ADD(killable, nothing_to_move)
{
	.query = false,
};

FIXTURE_VARIANT_ADD(killable, move)
{
	.move = true,
};

FIXTURE_SETUP(killable)
{
	int i;

	TWO_NODES(self->from, self->to);
	self->mem = alloc_memory(memfd_or_anon(), self->from, 2, SEED);
	for (i = 0; i < 2; i++)
		self->phys[i] = phys_of(0, self->mem + i * page_size());
	self->status = (int *)map_memory(SHMEM,
					 COUNT * sizeof(int) / page_size());
	for (i = 0; i < (int)COUNT; i++)
		self->status[i] = PRESET;
}

FIXTURE_TEARDOWN(killable)
{
	EXPECT_TRUE(intact(self->mem, 2 * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

static struct request *long_request(FIXTURE_DATA(killable) *self, bool move)
{
	struct request *req = request_new(COUNT);
	unsigned long i;

	for (i = 0; i < COUNT; i++)
		request_set(req, i, self->phys[i % 2],
			    move && i % 2 ? self->to : self->from);
	return req;
}

TEST_F(killable, sigkill)
{
	int how;

	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		struct request *req = long_request(self, variant->move);

		move_phys_pages(COUNT, req->pages,
				variant->query ? NULL : req->nodes,
				self->status, MPOL_MF_MOVE_ALL);
		_exit(0);
	}
	/* The first status tells that the call has begun to handle entries */
	while (__atomic_load_n(self->status, __ATOMIC_SEQ_CST) == PRESET)
		;
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	ASSERT_EQ(self->pid, waitpid(self->pid, &how, 0));
	ASSERT_TRUE(WIFSIGNALED(how));
	EXPECT_EQ(SIGKILL, WTERMSIG(how));
	/* The call did not handle the remaining entries first */
	EXPECT_EQ(PRESET, self->status[COUNT - 1]);
}

static unsigned int ticks;

static void tick(int sig)
{
	__atomic_fetch_add(&ticks, 1, __ATOMIC_SEQ_CST);
}

TEST_F(killable, lesser_signals)
{
	const struct itimerval often = {
		.it_interval = { .tv_usec = 1000 },
		.it_value = { .tv_usec = 1000 },
	};
	const struct itimerval never = { { 0 } };
	struct request *req = long_request(self, variant->move);
	unsigned long known;

	ASSERT_NE(SIG_ERR, signal(SIGALRM, tick));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(0, variant->query ? request_query(req, 0) :
				      request_move(req, MPOL_MF_MOVE_ALL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_NE(0, __atomic_load_n(&ticks, __ATOMIC_SEQ_CST));
	/* After the page has moved, no process maps its old frame */
	known = request_count(req, self->from) +
		(variant->move ? request_count(req, self->to) +
				 request_count(req, -ENOENT) : 0);
	EXPECT_EQ(COUNT, known);
}

/*
 * Another process keeps the last page of a file locked. A call does not wait
 * for it: it moves all other pages, and keeps no file of other processes open.
 */
#define PAGES	16
#define OTHERS	2
#define FILE_OF_OTHERS	"/tmp/mpp-killable"

FIXTURE(locked)
{
	int from, to;
	char dir[DIR_SIZE];
	char *mem, *last, *others;
	struct request *req;
	long *left;		/* the result of the call */
	pid_t holder, owner;
};

static void own_file(void *arg)
{
	FIXTURE_DATA(locked) *self = arg;
	const size_t size = OTHERS * page_size();
	int fd = open(FILE_OF_OTHERS, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || ftruncate(fd, size) ||
	    mmap(self->others, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) != self->others)
		die("cannot own %s", FILE_OF_OTHERS);
	close(fd);
	touch_on(self->from, self->others, size);
}

static pid_t child_that(void (*fn)(FIXTURE_DATA(locked) *),
			FIXTURE_DATA(locked) *self)
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot make a process");
	if (!pid) {
		fn(self);
		_exit(0);
	}
	return pid;
}

static void write_last(FIXTURE_DATA(locked) *self)
{
	*self->last = 1;
}

static void move_all(FIXTURE_DATA(locked) *self)
{
	struct request *req = self->req;

	*self->left = move_phys_pages(req->count, req->pages, req->nodes,
				      req->status, MPOL_MF_MOVE_ALL);
}

FIXTURE_SETUP(locked)
{
	int cpu, i;

	TWO_NODES(self->from, self->to);
	NEEDS_KIND(SHMEM);
	if (!mount_temp(self->dir, "migrate_phys_fs", NULL))
		SKIP_TEST("needs CONFIG_MIGRATE_PHYS_TEST_FS");
	self->mem = map_temp(self->dir, "locked", PAGES);

	/* Allocate all pages on the node of this CPU */
	ASSERT_EQ(1, allowed_cpus(&cpu, 1));
	run_on(cpu);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(0, peek(self->mem + i * page_size()));
	if (node_of(0, self->mem) == self->to) {
		self->to = self->from;
		self->from = node_of(0, self->mem);
	}
	ASSERT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->from));

	self->others = map_memory(ANON, OTHERS);
	self->owner = spawn(own_file, self);

	self->req = request_new(OTHERS + PAGES);
	for (i = 0; i < OTHERS; i++)
		request_set(self->req, i,
			    phys_of(self->owner, self->others + i * page_size()),
			    self->to);
	request_set_pages(self->req, OTHERS, self->mem, PAGES, self->to);
	self->req->status = (int *)map_memory(SHMEM, 1);
	self->left = (long *)map_memory(SHMEM, 1);
	*self->left = PRESET;
	for (i = 0; i < OTHERS + PAGES; i++)
		self->req->status[i] = PRESET;

	self->last = self->mem + (PAGES - 1) * page_size();
	self->holder = child_that(write_last, self);
	while (!page_has(phys_of(0, self->last), KPF_LOCKED))
		ASSERT_EQ(0, waitpid(self->holder, NULL, WNOHANG));
}

FIXTURE_TEARDOWN(locked)
{
	EXPECT_EQ(0, munmap(self->mem, PAGES * page_size()));
	EXPECT_EQ(0, unlink(FILE_OF_OTHERS));
	EXPECT_TRUE(unmount_temp(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

/* Calls from another process, which is killed if the call waits */
static void call_at_once(struct __test_metadata *_metadata,
			 FIXTURE_DATA(locked) *self)
{
	pid_t caller = child_that(move_all, self);
	int how = exit_of(caller);

	if (how < 0) {
		reap(caller);
		TH_LOG("The call waits for a locked page.");
	}
	EXPECT_EQ(0, how);
}

TEST_F(locked, busy_at_once)
{
	call_at_once(_metadata, self);
	EXPECT_TRUE(page_has(phys_of(0, self->last), KPF_LOCKED));
	EXPECT_EQ(1, *self->left);
	EXPECT_EQ(-EBUSY, self->req->status[OTHERS + PAGES - 1]);
	EXPECT_EQ(OTHERS + PAGES - 1, request_count(self->req, self->to));
	EXPECT_EQ(PAGES - 1, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_EQ(self->from, node_of(0, self->last));
	EXPECT_EQ(OTHERS, count_on_node(self->owner, self->others, OTHERS,
					self->to));
	EXPECT_EQ(0, isolated_pages());
	reap(self->holder);
	reap(self->owner);
}

TEST_F(locked, until_unlocked)
{
	call_at_once(_metadata, self);
	EXPECT_EQ(-EBUSY, self->req->status[OTHERS + PAGES - 1]);
	reap(self->holder);
	EXPECT_OUTCOME(0, self->to, move_one(phys_of(0, self->last), self->to,
					     MPOL_MF_MOVE_ALL));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	reap(self->owner);
}

TEST_F(locked, files_of_the_dead)
{
	int fd;

	call_at_once(_metadata, self);
	reap(self->owner);
	fd = open(FILE_OF_OTHERS, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
	reap(self->holder);
}

/*
 * Another process is migrating a page of this process. No process maps the page
 * until the migration ends. A move must not take it for an unmapped page, and
 * neither move nor query wait for it.
 */
FIXTURE(moving)
{
	int from, to;
	char dir[DIR_SIZE];
	char *mem;
	uint64_t phys;
	pid_t mover;
};

static void keep_migrating(pid_t pid, void *mem, int node)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(__NR_move_pages, pid, 1, &mem, &node, &status, MPOL_MF_MOVE);
	die("the migration has ended");
}

FIXTURE_SETUP(moving)
{
	pid_t pid = getpid();

	TWO_NODES(self->from, self->to);
	if (!mount_temp(self->dir, "migrate_phys_fs", NULL))
		SKIP_TEST("needs CONFIG_MIGRATE_PHYS_TEST_FS");
	self->mem = map_temp(self->dir, "stuck", 1);
	touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
	self->phys = phys_of(0, self->mem);
	self->mover = fork();
	ASSERT_LE(0, self->mover);
	if (!self->mover)
		keep_migrating(pid, self->mem, self->to);
	/* Attempts without MIGRATE_SYNC fail at once, and map the page again. */
	while (phys_of(0, self->mem) || !in_state(self->mover, 'D'))
		ASSERT_EQ(0, waitpid(self->mover, NULL, WNOHANG));
	ASSERT_TRUE(page_has(self->phys, KPF_LOCKED));
}

FIXTURE_TEARDOWN(moving)
{
	EXPECT_EQ(0, munmap(self->mem, page_size()));
	EXPECT_TRUE(unmount_temp(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(moving, busy_at_once)
{
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_OUTCOME(1, -EBUSY, move_one(self->phys, self->to, flags));
		EXPECT_OUTCOME(1, -EBUSY, move_one(self->phys, self->from, flags));
	}
	EXPECT_OUTCOME(0, -ENOENT, query_one(self->phys));
	reap(self->mover);
	/* The migration has failed, and has mapped the page again. */
	EXPECT_EQ(self->phys, phys_of(0, self->mem));
	EXPECT_OUTCOME(0, self->from, query_one(self->phys));
	EXPECT_OUTCOME(0, self->from, move_one(self->phys, self->from, 0));
	EXPECT_TRUE(intact(self->mem, page_size(), SEED));
}

TEST_HARNESS_MAIN
