// SPDX-License-Identifier: GPL-2.0-only
/*
 * tierd: keep accessed pages on fast nodes. It uses only physical addresses, and never
 * looks at a process.
 *
 * Each round finds out which folios were accessed (ages.h). Then it moves hot folios to
 * fast nodes. If a fast node has no room, it moves the coldest folios to slow nodes first.
 * Between rounds, probes find out whether the next round should begin at once.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ages.h"
#include "cause.h"
#include "command.h"
#include "frames.h"
#include "metrics.h"
#include "move_phys_pages.h"
#include "options.h"
#include "schedule.h"
#include "tlb.h"

#define CONFIG		"/etc/tierd.conf"
#define SEE		" (see tierd --help)"
#define TRY_AGAIN	1		/* exit status: systemd should start tierd again later */
#define CALL_FOLIOS	512		/* folios in a call */
#define CALL_PAGES	4096		/* base pages in a call, exceeded only by its last folio */
#define ORDERS		32
#define MOST_ROUNDS	6		/* do not try a full node for up to 2^6 rounds */
#define LONGEST		60		/* seconds between two series, unless --longest is given */

/* cause.c reads this. */
struct command command = { .pid = NOT_GIVEN };

static struct {
	const char *config, *fast, *slow, *metrics, *keep_free;
	double interval, longest;
	long rate;
	bool once, verbose, help, version;
} settings = {
	.metrics = METRICS, .keep_free = "2%",
	.interval = 0.5, .rate = 200,
};

static const struct option_row rows[] = {
	{ 0, "config", "FILE", .text = &settings.config, .file = true, .only_here = true,
	  .help = "read options from this file"
		  HELP_LINE "(default: " CONFIG ", if it exists)" },
	{ 0, "fast", "NODES", .text = &settings.fast,
	  .help = "the nodes for pages that are accessed" },
	{ 0, "slow", "NODES", .text = &settings.slow,
	  .help = "the nodes for pages that are not accessed" },
	{ 0, "interval", "SECONDS", .seconds = &settings.interval,
	  .help = "the time between two probes, and between two looks"
		  HELP_LINE "that find hot pages (default: 0.5)" },
	{ 0, "longest", "SECONDS", .seconds = &settings.longest,
	  .help = "look at all pages at least this often (default: 60)" },
	{ 0, "rate", "MB/S", .number = &settings.rate, .min = 1,
	  .help = "move at most this many megabytes per second"
		  HELP_LINE "(default: 200)" },
	{ 0, "keep-free", "SIZE", .text = &settings.keep_free,
	  .help = "leave this much of each fast node free (default: 2%)" },
	{ 0, "all", .flag = &command.all,
	  .help = "also move pages that several processes map"
		  HELP_LINE "(MPOL_MF_MOVE_ALL)" },
	{ 0, "metrics", "FILE", .text = &settings.metrics, .file = true,
	  .help = "write metrics to this file after each round"
		  HELP_LINE "(default: " METRICS ")" },
	{ 0, "once", .flag = &settings.once, .only_here = true,
	  .help = "end after the first round that can tell cold pages"
		  HELP_LINE "from others" },
	{ 'v', "verbose", .flag = &settings.verbose,
	  .help = "print a line for each round, not only for those in"
		  HELP_LINE "which something moved or was refused" },
	{ 'h', "help", .flag = &settings.help, .only_here = true, .ends = true,
	  .help = "print this help and exit" },
	{ 'V', "version", .flag = &settings.version, .only_here = true, .ends = true,
	  .help = "print the version and exit" },
};

static struct nodes fast_named, slow_named;	/* the nodes of --fast and --slow */
static struct nodes fast, slow;			/* those of them that have memory now */
static struct nodes watched;			/* fast and slow */
static struct reserve keep_free;

/* A search for folios that should move */
struct search {
	int min, max;		/* their ages */
	struct place place;	/* those before this one were tried */
};

static struct search cold[MAX_NODES];		/* on fast nodes, in this round */
static bool call_failed;			/* in this round */

static struct totals total;

static atomic_bool look_now;		/* SIGUSR1 has come */

