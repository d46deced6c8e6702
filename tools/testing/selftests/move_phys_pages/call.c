// SPDX-License-Identifier: GPL-2.0-only
/* The results of a whole call, and which of them take precedence over others */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/capability.h>

#include "../kselftest_harness.h"
#include "util.h"

#define BAD_FLAG	BIT(30)
#define NOBODY		65534
#define SEED		7

FIXTURE(call)
{
	int from, to;
	char *page;
	uint64_t phys;
};

FIXTURE_SETUP(call)
{
	TWO_NODES(self->from, self->to);
	self->page = alloc_memory(ANON, self->from, 1, 1);
	self->phys = phys_of(0, self->page);
}

FIXTURE_TEARDOWN(call)
{
	EXPECT_TRUE(intact(self->page, page_size(), 1));
	EXPECT_EQ(0, isolated_pages());
}

/* Every known flag, alone and with others; 0 means MPOL_MF_MOVE */
TEST_F(call, known_flags)
{
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_OUTCOME(0, self->to,
			       move_one(phys_of(0, self->page), self->to,
					flags));
		EXPECT_EQ(self->to, node_of(0, self->page));
		EXPECT_OUTCOME(0, self->from,
			       move_one(phys_of(0, self->page), self->from,
					flags));
		EXPECT_EQ(self->from, node_of(0, self->page));
	}
}

TEST_F(call, unknown_flags)
{
	int bad_node = -1;
	int bit, flags;

	for (bit = 0; bit < 32; bit++) {
		if (VALID_FLAGS & BIT(bit))
			continue;
		for (flags = 0; flags <= VALID_FLAGS; flags++) {
			int bad = BIT(bit) | flags;

			EXPECT_OUTCOME(-EINVAL, PRESET,
				       move_one(self->phys, self->to, bad));
			/*
			 * Neither a count of 0 nor another error hides a bad
			 * flag
			 */
			EXPECT_EQ(-EINVAL, move_phys_pages(0, NULL, NULL, NULL,
							   bad));
			EXPECT_EQ(-EINVAL, move_phys_pages(1, &self->phys,
							   &bad_node, NULL,
							   bad));
			EXPECT_EQ(-EINVAL, move_phys_pages(1, NULL, NULL, NULL,
							   bad));
		}
	}
	EXPECT_EQ(self->phys, phys_of(0, self->page));
}

TEST_F(call, count_zero)
{
	int status = PRESET;
	int bad_node = -1;
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		EXPECT_EQ(0, move_phys_pages(0, NULL, NULL, NULL, flags));
		EXPECT_EQ(0, move_phys_pages(0, NULL, (int *)-1L, NULL, flags));
		EXPECT_EQ(0, move_phys_pages(0, &self->phys, &bad_node, &status,
					     flags));
		EXPECT_EQ(0, move_phys_pages(0, &self->phys, &self->to, &status,
					     flags));
	}
	EXPECT_EQ(PRESET, status);
	EXPECT_EQ(self->phys, phys_of(0, self->page));
}

/* Arrays need not be aligned, and only the statuses must be writable */
TEST_F(call, array_memory)
{
	char bytes[3 * sizeof(uint64_t)];
	uint64_t *pages = (void *)(bytes + 1);
	int *nodes = (void *)(bytes + 1 + sizeof(*pages));
	int *status = (void *)(bytes + 1 + sizeof(*pages) + sizeof(*nodes));
	int seen = PRESET;
	char *ro = map_memory(ANON, 1);

	memcpy(pages, &self->phys, sizeof(*pages));
	memcpy(nodes, &self->to, sizeof(*nodes));
	memcpy(status, &seen, sizeof(*status));
	EXPECT_EQ(0, move_phys_pages(1, pages, nodes, status, 0));
	memcpy(&seen, status, sizeof(seen));
	EXPECT_EQ(self->to, seen);
	EXPECT_EQ(self->to, node_of(0, self->page));

	self->phys = phys_of(0, self->page);
	memcpy(ro, &self->phys, sizeof(self->phys));
	memcpy(ro + sizeof(self->phys), &self->from, sizeof(self->from));
	ASSERT_EQ(0, mprotect(ro, page_size(), PROT_READ));
	seen = PRESET;
	EXPECT_EQ(0, move_phys_pages(1, (uint64_t *)ro,
				     (int *)(ro + sizeof(self->phys)), &seen,
				     0));
	EXPECT_EQ(self->from, seen);
	EXPECT_EQ(self->from, node_of(0, self->page));
}

