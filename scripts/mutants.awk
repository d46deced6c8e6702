# SPDX-License-Identifier: GPL-2.0-only
#
# awk -v file=NAME -v first=NUMBER -v out=FILE -f mutants.awk
#
# Reads a source in which scripts/mutants.cocci has marked places, numbers these places from NUMBER on, and
# writes the source with the numbers to FILE. Prints a line for each number, with tabs between the fields:
# number, file, function, rule, the statement without the mutation, and with it. If two lines of a function
# would be the same but for the number, "(again)" is appended to the second one.

{ text = text $0 "\n" }

END {
	text = numbered(text)
	printf "%s", text >out
	list(without_comments(text))
}

# Changes each "MUTATE_RULE(" to "MUTATE_RULE(NUMBER, ". MUTATE_IF is two mutants, so it takes two numbers.
function numbered(rest,    done, rule)
{
	while (match(rest, /MUTATE_[A-Z]+\(/)) {
		rule = substr(rest, RSTART + 7, RLENGTH - 8)
		done = done substr(rest, 1, RSTART + RLENGTH - 1) first ", "
		rest = substr(rest, RSTART + RLENGTH)
		first += rule == "IF" ? 2 : 1
	}
	return done rest
}

# Also removes the lines of the preprocessor.
function without_comments(rest,    done, end)
{
	while (i = index(rest, "/*")) {
		done = done substr(rest, 1, i - 1)
		rest = substr(rest, i)
		end = index(rest, "*/")
		rest = substr(rest, end + 2)
	}
	rest = "\n" done rest
	gsub(/\n[ \t]*\/\/[^\n]*/, "", rest)
	gsub(/\\\n/, " ", rest)
	gsub(/\n[ \t]*#[^\n]*/, "", rest)
	gsub(/[ \t\n]+/, " ", rest)
	return rest
}

# Calls places() for each statement. A statement ends at a semicolon or a brace outside of parentheses.
function list(rest,    i, c, parentheses, braces, statement)
{
	while (i = match(rest, /[(){};]/)) {
		c = substr(rest, i, 1)
		statement = statement substr(rest, 1, i)
		rest = substr(rest, i + 1)
		if (c == "(")
			parentheses++
		else if (c == ")")
			parentheses--
		if (parentheses || c == "(" || c == ")")
			continue
		if (c == "{" && !braces++ && match(statement, /[a-zA-Z0-9_]+\(/))
			in_function = substr(statement, RSTART, RLENGTH - 1)
		if (c == "}")
			braces--
		places(statement)
		statement = ""
	}
}

function places(statement,    rest, rule, number)
{
	sub(/^[ {}]+/, "", statement)
	rest = statement
	while (match(rest, /MUTATE_[A-Z]+\([0-9]+/)) {
		rule = substr(rest, RSTART + 7)
		sub(/\(.*/, "", rule)
		number = substr(rest, RSTART, RLENGTH)
		sub(/.*\(/, "", number)
		rest = substr(rest, RSTART + RLENGTH)
		if (rule == "IF") {
			place(number, "never", statement)
			place(number + 1, "always", statement)
		} else {
			place(number, rules[rule], statement)
		}
	}
}

function place(number, rule, statement,    line)
{
	line = file "\t" in_function "\t" rule "\t" plain(statement, 0) "\t" plain(statement, number)
	while (line in seen)
		line = line " (again)"
	seen[line]
	print number "\t" line
}

# Returns the statement as C without the macros: with the place of this number mutated, or as it was if the
# number is 0
function plain(rest, number,    done, rule, argument, n, i, c, depth, mine)
{
	while (match(rest, /MUTATE_[A-Z]+\(/)) {
		rule = substr(rest, RSTART + 7, RLENGTH - 8)
		done = done substr(rest, 1, RSTART - 1)
		rest = substr(rest, RSTART + RLENGTH)
		n = depth = 0
		split("", argument)
		while (depth >= 0) {
			i = match(rest, /[(),]/)
			c = substr(rest, i, 1)
			argument[n] = argument[n] substr(rest, 1, i - 1)
			rest = substr(rest, i + 1)
			if (c == "(")
				depth++
			else if (c == ")")
				depth--
			if (c == "," && !depth)
				n++
			else if (depth >= 0)
				argument[n] = argument[n] c
		}
		# MUTATE_CALL has one argument, a call. The commas are those of the call, so join the parts.
		for (i = 2; rule == "CALL" && i <= n; i++)
			argument[1] = argument[1] "," argument[i]
		mine = argument[0] == number
		for (i = 1; i <= n; i++) {
			sub(/^ /, "", argument[i])
			argument[i] = plain(argument[i], number)
		}
		if (rule == "CALL")
			done = done (mine ? "" : argument[1])
		else if (rule == "IF")
			done = done (mine ? "false" : argument[0] + 1 == number ? "true" : argument[1])
		else if (rule == "TRUE" || rule == "FALSE")
			done = done (mine ? tolower(rule) : argument[1])
		else if (rule == "ERRNO")
			done = done argument[mine ? 2 : 1]
		else
			done = done argument[1] " " (mine ? turned[rule] : operator[rule]) " " argument[2]
	}
	return done rest
}

BEGIN {
	rules["CALL"] = "call"
	rules["TRUE"] = "and"
	rules["FALSE"] = "or"
	rules["ERRNO"] = "errno"
	split("EQ == != NE != == LT < <= LE <= < GT > >= GE >= >", word, " ")
	for (i = 1; i in word; i += 3) {
		rules[word[i]] = "compare"
		operator[word[i]] = word[i + 1]
		turned[word[i]] = word[i + 2]
	}
}
