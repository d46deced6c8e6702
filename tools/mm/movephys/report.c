// SPDX-License-Identifier: GPL-2.0-only
/* Output for the user: a row for a page, a line of progress, and a summary by result */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "move_phys_pages.h"
#include "report.h"
#include "targets.h"

struct tally tally;

static bool fails[NR_CAUSES];	/* by cause: does such an entry make the exit status 1? */
static double next_progress;
static struct tally *copy;	/* for the parent of this job */
static struct {
	__u64 from, to, total;
} position;		/* of this batch in the source */

/* Make causes with this status, such as "EBUSY", fail the run. False if it is unknown. */
static bool fail_on(const char *name)
{
	bool known = false;

	for (size_t i = 0; i < NR_CAUSES; i++) {
		if (!causes[i].status ||
		    strcasecmp(name, strerrorname_np(-causes[i].status)))
			continue;
		fails[i] = true;
		known = true;
	}
	return known;
}

bool report_open(void)
{
	char *list, *rest, *name;
	bool known = true;

	for (size_t i = 0; i < NR_CAUSES; i++)
		fails[i] = !causes[i].status ||
			   move_phys_pages_counted(causes[i].status);
	if (!command.fail_on)
		return true;
	list = strdup(command.fail_on);
	rest = list;
	while (known && (name = strsep(&rest, ","))) {
		known = fail_on(name);
		if (!known)
			complain("--fail-on takes names of statuses (%s), not '%s'",
				 "ENOENT, EFAULT, EACCES, EBUSY, ENOMEM, EIO, EINVAL",
				 name);
	}
	free(list);
	return known;
}

void report_round(void)
{
	unsigned long round = tally.round + 1;

	memset(&tally, 0, sizeof(tally));
	tally.round = round;
	cause_forget();
	report_look();
}

void report_look(void)
{
	tally.began = now();
	next_progress = tally.began + 1;
}

/*
 * A query of addresses prints rows. Other runs print them only with --verbose. After an
 * error of the output, do not format rows that cannot be written.
 */
static bool rows_wanted(void)
{
	if (ferror(stdout))
		return false;
	return command.verbose ||
	       (command.query && command.addresses && !command.quiet);
}

static void count(struct amount *amount, const struct folio *folio)
{
	amount->folios++;
	amount->pages += command.query ? folio->named : folio->pages;
}

static void print_row(__u64 address, int node, enum cause cause)
{
	progress_clear();
	if (command.json)
		json_page(address, node, cause);
	else if (node >= 0)
		printf("0x%012llx  %d\n", address, node);
	else
		printf("0x%012llx  -  %s\n", address, cause_words(cause));
}

/* Print a row for each page that a query asked for, or for the folio in a move. */
static void print_rows(const struct folio *folio, int node, enum cause cause)
{
	__u64 next = folio->address;

	if (!rows_wanted())
		return;
	for (__u64 i = 0; i < (command.query ? folio->named : 1) && !stopped; i++) {
		print_row(next, node, cause);
		next = (next / page_size + 1) * page_size;
	}
}

void report_found(const struct folio *folio, int node)
{
	count(&tally.found[node], folio);
	count(&tally.all_found, folio);
	if (targets_stays(node))
		count(&tally.there, folio);
	if (command.query)
		print_rows(folio, node, UNKNOWN_CAUSE);
}

void report_moved(const struct folio *folio, int node)
{
	count(&tally.moved[node], folio);
	count(&tally.all_moved, folio);
}

void report_refused(const struct folio *folio, int status, int node)
{
	enum cause cause = cause_of(status, folio, node);

	count(&tally.refused[cause], folio);
	print_rows(folio, -1, cause);
}

void report_called(double seconds)
{
	tally.calls++;
	if (tally.longest < seconds)
		tally.longest = seconds;
}

bool report_failures(void)
{
	for (size_t i = 0; i < NR_CAUSES; i++)
		if (fails[i] && tally.refused[i].folios)
			return true;
	return false;
}

