// SPDX-License-Identifier: GPL-2.0-only
/* A source: addresses in arguments or on standard input, and samples of perf */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

#define MAX_COMPLAINTS	10
#define MAX_WORD	64

enum token {
	TOKEN_WORD,
	TOKEN_END,		/* the input has ended, or a signal came */
	TOKEN_LATER,		/* more input has not arrived yet */
};

/* next_char() returns one of these if there is no character. */
#define CHAR_END	(-1)
#define CHAR_LATER	(-2)

enum reading {
	IS_RANGE,
	IS_NOTHING,		/* a sample without an address */
	IS_JUNK,
	IS_BARE_HEX,		/* hexadecimal without 0x */
};

struct words {
	struct source src;
	enum words_syntax syntax;
	char **args;		/* all arguments, or NULL if @file is read */
	char **arg;		/* the next argument */
	int file;
	bool eof;
	bool unreadable;	/* reading @file has failed */
	char text[1 << 16];	/* a part of @file; from @at to @end, it was not used yet */
	size_t at, end;
	unsigned long line;	/* number of the line of the next character */

	char word[MAX_WORD];
	size_t len;
	unsigned long word_line;
	bool taken;		/* the word was returned: begin a new one */
	bool gap;		/* white space follows the word */
	bool comment;		/* the rest of the line is a comment */

	unsigned long junk;	/* number of words that are not addresses */
	bool reported;		/* an earlier pass has complained about these words */
};

/* Parse a number at the start, but not the sign and the space that strtoull() allows. */
static bool number(const char **text, __u64 *value, bool *hex)
{
	const char *digits = *text;
	char *end;

	*hex = digits[0] == '0' && tolower(digits[1]) == 'x';
	if (*hex)
		digits += 2;
	if (*hex ? !isxdigit(*digits) : !isdigit(*digits))
		return false;
	errno = 0;
	*value = strtoull(digits, &end, *hex ? 16 : 10);
	*text = end;
	return !errno;
}

static bool length(const char **text, __u64 *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	bool hex;
	int shift;

	if (!number(text, value, &hex))
		return false;
	suffix = **text ? strchr(suffixes, toupper(**text)) : NULL;
	if (!suffix)
		return true;
	++*text;
	shift = 10 * (suffix - suffixes + 1);
	if (*value > ~0ULL >> shift)
		return false;
	*value <<= shift;
	return true;
}

/* Is the word, or either end of a range, hexadecimal without 0x? */
static bool bare_hex(const char *word)
{
	size_t digits = strspn(word, "0123456789abcdefABCDEF");
	const char *end = strchr(word, '-');

	if (digits && strchr("-+", word[digits]) &&
	    strspn(word, "0123456789") < digits)
		return true;
	return end && end[1] && bare_hex(end + 1);
}

static enum reading parse_address(const char *word, struct range *range)
{
	const char *text = word;
	bool hex, end_hex;
	__u64 start, last;

	if (bare_hex(word))
		return IS_BARE_HEX;
	if (!number(&text, &start, &hex))
		return IS_JUNK;
	last = start;
	if (*text == '-') {
		text++;
		/* Refuse "0x1000-2000", in which 2000 is probably meant as hexadecimal. */
		if (!number(&text, &last, &end_hex) || end_hex != hex ||
		    last-- == 0)
			return IS_JUNK;
	} else if (*text == '+') {
		text++;
		if (!length(&text, &last) || last-- == 0)
			return IS_JUNK;
		last += start;
	}
	if (*text || start > last)
		return IS_JUNK;
	range->start = start;
	range->pages = last / page_size - start / page_size + 1;
	return IS_RANGE;
}

/* perf prints hexadecimal, and 0 for a sample without a physical address. */
static enum reading parse_sample(const char *word, struct range *range)
{
	size_t len;

