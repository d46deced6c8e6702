// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fuse.h"
#include "util.h"

/* An opcode that no request has */
#define NO_KIND	0

bool fuse_mount(struct fuse_file *file, size_t size, uint64_t unanswered,
		const struct fuse_disk *disk)
{
	static unsigned int nr;
	char options[128];
	int len;

	*file = (struct fuse_file) { .size = size, .unanswered = unanswered };
	file->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (file->dev < 0)
		return false;
	/* Only a file can be mounted on a file. */
	snprintf(file->path, sizeof(file->path), "/tmp/mpp-%d-%u", getpid(), nr++);
	close(open(file->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	len = snprintf(options, sizeof(options),
		       "fd=%d,rootmode=%o,user_id=0,group_id=0", file->dev,
		       S_IFREG);
	if (disk)
		snprintf(options + len, sizeof(options) - len, ",blksize=%u",
			 disk->block_size);
	if (mount(disk ? disk->path : "mpp", file->path,
		  disk ? "fuseblk" : "fuse", MS_NOSUID | MS_NODEV, options))
		die("cannot mount a FUSE file");
	return true;
}

static void send_message(int dev, uint64_t unique, int error, const void *data,
			 size_t size)
{
	char buf[256] = "";
	struct fuse_out_header *out = (void *)buf;

	out->len = sizeof(*out) + size;
	out->error = error;
	out->unique = unique;
	memcpy(out + 1, data, size);
	/* ENOENT: the kernel has given up the request, so it needs no answer. */
	if (write(dev, buf, out->len) != out->len && errno != ENOENT)
		die("FUSE does not take a message");
}

/* The file is full of zeroes. */
static void send_zeroes(int dev, uint64_t unique, size_t size)
{
	struct fuse_out_header *out = calloc(1, sizeof(*out) + size);

	if (!out)
		die("no memory");
	out->len = sizeof(*out) + size;
	out->unique = unique;
	if (write(dev, out, out->len) != out->len && errno != ENOENT)
		die("FUSE does not take data");
	free(out);
}

static void answer(const struct fuse_file *file, const struct fuse_in_header *in)
{
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = page_size(),
		.max_background = 16,
		.congestion_threshold = 16,
	};
	const struct fuse_attr_out attr = {
		.attr_valid = UINT32_MAX,
		.attr = {
			.ino = FUSE_ROOT_ID,
			.mode = S_IFREG | 0600,
			.nlink = 1,
			.size = file->size,
		},
	};
	/*
	 * Otherwise a second open() would drop the page that the first process
	 * is reading, and wait for it.
	 */
	const struct fuse_open_out open = { .open_flags = FOPEN_KEEP_CACHE };
	const struct fuse_read_in *read = (void *)(in + 1);
	const struct fuse_write_in *write = (void *)(in + 1);
	struct fuse_write_out written;

	switch (in->opcode) {
	case FUSE_INIT:
		send_message(file->dev, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		send_message(file->dev, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		send_message(file->dev, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		send_zeroes(file->dev, in->unique, read->size);
		break;
	case FUSE_WRITE:
		written = (struct fuse_write_out) { .size = write->size };
		send_message(file->dev, in->unique, 0, &written, sizeof(written));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		send_message(file->dev, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		/* The kernel expects no answer to these requests. */
		break;
	default:
		send_message(file->dev, in->unique, -EOPNOTSUPP, NULL, 0);
	}
}

void fuse_serve(const struct fuse_file *file, uint32_t kind, unsigned int times)
{
	/* The kernel requires room for a header and a page. */
	const size_t size = FUSE_MIN_READ_BUFFER + page_size();
	struct fuse_in_header *in = malloc(size);

	while (times) {
		if (!in || read(file->dev, in, size) < (ssize_t)sizeof(*in))
			die("no request from FUSE");
		times -= in->opcode == kind;
		if (in->opcode >= 64 || !(BIT(in->opcode) & file->unanswered))
			answer(file, in);
		else if (file->waiting)
			__atomic_fetch_or(file->waiting, BIT(in->opcode),
					  __ATOMIC_SEQ_CST);
	}
	free(in);
}

static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot create a process");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/*
 * Keeps dirty pages dirty. The kernel gives each server a share of the allowed
 * dirty memory, in proportion to what it has written back. A new server has no
 * share yet, so its pages would be written back at once.
 */
static void allow_dirty_pages(dev_t dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/min_ratio",
		 major(dev), minor(dev));
	try_write_file(path, "1");
}

void fuse_start_server(struct fuse_file *file)
{
	struct stat st;

	file->waiting = (uint64_t *)map_memory(SHMEM, 1);
	file->server = fork_child();
	if (!file->server)
		fuse_serve(file, NO_KIND, 1);
	/* FUSE takes a file for empty until its size is requested. */
	if (stat(file->path, &st))
		die("the FUSE file has no size");
	allow_dirty_pages(st.st_dev);
}

bool fuse_waits(const struct fuse_file *file, uint32_t kind)
{
	return __atomic_load_n(file->waiting, __ATOMIC_SEQ_CST) & BIT(kind);
}

pid_t fuse_invalidate(const struct fuse_file *file)
{
	const struct fuse_notify_inval_inode_out inval = { .ino = FUSE_ROOT_ID };
	pid_t pid = fork_child();

	if (pid)
		return pid;
	send_message(file->dev, 0, FUSE_NOTIFY_INVAL_INODE, &inval,
		     sizeof(inval));
	_exit(0);
}

void fuse_detach(const struct fuse_file *file)
{
	if (umount2(file->path, MNT_DETACH) || unlink(file->path))
		die("cannot detach the FUSE file %s", file->path);
}

/*
 * Closing the device is not enough, because children of the test may have it
 * open, too. A forced unmount aborts the connection even if the unmount itself
 * fails.
 */
void fuse_abort(struct fuse_file *file)
{
	if (file->server)
		reap(file->server);
	file->server = 0;
	umount2(file->path, MNT_FORCE);
	close(file->dev);
	file->dev = -1;
}

void fuse_unmount(struct fuse_file *file)
{
	if (file->dev >= 0)
		fuse_abort(file);
	umount(file->path);
	if (unlink(file->path))
		die("cannot unmount the FUSE file %s", file->path);
}
