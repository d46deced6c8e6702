// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/io_uring.h>
#include <linux/capability.h>
#include <linux/kernel-page-flags.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <linux/vhost.h>

#include "util.h"

#define MAX_NODES		1024

/*
 * As in kselftest.h, which is not included because not every program uses the
 * rest of it
 */
#define KSFT_SKIP		4

unsigned int race_rounds(void)
{
	const char *rounds = getenv("RACE_ROUNDS");

	return rounds ? strtoul(rounds, NULL, 10) : 20;
}

/* Use abort(), since not every harness notices exit() in a TEST_F(). */
noreturn void die(const char *fmt, ...)
{
	int err = errno;
	va_list args;

	fputs("# ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (errno: %s)\n", strerror(err));
	abort();
}

long move_phys_pages(unsigned long count, const uint64_t *pages,
		     const int *nodes, int *status, int flags)
{
	long ret = syscall(__NR_move_phys_pages, count, pages, nodes, status,
			   flags);

	return ret == -1 ? -errno : ret;
}

#pragma weak runs_without_call
const bool runs_without_call;

/* Skip here, since a test that forgot to check for the call might pass. */
__attribute__((constructor)) static void skip_without_call(void)
{
	if (runs_without_call ||
	    move_phys_pages(0, NULL, NULL, NULL, 0) != ABSENT)
		return;
	puts("TAP version 13");
	puts("1..0 # SKIP needs CONFIG_MOVE_PHYS_PAGES");
	exit(KSFT_SKIP);
}

static void *alloc_array(unsigned long count, size_t size)
{
	void *mem = calloc(count ?: 1, size);

	if (!mem)
		die("no memory for %lu entries of %zu bytes", count, size);
	return mem;
}

struct request *request_new(unsigned long count)
{
	struct request *req = alloc_array(1, sizeof(*req));

	req->count = count;
	req->pages = alloc_array(count, sizeof(*req->pages));
	req->nodes = alloc_array(count, sizeof(*req->nodes));
	req->status = alloc_array(count, sizeof(*req->status));
	return req;
}

void request_free(struct request *req)
{
	free(req->pages);
	free(req->nodes);
	free(req->status);
	free(req);
}

void request_set(struct request *req, unsigned long i, uint64_t phys, int node)
{
	if (i >= req->count)
		die("there is no entry %lu in a request of %lu", i, req->count);
	req->pages[i] = phys;
	req->nodes[i] = node;
}

void request_set_pages(struct request *req, unsigned long first,
		       const char *mem, unsigned long pages, int node)
{
	unsigned long i;

	if (first + pages > req->count)
		die("there is no room for %lu entries in a request of %lu",
		    first + pages, req->count);
	phys_of_pages(0, mem, pages, req->pages + first);
	for (i = 0; i < pages; i++)
		req->nodes[first + i] = node;
}

static long request_call(struct request *req, const int *nodes, int flags)
{
	unsigned long i;

	for (i = 0; i < req->count; i++)
		req->status[i] = PRESET;
	return move_phys_pages(req->count, req->pages, nodes, req->status,
			       flags);
}

long request_move(struct request *req, int flags)
{
	return request_call(req, req->nodes, flags);
}

long request_query(struct request *req, int flags)
{
	return request_call(req, NULL, flags);
}

unsigned long request_count(const struct request *req, int status)
{
	unsigned long i, n = 0;

	for (i = 0; i < req->count; i++)
		n += req->status[i] == status;
	return n;
}

unsigned long request_failed(const struct request *req)
{
	return request_count(req, -EBUSY) + request_count(req, -ENOMEM) +
	       request_count(req, -EIO) + request_count(req, -EINVAL);
}

struct outcome move_one(uint64_t phys, int node, int flags)
{
	struct outcome out = { .status = PRESET };

	out.ret = move_phys_pages(1, &phys, &node, &out.status, flags);
	return out;
}

