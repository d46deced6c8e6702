// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for move_phys_pages(2) in a test of the mover. The seventh call
 * breaks the contract in the way that $BROKEN names. Link this with
 * -Wl,--wrap=syscall.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool broken(int call, const char *how)
{
	const char *chosen = getenv("BROKEN");

	return call == 7 && chosen && !strcmp(chosen, how);
}

long __wrap_syscall(long number, unsigned long count, const uint64_t *pages,
		    const int *nodes, int *status, int flags)
{
	/* The last four count in the return value. */
	static const int errors[] = {
		-ENOENT, -EFAULT, -EACCES, -EBUSY, -ENOMEM, -EIO, -EINVAL,
	};
	static int call;
	unsigned long i;
	long ret = 0;

	(void)number;
	(void)pages;
	(void)flags;
	/* The zones of the test take 24 calls a round. */
	if (++call == 60)
		raise(SIGTERM);
	if (broken(call, "fails")) {
		errno = ENODEV;
		return -1;
	}
	for (i = 0; i < count; i++) {
		if (broken(call, "leaves a status unset") && i == 100)
			continue;
		status[i] = i % 8 < 7 ? errors[i % 8] : nodes[i];
		ret += i % 8 >= 3 && i % 8 < 7;
	}
	if (broken(call, "gives an unknown status"))
		status[100] = -EAGAIN;
	if (broken(call, "moves to another node"))
		status[7] = nodes[7] + 1;
	if (broken(call, "counts one too many"))
		ret++;
	if (broken(call, "counts -EACCES"))
		ret += count / 8;
	return ret;
}
