/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A FUSE filesystem of one file, whose server never answers requests of some
 * kinds: for tests that need a page or a process to wait for a server.
 */
#ifndef MOVE_PHYS_PAGES_FUSE_H
#define MOVE_PHYS_PAGES_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/fuse.h>

struct fuse_file {
	char path[64];
	int dev;		/* /dev/fuse of this mount */
	size_t size;
	uint64_t unanswered;	/* BIT(opcode) of requests without an answer */
	uint64_t *waiting;	/* BIT(opcode) of requests that wait */
	pid_t server;		/* 0: no process is the server */
};

/* A block device. Its FUSE filesystem waits for the server when it is shut down. */
struct fuse_disk {
	const char *path;
	unsigned int block_size;
};

/*
 * Mounts the filesystem; returns false if the kernel has no FUSE. @disk may be
 * NULL.
 */
bool fuse_mount(struct fuse_file *file, size_t size, uint64_t unanswered,
		const struct fuse_disk *disk);
/* Handles requests until @times of this kind have been received */
void fuse_serve(const struct fuse_file *file, uint32_t kind, unsigned int times);
/* Starts a process that serves the file, until fuse_abort() or fuse_unmount() */
void fuse_start_server(struct fuse_file *file);
/* Has the server received a request of this kind, which it never answers? */
bool fuse_waits(const struct fuse_file *file, uint32_t kind);
/*
 * Starts a process that makes the kernel write back and drop the file's pages;
 * returns it
 */
pid_t fuse_invalidate(const struct fuse_file *file);
/* Detaches the mount. The filesystem stays as long as a process uses the file. */
void fuse_detach(const struct fuse_file *file);
/* Ends the server. Tasks that wait for it continue, with errors. */
void fuse_abort(struct fuse_file *file);
/* Unmounts and removes the file, which no process may have open. */
void fuse_unmount(struct fuse_file *file);

#endif
