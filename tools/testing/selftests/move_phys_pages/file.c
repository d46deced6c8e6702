// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of files on a disk, of a disk itself, and of filesystems that cannot
 * migrate dirty pages
 */
#include <fcntl.h>
#include <poll.h>
#include <endian.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <linux/kernel-page-flags.h>
#include <linux/nbd.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED		37
#define PAGES		64
#define SIZE		(PAGES * page_size())

/* A filesystem on a disk */

#define NEEDS_DISK	"needs an ext4 filesystem on a disk"

struct disk {
	char device[64];
	char dir[128];
};

static bool find_disk(struct disk *disk)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[512], type[32];
	bool found = false;

	if (!mounts)
		die("cannot read /proc/mounts");
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%63s %127s %31s", disk->device, disk->dir,
			       type) == 3 && !strcmp(type, "ext4");
	fclose(mounts);
	return found;
}

static char *map_at(int fd, int prot, int flags, size_t size)
{
	char *mem = mmap(NULL, size, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		die("mmap of %zu bytes of a file", size);
	return mem;
}

static void look_at(const char *mem, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += page_size())
		peek(mem + i);
}

/* Drops the file from the page cache, so that the next read is from the disk */
static void forget(int fd)
{
	unsigned char resident[PAGES];
	char *mem;
	int i;

	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("cannot drop a file from the page cache");
	mem = map_at(fd, PROT_READ, MAP_SHARED, SIZE);
	if (mincore(mem, SIZE, resident))
		die("mincore");
	for (i = 0; i < PAGES; i++)
		if (resident[i] & 1)
			die("page %d is still in the page cache", i);
	munmap(mem, SIZE);
}

static bool file_intact(int fd, uint32_t seed)
{
	char *buf = malloc(SIZE);
	bool good = pread(fd, buf, SIZE, 0) == (ssize_t)SIZE &&
		    intact(buf, SIZE, seed);

	free(buf);
	return good;
}

/* The interval of periodic writeback; 0 stops it, so that pages stay dirty */
#define WRITEBACK	"/proc/sys/vm/dirty_writeback_centisecs"

static void stop_writeback(char *before, size_t size)
{
	read_file(WRITEBACK, before, size);
	write_file(WRITEBACK, "0");
}

/* Returns a file whose pages are cached on a node, all dirty or all clean */
static int cache_file(const struct disk *disk, int node, bool dirty)
{
	int fd = open(disk->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *mem;

	if (fd < 0 || ftruncate(fd, SIZE))
		die("cannot make a file in %s", disk->dir);
	mem = map_file(fd, PAGES);
	touch_on(node, mem, SIZE);
	fill(mem, SIZE, SEED);
	if (!dirty && fsync(fd))
		die("cannot write a file");
	munmap(mem, SIZE);
	return fd;
}

FIXTURE(disk)
{
	int from, to;
	char writeback[32];
	int fd;
	char *mem;
};

FIXTURE_VARIANT(disk)
{
	int prot, flags;
	bool dirty;
};

FIXTURE_VARIANT_ADD(disk, clean)
{
	.prot = PROT_READ | PROT_WRITE,
	.flags = MAP_SHARED,
};

FIXTURE_VARIANT_ADD(disk, dirty)
{
	.prot = PROT_READ | PROT_WRITE,
	.flags = MAP_SHARED,
	.dirty = true,
};

FIXTURE_VARIANT_ADD(disk, read_only)
{
	.prot = PROT_READ,
	.flags = MAP_SHARED,
};

FIXTURE_VARIANT_ADD(disk, private)
{
	.prot = PROT_READ,
	.flags = MAP_PRIVATE,
};

FIXTURE_VARIANT_ADD(disk, private_of_dirty)
{
	.prot = PROT_READ | PROT_WRITE,
	.flags = MAP_PRIVATE,
	.dirty = true,
};

FIXTURE_SETUP(disk)
{
	struct disk disk;

	TWO_NODES(self->from, self->to);
	if (!find_disk(&disk))
		SKIP_TEST(NEEDS_DISK);
	stop_writeback(self->writeback, sizeof(self->writeback));
	self->fd = cache_file(&disk, self->from, variant->dirty);
	self->mem = map_at(self->fd, variant->prot, variant->flags, SIZE);
	look_at(self->mem, SIZE);
}

FIXTURE_TEARDOWN(disk)
{
	write_file(WRITEBACK, self->writeback);
	EXPECT_EQ(0, isolated_pages());
}

static size_t count_dirty(const char *mem)
{
	size_t i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += page_has(phys_of(0, mem + i * page_size()), KPF_DIRTY);
	return n;
}

TEST_F(disk, move)
{
	struct request *req = request_new(PAGES);
	size_t dirty = variant->dirty ? PAGES : 0;

	EXPECT_EQ(dirty, count_dirty(self->mem));
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->from));
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	/*
	 * The pages were not written back for the move, and are as dirty as
	 * before
	 */
	EXPECT_EQ(dirty, count_dirty(self->mem));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
	EXPECT_TRUE(file_intact(self->fd, SEED));
	ASSERT_EQ(0, munmap(self->mem, SIZE));
	forget(self->fd);
	EXPECT_TRUE(file_intact(self->fd, SEED));
}

