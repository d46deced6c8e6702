// SPDX-License-Identifier: GPL-2.0-only
/*
 * A query reports the nodes of pages that processes map, and nothing of other
 * frames
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <linux/kernel-page-flags.h>

#include "../kselftest_harness.h"
#include "util.h"

#define SEED	23
#define PAGES	100

FIXTURE(query)
{
	int from, to;
	char *mem[2];
	struct request *req;
};

FIXTURE_VARIANT(query)
{
	enum memory kind;
};

FIXTURE_VARIANT_ADD(query, anon)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(query, shmem)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(query, memfd)
{
	.kind = MEMFD,
};

FIXTURE_VARIANT_ADD(query, tmpfs)
{
	.kind = TMPFS,
};

FIXTURE_SETUP(query)
{
	int i, page;

	TWO_NODES(self->from, self->to);
	if (variant->kind == MEMFD && !has_memfd())
		SKIP_TEST("needs CONFIG_MEMFD_CREATE");
	self->req = request_new(2 * PAGES);
	for (i = 0; i < 2; i++) {
		self->mem[i] = alloc_memory(variant->kind,
					    i ? self->to : self->from, PAGES,
					    SEED + i);
		for (page = 0; page < PAGES; page++)
			request_set(self->req, 2 * page + i,
				    phys_of(0, self->mem[i] +
					    page * page_size()), 0);
	}
}

FIXTURE_TEARDOWN(query)
{
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_TRUE(intact(self->mem[i], PAGES * page_size(),
				   SEED + i));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(query, mapped)
{
	struct request *req = self->req;
	unsigned long i;
	int flags;

	/* Flags are checked, but have no effect */
	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_EQ(0, request_query(req, flags));
		for (i = 0; i < req->count; i++)
			ASSERT_EQ(i % 2 ? self->to : self->from,
				  req->status[i]);
	}
	/* No page has moved */
	for (i = 0; i < req->count; i++)
		ASSERT_EQ(req->pages[i],
			  phys_of(0, self->mem[i % 2] + i / 2 * page_size()));
}

/* A query reports the node of a page with an extra reference, too */
TEST_F(query, in_a_pipe)
{
	struct iovec iov = {
		.iov_base = self->mem[1],
		.iov_len = page_size(),
	};
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(page_size(), vmsplice(fds[1], &iov, 1, 0));
	EXPECT_OUTCOME(0, self->to, query_one(self->req->pages[1]));
}

