# SPDX-License-Identifier: GPL-2.0-only
# Draws the output of demo/story as it arrives: for each step a picture of both nodes,
# which is redrawn in place while it changes, and the results at the end.
#
#	-v colours=truecolor|256|none	none: only ASCII
#	-v live=1			standard output is a terminal
#	-v tight=1			the terminal has at most 26 lines

BEGIN {
	COLUMNS = 32; ROWS = 16; GAP = 12
	GAP_BLANK = sprintf("%" GAP "s", "")
	# A capital is a square that is at least half full, _ one beyond the end of the node.
	split("H h C c O o . _", letter)
	if (colours == "none") {
		split("# * = - % : .", shade)
	} else {
		bold = "\033[1m"; dim = "\033[2m"; plain = "\033[0m"
		good = "\033[32m"; bad = "\033[31m"
		mode = colours == "truecolor" ? "8;2;" : "8;5;"
		split(colours == "truecolor" ? \
			"255;176;0 139;102;27 65;124;224 53;83;135 125;133;144 80;87;97 48;54;61 22;27;34" : \
			"214 136 68 24 245 240 237 234", paint)
	}
	for (i = 1; i <= 8; i++) {
		paint_of[letter[i]] = mode paint[i]
		shade_of[letter[i]] = i == 8 ? " " : shade[i]
		rank[letter[i]] = 8 - i
	}
}

$1 == "keys"	{ opening() }
$1 == "note"	{ note(rest()) }
$1 == "step"	{ title[++steps] = rest(); commands = moves = 0 }
$1 == "does"	{ command[++commands] = readable(rest()) }
$1 == "served"	{ served = $2; wrong = $3 }
$1 == "move"	{ to[++moves] = $3; moved[moves] = 0; before = users[$3]; counted = 0 }
$1 == "moved"	{ moved[moves] = $2; counted = 1 }
$1 == "node"	{ node($2 + 0) }
$1 == "node" && $2 == 1 && live { draw(); fflush() }
$1 == "done"	{ draw(); end_step(); fflush() }
$1 == "passed"	{ claim[++claims] = good (colours == "none" ? "ok" : "✓") plain " " readable(rest()) }
$1 == "failed"	{ claim[++claims] = bad (colours == "none" ? "FAILED:" : "✗") plain " " readable(rest()) }
$1 == "exit"	{ outcome() }

function mib(pages)
{
	return sprintf("%.1f MiB", pages / 256)
}

function centred(s, width,	left)
{
	left = int((width - length(s)) / 2)
	return sprintf("%" left "s%-" (width - left) "s", "", s)
}

function note(text)
{
	if (live)
		printf "\r  %s\033[K", readable(text)
	fflush()
}

function opening()
{
	printf "%s\n  %smove_phys_pages%s  moves the pages of a running redis-server\n", \
		live ? "\r\033[K" : "", bold, plain
	printf "  %s%s keys of %s bytes; %s of them are asked for, over and over%s\n", \
		dim, thousands($2), thousands($3), thousands($4), plain
}

function node(n)
{
	frames[n] = $3; per_cell = $4
	hot[n] = $5; cold[n] = $6
	users[n] = $5 + $6
	cells[n] = $9
	# Estimate the moved pages until movephys or tierd has printed their number.
	if (moves && !counted && to[moves] == n)
		moved[moves] = users[n] - before
}

function line(s)
{
	page = page "  " s (live ? "\033[K" : "") "\n"
	height++
}

# A character stands for two squares, one above the other. In colour it shows both, as half
# blocks. In ASCII it shows the one whose kind comes first in the legend.
function squares(n, r,	i, top, bottom, s, was, now)
{
	for (i = 1; i <= COLUMNS; i++) {
		top = substr(cells[n], 2 * r * COLUMNS + i, 1)
		bottom = substr(cells[n], (2 * r + 1) * COLUMNS + i, 1)
		if (colours == "none") {
			s = s shade_of[rank[top] > rank[bottom] ? top : bottom]
			continue
		}
		now = "\033[3" paint_of[top] ";4" paint_of[bottom] "m"
		s = s (now == was ? "" : now) "▀"
		was = now
	}
	return s plain
}

# In the gap between the nodes, each move has an arrow and the number of its pages.
function gap(r,	i, top)
{
	for (i = 1; i <= moves; i++) {
		top = int(ROWS / 2) - 2 * moves + 4 * (i - 1)
		if (r == top)
			return bold centred(thousands(moved[i] > 0 ? moved[i] : 0), GAP) plain
		if (r == top + 2)
			return dim centred("pages", GAP) plain
		if (r == top + 1 && colours == "none")
			return to[i] ? "  ------->  " : "  <-------  "
		if (r == top + 1)
			return bold (to[i] ? "  ━━━━━━━▶  " : "  ◀━━━━━━━  ") plain
	}
	return GAP_BLANK
}

function head(n, name)
{
	return bold name plain dim sprintf("%" (COLUMNS - length(name)) "s", size(frames[n])) plain
}

function swatch(i, name)
{
	return (colours == "none" ? shade[i] : "\033[3" paint_of[letter[i]] "m██" plain) " " name "   "
}

function legend()
{
	return swatch(1, "hot") swatch(3, "cold") swatch(5, "other use") swatch(7, "free") \
		dim (colours == "none" ? "letter: 2 x " size(per_cell) "; * - : half empty" : \
		size(per_cell) " a square, dim: half empty") plain
}

function amounts(n)
{
	return sprintf("%-" COLUMNS "s", "hot " mib(hot[n]) ", cold " mib(cold[n]))
}

function draw(	i, r, counter)
{
	page = drawn ? "\033[" drawn "A\r" : live ? "\r\033[K" : ""
	height = 0
	counter = thousands(served) " requests, " wrong " wrong"
	line("")
	line(bold steps ". " title[steps] plain \
		sprintf("%" (2 * COLUMNS + GAP - 3 - length(title[steps])) "s", counter))
	for (i = 1; i <= commands; i++)
		line(dim "   " command[i] plain)
	if (!tight)
		line("")
	line(head(0, "node 0: DRAM") GAP_BLANK head(1, "node 1: CXL, no CPU"))
	for (r = 0; r < ROWS; r++)
		line(squares(0, r) gap(r) squares(1, r))
	line(amounts(0) GAP_BLANK amounts(1))
	if (!tight)
		line("")
	line(legend())
	printf "%s", page
	drawn = live ? height : 0
}

function end_step(	n)
{
	for (n = 0; n < 2; n++) {
		table[steps, n, "hot"] = hot[n]
		table[steps, n, "cold"] = cold[n]
	}
	table[steps, "served"] = served
	drawn = 0
}

function outcome(	i)
{
	if (live)
		printf "\r\033[K"
	if (steps) {
		printf "\n  %s%-31s%16s%18s%11s%s\n", bold, "Pages", "node 0: DRAM", "node 1: CXL", "requests", plain
		printf "  %s%-31s%8s%8s%10s%8s%11s%s\n", dim, "after each step", "hot", "cold", "hot", "cold", "so far", plain
	}
	for (i = 1; (i, "served") in table; i++)
		printf "  %-31s%8s%8s%10s%8s%11s\n", i ". " title[i], \
			thousands(table[i, 0, "hot"]), thousands(table[i, 0, "cold"]), \
			thousands(table[i, 1, "hot"]), thousands(table[i, 1, "cold"]), \
			thousands(table[i, "served"])
	if (claims)
		print ""
	for (i = 1; i <= claims; i++)
		print "  " claim[i]
	fflush()
}