/* By node and order: has a folio of that order found no room there? */
static struct {
	unsigned char times;	/* how often in a row, at most MOST_ROUNDS */
	unsigned long until;	/* try again in this round */
} full[MAX_NODES][ORDERS];

static void wake(int signal)
{
	(void)signal;
	look_now = true;
	woken = true;
}

static const struct folio base_page = { .pages = 1 };

static unsigned int order_of(const struct folio *folio)
{
	return folio->pages > 1 ? 63 - __builtin_clzll(folio->pages) : 0;
}

static bool has_room(int node, const struct folio *folio)
{
	return total.rounds >= full[node][order_of(folio)].until;
}

static void note_full(int node, const struct folio *folio)
{
	unsigned int order = order_of(folio);

	if (!has_room(node, folio))
		return;
	if (order && full[node][order].times < MOST_ROUNDS)
		full[node][order].times++;
	full[node][order].until = total.rounds + (1UL << full[node][order].times);
}

static void note_refused(const struct folio *folio, int status, int node)
{
	total.refused[cause_of(status, folio, node)] += folio->pages;
	/*
	 * The folio may be shared or pinned for long. Forget its age, so that it is not tried
	 * again until three more looks have passed. After -ENOMEM, note_full() decides that.
	 */
	if (status != -ENOMEM)
		ages_forget(folio->head);
}

static bool call(size_t count, const uint64_t *pages, const int *nodes, int *status)
{
	if (move_phys_pages(count, pages, nodes, status,
			    command.all ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE) >= 0)
		return true;
	total.failed_calls++;
	call_failed = true;
	complain("move_phys_pages: %s%s", strerror(errno), nodes && errno == ENODEV ?
		 ": the node has lost its memory" : "");
	return false;
}

/*
 * Keep only the folios that are on this node now. Folios may have moved or been freed
 * since the look. And if the zones of two nodes overlap, a folio may be on the other one.
 */
static size_t query(int node, struct folio *folios, size_t count)
{
	uint64_t pages[CALL_FOLIOS];
	int status[CALL_FOLIOS];
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		pages[i] = folios[i].address;
	if (!call(count, pages, NULL, status))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (status[i] == node)
			folios[left++] = folios[i];
		else if (status[i] < 0)
			ages_forget(folios[i].head);
	}
	return left;
}

/*
 * Move folios to a node. Keep those that found no room, unless this is the last target.
 * Returns how many base pages moved.
 */
static __u64 move_to(int node, struct folio *folios, size_t *count, bool last)
{
	int nodes[CALL_FOLIOS], status[CALL_FOLIOS];
	struct folio tried[CALL_FOLIOS];
	uint64_t pages[CALL_FOLIOS];
	size_t nr = 0, left = 0;
	double began = now();
	__u64 moved = 0;

	for (size_t i = 0; i < *count; i++) {
		if (!has_room(node, &folios[i])) {
			folios[left++] = folios[i];
			continue;
		}
		tried[nr] = folios[i];
		nodes[nr] = node;
		pages[nr++] = folios[i].address;
	}
	*count = left;
	if (!nr || !call(nr, pages, nodes, status))
		return 0;
	for (size_t i = 0; i < nr; i++) {
		if (status[i] >= 0) {
			moved += tried[i].pages;
			ages_forget(tried[i].head);
			full[node][order_of(&tried[i])].times = 0;
			continue;
		}
		if (status[i] == -ENOMEM)
			note_full(node, &tried[i]);
		if (status[i] == -ENOMEM && !last)
			folios[left++] = tried[i];
		else
			note_refused(&tried[i], status[i], node);
	}
	*count = left;
	nap(moved * page_size / (settings.rate * 1e6) - (now() - began));
	return moved;
}

static bool some_has_room(const struct targets *targets, const struct folio *folio)
{
	for (int i = 0; i < targets->nr; i++)
		if (has_room(targets->nodes[i], folio))
			return true;
	return false;
}

