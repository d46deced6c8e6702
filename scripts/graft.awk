# SPDX-License-Identifier: GPL-2.0-only
#
# Edits one file for scripts/graft, scripts/libnuma and scripts/ltp: inserts the text of its fragment
# or, if "unapply" is set, removes it. If "table" is set, the file is a syscall table, and the text is
# a copy of the row of the system call whose name is in "like", with our name and number.
#
# From the environment: path, target, out, errors. From -v: table, unapply, name, number, like,
# like_number, "compat", which is set if the fragment in compat/ is to be used, too, and
# ends_in_newline, which is 0 if the last line of the file has no newline.
#
# Writes the new file to "out", error messages to "errors", and to stdout what is to be done: "edit
# +LINES", "edit -LINES", "same" (the text is there already) or "none". After some errors, it writes
# nothing to stdout.

function complain(message) {
	print file ": " message >> errors
	had_errors = 1
}

function read(path, lines,    nlines, line) {
	while ((getline line < path) > 0)
		lines[++nlines] = line
	return nlines + 0
}

function write(lines, nlines,    i) {
	for (i = 1; i <= nlines; i++) {
		ORS = i < nlines || ends_in_newline ? "\n" : ""
		print lines[i] > out
	}
	ORS = "\n"
}

function equal(left, nleft, right, nright,    i) {
	for (i = 1; i <= nleft && nleft == nright; i++)
		if (left[i] != right[i])
			return 0
	return nleft == nright
}

