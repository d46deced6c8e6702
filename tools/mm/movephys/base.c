// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base.h"

__u64 page_size;
atomic_int stopped;
atomic_bool woken;

static bool progress_shown;

void base_init(void)
{
	struct pollfd files[] = {
		{ .fd = STDIN_FILENO }, { .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO },
	};

	/* A file that is opened while a standard stream is closed would become that stream. */
	poll(files, ARRAY_SIZE(files), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].revents & POLLNVAL)
			open("/", O_PATH);
	/* Unbuffered, warnx() would write a message in pieces, which others could interrupt. */
	setlinebuf(stderr);
	page_size = sysconf(_SC_PAGESIZE);
}

static void stop(int number)
{
	stopped = number;
}

/* A second signal kills, whether it is SIGINT or SIGTERM. */
static void stop_once(int number)
{
	stopped = number;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

void catch_signals(enum signals which)
{
	const struct sigaction action = {
		.sa_handler = which == FIRST_SIGNAL ? stop_once : stop,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void nap(double seconds)
{
	double until = now() + seconds, left;

	while (!stopped && (left = until - now()) > 0) {
		/* A signal just before nanosleep() does not interrupt it. */
		if (left > 0.1)
			left = 0.1;
		nanosleep(&(struct timespec){ .tv_nsec = left * 1e9 }, NULL);
	}
}

/* Signals are blocked except in ppoll(), so one that comes just before it is not lost. */
bool wait_for_input(int file, double seconds)
{
	const struct timespec time = {
		.tv_sec = seconds, .tv_nsec = (seconds - (time_t)seconds) * 1e9,
	};
	struct pollfd input = { .fd = file, .events = POLLIN };
	sigset_t ours, before;
	int events = 0;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!stopped && !woken)
		events = ppoll(&input, 1, seconds < 0 ? NULL : &time, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	woken = false;
	return events > 0;
}

bool progress_possible(void)
{
	return isatty(STDERR_FILENO);
}

void progress_show(const char *line)
{
	struct winsize size = { };
	int width = 79;

	/* A line that wraps cannot be replaced. */
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col - 1;
	fprintf(stderr, "\r%.*s\033[K", width, line);
	/* The stream is line-buffered, and this line has no newline. */
	fflush(stderr);
	progress_shown = true;
}

void progress_clear(void)
{
	if (!progress_shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress_shown = false;
}

const char *printable(char *text)
{
	for (char *c = text; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return text;
}

bool output_written(void)
{
	if (!ferror(stdout) && !fflush(stdout))
		return true;
	complain("cannot write to standard output");
	return false;
}