/* Store the folios for the next call: @limit base pages, exceeded only by the last folio. */
static size_t fill(struct folio *folios, int node, struct search *search,
		   const struct targets *targets, __u64 limit)
{
	__u64 head, pages = 0;
	size_t nr = 0;

	/* Without room for a base page there is none for any folio, so do not search. */
	if (!some_has_room(targets, &base_page))
		return 0;
	frames_refresh();
	while (nr < CALL_FOLIOS && pages < limit && pages < CALL_PAGES &&
	       ages_next(node, &search->place, search->min, search->max, &head)) {
		struct folio folio = { .address = head * page_size, .head = head };

		folio.pages = frames_folio(head).frames;
		if (!some_has_room(targets, &folio))
			continue;
		pages += folio.pages;
		folios[nr++] = folio;
	}
	return nr;
}

/* After a failed call, wait for the next round, since the next call would fail, too. */
static bool may_call(void)
{
	return !stopped && !call_failed;
}

/*
 * Move the folios of a search from a node to the first target with room, until @limit
 * base pages have moved. Returns how many base pages moved.
 */
static long long move(int node, struct search *search, const struct targets *targets,
		      long long limit)
{
	struct folio folios[CALL_FOLIOS];
	long long moved = 0;

	if (!ages_pages(node, search->min, search->max))
		return 0;
	while (moved < limit && may_call()) {
		size_t nr = fill(folios, node, search, targets, limit - moved);

		if (!nr)
			break;
		nr = query(node, folios, nr);
		for (int i = 0; i < targets->nr && nr; i++)
			moved += move_to(targets->nodes[i], folios, &nr,
					 i == targets->nr - 1);
	}
	return moved;
}

static long long room(int node)
{
	return nodes_room(node, &keep_free) / (long long)page_size;
}

/* Continue with the next younger age, or with several if all their folios are needed. */
static void next_ages(int node, struct search *search, long long needed)
{
	struct search next = { .min = search->min - 1, .max = search->min - 1 };

	while (next.min > AGE_COLD &&
	       (long long)ages_pages(node, next.min - 1, next.max) <= needed)
		next.min--;
	*search = next;
}

/*
 * Move the coldest folios of a fast node to slow nodes, until this many base pages have
 * moved. Returns how many did.
 */
static long long demote(int node, long long needed)
{
	struct search *search = &cold[node];
	struct targets targets;
	long long moved = 0;

	targets.nr = nodes_nearest(node, &slow, targets.nodes);
	while (moved < needed && search->min >= AGE_COLD && may_call()) {
		moved += move(node, search, &targets, needed - moved);
		if (moved < needed)
			next_ages(node, search, needed - moved);
	}
	total.down += moved;
	return moved;
}

/* Begin to search for cold folios, and make room for --keep-free. */
static void make_room(void)
{
	for (int node = 0; node < MAX_NODES; node++) {
		if (!fast.has[node])
			continue;
		cold[node] = (struct search){ .min = AGE_OLDEST, .max = AGE_OLDEST };
		demote(node, -room(node));
	}
}

/* How many base pages will the next call of move() for this search try to move? */
static long long next_pages(int node, struct search search, const struct targets *targets)
{
	struct folio folios[CALL_FOLIOS];
	size_t nr = fill(folios, node, &search, targets, CALL_PAGES);
	long long pages = 0;

	for (size_t i = 0; i < nr; i++)
		pages += folios[i].pages;
	return pages;
}

/*
 * Move hot folios to a fast node while it has room. If @may_demote, make room there, but
 * only for one call at a time, because the hot folios may be refused.
 */
static void promote(int node, bool may_demote)
{
	struct targets sources, target = { .nr = 1, .nodes = { node } };
	long long left = room(node), moved, needed;

	/*
	 * The kernel may refuse free pages, for instance those that it reserves for atomic
	 * allocations. Then only demotion makes room, so count none of them, and try again.
	 */
	if (may_demote && !has_room(node, &base_page)) {
		full[node][0].until = 0;
		left = left < 0 ? left : 0;
	}
	sources.nr = nodes_nearest(node, &slow, sources.nodes);
	for (int i = 0; i < sources.nr; i++) {
		struct search hot = { .min = AGE_HOT, .max = AGE_HOT };

		do {
			needed = may_demote ?
				next_pages(sources.nodes[i], hot, &target) - left : 0;
			left += demote(node, needed);
			moved = move(sources.nodes[i], &hot, &target, left);
			left -= moved;
			total.up += moved;
		} while (may_demote && moved);
	}
}

