/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * @has mm/internal.h struct migration_target_control [{][^}]* reason;
 *
 * @reason came with "mm: record the migration reason for struct
 * migration_target_control". It says whether a huge page may come from another
 * node, which __GFP_THISNODE forbids anyway.
 */
#include <linux/build_bug.h>
#include <linux/migrate_mode.h>
#include <linux/nodemask.h>

#include "../mm/internal.h"

/* What this kernel knows comes first, so that it can be given this one. */
struct compat_migration_target_control {
	int nid;
	nodemask_t *nmask;
	gfp_t gfp_mask;
	enum migrate_reason reason;
};

static_assert(offsetof(struct migration_target_control, nid) ==
	      offsetof(struct compat_migration_target_control, nid));
static_assert(offsetof(struct migration_target_control, nmask) ==
	      offsetof(struct compat_migration_target_control, nmask));
static_assert(offsetof(struct migration_target_control, gfp_mask) ==
	      offsetof(struct compat_migration_target_control, gfp_mask));

#define migration_target_control	compat_migration_target_control