# Reads the blocks of a fragment: each is an anchor and the text to insert there.
function parse(fragment,    lines, nlines, i, word, range, nblocks_before) {
	nblocks_before = nblocks
	nlines = read(fragment, lines)
	for (i = 1; i <= nlines; i++) {
		if (lines[i] ~ /^@within ./) {
			range = substr(lines[i], 9)
		} else if (lines[i] ~ /^@(after|before)[?]? ./) {
			word = substr(lines[i], 2, index(lines[i], " ") - 2)
			optional[++nblocks] = sub(/[?]$/, "", word)
			direction[nblocks] = word
			anchor[nblocks] = substr(lines[i], index(lines[i], " ") + 1)
			within[nblocks] = range
			range = ""
		} else if (lines[i] ~ /^@/ || (nblocks == nblocks_before && lines[i] !~ /^(#.*)?$/)) {
			complain("line " i " of the fragment is not an anchor, or is text before" \
				 " the first anchor: " lines[i])
		} else if (nblocks > nblocks_before) {
			uses_number += gsub(/@NR@/, number, lines[i])
			uses_number += gsub(/@NR[+]1@/, number + 1, lines[i])
			text[nblocks, ++block_length[nblocks]] = lines[i]
		}
	}
}

# Makes our row from the row of the system call whose name is in "like": replaces name and number. Some
# architectures add an offset to every number, which our row gets, too. Two slips in the kernel's rows
# are not copied: in mips, the ABI of this row is in no other row of the table, so take that of the row
# above; and in powerpc, there is a blank before the first tab.
function make_row(lines, nlines,    i, field, row, nrows, offset, abi, rows_of_abi, last_abi, abi_above) {
	for (i = 1; i <= nlines; i++) {
		if (split(lines[i], field) < 3 || field[1] !~ /^[0-9]+$/)
			continue
		if (field[3] == like) {
			row = lines[i]
			nrows++
			offset = field[1] - like_number
			abi = field[2]
			abi_above = last_abi
		}
		last_abi = field[2]
		rows_of_abi[last_abi]++
	}
	if (nrows != 1) {
		complain(nrows + 0 " rows of " like ", but exactly one is needed, to make our row from it")
		return
	}
	number += offset
	gsub(like "\t", name substr("\t\t\t\t", 1, (length(like) - length(name)) / 8) "\t", row)
	gsub(like, name, row)
	sub(/^[0-9]+/, number, row)
	sub(/^[0-9]+ +\t/, number "\t", row)
	if (rows_of_abi[abi] == 1 && abi_above != "")
		sub("\t" abi "\t", "\t" abi_above "\t", row)
	direction[++nblocks] = "row"
	text[nblocks, ++block_length[nblocks]] = row
}

# Returns the number of the line below which the text of the block is to be inserted, or -1 if it has no
# place. Sets the global "nmatches" to the number of lines that match the anchor. With @within, sets it to
# the number of lines that match @within, or to 0 if exactly one line does and no line below that matches
# the anchor.
#
# Our row of a syscall table goes below the last row with a lower number, and above a comment that is
# about the rows after it: x86 has such a comment above the numbers of x32. If no row has a higher number,
# our row goes to the end of the table, because x86 has a comment below the last number of x32.
function find_place(block, lines, nlines,    i, line, regex) {
	nmatches = 0
	if (direction[block] == "row") {
		for (i = 1; i <= nlines && !(lines[i] ~ /^[0-9]/ && lines[i] + 0 > number); i++)
			if (lines[i] ~ /^[0-9]/)
				line = i
		return i <= nlines && line ? line : i - 1
	}
	regex = within[block] == "" ? anchor[block] : within[block]
	for (i = 1; i <= nlines; i++)
		if (lines[i] ~ regex) {
			line = i
			nmatches++
		}
	if (nmatches == 1 && within[block] != "") {
		while (++line <= nlines && lines[line] !~ anchor[block])
			;
		nmatches = line <= nlines
	}
	if (nmatches != 1)
		return -1
	return direction[block] == "after" ? line : line - 1
}

# Copies lines to result and inserts the text of every block. Returns the length of result, or -1 if
# a block has no place: failed[block] is then its "nmatches" from find_place().
function insert_text(lines, nlines, result,    block, i, j, k, line, blocks_below, blocks_here, nresult) {
	split("", failed)
	for (block = 1; block <= nblocks; block++) {
		line = find_place(block, lines, nlines)
		if (line >= 0)
			blocks_below[line] = blocks_below[line] " " block
		else if (!optional[block] || nmatches)
			failed[block] = nmatches
	}
	for (block in failed)
		return -1
	for (i = 0; i <= nlines; i++) {
		if (i)
			result[++nresult] = lines[i]
		split(blocks_below[i], blocks_here)
		for (k = 1; k in blocks_here; k++)
			for (j = 1; j <= block_length[blocks_here[k]]; j++)
				result[++nresult] = text[blocks_here[k], j]
	}
	return nresult + 0
}

# Copies lines to result without our text, and marks the lines of our text in "our_line". A text is
# only left out if it is complete and next to its anchor. Returns the length of result.
function remove_text(lines, nlines, result,    block, i, j, nresult) {
	split("", our_line)
	for (block = 1; block <= nblocks; block++)
		for (i = 1; i + block_length[block] - 1 <= nlines; i++) {
			for (j = 0; j < block_length[block] && lines[i + j] == text[block, j + 1]; j++)
				;
			if (j < block_length[block] ||
			    (direction[block] == "after" && lines[i - 1] !~ anchor[block]) ||
			    (direction[block] == "before" && lines[i + j] !~ anchor[block]))
				continue
			while (j--)
				our_line[i + j] = 1
			break
		}
	for (i = 1; i <= nlines; i++)
		if (!(i in our_line))
			result[++nresult] = lines[i]
	return nresult + 0
}

function report_failed_block(block,    i) {
	complain((!exists ? "this file is not in the tree" : \
		  failed[block] + 0 " lines match, but exactly one must") ": @" \
		 (within[block] == "" ? "" : "within " within[block] " @") direction[block] " " anchor[block])
	for (i = 1; i <= block_length[block]; i++)
		print "    insert by hand:  " text[block, i] >> errors
}

function read_input() {
	file = ENVIRON["path"]
	target = ENVIRON["target"]
	out = ENVIRON["out"]
	errors = ENVIRON["errors"]
	exists = target != "/dev/null"

	noriginal = read(target, original)
	if (table)
		make_row(original, noriginal)
	else {
		parse(file ".add")
		if (compat)
			parse("compat/" file ".add")
	}
}

# The file is grafted if removing our text and inserting it again gives the same file.
function find_grafted() {
	nungrafted = remove_text(original, noriginal, ungrafted)
	grafted = nungrafted < noriginal &&
		  insert_text(ungrafted, nungrafted, result) == noriginal &&
		  equal(result, noriginal, original, noriginal)
}

# Complains if a header defines another system call with our number, or counts more system calls
# than the fragment would: its count is our number plus one.
function check_define(i, field) {
	if (field[2] !~ /^__NR_(compat_)?syscalls$/) {
		if (field[3] == number)
			complain("line " i ": number " number " is taken by " field[2] number_hint)
	} else if (field[3] + 0 > number + 1) {
		complain("line " i ": the highest system call is " field[3] - 1 \
			 ", but the fragment would make it " number number_hint)
	}
}

# Complains about the first line that prevents the edit. Our own text does not.
function check_conflicts(    i, field) {
	number_hint = ": choose another number in arch/syscall.tbl.add, or use NR=next"
	for (i = 1; i <= noriginal && !had_errors; i++) {
		if (grafted && i in our_line)
			continue
		split(original[i], field)
		if (index(tolower(original[i]), name))
			complain("line " i " mentions " name ", but is foreign, changed, or from another" \
				 " version of the overlay: remove it first")
		else if (unapply)
			continue
		else if (original[i] ~ /\r$/)
			complain("line " i " ends in CR LF: convert the file to LF line endings")
		else if (table && field[1] == number)
			complain("line " i ": number " number " is taken by " field[3] number_hint)
		else if (uses_number && field[1] == "#define" && field[2] ~ /^__NR/)
			check_define(i, field)
	}
}

function apply(    block, nresult) {
	nresult = insert_text(original, noriginal, result)
	for (block in failed)
		report_failed_block(block)
	if (nresult <= noriginal) {
		print "none"
		return
	}
	# Unapply must find the text again.
	nungrafted = remove_text(result, nresult, ungrafted)
	if (!equal(ungrafted, nungrafted, original, noriginal))
		complain("the text of the fragment cannot be distinguished from the rest of the file:" \
			 " unapply could not remove it")
	write(result, nresult)
	print "edit +" nresult - noriginal
}

BEGIN {
	read_input()
	if (had_errors)
		exit
	find_grafted()
	check_conflicts()
	if (had_errors)
		exit
	if (!unapply && !grafted) {
		apply()
	} else if (!grafted) {
		print "none"
	} else if (!unapply) {
		print "same"
	} else {
		write(ungrafted, nungrafted)
		print "edit -" noriginal - nungrafted
	}
}
