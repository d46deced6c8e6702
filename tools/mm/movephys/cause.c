// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cause.h"
#include "command.h"
#include "frames.h"
#include "move_phys_pages.h"

const struct cause_text causes[NR_CAUSES] = {
	[UNMAPPED] = { -ENOENT, "unmapped", NULL },
	[ZERO_PAGE] = { -EFAULT, "zero-page", "the zero page, which never moves" },
	[UNMOVABLE] = { -EFAULT, "unmovable",
		"in a mapping that cannot migrate (a driver's, or secret memory)" },
	[ZERO_OR_UNMOVABLE] = { -EFAULT, "zero-page-or-unmovable", NULL },
	[SHARED] = { -EACCES, "shared",
		"mapped by several processes: --all moves them" },
	[CPUSET] = { -EACCES, "cpuset",
		"kept from the node by the process's cpuset" },
	[CPUSET_OR_LSM] = { -EACCES, "cpuset-or-lsm",
		"kept from the node by a cpuset or the security module" },
	[POLICY_OR_LSM] = { -EACCES, "policy-or-lsm",
		"kept from the node by a memory policy (--strict) or the security module" },
	[CPUSET_POLICY_OR_LSM] = { -EACCES, "cpuset-policy-or-lsm",
		"kept from the node by a cpuset, memory policy (--strict) or the security module" },
	[LSM] = { -EACCES, "lsm", "refused by the security module" },
	[SHARED_OR_DENIED] = { -EACCES, "shared-or-denied", NULL },
	[BUSY] = { -EBUSY, "busy", NULL },
	[NO_ROOM] = { -ENOMEM, "no-room", NULL },
	[WRITE_FAILED] = { -EIO, "write-failed", NULL },
	[DIRTY] = { -EINVAL, "dirty", NULL },
	[UNKNOWN_CAUSE] = { 0, "unknown",
		"refused for a reason that this movephys does not know" },
};

/* By node: 1 if a cpuset keeps the process of --pid from it, -1 if not, 0 if unknown */
static signed char cpuset_denies[MAX_NODES];

const char *cause_words(enum cause cause)
{
	return causes[cause].words ?:
	       move_phys_pages_strstatus(causes[cause].status);
}

void cause_forget(void)
{
	memset(cpuset_denies, 0, sizeof(cpuset_denies));
}

/* Is the number in a list such as "0,2-3"? */
static bool in_list(const char *list, int number)
{
	int first, last, used;

	while (sscanf(list, "%d%n", &first, &used) == 1) {
		list += used;
		last = first;
		if (sscanf(list, "-%d%n", &last, &used) == 1)
			list += used;
		if (first <= number && number <= last)
			return true;
		if (*list++ != ',')
			break;
	}
	return false;
}

/* 1 if the thread's cpuset denies the node, -1 if it does not, 0 if it has exited */
static int thread_denies(const char *thread, int node)
{
	static const char key[] = "Mems_allowed_list:";
	char path[64], line[8192];
	int denies = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%ld/task/%.16s/status", command.pid,
		 thread);
	status = fopen(path, "re");
	if (!status)
		return 0;
	while (!denies && fgets(line, sizeof(line), status))
		if (!strncmp(line, key, strlen(key)))
			denies = in_list(line + strlen(key), node) ? -1 : 1;
	fclose(status);
	return denies;
}

static bool some_thread_denies(int node)
{
	struct dirent *entry;
	bool denied = false;
	char path[32];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", command.pid);
	tasks = opendir(path);
	while (tasks && !stopped && !denied && (entry = readdir(tasks)))
		denied = isdigit((unsigned char)entry->d_name[0]) &&
			 thread_denies(entry->d_name, node) > 0;
	if (tasks)
		closedir(tasks);
	return denied;
}

static bool process_denies(int node)
{
	if (!cpuset_denies[node])
		cpuset_denies[node] = some_thread_denies(node) ? 1 : -1;
	return cpuset_denies[node] > 0;
}

/* Without --all, assume that a page which is mapped more than once is shared. */
static enum cause why_denied(const struct folio *folio, int node)
{
	bool counted = frames_readable(KPAGECOUNT);
	__u64 count = frames_entry(KPAGECOUNT, folio->address / page_size);

	if (!command.all && !counted)
		return SHARED_OR_DENIED;
	if (!command.all && count > 1)
		return SHARED;
	if (command.pid == NOT_GIVEN || node < 0)
		return command.strict ? CPUSET_POLICY_OR_LSM : CPUSET_OR_LSM;
	if (process_denies(node))
		return CPUSET;
	/* The cpuset of another process matters only if that process maps the page, too. */
	if (!counted || count > 1)
		return command.strict ? CPUSET_POLICY_OR_LSM : CPUSET_OR_LSM;
	return command.strict ? POLICY_OR_LSM : LSM;
}

enum cause cause_of(int status, const struct folio *folio, int node)
{
	switch (status) {
	case -ENOENT:
		return UNMAPPED;
	case -EFAULT:
		if (!frames_readable(KPAGEFLAGS))
			return ZERO_OR_UNMOVABLE;
		return frames_zero_page(folio->address / page_size) ?
		       ZERO_PAGE : UNMOVABLE;
	case -EACCES:
		return why_denied(folio, node);
	case -EBUSY:
		return BUSY;
	case -ENOMEM:
		return NO_ROOM;
	case -EIO:
		return WRITE_FAILED;
	case -EINVAL:
		return DIRTY;
	}
	return UNKNOWN_CAUSE;
}
