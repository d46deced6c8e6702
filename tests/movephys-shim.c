// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulates the call for movephys on a machine without it: loaded by LD_PRELOAD, this
 * answers move_phys_pages(2), kpageflags and the clock.
 *
 * All memory is mapped by one process, and is on node 1 until it is moved. Frames from 4
 * GiB on are in folios of 2 MiB, and from 8 GiB on in folios of 1 GiB. Time passes only
 * while the program sleeps or moves pages, so that tests can be exact to the microsecond.
 *
 * SHIM_LOG=FILE	log each call: seconds, entries, base pages, "move" or "query"
 * SHIM_PAGE_US=N	microseconds that moving a base page takes (0)
 * SHIM_FULL=SECONDS	before this time there is no room
 * SHIM_SPLIT=SECONDS	from this time on, huge pages are split
 * SHIM_BUSY=ADDRESS	the folio of this page is always -EBUSY
 * SHIM_DENIED=ADDRESS	this page is always -EACCES
 * SHIM_NO_SIZES=1	kpageflags and kpagecount cannot be opened
 * SHIM_NO_SYS=1		files of sysfs cannot be opened
 * SHIM_COUNT=N		kpagecount of every frame (1)
 * SHIM_TIERS=1		nodes 0 and 1 are the only ones, and there is page_idle
 * SHIM_OVERLAP=1	the zone of node 0 begins and ends in that of node 1
 * SHIM_HOT=ADDRESS	with SHIM_TIERS, the 16 MiB from here on are accessed whenever time passes
 * SHIM_HOT_SIZE=BYTES	the same for so many bytes
 * SHIM_HOT_FROM=SECONDS	they are not accessed before this time
 * SHIM_HOT_AT=SECONDS,...	they are accessed only at these times
 * SHIM_FAIL=N		the first N calls that move pages fail
 * SHIM_BITMAP=FILE	this is locked instead of the bitmap of page_idle
 * SHIM_METRICS=FILE	the metrics of tierd, instead of those in /run/tierd
 * SHIM_GONE=N		with SHIM_TIERS, the first N reads find no memory on node 0
 * SHIM_EXIT=PID	this process ends just before its pagemap is opened
 * SHIM_HANG=1		calls that move pages do not end
 * SHIM_RACE=1		SIGINT comes just before the program waits for input
 * SHIM_CGROUPS=DIR	the cgroups, instead of those in /sys/fs/cgroup
 * SHIM_CGROUP=DIR	all memory is charged to this cgroup
 * SHIM_VANISH=1		a cgroup vanishes while the first walk over cgroups is under way
 * SHIM_STATM=FILE	the statm of every process
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/kernel-page-flags.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096
#define FRAMES	0x400000
#define NR	548
#define CGROUPS	"/sys/fs/cgroup"

static unsigned char on_target[FRAMES], idle[FRAMES];
static double clock_now = 1000;
static int flags_fd = -1, count_fd = -1, cgroup_fd = -1, idle_fd = -1;

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
	static double split = -1;

	if (frame >= FRAMES)
		return 0;
	/* This is called for each frame, so do not search the environment each time. */
	if (split < 0)
		split = setting("SHIM_SPLIT");
	if (split && clock_now - 1000 >= split)
		return 1;
	return frame < 0x100000 ? 1 : frame < 0x200000 ? 512 : 262144;
}

static uint64_t flags_of(uint64_t frame)
{
	uint64_t frames = folio_frames(frame);
	uint64_t flags = 1ULL << KPF_MMAP | 1ULL << KPF_LRU |
			 (uint64_t)idle[frame] << KPF_IDLE;

	if (frames == 1)
		return flags;
	return flags |
	       1ULL << (frame % frames ? KPF_COMPOUND_TAIL : KPF_COMPOUND_HEAD);
}

static int is_busy(uint64_t head)
{
	const char *value = getenv("SHIM_BUSY");
	uint64_t busy = value ? strtoull(value, NULL, 0) / PAGE : FRAMES;

	return busy < FRAMES && head == busy - busy % folio_frames(busy);
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
	if (is_busy(head))
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
	/* The probe for the call has no pages, and is not logged. */
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
	static int failed;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number != NR)
		return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (arg[2] && failed < setting("SHIM_FAIL")) {
		failed++;
		errno = ENOMEM;
		return -1;
	}
	for (long i = 0; i < arg[0]; i++) {
		const uint64_t *addresses = (const uint64_t *)arg[1];
		const int *nodes = (const int *)arg[2];

		int status = status_of(addresses[i], nodes ? nodes + i : NULL);

		((int *)arg[3])[i] = status;
		left += status == -EBUSY || status == -ENOMEM;
		pages += folio_frames(addresses[i] / PAGE);
	}
	note(arg[0], pages, !!arg[2]);
	while (getenv("SHIM_HANG") && arg[2] && pages)
		pause();
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
	/* Round up, so that nothing waits in ever smaller steps. */
	clock_now += time->tv_sec + (time->tv_nsec + 1) / 1e9;
	return 0;
}