/* Permission is checked before anything else, also for a query. */
FIXTURE(permission)
{
	int from, to;
	char *page;
	uint64_t phys;
};

static void drop_admin(void)
{
	use_caps(~BIT(CAP_SYS_ADMIN));
}

static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("cannot change the user");
}

static void become_nobody(void)
{
	become(NOBODY);
}

/* The real and saved user IDs are still 0, but the effective one is not */
static void act_as_nobody(void)
{
	if (seteuid(NOBODY))
		die("cannot change the user");
}

/* All capabilities are still permitted, but none is effective */
static void become_nobody_keep_caps(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1))
		die("cannot keep the capabilities");
	become(NOBODY);
}

/*
 * The process has all capabilities, but only in a new user namespace, which
 * does not map its user ID
 */
static void become_namespace_root(void)
{
	if (unshare(CLONE_NEWUSER))
		die("cannot create a user namespace");
}

/*
 * Like become_namespace_root(), but the namespace maps user and group ID 0 to
 * the same IDs of its parent
 */
static void become_mapped_root(void)
{
	become_namespace_root();
	write_file("/proc/self/uid_map", "0 0 1");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/gid_map", "0 0 1");
}

static void become_nested_root(void)
{
	become_mapped_root();
	become_mapped_root();
}

/* The user who creates a namespace has all capabilities in it */
static void unshare_namespace(void *arg)
{
	become_nobody();
	become_namespace_root();
	/* The new credentials have cleared the death signal, so set it again */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void own_namespace(void)
{
	spawn(unshare_namespace, NULL);
	become_nobody();
}

static void join_namespace(void)
{
	pid_t pid = spawn(unshare_namespace, NULL);
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWUSER))
		die("cannot join a user namespace");
}

FIXTURE_VARIANT(permission)
{
	void (*drop)(void);
};

FIXTURE_VARIANT_ADD(permission, no_sys_admin)
{
	.drop = drop_admin,
};

FIXTURE_VARIANT_ADD(permission, namespace_root)
{
	.drop = become_namespace_root,
};

FIXTURE_VARIANT_ADD(permission, mapped_root)
{
	.drop = become_mapped_root,
};

FIXTURE_VARIANT_ADD(permission, nested_root)
{
	.drop = become_nested_root,
};

FIXTURE_VARIANT_ADD(permission, namespace_owner)
{
	.drop = own_namespace,
};

FIXTURE_VARIANT_ADD(permission, namespace_guest)
{
	.drop = join_namespace,
};

FIXTURE_VARIANT_ADD(permission, nobody)
{
	.drop = become_nobody,
};

FIXTURE_VARIANT_ADD(permission, effective_nobody)
{
	.drop = act_as_nobody,
};

FIXTURE_VARIANT_ADD(permission, nobody_keeping_caps)
{
	.drop = become_nobody_keep_caps,
};

FIXTURE_SETUP(permission)
{
	TWO_NODES(self->from, self->to);
	self->page = alloc_memory(ANON, self->from, 1, 1);
	self->phys = phys_of(0, self->page);
	variant->drop();
}

FIXTURE_TEARDOWN(permission)
{
	EXPECT_TRUE(intact(self->page, page_size(), 1));
	EXPECT_EQ(self->from, node_of(0, self->page));
}

TEST_F(permission, move)
{
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++)
		EXPECT_OUTCOME(-EPERM, PRESET,
			       move_one(self->phys, self->to, flags));
}

