# SPDX-License-Identifier: GPL-2.0-only
# Pictures of build/bench.json.

json(filter) = sprintf("< jq -r '%s | @tsv' build/bench.json", filter)
clock = system("jq -r .clock build/bench.json")
boot = system("jq -r '.boot | \"Linux \" + .release + \", \" + .accelerator' build/bench.json")

set terminal svg size 900,540 noenhanced font "sans,13" background "white"
set datafile separator "\t"
set style fill solid 0.8
set key top left

set output "build/bench/moves.svg"
set title sprintf("A move by move_phys_pages(2), in %s, as a part of one by move_pages(2) (%s)", clock, boot)
set bmargin 12
set rmargin 12
set xtics rotate by -45 nomirror
set yrange [0:1.2]
set boxwidth 0.7
set grid ytics
plot json(".moves[] | [.case, .ratio.move_pages]") using 0:2:xtic(1) with boxes lc rgb "#3b6ea5" notitle, \
	1 with lines lc rgb "#a33" notitle

reset
set terminal svg size 900,540 noenhanced font "sans,13" background "white"
set datafile separator "\t"
set key outside below
set grid

set output "build/bench/daemon.svg"
set title sprintf("Pages out of a memory of 32768, whoever maps them (%s)", boot)
set xlabel "pages to move"
set ylabel clock
set logscale xy
of(way, n) = json(sprintf(".daemon[] | select(.memory == 32768 and .processes == %d) | [.pages, .%s]", n, way))
plot for [n in "1 16 256"] of("search_and_move_pages", n + 0) with linespoints \
		title sprintf("reverse map and move_pages(2), %s processes", n), \
	for [n in "1 16 256"] of("move_phys_pages", n + 0) with linespoints dt 2 \
		title sprintf("move_phys_pages(2), %s processes", n)

set output "build/bench/memory.svg"
set title sprintf("328 pages of 16 processes, as memory grows (%s)", boot)
set xlabel "pages of memory"
set yrange [1e5:*]
grows(way) = json(sprintf(".daemon[] | select(.pages == 328 and .processes == 16) | [.memory, .%s]", way))
plot grows("search_and_move_pages") using 1:2 smooth unique with linespoints title "reverse map and move_pages(2)", \
	grows("move_phys_pages") using 1:2 smooth unique with linespoints title "move_phys_pages(2)"
