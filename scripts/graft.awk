# SPDX-License-Identifier: GPL-2.0-only
#
# Edits one file for scripts/graft: puts the texts of a fragment in, or, with "unapply", takes
# them out. Of a "table", the text is the row of the sibling "like", renamed and renumbered.
# Writes the new file to "out", complaints to "errors", and to stdout what is to be done:
# edit +LINES, edit -LINES, same (it has them already) or none.

function complain(msg) {
	print file ": " msg >> errors
	bad = 1
}

function read(path, L,    n, line) {
	while ((getline line < path) > 0)
		L[++n] = line
	return n + 0
}

function write(L, n,    i) {
	for (i = 1; i <= n; i++) {
		ORS = i < n || eol ? "\n" : ""
		print L[i] > out
	}
	ORS = "\n"
}

function same(A, n, B, m,    i) {
	for (i = 1; i <= n && n == m; i++)
		if (A[i] != B[i])
			return 0
	return n == m
}

function parse(fragment,    n, L, i, word, range, before) {
	before = blocks
	n = read(fragment, L)
	for (i = 1; i <= n; i++) {
		if (L[i] ~ /^@within ./) {
			range = substr(L[i], 9)
		} else if (L[i] ~ /^@(after|before)[?]? ./) {
			word = substr(L[i], 2, index(L[i], " ") - 2)
			optional[++blocks] = sub(/[?]$/, "", word)
			place[blocks] = word
			anchor[blocks] = substr(L[i], index(L[i], " ") + 1)
			within[blocks] = range
			range = ""
		} else if (L[i] ~ /^@/ || (blocks == before && L[i] !~ /^(#.*)?$/)) {
			complain("line " i " of the fragment is neither anchor nor text: " L[i])
		} else if (blocks > before) {
			numbered += gsub(/@NR@/, nr, L[i]) + gsub(/@NR[+]1@/, nr + 1, L[i])
			text[blocks, ++len[blocks]] = L[i]
		}
	}
}

# The row of the sibling, renamed and renumbered.
function clone(L, n,    i, f, row, rows) {
	for (i = 1; i <= n; i++)
		if (split(L[i], f) > 2 && f[1] ~ /^[0-9]+$/ && f[3] == like) {
			row = L[i]
			rows++
			shift = f[1] - like_nr
		}
	if (rows != 1) {
		complain(rows + 0 " rows of " like ", to make ours from: there must be one")
		return
	}
	nr += shift
	gsub(like "\t", name substr("\t\t\t\t", 1, (length(like) - length(name)) / 8) "\t", row)
	gsub(like, name, row)
	sub(/^[0-9]+/, nr, row)
	place[++blocks] = "row"
	text[blocks, ++len[blocks]] = row
}

# The line that the text of block b goes below, or -1; "hits" are the lines that its anchor matches.
function find(b, L, n,    i, at, re) {
	hits = 0
	if (place[b] == "row") {
		for (i = 1; i <= n && !(L[i] ~ /^[0-9]/ && L[i] + 0 > nr); i++)
			;
		return i - 1
	}
	re = within[b] == "" ? anchor[b] : within[b]
	for (i = 1; i <= n; i++)
		if (L[i] ~ re) {
			at = i
			hits++
		}
	if (hits == 1 && within[b] != "") {
		while (++at <= n && L[at] !~ anchor[b])
			;
		hits = at <= n
	}
	return hits != 1 ? -1 : place[b] == "after" ? at : at - 1
}

# Puts all text into L, which gives R; returns the length of R, or -1.
function insert(L, n, R,    b, i, at, below, m, t, order, k) {
	for (b = 1; b <= blocks; b++) {
		at = find(b, L, n)
		if (at >= 0)
			below[at] = below[at] " " b
		else if (!optional[b] || hits)
			failed[b] = hits
	}
	for (b in failed)
		return -1
	for (i = 0; i <= n; i++) {
		if (i)
			R[++m] = L[i]
		split(below[i], order)
		for (k = 1; k in order; k++)
			for (t = 1; t <= len[order[k]]; t++)
				R[++m] = text[order[k], t]
	}
	return m + 0
}

# Takes every text that stands whole at its anchor out of L, which gives R; returns the length of R.
function take(L, n, R,    b, i, t, m) {
	for (b = 1; b <= blocks; b++)
		for (i = 1; i + len[b] - 1 <= n; i++) {
			for (t = 0; t < len[b] && L[i + t] == text[b, t + 1]; t++)
				;
			if (t < len[b] || place[b] == "after" && L[i - 1] !~ anchor[b] ||
			    place[b] == "before" && L[i + t] !~ anchor[b])
				continue
			while (t--)
				ours[i + t] = 1
			break
		}
	for (i = 1; i <= n; i++)
		if (!(i in ours))
			R[++m] = L[i]
	return m + 0
}

function by_hand(b,    t) {
	complain((!exists ? "not in this tree" : failed[b] + 0 " lines match, one must") ": @" \
		 (within[b] == "" ? "" : "within " within[b] " @") place[b] " " anchor[b])
	for (t = 1; t <= len[b]; t++)
		print "    by hand:  " text[b, t] >> errors
}

BEGIN {
	file = ENVIRON["path"]
	target = ENVIRON["target"]
	out = ENVIRON["out"]
	errors = ENVIRON["errors"]
	exists = target != "/dev/null"
	another = ": choose another in arch/syscall.tbl.add, or NR=next"

	n = read(target, F)
	if (table)
		clone(F, n)
	else {
		parse(file ".add")
		if (compat)
			parse("compat/" file ".add")
	}
	if (bad)
		exit

	m = take(F, n, P)
	grafted = m < n && insert(P, m, R) == n && same(R, n, F, n)
	split("", failed)

	for (i = 1; i <= n && !bad; i++) {
		if (grafted && i in ours)
			continue
		split(F[i], f)
		if (index(tolower(F[i]), name))
			complain("line " i " has another " name ", or one that an older overlay grafted:" \
				 " take that out first")
		else if (unapply)
			continue
		else if (F[i] ~ /\r$/)
			complain("line " i " ends in CR LF: have the file with LF alone")
		else if (table && f[1] == nr)
			complain("line " i ": number " nr " is taken by " f[3] another)
		else if (!numbered || f[1] != "#define" || f[2] !~ /^__NR/)
			continue
		else if (f[2] !~ /^__NR_(compat_)?syscalls$/ && f[3] == nr)
			complain("line " i ": number " nr " is taken by " f[2] another)
		else if (f[2] ~ /^__NR_(compat_)?syscalls$/ && f[3] + 0 > nr + 1)
			complain("line " i ": its calls go up to " f[3] - 1 ", and " nr \
				 " would be the last" another)
	}
	if (bad)
		exit

	if (unapply || grafted) {
		if (unapply && grafted)
			write(P, m)
		print !grafted ? "none" : unapply ? "edit -" n - m : "same"
		exit
	}
	m = insert(F, n, R)
	for (b in failed)
		by_hand(b)
	if (m <= n) {
		print "none"
		exit
	}
	split("", ours)
	if (!same(P, take(R, m, P), F, n))
		complain("the text of the fragment cannot be told from the rest: it would not come out again")
	write(R, m)
	print "edit +" m - n
}
