# SPDX-License-Identifier: GPL-2.0-only
#
# awk -v floor=N -f moved.awk
#       copy the output of the kselftests, and report as TAP whether on average at least N of 1000 entries moved in
#       the races of the program "race". If the floor is empty, any average will do.
#
# Each race prints how many entries moved, and how many stayed because their page was busy or their target had no
# room. From one run to the next, the share of a race typically differs by 200 of 1000, so races are not compared one
# by one. The mean of all 76 races differed by 9 of 1000 between two runs.
#
# A line "@status STATUS" has the exit status of the kselftests, and is not copied.

$1 == "@status" {
	status = $2
	next
}
{ print }
/ entries moved, and [0-9]+ stayed/ {
	sub(/.*:/, "")
	races++
	shares += $1 / ($1 + $5 + !($1 + $5))
}

END {
	mean = races ? 1000 * shares / races : 0
	good = races && mean >= floor + 0
	printf "%s 1 - on average, %.0f of 1000 entries moved in %d races%s\n", good ? "ok" : "not ok", mean, races, \
		floor == "" ? "" : ", and at least " floor " must"
	print "1..1"
	exit status || !good
}
