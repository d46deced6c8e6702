// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LSM is asked for every task of every address space that maps a page.
 *
 * Smack needs no policy but rules: a rule allows tasks with one label to write
 * to tasks with another, or not.
 */
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	31
#define CALLER	"mpp-caller"
#define MAPPER	"mpp-mapper"

FIXTURE(lsm)
{
	int from, to;
	char dir[DIR_SIZE];
	enum memory kind;
	char *mem;
	pid_t *tid;		/* of the second thread of a mapper; 0 until it runs */
};

static void set_label(const char *label)
{
	write_file("/proc/thread-self/attr/smack/current", label);
}

static void set_rule(const FIXTURE_DATA(lsm) *self, const char *subject,
		     const char *object, const char *access)
{
	write_in(self->dir, "load2", "%s %s %s", subject, object, access);
}

FIXTURE_SETUP(lsm)
{
	TWO_NODES(self->from, self->to);
	if (access("/sys/fs/smackfs", F_OK))
		SKIP_TEST("needs CONFIG_SECURITY_SMACK");
	ASSERT_TRUE(mount_temp(self->dir, "smackfs", NULL));
	self->kind = memfd_or_anon();
	self->mem = map_memory(self->kind, 1);
	self->tid = (pid_t *)map_memory(SHMEM, 1);
	set_label(CALLER);
}

/* Rules cannot be removed, but these allow nothing */
static void drop_rules(const FIXTURE_DATA(lsm) *self)
{
	set_rule(self, CALLER, MAPPER, "-");
	set_rule(self, MAPPER, CALLER, "-");
}