/* Print 1234567 as 1,234,567. printf's %' would need a locale, which may be missing. */
static int put_count(char *text, size_t size, __u64 number)
{
	int len = 0;

	if (number < 1000)
		return snprintf(text, size, "%llu", number);
	len = put_count(text, size, number / 1000);
	return len + snprintf(text + len, size - len, ",%03llu", number % 1000);
}

/* Returns a text such as "12 folios (24 MiB)". */
static const char *amount_text(const struct amount *amount)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	__u64 number = command.query ? amount->pages : amount->folios;
	const char *what = command.query ? "page" : "folio";
	double size = (double)amount->pages * page_size / 1024;
	static char text[80];
	size_t unit = 0;
	int len;

	if (!command.query && !batch_sizes_known())
		what = "addresses (sizes unknown)";
	len = put_count(text, sizeof(text), number);
	len += snprintf(text + len, sizeof(text) - len, " %s", what);
	if (!command.query && !batch_sizes_known())
		return text;
	if (number != 1)
		len += snprintf(text + len, sizeof(text) - len, "s");
	for (; size >= 1024 && unit < ARRAY_SIZE(units) - 1; unit++)
		size /= 1024;
	snprintf(text + len, sizeof(text) - len,
		 unit && size < 100 && size != (int)size ? " (%.1f %s)" :
							   " (%.0f %s)",
		 size, units[unit]);
	return text;
}

static void print_part(__u64 number, const char *what)
{
	char text[32];

	if (!number)
		return;
	put_count(text, sizeof(text), number);
	printf("  %s %s\n", text, what);
}

static __u64 number_of(const struct amount *amount)
{
	return command.query ? amount->pages : amount->folios;
}

static void print_nodes(const struct amount *amounts, const char *preposition)
{
	char what[32];

	for (int node = 0; node < MAX_NODES; node++) {
		snprintf(what, sizeof(what), "%s node %d", preposition, node);
		print_part(number_of(&amounts[node]), what);
	}
}

/* Print, by node, how much is not on a target node yet. */
static void print_elsewhere(void)
{
	static struct amount elsewhere[MAX_NODES];

	for (int node = 0; node < MAX_NODES; node++)
		elsewhere[node] = targets_stays(node) ? (struct amount){ } :
						    tally.found[node];
	print_nodes(elsewhere, "on");
}

static void print_head(const char *what, const struct amount *amount)
{
	printf("%s %s", what, amount_text(amount));
	if (!command.query && targets_all()->nr)
		printf(" to node%s %s", targets_all()->nr > 1 ? "s" : "",
		       nodes_listed(targets_all()->nodes, targets_all()->nr));
	putchar('\n');
}

static struct amount difference(struct amount a, struct amount b)
{
	return (struct amount){ a.folios - b.folios, a.pages - b.pages };
}

static struct amount all_asked(void)
{
	struct amount all = tally.all_found;

	for (size_t i = 0; i < NR_CAUSES; i++) {
		all.folios += tally.refused[i].folios;
		all.pages += tally.refused[i].pages;
	}
	return all;
}

static double megabytes_per_second(double elapsed)
{
	double bytes = (double)tally.all_moved.pages * page_size;

	return elapsed > 0 ? bytes / 1e6 / elapsed : 0;
}

static void print_summary(void)
{
	struct amount amount;

	if (command.query) {
		amount = all_asked();
		print_head("found", &amount);
		print_elsewhere();
	} else if (command.dry_run) {
		amount = difference(tally.all_found, tally.there);
		print_head("would try to move", &amount);
		print_elsewhere();
	} else {
		print_head("moved", &tally.all_moved);
		if (targets_all()->nr > 1)
			print_nodes(tally.moved, "to");
	}
	print_part(number_of(&tally.there), "already there");
	for (size_t i = 0; i < NR_CAUSES; i++)
		print_part(number_of(&tally.refused[i]), cause_words(i));
	print_part(tally.without_address, "samples without a physical address");
	printf("  %.2f seconds", tally.elapsed);
	if (tally.all_moved.pages && batch_sizes_known() && tally.elapsed >= 0.005)
		printf(", %.1f MB/s", megabytes_per_second(tally.elapsed));
	putchar('\n');
}

