// SPDX-License-Identifier: GPL-2.0-only
/*
 * These tests run with and without CONFIG_MOVE_PHYS_PAGES. A kernel without
 * the call refuses it with ENOSYS, from 64-bit and 32-bit callers, whatever the
 * arguments are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "util.h"

const bool runs_without_call = true;

#ifdef __x86_64__
/* Makes the call as a 32-bit program does, with arguments that need no pointers */
static long compat_call(unsigned long count, int flags)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (__NR_move_phys_pages), "b" (count), "c" (0),
		       "d" (0), "S" (0), "D" (flags)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#endif

/* Tells whether the call is missing, in which case arguments do not matter */
static bool absent(void)
{
	return move_phys_pages(0, NULL, NULL, NULL, 0) == ABSENT;
}

#ifdef __x86_64__
TEST(from_32_bit_code)
{
	EXPECT_EQ(absent() ? ABSENT : 0, compat_call(0, 0));
	EXPECT_EQ(absent() ? ABSENT : -EINVAL, compat_call(0, ~0));
}
#endif

/* With CALL=present in the environment, the kernel must have the call. */
TEST(expected)
{
	const char *call = getenv("CALL");

	if (call && !strcmp(call, "present"))
		EXPECT_FALSE(absent());
}

TEST(writes_statuses_unless_absent)
{
	struct request *req = request_new(2);
	int flags;

	for (flags = 0; flags <= VALID_FLAGS; flags++) {
		if (absent()) {
			EXPECT_EQ(ABSENT, request_move(req, flags));
			EXPECT_EQ(ABSENT, request_query(req, flags));
			EXPECT_EQ(2, request_count(req, PRESET));
		} else {
			EXPECT_EQ(0, request_query(req, flags));
			EXPECT_EQ(0, request_count(req, PRESET));
		}
	}
	request_free(req);
}

/* move_pages(2) works with and without the call */
TEST(move_pages)
{
	int nodes[2], status = PRESET;
	void *page;
	long ret;

	if (access("/sys/devices/system/node/has_memory", F_OK))
		SKIP(return, "needs CONFIG_NUMA");
	if (memory_nodes(nodes, 2) < 2)
		SKIP(return, "needs two nodes with memory");
	ret = syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, 0);
	if (ret < 0 && errno == ENOSYS)
		SKIP(return, "needs CONFIG_NUMA_MIGRATION");
	page = alloc_memory(ANON, nodes[0], 1, 1);
	ASSERT_EQ(0, syscall(SYS_move_pages, 0, 1UL, &page, &nodes[1], &status,
			     MPOL_MF_MOVE));
	EXPECT_EQ(nodes[1], status);
	EXPECT_EQ(nodes[1], node_of(0, page));
	EXPECT_TRUE(intact(page, page_size(), 1));
}

TEST_HARNESS_MAIN
