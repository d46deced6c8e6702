// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define MAX_ROWS	64
#define MAX_SECONDS	1000000

static bool given[MAX_ROWS];	/* on the command line */
static char *labels[MAX_ROWS];	/* for messages: where a file has the option, or NULL */

void options_print(const struct option_row *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct option_row *row = &rows[i];

		char text[64];

		snprintf(text, sizeof(text), row->optional ? "%s[=%s]" : "%s %s",
			 row->name, row->arg ?: "");
		printf("  %c%c%c --%-19s%s\n", row->letter ? '-' : ' ',
		       row->letter ?: ' ', row->letter ? ',' : ' ', text, row->help);
	}
}

static long number_of(const struct option_row *row, const char *option, const char *text)
{
	const long max = row->max ?: INT_MAX;
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < row->min ||
	    value > max) {
		complain("%s takes a number from %ld to %ld, not '%s'",
			 option, row->min, max, text);
		exit(WRONG_USAGE);
	}
	return value;
}

/* Check the characters, since strtod() also takes nan, inf, 0x10 and a sign. */
static double seconds_of(const char *option, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || text[strspn(text, "0123456789.")] || *end || value <= 0 ||
	    value > MAX_SECONDS) {
		complain("%s takes seconds above 0 and up to %d, not '%s'",
			 option, MAX_SECONDS, text);
		exit(WRONG_USAGE);
	}
	return value;
}

static void add_number(struct option_numbers *numbers, long value)
{
	long *more = reallocarray(numbers->values, numbers->nr + 1, sizeof(value));

	if (!more)
		err(WRONG_USAGE, NULL);
	numbers->values = more;
	more[numbers->nr++] = value;
}

static void set(const struct option_row *row, const char *option, const char *text)
{
	if (row->file && !*text) {
		complain("%s takes the name of a file", option);
		exit(WRONG_USAGE);
	} else if (row->text) {
		*row->text = text;
	} else if (row->number) {
		*row->number = number_of(row, option, text);
	} else if (row->numbers) {
		add_number(row->numbers, number_of(row, option, text));
	} else if (row->seconds) {
		*row->seconds = seconds_of(option, text);
	} else if (!strcmp(text, "yes") || !strcmp(text, "no")) {
		*row->flag = *text == 'y';
	} else {
		complain("%s takes yes or no, not '%s'", option, text);
		exit(WRONG_USAGE);
	}
}

int options_parse(int argc, char **argv, const struct option_row *rows, size_t nr)
{
	struct option options[MAX_ROWS + 1] = { };
	char letters[2 * MAX_ROWS + 1], *letter = letters, name[64];
	int c;

	for (size_t i = 0; i < nr; i++) {
		options[i] = (struct option){
			rows[i].name,
			rows[i].optional ? optional_argument :
			rows[i].arg ? required_argument : no_argument,
			NULL, UCHAR_MAX + 1 + (int)i
		};
		if (!rows[i].letter)
			continue;
		*letter++ = rows[i].letter;
		if (rows[i].arg)
			*letter++ = ':';
	}
	*letter = '\0';
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		size_t i = c > UCHAR_MAX ? c - UCHAR_MAX - 1 : 0;

		if (c == '?')
			exit(WRONG_USAGE);
		while (c <= UCHAR_MAX && rows[i].letter != c)
			i++;
		snprintf(name, sizeof(name), "--%s", rows[i].name);
		if (rows[i].optional)
			*rows[i].flag = true;
		if (!rows[i].optional || optarg)
			set(&rows[i], name, rows[i].arg ? optarg : "yes");
		given[i] = true;
		if (rows[i].ends)
			break;
	}
	return optind;
}

static void read_line(const char *path, int number, char *line,
		      const struct option_row *rows, size_t nr)
{
	const char *name, *value = NULL;
	char option[256], *rest;
	size_t i = 0;

	line[strcspn(line, "#\n")] = '\0';
	name = strtok(line, " \t=");
	if (!name)
		return;
	rest = strtok(NULL, "");
	if (rest)
		value = strtok(rest + strspn(rest, " \t="), " \t");
	snprintf(option, sizeof(option), "%s, line %d: %s", path, number, name);
	while (i < nr && (rows[i].only_here || strcmp(rows[i].name, name)))
		i++;
	if (i == nr || strtok(NULL, " \t")) {
		complain("%s %s", option, i == nr ? "is not an option of the config file" :
						    "takes one value");
		exit(WRONG_USAGE);
	}
	if (given[i])
		return;
	free(labels[i]);
	labels[i] = strdup(option);
	set(&rows[i], option, strdup(value ?: "") ?: "");
}

void options_read(const char *path, bool optional, const struct option_row *rows,
		  size_t nr)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file && optional && errno == ENOENT)
		return;
	for (int number = 1; file && getline(&line, &size, file) >= 0; number++)
		read_line(path, number, line, rows, nr);
	if (!file || ferror(file)) {
		complain("cannot read %s: %s", path, strerror(errno));
		exit(WRONG_USAGE);
	}
	fclose(file);
	free(line);
}

const char *options_label(const struct option_row *rows, const char *name)
{
	static char label[64];
	size_t i = 0;

	while (strcmp(rows[i].name, name))
		i++;
	snprintf(label, sizeof(label), "--%s", name);
	return labels[i] ?: label;
}
