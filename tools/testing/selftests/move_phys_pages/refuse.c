// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that cannot move report the reason, and do not keep other pages from
 * moving
 */
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/kernel-page-flags.h>
#include <linux/perf_event.h>

#include "../../../../lib/test_hmm_uapi.h"
#include "../kselftest_harness.h"
#include "util.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret	447
#endif

/* kpageflags has this flag, but no UAPI header defines it */
#ifndef KPF_RESERVED
#define KPF_RESERVED	32
#endif

#define SEED		11
#define MAX_BAD		64

/*
 * Addresses without a page that could move. Each has the same status in a move
 * to any node and in a query.
 */
struct bad {
	/*
	 * Only if the frames were found by their flags, which may change: mask
	 * and value
	 */
	uint64_t mask, flags;
	unsigned long count;
	uint64_t phys[MAX_BAD];
	int status;	/* of the variant, unless find() sets another */
};

static void add(struct bad *bad, uint64_t phys)
{
	if (bad->count < MAX_BAD)
		bad->phys[bad->count++] = phys;
}

static void add_ends(struct bad *bad, uint64_t start, uint64_t end)
{
	uint64_t middle = start + (end - start) / 2;

	add(bad, start);
	/* The zero page is in the kernel's image, and has another status */
	if (!page_has(middle, KPF_ZERO_PAGE))
		add(bad, middle);
	add(bad, end);
}

/* Finds holes between ranges of memory */
static void find_holes(struct bad *bad, const char *good)
{
	uint64_t start, end, last = 0;
	long pos = 0;

	while (next_resource("System RAM", &pos, &start, &end)) {
		if (start > last)
			add_ends(bad, last, start - 1);
		last = end + 1;
	}
}

static void find_beyond_ram(struct bad *bad, const char *good)
{
	uint64_t start, end, last = 0;
	long pos = 0;
	int bit;

	while (next_resource("System RAM", &pos, &start, &end))
		last = end + 1;
	for (bit = 0; bit < 40; bit++)
		add(bad, last + BIT(bit) - 1);
}

/*
 * The address of a page of this process, with one more bit set, so that it is
 * not RAM
 */
static void find_high_bits(struct bad *bad, const char *good)
{
	uint64_t phys = phys_of(0, good);
	int bit;

	for (bit = 0; bit < 64; bit++)
		if (!(phys & BIT(bit)) && !is_ram(phys | BIT(bit)))
			add(bad, phys | BIT(bit));
	add(bad, ~phys);
	add(bad, UINT64_MAX);
	add(bad, UINT64_MAX - page_size() + 1);
	add(bad, phys | BIT(63) | BIT(62) | BIT(52));
	add(bad, -phys);
}

static void find_kernel_image(struct bad *bad, const char *good)
{
	static const char * const names[] = {
		"Kernel code", "Kernel rodata", "Kernel data",
	};
	uint64_t start, end;
	size_t i;
	long pos;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pos = 0;
		if (next_resource(names[i], &pos, &start, &end))
			add_ends(bad, start, end);
	}
}

/* Finds addresses of firmware and devices, most of which have no struct page */
static void find_no_ram(struct bad *bad, const char *good)
{
	uint64_t start, end;
	long pos = 0;

	while (next_resource("", &pos, &start, &end))
		if (!is_ram(start) && !is_ram(end))
			add_ends(bad, start, end);
}

static void find_by_flags(struct bad *bad, uint64_t mask, uint64_t flags)
{
	const uint64_t frames = count_frames(), chunk = 1 << 14;
	int fd = open("/proc/kpageflags", O_RDONLY);
	unsigned long most = 0;
	uint64_t words[1 << 9], pfn;
	ssize_t n, i;

	if (fd < 0)
		die("cannot read kpageflags");
	bad->mask = mask;
	bad->flags = flags;
	/* Take some frames from each part of memory */
	for (pfn = 0; pfn < frames; pfn += ARRAY_SIZE(words)) {
		if (pfn % chunk == 0)
			most = bad->count + 5;
		if (bad->count == most || bad->count == MAX_BAD)
			continue;
		n = pread(fd, words, sizeof(words), pfn * sizeof(*words)) /
		    (ssize_t)sizeof(*words);
		for (i = 0; i < n && bad->count < most; i++)
			if ((words[i] & mask) == flags)
				add(bad, (pfn + i) * page_size());
	}
	close(fd);
}