TEST_F(permission, query)
{
	EXPECT_OUTCOME(-EPERM, PRESET, query_one(self->phys));
}

TEST_F(permission, before_all_else)
{
	int bad_node = -1;
	int status = PRESET;

	EXPECT_EQ(-EPERM, move_phys_pages(0, NULL, NULL, NULL, 0));
	EXPECT_EQ(-EPERM, move_phys_pages(0, NULL, NULL, NULL, BAD_FLAG));
	EXPECT_EQ(-EPERM, move_phys_pages(1, &self->phys, &self->to, &status,
					  BAD_FLAG));
	EXPECT_EQ(-EPERM, move_phys_pages(1, &self->phys, &bad_node, &status,
					  0));
	EXPECT_EQ(-EPERM, move_phys_pages(1, NULL, NULL, NULL, 0));
	EXPECT_EQ(-EPERM, move_phys_pages(ULONG_MAX, NULL, NULL, NULL, 0));
	EXPECT_EQ(PRESET, status);
}

/* CAP_SYS_ADMIN is enough, also for MPOL_MF_MOVE_ALL */
TEST_F(call, sys_admin_is_enough)
{
	uint64_t phys;

	EXPECT_OUTCOME(0, self->to, move_one(self->phys, self->to, 0));
	phys = phys_of(0, self->page);
	use_caps(BIT(CAP_SYS_ADMIN));
	EXPECT_OUTCOME(0, self->to, query_one(phys));
	EXPECT_OUTCOME(0, self->from,
		       move_one(phys, self->from, MPOL_MF_MOVE_ALL));
	EXPECT_EQ(self->from, node_of(0, self->page));
}

/* CAP_SYS_ADMIN is enough for any user, not only for root */
TEST_F(call, nobody_with_sys_admin)
{
	become_nobody_keep_caps();
	use_caps(BIT(CAP_SYS_ADMIN));
	EXPECT_OUTCOME(0, self->from, query_one(self->phys));
	EXPECT_OUTCOME(0, self->to, move_one(self->phys, self->to, 0));
	EXPECT_EQ(self->to, node_of(0, self->page));
	use_caps(~0ULL);
}

/* A bad node in any entry is found before any page moves. */
FIXTURE(bad_node)
{
	struct request *req;
	int from, to;
	char *mem;
};

FIXTURE_VARIANT(bad_node)
{
	int node;	/* 0: the first node without memory */
};

FIXTURE_VARIANT_ADD(bad_node, minus_one)
{
	.node = -1,
};

FIXTURE_VARIANT_ADD(bad_node, smallest)
{
	.node = INT_MIN,
};

FIXTURE_VARIANT_ADD(bad_node, largest)
{
	.node = INT_MAX,
};

FIXTURE_VARIANT_ADD(bad_node, beyond_any_config)
{
	.node = 1 << 16,
};

FIXTURE_VARIANT_ADD(bad_node, no_memory)
{
	.node = 0,
};

#define BAD_NODE_PAGES	20000
#define BAD_NODE_MAPPED	16

FIXTURE_SETUP(bad_node)
{
	unsigned long i;

	TWO_NODES(self->from, self->to);
	self->mem = alloc_memory(ANON, self->from, BAD_NODE_MAPPED, 1);
	self->req = request_new(BAD_NODE_PAGES);
	for (i = 0; i < BAD_NODE_PAGES; i += BAD_NODE_MAPPED)
		request_set_pages(self->req, i, self->mem, BAD_NODE_MAPPED,
				  self->to);
}

FIXTURE_TEARDOWN(bad_node)
{
	EXPECT_TRUE(intact(self->mem, BAD_NODE_MAPPED * page_size(), 1));
	EXPECT_EQ(BAD_NODE_MAPPED, count_on_node(0, self->mem, BAD_NODE_MAPPED,
						 self->from));
	EXPECT_EQ(0, isolated_pages());
}

