# SPDX-License-Identifier: GPL-2.0-only
# Colours and layout of all pictures of the benchmarks. They have a dark background, like the picture of
# demo/svg.awk. Give gnuplot this file first: gnuplot bench/look.gnuplot bench/plot.gnuplot

GROUND = "#0d1117"
BRIGHT = "#f0f6fc"
TEXT = "#c9d1d9"
DIM = "#8b949e"
GRID = "#30363d"
RED = "#f85149"
# Three shades of each colour, the brightest first
BLUES = "#a5c8ff #6ea8ff #417ce0"
AMBERS = "#ffd580 #ffb000 #c98500"

# A picture has a title, which says what it shows, and below it the unit of the numbers.
look = "set label 1 '%s' at screen 0.025, graph 1 offset 0, 3.4 font ',18' tc rgb '%s'"
title(s) = sprintf(look, s, BRIGHT)
unit(s) = sprintf("set label 2 '%s' at screen 0.025, graph 1 offset 0, 1.7 tc rgb '%s'", s, DIM)
dark = "reset; set datafile separator \"\\t\"; set border 0; set tics scale 0 textcolor rgb TEXT; \
	set grid linetype 1 linecolor rgb GRID; set tmargin 5.5; set rmargin 4"