/* Data written to a page after its move reaches the file or the private copy */
TEST_F(disk, write_after_move)
{
	bool shared = variant->flags == MAP_SHARED;
	struct request *req = request_new(PAGES);

	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ | PROT_WRITE));
	fill(self->mem, SIZE, SEED + 1);
	ASSERT_EQ(0, msync(self->mem, SIZE, MS_SYNC));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED + 1));
	ASSERT_EQ(0, munmap(self->mem, SIZE));
	forget(self->fd);
	EXPECT_TRUE(file_intact(self->fd, shared ? SEED + 1 : SEED));
}

/* A private copy moves alone, and no process maps the file's page any more */
TEST(copy_on_write)
{
	uint64_t cached, copy;
	struct disk disk;
	int from, to, fd;
	char *mem;

	TWO_NODES(from, to);
	if (!find_disk(&disk))
		SKIP(return, NEEDS_DISK);
	fd = cache_file(&disk, from, false);
	mem = map_at(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, SIZE);
	peek(mem);
	cached = phys_of(0, mem);
	EXPECT_OUTCOME(0, from, query_one(cached));
	touch_on(from, mem, page_size());
	fill(mem, page_size(), SEED + 1);
	copy = phys_of(0, mem);
	EXPECT_NE(cached, copy);
	EXPECT_OUTCOME(0, -ENOENT, query_one(cached));
	EXPECT_OUTCOME(0, -ENOENT, move_one(cached, to, 0));
	EXPECT_OUTCOME(0, to, move_one(copy, to, 0));
	EXPECT_EQ(to, node_of(0, mem));
	EXPECT_TRUE(intact(mem, page_size(), SEED + 1));
	EXPECT_TRUE(file_intact(fd, SEED));
	EXPECT_EQ(0, isolated_pages());
}

