// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of what a process has in memory: --pid */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

struct process {
	struct source src;
	pid_t pid;
	int dir;
	int pagemap;
	FILE *maps;
	__u64 next, end;	/* what is left of the last mapping, in pages */
	__u64 entries[BLOCK];	/* of the pagemap */
};

/* How many pages the process has in memory: 0 once it has exited. */
static __u64 resident(const struct process *proc)
{
	char text[128] = "";
	__u64 pages = 0;
	int fd = openat(proc->dir, "statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%*u %llu", &pages);
	close(fd);
	return pages;
}

static bool next_mapping(struct process *proc)
{
	static char *line;
	static size_t size;
	__u64 start, end;
	int name;

	while (!stopped && getline(&line, &size, proc->maps) > 0) {
		name = 0;
		if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n",
			   &start, &end, &name) < 2)
			continue;
		/* [vdso], [vvar], [vsyscall]: the kernel's pages, not the process's */
		if (!strncmp(line + name, "[v", 2))
			continue;
		proc->next = start / page_size;
		proc->end = end / page_size;
		return true;
	}
	return false;
}

/* Reads the next entries of the pagemap; returns how many, or -1 at the end. */
static ssize_t next_entries(struct process *proc, size_t max)
{
	const size_t size = sizeof(proc->entries[0]);
	ssize_t got;

	if (proc->next == proc->end && !next_mapping(proc))
		return -1;
	if (max > ARRAY_SIZE(proc->entries))
		max = ARRAY_SIZE(proc->entries);
	if (max > proc->end - proc->next)
		max = proc->end - proc->next;
	got = pread(proc->pagemap, proc->entries, max * size,
		    proc->next * size);
	if (got <= 0) {
		/* The mapping has gone, or the process with all of them. */
		proc->next = proc->end;
		return 0;
	}
	proc->next += got / size;
	return got / size;
}

static size_t fill_from_process(struct source *src, __u64 *pages, size_t max)
{
	const __u64 present = 1ULL << 63, pfn_mask = (1ULL << 55) - 1;
	struct process *proc = (struct process *)src;
	size_t n = 0;

	while (n < max && !src->ended) {
		ssize_t count = next_entries(proc, max - n);

		if (count < 0) {
			if (!stopped && !resident(proc)) {
				complain("process %d exited meanwhile", proc->pid);
				src->failed = true;
			}
			src->ended = true;
			break;
		}
		for (ssize_t i = 0; i < count; i++) {
			__u64 entry = proc->entries[i];

			if (!(entry & present))
				continue;
			if (!(entry & pfn_mask)) {
				complain("/proc/%d/pagemap shows no address without CAP_SYS_ADMIN",
					 proc->pid);
				src->failed = true;
				src->ended = true;
				break;
			}
			pages[n++] = (entry & pfn_mask) * page_size;
		}
	}
	return n;
}

static bool rewind_process(struct source *src)
{
	struct process *proc = (struct process *)src;

	rewind(proc->maps);
	proc->next = proc->end;
	src->ended = false;
	src->total = resident(proc);
	return true;
}

static int open_in(const struct process *proc, const char *name)
{
	int fd = openat(proc->dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		complain("cannot open /proc/%d/%s: %s", proc->pid, name,
			 strerror(errno));
	return fd;
}

struct source *source_process(pid_t pid)
{
	static struct process proc = {
		.src.fill = fill_from_process,
		.src.rewind = rewind_process,
	};
	char path[32];
	int maps;

	proc.pid = pid;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc.dir < 0) {
		complain("no process %d: %s", pid, strerror(errno));
		return NULL;
	}
	proc.src.total = resident(&proc);
	if (!proc.src.total) {
		complain("process %d has no memory of its own: it is a kernel thread or has exited",
			 pid);
		return NULL;
	}
	maps = open_in(&proc, "maps");
	proc.pagemap = open_in(&proc, "pagemap");
	if (maps < 0 || proc.pagemap < 0)
		return NULL;
	proc.maps = fdopen(maps, "r");
	return proc.maps ? &proc.src : NULL;
}
