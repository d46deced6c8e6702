// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the authors of move_phys_pages
 */

/*\
 * Verify that :manpage:`move_phys_pages(2)` tells the node of a page and moves
 * a page to another node.
 *
 * - A query reports the node of each page, and moves none.
 * - The address of any byte names the page.
 * - A page moves with its contents, and gets another physical address.
 * - A page that is on the target node already stays where it is, and the status
 *   is that node.
 */

#include "move_phys_pages.h"

#define PAGES 2

static int nodes[2];
static char *page[PAGES];

static void map(void)
{
	int i;

	for (i = 0; i < PAGES; i++)
		page[i] = map_pages(1, MAP_PRIVATE, nodes[i]);
}

static void unmap(void)
{
	int i;

	for (i = 0; i < PAGES; i++)
		SAFE_MUNMAP(page[i], getpagesize());
}

static void query(void)
{
	uint64_t addr[PAGES + 1];
	int status[PAGES + 1] = { UNWRITTEN, UNWRITTEN, UNWRITTEN };

	addr[0] = physical(page[0]);
	addr[1] = physical(page[1]);
	addr[2] = addr[1] + getpagesize() - 1;
	TST_EXP_VAL(move_phys_pages(PAGES + 1, addr, NULL, status, 0), 0);
	TST_EXP_EQ_LI(status[0], nodes[0]);
	TST_EXP_EQ_LI(status[1], nodes[1]);
	TST_EXP_EQ_LI(status[2], nodes[1]);
	TST_EXP_EQ_LU(physical(page[0]), addr[0]);
}

static void move(void)
{
	uint64_t before[PAGES], addr[PAGES];
	int status[PAGES] = { UNWRITTEN, UNWRITTEN };
	int target[PAGES] = { nodes[1], nodes[0] };
	int i;

	for (i = 0; i < PAGES; i++) {
		before[i] = physical(page[i]);
		addr[i] = before[i] + 123;
	}
	TST_EXP_VAL(move_until_not_busy(PAGES, addr, target, status,
					MPOL_MF_MOVE), 0);
	for (i = 0; i < PAGES; i++) {
		TST_EXP_EQ_LI(status[i], target[i]);
		TST_EXP_EQ_LI(node_of(page[i]), target[i]);
		TST_EXP_EXPR(physical(page[i]) != before[i],
			     "page %d has another physical address", i);
		expect_contents(page[i], 'a');
	}
}

static void stay(void)
{
	uint64_t addr = physical(page[0]);
	int status = UNWRITTEN;

	TST_EXP_VAL(move_phys_pages(1, &addr, &nodes[0], &status, 0), 0);
	TST_EXP_EQ_LI(status, nodes[0]);
	TST_EXP_EQ_LU(physical(page[0]), addr);
}

static struct tcase {
	void (*run)(void);
	const char *what;
} tcases[] = {
	{ query, "a query" },
	{ move, "pages that move" },
	{ stay, "a page that is there already" },
};

static void run(unsigned int n)
{
	tst_res(TINFO, "%s", tcases[n].what);
	map();
	tcases[n].run();
	unmap();
}

static void setup(void)
{
	setup_nodes(nodes);
}

static struct tst_test test = {
	.test = run,
	.tcnt = ARRAY_SIZE(tcases),
	.setup = setup,
	.needs_root = 1,
};