struct outcome query_one(uint64_t phys)
{
	struct outcome out = { .status = PRESET };

	out.ret = move_phys_pages(1, &phys, NULL, &out.status, 0);
	return out;
}

void read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		die("cannot open %s", path);
	while (len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0)
			die("cannot read %s", path);
		if (!n)
			break;
		len += n;
	}
	buf[len] = '\0';
	close(fd);
}

bool try_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, text, len) == len;
	close(fd);
	return written;
}

void read_choice(const char *path, char *choice, size_t size)
{
	char buf[128], *start, *end;

	read_file(path, buf, sizeof(buf));
	start = strchr(buf, '[');
	end = strchr(buf, ']');
	if (!start || !end)
		die("%s: %s", path, buf);
	snprintf(choice, size, "%.*s", (int)(end - start - 1), start + 1);
}

void write_file(const char *path, const char *text)
{
	if (!try_write_file(path, text))
		die("cannot write %s to %s", text, path);
}

void write_in(const char *dir, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], text[128];
	va_list args;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	write_file(path, text);
}

bool remove_cgroup(const char *dir)
{
	int tries = 1000;

	while (rmdir(dir)) {
		if (errno != EBUSY || !--tries)
			return false;
		usleep(1000);
	}
	return true;
}

void use_caps(uint64_t mask)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(__NR_capget, &header, data))
		die("cannot read the capabilities");
	data[0].effective = data[0].permitted & mask;
	data[1].effective = data[1].permitted & (mask >> 32);
	if (syscall(__NR_capset, &header, data))
		die("cannot change the capabilities");
}

int allowed_cpus(int *cpus, int max)
{
	cpu_set_t set;
	int cpu, n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("cannot read the CPU affinity");
	for (cpu = 0; cpu < CPU_SETSIZE && n < max; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot bind a task to CPU %d", cpu);
}

/* The file is a list such as 0-2,5 */
int memory_nodes(int *nodes, int max)
{
	char buf[1024], *pos = buf;
	long first, last;
	int n = 0;

	read_file("/sys/devices/system/node/has_memory", buf, sizeof(buf));
	while (*pos && *pos != '\n') {
		first = strtol(pos, &pos, 10);
		last = first;
		if (*pos == '-')
			last = strtol(pos + 1, &pos, 10);
		if (*pos == ',')
			pos++;
		for (; first <= last && n < max; first++)
			nodes[n++] = first;
	}
	return n;
}

int node_without_memory(void)
{
	int nodes[MAX_NODES];
	int n = memory_nodes(nodes, MAX_NODES);
	int i;

	for (i = 0; i < n && nodes[i] == i; i++)
		;
	return i;
}

int memory_blocks(int node, unsigned long *blocks, int max)
{
	struct dirent *entry;
	char path[80];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (n < max && (entry = readdir(dir)))
		n += sscanf(entry->d_name, "memory%lu", &blocks[n]) == 1;
	closedir(dir);
	return n;
}

uint64_t memory_block_size(void)
{
	static const char path[] = "/sys/devices/system/memory/block_size_bytes";
	char buf[64];

	if (access(path, R_OK))
		return 0;
	read_file(path, buf, sizeof(buf));
	return strtoull(buf, NULL, 16);
}

size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

bool has_hugetlb(void)
{
	return !access("/sys/kernel/mm/hugepages", F_OK);
}

size_t hugetlb_size(void)
{
	char buf[4096], *line;

	read_file("/proc/meminfo", buf, sizeof(buf));
	line = strstr(buf, "Hugepagesize:");
	if (!line)
		die("/proc/meminfo has no size of hugetlb pages");
	return strtoul(strchr(line, ':') + 1, NULL, 10) * 1024;
}

void hugetlb_pool(int node, unsigned long pages)
{
	char path[128], text[32];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%zukB/nr_hugepages",
		 node, hugetlb_size() / 1024);
	snprintf(text, sizeof(text), "%lu", pages);
	write_file(path, text);
}

