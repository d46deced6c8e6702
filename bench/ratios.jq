# SPDX-License-Identifier: GPL-2.0-only
# The costs of build/bench.json that bench/limits or the guide's table have: a name and a number each.

(.moves[] | [.case, .ratio.move_pages]),
(.moves[] | select(.case == "8 THPs") | ["8 THPs, to the copy alone", .ratio.copy]),
((.moves | map({ (.case): .cost.move_phys_pages }) | add) as $cost
	| ["16384 pages, to 512 pages", $cost["16384 pages"] / $cost["512 pages"]],
	  ["4096 pages, alternating, to one target",
	   $cost["4096 pages, alternating"] / $cost["4096 pages"]],
	  ["1 page a call, with a sibling, beside 4000 threads, to alone",
	   $cost["1 page a call, with a sibling, beside 4000 threads"] /
	   $cost["1 page a call, with a sibling"]]),
((.tasks | map({ (.case): .cost }) | add) as $cost
	| ["1 page of 2000 processes, with siblings, to without",
	   $cost["1 page of 2000 processes, with siblings"] / $cost["1 page of 2000 processes"]],
	  ("1 page a call, with a vfork() child", "1 page a call, with a vhost"
	   | ["\(.), beside 4000 threads, to alone", $cost["\(.), beside 4000 threads"] / $cost[.]])),
(.moves[] | select(.case == ("1 page a call", "1 page a call, bound to a CPU"))
	| ["\(.case), instructions", .cost.move_phys_pages]),
(.daemon[] | (if .processes == 1 then "process" else "processes" end) as $processes
	| ["\(.pages) of \(.memory) pages, \(.processes) \($processes), to the reverse map", .ratio])
| "\(.[0])\t\(.[1] * 1000 | round / 1000)"