/* One address of each folio is enough, whatever its size */
TEST(one_address_a_folio)
{
	struct request *req = request_new(PAGES);
	int from, to, fd;
	struct disk disk;
	size_t i, n = 0;
	uint64_t phys;
	char *mem;

	TWO_NODES(from, to);
	if (!find_disk(&disk))
		SKIP(return, NEEDS_DISK);
	fd = cache_file(&disk, from, false);
	forget(fd);
	/* One large write makes large folios if the filesystem supports them */
	mem = alloc_memory(ANON, from, PAGES, SEED + 1);
	ASSERT_EQ(SIZE, pwrite(fd, mem, SIZE, 0));
	mem = map_at(fd, PROT_READ, MAP_SHARED, SIZE);
	look_at(mem, SIZE);
	if (node_of(0, mem) == to)
		to = from;

	for (i = 0; i < PAGES; i++) {
		/*
		 * Use the last address of each folio: any page but a tail
		 * begins another folio
		 */
		phys = phys_of(0, mem + i * page_size());
		n += !page_has(phys, KPF_COMPOUND_TAIL);
		request_set(req, n - 1, phys + page_size() - 1, to);
	}
	TH_LOG("%d pages in %zu folios", PAGES, n);
	req->count = n;
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(n, request_count(req, to));
	EXPECT_EQ(PAGES, count_on_node(0, mem, PAGES, to));
	EXPECT_TRUE(intact(mem, SIZE, SEED + 1));
	ASSERT_EQ(0, munmap(mem, SIZE));
	forget(fd);
	EXPECT_TRUE(file_intact(fd, SEED + 1));
	EXPECT_EQ(0, isolated_pages());
}

/* A program that runs from the disk: a copy of this test, paused at start */
#define PAUSE	"MOVE_PHYS_PAGES_PAUSE"

static __attribute__((constructor)) void pause_if_told(void)
{
	char byte;

	if (!getenv(PAUSE))
		return;
	if (write(STDOUT_FILENO, "", 1) != 1 || read(STDIN_FILENO, &byte, 1))
		_exit(1);
	/* The pages have moved, and the code in them must still work */
	_exit(page_size() == (size_t)getpagesize() ? 0 : 2);
}

static pid_t run_copy(const struct disk *disk, int *in, int *out)
{
	char path[160], *env[] = { PAUSE "=1", NULL };
	int from = open("/proc/self/exe", O_RDONLY);
	int pipes[2][2], to;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/move_phys_pages", disk->dir);
	to = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0700);
	if (from < 0 || to < 0 || pipe(pipes[0]) || pipe(pipes[1]))
		die("cannot make %s", path);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			die("cannot copy to %s", path);
	close(from);
	close(to);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[0][0], STDIN_FILENO);
		dup2(pipes[1][1], STDOUT_FILENO);
		close(pipes[0][1]);
		close(pipes[1][0]);
		execle(path, path, NULL, env);
		_exit(3);
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	*in = pipes[0][1];
	*out = pipes[1][0];
	if (read(*out, buf, 1) != 1)
		die("%s does not run", path);
	unlink(path);
	return pid;
}

static void find_text(pid_t pid, unsigned long *start, unsigned long *end)
{
	char path[64], line[512], prot[8];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		die("cannot read %s", path);
	do {
		if (!fgets(line, sizeof(line), maps) ||
		    sscanf(line, "%lx-%lx %7s", start, end, prot) != 3)
			die("%s has no text", path);
	} while (prot[2] != 'x');
	fclose(maps);
}

TEST(text)
{
	unsigned long start, end, addr, n = 0;
	struct request *req;
	int from, to, in, out, how;
	struct disk disk;
	uint64_t phys;
	pid_t pid;

	TWO_NODES(from, to);
	if (!find_disk(&disk))
		SKIP(return, NEEDS_DISK);
	pid = run_copy(&disk, &in, &out);
	find_text(pid, &start, &end);
	req = request_new((end - start) / page_size());
	for (addr = start; addr < end; addr += page_size()) {
		phys = phys_of(pid, (void *)addr);
		if (phys)
			request_set(req, n++, phys, to);
	}
	EXPECT_LT(10 * 4096, n * page_size());
	req->count = n;
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(n, request_count(req, to));
	for (addr = start; addr < end; addr += page_size())
		if (phys_of(pid, (void *)addr))
			EXPECT_EQ(to, node_of(pid, (void *)addr));
	/* Move all pages back */
	n = 0;
	for (addr = start; addr < end; addr += page_size()) {
		phys = phys_of(pid, (void *)addr);
		if (phys)
			request_set(req, n++, phys, from);
	}
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(n, request_count(req, from));
	close(in);
	ASSERT_EQ(pid, waitpid(pid, &how, 0));
	EXPECT_TRUE(WIFEXITED(how));
	EXPECT_EQ(0, WEXITSTATUS(how));
	EXPECT_EQ(0, isolated_pages());
}