TEST_F(bad_node, anywhere)
{
	static const unsigned long at[] = {
		0, 1, 2, 63, 64, 1000, 4095, 4096, 10000, BAD_NODE_PAGES - 1,
	};
	int bad = variant->node ?: node_without_memory();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		self->req->nodes[at[i]] = bad;
		EXPECT_EQ(-ENODEV, request_move(self->req, 0));
		EXPECT_EQ(BAD_NODE_PAGES, request_count(self->req, PRESET));
		self->req->nodes[at[i]] = self->to;
	}
}

/* A bad node is found whether or not the address of its entry is valid */
TEST_F(bad_node, of_any_page)
{
	int bad = variant->node ?: node_without_memory();

	EXPECT_OUTCOME(-ENODEV, PRESET, move_one(UINT64_MAX, bad, 0));
	EXPECT_OUTCOME(-ENODEV, PRESET,
		       move_one(self->req->pages[0], bad, 0));
}

TEST_F(bad_node, before_other_arrays)
{
	int last = BAD_NODE_PAGES - 1;

	self->req->nodes[last] = variant->node ?: node_without_memory();
	EXPECT_EQ(-ENODEV, move_phys_pages(BAD_NODE_PAGES, NULL,
					   self->req->nodes, self->req->status,
					   0));
	EXPECT_EQ(-ENODEV, move_phys_pages(BAD_NODE_PAGES, self->req->pages,
					   self->req->nodes, NULL, 0));
	EXPECT_EQ(-ENODEV, move_phys_pages(BAD_NODE_PAGES, NULL,
					   self->req->nodes, NULL, 0));
}

/* A bad node is reported even if later nodes cannot be read */
TEST_F(bad_node, before_fault)
{
	const unsigned long count = page_size() / sizeof(int);
	int *nodes = (int *)map_memory(ANON, 2);
	unsigned long i;

	for (i = 0; i < count; i++)
		nodes[i] = self->to;
	nodes[0] = variant->node ?: node_without_memory();
	ASSERT_EQ(0, munmap(nodes + count, page_size()));
	EXPECT_EQ(-ENODEV, move_phys_pages(count + 1, self->req->pages, nodes,
					   self->req->status, 0));
}

/*
 * Arrays that cannot be read or written. The memory behind one of them, the bad
 * array, is unmapped, unreadable or read-only. The last FAULT_MAPPED entries
 * have pages of this process. The very last entry is beyond the end of the bad
 * array.
 */
enum array { PAGES, NODES, STATUS };

FIXTURE(fault)
{
	int from, to;
	unsigned long valid;	/* entries before the end of the bad array */
	unsigned long first;	/* the first entry with a page of this process */
	char *mem;
	uint64_t *pages;
	int *nodes;
	int *status;
	char *bad;		/* the end of the bad array */
};

FIXTURE_VARIANT(fault)
{
	enum array array;
	int prot;		/* of memory behind the array; -1: unmapped */
};

FIXTURE_VARIANT_ADD(fault, pages_unmapped)
{
	.array = PAGES,
	.prot = -1,
};

FIXTURE_VARIANT_ADD(fault, pages_unreadable)
{
	.array = PAGES,
	.prot = PROT_NONE,
};

FIXTURE_VARIANT_ADD(fault, nodes_unmapped)
{
	.array = NODES,
	.prot = -1,
};

FIXTURE_VARIANT_ADD(fault, nodes_unreadable)
{
	.array = NODES,
	.prot = PROT_NONE,
};

FIXTURE_VARIANT_ADD(fault, status_unmapped)
{
	.array = STATUS,
	.prot = -1,
};

FIXTURE_VARIANT_ADD(fault, status_read_only)
{
	.array = STATUS,
	.prot = PROT_READ,
};

#define FAULT_MAPPED	64

