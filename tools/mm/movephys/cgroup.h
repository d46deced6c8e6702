/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups: the directories below one, and the folios that are charged to them */
#ifndef MOVEPHYS_CGROUP_H
#define MOVEPHYS_CGROUP_H

#include <ftw.h>

#include "batch.h"

/*
 * Visit the directory and all below it, as nftw() does. If a cgroup is removed during the
 * walk, begin again, after @forget has dropped what was found. False with errno.
 */
bool cgroup_walk(const char *path, void (*forget)(void),
		 int (*visit)(const char *path, const struct stat *st, int type,
			      struct FTW *ftw));

/*
 * Keep only the folios that are charged to the cgroup, or to one below it. It must exist,
 * unless it is opened @again. False after a message.
 */
bool cgroup_open(const char *path, bool again);
void cgroup_select(struct batch *batch);

#endif