/*
 * The page cache of the disk itself. A mounted filesystem holds the buffer of
 * its superblock, and thereby the page of that buffer.
 */
TEST(superblock)
{
	struct disk disk;
	uint64_t phys;
	int from, to, fd, node;
	char *mem;

	TWO_NODES(from, to);
	if (!find_disk(&disk))
		SKIP(return, NEEDS_DISK);
	fd = open(disk.device, O_RDONLY);
	ASSERT_LE(0, fd);
	mem = map_at(fd, PROT_READ, MAP_SHARED, page_size());
	peek(mem);
	phys = phys_of(0, mem);
	node = node_of(0, mem);
	to = node == from ? to : from;
	EXPECT_OUTCOME(0, node, query_one(phys));
	EXPECT_OUTCOME(1, -EBUSY, move_one(phys, to, 0));
	EXPECT_EQ(phys, phys_of(0, mem));
	/* The magic number of ext4 */
	EXPECT_EQ(0x53, (unsigned char)mem[1024 + 56]);
	EXPECT_EQ(0xef, (unsigned char)mem[1024 + 57]);
	/* The page stays in the page cache, but no process maps it */
	ASSERT_EQ(0, munmap(mem, page_size()));
	EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, to, 0));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, node, 0));
	mem = map_at(fd, PROT_READ, MAP_SHARED, page_size());
	peek(mem);
	EXPECT_EQ(phys, phys_of(0, mem));
	munmap(mem, page_size());
	close(fd);
	EXPECT_EQ(0, isolated_pages());
}

/*
 * A disk that answers when the test allows it: a network block device, whose
 * server is a child of the test.
 */
#define NBD		"/dev/nbd0"
#define HELD_MAX	256
#define PATIENCE	600000	/* ms until the server answers by itself */

struct server {
	int hold;		/* NBD_CMD_* that gets no answer yet, or -1 */
	int held;		/* the number of requests without an answer */
	char *data;
};

/*
 * Use a pipe. read(2) from the socket would hold a lock while it stores to user
 * memory, and such a store may wait for this disk. The kernel's end of the
 * socket pair has locks of the same classes, so lockdep would report a
 * deadlock.
 */
static void receive(int sock, void *buf, size_t size)
{
	int ends[2];
	ssize_t n;

	if (pipe(ends))
		_exit(1);
	for (; size; size -= n, buf += n) {
		n = splice(sock, NULL, ends[1], NULL, size, 0);
		if (n <= 0 || read(ends[0], buf, n) != n)
			_exit(0);
	}
	close(ends[0]);
	close(ends[1]);
}

static void transmit(int sock, const void *buf, size_t size)
{
	ssize_t n;

	for (; size; size -= n, buf += n) {
		n = write(sock, buf, size);
		if (n <= 0)
			_exit(0);
	}
}

static void answer(const struct server *server, int sock,
		   const struct nbd_request *request)
{
	struct nbd_reply reply = { .magic = htobe32(NBD_REPLY_MAGIC) };

	memcpy(&reply.handle, &request->handle, sizeof(reply.handle));
	transmit(sock, &reply, sizeof(reply));
	if (be32toh(request->type) == NBD_CMD_READ)
		transmit(sock, server->data + be64toh(request->from),
			 be32toh(request->len));
}