/*
 * The size of the memory that one page table maps, even if this kernel has no
 * THPs
 */
size_t thp_size(void)
{
	const char *path = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
	char buf[64];

	if (access(path, R_OK))
		return page_size() / sizeof(uint64_t) * page_size();
	read_file(path, buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

/*
 * Reads from a file of /proc or /proc/PID that is an array of 64-bit words.
 * Returns the number of words that were read.
 */
static size_t read_words(const char *path, uint64_t index, uint64_t *words,
			 size_t count)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("cannot open %s", path);
	n = pread(fd, words, count * sizeof(*words), index * sizeof(*words));
	if (n < 0)
		die("cannot read word %llu of %s",
		    (unsigned long long)index, path);
	close(fd);
	return n / sizeof(*words);
}

void phys_of_pages(pid_t pid, const char *mem, size_t pages, uint64_t *phys)
{
	char path[64];
	size_t i;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid ?: getpid());
	if (read_words(path, (uintptr_t)mem / page_size(), phys, pages) !=
	    pages)
		die("%s has no entries for %zu pages at %p", path, pages, mem);
	for (i = 0; i < pages; i++) {
		if (!(phys[i] & PAGEMAP_PRESENT)) {
			phys[i] = 0;
			continue;
		}
		phys[i] &= PAGEMAP_PFN;
		if (!phys[i])
			die("%s hides physical addresses", path);
		phys[i] *= page_size();
	}
}

uint64_t phys_of(pid_t pid, const void *addr)
{
	uint64_t phys;

	phys_of_pages(pid, addr, 1, &phys);
	return phys ? phys + (uintptr_t)addr % page_size() : 0;
}

int node_of(pid_t pid, const void *addr)
{
	int status = PRESET;

	if (syscall(__NR_move_pages, pid, 1UL, &addr, NULL, &status, 0))
		die("move_pages cannot query %p of process %d", addr, pid);
	return status;
}

void nodes_of(pid_t pid, const void **addrs, size_t count, int *status)
{
	/* On 6.12, 32-bit callers get correct nodes for the first 16 pages only */
	const size_t most = sizeof(void *) < 8 ? 16 : count;
	size_t i, n;

	for (i = 0; i < count; i += n) {
		n = count - i < most ? count - i : most;
		if (syscall(__NR_move_pages, pid, n, addrs + i, NULL,
			    status + i, 0))
			die("move_pages cannot query %p of process %d",
			    addrs[i], pid);
	}
}

void nodes_of_pages(pid_t pid, const char *mem, size_t pages, int *status)
{
	const void **addrs = alloc_array(pages, sizeof(*addrs));
	size_t i;

	for (i = 0; i < pages; i++)
		addrs[i] = mem + i * page_size();
	nodes_of(pid, addrs, pages, status);
	free(addrs);
}

size_t count_on_node(pid_t pid, const char *mem, size_t pages, int node)
{
	int *status = alloc_array(pages, sizeof(*status));
	size_t i, n = 0;

	nodes_of_pages(pid, mem, pages, status);
	for (i = 0; i < pages; i++)
		n += status[i] == node;
	free(status);
	return n;
}

bool next_resource(const char *name, long *pos, uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/iomem", "re");
	unsigned long long first, last;
	bool found = false;
	char line[256];
	char *colon;

	if (!file || fseek(file, *pos, SEEK_SET))
		die("cannot read /proc/iomem");
	while (!found && fgets(line, sizeof(line), file)) {
		colon = strstr(line, " : ");
		found = colon && !strncmp(colon + 3, name, strlen(name)) &&
			sscanf(line, "%llx-%llx", &first, &last) == 2;
	}
	*pos = ftell(file);
	fclose(file);
	if (found) {
		*start = first;
		*end = last;
	}
	return found;
}

