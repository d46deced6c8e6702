// SPDX-License-Identifier: GPL-2.0-only
/* Addresses that are given: arguments, standard input, samples of perf */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

#define MAX_COMPLAINTS 10

struct range {
	__u64 next;		/* any byte of a page */
	__u64 pages;
};

struct words {
	struct source src;
	char **args;		/* NULL: read the file */
	char **arg;
	int file;
	bool unreadable;	/* from here on */
	char text[1 << 16];	/* of the file, from @at to @end still to be read */
	size_t at, end;
	unsigned long line;
	unsigned long junk;	/* how many words are */
	bool told;		/* of them */
	struct range range;	/* what is left of the last word */
};

/* A number in front, without the sign and the space that strtoull() allows. */
static bool number(const char **text, __u64 *value)
{
	bool hex = (*text)[0] == '0' && tolower((*text)[1]) == 'x';
	const char *digits = *text + 2 * hex;
	char *end;

	if (hex ? !isxdigit(*digits) : !isdigit(*digits))
		return false;
	errno = 0;
	*value = strtoull(digits, &end, hex ? 16 : 10);
	*text = end;
	return !errno;
}

static bool length(const char **text, __u64 *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	int shift;

	if (!number(text, value))
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

/* ADDRESS, START-END or START+LENGTH */
static bool parse(const char *word, struct range *range)
{
	__u64 start, last;

	if (!number(&word, &start))
		return false;
	last = start;
	if (*word == '-') {
		word++;
		if (!number(&word, &last) || last-- == 0)
			return false;
	} else if (*word == '+') {
		word++;
		if (!length(&word, &last) || last-- == 0)
			return false;
		last += start;
	}
	if (*word || start > last)
		return false;
	range->next = start;
	range->pages = last / page_size - start / page_size + 1;
	return true;
}

/* As perf prints it: hexadecimal, and 0 for what has no physical address */
static bool parse_sample(const char *word, struct range *range)
{
	if (strspn(word, "0123456789abcdef") != strlen(word) ||
	    strlen(word) > 16)
		return false;
	range->next = strtoull(word, NULL, 16);
	range->pages = range->next != 0;
	tally.nowhere += !range->next;
	return true;
}

static void say_junk(char *word, unsigned long line)
{
	char where[64] = "";

	if (line)
		snprintf(where, sizeof(where), "standard input, line %lu: ", line);
	for (char *c = word; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	complain("%s'%s' is no address: expected %s", where, word, opt.perf ?
		 "the physical address as the last field that perf script prints" :
		 "0xHEX or DECIMAL, START-END or START+LENGTH");
}

static int next_char(struct words *words)
{
	ssize_t got;

	if (words->at == words->end) {
		got = read(words->file, words->text, sizeof(words->text));
		words->unreadable = got < 0;
		if (got <= 0)
			return EOF;
		words->at = 0;
		words->end = got;
	}
	return (unsigned char)words->text[words->at++];
}

/* Only after next_char(), and not after the end */
static void back(struct words *words)
{
	words->at--;
}

/* Who samples memory says more later: what is known should be worked off now. */
static bool would_wait(struct words *words)
{
	struct pollfd poll_file = { .fd = words->file, .events = POLLIN };

	while (words->at < words->end && isspace(words->text[words->at]))
		words->line += words->text[words->at++] == '\n';
	return !words->args && words->at == words->end &&
	       !poll(&poll_file, 1, 0);
}

/* The next word; a longer one than fits is junk anyhow. */
static bool read_word(struct words *words, char *word, size_t size)
{
	size_t len = 0;
	int c;

	while ((c = next_char(words)) != EOF) {
		if (isspace(c)) {
			if (len) {
				/* Still this word's line, so not counted yet. */
				back(words);
				break;
			}
			words->line += c == '\n';
		} else if (len < size - 1) {
			word[len++] = c ? c : '?';
		}
	}
	word[len] = '\0';
	/* Half a word, cut off by a signal or an error, must not name a page. */
	return len && !words->unreadable;
}

/* The last word of the next line that has any */
static bool read_last_word(struct words *words, char *word, size_t size)
{
	int c;

	do {
		if (!read_word(words, word, size))
			return false;
		do {
			c = next_char(words);
		} while (c != '\n' && isspace(c));
		if (c != EOF)
			back(words);
	} while (c != '\n' && c != EOF);
	return !words->unreadable;
}

static bool next_in_file(struct words *words)
{
	char word[64];

	while (opt.perf ? read_last_word(words, word, sizeof(word)) :
			  read_word(words, word, sizeof(word))) {
		if (opt.perf ? parse_sample(word, &words->range) :
			       parse(word, &words->range))
			return true;
		words->src.junk = true;
		if (!words->told && ++words->junk <= MAX_COMPLAINTS)
			say_junk(word, words->line);
	}
	if (words->unreadable && !stopped) {
		complain("cannot read standard input: %s", strerror(errno));
		words->src.failed = true;
	}
	if (!words->told && words->junk > MAX_COMPLAINTS)
		complain("standard input: %lu more words are no address",
			 words->junk - MAX_COMPLAINTS);
	words->told = true;
	return false;
}

static bool next_range(struct words *words)
{
	if (!words->args)
		return next_in_file(words);
	return *words->arg && parse(*words->arg++, &words->range);
}

static size_t fill_from_words(struct source *src, __u64 *pages, size_t max)
{
	struct words *words = (struct words *)src;
	struct range *range = &words->range;
	size_t n = 0;

	while (n < max && !src->ended) {
		if (!range->pages) {
			if (n && would_wait(words))
				break;
			src->ended = !next_range(words);
			continue;
		}
		pages[n++] = range->next;
		range->next = (range->next / page_size + 1) * page_size;
		range->pages--;
	}
	return n;
}

static bool rewind_words(struct source *src)
{
	struct words *words = (struct words *)src;

	words->arg = words->args;
	words->line = 1;
	words->range.pages = 0;
	words->at = 0;
	words->end = 0;
	src->ended = false;
	if (words->args || !lseek(words->file, 0, SEEK_SET))
		return true;
	complain("standard input cannot be read twice: give a file, or --strict-input");
	return false;
}

/* Nothing is done before all of it is read, and copied to be read again. */
static bool check_input(struct words *words)
{
	FILE *copy = tmpfile();
	ssize_t n;

	if (!copy) {
		complain("cannot make a temporary file: %s", strerror(errno));
		return false;
	}
	words->file = fileno(copy);
	while ((n = read(STDIN_FILENO, words->text, sizeof(words->text))) > 0)
		if (write(words->file, words->text, n) != n)
			break;
	if (n) {
		if (!stopped)
			complain("cannot copy standard input: %s",
				 strerror(errno));
		return false;
	}
	rewind_words(&words->src);
	while (next_range(words))
		;
	tally.nowhere = 0;
	return !words->src.junk && !words->src.failed && rewind_words(&words->src);
}

struct source *source_words(char **args)
{
	static struct words words = {
		.src.fill = fill_from_words,
		.src.rewind = rewind_words,
		.line = 1,
	};
	struct range range;

	if (!strcmp(args[0], "-") && !args[1]) {
		words.file = STDIN_FILENO;
		return !opt.strict_input || check_input(&words) ?
		       &words.src : NULL;
	}
	/* All of them are read before the first page is touched. */
	for (words.arg = words.args = args; *args; args++) {
		if (!parse(*args, &range)) {
			say_junk(*args, 0);
			return NULL;
		}
		words.src.total += range.pages;
	}
	return &words.src;
}