static void serve(struct server *server, int sock, int wake)
{
	struct nbd_request held[HELD_MAX], *request;
	struct pollfd fds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};
	char byte;
	int type;

	for (;;) {
		if (!poll(fds, ARRAY_SIZE(fds), server->held ? PATIENCE : -1))
			fds[1].revents = POLLIN;
		else if (fds[1].revents && read(wake, &byte, 1) != 1)
			_exit(0);
		if (fds[1].revents) {
			server->hold = -1;
			while (server->held)
				answer(server, sock, &held[--server->held]);
		}
		if (!fds[0].revents)
			continue;
		request = &held[server->held];
		receive(sock, request, sizeof(*request));
		type = be32toh(request->type) & 0xffff;
		if (type == NBD_CMD_DISC)
			_exit(0);
		if (type == NBD_CMD_WRITE)
			receive(sock, server->data + be64toh(request->from),
				be32toh(request->len));
		if (type == server->hold && server->held < HELD_MAX - 1)
			server->held++;
		else
			answer(server, sock, request);
	}
}

/* Serves as the driver until the device is disconnected, and then exits */
static void drive(int sock)
{
	int fd = open(NBD, O_RDWR);

	if (fd < 0 || ioctl(fd, NBD_SET_BLKSIZE, page_size()) ||
	    ioctl(fd, NBD_SET_SIZE_BLOCKS, PAGES) ||
	    ioctl(fd, NBD_SET_SOCK, sock))
		_exit(1);
	ioctl(fd, NBD_DO_IT);
	ioctl(fd, NBD_CLEAR_SOCK);
	_exit(0);
}

FIXTURE(held_io)
{
	int from, to;
	char writeback[32];
	struct server *server;
	int wake;
	pid_t pids[2];
	int fd;
	char *mem;
};

static bool is_connected(void)
{
	char buf[32];

	read_file("/sys/block/nbd0/size", buf, sizeof(buf));
	return strtoul(buf, NULL, 10) != 0;
}

FIXTURE_SETUP(held_io)
{
	int sock[2], wake[2];

	TWO_NODES(self->from, self->to);
	if (access(NBD, R_OK | W_OK))
		SKIP_TEST("needs CONFIG_BLK_DEV_NBD");
	stop_writeback(self->writeback, sizeof(self->writeback));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock));
	ASSERT_EQ(0, pipe(wake));
	self->server = (struct server *)map_memory(SHMEM, 1 + PAGES);
	self->server->hold = -1;
	self->server->data = (char *)self->server + page_size();
	fill(self->server->data, SIZE, SEED);

	self->pids[0] = fork();
	if (!self->pids[0]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sock[0]);
		close(wake[1]);
		serve(self->server, sock[1], wake[0]);
	}
	self->pids[1] = fork();
	if (!self->pids[1]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sock[1]);
		close(wake[1]);
		drive(sock[0]);
	}
	close(sock[0]);
	close(sock[1]);
	close(wake[0]);
	self->wake = wake[1];
	while (!is_connected())
		ASSERT_EQ(0, waitpid(self->pids[1], NULL, WNOHANG));
	self->fd = open(NBD, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->mem = map_file(self->fd, PAGES);
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_RANDOM));
	/* Drop what the search for partitions left in the page cache */
	ASSERT_EQ(0, ioctl(self->fd, BLKFLSBUF));
}

static void await_held(const struct server *server)
{
	while (!__atomic_load_n(&server->held, __ATOMIC_SEQ_CST))
		usleep(1000);
}

static void release(FIXTURE_DATA(held_io) *self)
{
	if (write(self->wake, "", 1) != 1)
		die("cannot wake the server");
	while (__atomic_load_n(&self->server->held, __ATOMIC_SEQ_CST))
		usleep(1000);
}

FIXTURE_TEARDOWN(held_io)
{
	release(self);
	EXPECT_EQ(0, munmap(self->mem, SIZE));
	EXPECT_EQ(0, ioctl(self->fd, NBD_DISCONNECT));
	close(self->fd);
	EXPECT_EQ(self->pids[0], waitpid(self->pids[0], NULL, 0));
	EXPECT_EQ(self->pids[1], waitpid(self->pids[1], NULL, 0));
	close(self->wake);
	write_file(WRITEBACK, self->writeback);
	EXPECT_EQ(0, isolated_pages());
}

