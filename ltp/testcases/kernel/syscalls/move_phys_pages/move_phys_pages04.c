// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the authors of move_phys_pages
 */

/*\
 * Verify the errors of :manpage:`move_phys_pages(2)`.
 *
 * - EPERM without CAP_SYS_ADMIN, for a query, too, and whatever the other
 *   arguments are.
 * - EINVAL for an unknown flag.
 * - 0 for no page, whatever the arrays are.
 * - ENODEV if a node does not exist, anywhere in the array. No page has moved
 *   then, and no status has been written.
 * - EFAULT for each of the arrays.
 */

#include "tst_capability.h"
#include "move_phys_pages.h"

#define PAGES 2

static int nodes[2];
static char *page;
static uint64_t addr[PAGES];
static int target[PAGES];
static int status[PAGES];
static void *bad_addr;

static struct tst_cap drop = TST_CAP(TST_CAP_DROP, CAP_SYS_ADMIN);

static void no_privilege(void)
{
	if (!SAFE_FORK()) {
		tst_cap_action(&drop);
		TST_EXP_FAIL(move_phys_pages(PAGES, addr, target, status, 0),
			     EPERM, "a move");
		TST_EXP_FAIL(move_phys_pages(PAGES, addr, target, status,
					     MPOL_MF_MOVE_ALL),
			     EPERM, "a move with MPOL_MF_MOVE_ALL");
		TST_EXP_FAIL(move_phys_pages(PAGES, addr, NULL, status, 0),
			     EPERM, "a query");
		TST_EXP_FAIL(move_phys_pages(0, NULL, NULL, NULL, -1),
			     EPERM, "no page, and unknown flags");
		exit(0);
	}
	tst_reap_children();
}

static void unknown_flags(void)
{
	const int known = MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		int flag = 1U << bit;

		if (flag & known)
			continue;
		TST_EXP_FAIL(move_phys_pages(PAGES, addr, target, status,
					     MPOL_MF_MOVE | flag),
			     EINVAL, "flag 0x%x", flag);
	}
}

static void no_page(void)
{
	TST_EXP_VAL(move_phys_pages(0, bad_addr, bad_addr, bad_addr, 0), 0);
}

static void no_node(void)
{
	static const int wrong[] = { -1, MAX_NODES, INT_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		target[1] = wrong[i];
		TST_EXP_FAIL(move_phys_pages(PAGES, addr, target, status,
					     MPOL_MF_MOVE),
			     ENODEV, "node %d", wrong[i]);
		TST_EXP_EQ_LI(node_of(page), nodes[0]);
		TST_EXP_EQ_LI(status[0], UNWRITTEN);
	}
}

static void bad_arrays(void)
{
	TST_EXP_FAIL(move_phys_pages(PAGES, bad_addr, target, status, 0),
		     EFAULT, "pages");
	TST_EXP_FAIL(move_phys_pages(PAGES, addr, bad_addr, status, 0),
		     EFAULT, "nodes");
	TST_EXP_FAIL(move_phys_pages(PAGES, addr, target, bad_addr, 0),
		     EFAULT, "status");
	TST_EXP_FAIL(move_phys_pages(PAGES, addr, NULL, bad_addr, 0),
		     EFAULT, "status of a query");
}

static void (*tcases[])(void) = {
	no_privilege,
	unknown_flags,
	no_page,
	no_node,
	bad_arrays,
};

static void run(unsigned int n)
{
	int i;

	page = map_pages(PAGES, MAP_PRIVATE, nodes[0]);
	for (i = 0; i < PAGES; i++) {
		addr[i] = physical(page + i * getpagesize());
		target[i] = nodes[1];
		status[i] = UNWRITTEN;
	}
	tcases[n]();
	SAFE_MUNMAP(page, PAGES * getpagesize());
}

static void setup(void)
{
	setup_nodes(nodes);
	bad_addr = tst_get_bad_addr(NULL);
}

static struct tst_test test = {
	.test = run,
	.tcnt = ARRAY_SIZE(tcases),
	.setup = setup,
	.needs_root = 1,
	.forks_child = 1,
};