static bool changed(const struct bad *bad, unsigned long i)
{
	uint64_t flags;

	return bad->mask && (!page_flags(bad->phys[i], &flags) ||
			     (flags & bad->mask) != bad->flags);
}

/* Adds pages that are in the page cache, but not mapped any more */
static void add_unmapped(struct bad *bad, enum memory kind)
{
	int fd = open_file(kind, 8 * page_size());
	char *mem = map_file(fd, 8);
	int i;

	fill(mem, 8 * page_size(), SEED);
	for (i = 0; i < 8; i++)
		add(bad, phys_of(0, mem + i * page_size()));
	munmap(mem, 8 * page_size());
}

static void find_unmapped_memfd(struct bad *bad, const char *good)
{
	if (has_memfd())
		add_unmapped(bad, MEMFD);
}

static void find_unmapped_tmpfs(struct bad *bad, const char *good)
{
	add_unmapped(bad, TMPFS);
}

/* Finds the zero page, which backs anonymous memory that was only read */
static void find_zero_page(struct bad *bad, const char *good)
{
	char *mem = map_memory(ANON, 1);
	uint64_t phys;

	peek(mem);
	phys = phys_of(0, mem);
	if (!page_has(phys, KPF_ZERO_PAGE))
		die("no zero page at %llx", (unsigned long long)phys);
	add(bad, phys);
	add(bad, phys + page_size() - 1);
}

static void find_huge_zero_page(struct bad *bad, const char *good)
{
	size_t size = thp_size();
	char *mem = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t phys;
	size_t i;

	if (mem == MAP_FAILED)
		die("mmap of %zu bytes failed", 2 * size);
	mem += -(uintptr_t)mem & (size - 1);
	if (madvise(mem, size, MADV_HUGEPAGE))
		return;
	peek(mem);
	for (i = 0; i < size; i += size / 16) {
		phys = phys_of(0, mem + i);
		if (!page_has(phys, KPF_ZERO_PAGE) || !page_has(phys, KPF_THP))
			die("no huge zero page at %llx",
			    (unsigned long long)phys);
		add(bad, phys + i % page_size());
	}
}

/* Memory that not even the kernel can read */
static void find_secret(struct bad *bad, const char *good)
{
	int fd = syscall(__NR_memfd_secret, 0);
	char *mem;
	int i;

	if (fd < 0)
		return;
	if (ftruncate(fd, 4 * page_size()))
		die("cannot resize secret memory");
	mem = map_file(fd, 4);
	for (i = 0; i < 4; i++) {
		mem[i * page_size()] = 1;
		add(bad, phys_of(0, mem + i * page_size()));
	}
}

/*
 * Some kernels map a driver's pages by frame number, without counting the
 * mapping
 */
static void add_driver_page(struct bad *bad, char *page)
{
	uint64_t phys, maps;

	peek(page);
	phys = phys_of(0, page);
	if (page_mapcount(phys, &maps) && !maps)
		bad->status = -ENOENT;
	add(bad, phys);
}

/* Finds pages of the driver io_uring that this process maps */
static void find_driver_pages(struct bad *bad, const char *good)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(__NR_io_uring_setup, 64, &params);
	char *ring;

	if (fd < 0)
		return;
	ring = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		    IORING_OFF_SQES);
	if (ring == MAP_FAILED)
		die("mmap of an io_uring failed");
	add_driver_page(bad, ring);
}

