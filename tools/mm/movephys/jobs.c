// SPDX-License-Identifier: GPL-2.0-only
/*
 * A job is a child process, so it has its own batches, caches and open files, and the
 * kernel charges it for the CPU time of its calls. It passes its tally to its parent
 * through shared memory.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "slice.h"

#define POLL_MS	100

static struct tally *tallies;		/* by job */
static pid_t *children;			/* likewise */
static unsigned int running;

static bool allocate(unsigned int count)
{
	size_t size = count * sizeof(*tallies);

	if (tallies)
		return true;
	tallies = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	children = calloc(count, sizeof(*children));
	if (tallies != MAP_FAILED && children)
		return true;
	complain("not enough memory for %u jobs", count);
	return false;
}

static void be_a_job(struct source *src, enum ending (*work)(struct source *src),
		     struct tally *mine)
{
	enum ending ending = SOURCE_FAILED;

	/* Write whole lines, so that the rows of several jobs do not mix. */
	setlinebuf(stdout);
	report_into(mine);
	if (!src->shares_files || src->rewind(src))
		ending = work(src);
	else if (stopped)
		ending = SIGNALLED;
	if (ending == COMPLETE && (ferror(stdout) || fflush(stdout)))
		ending = OUTPUT_FAILED;
	tally.ending = ending;
	*mine = tally;
	_exit(0);
}

/* Each child keeps the write end of the pipe, so that it is closed once all have ended. */
static bool start_all(unsigned int count, struct source *src,
		      enum ending (*work)(struct source *src), int pipe_ends[2])
{
	const pid_t parent = getpid();

	fflush(stdout);
	for (running = 0; running < count; running++) {
		pid_t pid;

		tallies[running] = tally;
		tallies[running].began = 0;
		pid = fork();
		if (pid < 0) {
			complain("cannot start job %u of %u: %s", running + 1, count,
				 strerror(errno));
			return false;
		}
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/*
			 * Do not let a second signal kill the job: one may come from the
			 * terminal and another one from the parent.
			 */
			catch_signals(ALL_SIGNALS);
			if (getppid() != parent)
				_exit(0);
			close(pipe_ends[0]);
			slice_take(running, count);
			be_a_job(src, work, &tallies[running]);
		}
		children[running] = pid;
	}
	return true;
}

/* kill(1) signals only the parent, so pass the signal on. (The terminal signals all.) */
static void end_all(void)
{
	for (unsigned int i = 0; i < running; i++)
		kill(children[i], SIGTERM);
}

static void watch(int fd)
{
	struct pollfd pollfd = { .fd = fd };
	bool told = false;

	while (poll(&pollfd, 1, POLL_MS) <= 0) {
		if (stopped && !told) {
			end_all();
			told = true;
		}
		report_gather(tallies, running);
	}
}

static enum ending reap(void)
{
	enum ending ending = COMPLETE;
	int status;

	for (unsigned int i = 0; i < running; i++) {
		while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
			;
		if (status && !stopped) {
			complain("job %u of %u was killed by signal %d: its part of the memory is not done",
				 i + 1, running, WTERMSIG(status));
			tallies[i].ending = CALL_FAILED;
		}
		if (ending < tallies[i].ending)
			ending = tallies[i].ending;
	}
	return ending;
}

enum ending jobs_run(unsigned int count, struct source *src,
		     enum ending (*work)(struct source *src))
{
	enum ending ending = CALL_FAILED;
	int pipe_ends[2];
	bool started;

	if (!allocate(count))
		return CALL_FAILED;
	if (pipe(pipe_ends)) {
		complain("cannot start %u jobs: %s", count, strerror(errno));
		return CALL_FAILED;
	}
	started = start_all(count, src, work, pipe_ends);
	close(pipe_ends[1]);
	if (!started)
		end_all();
	watch(pipe_ends[0]);
	close(pipe_ends[0]);
	ending = reap();
	report_gather(tallies, running);
	return started ? ending : CALL_FAILED;
}
