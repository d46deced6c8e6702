# SPDX-License-Identifier: GPL-2.0-only
# A picture of build/bench/tiering: for each of the two patterns, a curve for each way to place memory. gnuplot needs
# bench/look.gnuplot first.

data = "build/bench/tiering"
ways = system(sprintf("awk '$1 == \"sum\" && $3 == \"contiguous\" { print $2 }' %s", data))
COLOURS = DIM." ".word(BLUES, 2)." ".AMBERS." ".RED
curve(way, pattern) = sprintf("< awk -v OFS='\\t' '$1 == \"at\" && $2 == \"%s\" && $3 == \"%s\" { print $4, $5 }' %s", \
	way, pattern, data)

set terminal svg size 960,860 noenhanced font "sans,13" background GROUND
set output "build/bench/tiering.svg"
set multiplot layout 2, 1
do for [pattern in "contiguous scattered"] {
	@dark
	eval title(sprintf("Hot pages on the fast node (hot memory is %s)", pattern))
	eval unit("percent of the hot pages, over the seconds in the guest")
	set lmargin 9
	set bmargin 6
	set key bottom outside center horizontal Left reverse textcolor rgb TEXT
	set autoscale xfix
	set xtics 60
	set yrange [0:104]
	set ytics 20
	plot for [i = 1:words(ways)] curve(word(ways, i), pattern) with lines lw 2 \
		lc rgb word(COLOURS, i) title word(ways, i)
}
unset multiplot