	if (word[0] == '0' && tolower(word[1]) == 'x')
		word += 2;
	len = strlen(word);
	if (!len || len > 16 ||
	    strspn(word, "0123456789abcdefABCDEF") != len)
		return IS_JUNK;
	range->start = strtoull(word, NULL, 16);
	range->pages = !!range->start;
	return range->start ? IS_RANGE : IS_NOTHING;
}

static enum reading parse(const struct words *words, const char *word,
			  struct range *range)
{
	return words->syntax == WORDS_PERF ? parse_sample(word, range) :
					     parse_address(word, range);
}

static const char *expected(const struct words *words)
{
	return words->syntax == WORDS_PERF ?
	       "the physical address as the last field that perf script prints" :
	       "0xHEX or DECIMAL, START-END or START+LENGTH";
}

static int next_char(struct words *words, bool wait)
{
	ssize_t got;

	if (words->at < words->end)
		return (unsigned char)words->text[words->at++];
	if (words->eof || stopped)
		return CHAR_END;
	if (!wait_for_input(words->file, wait ? -1 : 0))
		return stopped ? CHAR_END : CHAR_LATER;
	got = read(words->file, words->text, sizeof(words->text));
	words->unreadable = got < 0;
	words->eof = got <= 0;
	words->at = 0;
	words->end = got > 0 ? got : 0;
	return words->eof ? CHAR_END : (unsigned char)words->text[words->at++];
}

static void append(struct words *words, int c)
{
	if (!words->len)
		words->word_line = words->line;
	/* If the word is too long, make sure that its first part is not taken for a number. */
	if (words->len == sizeof(words->word) - 1)
		words->word[words->len - 1] = '?';
	else
		words->word[words->len++] = c ? c : '?';
	words->word[words->len] = '\0';
}

/* Handle one character. Returns whether it ends a word. */
static bool take_address(struct words *words, int c)
{
	if (c == '\n')
		words->comment = false;
	else if (c == '#')
		words->comment = true;
	if (words->comment || isspace(c))
		return words->len;
	append(words, c);
	return false;
}

/* Like take_address(), but only the last word on a line counts, and it ends with the line. */
static bool take_sample(struct words *words, int c)
{
	if (c == '\n') {
		words->comment = false;
		return words->len;
	}
	if (c == '#' && !words->len)
		words->comment = true;
	if (words->comment)
		return false;
	if (isspace(c)) {
		words->gap = true;
		return false;
	}
	if (words->gap)
		words->len = 0;
	words->gap = false;
	append(words, c);
	return false;
}

/* Read a word into words->word. If only a part has arrived, the next call continues it. */
static enum token next_word(struct words *words, bool wait)
{
	bool complete = false;
	int c;

	if (words->taken)
		words->len = 0;
	words->taken = false;
	while (!complete && (c = next_char(words, wait)) >= 0) {
		complete = words->syntax == WORDS_PERF ?
			   take_sample(words, c) : take_address(words, c);
		words->line += c == '\n';
	}
	if (!complete && c == CHAR_LATER)
		return TOKEN_LATER;
	/* Drop a word that a signal or an error has cut off: it would name another page. */
	if (!complete && (!words->len || stopped || words->unreadable))
		return TOKEN_END;
	words->taken = true;
	return TOKEN_WORD;
}

/* A word in hexadecimal without 0x shows that earlier words may be hexadecimal, too. */
static void end_misread(struct words *words)
{
	static const char why[] =
		"earlier words may have been read as decimal, so reading stops here (did you mean --perf?)";

	words->src.junk = true;
	words->src.misread = true;
	if (!words->reported)
		complain("standard input, line %lu: '%s' is hexadecimal without 0x: %s",
			 words->word_line, printable(words->word), why);
}

static void note_junk(struct words *words)
{
	words->src.junk = true;
	if (!words->reported && ++words->junk <= MAX_COMPLAINTS)
		complain("standard input, line %lu: '%s' is not an address: expected %s",
			 words->word_line, printable(words->word), expected(words));
}

