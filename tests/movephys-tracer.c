// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the system calls of a program, and may interrupt it after some of them, so that
 * a test can check how soon it ends without using a clock.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
"usage: movephys-tracer [-a N] [-i] FILE PROGRAM [ARG...]\n"
"  Writes to FILE how many system calls the program made.\n"
"  -a N  sends SIGINT at the N-th one, and counts only those after it\n"
"  -i    lets each ioctl fail with ENOTTY, as in a kernel that knows none\n";

static long interrupt_at = -1;
static bool no_ioctl;

/*
 * Makes a system call fail with ENOTTY: at its entry, replaces it by an invalid one; at
 * its exit, sets the result.
 */
static void deny(pid_t pid, bool entry)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		err(2, "PTRACE_GETREGS");
	if (entry)
		regs.orig_rax = -1;
	else
		regs.rax = -ENOTTY;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		err(2, "PTRACE_SETREGS");
}

/* Returns the exit status of the program. */
static int trace(pid_t pid, long *calls)
{
	bool denied = false;
	int status, signal = 0;
	long before = 0;

	*calls = 0;
	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, pid, NULL, signal) ||
		    waitpid(pid, &status, 0) != pid)
			err(2, "cannot go on");
		signal = 0;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			/* exec() makes a trap of its own. */
			if (WSTOPSIG(status) != SIGTRAP)
				signal = WSTOPSIG(status);
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
			err(2, "PTRACE_GET_SYSCALL_INFO");
		if (info.op == PTRACE_SYSCALL_INFO_EXIT && denied) {
			deny(pid, false);
			denied = false;
		}
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (no_ioctl && info.entry.nr == SYS_ioctl) {
			deny(pid, true);
			denied = true;
		}
		if (interrupt_at < 0 || before == interrupt_at)
			++*calls;
		else if (++before == interrupt_at)
			kill(pid, SIGINT);
	}
}

int main(int argc, char **argv)
{
	int c, status;
	FILE *file;
	long calls;
	pid_t pid;

	while ((c = getopt(argc, argv, "+a:i")) != -1) {
		if (c == 'a')
			interrupt_at = atol(optarg);
		else if (c == 'i')
			no_ioctl = true;
		else
			return 2;
	}
	if (argc - optind < 2) {
		fputs(usage, stderr);
		return 2;
	}
	pid = fork();
	if (pid < 0)
		err(2, "cannot fork");
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[optind + 1], argv + optind + 1);
		err(127, "%s", argv[optind + 1]);
	}
	if (waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)))
		err(2, "cannot trace");
	status = trace(pid, &calls);
	file = fopen(argv[optind], "w");
	if (!file || fprintf(file, "%ld\n", calls) < 0 || fclose(file))
		err(2, "%s", argv[optind]);
	return status;
}
