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
	int dev;		/* to the kernel */
	size_t size;
	uint64_t unanswered;	/* BIT(opcode) of requests without an answer */
	uint64_t *waiting;	/* those of them that have come to the server */
	pid_t server;		/* 0: there is none */
};

/* A block device, whose FUSE filesystem waits for the server when it is shut down */
struct fuse_disk {
	const char *path;
	unsigned int block_size;
};

/* Returns false where the kernel has no FUSE. @disk may be NULL. */
bool fuse_mount(struct fuse_file *file, size_t size, uint64_t unanswered,
		const struct fuse_disk *disk);
/* Takes requests until @times of this kind have come */
void fuse_serve(const struct fuse_file *file, uint32_t kind, unsigned int times);
/* A process serves the file, until fuse_unmount() */
void fuse_start_server(struct fuse_file *file);
/* Has a request of this kind come, to which there will be no answer? */
bool fuse_waits(const struct fuse_file *file, uint32_t kind);
/* Has a process write dirty pages back and drop them; returns the process */
pid_t fuse_invalidate(const struct fuse_file *file);
/* The filesystem lives on for as long as somebody uses the file. */
void fuse_detach(const struct fuse_file *file);
/* Ends the server. All who wait for it go on, with errors. */
void fuse_abort(struct fuse_file *file);
/* Nobody may have the file open any more. */
void fuse_unmount(struct fuse_file *file);

#endif
