// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call keeps nothing of other processes in use. A file whose pages are being
 * moved is closed when its owner has closed and unmapped it, and its filesystem
 * is not shut down by the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "fuse.h"
#include "util.h"

#define PAGES	400
/*
 * The delay before the file is closed, from round to round, so that calls are
 * in various states then.
 */
#define DELAYS	50
#define DELAY_US	100

struct mover {
	bool busy;
	unsigned int calls;
	unsigned long mapped;	/* entries for which a process mapped a page */
	unsigned long moved;
	char *mem;
	unsigned long count;
	uint64_t pages[PAGES];
	int nodes[PAGES];
	int status[PAGES];
};

static struct mover *new_mover(void)
{
	return (void *)map_memory(SHMEM, sizeof(struct mover) / page_size() + 1);
}

static void move(struct mover *mover)
{
	unsigned long i;

	move_phys_pages(mover->count, mover->pages, mover->nodes, mover->status,
			MPOL_MF_MOVE_ALL);
	for (i = 0; i < mover->count; i++) {
		mover->mapped += mover->status[i] != -ENOENT;
		mover->moved += mover->status[i] == mover->nodes[i];
	}
	__atomic_fetch_add(&mover->calls, 1, __ATOMIC_SEQ_CST);
}

static bool is_busy(const struct mover *mover)
{
	return __atomic_load_n(&mover->busy, __ATOMIC_SEQ_CST);
}

static void set_busy(struct mover *mover, bool busy)
{
	__atomic_store_n(&mover->busy, busy, __ATOMIC_SEQ_CST);
}

FIXTURE(holds)
{
	int from, to;
	char dir[64], path[96];
	struct mover *mover;
	pid_t pid;
};

FIXTURE_SETUP(holds)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(TMPFS);
	snprintf(self->dir, sizeof(self->dir), "/tmp/mpp-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/file", self->dir);
	self->mover = new_mover();
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	while (!self->pid) {
		if (is_busy(self->mover)) {
			move(self->mover);
			set_busy(self->mover, false);
		}
		sched_yield();
	}
}

FIXTURE_TEARDOWN(holds)
{
	reap(self->pid);
	unlink(self->path);
	EXPECT_EQ(0, rmdir(self->dir));
	EXPECT_LT(0, self->mover->moved);
	EXPECT_EQ(0, isolated_pages());
}

static unsigned int rounds(void)
{
	return 5 * race_rounds();
}

/* Returns an open file whose pages are mapped and are being moved */
static int begin_moves(FIXTURE_DATA(holds) *self, unsigned int round, char **mem)
{
	struct mover *mover = self->mover;
	int fd, i;

	unlink(self->path);
	fd = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || ftruncate(fd, PAGES * page_size()))
		die("no file");
	*mem = map_file(fd, PAGES);
	touch_on(self->from, *mem, PAGES * page_size());
	phys_of_pages(0, *mem, PAGES, mover->pages);
	for (i = 0; i < PAGES; i++)
		mover->nodes[i] = self->to;
	mover->count = PAGES;
	set_busy(mover, true);
	usleep(round % DELAYS * DELAY_US);
	return fd;
}

static void end_moves(FIXTURE_DATA(holds) *self)
{
	while (is_busy(self->mover))
		sched_yield();
}

/* How often execve(2) failed with ETXTBSY, and with an unexpected error */
struct errors {
	unsigned int busy, other;
};

/*
 * Counts the error of execve(2). The file is no program (ENOEXEC), but
 * execve(2) checks first that nobody has it open for writing (ETXTBSY).
 */
static void run(const char *path, struct errors *errors)
{
	char *const none[] = { NULL };
	int how;
	pid_t pid = vfork();

	if (!pid) {
		execve(path, none, none);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &how, 0) != pid || !WIFEXITED(how))
		die("cannot create a process");
	errors->busy += WEXITSTATUS(how) == ETXTBSY;
	errors->other += WEXITSTATUS(how) != ETXTBSY &&
			 WEXITSTATUS(how) != ENOEXEC;
}

TEST_F(holds, no_program)
{
	struct errors errors = { };
	unsigned int round;
	char *mem;
	int fd;

	for (round = 0; round < rounds(); round++) {
		fd = begin_moves(self, round, &mem);
		munmap(mem, PAGES * page_size());
		close(fd);
		run(self->path, &errors);
		end_moves(self);
	}
	EXPECT_EQ(0, errors.busy);
	EXPECT_EQ(0, errors.other);
}

/* The process that mapped the file has exited, and with it its address space */
TEST_F(holds, no_address_space)
{
	struct errors errors = { };
	unsigned int round;
	char *mem;
	pid_t pid;
	int how;

	for (round = 0; round < rounds(); round++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			begin_moves(self, round, &mem);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &how, 0));
		ASSERT_EQ(0, how);
		run(self->path, &errors);
		end_moves(self);
	}
	EXPECT_EQ(0, errors.busy);
	EXPECT_EQ(0, errors.other);
}

