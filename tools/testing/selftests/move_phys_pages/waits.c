// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call does not wait for pages that other tasks keep locked. Such a page gets
 * its status at once, and the other pages of the call move.
 *
 * A FUSE server keeps a page locked, because it never answers the request to
 * write that page.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "fuse.h"
#include "util.h"

#define SEED	53

struct call {
	uint64_t pages[2];
	int nodes[2];
	int status[2];
	long ret;
};

FIXTURE(waits)
{
	int from, to;
	struct fuse_file file;
	char *mem, *innocent;
	uint64_t phys;
	struct call *call;	/* in memory shared with the caller */
	pid_t waiters[2];
};

FIXTURE_VARIANT(waits)
{
	bool mapped;
	int status;
};

/*
 * The server has told the kernel to drop the page, which the kernel must write
 * back first.
 */
FIXTURE_VARIANT_ADD(waits, unmapped)
{
	.mapped = false,
	.status = -ENOENT,
};

/*
 * A process writes to the page, and waits until the earlier write is written
 * back.
 */
FIXTURE_VARIANT_ADD(waits, mapped)
{
	.mapped = true,
	.status = -EBUSY,
};

static pid_t child_that(void (*fn)(char *), char *mem)
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot create a process");
	if (!pid) {
		fn(mem);
		_exit(0);
	}
	return pid;
}

static void write_back(char *mem)
{
	msync(mem, page_size(), MS_SYNC);
}

static void write_to(char *mem)
{
	*mem = 2;
}

static void lock_page(struct __test_metadata *_metadata,
		      FIXTURE_DATA(waits) *self, bool mapped)
{
	pid_t *waiters = self->waiters;

	if (mapped) {
		waiters[0] = child_that(write_back, self->mem);
		while (!fuse_waits(&self->file, FUSE_WRITE))
			ASSERT_EQ(0, waitpid(waiters[0], NULL, WNOHANG));
		waiters[1] = child_that(write_to, self->mem);
		while (!in_state(waiters[1], 'D'))
			ASSERT_EQ(0, waitpid(waiters[1], NULL, WNOHANG));
	} else {
		waiters[0] = fuse_invalidate(&self->file);
		while (!fuse_waits(&self->file, FUSE_WRITE))
			ASSERT_EQ(0, waitpid(waiters[0], NULL, WNOHANG));
	}
	ASSERT_TRUE(page_has(self->phys, KPF_LOCKED));
	ASSERT_EQ(mapped, phys_of(0, self->mem) != 0);
}

FIXTURE_SETUP(waits)
{
	int fd;

	TWO_NODES(self->from, self->to);
	if (!fuse_mount(&self->file, page_size(), BIT(FUSE_WRITE), NULL))
		SKIP_TEST("needs CONFIG_FUSE_FS");
	fuse_start_server(&self->file);
	fd = open(self->file.path, O_RDWR);
	ASSERT_LE(0, fd);
	self->mem = map_file(fd, 1);
	close(fd);
	touch_on(self->from, self->mem, page_size());
	drain_lru_batches(self->mem);
	self->phys = phys_of(0, self->mem);
	self->innocent = alloc_memory(ANON, self->from, 1, SEED);
	/* Children of this test must not share this page. */
	ASSERT_EQ(0, madvise(self->innocent, page_size(), MADV_DONTFORK));
	self->call = (struct call *)map_memory(SHMEM, 1);
	*self->call = (struct call) {
		.pages = { self->phys, phys_of(0, self->innocent) },
		.nodes = { self->to, self->to },
		.status = { PRESET, PRESET },
		.ret = PRESET,
	};
	lock_page(_metadata, self, variant->mapped);
	/* A child that maps the file might wait for writeback when it exits. */
	ASSERT_EQ(0, madvise(self->mem, page_size(), MADV_DONTFORK));
}

FIXTURE_TEARDOWN(waits)
{
	int i;

	/* Tasks that wait for the server continue now. */
	fuse_abort(&self->file);
	for (i = 0; i < 2; i++)
		if (self->waiters[i])
			EXPECT_LE(0, exit_of(self->waiters[i]));
	EXPECT_EQ(0, munmap(self->mem, page_size()));
	fuse_unmount(&self->file);
	EXPECT_TRUE(intact(self->innocent, page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

/* Makes the call in another process, so that the test cannot wait with it */
static void call_at_once(struct __test_metadata *_metadata, struct call *call,
			 bool query, int flags)
{
	pid_t pid = fork();
	int how;

	ASSERT_LE(0, pid);
	if (!pid) {
		call->ret = move_phys_pages(2, call->pages,
					    query ? NULL : call->nodes,
					    call->status, flags);
		_exit(0);
	}
	how = exit_of(pid);
	EXPECT_EQ(0, how);
	if (how < 0) {
		TH_LOG("The call waits for a locked page.");
		kill(pid, SIGKILL);
		exit_of(pid);
	}
}

static unsigned long failures(void)
{
	write_file("/proc/sys/vm/stat_refresh", "1");
	return vmstat("/proc/vmstat", "pgmigrate_fail");
}

TEST_F(waits, move)
{
	unsigned long before = failures();
	struct call *call = self->call;

	call_at_once(_metadata, call, false, 0);
	/* There was no attempt to move the locked page. */
	EXPECT_EQ(before, failures());
	EXPECT_EQ(variant->status == -EBUSY, call->ret);
	EXPECT_EQ(variant->status, call->status[0]);
	EXPECT_EQ(self->to, call->status[1]);
	EXPECT_EQ(self->to, node_of(0, self->innocent));
	EXPECT_TRUE(page_has(self->phys, KPF_LOCKED));
	EXPECT_EQ(0, isolated_pages());
}

/* With MPOL_MF_MOVE_ALL, the call does not wait for a locked page. */
TEST_F(waits, move_all)
{
	struct call *call = self->call;

	call_at_once(_metadata, call, false, MPOL_MF_MOVE_ALL);
	EXPECT_EQ(variant->status == -EBUSY, call->ret);
	EXPECT_EQ(variant->status, call->status[0]);
	EXPECT_EQ(self->to, call->status[1]);
	EXPECT_EQ(self->to, node_of(0, self->innocent));
}

TEST_F(waits, query)
{
	struct call *call = self->call;

	call_at_once(_metadata, call, true, 0);
	EXPECT_EQ(0, call->ret);
	EXPECT_EQ(variant->mapped ? self->from : -ENOENT, call->status[0]);
	EXPECT_EQ(self->from, call->status[1]);
}

TEST_HARNESS_MAIN
