# SPDX-License-Identifier: GPL-2.0-only
# Functions for the texts of both pictures of demo/story

# Returns all of a line but its first word.
function rest()
{
	return substr($0, index($0, " ") + 1)
}

function thousands(n,	s)
{
	for (s = ""; n >= 1000; n = int(n / 1000))
		s = sprintf(",%03d%s", n % 1000, s)
	return n s
}

# Returns the text with commas in every number: 1,234.
function readable(text,	words, n, i, s)
{
	n = split(text, words, " ")
	for (i = 1; i <= n; i++)
		s = s (i > 1 ? " " : "") (words[i] ~ /^[0-9]+$/ ? thousands(words[i]) : words[i])
	return s
}

function size(pages)
{
	return pages < 256 ? pages * 4 " KiB" : int(pages / 256 + 0.5) " MiB"
}