/* Finds pages of the packet socket driver, in blocks of several pages */
static void find_packet_ring(struct bad *bad, const char *good)
{
	struct tpacket_req req = {
		.tp_block_size = 16 * page_size(),
		.tp_block_nr = 2,
		.tp_frame_size = page_size(),
		.tp_frame_nr = 32,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	char *ring;
	int i;

	if (fd < 0)
		return;
	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		die("no ring of packets");
	ring = mmap(NULL, 32 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (ring == MAP_FAILED)
		die("mmap of a ring of packets failed");
	for (i = 0; i < 32; i++)
		add(bad, phys_of(0, ring + i * page_size()) + i);
}

/* Finds pages of a ring buffer of perf */
static void find_perf_ring(struct bad *bad, const char *good)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_period = 1000,
	};
	int fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);
	char *ring;
	int i;

	if (fd < 0)
		return;
	ring = mmap(NULL, 3 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (ring == MAP_FAILED)
		die("mmap of a ring of perf failed");
	for (i = 0; i < 3; i++)
		add_driver_page(bad, ring + i * page_size());
}

/*
 * Finds a page of the vdso, which is in the kernel's image and mapped by every
 * process
 */
static void find_vdso(struct bad *bad, const char *good)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);

	if (!vdso)
		return;
	peek(vdso);
	add(bad, phys_of(0, vdso));
}

/*
 * A mapping by frame number is not counted, and the frame does not lead to it.
 * The call takes such a frame for one that no process maps.
 */
static void find_mapped_frames(struct bad *bad, const char *good)
{
	int fd = open("/dev/mem", O_RDONLY);
	uint64_t start, end, i;
	long pos = 0;
	char *rom;

	/*
	 * Firmware can be mapped by /dev/mem even if other memory cannot.
	 * Without it, try the kernel's code.
	 */
	if (fd < 0)
		return;
	if (!next_resource("System ROM", &pos, &start, &end)) {
		pos = 0;
		if (!next_resource("Kernel code", &pos, &start, &end))
			return;
	}
	rom = mmap(NULL, end + 1 - start, PROT_READ, MAP_SHARED, fd, start);
	if (rom == MAP_FAILED)
		die("/dev/mem does not map what is at %llx",
		    (unsigned long long)start);
	for (i = 0; i < end - start; i += page_size()) {
		peek(rom + i);
		add(bad, start + i);
	}
}

FIXTURE(bad)
{
	int from, to;
	struct bad bad;
	struct request *req;
	char *good;
};

FIXTURE_VARIANT(bad)
{
	void (*find)(struct bad *bad, const char *good);
	int status;
	const char *needs;
	uint64_t mask, flags;	/* if find is NULL, the flags of frames to search for */
};

FIXTURE_VARIANT_ADD(bad, hole)
{
	.find = find_holes,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, beyond_ram)
{
	.find = find_beyond_ram,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, high_bits)
{
	.find = find_high_bits,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, kernel_image)
{
	.find = find_kernel_image,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, no_ram)
{
	.find = find_no_ram,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, free)
{
	.status = -ENOENT,
	.mask = BIT(KPF_BUDDY),
	.flags = BIT(KPF_BUDDY),
};

FIXTURE_VARIANT_ADD(bad, slab)
{
	.status = -ENOENT,
	.mask = BIT(KPF_SLAB),
	.flags = BIT(KPF_SLAB),
};

FIXTURE_VARIANT_ADD(bad, page_tables)
{
	.status = -ENOENT,
	.mask = BIT(KPF_PGTABLE),
	.flags = BIT(KPF_PGTABLE),
};

/* Excludes the zero page and the vdso, which are also reserved */
FIXTURE_VARIANT_ADD(bad, reserved)
{
	.status = -ENOENT,
	.mask = BIT(KPF_RESERVED) | BIT(KPF_ZERO_PAGE) | BIT(KPF_MMAP),
	.flags = BIT(KPF_RESERVED),
};

/* Stacks, per-CPU and vmalloc memory, and free pages on the lists of a CPU */
FIXTURE_VARIANT_ADD(bad, unmarked)
{
	.status = -ENOENT,
	.mask = ~0ULL,
	.flags = 0,
};

