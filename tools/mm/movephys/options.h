/* SPDX-License-Identifier: GPL-2.0-only */
/* Read the options of a program, which a table describes, from its arguments and a file. */
#ifndef MOVEPHYS_OPTIONS_H
#define MOVEPHYS_OPTIONS_H

#include "base.h"

#define WRONG_USAGE	2	/* the exit status */

/* The values of an option that may be given several times */
struct option_numbers {
	size_t nr;
	long *values;
};

/*
 * An option sets a flag, or takes a text, a number from @min to @max, several such
 * numbers, or seconds.
 */
struct option_row {
	char letter;
	const char *name;
	const char *arg;
	bool *flag;
	const char **text;
	bool file;		/* the text is the name of a file, which is not empty */
	long *number;
	struct option_numbers *numbers;
	long min, max;		/* a max of 0 means INT_MAX */
	double *seconds;	/* above 0, may have a fraction */
	bool optional;		/* sets the flag, and takes a number if one is given */
	bool only_here;		/* only on the command line, not in a file */
	bool ends;		/* options after it are ignored */
	const char *help;	/* further lines begin with HELP_LINE */
};

/* Begins a line of a help text in the column of the first one. */
#define HELP_LINE	"\n                           "

void options_print(const struct option_row *rows, size_t nr);

/*
 * These two exit with WRONG_USAGE after a message. options_parse() returns the index of
 * the first argument that is not an option.
 */
int options_parse(int argc, char **argv, const struct option_row *rows, size_t nr);

/*
 * Read lines such as "name = value"; # begins a comment. Ignore options that were given
 * on the command line. If @optional, the file need not exist.
 */
void options_read(const char *path, bool optional, const struct option_row *rows,
		  size_t nr);

/* The name of an option for a message: "--fast" or, if a file has it, that file and line */
const char *options_label(const struct option_row *rows, const char *name);

#endif
