// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a cgroup: --cgroup
 *
 * Those are the ones that are charged to it, as /proc/kpagecgroup tells by frame
 * number: no process has to be found and searched, none can exit meanwhile, and
 * what several of them share is there once.
 */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "movephys.h"

static struct frame_file kpagecgroup;
static __u64 *inodes;		/* of the cgroup and all below it */
static size_t nr_inodes;

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
	if (type != FTW_D)
		return 0;
	more = reallocarray(inodes, nr_inodes + 1, sizeof(*inodes));
	if (!more)
		return -1;
	inodes = more;
	inodes[nr_inodes++] = st->st_ino;
	return 0;
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

bool cgroup_open(const char *path)
{
	if (!has(path, "cgroup.procs")) {
		complain("%s is no cgroup: they are directories below /sys/fs/cgroup",
			 path);
		return false;
	}
	if (!has(path, "memory.stat")) {
		complain("%s has no memory: write +memory to its parent's cgroup.subtree_control",
			 path);
		return false;
	}
	nr_inodes = 0;
	if (nftw(path, note_inode, 16, FTW_PHYS)) {
		complain("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	qsort(inodes, nr_inodes, sizeof(*inodes), compare);
	return kpagecgroup.path ||
	       frame_file_open(&kpagecgroup, "/proc/kpagecgroup");
}

size_t cgroup_select(__u64 *pages, size_t count)
{
	size_t n = 0;

	kpagecgroup.known = 0;
	for (size_t i = 0; i < count; i++) {
		__u64 inode = frame_entry(&kpagecgroup, pages[i] / page_size);

		if (bsearch(&inode, inodes, nr_inodes, sizeof(inode), compare))
			pages[n++] = pages[i];
	}
	return n;
}
