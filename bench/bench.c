// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what moves by physical address cost, and what other ways to move the
 * same pages cost in the same boot.
 *
 * bench PART...
 *
 * REPEAT=N in the environment multiplies the rounds by N.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "bench.h"

#define THREADS	20

unsigned int repeat = 1;

uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void *alloc(size_t n, size_t size)
{
	void *mem = calloc(n, size);

	if (!mem)
		die("no memory for %zu", n * size);
	return mem;
}

void run_thread_on(pthread_t thread, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (pthread_setaffinity_np(thread, sizeof(cpus), &cpus))
		die("there is no CPU %d", cpu);
}

int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void min_nodes(int *nodes, int n)
{
	int found = memory_nodes(nodes, n);

	if (found < n)
		die("needs %d nodes with memory, there are %d", n, found);
}

static void *wait_for_signal(void *arg)
{
	pause();
	return NULL;
}

void have_threads(void)
{
	pthread_t id;
	int t;

	for (t = 1; t < THREADS; t++)
		if (pthread_create(&id, NULL, wait_for_signal, NULL))
			die("no thread");
}

/* Results */

struct json_object *result_new(const char *kind)
{
	struct json_object *result = json_object_new_object();

	add_string(result, "kind", kind);
	return result;
}

void result_put(struct json_object *result)
{
	puts(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(result);
}

void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

void add_number(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

/*
 * Returns what runs the guest's instructions, from the CPUID leaf for
 * hypervisors
 */
static const char *accelerator(void)
{
#ifdef __x86_64__
	unsigned int eax, id[3];

	__cpuid(0x40000000, eax, id[0], id[1], id[2]);
	if (!memcmp(id, "KVMKVMKVM", 9))
		return "KVM";
	if (!memcmp(id, "TCGTCGTCG", 9))
		return "TCG";
#endif
	return "unknown";
}

static void tell_boot(void)
{
	struct json_object *boot = result_new("boot");
	struct utsname uts;

	uname(&uts);
	add_string(boot, "release", uts.release);
	add_string(boot, "machine", uts.machine);
	add_string(boot, "accelerator", accelerator());
	add_number(boot, "repeat", repeat);
	result_put(boot);
}

/*
 * Use a process for each part, so that none depends on the address space of the
 * one before.
 */
static void run(void (*part)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		part();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		exit(1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "copy", bench_copy },
		{ "moves", bench_moves },
		{ "daemon", bench_daemon },
		{ "scratch", bench_scratch },
		{ "tasks", bench_tasks },
		{ "pauses", bench_pauses },
	};
	size_t i;
	int arg;

	if (getenv("REPEAT"))
		repeat = strtoul(getenv("REPEAT"), NULL, 0);
	tell_boot();
	for (arg = 1; arg < argc; arg++) {
		for (i = 0; i < ARRAY_SIZE(parts); i++)
			if (!strcmp(argv[arg], parts[i].name))
				break;
		if (i == ARRAY_SIZE(parts))
			die("there is no part %s", argv[arg]);
		run(parts[i].run);
	}
	return 0;
}