bool is_ram(uint64_t phys)
{
	uint64_t start, end;
	long pos = 0;

	while (next_resource("System RAM", &pos, &start, &end))
		if (phys >= start && phys <= end)
			return true;
	return false;
}

bool page_flags(uint64_t phys, uint64_t *flags)
{
	return read_words("/proc/kpageflags", phys / page_size(), flags, 1);
}

bool page_mapcount(uint64_t phys, uint64_t *count)
{
	return read_words("/proc/kpagecount", phys / page_size(), count, 1);
}

bool page_has(uint64_t phys, int kpf)
{
	uint64_t flags;

	return page_flags(phys, &flags) && flags & BIT(kpf);
}

/*
 * Do not use the size of kpageflags: on some kernels, it ends with memory of a
 * device at the end of the address space, and is mostly holes before that.
 */
uint64_t count_frames(void)
{
	uint64_t start, end, last = 0;
	long pos = 0;

	while (next_resource("System RAM", &pos, &start, &end))
		last = end > last ? end : last;
	return (last + 1) / page_size();
}

int open_file(enum memory kind, size_t size)
{
	int fd;

	if (kind == MEMFD)
		fd = memfd_create("move_phys_pages", MFD_CLOEXEC);
	else
		fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		die("cannot open a %s", kind == MEMFD ? "memfd" : "file");
	if (ftruncate(fd, size))
		die("cannot resize a file to %zu", size);
	return fd;
}

bool has_memfd(void)
{
	int fd = memfd_create("move_phys_pages", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Without CONFIG_SHMEM, ramfs takes the place of tmpfs, under the same name. */
bool has_shmem(void)
{
	struct statfs fs;
	int fd;

	if (!has_memfd())
		return false;
	fd = open_file(MEMFD, 0);
	if (fstatfs(fd, &fs))
		die("cannot find out the filesystem of a memfd");
	close(fd);
	return fs.f_type != RAMFS_MAGIC;
}

enum memory memfd_or_anon(void)
{
	return has_shmem() ? MEMFD : ANON;
}

static char *map(int flags, int fd, size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mem == MAP_FAILED)
		die("mmap of %zu bytes failed", size);
	/*
	 * Keep khugepaged away from base pages. The call fails without THP,
	 * which is fine.
	 */
	madvise(mem, size, MADV_NOHUGEPAGE);
	return mem;
}

char *map_file(int fd, size_t pages)
{
	return map(MAP_SHARED, fd, pages * page_size());
}

bool mount_temp(char dir[DIR_SIZE], const char *type, const char *options)
{
	snprintf(dir, DIR_SIZE, "/tmp/mpp-XXXXXX");
	if (!mkdtemp(dir))
		die("cannot create a directory in /tmp");
	if (!mount("none", dir, type, 0, options))
		return true;
	if (errno != ENODEV)
		die("cannot mount %s on %s", type, dir);
	rmdir(dir);
	return false;
}

bool unmount_temp(const char *dir)
{
	return !umount(dir) && !rmdir(dir);
}

char *map_temp(const char *dir, const char *name, size_t pages)
{
	char path[128], *mem;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, pages * page_size()))
		die("cannot create %s, or set its size", path);
	mem = map_file(fd, pages);
	close(fd);
	return mem;
}

char *map_memory(enum memory kind, size_t pages)
{
	size_t size = pages * page_size();
	char *mem;
	int fd;

	switch (kind) {
	case ANON:
		return map(MAP_PRIVATE | MAP_ANONYMOUS, -1, size);
	case SHMEM:
		return map(MAP_SHARED | MAP_ANONYMOUS, -1, size);
	default:
		fd = open_file(kind, size);
		mem = map_file(fd, pages);
		close(fd);
		return mem;
	}
}

static void bind_to(int node)
{
	unsigned long mask[MAX_NODES / (8 * sizeof(long))] = { 0 };
	const int bits = 8 * sizeof(long);

	mask[node / bits] |= 1UL << node % bits;
	/* The kernel uses one bit fewer than the last argument says */
	if (syscall(__NR_set_mempolicy, MPOL_BIND, mask, MAX_NODES + 1))
		die("cannot bind to node %d", node);
}