FIXTURE_SETUP(fault)
{
	const size_t entry = variant->array == PAGES ? sizeof(uint64_t) :
						       sizeof(int);
	struct request *req;
	unsigned long i;
	char *array;

	TWO_NODES(self->from, self->to);
	self->mem = alloc_memory(ANON, self->from, FAULT_MAPPED, 1);
	self->valid = page_size() / entry;
	self->first = self->valid + 1 - FAULT_MAPPED;
	req = request_new(self->valid + 1);
	for (i = 0; i < req->count; i++) {
		request_set(req, i, UINT64_MAX, self->to);
		req->status[i] = PRESET;
	}
	for (i = 0; i < FAULT_MAPPED; i++)
		req->pages[self->first + i] =
			phys_of(0, self->mem + i * page_size());
	self->pages = req->pages;
	self->nodes = req->nodes;
	self->status = req->status;

	array = map_memory(ANON, 2);
	self->bad = array + page_size();
	switch (variant->array) {
	case PAGES:
		self->pages = memcpy(array, req->pages, page_size());
		break;
	case NODES:
		self->nodes = memcpy(array, req->nodes, page_size());
		break;
	case STATUS:
		self->status = memcpy(array, req->status, page_size());
		break;
	}
	/* Touch the memory, so that only the next call makes it inaccessible */
	*self->bad = 0;
	ASSERT_EQ(0, variant->prot < 0 ?
		     munmap(self->bad, page_size()) :
		     mprotect(self->bad, page_size(), variant->prot));
}

FIXTURE_TEARDOWN(fault)
{
	EXPECT_TRUE(intact(self->mem, FAULT_MAPPED * page_size(), 1));
	EXPECT_EQ(0, isolated_pages());
}

/*
 * Entries that were handled have a status, and the pages of the other entries
 * have not moved
 */
TEST_F(fault, behind_good_entries)
{
	char *page = self->mem;
	unsigned long i;

	EXPECT_EQ(-EFAULT, move_phys_pages(self->valid + 1, self->pages,
					   self->nodes, self->status, 0));
	for (i = 0; i < self->first; i++) {
		if (self->status[i] == PRESET)
			continue;
		EXPECT_EQ(-ENOENT, self->status[i]);
	}
	for (; i < self->valid; i++, page += page_size()) {
		if (self->status[i] == PRESET) {
			EXPECT_EQ(self->from, node_of(0, page));
		} else {
			EXPECT_EQ(self->to, self->status[i]);
			EXPECT_EQ(self->to, node_of(0, page));
		}
	}
	EXPECT_EQ(self->from, node_of(0, page));
}

TEST_F(fault, query)
{
	unsigned long i;

	/* Without nodes, the call is a query, and the other two arrays are good */
	if (variant->array == NODES) {
		EXPECT_EQ(0, move_phys_pages(self->valid, self->pages, NULL,
					     self->status, 0));
		for (i = self->first; i < self->valid; i++)
			EXPECT_EQ(self->from, self->status[i]);
		return;
	}
	EXPECT_EQ(-EFAULT, move_phys_pages(self->valid + 1, self->pages, NULL,
					   self->status, 0));
	for (i = 0; i < self->valid; i++) {
		if (self->status[i] == PRESET)
			continue;
		EXPECT_EQ(i < self->first ? -ENOENT : self->from,
			  self->status[i]);
	}
}

/*
 * The first entry is in bad memory, or begins in good memory and ends in bad
 * memory
 */
TEST_F(fault, first_entry)
{
	uint64_t phys = phys_of(0, self->mem);
	int status = PRESET;
	int half;

	for (half = 0; half <= 2; half += 2) {
		void *bad = self->bad - half;

		EXPECT_EQ(-EFAULT,
			  move_phys_pages(1,
					  variant->array == PAGES ? bad : &phys,
					  variant->array == NODES ? bad :
								    &self->to,
					  variant->array == STATUS ? bad :
								     &status,
					  0));
		EXPECT_EQ(PRESET, status);
	}
	EXPECT_EQ(self->from, node_of(0, self->mem));
}

/*
 * Every entry whose page fails to move is counted, but the call still returns
 * -EFAULT if it cannot read or write an array.
 */
