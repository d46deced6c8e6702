// SPDX-License-Identifier: GPL-2.0-only
/* Where the addresses come from: arguments, standard input, a process. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

/*
 * A process's pages come in whole chunks, aligned in its address space: a huge
 * page that two batches share would be moved by one and be there for the other.
 */
#define CHUNK (BATCH / 2)

/* Physical: any byte of the first page. Virtual: page numbers. */
struct range {
	__u64 next;
	__u64 pages;
};

struct words {
	struct source src;
	char **args;		/* NULL: read standard input */
	unsigned long line;
	struct range range;	/* what is left of the last word */
};

struct process {
	struct source src;
	pid_t pid;
	int dir;
	int pagemap;
	FILE *maps;
	struct range range;	/* what is left of the last mapping */
	__u64 entries[CHUNK];	/* of the pagemap */
};

/* A number in front, without the sign and the space that strtoull() allows. */
static bool number(const char **text, __u64 *value)
{
	bool hex = (*text)[0] == '0' && tolower((*text)[1]) == 'x';
	const char *digits = *text + 2 * hex;
	char *end;

	if (hex ? !isxdigit(*digits) : !isdigit(*digits))
		return false;
	errno = 0;
	*value = strtoull(digits, &end, hex ? 16 : 10);
	*text = end;
	return !errno;
}

static bool length(const char **text, __u64 *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	int shift;

	if (!number(text, value))
		return false;
	suffix = **text ? strchr(suffixes, toupper(**text)) : NULL;
	if (!suffix)
		return true;
	++*text;
	shift = 10 * (suffix - suffixes + 1);
	if (*value > ~0ULL >> shift)
		return false;
	*value <<= shift;
	return true;
}

/* ADDRESS, START-END or START+LENGTH */
static bool parse(const char *word, struct range *range)
{
	__u64 start, last;

	if (!number(&word, &start))
		return false;
	last = start;
	if (*word == '-') {
		word++;
		if (!number(&word, &last) || last-- == 0)
			return false;
	} else if (*word == '+') {
		word++;
		if (!length(&word, &last) || last-- == 0)
			return false;
		last += start;
	}
	range->next = start;
	range->pages = last / page_size - start / page_size + 1;
	return !*word && start <= last;
}

static void say_junk(char *word, unsigned long line)
{
	char where[64] = "";

	if (line)
		snprintf(where, sizeof(where), "standard input, line %lu: ", line);
	for (char *c = word; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	complain("%s'%s' is no address: expected 0xHEX or DECIMAL, START-END or START+LENGTH",
		 where, word);
}

/* The next word of standard input; a longer one than fits is junk anyhow. */
static bool read_word(char *word, size_t size, unsigned long *line)
{
	size_t len = 0;
	int c;

	while ((c = getchar_unlocked()) != EOF) {
		if (isspace(c)) {
			if (len) {
				/* Still this word's line, so not counted yet. */
				ungetc(c, stdin);
				break;
			}
			*line += c == '\n';
		} else if (len < size - 1) {
			word[len++] = c ? c : '?';
		}
	}
	word[len] = '\0';
	/* Half a word, cut off by a signal or an error, must not name a page. */
	return len && !ferror(stdin);
}

static bool next_range(struct words *words)
{
	char word[64];

	if (words->args)
		return *words->args && parse(*words->args++, &words->range);

	if (!read_word(word, sizeof(word), &words->line)) {
		if (ferror(stdin) && !stopped) {
			complain("cannot read standard input: %s", strerror(errno));
			words->src.failed = true;
		}
		return false;
	}
	if (!parse(word, &words->range)) {
		say_junk(word, words->line);
		words->src.failed = true;
		return false;
	}
	return true;
}

static size_t fill_from_words(struct source *src, __u64 *pages, size_t max)
{
	struct words *words = (struct words *)src;
	struct range *range = &words->range;
	size_t n = 0;

	while (n < max && !src->failed) {
		if (!range->pages && !next_range(words))
			break;
		pages[n++] = range->next;
		range->next = (range->next / page_size + 1) * page_size;
		range->pages--;
	}
	return n;
}

struct source *source_words(char **args)
{
	static struct words words = { .src.fill = fill_from_words, .line = 1 };
	struct range range;

	if (!strcmp(args[0], "-") && !args[1])
		return &words.src;
	/* All of them are read before the first page is touched. */
	for (words.args = args; *args; args++) {
		if (!parse(*args, &range)) {
			say_junk(*args, 0);
			return NULL;
		}
		words.src.total += range.pages;
	}
	return &words.src;
}

/* How many pages the process has in memory: 0 once it has exited. */
static __u64 resident(const struct process *proc)
{
	char text[128] = "";
	__u64 pages = 0;
	int fd = openat(proc->dir, "statm", O_RDONLY);

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
		proc->range.next = start / page_size;
		proc->range.pages = (end - start) / page_size;
		return true;
	}
	return false;
}

/* Reads the next entries of the pagemap; returns how many, or -1 at the end. */
static ssize_t next_entries(struct process *proc)
{
	const size_t size = sizeof(proc->entries[0]);
	struct range *range = &proc->range;
	size_t want;
	ssize_t got;

	if (!range->pages && !next_mapping(proc))
		return -1;
	want = CHUNK - range->next % CHUNK;
	if (want > range->pages)
		want = range->pages;
	got = pread(proc->pagemap, proc->entries, want * size,
		    range->next * size);
	if (got <= 0) {
		/* The mapping has gone, or the process with all of them. */
		range->pages = 0;
		return 0;
	}
	range->next += got / size;
	range->pages -= got / size;
	return got / size;
}

static size_t fill_from_process(struct source *src, __u64 *pages, size_t max)
{
	const __u64 present = 1ULL << 63, pfn_mask = (1ULL << 55) - 1;
	struct process *proc = (struct process *)src;
	size_t n = 0;

	while (max - n >= CHUNK && !src->failed) {
		ssize_t count = next_entries(proc);

		if (count < 0) {
			if (!stopped && !resident(proc)) {
				complain("process %d exited meanwhile", proc->pid);
				src->failed = true;
			}
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
				break;
			}
			pages[n++] = (entry & pfn_mask) * page_size;
		}
	}
	return n;
}

static int open_in(const struct process *proc, const char *name)
{
	int fd = openat(proc->dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		complain("cannot open /proc/%d/%s: %s", proc->pid, name,
			 strerror(errno));
	return fd;
}

struct source *source_pid(pid_t pid)
{
	static struct process proc = { .src.fill = fill_from_process };
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