FIXTURE_TEARDOWN(lsm)
{
	drop_rules(self);
	/* Anonymous memory belonged to the mapper */
	EXPECT_TRUE(self->kind == ANON ||
		    intact(self->mem, page_size(), SEED));
	EXPECT_TRUE(unmount_temp(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

/*
 * Makes a call that the LSM may refuse. Everything else in the test has
 * CAP_MAC_OVERRIDE.
 */
static struct outcome move_unforced(uint64_t phys, int node, int flags)
{
	struct outcome out;

	use_caps(~BIT(CAP_MAC_OVERRIDE));
	out = move_one(phys, node, flags);
	use_caps(~0ULL);
	return out;
}

static void map_alike(void *arg)
{
	FIXTURE_DATA(lsm) *self = arg;

	touch_on(self->from, self->mem, page_size());
	fill(self->mem, page_size(), SEED);
}

static void be_labelled(void *arg)
{
	set_label(MAPPER);
}

static void map_labelled(void *arg)
{
	map_alike(arg);
	be_labelled(arg);
}

static void map_floor(void *arg)
{
	map_alike(arg);
	set_label("_");
}

static void map_with_labelled_sibling(void *arg)
{
	map_alike(arg);
	spawn_vm(be_labelled, arg);
}

static void *be_labelled_thread(void *arg)
{
	FIXTURE_DATA(lsm) *self = arg;

	set_label(MAPPER);
	__atomic_store_n(self->tid, syscall(__NR_gettid), __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void map_with_labelled_thread(void *arg)
{
	FIXTURE_DATA(lsm) *self = arg;
	pthread_t thread;

	map_alike(self);
	if (pthread_create(&thread, NULL, be_labelled_thread, self))
		die("cannot create a thread");
	while (!__atomic_load_n(self->tid, __ATOMIC_SEQ_CST))
		usleep(1000);
}

/* Without a rule, only tasks with the same label are allowed */
TEST_F(lsm, same_label)
{
	pid_t pid = spawn(map_alike, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, self->to, move_unforced(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(lsm, other_label)
{
	pid_t pid = spawn(map_labelled, self);
	uint64_t phys = phys_of(pid, self->mem);
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_OUTCOME(0, -EACCES,
			       move_unforced(phys, self->to, flags));
		/* The page is on the target already, so the LSM is not asked */
		EXPECT_OUTCOME(0, self->from,
			       move_unforced(phys, self->from, flags));
	}
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	reap(pid);
}

/* All may read from the floor label, but none may write to it */
TEST_F(lsm, floor)
{
	pid_t pid = spawn(map_floor, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_unforced(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	reap(pid);
}

TEST_F(lsm, capability)
{
	pid_t pid = spawn(map_labelled, self);
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(lsm, rule)
{
	pid_t pid = spawn(map_labelled, self);
	uint64_t phys = phys_of(pid, self->mem);

	set_rule(self, CALLER, MAPPER, "r");
	EXPECT_OUTCOME(0, -EACCES, move_unforced(phys, self->to, 0));
	set_rule(self, MAPPER, CALLER, "rw");
	EXPECT_OUTCOME(0, -EACCES, move_unforced(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	set_rule(self, CALLER, MAPPER, "rw");
	EXPECT_OUTCOME(0, self->to, move_unforced(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	phys = phys_of(pid, self->mem);
	drop_rules(self);
	EXPECT_OUTCOME(0, -EACCES, move_unforced(phys, self->from, 0));
	set_rule(self, CALLER, MAPPER, "w");
	EXPECT_OUTCOME(0, self->from, move_unforced(phys, self->from, 0));
	EXPECT_EQ(self->from, node_of(pid, self->mem));
	reap(pid);
}

/* A query reports only what CAP_SYS_ADMIN already allows */
TEST_F(lsm, query)
{
	pid_t pid = spawn(map_labelled, self);
	uint64_t phys = phys_of(pid, self->mem);

	use_caps(~BIT(CAP_MAC_OVERRIDE));
	EXPECT_OUTCOME(0, self->from, query_one(phys));
	use_caps(~0ULL);
	reap(pid);
}

/* One mapper with the label is enough, wherever it is in the reverse map */
TEST_F(lsm, one_of_many)
{
	const int count = 5;
	pid_t pids[count];
	int labelled, i;

	NEEDS_KIND(MEMFD);
	for (labelled = 0; labelled < count; labelled += count / 2) {
		for (i = 0; i < count; i++)
			pids[i] = spawn(i == labelled ? map_labelled :
							map_alike, self);
		EXPECT_OUTCOME(0, -EACCES,
			       move_unforced(phys_of(pids[0], self->mem),
					     self->to, MPOL_MF_MOVE_ALL));
		EXPECT_EQ(self->from, node_of(pids[0], self->mem));
		reap(pids[labelled]);
		i = labelled ? 0 : 1;
		EXPECT_OUTCOME(0, self->to,
			       move_unforced(phys_of(pids[i], self->mem),
					     self->to, MPOL_MF_MOVE_ALL));
		EXPECT_EQ(self->to, node_of(pids[i], self->mem));
		EXPECT_OUTCOME(0, self->from,
			       move_one(phys_of(pids[i], self->mem), self->from,
					MPOL_MF_MOVE_ALL));
		for (i = 0; i < count; i++)
			if (i != labelled)
				reap(pids[i]);
	}
}

/* Each entry has its own answer, and the other pages move */
TEST_F(lsm, among_others)
{
	const unsigned long count = 600;
	pid_t pid = spawn(map_labelled, self);
	char *mem = alloc_memory(ANON, self->from, count, SEED);
	struct request *req = request_new(2 * count);
	uint64_t phys = phys_of(pid, self->mem);
	unsigned long i;

	for (i = 0; i < count; i++) {
		request_set(req, 2 * i, phys, self->to);
		request_set(req, 2 * i + 1, phys_of(0, mem + i * page_size()),
			    self->to);
	}
	use_caps(~BIT(CAP_MAC_OVERRIDE));
	EXPECT_EQ(0, request_move(req, 0));
	use_caps(~0ULL);
	for (i = 0; i < count; i++) {
		EXPECT_EQ(-EACCES, req->status[2 * i]);
		EXPECT_EQ(self->to, req->status[2 * i + 1]);
	}
	EXPECT_EQ(count, count_on_node(0, mem, count, self->to));
	EXPECT_TRUE(intact(mem, count * page_size(), SEED));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	reap(pid);
}

/*
 * The LSM is not asked for a process that has the file mapped, but never
 * touched the page
 */
TEST_F(lsm, not_mapping)
{
	pid_t idle, pid;
	uint64_t phys;

	NEEDS_KIND(MEMFD);
	idle = spawn(be_labelled, self);
	pid = spawn(map_alike, self);
	phys = phys_of(pid, self->mem);
	EXPECT_OUTCOME(0, self->to, move_unforced(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
	reap(idle);
}

/* The LSM is asked for every task of an address space */
static void check_other_task(struct __test_metadata *_metadata,
			     const FIXTURE_DATA(lsm) *self, pid_t pid)
{
	uint64_t phys = phys_of(pid, self->mem);

	EXPECT_OUTCOME(0, -EACCES, move_unforced(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(pid, self->mem));
	set_rule(self, CALLER, MAPPER, "w");
	EXPECT_OUTCOME(0, self->to, move_unforced(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(pid, self->mem));
	reap(pid);
}

TEST_F(lsm, thread)
{
	check_other_task(_metadata, self,
			 spawn(map_with_labelled_thread, self));
}

TEST_F(lsm, sibling)
{
	check_other_task(_metadata, self,
			 spawn(map_with_labelled_sibling, self));
}

TEST_HARNESS_MAIN
