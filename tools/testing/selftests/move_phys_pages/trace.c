// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace event tells of each chunk and target what became of its entries.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		41
#define PAGES		8
#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/move_phys_pages"
#define EVENT		INSTANCE "/events/migrate_phys/move_phys_pages"

struct told {
	int nid, asked, there, elsewhere, enoent, efault, eacces, retry;
};

FIXTURE(trace)
{
	int from, to;
	bool mounted;
	char *mem;
	struct request *req;
};

FIXTURE_SETUP(trace)
{
	TWO_NODES(self->from, self->to);
	self->mounted = !mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "/instances", F_OK))
		SKIP_TEST("needs CONFIG_EVENT_TRACING");
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	write_file(EVENT "/enable", "1");
	self->mem = alloc_memory(ANON, self->from, PAGES, SEED);
	self->req = request_new(2 * PAGES);
}

FIXTURE_TEARDOWN(trace)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_EQ(0, rmdir(INSTANCE));
	if (self->mounted)
		EXPECT_EQ(0, umount(TRACING));
}

static int field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	if (!at)
		die("no %s in the line%s", name, line);
	return strtol(at + strlen(name), NULL, 10);
}

static unsigned int read_trace(struct told *told, unsigned int max)
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	char line[512], *text;
	unsigned int n = 0;

	if (!file)
		die("no trace");
	while (n < max && fgets(line, sizeof(line), file)) {
		text = strstr(line, " move_phys_pages: ");
		if (!text)
			continue;
		told[n++] = (struct told) {
			.nid = field(text, " nid="),
			.asked = field(text, " asked="),
			.there = field(text, " there="),
			.elsewhere = field(text, " elsewhere="),
			.enoent = field(text, " enoent="),
			.efault = field(text, " efault="),
			.eacces = field(text, " eacces="),
			.retry = field(text, " ebusy=") +
				 field(text, " enomem=") +
				 field(text, " eio=") +
				 field(text, " einval="),
		};
	}
	fclose(file);
	return n;
}

static void do_nothing(void *arg)
{
}

/* One line for each target, in the order in which they were first asked for */
TEST_F(trace, each_target)
{
	char *shared = alloc_memory(ANON, self->from, 1, SEED + 1);
	char *stays = alloc_memory(ANON, self->from, 1, SEED + 2);
	char *zero = map_memory(ANON, 1);
	struct request *req = self->req;
	struct told told[4] = {};
	pid_t pid;

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

	ASSERT_EQ(2, read_trace(told, ARRAY_SIZE(told)));
	EXPECT_EQ(self->to, told[0].nid);
	EXPECT_EQ(PAGES + 4, told[0].asked);
	EXPECT_EQ(PAGES + 1, told[0].there);
	EXPECT_EQ(1, told[0].elsewhere);
	EXPECT_EQ(1, told[0].eacces);
	EXPECT_EQ(1, told[0].efault);
	EXPECT_EQ(0, told[0].enoent);
	EXPECT_EQ(self->from, told[1].nid);
	EXPECT_EQ(4, told[1].asked);
	EXPECT_EQ(1, told[1].there);
	EXPECT_EQ(0, told[1].elsewhere);
	/* The first entry that names a folio speaks for all. */
	EXPECT_EQ(1, told[1].eacces);
	EXPECT_EQ(1, told[1].efault);
	EXPECT_EQ(1, told[1].enoent);
	EXPECT_EQ(0, told[0].retry + told[1].retry);
}

/* A long call is told piece by piece, a query not at all */
TEST_F(trace, each_chunk)
{
	const int chunk = 512;
	struct request *req = request_new(chunk + PAGES);
	struct told told[4] = {};
	int i;

	for (i = 0; i < chunk; i++)
		request_set(req, i, ~0ULL, self->to);
	request_set_pages(req, chunk, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(0, request_move(req, 0));

	ASSERT_EQ(2, read_trace(told, ARRAY_SIZE(told)));
	EXPECT_EQ(chunk, told[0].asked);
	EXPECT_EQ(chunk, told[0].enoent);
	EXPECT_EQ(PAGES, told[1].asked);
	EXPECT_EQ(PAGES, told[1].there);
}

TEST_HARNESS_MAIN