TEST_F(fault, before_failures)
{
	struct iovec iov = { self->mem, page_size() };
	uint64_t phys = phys_of(0, self->mem);
	unsigned long i;
	int fds[2];
	int status;

	/* A pipe takes a reference to the page */
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(page_size(), vmsplice(fds[1], &iov, 1, 0));
	for (i = 0; i < self->first; i++)
		self->pages[i] = phys;
	EXPECT_EQ(self->first, move_phys_pages(self->first, self->pages,
					       self->nodes, self->status, 0));
	for (i = 0; i < self->first; i++) {
		EXPECT_EQ(-EBUSY, self->status[i]);
		self->status[i] = PRESET;
	}
	EXPECT_EQ(-EFAULT, move_phys_pages(self->valid + 1, self->pages,
					   self->nodes, self->status, 0));
	for (i = 0; i < self->first; i++) {
		status = self->status[i];
		EXPECT_TRUE(status == -EBUSY || status == PRESET);
	}
	EXPECT_EQ(self->from, node_of(0, self->mem));
}

/*
 * Counts that exceed the arrays. With some of them, an array would not fit in
 * memory, or its size in bytes would wrap around.
 */
TEST_F(call, huge_count)
{
	static const unsigned long counts[] = {
		2, INT_MAX, UINT_MAX, LONG_MAX, ULONG_MAX - 1, ULONG_MAX,
		ULONG_MAX / sizeof(uint64_t) + 2, ULONG_MAX / sizeof(int) + 2,
	};
	/*
	 * Each array has room for one entry before unmapped memory, and so the
	 * arrays overlap
	 */
	char *end = map_memory(ANON, 2) + page_size();
	uint64_t *pages = (uint64_t *)end - 1;
	int *nodes = (int *)end - 1;
	int *status = (int *)end - 1;
	size_t i;

	ASSERT_EQ(0, munmap(end, page_size()));
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		*pages = UINT64_MAX;
		*nodes = self->to;
		EXPECT_EQ(-EFAULT, move_phys_pages(counts[i], pages, nodes,
						   status, 0));
		*pages = UINT64_MAX;
		EXPECT_EQ(-EFAULT, move_phys_pages(counts[i], pages, NULL,
						   status, 0));
	}
}

TEST_F(call, bad_pointers)
{
	void *bad[] = {
		NULL, (void *)1, (void *)-page_size(), (void *)-8UL,
		(void *)(1UL << (8 * sizeof(long) - 1)),
	};
	uint64_t pages[2] = { self->phys, UINT64_MAX };
	int nodes[2] = { self->to, self->to };
	int status[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EFAULT, move_phys_pages(2, bad[i], nodes, status,
						   0));
		EXPECT_EQ(-EFAULT, move_phys_pages(2, bad[i], NULL, status, 0));
		EXPECT_EQ(-EFAULT, move_phys_pages(2, pages, NULL, bad[i], 0));
		/* Without nodes, the call is a query */
		EXPECT_EQ(bad[i] ? -EFAULT : 0,
			  move_phys_pages(2, pages, bad[i], status, 0));
	}
	EXPECT_EQ(self->phys, phys_of(0, self->page));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EFAULT, move_phys_pages(2, pages, nodes, bad[i], 0));
}

/* Another thread may write to an array during the call. */
struct flipper {
	int *node;
	int good;
	bool stop;
};

static void *flip(void *arg)
{
	static const int bad[] = { INT_MAX, INT_MIN, -1, 1 << 20, 1024 };
	struct flipper *f = arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&f->stop, __ATOMIC_RELAXED); i++)
		__atomic_store_n(f->node, i % 2 ? f->good : bad[i / 2 % 5],
				 __ATOMIC_RELAXED);
	return NULL;
}

