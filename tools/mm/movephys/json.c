// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for programs: one JSON object on each line, with the name of the event as
 * "event". movephys.schema.json describes them, and movephys(8) says what may change.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "report.h"
#include "status.h"
#include "targets.h"

#define SCHEMA	1

static void add(struct json_object *object, const char *key, __u64 value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *object, const char *key,
		     const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/* Returns the length of the character of UTF-8 that the text begins with, or 0 if it has none. */
static size_t character(const char *text)
{
	static const __u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t len = 0;
	__u32 code;

	/* The first byte of a character of several bytes begins with as many ones. */
	while (bytes[0] << len & 0x80)
		len++;
	if (!len)
		return 1;
	if (len == 1 || len > 4)
		return 0;
	code = bytes[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	/* UTF-8 has no longer form than needed, and no surrogates. */
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

/*
 * Add the name of a file. It may have any bytes, but JSON is UTF-8, so replace each byte
 * that is in no character by U+FFFD.
 */
static void add_name(struct json_object *object, const char *key, const char *name)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *text = calloc(strlen(name) + 1, strlen(replacement)), *end = text;

	for (size_t len; text && *name; name += len ?: 1) {
		len = character(name);
		end = len ? mempcpy(end, name, len) : stpcpy(end, replacement);
	}
	add_text(object, key, text ?: "");
	free(text);
}

/* Print microseconds, as gettimeofday() gives them. Elapsed times need no more digits. */
static void add_seconds(struct json_object *object, const char *key,
			double seconds)
{
	char text[64];

	snprintf(text, sizeof(text), "%.6f", seconds);
	json_object_object_add(object, key,
			       json_object_new_double_s(seconds, text));
}

static struct json_object *new_event(const char *name)
{
	struct json_object *event = json_object_new_object();

	add_text(event, "event", name);
	return event;
}

/* Seconds since 1970, as in date +%s.%N */
static void add_time(struct json_object *event)
{
	struct timeval time;

	gettimeofday(&time, NULL);
	add_seconds(event, "time", time.tv_sec + time.tv_usec / 1e6);
}

static void print(struct json_object *event)
{
	progress_clear();
	puts(json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(event);
}

static void print_now(struct json_object *event)
{
	print(event);
	fflush(stdout);
}

static const char *kind(void)
{
	if (command.status)
		return "status";
	return command.query ? "query" : command.dry_run ? "dry-run" : "move";
}

static void add_targets(struct json_object *event)
{
	struct json_object *targets = json_object_new_array();

	for (int i = 0; i < targets_all()->nr; i++)
		json_object_array_add(targets,
				      json_object_new_int(targets_all()->nodes[i]));
	json_object_object_add(event, "targets", targets);
}

void json_start(void)
{
	struct json_object *event = new_event("start");

	add(event, "schema", SCHEMA);
	add_text(event, "version", VERSION);
	add_time(event);
	add_text(event, "command", kind());
	if (command.to)
		add_targets(event);
	add(event, "page_size", page_size);
	add(event, "jobs", command.jobs);
	json_object_object_add(event, "sizes_known",
			       json_object_new_boolean(batch_sizes_known()));
	print_now(event);
}

static void add_status(struct json_object *event, enum cause cause)
{
	if (causes[cause].status)
		add_text(event, "status", strerrorname_np(-causes[cause].status));
	add_text(event, "cause", causes[cause].name);
}

void json_page(__u64 address, int node, enum cause cause)
{
	struct json_object *event = new_event("page");
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", address);
	add_text(event, "address", text);
	if (node >= 0)
		add(event, "node", node);
	else
		add_status(event, cause);
	print(event);
}

/* Without sizes, folios are unknown, too: count addresses. */
static void fill_amount(struct json_object *object, const struct amount *amount)
{
	if (!batch_sizes_known()) {
		add(object, "addresses", amount->folios);
		return;
	}
	add(object, "folios", amount->folios);
	add(object, "bytes", amount->pages * page_size);
}

static void add_amount(struct json_object *event, const char *key,
		       const struct amount *amount)
{
	struct json_object *object = json_object_new_object();

	fill_amount(object, amount);
	json_object_object_add(event, key, object);
}

/* Add an object whose keys are the nodes with an amount. In JSON, keys are strings. */
static void add_nodes(struct json_object *event, const char *key,
		      const struct amount *amounts)
{
	struct json_object *nodes = json_object_new_object();
	char node[16];

	for (int i = 0; i < MAX_NODES; i++) {
		if (!amounts[i].folios)
			continue;
		snprintf(node, sizeof(node), "%d", i);
		add_amount(nodes, node, &amounts[i]);
	}
	json_object_object_add(event, key, nodes);
}

static void add_refused(struct json_object *event)
{
	struct json_object *refused = json_object_new_array();

	for (size_t i = 0; i < NR_CAUSES; i++) {
		struct json_object *part;

		if (!tally.refused[i].folios)
			continue;
		part = json_object_new_object();
		add_status(part, i);
		fill_amount(part, &tally.refused[i]);
		json_object_array_add(refused, part);
	}
	json_object_object_add(event, "refused", refused);
}

void json_progress(void)
{
	struct json_object *event = new_event("progress");

	add(event, "round", tally.round);
	add_time(event);
	add_seconds(event, "elapsed", now() - tally.began);
	add(event, "pages_done", tally.done);
	if (tally.total)
		add(event, "pages_total", tally.total);
	add_amount(event, moves() ? "moved" : "found",
		   moves() ? &tally.all_moved : &tally.all_found);
	print_now(event);
}

static void add_idle(struct json_object *object, const struct status *status,
		     const struct node_status *node)
{
	struct json_object *idle = json_object_new_array();

	for (size_t i = 0; i < status->nr_times; i++) {
		struct json_object *part = json_object_new_object();

		add(part, "seconds", status->times[i]);
		add(part, "bytes", node->idle[i]);
		json_object_array_add(idle, part);
	}
	json_object_object_add(object, "idle", idle);
}

static void add_node_statuses(struct json_object *event, const struct status *status)
{
	struct json_object *nodes = json_object_new_array();

	for (size_t i = 0; i < status->nr_nodes; i++) {
		const struct node_status *node = &status->nodes[i];
		struct json_object *object = json_object_new_object();

		add(object, "node", node->node);
		if (node->speed.tier >= 0)
			add(object, "tier", node->speed.tier);
		if (node->speed.distance >= 0)
			add(object, "distance", node->speed.distance);
		add(object, "size", node->size.total);
		add(object, "free", node->size.free);
		if (status->nr_times)
			add_idle(object, status, node);
		json_object_array_add(nodes, object);
	}
	json_object_object_add(event, "nodes", nodes);
}

void json_status(const struct status *status)
{
	struct json_object *event = new_event("status");
	struct json_object *cgroups = json_object_new_array();
	char number[16];

	add_time(event);
	add_node_statuses(event, status);
	for (size_t i = 0; i < status->nr_cgroups; i++) {
		struct json_object *object = json_object_new_object();
		struct json_object *on = json_object_new_object();

		add_name(object, "path", status->cgroups[i].path);
		for (size_t j = 0; j < status->nr_nodes; j++) {
			snprintf(number, sizeof(number), "%d", status->nodes[j].node);
			add(on, number, status->cgroups[i].on[j]);
		}
		json_object_object_add(object, "on", on);
		json_object_array_add(cgroups, object);
	}
	json_object_object_add(event, "cgroups", cgroups);
	print_now(event);
}

void json_end(int status)
{
	struct json_object *event = new_event("end");
	const char *signal = stopped ? sigabbrev_np(stopped) : NULL;
	char name[16];

	add_time(event);
	add(event, "exit_status", status);
	if (signal) {
		snprintf(name, sizeof(name), "SIG%s", signal);
		add_text(event, "signal", name);
	}
	print_now(event);
}

void json_round(void)
{
	static const char *const endings[] = {
		[COMPLETE] = "complete",
		[LIMIT] = "limit",
		[ALL_FULL] = "no-room",
		[SIGNALLED] = "signal",
		[SOURCE_FAILED] = "source-failed",
		[CALL_FAILED] = "call-failed",
		[OUTPUT_FAILED] = "output-failed",
	};
	struct json_object *event = new_event("round");

	add(event, "round", tally.round);
	add_time(event);
	add_seconds(event, "elapsed", tally.elapsed);
	add_text(event, "ended", endings[tally.ending]);
	add_nodes(event, "found", tally.found);
	if (!command.query)
		add_amount(event, "already_there", &tally.there);
	if (moves()) {
		add_nodes(event, "moved", tally.moved);
		add(event, "calls", tally.calls);
		add(event, "longest_call_us", tally.longest * 1e6);
	}
	add_refused(event);
	if (command.perf)
		add(event, "samples_without_address", tally.without_address);
	print_now(event);
}