/* Use the room on all fast nodes before any folio is moved down for a hot one. */
static void promote_all(void)
{
	for (int may_demote = 0; may_demote < 2; may_demote++)
		for (int node = 0; node < MAX_NODES; node++)
			if (fast.has[node])
				promote(node, may_demote);
}

/*
 * Find out which nodes have memory now. Before a look, or if these nodes have changed, also
 * find out where the memory is: that takes the kernel almost as long as a probe takes. False
 * if the fast or the slow nodes have no memory.
 */
static bool find_memory(bool look_follows)
{
	static struct nodes before;
	static bool had = true, placed;
	bool some_fast = false, some_slow = false;
	struct nodes there;

	if (!nodes_with_memory(&there))
		return false;
	if (placed && !look_follows && !memcmp(&there, &before, sizeof(there)))
		return true;
	before = there;
	for (int node = 0; node < MAX_NODES; node++) {
		fast.has[node] = fast_named.has[node] && there.has[node];
		slow.has[node] = slow_named.has[node] && there.has[node];
		watched.has[node] = fast.has[node] || slow.has[node];
		some_fast |= fast.has[node];
		some_slow |= slow.has[node];
	}
	if (had && !(some_fast && some_slow))
		complain("no memory on the nodes of --%s, %s: waiting until one has some",
			 some_fast ? "slow" : "fast",
			 some_fast ? settings.slow : settings.fast);
	had = some_fast && some_slow;
	placed = had && ages_place(&fast, &slow);
	return placed;
}

static void print_round(__u64 up, __u64 down, const __u64 *refused, double seconds,
			double wait)
{
	bool some = up || down || settings.verbose;

	for (int i = 0; i < NR_CAUSES; i++)
		some |= total.refused[i] != refused[i];
	if (!some)
		return;
	printf("%llu pages up, %llu down", up, down);
	for (int i = 0; i < NR_CAUSES; i++)
		if (total.refused[i] != refused[i])
			printf(", %llu %s", total.refused[i] - refused[i], causes[i].name);
	printf("; %.2f CPU seconds, next in %.1f s\n", seconds, wait);
	/* Ignore errors: a daemon must not end because its log cannot be written. */
	clearerr(stdout);
}

/*
 * Do a round after a probe, which has looked at the sample. Returns the time of the next
 * round.
 */
static double round_of(struct sample sample, double began, double cpu_began)
{
	struct look look = { .began = began, .sample = sample };
	struct totals before = total;
	__u64 up, down;
	double next;

	total.rounds++;
	call_failed = false;
	cause_forget();
	ages_look(schedule_finds_hot(began, settings.interval));
	look.cpu = cpu_seconds() - cpu_began;
	/* A look that a signal has ended says nothing of the rest of the memory. */
	if (stopped)
		return began;
	make_room();
	promote_all();
	ages_mark_hot();
	tlb_evict();
	up = total.up - before.up;
	down = total.down - before.down;
	look.moved = up + down;
	next = schedule_next(&look, &slow, settings.interval, settings.longest);
	print_round(up, down, before.refused, cpu_seconds() - cpu_began, next - began);
	metrics_write(settings.metrics, &total, &watched, next - began);
	return next;
}

/* Probe, and do a round if it is time for one. Returns how long to wait after that. */
static double probe(void)
{
	double began = now(), cpu_began = cpu_seconds(), period = settings.interval;
	static double next_round;
	struct sample sample;
	bool due = look_now || schedule_due(began, period);

	if (!find_memory(due))
		return period;
	if (due)
		look_now = false;
	sample = ages_probe(due);
	if (due || schedule_early(began, &sample)) {
		next_round = round_of(sample, began, cpu_began);
	} else {
		tlb_evict();
		period = fmax(period, (cpu_seconds() - cpu_began) / CPU_SHARE);
	}
	return fmax(fmin(began + period, next_round) - now(), 0);
}