/* Clean and dirty pages move together with their buffers */
TEST_F(held_io, none)
{
	struct request *req = request_new(PAGES);
	size_t i;

	touch_on(self->from, self->mem, SIZE);
	fill(self->mem, SIZE, SEED + 1);
	ASSERT_EQ(0, msync(self->mem, SIZE / 2, MS_SYNC));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i >= PAGES / 2, page_has(phys_of(0, self->mem +
							   i * page_size()),
						   KPF_DIRTY));
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES, self->to));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED + 1));
	ASSERT_EQ(0, msync(self->mem, SIZE, MS_SYNC));
	EXPECT_TRUE(intact(self->server->data, SIZE, SEED + 1));
}

static unsigned long failures(void)
{
	write_file("/proc/sys/vm/stat_refresh", "1");
	return vmstat("/proc/vmstat", "pgmigrate_fail");
}

/*
 * The call refuses to move a page under writeback (-EBUSY). It neither waits
 * for the end of the write, nor tries to move the page.
 */
TEST_F(held_io, write)
{
	unsigned long before;
	uint64_t phys;
	int i;

	touch_on(self->from, self->mem, SIZE);
	fill(self->mem, SIZE, SEED + 1);
	phys = phys_of(0, self->mem);
	self->server->hold = NBD_CMD_WRITE;
	ASSERT_EQ(0, sync_file_range(self->fd, 0, page_size(),
				     SYNC_FILE_RANGE_WRITE));
	await_held(self->server);
	EXPECT_TRUE(page_has(phys, KPF_WRITEBACK));
	before = failures();
	for (i = 0; i < 3; i++) {
		EXPECT_OUTCOME(0, self->from, query_one(phys));
		EXPECT_OUTCOME(1, -EBUSY, move_one(phys, self->to, 0));
		EXPECT_EQ(phys, phys_of(0, self->mem));
	}
	EXPECT_EQ(before, failures());
	EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	EXPECT_NE(0, self->server->held);

	release(self);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_FALSE(page_has(phys, KPF_WRITEBACK));
	EXPECT_OUTCOME(0, self->to, move_one(phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(0, self->mem));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED + 1));
	EXPECT_TRUE(intact(self->server->data, SIZE, SEED + 1));
}

/* Those pages of a call that are not under writeback move */
TEST_F(held_io, write_among_good)
{
	struct request *req = request_new(PAGES);
	size_t held = PAGES / 4;

	touch_on(self->from, self->mem, SIZE);
	fill(self->mem, SIZE, SEED + 1);
	self->server->hold = NBD_CMD_WRITE;
	ASSERT_EQ(0, sync_file_range(self->fd, 0, held * page_size(),
				     SYNC_FILE_RANGE_WRITE));
	await_held(self->server);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	shuffle(req, SEED);
	EXPECT_EQ(held, request_move(req, 0));
	EXPECT_EQ(held, request_count(req, -EBUSY));
	EXPECT_EQ(PAGES - held, request_count(req, self->to));
	EXPECT_EQ(held, count_on_node(0, self->mem, held, self->from));
	EXPECT_EQ(PAGES - held,
		  count_on_node(0, self->mem + held * page_size(),
				PAGES - held, self->to));
	EXPECT_NE(0, self->server->held);
	release(self);
	ASSERT_EQ(0, msync(self->mem, SIZE, MS_SYNC));
	EXPECT_TRUE(intact(self->server->data, SIZE, SEED + 1));
}