int open64(const char *path, int flags, ...)
{
	int (*real)(const char *path, int flags, ...) = dlsym(RTLD_NEXT, "open64");
	int *fd = !strcmp(path, "/proc/kpageflags") ? &flags_fd :
		  !strcmp(path, "/proc/kpagecount") ? &count_fd :
		  getenv("SHIM_CGROUP") && !strcmp(path, "/proc/kpagecgroup") ? &cgroup_fd :
		  getenv("SHIM_TIERS") && strstr(path, "/page_idle/") ? &idle_fd : NULL;

	if (!fd)
		return real(path, flags, 0600);
	if (getenv("SHIM_NO_SIZES")) {
		errno = ENOENT;
		return -1;
	}
	/* No other program can lock a memfd, but a test may lock SHIM_BITMAP. */
	if (fd == &idle_fd)
		*fd = getenv("SHIM_BITMAP") ? real(getenv("SHIM_BITMAP"), O_RDONLY) :
					      memfd_create("bitmap", 0);
	else
		*fd = real("/dev/null", O_RDONLY);
	return *fd;
}

int openat64(int dir, const char *path, int flags, ...)
{
	int (*real)(int dir, const char *path, int flags, ...) = dlsym(RTLD_NEXT, "openat64");

	char link[64], name[64] = "/proc/";
	pid_t pid = setting("SHIM_EXIT");

	if (getenv("SHIM_STATM") && !strcmp(path, "statm"))
		path = getenv("SHIM_STATM");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (pid && !strcmp(path, "pagemap") && readlink(link, name, sizeof(name) - 1) > 0 &&
	    atoi(name + strlen("/proc/")) == pid) {
		/* Wait until the parent of the process has reaped it. */
		kill(pid, SIGKILL);
		while (!kill(pid, 0))
			usleep(10000);
	}
	return real(dir, path, flags, 0600);
}

/* When was the hot memory accessed last? */
static double last_access(void)
{
	const char *at = getenv("SHIM_HOT_AT");
	double last = 0;
	char *end;

	if (!at)
		return clock_now - 1000 < setting("SHIM_HOT_FROM") ? 0 : clock_now;
	for (;; at = end + 1) {
		double time = 1000 + strtod(at, &end);

		if (time <= clock_now && time > last)
			last = time;
		if (*end != ',')
			return last;
	}
}

/*
 * The kernel has idle bits for the heads of folios only, and checks accesses only for
 * these.
 */
static ssize_t idle_words(uint64_t *words, size_t size, off64_t offset, int write)
{
	uint64_t hot = setting("SHIM_HOT") ? strtoull(getenv("SHIM_HOT"), NULL, 0) / PAGE : FRAMES;
	uint64_t size_hot = getenv("SHIM_HOT_SIZE") ? setting("SHIM_HOT_SIZE") / PAGE : 4096;
	static double accessed[FRAMES];
	double last = last_access();
	uint64_t first = offset * 8;

	if (first >= FRAMES)
		return 0;
	for (uint64_t i = 0; i < size * 8; i++) {
		uint64_t frame = first + i, bit = 1ULL << i % 64, frames;

		/* Skip the rest of a folio. */
		if (frame >= FRAMES)
			break;
		frames = folio_frames(frame);
		if (frame % frames) {
			i += frames - frame % frames - 1;
			continue;
		}
		if (write) {
			idle[frame] |= !!(words[i / 64] & bit);
			continue;
		}
		if (frame >= hot && frame < hot + size_hot && accessed[frame] < last) {
			accessed[frame] = last;
			idle[frame] = 0;
		}
		words[i / 64] = idle[frame] ? words[i / 64] | bit : words[i / 64] & ~bit;
	}
	return size;
}

ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t offset)
{
	ssize_t (*real)(int fd, const void *buffer, size_t size, off64_t offset) =
		dlsym(RTLD_NEXT, "pwrite64");

	if (fd >= 0 && fd == idle_fd)
		return idle_words((uint64_t *)buffer, size, offset, 1);
	return real(fd, buffer, size, offset);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	ssize_t (*real)(int fd, void *buffer, size_t size, off64_t offset) =
		dlsym(RTLD_NEXT, "pread64");
	uint64_t *entry = buffer;
	struct stat cgroup;
	size_t i;

	if (fd >= 0 && fd == idle_fd)
		return idle_words(buffer, size, offset, 0);
	if (fd < 0 || (fd != flags_fd && fd != count_fd && fd != cgroup_fd))
		return real(fd, buffer, size, offset);
	if (fd == cgroup_fd && stat(getenv("SHIM_CGROUP"), &cgroup))
		return 0;
	for (i = 0; i < size / 8 && offset / 8 + i < FRAMES; i++)
		entry[i] = fd == flags_fd ? flags_of(offset / 8 + i) :
			   fd == cgroup_fd ? cgroup.st_ino :
			   getenv("SHIM_COUNT") ? setting("SHIM_COUNT") : 1;
	return i * 8;
}