static void end_input(struct words *words)
{
	words->src.ended = true;
	if (words->unreadable && !stopped) {
		complain("cannot read standard input: %s", strerror(errno));
		words->src.failed = true;
	}
	if (!words->reported && words->junk > MAX_COMPLAINTS)
		complain("standard input: %lu more words are not addresses",
			 words->junk - MAX_COMPLAINTS);
	words->reported = true;
}

static bool next_in_input(struct source *src, struct range *range, bool wait)
{
	struct words *words = (struct words *)src;
	enum token token = TOKEN_END;

	while (!src->misread &&
	       (token = next_word(words, wait)) == TOKEN_WORD) {
		switch (parse(words, words->word, range)) {
		case IS_RANGE:
			src->done += range->pages;
			return true;
		case IS_NOTHING:
			src->without_address++;
			break;
		case IS_JUNK:
			note_junk(words);
			break;
		case IS_BARE_HEX:
			end_misread(words);
			break;
		}
	}
	if (token != TOKEN_LATER)
		end_input(words);
	return false;
}

static void restart(struct words *words)
{
	words->line = 1;
	words->at = 0;
	words->end = 0;
	words->len = 0;
	words->eof = false;
	words->gap = false;
	words->comment = false;
	words->src.ended = false;
	words->src.done = 0;
	words->src.without_address = 0;
}

static bool rewind_input(struct source *src)
{
	struct words *words = (struct words *)src;

	restart(words);
	if (!lseek(words->file, 0, SEEK_SET))
		return true;
	complain("standard input cannot be read twice: give a file, or --strict-input");
	return false;
}

/* Copy standard input to a file that can be read twice. */
static bool copy_input(struct words *words)
{
	FILE *copy = tmpfile();
	ssize_t n = 0;

	if (!copy) {
		complain("cannot make a temporary file: %s", strerror(errno));
		return false;
	}
	words->file = fileno(copy);
	while (wait_for_input(STDIN_FILENO, -1) &&
	       (n = read(STDIN_FILENO, words->text, sizeof(words->text))) > 0)
		if (fwrite(words->text, n, 1, copy) != 1)
			break;
	if (!n && fflush(copy))
		n = -1;
	if (n && !stopped)
		complain("cannot copy standard input: %s", strerror(errno));
	return !n && !stopped;
}

/* --strict-input: check all of the input before any address is used. */
static bool check_input(struct words *words)
{
	struct source *src = &words->src;
	struct range range;

	if (!copy_input(words) || !rewind_input(src))
		return false;
	while (next_in_input(src, &range, true))
		;
	return !src->junk && !src->failed && !stopped && rewind_input(src);
}

struct source *source_input(enum words_syntax syntax, bool strict)
{
	static struct words words;

	words.src.next = next_in_input;
	words.src.rewind = rewind_input;
	words.file = STDIN_FILENO;
	words.line = 1;
	words.syntax = syntax;
	return !strict || check_input(&words) ? &words.src : NULL;
}

static bool next_argument(struct source *src, struct range *range, bool wait)
{
	struct words *words = (struct words *)src;

	(void)wait;
	src->ended = stopped || !*words->arg;
	if (src->ended)
		return false;
	parse(words, *words->arg++, range);
	src->done += range->pages;
	return true;
}

static bool rewind_arguments(struct source *src)
{
	struct words *words = (struct words *)src;

	restart(words);
	words->arg = words->args;
	return true;
}

struct source *source_arguments(char **args)
{
	static struct words words;
	struct range range;

	words.src.next = next_argument;
	words.src.rewind = rewind_arguments;
	/* Check all arguments before any page moves. */
	for (words.arg = words.args = args; *args; args++) {
		enum reading reading = parse(&words, *args, &range);

		if (reading != IS_RANGE) {
			complain("'%s' is not an address: expected %s%s",
				 printable(*args), expected(&words),
				 reading == IS_BARE_HEX ? " (write 0x before it)" : "");
			return NULL;
		}
		words.src.total += range.pages;
	}
	return &words.src;
}