/* No page table maps the page, so search all frames */
static uint64_t find_under_read(void)
{
	const uint64_t mask = BIT(KPF_LOCKED) | BIT(KPF_UPTODATE) | BIT(KPF_SLAB);
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	static uint64_t flags[1 << 13];
	uint64_t pfn = 0, phys = 0;
	ssize_t i, n;

	while (!phys && (n = read(fd, flags, sizeof(flags))) > 0) {
		n /= sizeof(*flags);
		for (i = 0; i < n && !phys; i++)
			if ((flags[i] & mask) == BIT(KPF_LOCKED))
				phys = (pfn + i) * page_size();
		pfn += n;
	}
	close(fd);
	return phys;
}

/*
 * A page that is being read is in no page table yet. No call waits for the end
 * of the read.
 */
TEST_F(held_io, read)
{
	uint64_t phys;
	pid_t pid;
	int how;

	self->server->hold = NBD_CMD_READ;
	pid = fork();
	if (!pid)
		_exit(peek(self->mem + SIZE / 2) != self->server->data[SIZE / 2]);
	await_held(self->server);
	phys = find_under_read();
	ASSERT_NE(0, phys);
	EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, self->from, 0));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, self->to, 0));
	EXPECT_NE(0, self->server->held);
	release(self);
	ASSERT_EQ(pid, waitpid(pid, &how, 0));
	EXPECT_EQ(0, how);
}

/*
 * Files of filesystems that cannot migrate dirty pages: ramfs, and
 * migrate_phys_fs, which exists for tests of the call.
 */
FIXTURE(stubborn)
{
	int from, to;
	char writeback[32];
	char dir[DIR_SIZE];
	bool writepage;
	char *mem;
};

FIXTURE_VARIANT(stubborn)
{
	const char *type, *name;
	int dirty, clean;	/* statuses; 0 for the target node */
	bool writes;		/* both are -EINVAL without ->writepage */
};

/* The page is never written out */
FIXTURE_VARIANT_ADD(stubborn, never_written)
{
	.type = "ramfs",
	.name = "file",
	.dirty = -EINVAL,
};

FIXTURE_VARIANT_ADD(stubborn, written)
{
	.type = "migrate_phys_fs",
	.name = "written",
	.writes = true,
};

/* Writing out fails, and the page stays dirty */
FIXTURE_VARIANT_ADD(stubborn, broken)
{
	.type = "migrate_phys_fs",
	.name = "broken",
	.dirty = -EIO,
	.writes = true,
};

/* Writing out fails, but the page becomes clean */
FIXTURE_VARIANT_ADD(stubborn, lossy)
{
	.type = "migrate_phys_fs",
	.name = "lossy",
	.dirty = -EIO,
	.writes = true,
};

/* Writing out fails, but the error is recorded only in the mapping */
FIXTURE_VARIANT_ADD(stubborn, late)
{
	.type = "migrate_phys_fs",
	.name = "late",
	.writes = true,
};

/* The page is never written out, and its private data is never released */
FIXTURE_VARIANT_ADD(stubborn, busy)
{
	.type = "migrate_phys_fs",
	.name = "busy",
	.dirty = -EINVAL,
	.clean = -EBUSY,
};

FIXTURE_SETUP(stubborn)
{
	char path[128];

	TWO_NODES(self->from, self->to);
	if (!mount_temp(self->dir, variant->type, NULL))
		SKIP_TEST("needs CONFIG_MIGRATE_PHYS_TEST_FS");
	stop_writeback(self->writeback, sizeof(self->writeback));
	snprintf(path, sizeof(path), "%s/writepage", self->dir);
	self->writepage = !access(path, F_OK);
	self->mem = map_temp(self->dir, variant->name, PAGES);
}

FIXTURE_TEARDOWN(stubborn)
{
	EXPECT_EQ(0, munmap(self->mem, SIZE));
	EXPECT_TRUE(unmount_temp(self->dir));
	write_file(WRITEBACK, self->writeback);
	EXPECT_EQ(0, isolated_pages());
}

/* Without ->writepage, even clean pages are refused if .writes is set. */
static int wanted_status(const FIXTURE_DATA(stubborn) *self,
			 const FIXTURE_VARIANT(stubborn) *variant, int status,
			 int node)
{
	if (variant->writes && !self->writepage)
		return -EINVAL;
	return status ?: node;
}

