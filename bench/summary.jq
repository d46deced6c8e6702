# SPDX-License-Identifier: GPL-2.0-only
# The lines of a run as one object: what build/bench.json holds.
#
#	clock		"instructions" or "nanoseconds": the unit of every cost
#	boot		the guest: release, machine, accelerator, repeat
#	copy		cost of the copy alone, a base page
#	moves		for each case: pages, calls, cost a base page by each way, and their ratios
#	daemon		for each world of processes: the cost of one call, and of a search with
#			move_pages(2) after it
#	scratch		bytes that a call of so many entries takes for itself
#	tasks		cost of a call for pages that other processes map, for each case
#	pauses		of a thread that uses the memory that moves, by way: median, p99, max

def of($kind): map(select(.kind == $kind) | del(.kind));
def round3: . * 1000 | round / 1000;

(of("copy")[0] | .cost / .pages) as $copy
| {
	clock: $clock,
	boot: of("boot")[0],
	copy: ($copy | round3),
	moves: of("move") | map(.pages as $pages
		| .cost |= map_values(. / $pages | round3)
		| .ratio = {
			move_pages: (.cost.move_phys_pages / .cost.move_pages | round3),
			copy: (.cost.move_phys_pages / $copy | round3)
		} + if .cost.damon then
			{ damon: (.cost.move_phys_pages / .cost.damon | round3) }
		else {} end),
	daemon: of("daemon") | map(.ratio =
		(.move_phys_pages / .search_and_move_pages | round3)),
	scratch: of("scratch"),
	tasks: of("tasks") | map(.cost = (.cost / .calls | round3)),
	pauses: of("pauses")
}
