// SPDX-License-Identifier: GPL-2.0-only
/* A source: the pages that processes have in memory */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "source.h"

struct process {
	pid_t pid;
	bool exited;		/* while we read its pagemap */
	bool hidden;		/* we lack the privilege to see its frames */
	int dir;
	struct pagemap pagemap;
	FILE *maps;
	bool sizes;		/* @maps has how much of each mapping is in memory */
	__u64 next, end;	/* the rest of the current mapping, in pages */
	__u64 present_end;	/* pages up to this one may be in memory */
	__u64 frames[PAGEMAP_BLOCK];
	size_t at, nr;		/* next_in_process() has not returned frames from @at to @nr */
};

/* In pages. All is zero once the process has exited. */
struct process_size {
	__u64 mapped;
	__u64 resident;		/* in memory; some kernels since 6.2 print 0 for a small process */
};

static struct process_size size_of(const struct process *proc)
{
	struct process_size size = { };
	char text[128] = "";
	int fd = openat(proc->dir, "statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return size;
	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%llu %llu", &size.mapped, &size.resident);
	close(fd);
	return size;
}

/* Does this line of smaps show that some of the mapping is in memory? */
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
	/* No mapping is left: skip the last one, of which nothing is in memory. */
	proc->next = proc->end;
	return false;
}

/* Read the next frames, or go to the next mapping. False at the end of the last mapping. */
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
	/* If no frames were read, the mapping has gone, or the process has exited. */
	proc->next = proc->nr ? proc->next + proc->nr : proc->end;
	return true;
}

static bool next_in_process(struct process *proc, struct range *range)
{
	__u64 first;

	while (!stopped) {
		if (proc->at == proc->nr) {
			if (read_frames(proc))
				continue;
			proc->exited = !stopped && !size_of(proc).mapped;
			return false;
		}
		first = proc->frames[proc->at++];
		if (first == NO_FRAME)
			continue;
		if (first == HIDDEN_FRAME) {
			complain("/proc/%d/pagemap hides physical addresses: CAP_SYS_ADMIN is needed",
				 proc->pid);
			proc->hidden = true;
			return false;
		}
		range->start = first * page_size;
		range->pages = 1;
		while (proc->at < proc->nr &&
		       proc->frames[proc->at] == first + range->pages) {
			proc->at++;
			range->pages++;
		}
		return true;
	}
	return false;
}

/* It is no error if the process has exited, unless @say. */
static int open_in(const struct process *proc, const char *name, bool say)
{
	int fd = openat(proc->dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && (say || (errno != ENOENT && errno != ESRCH)))
		complain("cannot open /proc/%d/%s: %s", proc->pid, name,
			 strerror(errno));
	return fd;
}

/*
 * Field 2 of /proc/PID/stat is the name, which may contain parentheses and newlines, so it
 * ends at the last parenthesis. Field 4 is the parent, and field 22 is the start time.
 */
static bool parse_stat(char *text, char **name, pid_t *parent, __u64 *started)
{
	char *start = strchr(text, '('), *end = start ? strrchr(start, ')') : NULL, *field = end;

	for (int number = 3; field && number <= 22; number++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(end, ") %*c %d", parent) != 1 ||
	    sscanf(field, "%llu", started) != 1)
		return false;
	*end = '\0';
	*name = start + 1;
	return true;
}

/* When the process was started, in clock ticks after the boot, or 0 if it has exited */
static __u64 start_of(const struct process *proc)
{
	int fd = openat(proc->dir, "stat", O_RDONLY | O_CLOEXEC);
	char text[1024] = "", *name;
	__u64 started = 0;
	pid_t parent;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) <= 0 ||
	    !parse_stat(text, &name, &parent, &started))
		started = 0;
	close(fd);
	return started;
}

static bool open_maps(struct process *proc, bool say)
{
	int pagemap = open_in(proc, "pagemap", say), maps;

	if (pagemap < 0)
		return false;
	pagemap_init(&proc->pagemap, pagemap);
	/*
	 * Most of a large mapping may never have been touched. If the pagemap cannot
	 * skip such pages, smaps shows at least which mappings have none in memory.
	 */
	proc->sizes = !proc->pagemap.scans;
	maps = open_in(proc, proc->sizes ? "smaps" : "maps", say);
	proc->maps = maps < 0 ? NULL : fdopen(maps, "r");
	return proc->maps;
}