/*
 * Without memory cgroups, the call defers pages until it has searched all
 * processes for the tasks of the address spaces. Then it takes a last look at
 * these pages. If it only now writes a dirty page out, the page moves in the
 * next call.
 */
static bool written_at_last_look(int want)
{
	char cgroups[4096] = "";

	if (!access("/proc/cgroups", F_OK))
		read_file("/proc/cgroups", cgroups, sizeof(cgroups));
	return want >= 0 && !strstr(cgroups, "\nmemory\t");
}

TEST_F(stubborn, dirty)
{
	int want = wanted_status(self, variant, variant->dirty, self->to);
	uint64_t phys;

	touch_on(self->from, self->mem, SIZE);
	fill(self->mem, SIZE, SEED);
	phys = phys_of(0, self->mem);
	ASSERT_TRUE(page_has(phys, KPF_DIRTY));
	EXPECT_OUTCOME(0, self->from, query_one(phys));
	EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	EXPECT_TRUE(page_has(phys, KPF_DIRTY));
	if (written_at_last_look(want))
		EXPECT_OUTCOME(1, -EBUSY, move_one(phys, self->to, 0));
	EXPECT_OUTCOME(want < 0, want, move_one(phys, self->to, 0));
	EXPECT_EQ(want < 0, phys == phys_of(0, self->mem));
	EXPECT_EQ(want < 0 ? self->from : self->to, node_of(0, self->mem));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
}

/* The status does not depend on the other pages that the call handled before */
TEST_F(stubborn, dirty_among_good)
{
	int want = wanted_status(self, variant, variant->dirty, self->to);
	char *good = alloc_memory(ANON, self->from, PAGES, SEED + 1);
	struct request *req = request_new(2 * PAGES);

	touch_on(self->from, self->mem, SIZE);
	fill(self->mem, SIZE, SEED);
	request_set_pages(req, 0, self->mem, PAGES, self->to);
	request_set_pages(req, PAGES, good, PAGES, self->to);
	shuffle(req, SEED);
	if (written_at_last_look(want)) {
		EXPECT_EQ(PAGES, request_move(req, 0));
		EXPECT_EQ(PAGES, request_count(req, -EBUSY));
		EXPECT_EQ(PAGES, request_count(req, self->to));
		/*
		 * The other pages have left their frames, so look up all
		 * addresses again.
		 */
		request_set_pages(req, 0, self->mem, PAGES, self->to);
		request_set_pages(req, PAGES, good, PAGES, self->to);
	}
	EXPECT_EQ(want < 0 ? PAGES : 0, request_move(req, 0));
	EXPECT_EQ(want < 0 ? PAGES : 2 * PAGES, request_count(req, self->to));
	if (want < 0)
		EXPECT_EQ(PAGES, request_count(req, want));
	EXPECT_EQ(PAGES, count_on_node(0, good, PAGES, self->to));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem, PAGES,
				       want < 0 ? self->from : self->to));
	EXPECT_TRUE(intact(self->mem, SIZE, SEED));
	EXPECT_TRUE(intact(good, SIZE, SEED + 1));
}

TEST_F(stubborn, clean)
{
	int node, other, want;
	uint64_t phys;

	EXPECT_EQ(0, peek(self->mem));
	phys = phys_of(0, self->mem);
	node = node_of(0, self->mem);
	other = node == self->from ? self->to : self->from;
	want = wanted_status(self, variant, variant->clean, other);
	EXPECT_OUTCOME(want < 0, want, move_one(phys, other, 0));
	EXPECT_EQ(want < 0 ? node : other, node_of(0, self->mem));
	EXPECT_EQ(want < 0, phys == phys_of(0, self->mem));
	EXPECT_EQ(0, peek(self->mem));
}

TEST_HARNESS_MAIN