FIXTURE_VARIANT_ADD(bad, unmapped_memfd)
{
	.find = find_unmapped_memfd,
	.status = -ENOENT,
	.needs = "CONFIG_MEMFD_CREATE",
};

FIXTURE_VARIANT_ADD(bad, unmapped_tmpfs)
{
	.find = find_unmapped_tmpfs,
	.status = -ENOENT,
};

FIXTURE_VARIANT_ADD(bad, zero_page)
{
	.find = find_zero_page,
	.status = -EFAULT,
};

FIXTURE_VARIANT_ADD(bad, huge_zero_page)
{
	.find = find_huge_zero_page,
	.status = -EFAULT,
	.needs = "CONFIG_TRANSPARENT_HUGEPAGE",
};

FIXTURE_VARIANT_ADD(bad, secret)
{
	.find = find_secret,
	.status = -EFAULT,
	.needs = "CONFIG_SECRETMEM",
};

FIXTURE_VARIANT_ADD(bad, driver_pages)
{
	.find = find_driver_pages,
	.status = -EFAULT,
	.needs = "CONFIG_IO_URING",
};

FIXTURE_VARIANT_ADD(bad, packet_ring)
{
	.find = find_packet_ring,
	.status = -EFAULT,
	.needs = "CONFIG_PACKET",
};

FIXTURE_VARIANT_ADD(bad, perf_ring)
{
	.find = find_perf_ring,
	.status = -EFAULT,
	.needs = "CONFIG_PERF_EVENTS",
};

FIXTURE_VARIANT_ADD(bad, mapped_frames)
{
	.find = find_mapped_frames,
	.status = -ENOENT,
	.needs = "CONFIG_DEVMEM",
};

FIXTURE_VARIANT_ADD(bad, vdso)
{
	.find = find_vdso,
	.status = -EFAULT,
	.needs = "a vdso",
};

FIXTURE_SETUP(bad)
{
	unsigned long i;

	TWO_NODES(self->from, self->to);
	/*
	 * Allocate all that is needed later, so that few frames change in the
	 * meantime
	 */
	self->req = request_new(2 * MAX_BAD);
	for (i = 0; i < self->req->count; i++)
		self->req->status[i] = PRESET;
	self->good = alloc_memory(ANON, self->from, MAX_BAD, SEED);
	self->bad.status = variant->status;
	if (variant->find)
		variant->find(&self->bad, self->good);
	else
		find_by_flags(&self->bad, variant->mask, variant->flags);
	if (!self->bad.count)
		SKIP_TEST("needs %s", variant->needs ?: "any of them");
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_TRUE(intact(self->good, MAX_BAD * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}

/* Counts the frames that are still bad, and have another status than @want */
static unsigned long wrong(const struct bad *bad, const int *status, int want)
{
	unsigned long i, n = 0, checked = 0;

	for (i = 0; i < bad->count; i++) {
		if (changed(bad, i))
			continue;
		checked++;
		if (status[i] == want)
			continue;
		fprintf(stderr, "# %llx: status %d instead of %d\n",
			(unsigned long long)bad->phys[i], status[i], want);
		n++;
	}
	if (!checked)
		die("nothing stayed as it was");
	return n;
}

TEST_F(bad, query)
{
	int status[MAX_BAD];
	int round;

	for (round = 0; round < 3; round++) {
		memset(status, 0x55, sizeof(status));
		EXPECT_EQ(0, move_phys_pages(self->bad.count, self->bad.phys,
					     NULL, status, 0));
		EXPECT_EQ(0, wrong(&self->bad, status, self->bad.status));
	}
}

/* The status is the same if the frame is on the target already */
TEST_F(bad, move)
{
	int status[MAX_BAD], nodes[MAX_BAD];
	unsigned long i;
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		for (i = 0; i < self->bad.count; i++)
			nodes[i] = flags % 2 ? self->to : self->from;
		memset(status, 0x55, sizeof(status));
		EXPECT_EQ(0, move_phys_pages(self->bad.count, self->bad.phys,
					     nodes, status, flags));
		EXPECT_EQ(0, wrong(&self->bad, status, self->bad.status));
	}
}

/* One bad entry never ends the call: the good pages between the bad ones move */
TEST_F(bad, among_good)
{
	struct request *req = self->req;
	int status[MAX_BAD];
	unsigned long i;

	for (i = 0; i < MAX_BAD; i++) {
		request_set(req, 2 * i, self->bad.phys[i % self->bad.count],
			    self->to);
		request_set(req, 2 * i + 1,
			    phys_of(0, self->good + i * page_size()),
			    self->to);
	}
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(MAX_BAD, count_on_node(0, self->good, MAX_BAD, self->to));
	for (i = 0; i < MAX_BAD; i++) {
		EXPECT_EQ(self->to, req->status[2 * i + 1]);
		status[i] = req->status[2 * i];
	}
	EXPECT_EQ(0, wrong(&self->bad, status, self->bad.status));
}

/* No process maps the page, but one can map it again */
TEST(unmapped_stays)
{
	int fd = open_file(TMPFS, page_size());
	char *mem = map_file(fd, 1);
	int from, to;
	uint64_t phys;

	TWO_NODES(from, to);
	fill(mem, page_size(), SEED);
	phys = phys_of(0, mem);
	ASSERT_EQ(0, munmap(mem, page_size()));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, from, 0));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, to, 0));
	mem = map_file(fd, 1);
	EXPECT_TRUE(intact(mem, page_size(), SEED));
	EXPECT_EQ(phys, phys_of(0, mem));
}