static void close_process(struct process *proc)
{
	if (proc->maps)
		fclose(proc->maps);
	if (proc->pagemap.fd >= 0)
		close(proc->pagemap.fd);
	if (proc->dir >= 0)
		close(proc->dir);
	*proc = (struct process){ .dir = -1, .pagemap.fd = -1 };
}

struct process_entry {
	pid_t pid, parent;
	__u64 started;		/* 0 if it is not known yet */
	bool chosen;
	bool named;		/* by --pid, so it must exist */
};

/* False on failure, with a message if @say. */
static bool open_process(struct process *proc, struct process_entry *entry, bool say)
{
	pid_t pid = entry->pid;
	__u64 started;
	char path[32];

	close_process(proc);
	proc->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc->dir < 0) {
		if (say && access("/proc/self", F_OK))
			complain("cannot read /proc/self: is proc mounted on /proc?");
		else if (say)
			complain("no process %d: %s", pid, strerror(errno));
		return false;
	}
	/* The number of a process that has exited may be that of another one now. */
	started = start_of(proc);
	entry->started = entry->started ?: started;
	if (started == entry->started && size_of(proc).mapped)
		return open_maps(proc, say);
	if (say)
		complain("process %d has no memory of its own: it is a kernel thread or has exited",
			 pid);
	return false;
}

/* Several processes, one after the other */
struct processes {
	struct source src;
	const long *pids;
	size_t nr_pids;
	__u64 *started;		/* when those of --pid were, from the second round on */
	const char *comm;
	bool children;

	struct process_entry *entries;	/* the processes that the above selects */
	size_t nr, at;
	struct process now;
	bool again;		/* not the first round: processes may have exited since */
};

static bool add_entry(struct processes *all, struct process_entry entry)
{
	struct process_entry *more =
		reallocarray(all->entries, all->nr + 1, sizeof(*more));

	if (!more) {
		complain("not enough memory for the list of processes");
		return false;
	}
	all->entries = more;
	more[all->nr++] = entry;
	return true;
}

static bool read_stat(const char *pid, struct process_entry *entry, const char *comm)
{
	char path[64], text[1024], *name;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	if (!parse_stat(text, &name, &entry->parent, &entry->started))
		return false;
	entry->pid = atoi(pid);
	entry->chosen = comm && entry->pid != getpid() && !strcmp(name, comm);
	return true;
}

static bool read_all_entries(struct processes *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *dirent;
	bool added = true;

	while (proc && added && (dirent = readdir(proc))) {
		struct process_entry entry = { };

		if (isdigit((unsigned char)dirent->d_name[0]) &&
		    read_stat(dirent->d_name, &entry, all->comm))
			added = add_entry(all, entry);
	}
	if (proc)
		closedir(proc);
	return proc && added;
}

static int by_pid(const void *a, const void *b)
{
	const struct process_entry *one = a, *two = b;

	return (one->pid > two->pid) - (one->pid < two->pid);
}

/* Choose the children of chosen processes. False if there are no more. */
static bool choose_children(struct processes *all)
{
	bool found = false;

	for (size_t i = 0; i < all->nr; i++) {
		struct process_entry *entry = &all->entries[i];
		struct process_entry key = { .pid = entry->parent }, *parent;

		if (entry->chosen)
			continue;
		parent = bsearch(&key, all->entries, all->nr, sizeof(key), by_pid);
		entry->chosen = parent && parent->chosen && entry->pid != getpid();
		found |= entry->chosen;
	}
	return found;
}

static bool some_chosen(const struct processes *all)
{
	for (size_t i = 0; i < all->nr; i++)
		if (all->entries[i].chosen)
			return true;
	return false;
}

