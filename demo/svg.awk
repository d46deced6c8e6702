# SPDX-License-Identifier: GPL-2.0-only
# Draws the output of demo/story as one picture, with a column for each step and a row
# for each node. The picture has a dark background, so it suits light and dark pages.

BEGIN {
	COLUMNS = 32; ROWS = 32
	PITCH = 6.25; SQUARE = 5.25		# a square, and the gap to the next
	PANEL = COLUMNS * PITCH - (PITCH - SQUARE)
	LEFT = 84; APART = 19
	TOP = 176; BETWEEN = 84			# the arrows lie between the nodes
	WIDTH = 960
	# A capital is a square that is at least half full.
	split("H h C c O o .", letter)
	split("hot hot-sparse cold cold-sparse other other-sparse free", kind)
}

$1 == "keys"	{ keys = $2; bytes = $3; asked = $4 }
$1 == "step"	{ title[++steps] = rest() }
$1 == "does"	{ does[steps, ++commands[steps]] = last_command(rest()) }
$1 == "move"	{ to[steps, ++moves[steps]] = $3 }
$1 == "moved"	{ moved[steps, moves[steps]] = $2 }
$1 == "node"	{ node($2 + 0) }
$1 == "passed"	{ passed[++claims] = readable(rest()) }
END		{ draw() }

function last_command(line)
{
	sub(/.*[|;] /, "", line)
	return line
}

function node(n)
{
	per_cell = $4; frames[n] = $3
	amount[steps, n, "hot"] = $5
	amount[steps, n, "cold"] = $6
	cells[steps, n] = $9
}

function text(x, y, class, s)
{
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	printf "<text x=\"%s\" y=\"%s\"%s>%s</text>\n", x, y, class == "" ? "" : " class=\"" class "\"", s
}

# Adjacent squares of one kind in a row are drawn as one dashed line.
function squares(x, y, all, k,	path, r, c, run)
{
	for (r = 0; r < ROWS; r++) {
		for (c = 0; c < COLUMNS; c += run ? run : 1) {
			run = 0
			while (c + run < COLUMNS && substr(all, r * COLUMNS + c + run + 1, 1) == letter[k])
				run++
			if (run)
				path = path "M" c * PITCH " " r * PITCH "h" run * PITCH - (PITCH - SQUARE)
		}
	}
	if (path != "")
		printf "<path class=\"%s\" transform=\"translate(%s %s)\" d=\"%s\"/>\n", \
			kind[k], x, y + SQUARE / 2, path
}

function panel(x, y, s, n,	k)
{
	for (k = 1; k <= 7; k++)
		squares(x, y, cells[s, n], k)
}

function amounts(x, y, s, n)
{
	printf "<text x=\"%s\" y=\"%s\"><tspan class=\"h\">%s</tspan> hot<tspan x=\"%s\" text-anchor=\"end\"><tspan class=\"c\">%s</tspan> cold</tspan></text>\n", \
		x, y, thousands(amount[s, n, "hot"]), x + PANEL, thousands(amount[s, n, "cold"])
}

function arrow(x, y, down)
{
	printf "<path class=\"arrow\" d=\"M%s %sv%dm-7 %dl7 %dl7 %d\"/>\n", x, down ? y : y + 34, \
		down ? 34 : -34, down ? -8 : 8, down ? 8 : -8, down ? -8 : 8
}

function flows(x, y, s,	i, each, middle)
{
	each = PANEL / (moves[s] ? moves[s] : 1)
	for (i = 1; i <= moves[s]; i++) {
		middle = x + (i - 1) * each + (moves[s] == 1 ? each / 2 - 40 : 8)
		arrow(middle, y, to[s, i])
		text(middle + 14, y + 15, "b", thousands(moved[s, i]))
		text(middle + 14, y + 31, "d", to[s, i] ? "demoted" : "promoted")
	}
}

function draw(	s, n, x, y, bottom, i)
{
	bottom = TOP + 2 * PANEL + BETWEEN
	height = bottom + 90 + 22 * claims
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"Pages of a running redis-server on two nodes, before and after each move\">\n", \
		WIDTH, height, WIDTH, height
	print "<style>"
	print "text{font:13px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#c9d1d9}"
	print ".t{font-size:22px;font-weight:600;fill:#f0f6fc}.b{font-weight:600;fill:#f0f6fc}.d{fill:#8b949e}"
	print ".m{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#8b949e}"
	print ".h{fill:#ffb000;font-weight:600}.c{fill:#6ea8ff;font-weight:600}.ok{fill:#3fb950;font-weight:600}"
	printf "path{fill:none;stroke-width:%s;stroke-dasharray:%s %s}\n", SQUARE, SQUARE, PITCH - SQUARE
	print ".hot{stroke:#ffb000}.cold{stroke:#417ce0}.other{stroke:#7d8590}.free{stroke:#21262d}"
	print ".hot-sparse{stroke:#8b661b}.cold-sparse{stroke:#355387}.other-sparse{stroke:#505761}"
	print ".arrow{stroke:#f0f6fc;stroke-width:2;stroke-dasharray:none;stroke-linecap:round;stroke-linejoin:round}"
	print "</style>"
	printf "<rect width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#0d1117\"/>\n", WIDTH, height

	text(24, 46, "t", "Pages of a running redis-server move by physical address")
	text(24, 72, "d", "redis answers requests for a hot tenth of its " thousands(keys) \
		" keys. Pages are found and moved without a process id or a virtual address.")
	text(24, 92, "d", "Numbers are pages. A square is " size(per_cell) \
		", in address order, and dim if less than half of it is in use.")

	for (n = 0; n < 2; n++) {
		y = TOP + n * (PANEL + BETWEEN) + PANEL / 2
		text(24, y - 10, "b", "node " n)
		text(24, y + 8, "", n ? "CXL" : "DRAM")
		text(24, y + 26, "d", size(frames[n]))
	}
	for (s = 1; s <= steps; s++) {
		x = LEFT + (s - 1) * (PANEL + APART)
		text(x, TOP - 46, "b", s ". " title[s])
		for (i = 1; i <= commands[s]; i++)
			text(x, TOP - 43 + 15 * i, "m", does[s, i])
		panel(x, TOP, s, 0)
		amounts(x, TOP + PANEL + 18, s, 0)
		flows(x, TOP + PANEL + 32, s)
		panel(x, TOP + PANEL + BETWEEN, s, 1)
		amounts(x, bottom + 18, s, 1)
	}
	for (i = 1; i <= 4; i++) {
		x = LEFT + (i - 1) * 92
		printf "<path class=\"%s\" style=\"stroke-width:12;stroke-dasharray:none\" d=\"M%s %sh12\"/>\n", \
			kind[2 * i - 1], x, bottom + 52
		text(x + 18, bottom + 56, "", kind[2 * i - 1] == "other" ? "other use" : kind[2 * i - 1])
	}
	for (i = 1; i <= claims; i++)
		printf "<text x=\"%s\" y=\"%s\"><tspan class=\"ok\">✓</tspan> %s</text>\n", LEFT, bottom + 66 + 22 * i, passed[i]
	print "</svg>"
}
