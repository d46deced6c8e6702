# SPDX-License-Identifier: GPL-2.0-only
#
# awk -f races.awk FUNCTIONS LOG
#       print as TAP the data races in our code that KCSAN has reported. LOG is the kernel's log without
#       time stamps, and FUNCTIONS lists the names of our functions, one on each line
#
# A race is in our code if the call trace of a plain access contains one of our functions. There are three
# exceptions. If the access was made in migrate_pages(), or in another function of the core that is named in
# the code below, every caller of that function has the race. If an interrupt arrived in our function,
# the interrupt made the access, and our function is in the trace only because it was interrupted. A
# marked read of the word at offset 8 of a struct page is compound_head(), which reads that word with
# READ_ONCE() on purpose, while list functions write it with plain accesses, as a link of lru.
#
# The function filter of KCSAN itself is of no use here, because it drops a report if only one of the two
# accesses is in a listed function.

NR == FNR {
	own[$1]
	next
}
/^=====/ {
	if (title)
		end_report()
	next
}
/^BUG: KCSAN: / {
	title = substr($0, 13)
	text = ""
	ours = elsewhere_from_here = compound_head = 0
}
title {
	text = text "# " $0 "\n"
	if (/:$/)
		elsewhere_from_here = /\(marked\)/
	if (/^read \(marked\) to 0xffffea[0-9a-f]*[048c]8 of 8 bytes/)
		compound_head = 1
	name = $1
	sub(/\+0x.*/, "", name)
	sub(/\..*/, "", name)
	if (name ~ /^(migrate_pages|putback_movable_pages|lru_add_drain_all)$/ ||
	    name ~ /^asm_(sysvec_|common_interrupt)/)
		elsewhere_from_here = 1
	if (name in own && !elsewhere_from_here)
		ours = 1
}

END {
	for (title in elsewhere)
		print "# elsewhere: " title
	print (failed ? "not ok " : "ok ") failed + 1 " - " failed + 0 " races in our code, " others + 0 " elsewhere"
	print "1.." failed + 1
	exit failed > 0
}

function end_report() {
	if (ours && !compound_head) {
		printf "%snot ok %d - %s\n", text, ++failed, title
	} else if (!(title in elsewhere)) {
		elsewhere[title]
		others++
	}
	title = ""
}
