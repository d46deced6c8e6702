# SPDX-License-Identifier: GPL-2.0-only
# Pictures of build/bench.json. gnuplot needs bench/look.gnuplot first.

json(filter) = sprintf("< jq -r '%s | @tsv' build/bench.json", filter)
clock = system("jq -r .clock build/bench.json")
boot = system("jq -r '.boot | \"Linux \" + .release + \", \" + .accelerator' build/bench.json")

# The names of the lines are below: a column for each way to move pages.
lines = "set lmargin 9; set bmargin 5 + below; \
	set key bottom outside center vertical maxrows below Left reverse textcolor rgb TEXT"

rows = int(system("jq '.moves | length' build/bench.json"))
set terminal svg size 960,(140 + 22 * rows) noenhanced font "sans,13" background GROUND
set output "build/bench/moves.svg"
@dark
eval title("A move by move_phys_pages(2) beside one by move_pages(2)")
eval unit(sprintf("%s in relation to those of move_pages(2) (%s)", clock, boot))
set lmargin 31
set bmargin 2.5
set style fill solid 1 noborder
set yrange [-rows + 0.3:0.7]
widest = 0.0 + system("jq '[.moves[].ratio.move_pages, 1] | max' build/bench.json")
set xrange [0:1.1 * widest]
set xtics 0.2
set grid noytics
unset key
set arrow from 1, graph 0 to 1, graph 1 nohead front lw 2 lc rgb RED
set label 3 "move_pages(2)" at 1, graph 1 center offset 0, 0.6 tc rgb RED
moves = json(".moves[] | [.case, .ratio.move_pages]")
plot moves using (0):(-$0):(0):2:(-$0 - 0.34):(-$0 + 0.34):ytic(1) with boxxyerror lc rgb "#417ce0", \
	moves using 2:(-$0):(sprintf("%.3f", $2)) with labels right offset -0.6, 0 tc rgb BRIGHT

set terminal svg size 960,540 noenhanced font "sans,13" background GROUND
set output "build/bench/daemon.svg"
@dark
eval title("The cost of moving pages of 1, 16 and 256 processes")
eval unit(sprintf("%s to move some of 32,768 pages (%s)", clock, boot))
below = 3
@lines
set logscale xy
set format x "%.0f"
set format y "%.0s%c"
set xrange [25:4500]
set xtics (33, 328, 3277)
set xlabel "pages to move" tc rgb TEXT
of(way, n) = json(sprintf(".daemon[] | select(.memory == 32768 and .processes == %s) | [.pages, .%s]", n, way))
counts = "256 16 1"
# The call is blue, and the search with move_pages(2) is amber. A darker shade is for more processes.
shade(shades, i) = word(shades, 4 - i)
many(n) = n eq "1" ? "1 process" : n." processes"
plot for [i = 1:3] of("search_and_move_pages", word(counts, i)) with linespoints lw 2 pt 7 ps 0.6 \
		lc rgb shade(AMBERS, i) title sprintf("reverse map and move_pages(2), %s", many(word(counts, i))), \
	for [i = 1:3] of("move_phys_pages", word(counts, i)) with linespoints lw 2 pt 7 ps 0.6 \
		lc rgb shade(BLUES, i) title sprintf("move_phys_pages(2), %s", many(word(counts, i)))

set output "build/bench/memory.svg"
@dark
eval title("The cost of a search grows with memory, that of a call does not")
eval unit(sprintf("%s for 328 pages of 16 processes (%s)", clock, boot))
below = 1
@lines
set logscale x
set format y "%.0s%c"
set xrange [7000:76000]
set xtics (8192, 16384, 32768, 65536)
set yrange [0:*]
set xlabel "pages of memory" tc rgb TEXT
grows(way) = json(sprintf(".daemon[] | select(.pages == 328 and .processes == 16) | [.memory, .%s]", way))
plot grows("search_and_move_pages") using 1:2 smooth unique with linespoints lw 2 pt 7 ps 0.6 \
		lc rgb word(AMBERS, 2) title "reverse map and move_pages(2)", \
	grows("move_phys_pages") using 1:2 smooth unique with linespoints lw 2 pt 7 ps 0.6 \
		lc rgb word(BLUES, 2) title "move_phys_pages(2)"
