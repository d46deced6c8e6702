// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the authors of move_phys_pages
 */

/*\
 * Verify that :manpage:`move_phys_pages(2)` moves a page that several processes
 * map only with MPOL_MF_MOVE_ALL.
 *
 * - Without the flag the status is -EACCES, which is not counted, and a page of
 *   one process moves in the same call.
 * - With the flag the page moves. The other process then finds it on the new
 *   node, with its contents.
 * - When the other process has ended, the page moves without the flag.
 */

#include "move_phys_pages.h"

static int nodes[2];

/* Maps the page, and looks at it once it has moved. */
static void child(const char *shared)
{
	expect_contents(shared, 'a');
	TST_CHECKPOINT_WAKE_AND_WAIT(0);
	expect_contents(shared, 'a');
	TST_EXP_EQ_LI(node_of(shared), nodes[1]);
}

static void run(void)
{
	size_t size = getpagesize();
	char *shared = map_pages(1, MAP_SHARED, nodes[0]);
	char *own = map_pages(1, MAP_PRIVATE, nodes[0]);
	uint64_t addr[2];
	int status[2] = { UNWRITTEN, UNWRITTEN };
	int to[2] = { nodes[1], nodes[1] };
	int back = nodes[0];

	if (!SAFE_FORK()) {
		/* fork() has made this process map the other page, too. */
		SAFE_MUNMAP(own, size);
		child(shared);
		exit(0);
	}
	TST_CHECKPOINT_WAIT(0);

	addr[0] = physical(shared);
	addr[1] = physical(own);
	TST_EXP_VAL(move_until_not_busy(2, addr, to, status, MPOL_MF_MOVE), 0);
	TST_EXP_EQ_LI(status[0], -EACCES);
	TST_EXP_EQ_LI(node_of(shared), nodes[0]);
	TST_EXP_EQ_LI(status[1], nodes[1]);
	TST_EXP_EQ_LI(node_of(own), nodes[1]);

	TST_EXP_VAL(move_until_not_busy(1, addr, to, status, MPOL_MF_MOVE_ALL), 0);
	TST_EXP_EQ_LI(status[0], nodes[1]);
	TST_EXP_EQ_LI(node_of(shared), nodes[1]);

	TST_CHECKPOINT_WAKE(0);
	tst_reap_children();

	addr[0] = physical(shared);
	TST_EXP_VAL(move_until_not_busy(1, addr, &back, status, MPOL_MF_MOVE), 0);
	TST_EXP_EQ_LI(status[0], nodes[0]);
	TST_EXP_EQ_LI(node_of(shared), nodes[0]);
	expect_contents(shared, 'a');

	SAFE_MUNMAP(shared, size);
	SAFE_MUNMAP(own, size);
}

static void setup(void)
{
	setup_nodes(nodes);
}

static struct tst_test test = {
	.test_all = run,
	.setup = setup,
	.needs_root = 1,
	.forks_child = 1,
	.needs_checkpoints = 1,
};