/* A poisoned frame, after a memory error */
TEST(poisoned)
{
	static const char unpoison[] = "/sys/kernel/debug/hwpoison/unpoison-pfn";
	char *mem, pfn[32];
	uint64_t phys;
	int from, to;

	TWO_NODES(from, to);
	if (access(unpoison, W_OK))
		SKIP(return, "needs CONFIG_HWPOISON_INJECT");
	mem = alloc_memory(ANON, from, 3, SEED);
	phys = phys_of(0, mem + page_size());
	snprintf(pfn, sizeof(pfn), "%llu",
		 (unsigned long long)(phys / page_size()));
	write_file("/sys/kernel/debug/hwpoison/corrupt-pfn", pfn);
	ASSERT_TRUE(page_has(phys, KPF_HWPOISON));
	EXPECT_EQ(0, phys_of(0, mem + page_size()));
	EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, from, 0));
	EXPECT_OUTCOME(0, -ENOENT, move_one(phys, to, MPOL_MF_MOVE_ALL));
	EXPECT_OUTCOME(0, to, move_one(phys_of(0, mem), to, 0));
	EXPECT_TRUE(intact(mem, page_size(), SEED));
	ASSERT_EQ(0, munmap(mem, 3 * page_size()));
	write_file(unpoison, pfn);
	EXPECT_FALSE(page_has(phys, KPF_HWPOISON));
	EXPECT_OUTCOME(0, -ENOENT, query_one(phys));
}

#ifdef __LP64__ /* hmm_dmirror has no 32-bit ioctl */
/*
 * Pages that have moved to a device are on no node, and neither is other memory
 * of it
 */