void touch_on(int node, char *mem, size_t size)
{
	size_t i;

	bind_to(node);
	for (i = 0; i < size; i += page_size())
		mem[i] = 1;
	if (syscall(__NR_set_mempolicy, MPOL_DEFAULT, NULL, 0))
		die("cannot reset the memory policy");
	i = size / page_size();
	if (count_on_node(0, mem, i, node) != i)
		die("not all %zu pages are on node %d", i, node);
}

char peek(const char *addr)
{
	return __atomic_load_n(addr, __ATOMIC_RELAXED);
}

char *alloc_memory(enum memory kind, int node, size_t pages, uint32_t seed)
{
	char *mem = map_memory(kind, pages);

	touch_on(node, mem, pages * page_size());
	fill(mem, pages * page_size(), seed);
	return mem;
}

char *alloc_thp(int node, uint32_t seed)
{
	size_t size = thp_size(), before;
	char *mem = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap of %zu bytes failed", 2 * size);
	before = -(uintptr_t)mem & (size - 1);
	if (before)
		munmap(mem, before);
	mem += before;
	munmap(mem + size, size - before);
	if (madvise(mem, size, MADV_HUGEPAGE))
		return NULL;
	touch_on(node, mem, size);
	if (!page_has(phys_of(0, mem), KPF_THP) ||
	    !page_has(phys_of(0, mem), KPF_COMPOUND_HEAD))
		return NULL;
	fill(mem, size, seed);
	return mem;
}

uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

void fill(void *mem, size_t size, uint32_t seed)
{
	uint32_t *word = mem;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		word[i] = next_random(&seed);
}

bool intact(const void *mem, size_t size, uint32_t seed)
{
	const uint32_t *word = mem;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		if (word[i] != next_random(&seed))
			return false;
	return true;
}

void shuffle(struct request *req, uint32_t seed)
{
	unsigned long i, j;
	uint64_t page;
	int node;

	for (i = req->count; i > 1; i--) {
		j = next_random(&seed) % i;
		page = req->pages[i - 1];
		node = req->nodes[i - 1];
		request_set(req, i - 1, req->pages[j], req->nodes[j]);
		request_set(req, j, page, node);
	}
}

struct job {
	void (*fn)(void *arg);
	void *arg;
	int done;
};