void report_summary(enum ending ending)
{
	progress_clear();
	tally.ending = ending;
	tally.elapsed = now() - tally.began;
	if (command.quiet || ferror(stdout))
		return;
	if (command.json)
		json_round();
	else if (!(command.query && command.addresses) &&
		 /* A signal that came before the first result leaves nothing to sum up. */
		 !(ending == SIGNALLED && !all_asked().folios))
		print_summary();
	fflush(stdout);
}

void report_flush(void)
{
	fflush(stdout);
}

/* Print progress on the terminal. A run of less than a second does not get here. */
static void show_progress(void)
{
	__u64 done = tally.done, total = tally.total;
	double elapsed = now() - tally.began;
	const struct amount *amount = command.query || command.dry_run ?
				      &tally.all_found : &tally.all_moved;
	char line[160];
	int len = 0;

	if (total)
		len = snprintf(line, sizeof(line), "%3d%%  ",
			       (int)((double)done / total * 100));
	len += snprintf(line + len, sizeof(line) - len, "%s %s",
			moves() ? "moved" : "found", amount_text(amount));
	if (moves() && batch_sizes_known())
		len += snprintf(line + len, sizeof(line) - len, "  %.1f MB/s",
				megabytes_per_second(elapsed));
	if (total && done) {
		long left = elapsed * (total - done) / done + 0.5;

		snprintf(line + len, sizeof(line) - len, "  %ld:%02ld left",
			 left / 60, left % 60);
	}
	progress_show(line);
}

void report_batch(__u64 from, __u64 to, __u64 total)
{
	position.from = from;
	position.to = to;
	position.total = total;
}

static void tell_progress(void)
{
	if (command.quiet || now() < next_progress)
		return;
	next_progress = now() + 1;
	if (command.json && !ferror(stdout))
		json_progress();
	/* If the terminal shows rows or events, these show the progress. */
	if (progress_possible() && !(isatty(STDOUT_FILENO) &&
				     (command.json || rows_wanted())))
		show_progress();
}

void report_progress(double part)
{
	tally.total = position.total;
	tally.done = position.from + (position.to - position.from) * part;
	if (tally.total && tally.done > tally.total)
		tally.done = tally.total;
	if (copy)
		*copy = tally;
	else
		tell_progress();
}

void report_into(struct tally *to)
{
	copy = to;
}

static void add_amounts(struct amount *sum, const struct amount *amounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sum[i].folios += amounts[i].folios;
		sum[i].pages += amounts[i].pages;
	}
}

static void add_tally(const struct tally *part)
{
	add_amounts(tally.found, part->found, MAX_NODES);
	add_amounts(&tally.all_found, &part->all_found, 1);
	add_amounts(&tally.there, &part->there, 1);
	add_amounts(tally.moved, part->moved, MAX_NODES);
	add_amounts(&tally.all_moved, &part->all_moved, 1);
	add_amounts(tally.refused, part->refused, NR_CAUSES);
	tally.calls += part->calls;
	if (tally.longest < part->longest)
		tally.longest = part->longest;
	if (part->began && tally.began > part->began)
		tally.began = part->began;
	/* Each job goes through the whole source. */
	tally.done += part->done;
	if (tally.total < part->total)
		tally.total = part->total;
}

void report_gather(const struct tally *parts, unsigned int count)
{
	unsigned long round = tally.round;
	bool looking = false;

	memset(&tally, 0, sizeof(tally));
	tally.round = round;
	tally.began = now();
	for (unsigned int i = 0; i < count; i++) {
		looking |= parts[i].began > 0;
		add_tally(&parts[i]);
	}
	if (count)
		tally.done /= count;
	if (looking)
		tell_progress();
}