TEST_F(holds, no_lock_of_a_file)
{
	unsigned int round, taken = 0;
	char *mem;
	int fd;

	for (round = 0; round < rounds(); round++) {
		fd = begin_moves(self, round, &mem);
		ASSERT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
		close(fd);
		munmap(mem, PAGES * page_size());
		fd = open(self->path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		taken += flock(fd, LOCK_EX | LOCK_NB) != 0;
		close(fd);
		end_moves(self);
	}
	EXPECT_EQ(0, taken);
}

TEST_F(holds, no_filesystem)
{
	unsigned int round, busy = 0;
	char *mem;

	for (round = 0; round < rounds(); round++) {
		ASSERT_EQ(0, mount("none", self->dir, "tmpfs", 0, NULL));
		close(begin_moves(self, round, &mem));
		munmap(mem, PAGES * page_size());
		busy += umount(self->dir) != 0;
		end_moves(self);
		if (umount(self->dir))
			ASSERT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(0, busy);
}

TEST_F(holds, no_event_of_a_file)
{
	struct inotify_event event;
	unsigned int round, missing = 0;
	int watch, fd;
	char *mem;

	for (round = 0; round < rounds(); round++) {
		watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (watch < 0)
			SKIP(return, "needs CONFIG_INOTIFY_USER");
		fd = begin_moves(self, round, &mem);
		ASSERT_LE(0, inotify_add_watch(watch, self->path,
					       IN_CLOSE_WRITE));
		close(fd);
		munmap(mem, PAGES * page_size());
		missing += read(watch, &event, sizeof(event)) != sizeof(event);
		close(watch);
		end_moves(self);
	}
	EXPECT_EQ(0, missing);
}

/*
 * A FUSE filesystem on a block device that is detached is shut down by the last
 * process that uses a file of it. This process then waits for the server, which
 * never answers. Only the owner of the file may have to wait.
 */
#define DISK		"/dev/zram0"
#define DISK_SYSFS	"/sys/block/zram0"

FIXTURE(shutdown)
{
	int from, to;
	struct fuse_file file;
	struct mover *mover;
	int closing[2];
};

FIXTURE_SETUP(shutdown)
{
	TWO_NODES(self->from, self->to);
	if (access("/dev/fuse", F_OK))
		SKIP_TEST("needs CONFIG_FUSE_FS");
	if (access(DISK, F_OK))
		SKIP_TEST("needs CONFIG_ZRAM");
	self->mover = new_mover();
	write_file(DISK_SYSFS "/disksize", "1M");
}

FIXTURE_TEARDOWN(shutdown)
{
	EXPECT_TRUE(try_write_file(DISK_SYSFS "/reset", "1"));
	EXPECT_LT(0, self->mover->mapped);
	EXPECT_EQ(0, isolated_pages());
}

/* Maps the file and lets its pages be moved, until the test asks to close it */
static void own_file(FIXTURE_DATA(shutdown) *self)
{
	struct mover *mover = self->mover;
	int fd = open(self->file.path, O_RDONLY | O_CLOEXEC), i;
	char byte;

	close(self->file.dev);
	if (fd < 0)
		die("no file");
	mover->mem = mmap(NULL, PAGES * page_size(), PROT_READ, MAP_SHARED, fd,
			  0);
	if (mover->mem == MAP_FAILED)
		die("cannot map %s", self->file.path);
	close(fd);
	for (i = 0; i < PAGES; i++)
		peek(mover->mem + i * page_size());
	set_busy(mover, true);
	if (read(self->closing[0], &byte, 1) != 1)
		die("nobody waits for the file");
	munmap(mover->mem, PAGES * page_size());
	_exit(0);
}

/* Finds the pages; if the owner has exited there are none. */
static void find_pages(struct mover *mover, int pagemap)
{
	const off_t at = (uintptr_t)mover->mem / page_size() * sizeof(uint64_t);
	const ssize_t size = sizeof(mover->pages);
	bool found = pread(pagemap, mover->pages, size, at) == size;
	uint64_t *page;

	for (page = mover->pages; page < mover->pages + PAGES; page++)
		*page = found && *page & PAGEMAP_PRESENT ?
			(*page & PAGEMAP_PFN) * page_size() : UINT64_MAX;
}

static void move_about(FIXTURE_DATA(shutdown) *self, pid_t owner)
{
	struct mover *mover = self->mover;
	char path[64];
	int pagemap, i;

	close(self->file.dev);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", owner);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	mover->count = PAGES;
	for (;;) {
		find_pages(mover, pagemap);
		for (i = 0; i < PAGES; i++)
			mover->nodes[i] = mover->calls % 2 ? self->from : self->to;
		move(mover);
	}
}

TEST_F(shutdown, caller_can_be_killed)
{
	const struct fuse_disk disk = {
		.path = DISK,
		.block_size = page_size(),
	};
	struct mover *mover = self->mover;
	unsigned int round;
	pid_t owner, caller;
	int how;

	ASSERT_EQ(0, pipe(self->closing));
	for (round = 0; round < race_rounds(); round++) {
		ASSERT_TRUE(fuse_mount(&self->file, PAGES * page_size(),
				       BIT(FUSE_DESTROY), &disk));
		fuse_start_server(&self->file);
		set_busy(mover, false);
		mover->calls = 0;
		owner = fork();
		ASSERT_LE(0, owner);
		if (!owner)
			own_file(self);
		while (!is_busy(mover))
			ASSERT_EQ(0, waitpid(owner, NULL, WNOHANG));
		fuse_detach(&self->file);
		caller = fork();
		ASSERT_LE(0, caller);
		if (!caller)
			move_about(self, owner);
		while (!__atomic_load_n(&mover->calls, __ATOMIC_SEQ_CST))
			sched_yield();
		usleep(round % DELAYS * DELAY_US);
		ASSERT_EQ(1, write(self->closing[1], "", 1));
		while (!fuse_waits(&self->file, FUSE_DESTROY))
			sched_yield();
		ASSERT_EQ(0, kill(caller, SIGKILL));
		how = exit_of(caller);
		EXPECT_EQ(SIGKILL, how);
		/* Tasks that wait for the server continue now. */
		fuse_abort(&self->file);
		EXPECT_EQ(0, exit_of(owner));
		if (how < 0) {
			TH_LOG("The caller shuts down the filesystem.");
			exit_of(caller);
			break;
		}
	}
}

TEST_HARNESS_MAIN