/* Node 0 has none of the frames that are in use, and 4 GiB that are free. */
static const char zones[] =
"Node 0, zone   Normal\n"
"  pages free     1048576\n        low      0\n        spanned  0\n        managed  1048576\n"
"        protection: (0, 0)\n  start_pfn:           4194304\n"
"Node 1, zone   Normal\n"
"  pages free     0\n        low      0\n        spanned  4194304\n        managed  4194304\n"
"        protection: (0, 0)\n  start_pfn:           0\n";

/* The same, but the zones overlap */
static const char overlapping[] =
"Node 0, zone   Normal\n"
"  pages free     1048576\n        low      0\n        spanned  3145728\n        managed  1048576\n"
"        protection: (0, 0)\n  start_pfn:           524288\n"
"Node 1, zone   Normal\n"
"  pages free     0\n        low      0\n        spanned  4194304\n        managed  4194304\n"
"        protection: (0, 0)\n  start_pfn:           0\n";

FILE *fopen64(const char *path, const char *mode)
{
	FILE *(*real)(const char *path, const char *mode) = dlsym(RTLD_NEXT, "fopen64");
	static int opened;
	int gone;

	if (getenv("SHIM_TIERS") && !strcmp(path, "/proc/zoneinfo"))
		return getenv("SHIM_OVERLAP") ?
		       fmemopen((void *)overlapping, strlen(overlapping), "r") :
		       fmemopen((void *)zones, strlen(zones), "r");
	if (getenv("SHIM_TIERS") && strstr(path, "/has_memory")) {
		gone = ++opened <= setting("SHIM_GONE");
		return fmemopen(gone ? "1\n" : "0-1\n", gone ? 2 : 4, "r");
	}
	if (getenv("SHIM_TIERS") && strstr(path, "/node/possible"))
		return fmemopen("0-1\n", 4, "r");
	if (getenv("SHIM_METRICS") && !strcmp(path, "/run/tierd/tierd.prom"))
		return real(getenv("SHIM_METRICS"), mode);
	if (getenv("SHIM_CGROUPS") && !strncmp(path, CGROUPS "/", strlen(CGROUPS "/"))) {
		char name[4096];

		snprintf(name, sizeof(name), "%s%s", getenv("SHIM_CGROUPS"),
			 path + strlen(CGROUPS));
		return real(name, mode);
	}
	if (getenv("SHIM_NO_SYS") && !strncmp(path, "/sys/", 5)) {
		errno = ENOENT;
		return NULL;
	}
	return real(path, mode);
}

static __nftw64_func_t visit;

static int visit_cgroup(const char *path, const struct stat64 *st, int type, struct FTW *ftw)
{
	char name[4096];

	snprintf(name, sizeof(name), CGROUPS "%s", path + strlen(getenv("SHIM_CGROUPS")));
	return visit(name, st, type, ftw);
}

int nftw64(const char *path, __nftw64_func_t function, int descriptors, int flags)
{
	int (*real)(const char *path, __nftw64_func_t function, int descriptors, int flags) =
		dlsym(RTLD_NEXT, "nftw64");
	static int walked;

	/* The C library ends its walk if a directory vanishes before it is opened. */
	if (getenv("SHIM_VANISH") && !walked++) {
		errno = ENOENT;
		return -1;
	}
	if (!getenv("SHIM_CGROUPS") || strcmp(path, CGROUPS))
		return real(path, function, descriptors, flags);
	visit = function;
	return real(getenv("SHIM_CGROUPS"), visit_cgroup, descriptors, flags);
}

static void race(void)
{
	static int raced;

	if (getenv("SHIM_RACE") && !raced++)
		raise(SIGINT);
}

ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t (*real)(int fd, void *buffer, size_t size) = dlsym(RTLD_NEXT, "read");

	if (fd == STDIN_FILENO)
		race();
	return real(fd, buffer, size);
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time, const sigset_t *mask)
{
	int (*real)(struct pollfd *fds, nfds_t count, const struct timespec *time,
		    const sigset_t *mask) = dlsym(RTLD_NEXT, "ppoll");
	int events;

	race();
	events = real(fds, count, time, mask);
	if (!events)
		clock_now += time->tv_sec + time->tv_nsec / 1e9;
	return events;
}
