// SPDX-License-Identifier: GPL-2.0-only
/* A long call ends when its caller is killed, and for no lesser signal */
#include <signal.h>
#include <sys/time.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	29
#define COUNT	(4UL * 1024 * 1024)

FIXTURE(killable)
{
	int from, to;
	char *mem;
	int *status;		/* shared with the caller to be killed */
	uint64_t phys[2];
	pid_t pid;
};

FIXTURE_VARIANT(killable)
{
	bool query;
	bool move;		/* else the pages are where they should be */
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
	/* Once the first entry has its status, the call is on its way */
	while (__atomic_load_n(self->status, __ATOMIC_SEQ_CST) == PRESET)
		;
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	ASSERT_EQ(self->pid, waitpid(self->pid, &how, 0));
	ASSERT_TRUE(WIFSIGNALED(how));
	EXPECT_EQ(SIGKILL, WTERMSIG(how));
	/* It did not work off the rest first */
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
	unsigned long settled;

	ASSERT_NE(SIG_ERR, signal(SIGALRM, tick));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(0, variant->query ? request_query(req, 0) :
				      request_move(req, MPOL_MF_MOVE_ALL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_NE(0, __atomic_load_n(&ticks, __ATOMIC_SEQ_CST));
	/* Once the page has moved, its old frame is nobody's */
	settled = request_count(req, self->from) +
		  (variant->move ? request_count(req, self->to) +
				   request_count(req, -ENOENT) : 0);
	EXPECT_EQ(COUNT, settled);
}

TEST_HARNESS_MAIN
