/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a program as a table, from the command line and from a file */
#ifndef MOVEPHYS_OPTIONS_H
#define MOVEPHYS_OPTIONS_H

#include "base.h"

#define WRONG_USAGE	2	/* the exit status */

/* Of an option that may be given several times */
struct option_numbers {
	size_t nr;
	long *values;
};

/*
 * An option sets a flag, or has a text, a number from @min to @max, several of these, or
 * seconds.
 */
struct option_row {
	char letter;
	const char *name;
	const char *arg;
	bool *flag;
	const char **text;
	long *number;
	struct option_numbers *numbers;
	long min, max;		/* a max of 0: INT_MAX */
	double *seconds;	/* above 0, with a fraction */
	bool optional;		/* the flag alone, or with the number */
	bool only_here;		/* not in a file */
	bool ends;		/* those after it do not matter */
	const char *help;	/* further lines begin with HELP_LINE */
};

/* Begins a line of a help text in the column of the first one. */
#define HELP_LINE	"\n                           "

void options_print(const struct option_row *rows, size_t nr);

/*
 * These exit with WRONG_USAGE after a message. options_parse() returns the index of the
 * first argument that is no option.
 */
int options_parse(int argc, char **argv, const struct option_row *rows, size_t nr);

/*
 * Lines as in "name = value"; # begins a comment. The command line has precedence. The
 * file need not exist if it is @optional.
 */
void options_read(const char *path, bool optional, const struct option_row *rows,
		  size_t nr);

#endif