TEST(device_memory)
{
	const size_t pages = 32;
	struct hmm_dmirror_cmd cmd = { .npages = pages };
	uint64_t start, end, flags;
	struct request *req;
	char *mem, *mirror;
	unsigned long i;
	int from, to;
	long pos = 0;
	int fd;

	TWO_NODES(from, to);
	fd = open("/dev/hmm_dmirror0", O_RDWR);
	if (fd < 0)
		SKIP(return, "needs CONFIG_TEST_HMM");
	mem = alloc_memory(ANON, from, pages, SEED);
	mirror = map_memory(ANON, pages);
	cmd.addr = (uintptr_t)mem;
	cmd.ptr = (uintptr_t)mirror;
	ASSERT_EQ(0, ioctl(fd, HMM_DMIRROR_MIGRATE_TO_DEV, &cmd));
	ASSERT_EQ(pages, cmd.cpages);
	for (i = 0; i < pages; i++)
		ASSERT_EQ(0, phys_of(0, mem + i * page_size()));

	while (next_resource("hmm_dmirror", &pos, &start, &end)) {
		EXPECT_TRUE(!page_flags(start, &flags) ||
			    flags & BIT(KPF_NOPAGE));
		req = request_new((end + 1 - start) / page_size());
		for (i = 0; i < req->count; i++)
			request_set(req, i, start + i * page_size(), to);
		EXPECT_EQ(0, request_query(req, 0));
		EXPECT_EQ(req->count, request_count(req, -ENOENT));
		EXPECT_EQ(0, request_move(req, MPOL_MF_MOVE_ALL));
		EXPECT_EQ(req->count, request_count(req, -ENOENT));
		request_free(req);
		i = end;
	}
	ASSERT_EQ(end, i);

	/* An access brings the page back, and it can move again */
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
	EXPECT_OUTCOME(0, to, move_one(phys_of(0, mem), to, 0));
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
	EXPECT_EQ(0, isolated_pages());
}
#endif

/*
 * Pages that have an extra reference or a pin are -EBUSY, and each of their
 * entries counts, until they are released.
 */
FIXTURE(held)
{
	int from, to;
	int fds[2];		/* the pipe or the ring that holds them */
	size_t size;
	unsigned long pages;
	char *mem;
	uint64_t phys;
};

FIXTURE_VARIANT(held)
{
	bool longterm;
	bool thp;
	enum memory kind;
};

