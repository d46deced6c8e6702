// SPDX-License-Identifier: GPL-2.0-only
/* The trace event reports the statuses of the entries of each chunk and target. */
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "tracing.h"
#include "util.h"

#define SEED		41
#define PAGES		8

struct told {
	int nid, asked, there, elsewhere, enoent, efault, eacces, retry;
	int spaces, tasks, passes;
};

struct lines {
	struct told told[4];
	unsigned int nr;
};

FIXTURE(trace)
{
	int from, to;
	char *mem;
	char *own;			/* of a child */
	struct request *req;
};

FIXTURE_SETUP(trace)
{
	TWO_NODES(self->from, self->to);
	if (!start_tracing(EVENT_OF_CALL))
		SKIP_TEST("needs CONFIG_EVENT_TRACING");
	self->mem = alloc_memory(ANON, self->from, PAGES, SEED);
	self->req = request_new(2 * PAGES);
}

FIXTURE_TEARDOWN(trace)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	stop_tracing();
}

static void read_line(const char *text, void *arg)
{
	struct lines *lines = arg;

	if (lines->nr == ARRAY_SIZE(lines->told))
		return;
	lines->told[lines->nr++] = (struct told) {
		.nid = trace_field(text, "nid"),
		.asked = trace_field(text, "asked"),
		.there = trace_field(text, "there"),
		.elsewhere = trace_field(text, "elsewhere"),
		.enoent = trace_field(text, "enoent"),
		.efault = trace_field(text, "efault"),
		.eacces = trace_field(text, "eacces"),
		.retry = trace_field(text, "ebusy") +
			 trace_field(text, "enomem") +
			 trace_field(text, "eio") +
			 trace_field(text, "einval"),
		.spaces = trace_field(text, "spaces"),
		.tasks = trace_field(text, "tasks"),
		.passes = trace_field(text, "passes"),
	};
}

static const struct told *told_of(const struct lines *lines, int nid)
{
	unsigned int i;

	for (i = 0; i < lines->nr; i++)
		if (lines->told[i].nid == nid)
			return &lines->told[i];
	die("no line of the trace is about node %d", nid);
}

static void do_nothing(void *arg)
{
}

/* There is one line for each target node */
TEST_F(trace, each_target)
{
	char *shared = alloc_memory(ANON, self->from, 1, SEED + 1);
	char *stays = alloc_memory(ANON, self->from, 1, SEED + 2);
	char *zero = map_memory(ANON, 1);
	struct request *req = self->req;
	struct lines lines = {};
	const struct told *to, *from;
	pid_t pid;
	int i;

	madvise(self->mem, PAGES * page_size(), MADV_DONTFORK);
	madvise(stays, page_size(), MADV_DONTFORK);
	pid = spawn(do_nothing, NULL);
	peek(zero);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	request_set(req, PAGES, phys_of(0, shared), self->to);
	request_set(req, PAGES + 1, phys_of(0, zero), self->to);
	request_set(req, PAGES + 2, phys_of(0, zero), self->from);
	request_set(req, PAGES + 3, phys_of(0, shared), self->from);
	request_set(req, PAGES + 4, phys_of(0, self->mem), self->to);
	request_set(req, PAGES + 5, phys_of(0, stays), self->from);
	request_set(req, PAGES + 6, ~0ULL, self->from);
	request_set(req, PAGES + 7, phys_of(0, stays), self->to);
	EXPECT_EQ(0, request_move(req, 0));
	reap(pid);

	ASSERT_EQ(2, read_trace(EVENT_OF_CALL, read_line, &lines));
	to = told_of(&lines, self->to);
	from = told_of(&lines, self->from);
	EXPECT_EQ(PAGES + 4, to->asked);
	EXPECT_EQ(PAGES + 1, to->there);
	EXPECT_EQ(1, to->elsewhere);
	EXPECT_EQ(1, to->eacces);
	EXPECT_EQ(1, to->efault);
	EXPECT_EQ(0, to->enoent);
	EXPECT_EQ(4, from->asked);
	EXPECT_EQ(1, from->there);
	EXPECT_EQ(0, from->elsewhere);
	/* Only the first entry of a folio is counted. */
	EXPECT_EQ(1, from->eacces);
	EXPECT_EQ(1, from->efault);
	EXPECT_EQ(1, from->enoent);
	EXPECT_EQ(0, to->retry + from->retry);
	/*
	 * The call checks this process once for all its pages. It does not
	 * check the child, whose page is refused before that.
	 */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, lines.told[i].spaces);
		EXPECT_EQ(1, lines.told[i].tasks);
		EXPECT_GE(1, lines.told[i].passes);
	}
}

/* A long call has a line for each chunk, a query has none. */
TEST_F(trace, each_chunk)
{
	const int chunk = 512;
	struct request *req = request_new(2 * chunk + PAGES);
	struct lines lines = {};
	struct told *told = lines.told;
	int i;

	for (i = 0; i < (int)req->count; i++)
		request_set(req, i, ~0ULL, self->to);
	request_set_pages(req, chunk, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(0, request_move(req, 0));

	ASSERT_EQ(3, read_trace(EVENT_OF_CALL, read_line, &lines));
	EXPECT_EQ(chunk, told[0].asked);
	EXPECT_EQ(chunk, told[0].enoent);
	EXPECT_EQ(0, told[0].spaces + told[0].tasks + told[0].passes);
	EXPECT_EQ(chunk, told[1].asked);
	EXPECT_EQ(PAGES, told[1].there);
	EXPECT_EQ(chunk - PAGES, told[1].enoent);
	EXPECT_EQ(1, told[1].spaces);
	EXPECT_EQ(1, told[1].tasks);
	EXPECT_GE(1, told[1].passes);
	EXPECT_EQ(PAGES, told[2].asked);
	EXPECT_EQ(PAGES, told[2].enoent);
	EXPECT_EQ(0, told[2].spaces + told[2].tasks + told[2].passes);
}

static void touch_own(void *arg)
{
	FIXTURE_DATA(trace) *self = arg;

	touch_on(self->from, self->own, page_size());
}

/*
 * Each task is asked once: that of the child by its own address space, and the
 * two that share ours by a pass over all processes.
 */
TEST_F(trace, shared_address_space)
{
	struct request *req = self->req;
	struct lines lines = {};
	pid_t child, second;

	self->own = map_memory(ANON, 1);
	madvise(self->mem, PAGES * page_size(), MADV_DONTFORK);
	child = spawn(touch_own, self);
	second = spawn_vm(do_nothing, NULL);
	req->count = 2;
	request_set(req, 0, phys_of(child, self->own), self->to);
	request_set(req, 1, phys_of(0, self->mem), self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(2, request_count(req, self->to));
	reap(second);
	reap(child);

	ASSERT_EQ(1, read_trace(EVENT_OF_CALL, read_line, &lines));
	EXPECT_EQ(2, lines.told[0].there);
	EXPECT_EQ(2, lines.told[0].spaces);
	EXPECT_EQ(3, lines.told[0].tasks);
	EXPECT_EQ(1, lines.told[0].passes);
}

TEST_HARNESS_MAIN
