# SPDX-License-Identifier: GPL-2.0-only
# How both pictures put what demo/story tells into words.

# All of a line behind its first word
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

# Every number of a text with its thousands set apart
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
