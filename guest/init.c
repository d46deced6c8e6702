// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's init. It mounts the file systems that programs expect, and runs one
 * program: /argv has the program and its arguments, /env its environment, both
 * NUL-separated. It writes how the program ended to the port "result".
 *
 * "init" copies the program's output to the port "output", byte for byte.
 * "init tty" runs the program on the terminal /dev/hvc0. If init itself fails, it
 * exits, and the kernel panics.
 *
 * In a Debian with systemd as process 1, this program is a service, and systemd
 * has mounted the file systems. Everything else is the same.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* TAINT_TEST: KUnit and other tests set it, so it does not mean that something is wrong. */
#define TAINT_TEST 18

/* The commands of klogctl() are in no header. */
enum { KLOG_READ_ALL = 3, KLOG_CLEAR = 5 };

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

static const struct {
	const char *type, *target;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "devpts", "/dev/pts" },
	{ "tmpfs", "/dev/shm" },
	{ "tmpfs", "/tmp" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "cgroup2", "/sys/fs/cgroup" },
};

static void mount_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL))
			err(EXIT_FAILURE, "cannot mount %s", mounts[i].target);
	}
	if (mount("/dev/vda", "/mnt", "ext4", 0, NULL) && errno != ENOENT)
		err(EXIT_FAILURE, "cannot mount the disk");
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = '\0';
	return n < 0 ? n : len;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) > 0;
	close(fd);
	return written;
}

/*
 * With shrink_underused, a migration puts a THP back onto the deferred split queue.
 * If a process has just unmapped a part of that THP, deferred_split_folio() of some
 * kernels, such as 6.12.117, warns with CONFIG_DEBUG_VM, and a warning ends the
 * guest. Kernels that do not have the file do not need this.
 */
static void disable_shrink_underused(void)
{
	write_file("/sys/kernel/mm/transparent_hugepage/shrink_underused", "0");
}

/*
 * The device of a port has a number instead of the port's name. The name is in
 * sysfs, and appears later than the device.
 */
static int find_port(const char *name)
{
	char path[512], found[64];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	dir = opendir("/sys/class/virtio-ports");
	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 entry->d_name);
		if (read_file(path, found, sizeof(found)) <= 0)
			continue;
		found[strcspn(found, "\n")] = '\0';
		if (strcmp(found, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static int open_port(const char *name)
{
	int fd, tries;

	for (tries = 0; tries < 10000; tries++) {
		fd = find_port(name);
		if (fd >= 0)
			return fd;
		usleep(1000);
	}
	err(EXIT_FAILURE, "there is no port '%s'", name);
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t done = write(fd, buf, len);

		if (done < 0) {
			if (errno == EINTR)
				continue;
			err(EXIT_FAILURE, "cannot write to a port");
		}
		buf += done;
		len -= done;
	}
}

/* Return the NUL-terminated strings of a file as an array that ends with NULL. */
static char **read_strings(const char *path)
{
	char *buf, *p, **strings;
	struct stat st;
	size_t n = 0;

	if (stat(path, &st))
		err(EXIT_FAILURE, "cannot read %s", path);
	buf = malloc(st.st_size + 1);
	strings = calloc(st.st_size + 1, sizeof(*strings));
	if (!buf || !strings || read_file(path, buf, st.st_size + 1) != st.st_size)
		err(EXIT_FAILURE, "cannot read %s", path);
	for (p = buf; p < buf + st.st_size; p += strlen(p) + 1)
		strings[n++] = p;
	return strings;
}

static int become(bool tty, int output)
{
	char **argv = read_strings("/argv"), **envp = read_strings("/env");
	sigset_t none;
	int input;

	setsid();
	input = open(tty ? "/dev/hvc0" : "/dev/null", O_RDWR);
	if (tty) {
		ioctl(input, TIOCSCTTY, 0);
		output = input;
	}
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (input > STDERR_FILENO)
		close(input);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	environ = envp;
	execvp(argv[0], argv);
	warn("cannot run %s", argv[0]);
	return errno == ENOENT ? 127 : 126;
}

/* Copy a bufferful from the pipe to the port; false if the pipe was empty. */
static bool drain(int from, int to)
{
	static char buf[1 << 16];
	ssize_t len = read(from, buf, sizeof(buf));

	if (len > 0)
		write_all(to, buf, len);
	return len > 0;
}

/* Wait for all children that have died; true if @child was one of them. */
static bool reap(pid_t child, int *status)
{
	bool found = false;
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid == child) {
			*status = st;
			found = true;
		}
	}
	return found;
}

/*
 * The program writes to a pipe and not to the port, because a port can be opened
 * only once: neither the program nor its children could open /dev/stdout.
 */