static void print_help(void)
{
	puts("Usage: tierd --fast NODES --slow NODES [OPTION]...\n"
	     "Keep accessed pages on fast NUMA nodes. Pages are moved by physical address.\n");
	options_print(rows, ARRAY_SIZE(rows));
	puts("\nNODES is a list such as 0,2-3. SIZE is a number of bytes, such as 64M, or a part\n"
	     "of the node, such as 2%. The config file has a line for each option, such as\n"
	     "\"fast = 0\" or \"all = yes\". In it, # begins a comment.\n"
	     "\n"
	     "SIGTERM and SIGINT end tierd after the current call. SIGUSR1 begins the next\n"
	     "round at once.\n"
	     "Exit status: 0 ended by a signal or --once, 1 another program uses page_idle,\n"
	     "2 wrong usage, or tierd cannot start.");
}

static bool find_nodes(const char *name, const char *text, struct nodes *nodes)
{
	if (text)
		return nodes_possible(options_label(rows, name), text, nodes);
	complain("--%s NODES is needed" SEE, name);
	return false;
}

static bool check_settings(void)
{
	if (!find_nodes("fast", settings.fast, &fast_named) ||
	    !find_nodes("slow", settings.slow, &slow_named) ||
	    !reserve_parse(options_label(rows, "keep-free"), settings.keep_free, &keep_free) ||
	    !metrics_possible(settings.metrics))
		return false;
	for (int node = 0; node < MAX_NODES; node++) {
		if (!fast_named.has[node] || !slow_named.has[node])
			continue;
		complain("node %d is in both --fast and --slow", node);
		return false;
	}
	if (!settings.longest)
		settings.longest = fmax(settings.interval, LONGEST);
	if (settings.longest >= settings.interval)
		return true;
	complain("%s is below --interval, %g s", options_label(rows, "longest"),
		 settings.interval);
	return false;
}

/*
 * Check before the first round that the kernel has what we need, and permits it. Returns
 * 0 or, after a message, the exit status.
 */
static int check_kernel(void)
{
	uint64_t page = ~0ULL;
	int status, error;

	if (move_phys_pages(1, &page, NULL, &status, 0) < 0) {
		complain("move_phys_pages: %s%s", strerror(errno),
			 errno == ENOSYS ? ": CONFIG_MOVE_PHYS_PAGES=y is needed" :
			 errno == EPERM ? ": CAP_SYS_ADMIN is needed" : "");
		return WRONG_USAGE;
	}
	if (!frames_readable(KPAGECOUNT)) {
		complain("cannot open %s: %s", frames_path(KPAGECOUNT), strerror(errno));
		return WRONG_USAGE;
	}
	error = idle_open();
	return error == EBUSY ? TRY_AGAIN : error ? WRONG_USAGE : 0;
}

int main(int argc, char **argv)
{
	double wait;
	int arg, status;

	base_init();
	setlinebuf(stdout);
	arg = options_parse(argc, argv, rows, ARRAY_SIZE(rows));
	if (settings.help)
		print_help();
	else if (settings.version)
		puts("tierd " VERSION);
	if (settings.help || settings.version)
		return output_written() ? 0 : WRONG_USAGE;
	if (argv[arg]) {
		complain("unexpected argument '%s': give the nodes with --fast and --slow" SEE,
			 argv[arg]);
		return WRONG_USAGE;
	}
	options_read(settings.config ?: CONFIG, !settings.config, rows, ARRAY_SIZE(rows));
	status = check_settings() ? check_kernel() : WRONG_USAGE;
	if (status)
		return status;
	catch_signals(FIRST_SIGNAL);
	signal(SIGUSR1, wake);
	signal(SIGPIPE, SIG_IGN);
	while (!stopped) {
		wait = probe();
		if (settings.once && total.rounds >= ENOUGH)
			break;
		wait_for_input(-1, wait);
	}
	return 0;
}
