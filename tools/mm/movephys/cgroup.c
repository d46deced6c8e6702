// SPDX-License-Identifier: GPL-2.0-only
/*
 * The folios of a cgroup are those that are charged to it. /proc/kpagecgroup has the
 * inode number of the cgroup for each frame. Processes are not searched, so it does not
 * matter if they exit, and a folio that several processes share is found once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "frames.h"

#define TRIES	20		/* to walk over cgroups */

static __u64 *inodes;		/* of the cgroup and all cgroups below it */
static size_t nr_inodes;

bool cgroup_walk(const char *path, void (*forget)(void),
		 int (*visit)(const char *path, const struct stat *st, int type,
			      struct FTW *ftw))
{
	for (int try = 1; ; try++) {
		forget();
		if (!nftw(path, visit, 16, FTW_PHYS))
			return true;
		/* nftw() fails if a directory is removed just before nftw() opens it. */
		if (stopped || errno != ENOENT || try == TRIES)
			return false;
	}
}

static int compare(const void *a, const void *b)
{
	__u64 one = *(const __u64 *)a, two = *(const __u64 *)b;

	return (one > two) - (one < two);
}

static int note_inode(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	__u64 *more;

	(void)path;
	(void)ftw;
	if (stopped) {
		errno = EINTR;
		return -1;
	}
	if (type != FTW_D)
		return 0;
	more = reallocarray(inodes, nr_inodes + 1, sizeof(*inodes));
	if (!more)
		return -1;
	inodes = more;
	inodes[nr_inodes++] = st->st_ino;
	return 0;
}

static void forget_inodes(void)
{
	nr_inodes = 0;
}

/* nftw() does not follow a symbolic link, so resolve the path first. False with errno. */
static bool note_inodes(const char *path)
{
	char *real = realpath(path, NULL);
	bool noted = real && cgroup_walk(real, forget_inodes, note_inode);

	free(real);
	return noted;
}

static bool has(const char *path, const char *file)
{
	struct stat st;
	char *name;
	bool found;

	if (asprintf(&name, "%s/%s", path, file) < 0)
		return false;
	found = !stat(name, &st);
	free(name);
	return found;
}

bool cgroup_open(const char *path, bool again)
{
	bool found = has(path, "cgroup.procs"), charged = has(path, "memory.stat");

	/*
	 * A service that is stopped has no cgroup, and will have a new one. The cgroup may
	 * be removed, or be made, at any time between two looks at it.
	 */
	if (again && !(found && charged)) {
		forget_inodes();
		return true;
	}
	if (!found) {
		complain("%s is not a cgroup: cgroups are directories below /sys/fs/cgroup",
			 path);
		return false;
	}
	if (!charged) {
		complain("%s lacks the memory controller: write +memory to its parent's cgroup.subtree_control",
			 path);
		return false;
	}
	if (!note_inodes(path)) {
		if (again && errno == ENOENT && !has(path, "cgroup.procs")) {
			forget_inodes();
			return true;
		}
		if (!stopped)
			complain("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	qsort(inodes, nr_inodes, sizeof(*inodes), compare);
	if (frames_readable(KPAGECGROUP))
		return true;
	complain("cannot open %s: %s", frames_path(KPAGECGROUP), strerror(errno));
	return false;
}

void cgroup_select(struct batch *batch)
{
	size_t nr = 0;

	for (size_t i = 0; i < batch->nr && !stopped; i++) {
		__u64 inode = frames_entry(KPAGECGROUP, batch->folios[i].head);

		if (bsearch(&inode, inodes, nr_inodes, sizeof(inode), compare))
			batch->folios[nr++] = batch->folios[i];
	}
	batch->nr = nr;
}
