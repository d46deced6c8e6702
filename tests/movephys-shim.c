// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine for movephys to run on without the call: loaded by LD_PRELOAD, it
 * answers move_phys_pages(2), kpageflags and the clock.
 *
 * All memory is mapped by one process and on node 1 until it is moved. Frames from
 * 4 GiB on are in folios of 2 MiB, from 8 GiB on in one of 1 GiB. Time passes only
 * where somebody sleeps or moves pages, so that it can be tested to the microsecond.
 *
 * SHIM_LOG=FILE	note each call: seconds, entries, base pages, "move" or "query"
 * SHIM_PAGE_US=N	microseconds that moving a base page takes (0)
 * SHIM_FULL=SECONDS	there is no room until then
 * SHIM_SPLIT=SECONDS	huge pages are split then
 * SHIM_BUSY=ADDRESS	this page is always busy; likewise SHIM_DENIED
 * SHIM_NO_SIZES=1	kpageflags and kpagecount cannot be opened
 * SHIM_NO_SYS=1	sysfs cannot
 * SHIM_COUNT=N		what kpagecount has for every frame (1)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096
#define FRAMES	0x400000
#define NR	548

static unsigned char on_target[FRAMES];
static double clock_now = 1000;
static int flags_fd = -1, count_fd = -1;

static double setting(const char *name)
{
	const char *value = getenv(name);

	return value ? strtod(value, NULL) : 0;
}

static int is_set_to(const char *name, uint64_t address)
{
	const char *value = getenv(name);

	return value && strtoull(value, NULL, 0) == address;
}

static uint64_t folio_frames(uint64_t frame)
{
	if (frame >= FRAMES)
		return 0;
	if (setting("SHIM_SPLIT") && clock_now - 1000 >= setting("SHIM_SPLIT"))
		return 1;
	return frame < 0x100000 ? 1 : frame < 0x200000 ? 512 : 262144;
}

static uint64_t flags_of(uint64_t frame)
{
	uint64_t frames = folio_frames(frame);

	if (frames == 1)
		return 1ULL << KPF_MMAP | 1ULL << KPF_LRU;
	return 1ULL << KPF_MMAP | 1ULL << KPF_LRU |
	       1ULL << (frame % frames ? KPF_COMPOUND_TAIL : KPF_COMPOUND_HEAD);
}

static int status_of(uint64_t address, const int *node)
{
	uint64_t frame = address / PAGE, head;

	if (frame >= FRAMES)
		return -ENOENT;
	head = frame - frame % folio_frames(frame);
	if (!node)
		return on_target[head] ? 0 : 1;
	if (on_target[head] && !*node)
		return 0;
	if (is_set_to("SHIM_BUSY", address))
		return -EBUSY;
	if (is_set_to("SHIM_DENIED", address))
		return -EACCES;
	if (clock_now - 1000 < setting("SHIM_FULL"))
		return -ENOMEM;
	on_target[head] = 1;
	clock_now += folio_frames(frame) * setting("SHIM_PAGE_US") / 1e6;
	return *node;
}

static void note(unsigned long count, unsigned long pages, int moves)
{
	FILE *log = getenv("SHIM_LOG") ? fopen(getenv("SHIM_LOG"), "a") : NULL;

	if (!log)
		return;
	/* Not of the probe for whether there is a call */
	if (pages)
		fprintf(log, "%.6f %lu %lu %s\n", clock_now - 1000, count, pages,
		moves ? "move" : "query");
	fclose(log);
}

long syscall(long number, ...)
{
	long (*real)(long number, ...) = dlsym(RTLD_NEXT, "syscall");
	unsigned long pages = 0;
	long arg[6], left = 0;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number != NR)
		return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	for (long i = 0; i < arg[0]; i++) {
		const uint64_t *addresses = (const uint64_t *)arg[1];
		const int *nodes = (const int *)arg[2];

		int status = status_of(addresses[i], nodes ? nodes + i : NULL);

		((int *)arg[3])[i] = status;
		left += status == -EBUSY || status == -ENOMEM;
		pages += folio_frames(addresses[i] / PAGE);
	}
	note(arg[0], pages, !!arg[2]);
	return left;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = clock_now;
	ts->tv_nsec = (clock_now - ts->tv_sec) * 1e9;
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	/* Rounded up, as nobody shall wait in ever smaller steps. */
	clock_now += time->tv_sec + (time->tv_nsec + 1) / 1e9;
	return 0;
}

int open64(const char *path, int flags, ...)
{
	int (*real)(const char *path, int flags, ...) = dlsym(RTLD_NEXT, "open64");
	int *fd = !strcmp(path, "/proc/kpageflags") ? &flags_fd :
		  !strcmp(path, "/proc/kpagecount") ? &count_fd : NULL;

	if (!fd)
		return real(path, flags, 0600);
	if (getenv("SHIM_NO_SIZES")) {
		errno = ENOENT;
		return -1;
	}
	*fd = real("/dev/null", O_RDONLY);
	return *fd;
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	ssize_t (*real)(int fd, void *buffer, size_t size, off64_t offset) =
		dlsym(RTLD_NEXT, "pread64");
	uint64_t *entry = buffer;
	size_t i;

	if (fd < 0 || (fd != flags_fd && fd != count_fd))
		return real(fd, buffer, size, offset);
	for (i = 0; i < size / 8 && offset / 8 + i < FRAMES; i++)
		entry[i] = fd == flags_fd ? flags_of(offset / 8 + i) :
			   getenv("SHIM_COUNT") ? setting("SHIM_COUNT") : 1;
	return i * 8;
}

FILE *fopen64(const char *path, const char *mode)
{
	FILE *(*real)(const char *path, const char *mode) = dlsym(RTLD_NEXT, "fopen64");

	if (getenv("SHIM_NO_SYS") && !strncmp(path, "/sys/", 5)) {
		errno = ENOENT;
		return NULL;
	}
	return real(path, mode);
}