static int supervise(bool tty, int port)
{
	struct signalfd_siginfo info;
	struct pollfd fds[2];
	int out[2], status;
	sigset_t chld;
	pid_t child;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	if (pipe2(out, O_CLOEXEC))
		err(EXIT_FAILURE, "cannot make a pipe");
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fds[0].fd = out[0];
	fds[0].events = POLLIN;
	fds[1].fd = signalfd(-1, &chld, SFD_CLOEXEC);
	fds[1].events = POLLIN;

	child = fork();
	if (child < 0)
		err(EXIT_FAILURE, "cannot fork");
	if (!child)
		_exit(become(tty, out[1]));
	close(out[1]);

	for (;;) {
		poll(fds, ARRAY_SIZE(fds), -1);
		if (fds[0].revents && !drain(out[0], port))
			fds[0].fd = -1;
		if (!fds[1].revents)
			continue;
		if (read(fds[1].fd, &info, sizeof(info)) < 0)
			err(EXIT_FAILURE, "cannot read the signalfd");
		if (reap(child, &status))
			break;
	}

	/*
	 * Kill the processes that the program left running before the kernel is
	 * checked, because freeing their memory is part of the test.
	 */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	while (drain(out[0], port))
		;
	return status;
}

/* The report of isolated pages and memory leaks that this run has left behind */
static char lost[1 << 15];

static void say_lost(const char *fmt, ...)
{
	size_t len = strlen(lost);
	va_list args;

	va_start(args, fmt);
	vsnprintf(lost + len, sizeof(lost) - len, fmt, args);
	va_end(args);
}

static void find_isolated_in(char *text, const char *where)
{
	char *line, *name;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		name = strstr(line, "nr_isolated_");
		if (name && strcmp(strchrnul(name, ' '), " 0"))
			say_lost("%s: %s\n", where, name);
	}
}

/*
 * Find pages that were isolated and not put back. Look at the counter of each
 * node, because a positive one may cancel out a negative one in the sum. The
 * files show a negative counter as 0, but stat_refresh prints it to the kernel's
 * log, so read the log, too.
 */
static void find_isolated(void)
{
	static char buf[1 << 15];
	int tries = 300;
	glob_t files;
	size_t i;

	glob("/proc/vmstat", 0, NULL, &files);
	glob("/sys/devices/system/node/node*/vmstat", GLOB_APPEND, NULL, &files);
	/* Try again: compaction and reclaim isolate pages for a short time. */
	do {
		*lost = '\0';
		klogctl(KLOG_CLEAR, NULL, 0);
		write_file("/proc/sys/vm/stat_refresh", "1");
		buf[klogctl(KLOG_READ_ALL, buf, sizeof(buf) - 1)] = '\0';
		find_isolated_in(buf, "log");
		for (i = 0; i < files.gl_pathc; i++) {
			read_file(files.gl_pathv[i], buf, sizeof(buf));
			find_isolated_in(buf, files.gl_pathv[i]);
		}
	} while (*lost && --tries && !usleep(10000));
}

/*
 * kmemleak does not report an object that is younger than 5 seconds, or that has
 * changed since the previous scan, because a register may point to it. So wait,
 * and scan twice.
 */
static bool scan_for_leaks(void)
{
	sleep(6);
	return write_file(KMEMLEAK, "scan") && write_file(KMEMLEAK, "scan");
}

/* Leaks of the boot, and false reports about it, do not count. */
static void forget_leaks(void)
{
	if (access(KMEMLEAK, F_OK))
		return;
	write_file(KMEMLEAK, "scan=off");
	scan_for_leaks();
	write_file(KMEMLEAK, "clear");
}

static void find_leaks(void)
{
	size_t len = strlen(lost);
	int tries = 3;

	if (access(KMEMLEAK, F_OK))
		return;
	/* Try again: every scan finds a real leak, but not every scan has the same false positive. */
	do {
		if (!scan_for_leaks()) {
			say_lost("kmemleak cannot scan: the kernel's log may have the reason\n");
			return;
		}
		read_file(KMEMLEAK, lost + len, sizeof(lost) - len);
	} while (lost[len] && --tries);
}

static void report(int result, int status)
{
	unsigned long tainted;
	char buf[64];

	if (read_file("/proc/sys/kernel/tainted", buf, sizeof(buf)) <= 0)
		err(EXIT_FAILURE, "cannot tell whether the kernel is tainted");
	tainted = strtoul(buf, NULL, 10) & ~(1UL << TAINT_TEST);
	if (tainted)
		snprintf(buf, sizeof(buf), "tainted %lu\n", tainted);
	else if (*lost)
		snprintf(buf, sizeof(buf), "leaked\n");
	else if (WIFSIGNALED(status))
		snprintf(buf, sizeof(buf), "signal %d\n", WTERMSIG(status));
	else
		snprintf(buf, sizeof(buf), "exit %d\n", WEXITSTATUS(status));
	write_all(result, buf, strlen(buf));
	write_all(result, lost, strlen(lost));
}

int main(int argc, char **argv)
{
	bool tty = argc > 1 && !strcmp(argv[1], "tty");
	int result, status, output = -1;

	if (getpid() == 1) {
		mount_all();
		disable_shrink_underused();
	}
	result = open_port("result");
	if (!tty)
		output = open_port("output");
	forget_leaks();
	status = supervise(tty, output);
	sync();
	find_isolated();
	find_leaks();
	report(result, status);

	/* QEMU runs with -no-reboot, so it exits. */
	reboot(RB_AUTOBOOT);
}