static bool find_processes(struct processes *all)
{
	size_t nr = 0;

	all->nr = 0;
	if ((all->comm || all->children) && !read_all_entries(all)) {
		complain("cannot read /proc: is proc mounted there?");
		return false;
	}
	/* In a later round, processes of --comm may have exited, and those of --pid remain. */
	if (all->comm && !some_chosen(all) && !(all->again && all->nr_pids)) {
		complain("no process is named '%s'", all->comm);
		return false;
	}
	for (size_t i = 0; i < all->nr_pids; i++) {
		struct process_entry key = { .pid = all->pids[i] }, *entry;

		entry = all->nr ? lfind(&key, all->entries, &all->nr, sizeof(key), by_pid) :
				  NULL;
		if (!entry && !add_entry(all, key))
			return false;
		entry = entry ?: &all->entries[all->nr - 1];
		entry->chosen = true;
		entry->named = true;
		if (all->again)
			entry->started = all->started[i];
	}
	qsort(all->entries, all->nr, sizeof(*all->entries), by_pid);
	while (all->children && choose_children(all))
		;
	for (size_t i = 0; i < all->nr; i++)
		if (all->entries[i].chosen)
			all->entries[nr++] = all->entries[i];
	all->nr = nr;
	return true;
}

/* Remember which processes --pid named, for the next rounds. */
static void note_starts(struct processes *all)
{
	for (size_t i = 0; i < all->nr_pids; i++) {
		struct process_entry key = { .pid = all->pids[i] }, *entry;

		entry = bsearch(&key, all->entries, all->nr, sizeof(key), by_pid);
		all->started[i] = entry->started;
	}
	all->again = true;
}

static void say_exited(struct processes *all, pid_t pid)
{
	complain("process %d has exited", pid);
	all->src.failed = true;
}

/* Open the next process that has not exited. Complain about those that --pid named. */
static bool open_next(struct processes *all)
{
	while (all->at < all->nr && !stopped) {
		struct process_entry *entry = &all->entries[all->at++];

		if (open_process(&all->now, entry, false))
			return true;
		if (entry->named)
			say_exited(all, entry->pid);
	}
	return false;
}

static bool next_in_processes(struct source *src, struct range *range, bool wait)
{
	struct processes *all = (struct processes *)src;

	(void)wait;
	while (!src->ended && !stopped) {
		if (next_in_process(&all->now, range)) {
			src->done += range->pages;
			return true;
		}
		if (all->now.exited && all->entries[all->at - 1].named)
			say_exited(all, all->now.pid);
		src->failed |= all->now.hidden;
		src->ended = src->failed || !open_next(all);
	}
	src->ended = true;
	return false;
}

static bool rewind_processes(struct source *src)
{
	struct processes *all = (struct processes *)src;

	free(all->entries);
	all->entries = NULL;
	all->at = 0;
	src->total = 0;
	src->done = 0;
	if (!find_processes(all))
		return false;
	/* Check all processes before any page moves. */
	for (size_t i = 0; i < all->nr && !stopped; i++) {
		struct process_entry *entry = &all->entries[i];

		if (open_process(&all->now, entry, entry->named && !all->again))
			src->total += size_of(&all->now).resident;
		else if (entry->named && all->again)
			say_exited(all, entry->pid);
		else if (entry->named)
			return false;
	}
	if (src->failed || stopped)
		return false;
	if (!all->again)
		note_starts(all);
	src->ended = !open_next(all);
	if (src->ended && !src->failed && !stopped)
		complain("no process named '%s' has memory any more", all->comm);
	return !src->ended && !src->failed;
}

struct source *source_processes(const long *pids, size_t nr, const char *comm,
				bool children)
{
	static struct processes all = {
		.src.next = next_in_processes,
		.src.rewind = rewind_processes,
		.src.shares_files = true,
		.now.dir = -1, .now.pagemap.fd = -1,
	};

	all.pids = pids;
	all.nr_pids = nr;
	all.comm = comm;
	all.children = children;
	all.started = calloc(nr, sizeof(*all.started));
	if (nr && !all.started) {
		complain("not enough memory for the list of processes");
		return NULL;
	}
	return rewind_processes(&all.src) ? &all.src : NULL;
}
