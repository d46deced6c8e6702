// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of what a process has in memory */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "source.h"

struct process {
	struct source src;
	pid_t pid;
	int dir;
	struct pagemap pagemap;
	FILE *maps;
	bool sizes;		/* @maps tells how much of each mapping is in memory */
	__u64 next, end;	/* what is left of the last mapping, in pages */
	__u64 present_end;	/* up to there something may be in memory */
	__u64 frames[PAGEMAP_BLOCK];
	size_t at, nr;		/* those from @at to @nr are still to be given */
};

/* Returns how many pages the process has in memory: 0 once it has exited. */
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

/* Does a line of smaps tell that some of the mapping is in memory? */
static bool tells_presence(const char *line)
{
	__u64 kilobytes;

	return (sscanf(line, "Rss: %llu", &kilobytes) == 1 ||
		sscanf(line, "Shared_Hugetlb: %llu", &kilobytes) == 1 ||
		sscanf(line, "Private_Hugetlb: %llu", &kilobytes) == 1) &&
	       kilobytes;
}

static bool next_mapping(struct process *proc)
{
	static char *line;
	static size_t size;
	bool ours = false;
	__u64 start, end;

	while (!stopped && getline(&line, &size, proc->maps) > 0) {
		int name = 0;

		if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n",
			   &start, &end, &name) >= 2) {
			/* [vdso], [vvar], [vsyscall] belong to the kernel. */
			ours = strncmp(line + name, "[v", 2);
			proc->next = start / page_size;
			proc->end = end / page_size;
			if (ours && !proc->sizes)
				return true;
		} else if (ours && tells_presence(line)) {
			return true;
		}
	}
	/* A mapping that the last line of smaps does not tell of */
	proc->next = proc->end;
	return false;
}

/* Reads on in the pagemap. False at the end; there may be no frames even so. */
static bool read_frames(struct process *proc)
{
	proc->at = 0;
	proc->nr = 0;
	if (proc->next >= proc->end) {
		proc->present_end = 0;
		return next_mapping(proc);
	}
	if (proc->next >= proc->present_end &&
	    !pagemap_present(&proc->pagemap, &proc->next, &proc->present_end,
			     proc->end)) {
		proc->next = proc->present_end;
		return true;
	}
	proc->nr = pagemap_frames(&proc->pagemap, proc->next,
				  proc->present_end - proc->next, proc->frames);
	/* If there are none, the mapping has gone, or the process with all of them. */
	proc->next = proc->nr ? proc->next + proc->nr : proc->end;
	return true;
}

static bool end_process(struct process *proc)
{
	if (!stopped && !resident(proc)) {
		complain("process %d exited meanwhile", proc->pid);
		proc->src.failed = true;
	}
	proc->src.ended = true;
	return false;
}

static bool next_in_process(struct source *src, struct range *range, bool wait)
{
	struct process *proc = (struct process *)src;
	__u64 first;

	(void)wait;
	while (!src->ended && !stopped) {
		if (proc->at == proc->nr) {
			if (!read_frames(proc))
				return end_process(proc);
			continue;
		}
		first = proc->frames[proc->at++];
		if (first == NO_FRAME)
			continue;
		if (first == HIDDEN_FRAME) {
			complain("/proc/%d/pagemap shows no address without CAP_SYS_ADMIN",
				 proc->pid);
			src->failed = true;
			src->ended = true;
			break;
		}
		range->start = first * page_size;
		range->pages = 1;
		while (proc->at < proc->nr &&
		       proc->frames[proc->at] == first + range->pages) {
			proc->at++;
			range->pages++;
		}
		src->done += range->pages;
		return true;
	}
	src->ended = true;
	return false;
}

static bool rewind_process(struct source *src)
{
	struct process *proc = (struct process *)src;

	rewind(proc->maps);
	proc->next = 0;
	proc->end = 0;
	proc->at = 0;
	proc->nr = 0;
	src->ended = false;
	src->total = resident(proc);
	src->done = 0;
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

static bool open_maps(struct process *proc)
{
	int pagemap = open_in(proc, "pagemap"), maps;

	if (pagemap < 0)
		return false;
	pagemap_init(&proc->pagemap, pagemap);
	/*
	 * Most of a large mapping may never have been touched. Where the pagemap
	 * cannot skip that, smaps tells at least which mappings are untouched.
	 */
	proc->sizes = !proc->pagemap.scans;
	maps = open_in(proc, proc->sizes ? "smaps" : "maps");
	proc->maps = maps < 0 ? NULL : fdopen(maps, "r");
	return proc->maps;
}

struct source *source_process(pid_t pid)
{
	static struct process proc = {
		.src.next = next_in_process,
		.src.rewind = rewind_process,
	};
	char path[32];

	proc.pid = pid;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc.dir < 0) {
		if (access("/proc/self", F_OK))
			complain("cannot read /proc/self: is proc mounted on /proc?");
		else
			complain("no process %d: %s", pid, strerror(errno));
		return NULL;
	}
	proc.src.total = resident(&proc);
	if (!proc.src.total) {
		complain("process %d has no memory of its own: it is a kernel thread or has exited",
			 pid);
		return NULL;
	}
	return open_maps(&proc) ? &proc.src : NULL;
}