FIXTURE_VARIANT_ADD(held, anon_in_pipe)
{
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(held, shmem_in_pipe)
{
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(held, thp_in_pipe)
{
	.thp = true,
};

FIXTURE_VARIANT_ADD(held, anon_in_ring)
{
	.longterm = true,
	.kind = ANON,
};

FIXTURE_VARIANT_ADD(held, shmem_in_ring)
{
	.longterm = true,
	.kind = SHMEM,
};

FIXTURE_VARIANT_ADD(held, thp_in_ring)
{
	.longterm = true,
	.thp = true,
};

/* A pipe takes a reference to a page, a registered buffer a long-term pin */
static bool hold(FIXTURE_DATA(held) *self, bool longterm)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { .iov_base = self->mem, .iov_len = page_size() };

	if (!longterm)
		return !pipe(self->fds) && vmsplice(self->fds[1], &iov, 1, 0) ==
					   (ssize_t)page_size();
	self->fds[0] = syscall(__NR_io_uring_setup, 1, &params);
	return self->fds[0] >= 0 &&
	       !syscall(__NR_io_uring_register, self->fds[0],
			IORING_REGISTER_BUFFERS, &iov, 1);
}

static void let_go(FIXTURE_DATA(held) *self, bool longterm)
{
	char *buf = malloc(page_size());

	if (longterm ? syscall(__NR_io_uring_register, self->fds[0],
			       IORING_UNREGISTER_BUFFERS, NULL, 0) :
		       read(self->fds[0], buf, page_size()) !=
		       (ssize_t)page_size())
		die("cannot let go of a page");
	free(buf);
}

FIXTURE_SETUP(held)
{
	TWO_NODES(self->from, self->to);
	NEEDS_KIND(variant->kind);
	self->mem = variant->thp ? alloc_thp(self->from, SEED) :
		    alloc_memory(variant->kind, self->from, 1, SEED);
	if (!self->mem)
		SKIP_TEST("needs CONFIG_TRANSPARENT_HUGEPAGE");
	self->size = variant->thp ? thp_size() : page_size();
	self->pages = self->size / page_size();
	if (!hold(self, variant->longterm))
		SKIP_TEST("no %s", variant->longterm ? "io_uring" : "pipe");
	self->phys = phys_of(0, self->mem);
}

FIXTURE_TEARDOWN(held)
{
	EXPECT_TRUE(intact(self->mem, self->size, SEED));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(held, until_let_go)
{
	int i;

	EXPECT_OUTCOME(0, self->from, query_one(self->phys));
	for (i = 0; i < 3; i++) {
		EXPECT_OUTCOME(1, -EBUSY, move_one(self->phys, self->to, 0));
		EXPECT_EQ(self->phys, phys_of(0, self->mem));
	}
	/* If the page is on the target already, no reference matters */
	EXPECT_OUTCOME(0, self->from, move_one(self->phys, self->from, 0));
	let_go(self, variant->longterm);
	EXPECT_OUTCOME(0, self->to, move_one(self->phys, self->to, 0));
	EXPECT_EQ(self->pages, count_on_node(0, self->mem, self->pages,
					     self->to));
}

TEST_F(held, each_entry_counts)
{
	const unsigned long times = 5, good = 100;
	char *mem = alloc_memory(ANON, self->from, good, SEED);
	unsigned long held = times * self->pages;
	struct request *req = request_new(held + good);
	unsigned long i;

	for (i = 0; i < held; i++)
		request_set(req, i, self->phys + i % self->size, self->to);
	for (i = 0; i < good; i++)
		request_set(req, held + i, phys_of(0, mem + i * page_size()),
			    self->to);
	shuffle(req, SEED);
	EXPECT_EQ(held, request_move(req, 0));
	EXPECT_EQ(held, request_count(req, -EBUSY));
	EXPECT_EQ(good, request_count(req, self->to));
	EXPECT_EQ(good, count_on_node(0, mem, good, self->to));
	EXPECT_EQ(self->phys, phys_of(0, self->mem));
	EXPECT_TRUE(intact(mem, good * page_size(), SEED));
}

/* A pinned page is not even unmapped, so no process must fault it in again */
TEST_F(held, longterm_is_not_tried)
{
	unsigned long before, after;

	if (!variant->longterm)
		return;
	write_file("/proc/sys/vm/stat_refresh", "1");
	before = vmstat("/proc/vmstat", "pgmigrate_fail");
	EXPECT_OUTCOME(1, -EBUSY, move_one(self->phys, self->to, 0));
	after = vmstat("/proc/vmstat", "pgmigrate_fail");
	EXPECT_EQ(before, after);
}

/* Dirty pages of a filesystem that can neither migrate them nor write them back */
FIXTURE(ramfs)
{
	int from, to;
	char dir[DIR_SIZE];
	char *page;
};

FIXTURE_SETUP(ramfs)
{
	TWO_NODES(self->from, self->to);
	ASSERT_TRUE(mount_temp(self->dir, "ramfs", NULL));
	self->page = map_temp(self->dir, "file", 1);
}

FIXTURE_TEARDOWN(ramfs)
{
	EXPECT_EQ(0, munmap(self->page, page_size()));
	EXPECT_TRUE(unmount_temp(self->dir));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(ramfs, dirty)
{
	uint64_t phys;

	touch_on(self->from, self->page, page_size());
	fill(self->page, page_size(), SEED);
	phys = phys_of(0, self->page);
	EXPECT_OUTCOME(0, self->from, query_one(phys));
	EXPECT_OUTCOME(1, -EINVAL, move_one(phys, self->to, 0));
	EXPECT_EQ(phys, phys_of(0, self->page));
	EXPECT_OUTCOME(0, self->from, move_one(phys, self->from, 0));
	EXPECT_TRUE(intact(self->page, page_size(), SEED));
}

TEST_F(ramfs, clean)
{
	int node, other;

	/* A page of a hole that was only read is clean, and moves */
	EXPECT_EQ(0, peek(self->page));
	node = node_of(0, self->page);
	other = node == self->from ? self->to : self->from;
	EXPECT_OUTCOME(0, other, move_one(phys_of(0, self->page), other, 0));
	EXPECT_EQ(other, node_of(0, self->page));
	EXPECT_EQ(0, peek(self->page));
}

TEST_HARNESS_MAIN