TEST(node_that_changes)
{
	const unsigned long pages = 64;
	struct request *req = request_new(pages);
	struct flipper flipper = { .node = &req->nodes[pages - 1] };
	unsigned long moved = 0, kept = 0, refused = 0;
	pthread_t thread;
	int from, to;
	char *mem;

	TWO_NODES(from, to);
	mem = alloc_memory(ANON, from, pages, SEED);
	request_set_pages(req, 0, mem, pages, to);
	flipper.good = to;
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip, &flipper));
	while (!moved || !kept || !refused) {
		long ret = request_move(req, 0);
		int status = req->status[pages - 1];

		if (ret == -ENODEV) {
			refused++;
			continue;
		}
		/*
		 * The status is -ENOMEM if the node was good when all nodes
		 * were checked, but bad when the page was to move.
		 */
		ASSERT_EQ(status == -ENOMEM, ret);
		ASSERT_TRUE(status == -ENOMEM || status == to);
		ASSERT_EQ(pages - ret, request_count(req, to));
		ASSERT_EQ(ret ? from : to,
			  node_of(0, mem + (pages - 1) * page_size()));
		moved += !ret;
		kept += ret;
		munmap(mem, pages * page_size());
		mem = alloc_memory(ANON, from, pages, SEED);
		phys_of_pages(0, mem, pages, req->pages);
	}
	__atomic_store_n(&flipper.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_TRUE(intact(mem, pages * page_size(), SEED));
}

struct counter {
	int *status;
	int cpu;
	bool stop;
	unsigned long lost;	/* changes that were undone */
};

static void *count_up(void *arg)
{
	struct counter *c = arg;
	int i;

	run_on(c->cpu);
	for (i = *c->status; !__atomic_load_n(&c->stop, __ATOMIC_RELAXED);) {
		c->lost += __atomic_load_n(c->status, __ATOMIC_RELAXED) != i;
		__atomic_store_n(c->status, ++i, __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * The call finds out that it cannot write all statuses. Then it writes none, not
 * even the value that was there before.
 */
TEST(status_that_changes)
{
	const unsigned long count = 16, calls = 50000;
	char *array = map_memory(ANON, 2), *bad = array + page_size();
	struct counter counter = { .status = (int *)bad - count / 2 };
	struct request *req = request_new(count);
	unsigned long i, failed = 0;
	pthread_t thread;
	int cpus[2], node;

	ASSERT_EQ(1, memory_nodes(&node, 1));
	for (i = 0; i < count; i++)
		request_set(req, i, UINT64_MAX, node);
	*bad = 0;
	ASSERT_EQ(0, mprotect(bad, page_size(), PROT_READ));
	counter.cpu = cpus[allowed_cpus(cpus, 2) - 1];
	ASSERT_EQ(0, pthread_create(&thread, NULL, count_up, &counter));
	run_on(cpus[0]);
	for (i = 0; i < calls; i++)
		failed += move_phys_pages(count, req->pages, req->nodes,
					  counter.status, 0) == -EFAULT;
	__atomic_store_n(&counter.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(calls, failed);
	EXPECT_EQ(0, counter.lost);
}

/* Some entries at the start, in the middle and at the end have pages. */
TEST(ten_million)
{
	const unsigned long count = 10 * 1000 * 1000, pages = 64;
	const unsigned long at[] = { 0, count / 2 - pages / 2, count - pages };
	struct request *req;
	char *mem[3];
	int from, to;
	size_t i;

	TWO_NODES(from, to);
	req = request_new(count);
	memset(req->pages, 0xff, count * sizeof(*req->pages));
	for (i = 0; i < count; i++)
		req->nodes[i] = to;
	for (i = 0; i < 3; i++) {
		mem[i] = alloc_memory(ANON, from, pages, SEED + i);
		request_set_pages(req, at[i], mem[i], pages, to);
	}
	EXPECT_EQ(0, request_move(req, 0));
	EXPECT_EQ(3 * pages, request_count(req, to));
	EXPECT_EQ(count - 3 * pages, request_count(req, -ENOENT));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(pages, count_on_node(0, mem[i], pages, to));
		EXPECT_TRUE(intact(mem[i], pages * page_size(), SEED + i));
	}
	request_free(req);
}

TEST_HARNESS_MAIN