/* Pages in page tables are mapped, even if nobody may access them */
TEST_F(query, inaccessible)
{
	struct request *req = self->req;
	const size_t size = PAGES * page_size();
	int i;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, mprotect(self->mem[1], size, PROT_NONE));
	EXPECT_EQ(0, request_query(req, 0));
	EXPECT_EQ(PAGES, request_count(req, self->from));
	EXPECT_EQ(PAGES, request_count(req, self->to));
	for (i = 0; i < 2 * PAGES; i++)
		req->nodes[i] = self->from;
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(2 * PAGES, request_count(req, self->from));
	ASSERT_EQ(0, mprotect(self->mem[1], size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(PAGES, count_on_node(0, self->mem[1], PAGES, self->from));
}

/* Frames that no process maps have the same status, whatever they are used for */
TEST_F(query, unmapped)
{
	const uint64_t page = self->req->pages[1];
	struct request *req = self->req;
	int fd = -1;

	if (variant->kind == MEMFD) {
		/* In the page cache only */
		fd = open_file(MEMFD, page_size());
		char *mem = map_file(fd, 1);

		fill(mem, page_size(), SEED);
		req->pages[0] = phys_of(0, mem);
		ASSERT_EQ(0, munmap(mem, page_size()));
		EXPECT_OUTCOME(0, -ENOENT, query_one(req->pages[0]));
		close(fd);
		/* Now freed, like all memory below */
		EXPECT_OUTCOME(0, -ENOENT, query_one(req->pages[0]));
	}
	ASSERT_EQ(0, munmap(self->mem[1], PAGES * page_size()));
	EXPECT_OUTCOME(0, -ENOENT, query_one(page));
	/* The teardown checks this memory */
	self->mem[1] = alloc_memory(variant->kind, self->to, PAGES, SEED + 1);
}

/* Every frame of the machine, mapped, free or the kernel's, and some beyond */
#define MAX_NODES	64
#define ZRAM		"/dev/zram0"
#define ZRAM_SYSFS	"/sys/block/zram0"
#define ZRAM_SIZE	(32UL << 20)

FIXTURE(all)
{
	int from, to;
	int nodes[MAX_NODES];
	int nr_nodes;
	uint64_t frames;
	struct request *req;
	uint64_t *before, *after;	/* kpageflags */
	uint64_t *mapcount;		/* kpagecount, before */
	char *mem;
};

static void read_frames(const char *path, uint64_t *words, uint64_t count)
{
	FILE *file = fopen(path, "re");

	if (!file || fread(words, sizeof(*words), count, file) != count)
		die("cannot read %s", path);
	fclose(file);
}

FIXTURE_SETUP(all)
{
	uint64_t i;

	TWO_NODES(self->from, self->to);
	self->nr_nodes = memory_nodes(self->nodes, MAX_NODES);
	self->frames = count_frames();
	self->req = request_new(self->frames + 1000);
	for (i = 0; i < self->req->count; i++)
		request_set(self->req, i, i * page_size(), 0);
	self->before = calloc(self->frames, sizeof(uint64_t));
	self->after = calloc(self->frames, sizeof(uint64_t));
	self->mapcount = calloc(self->frames, sizeof(uint64_t));
	ASSERT_NE(NULL, self->mapcount);
	self->mem = alloc_memory(ANON, self->to, PAGES, SEED);
	/* Touch all arrays now, so that no frames are allocated for them later */
	memset(self->req->status, 0, self->req->count * sizeof(int));
	memset(self->before, 0, self->frames * sizeof(uint64_t));
	memset(self->after, 0, self->frames * sizeof(uint64_t));
	memset(self->mapcount, 0, self->frames * sizeof(uint64_t));
}

FIXTURE_TEARDOWN(all)
{
	EXPECT_TRUE(intact(self->mem, PAGES * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

/* Counts the entries whose status is a node */
static unsigned long count_told(FIXTURE_DATA(all) *self)
{
	unsigned long n = 0;
	int i;

	for (i = 0; i < self->nr_nodes; i++)
		n += request_count(self->req, self->nodes[i]);
	return n;
}

/* Returns the node of each block of memory in sysfs; -1 if it has none */
static int *nodes_of_blocks(FIXTURE_DATA(all) *self, uint64_t block)
{
	const uint64_t count = self->frames * page_size() / block + 1;
	int *nodes = malloc(count * sizeof(*nodes));
	unsigned long *blocks = malloc(count * sizeof(*blocks));
	int i, k, n;

	memset(nodes, -1, count * sizeof(*nodes));
	for (i = 0; i < self->nr_nodes; i++) {
		n = memory_blocks(self->nodes[i], blocks, count);
		for (k = 0; k < n; k++)
			nodes[blocks[k]] = self->nodes[i];
	}
	free(blocks);
	return nodes;
}

static void read_taint(char *buf, size_t size)
{
	read_file("/proc/sys/kernel/tainted", buf, size);
}

/* Queries all frames, and compares each status with the frame's flags. */
static void query_all(struct __test_metadata *_metadata, FIXTURE_DATA(all) *self,
		      const int *nodes, uint64_t block)
{
	const uint64_t kernel = BIT(KPF_SLAB) | BIT(KPF_BUDDY) |
				BIT(KPF_PGTABLE) | BIT(KPF_NOPAGE);
	const uint64_t compound = BIT(KPF_COMPOUND_HEAD) |
				  BIT(KPF_COMPOUND_TAIL);
	uint64_t pfn, flags, count;
	unsigned long told;
	int status;

	read_frames("/proc/kpageflags", self->before, self->frames);
	read_frames("/proc/kpagecount", self->mapcount, self->frames);
	ASSERT_EQ(0, request_query(self->req, 0));
	read_frames("/proc/kpageflags", self->after, self->frames);
	told = count_told(self);
	EXPECT_LT(2 * PAGES, told);
	EXPECT_EQ(self->req->count,
		  told + request_count(self->req, -ENOENT) +
		  request_count(self->req, -EFAULT));
	for (pfn = 0; pfn < self->frames; pfn++) {
		/* Check only frames whose flags have not changed */
		status = self->req->status[pfn];
		flags = self->before[pfn];
		if (flags != self->after[pfn])
			continue;
		if (flags & kernel)
			ASSERT_EQ(-ENOENT, status);
		if (flags & BIT(KPF_ZERO_PAGE)) {
			ASSERT_EQ(-EFAULT, status);
			continue;
		}
		/*
		 * A query of a frame in a large folio answers for the whole
		 * folio, so skip these
		 */
		if (flags & compound)
			continue;
		if (!(flags & BIT(KPF_MMAP))) {
			ASSERT_EQ(-ENOENT, status);
			ASSERT_EQ(0, self->mapcount[pfn]);
		} else if (flags & BIT(KPF_LRU)) {
			ASSERT_EQ(nodes[pfn * page_size() / block], status);
		}
	}
	for (; pfn < self->req->count; pfn++)
		ASSERT_EQ(-ENOENT, self->req->status[pfn]);
	for (pfn = 0; pfn < PAGES; pfn++) {
		uint64_t phys = phys_of(0, self->mem + pfn * page_size());

		ASSERT_EQ(self->to, self->req->status[phys / page_size()]);
		ASSERT_TRUE(page_mapcount(phys, &count));
		ASSERT_EQ(1, count);
		ASSERT_EQ(1, self->mapcount[phys / page_size()]);
	}
}

TEST_F(all, idle)
{
	char taint_before[16], taint_after[16];
	const uint64_t block = memory_block_size();
	int *nodes, round;

	if (!block)
		SKIP(return, "needs CONFIG_MEMORY_HOTPLUG");
	nodes = nodes_of_blocks(self, block);
	read_taint(taint_before, sizeof(taint_before));
	for (round = 0; round < 2; round++)
		query_all(_metadata, self, nodes, block);
	read_taint(taint_after, sizeof(taint_after));
	EXPECT_STREQ(taint_before, taint_after);
}

/* Marks the frames in these entries of a process' pagemap, and maybe in later ones. */
static void mark_range(int fd, uint64_t page, uint64_t end, bool *mapped,
		       uint64_t frames)
{
	uint64_t entries[512];
	ssize_t i, n;

	for (; page < end; page += n) {
		n = pread(fd, entries, sizeof(entries), page * sizeof(*entries)) /
		    (ssize_t)sizeof(*entries);
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			if (entries[i] & PAGEMAP_PRESENT &&
			    (entries[i] & PAGEMAP_PFN) < frames)
				mapped[entries[i] & PAGEMAP_PFN] = true;
	}
}

/* Marks the frames that a process has in its page tables. */
static void mark_mapped_by(const char *pid, bool *mapped, uint64_t frames)
{
	unsigned long long start, end;
	char path[64], line[512];
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (maps && fd >= 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx", &start, &end) != 2)
			die("cannot read %s", line);
		mark_range(fd, start / page_size(), end / page_size(), mapped,
			   frames);
	}
	if (maps)
		fclose(maps);
	if (fd >= 0)
		close(fd);
}

static void mark_mapped(bool *mapped, uint64_t frames)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		die("cannot read /proc");
	memset(mapped, 0, frames);
	while ((entry = readdir(dir)))
		if (isdigit(entry->d_name[0]))
			mark_mapped_by(entry->d_name, mapped, frames);
	closedir(dir);
}

/*
 * Frames that no process has in its page tables are -ENOENT. kpageflags and
 * kpagecount do not tell which frames these are, because frames that are not
 * mapped may have a value where the kernel counts mappings. A frame may change
 * during a round, so only one that is wrong in each round counts.
 */
static void expect_unmapped(struct __test_metadata *_metadata,
			    FIXTURE_DATA(all) *self)
{
	const uint64_t skip = BIT(KPF_ZERO_PAGE) | BIT(KPF_HUGE) | BIT(KPF_THP);
	bool *mapped = calloc(2 * self->frames, sizeof(*mapped));
	bool *wrong = mapped + self->frames;
	uint64_t pfn, flags, n = 1;
	int round, shown = 0;

	ASSERT_NE(NULL, mapped);
	memset(wrong, 1, self->frames);
	for (round = 0; round < 3 && n; round++) {
		mark_mapped(mapped, self->frames);
		read_frames("/proc/kpageflags", self->before, self->frames);
		ASSERT_EQ(0, request_query(self->req, 0));
		read_frames("/proc/kpageflags", self->after, self->frames);
		for (n = 0, pfn = 0; pfn < self->frames; pfn++) {
			flags = self->before[pfn];
			wrong[pfn] &= !mapped[pfn] && !(flags & skip) &&
				      flags == self->after[pfn] &&
				      self->req->status[pfn] != -ENOENT;
			n += wrong[pfn];
		}
	}
	for (pfn = 0; pfn < self->frames; pfn++) {
		if (!wrong[pfn] || ++shown > 5)
			continue;
		TH_LOG("frame %llx, flags %llx: %d", (unsigned long long)pfn,
		       (unsigned long long)self->before[pfn],
		       self->req->status[pfn]);
	}
	EXPECT_EQ(0, n);
	free(mapped);
}

/* Fills the disk with pages that compress to many sizes. */
static void fill_zram(void)
{
	const size_t size = page_size(), kinds = 16;
	int fd = open(ZRAM, O_RDWR | O_CLOEXEC);
	char *page = calloc(1, size);
	size_t i;

	if (fd < 0 || !page)
		die("cannot open %s", ZRAM);
	for (i = 0; i < ZRAM_SIZE / size; i++) {
		memset(page, 0, size);
		fill(page, (i % kinds + 1) * size / kinds, i);
		if (write(fd, page, size) != (ssize_t)size)
			die("cannot write to %s", ZRAM);
	}
	if (fsync(fd))
		die("cannot write to %s", ZRAM);
	close(fd);
	free(page);
}

TEST_F(all, zram)
{
	char taint_before[16], taint_after[16], size[32];
	struct request *req;
	uint64_t *was, pfn;
	unsigned long n = 0;

	if (access(ZRAM, F_OK))
		SKIP(return, "needs CONFIG_ZRAM");
	read_taint(taint_before, sizeof(taint_before));
	expect_unmapped(_metadata, self);
	was = self->mapcount;
	read_frames("/proc/kpageflags", was, self->frames);
	snprintf(size, sizeof(size), "%lu", ZRAM_SIZE);
	write_file(ZRAM_SYSFS "/disksize", size);
	fill_zram();
	expect_unmapped(_metadata, self);

	/*
	 * Frames that were free before, and that no process maps now, do not
	 * move, either.
	 */
	req = request_new(self->frames);
	mark_mapped((bool *)self->before, self->frames);
	for (pfn = 0; pfn < self->frames; pfn++)
		if (was[pfn] & BIT(KPF_BUDDY) && !((bool *)self->before)[pfn] &&
		    !(self->after[pfn] & (BIT(KPF_BUDDY) | BIT(KPF_LRU))))
			request_set(req, n++, pfn * page_size(), self->to);
	req->count = n;
	EXPECT_LT(ZRAM_SIZE / page_size() / 4, n);
	EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
	/* Some frames may have been given to a process since. */
	EXPECT_LE(n - n / 100, request_count(req, -ENOENT));
	write_file(ZRAM_SYSFS "/reset", "1");
	read_taint(taint_after, sizeof(taint_after));
	EXPECT_STREQ(taint_before, taint_after);
}

/* Allocates and frees memory all the time */
static void churn(int node)
{
	char *mem;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		mem = map_memory(ANON, PAGES);
		memset(mem, 1, PAGES * page_size());
		pid = fork();
		if (!pid) {
			memset(mem, 2, PAGES * page_size());
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		munmap(mem, PAGES * page_size());
		mem = alloc_thp(node, SEED);
		if (mem)
			munmap(mem, thp_size());
	}
}

TEST_F(all, busy)
{
	char taint_before[16], taint_after[16];
	unsigned long known;
	pid_t pid;
	int round;

	read_taint(taint_before, sizeof(taint_before));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		churn(self->to);
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, request_query(self->req, 0));
		known = count_told(self) + request_count(self->req, -ENOENT) +
			request_count(self->req, -EFAULT);
		ASSERT_EQ(self->req->count, known);
	}
	reap(pid);
	read_taint(taint_after, sizeof(taint_after));
	EXPECT_STREQ(taint_before, taint_after);
}

TEST_HARNESS_MAIN