static int run_job(void *data)
{
	struct job *job = data;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	job->fn(job->arg);
	if (write(job->done, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void await_job(pid_t pid, int done)
{
	char byte;

	if (pid < 0)
		die("cannot create a process");
	if (read(done, &byte, 1) != 1)
		die("process %d failed before it was done", pid);
	close(done);
}

pid_t spawn(void (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };
	int done[2];
	pid_t pid;

	if (pipe(done))
		die("cannot create a pipe");
	job.done = done[1];
	pid = fork();
	if (!pid)
		run_job(&job);
	close(done[1]);
	await_job(pid, done[0]);
	return pid;
}

pid_t spawn_vm(void (*fn)(void *arg), void *arg)
{
	const size_t stack_size = 64 * 1024;
	struct job *job = alloc_array(1, sizeof(*job));
	char *stack = alloc_array(1, stack_size);
	int done[2];
	pid_t pid;

	if (pipe(done))
		die("cannot create a pipe");
	*job = (struct job){ .fn = fn, .arg = arg, .done = done[1] };
	pid = clone(run_job, stack + stack_size, CLONE_VM | SIGCHLD, job);
	close(done[1]);
	await_job(pid, done[0]);
	return pid;
}

static void do_nothing(void *arg)
{
}

static noreturn void report_and_sleep(int started)
{
	if (write(started, "", 1) != 1)
		_exit(1);
	for (;;)
		syscall(__NR_pause);
}

noreturn void sleep_with_user(enum mm_user user, int started)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	switch (user) {
	case USER_NONE:
		break;
	case USER_SIBLING:
		spawn_vm(do_nothing, NULL);
		break;
	case USER_VFORK:
		/* This process cannot go on before its child ends. */
		if (vfork())
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		break;
	case USER_VHOST:
		fd = open("/dev/vhost-net", O_RDWR);
		if (fd < 0 || ioctl(fd, VHOST_SET_OWNER))
			die("vhost has no owner");
	}
	report_and_sleep(started);
}

void reap(pid_t pid)
{
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		die("cannot end process %d", pid);
}

int exit_of(pid_t pid)
{
	int tries = 10000, how;

	while (!waitpid(pid, &how, WNOHANG))
		if (!--tries || usleep(1000))
			return -1;
	return how;
}

bool in_state(pid_t pid, char state)
{
	char path[64], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_file(path, stat, sizeof(stat));
	return strrchr(stat, ')')[2] == state;
}

void watch_missing(int uffd, const void *mem, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		die("cannot watch memory through userfaultfd");
}

unsigned long vmstat(const char *path, const char *name)
{
	size_t len = strlen(name);
	static char buf[1 << 16];
	char *line;

	read_file(path, buf, sizeof(buf));
	for (line = buf; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoul(line + len, NULL, 10);
	}
	die("%s has no %s", path, name);
}

unsigned long free_frames(void)
{
	static char buf[1 << 17];
	unsigned long sum = 0;
	char *line, *save;

	try_write_file("/proc/sys/vm/stat_refresh", "1");
	read_file("/proc/zoneinfo", buf, sizeof(buf));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " ");
		if (!strncmp(line, "nr_free_pages ", 14) ||
		    !strncmp(line, "count: ", 7))
			sum += strtoul(strchr(line, ' '), NULL, 10);
	}
	return sum;
}

/* move_pages(2) drains the batches first, even if no page has to move */
void drain_lru_batches(const char *page)
{
	int node = node_of(0, page);
	int status;

	if (syscall(__NR_move_pages, 0, 1UL, &page, &node, &status,
		    MPOL_MF_MOVE))
		die("move_pages cannot drain LRU batches, with %p on node %d",
		    page, node);
}

static unsigned long isolated_in(const char *path)
{
	return vmstat(path, "nr_isolated_anon") +
	       vmstat(path, "nr_isolated_file");
}

unsigned long isolated_pages(void)
{
	int nodes[MAX_NODES];
	int n = memory_nodes(nodes, MAX_NODES);
	int tries = 1000;
	unsigned long sum;
	char path[64];
	int i;

	/*
	 * Compaction and reclaim also isolate pages, but only for a moment, so
	 * retry
	 */
	do {
		/* A write adds the per-CPU counters to the totals */
		try_write_file("/proc/sys/vm/stat_refresh", "1");
		sum = isolated_in("/proc/vmstat");
		for (i = 0; i < n; i++) {
			snprintf(path, sizeof(path),
				 "/sys/devices/system/node/node%d/vmstat",
				 nodes[i]);
			sum += isolated_in(path);
		}
	} while (sum && --tries && !usleep(1000));
	return sum;
}

int ring_pin(void *mem, size_t size)
{
	struct iovec iov = { .iov_base = mem, .iov_len = size };
	struct io_uring_params params = { 0 };
	int ring = syscall(__NR_io_uring_setup, 1, &params);

	if (ring < 0)
		return -1;
	if (syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		    &iov, 1))
		die("cannot register %p as a buffer", mem);
	return ring;
}

void ring_unpin(int ring)
{
	/* close() would unregister the buffer, too, but later */
	if (syscall(__NR_io_uring_register, ring, IORING_UNREGISTER_BUFFERS,
		    NULL, 0))
		die("cannot unregister a buffer");
	close(ring);
}
