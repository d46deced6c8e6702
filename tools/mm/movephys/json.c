// SPDX-License-Identifier: GPL-2.0-only
/* What programs are told: one JSON object a line, the summary being the last. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "movephys.h"

static void add(struct json_object *object, const char *key, __u64 value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

/* A status that no kernel has today is told as its number. */
static struct json_object *name_of(int status)
{
	const char *name = strerrorname_np(-status);

	return name ? json_object_new_string(name) : json_object_new_int(status);
}

void json_row(__u64 page, int status)
{
	struct json_object *row = json_object_new_object();
	char address[32];

	snprintf(address, sizeof(address), "0x%llx", page);
	json_object_object_add(row, "address", json_object_new_string(address));
	if (status < 0)
		json_object_object_add(row, "refused", name_of(status));
	else
		add(row, "node", status);
	print(row);
}

/* The nodes that have any, as keys, which are strings in JSON */
static void add_nodes(struct json_object *object, const char *key,
		      const __u64 *counts)
{
	struct json_object *nodes = json_object_new_object();
	char node[16];

	for (int i = 0; i < MAX_NODES; i++) {
		if (!counts[i])
			continue;
		snprintf(node, sizeof(node), "%d", i);
		add(nodes, node, counts[i]);
	}
	json_object_object_add(object, key, nodes);
}

static void add_refused(struct json_object *object)
{
	struct json_object *refused = json_object_new_object();

	for (size_t i = 0; i < MEANINGS; i++) {
		const char *name = strerrorname_np(-meanings[i].status);
		struct json_object *known;

		if (!tally.refused[i])
			continue;
		if (!meanings[i].status)
			name = "unknown";
		known = json_object_object_get(refused, name);
		add(refused, name, tally.refused[i] +
		    (known ? json_object_get_uint64(known) : 0));
	}
	json_object_object_add(object, "refused", refused);
}

void json_summary(void)
{
	struct json_object *summary = json_object_new_object();

	add(summary, "page_size", page_size);
	add_nodes(summary, "found", tally.found);
	if (!opt.query)
		add(summary, "already_there", tally.there);
	if (!opt.query && !opt.dry_run) {
		add_nodes(summary, "moved", tally.moved);
		add(summary, "calls", tally.calls);
		add(summary, "longest_call_us", tally.longest * 1e6);
	}
	add_refused(summary);
	if (opt.perf)
		add(summary, "samples_without_address", tally.nowhere);
	print(summary);
}
