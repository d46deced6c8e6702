# SPDX-License-Identifier: GPL-2.0-only
# Prints the results in build/bench.json as tables: lines of fields, and an empty line after each.

def row: map(. // "" | tostring) | join("\t");

(["\(.clock) a base page", "move_phys_pages", "move_pages", "DAMON", "to move_pages", "to copy"] | row),
(.moves[] | [.case, (.cost.move_phys_pages | round), (.cost.move_pages | round),
	(.cost.damon // 0 | if . == 0 then "" else round end), .ratio.move_pages, .ratio.copy] | row),
(["the copy alone", (.copy | round)] | row),
"",
(if .daemon | length > 0 then
	(["\(.clock) for pages of processes", "move_phys_pages", "reverse map", "and move_pages", "ratio"] | row),
	(.daemon[] | (if .processes == 1 then "process" else "processes" end) as $processes
		| ["\(.pages) of \(.memory) pages, \(.processes) \($processes)", .move_phys_pages,
		.search, .search_and_move_pages, .ratio] | row),
	""
else empty end),
(if .scratch | length > 0 then
	(["scratch memory of a call", "bytes"] | row),
	(.scratch[] | ["\(.entries) entries", .bytes] | row),
	""
else empty end),
(if .tasks | length > 0 then
	(["\(.clock) a call for pages of other processes", "move_phys_pages"] | row),
	(.tasks[] | [.case, (.cost | round)] | row),
	""
else empty end),
(.pauses[] |
	(["longest pause of \(.moves) moves, \(.pages) pages", "median ns", "p99", "max"] | row),
	(to_entries[] | select(.value | type == "object")
		| [.key, .value.median, .value.p99, .value.max] | row),
	"")
