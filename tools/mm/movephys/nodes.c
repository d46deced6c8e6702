// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

#define SYSFS "/sys/devices/system/node"
#define HAS_MEMORY SYSFS "/has_memory"
#define HAS_CPU SYSFS "/has_cpu"
#define ONLINE SYSFS "/online"
#define POSSIBLE SYSFS "/possible"

/* Suppress libnuma's messages, which name neither the option nor what to do. */
void numa_warn(int number, char *format, ...)
{
	(void)number;
	(void)format;
}

/* Parse a list of numbers and ranges, such as "0,2-3". */
static bool parse_list(const char *text, struct nodes *nodes)
{
	unsigned long first, last;
	char *end;

	memset(nodes, 0, sizeof(*nodes));
	do {
		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (first > last || last >= MAX_NODES)
			return false;
		while (first <= last)
			nodes->has[first++] = true;
		text = end + 1;
	} while (*end == ',');
	return !*end;
}

static bool read_nodes(const char *path, struct nodes *nodes)
{
	FILE *file = fopen(path, "re");
	bool parsed = false;
	char *line = NULL;
	size_t size = 0;

	memset(nodes, 0, sizeof(*nodes));
	if (!file)
		return false;
	errno = EINVAL;
	if (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		parsed = parse_list(line, nodes);
	}
	fclose(file);
	free(line);
	return parsed;
}

static bool need_nodes(const char *path, struct nodes *nodes)
{
	if (read_nodes(path, nodes))
		return true;
	complain("cannot read %s: %s: is sysfs mounted on /sys?", path, strerror(errno));
	return false;
}

bool nodes_with_memory(struct nodes *nodes)
{
	return need_nodes(HAS_MEMORY, nodes);
}

const char *nodes_listed(const int *list, int nr)
{
	static char texts[2][6 * MAX_NODES + 1];
	static bool second;
	char *text = texts[second];
	size_t len = 0;

	second = !second;
	*text = '\0';
	for (int i = 0; i < nr && len < sizeof(texts[0]); i++)
		len += snprintf(text + len, sizeof(texts[0]) - len, "%s%d",
				i ? ", " : "", list[i]);
	return text;
}

static int listed(const struct nodes *nodes, int list[MAX_NODES])
{
	int nr = 0;

	for (int node = 0; node < MAX_NODES; node++)
		if (nodes->has[node])
			list[nr++] = node;
	return nr;
}

const char *nodes_known(void)
{
	static int list[MAX_NODES];
	struct nodes nodes;

	if (!read_nodes(HAS_MEMORY, &nodes))
		return "unknown, as " HAS_MEMORY " cannot be read";
	return nodes_listed(list, listed(&nodes, list));
}

static bool among(int node, const int *list, int nr)
{
	for (int i = 0; i < nr; i++)
		if (list[i] == node)
			return true;
	return false;
}

/* Appends the nodes with memory that @text names; returns how many there are, or -1. */
static int append(const struct nodes *with_memory, const char *text,
		  int list[MAX_NODES], int nr)
{
	struct bitmask *mask = numa_parse_nodestring_all(text);

	if (!mask)
		return -1;
	for (int node = 0; node < MAX_NODES; node++)
		if (with_memory->has[node] &&
		    numa_bitmask_isbitset(mask, node) && !among(node, list, nr))
			list[nr++] = node;
	numa_bitmask_free(mask);
	return nr;
}

/* False if @text is not a list. Then @nodes has none. */
static bool named(const char *text, struct nodes *nodes)
{
	struct bitmask *mask = numa_parse_nodestring_all(text);

	memset(nodes, 0, sizeof(*nodes));
	if (!mask)
		return false;
	for (int node = 0; node < MAX_NODES; node++)
		nodes->has[node] = numa_bitmask_isbitset(mask, node);
	numa_bitmask_free(mask);
	return true;
}

int nodes_parse(const char *option, const char *text, int list[MAX_NODES])
{
	char *copy = strdup(text), *rest = copy, *part;
	const char *culprit = text;
	struct nodes with_memory, whole;
	int nr = 0;

	if (!nodes_with_memory(&with_memory)) {
		free(copy);
		return -1;
	}
	/*
	 * Parse each part alone, since libnuma does not keep their order. In "!2,3", which
	 * means all nodes but these, order does not matter.
	 */
	if (!copy || *copy == '!')
		nr = append(&with_memory, text, list, 0);
	else
		while (nr >= 0 && (part = strsep(&rest, ","))) {
			nr = append(&with_memory, part, list, nr);
			if (nr < 0)
				culprit = part;
		}
	/* Each part of "0,!1" and "0," is a list, but the whole is not. */
	if (nr > 0 && !named(text, &whole))
		nr = -1;
	if (nr <= 0)
		complain("%s takes nodes with memory, such as %s, not '%s'",
			 option, nodes_known(), culprit);
	free(copy);
	return nr > 0 ? nr : -1;
}

bool nodes_possible(const char *option, const char *text, struct nodes *nodes)
{
	struct nodes possible;
	bool some = false, other = false;

	if (!need_nodes(POSSIBLE, &possible))
		return false;
	/* libnuma refuses nodes that sysfs does not show before their memory comes online. */
	if (!parse_list(text, nodes))
		named(text, nodes);
	for (int node = 0; node < MAX_NODES; node++) {
		some |= nodes->has[node];
		other |= nodes->has[node] && !possible.has[node];
	}
	if (some && !other)
		return true;
	complain("%s takes nodes of " POSSIBLE ", not '%s'", option, text);
	return false;
}

#define TIERS	"/sys/devices/virtual/memory_tiering"

/* Stores the memory tier of each node that has one. Returns the number of tiers. */
static int read_tiers(struct speed speeds[MAX_NODES])
{
	DIR *dir = opendir(TIERS);
	struct dirent *entry;
	int nr = 0, tier;

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(TIERS) + 64];
		struct nodes nodes;

		if (sscanf(entry->d_name, "memory_tier%d", &tier) != 1)
			continue;
		snprintf(path, sizeof(path), TIERS "/memory_tier%d/nodelist", tier);
		if (!read_nodes(path, &nodes))
			continue;
		nr++;
		for (int node = 0; node < MAX_NODES; node++)
			if (nodes.has[node])
				speeds[node].tier = tier;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* The file has a number for each node that is online. Returns 0 if the distance is unknown. */
static int read_distance(int from, int to)
{
	char path[sizeof(SYSFS) + 64];
	struct nodes online;
	int distance = 0;
	FILE *file;

	snprintf(path, sizeof(path), SYSFS "/node%d/distance", from);
	file = read_nodes(ONLINE, &online) && online.has[to] ? fopen(path, "re") : NULL;
	for (int node = 0; file && node <= to; node++)
		if (online.has[node] && fscanf(file, "%d", &distance) != 1)
			distance = 0;
	if (file)
		fclose(file);
	return distance;
}

/* libnuma reads distances once, before some nodes may have come online. */
static int distance_of(int from, int to)
{
	return numa_distance(from, to) ?: read_distance(from, to);
}

bool nodes_speeds(struct speed speeds[MAX_NODES])
{
	struct nodes with_memory, with_cpu;
	int nr_tiers;

	for (int node = 0; node < MAX_NODES; node++)
		speeds[node] = (struct speed){ -1, -1, -1 };
	if (!nodes_with_memory(&with_memory))
		return false;
	nr_tiers = read_tiers(speeds);
	read_nodes(HAS_CPU, &with_cpu);
	for (int node = 0; node < MAX_NODES; node++) {
		struct speed *speed = &speeds[node];

		for (int cpu = 0; with_memory.has[node] && cpu < MAX_NODES; cpu++) {
			int distance = with_cpu.has[cpu] ? distance_of(cpu, node) : 0;

			if (distance && (speed->distance < 0 || distance < speed->distance))
				speed->distance = distance;
		}
		speed->rank = nr_tiers > 1 ? speed->tier : speed->distance;
		if (!with_memory.has[node])
			*speed = (struct speed){ -1, -1, -1 };
	}
	return true;
}

bool nodes_slower(int node, bool faster, struct targets *targets)
{
	static struct speed speeds[MAX_NODES];
	const int sign = faster ? -1 : 1;
	struct nodes others = { };
	int rank;

	targets->nr = 0;
	if (!nodes_speeds(speeds))
		return false;
	rank = speeds[node].rank;
	for (int other = 0; other < MAX_NODES && rank >= 0; other++)
		others.has[other] = speeds[other].rank >= 0 &&
				    sign * (speeds[other].rank - rank) > 0;
	targets->nr = nodes_nearest(node, &others, targets->nodes);
	/* Insertion sort, as there are few nodes: ranks nearer to ours come first. */
	for (int i = 1; i < targets->nr; i++) {
		int *list = targets->nodes, other = list[i], at = i;

		for (; at && sign * (speeds[list[at - 1]].rank - speeds[other].rank) > 0; at--)
			list[at] = list[at - 1];
		list[at] = other;
	}
	return true;
}

/* Is @one farther from the node than @two? A node whose distance is unknown is the farthest. */
static bool farther(int node, int one, int two)
{
	return (distance_of(node, one) ?: INT_MAX) > (distance_of(node, two) ?: INT_MAX);
}

int nodes_nearest(int node, const struct nodes *nodes, int list[MAX_NODES])
{
	int nr = listed(nodes, list);

	/* Insertion sort, as there are few nodes: nearer nodes come first. */
	for (int i = 1; i < nr; i++) {
		int other = list[i], at = i;

		for (; at && farther(node, list[at - 1], other); at--)
			list[at] = list[at - 1];
		list[at] = other;
	}
	return nr;
}

bool reserve_parse(const char *option, const char *text, struct reserve *reserve)
{
	static const char suffixes[] = "KMGT";
	const char *suffix = NULL;
	__u64 value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	*reserve = (struct reserve){ .bytes = value };
	if (*end && !end[1])
		suffix = strchr(suffixes, *end);
	if (suffix) {
		int shift = 10 * (suffix - suffixes + 1);

		reserve->bytes = value << shift;
		if (reserve->bytes >> shift != value)
			errno = ERANGE;
	} else if (!strcmp(end, "%") && value <= 100) {
		*reserve = (struct reserve){ .percent = value };
	} else if (*end) {
		errno = EINVAL;
	}
	/* nodes_room() calculates with signed numbers. */
	if (reserve->bytes > LLONG_MAX)
		errno = ERANGE;
	if (!errno && *text >= '0' && *text <= '9')
		return true;
	complain("%s takes a size such as 64M, or a part of the node such as 2%%, not '%s'",
		 option, text);
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct span *one = a, *two = b;

	return (one->start > two->start) - (one->start < two->start);
}

/* Numbers of a zone in /proc/zoneinfo */
struct zone {
	int node;
	unsigned long start, spanned, managed, free;	/* in pages */
	unsigned long kept;	/* not for us: the low watermark and the lowmem reserve */
};

static FILE *open_zones(void)
{
	FILE *zones = fopen("/proc/zoneinfo", "re");

	if (!zones)
		complain("cannot open /proc/zoneinfo: %s: is proc mounted on /proc?",
			 strerror(errno));
	return zones;
}

static bool next_zone(FILE *zones, struct zone *zone)
{
	unsigned long pages;
	char line[256];

	*zone = (struct zone){ .node = -1 };
	while (fgets(line, sizeof(line), zones)) {
		if (sscanf(line, " start_pfn: %lu", &zone->start) == 1)
			return zone->node >= 0 && zone->node < MAX_NODES;
		if (sscanf(line, "Node %d, zone", &zone->node) == 1 ||
		    sscanf(line, " pages free %lu", &zone->free) == 1 ||
		    sscanf(line, " spanned %lu", &zone->spanned) == 1 ||
		    sscanf(line, " managed %lu", &zone->managed) == 1)
			continue;
		/* Add free pages in the lists of CPUs, which may be an eighth of the zone. */
		if (sscanf(line, " count: %lu", &pages) == 1)
			zone->free += pages;
		/* The last number is the reserve that users of the highest zone must leave. */
		if (sscanf(line, " low %lu", &pages) == 1)
			zone->kept += pages;
		if (strstr(line, "protection: (") &&
		    sscanf(strrchr(line, ' '), "%*[ (]%lu", &pages) == 1)
			zone->kept += pages;
	}
	return false;
}

struct memory_size nodes_size(int node)
{
	struct memory_size size = { };
	FILE *zones = open_zones();
	struct zone zone;

	while (zones && next_zone(zones, &zone)) {
		if (zone.node != node)
			continue;
		size.total += zone.managed * page_size;
		size.free += zone.free * page_size;
		if (zone.free > zone.kept)
			size.usable += (zone.free - zone.kept) * page_size;
	}
	if (zones)
		fclose(zones);
	return size;
}

long long nodes_room(int node, const struct reserve *reserve)
{
	struct memory_size size = nodes_size(node);

	return (long long)size.usable - (long long)reserve->bytes -
	       (long long)(size.total / 100 * reserve->percent);
}

int nodes_spans(const struct nodes *nodes, struct span spans[MAX_SPANS])
{
	FILE *zones = open_zones();
	struct zone zone;
	__u64 end = 0;
	int nr = 0;

	if (!zones)
		return -1;
	while (nr < MAX_SPANS && next_zone(zones, &zone))
		if (!nodes || nodes->has[zone.node])
			spans[nr++] = (struct span){ zone.start, zone.start + zone.spanned };
	fclose(zones);
	qsort(spans, nr, sizeof(*spans), by_start);
	/* Zones of two nodes may overlap. */
	for (int i = 0; i < nr; i++) {
		if (spans[i].start < end)
			spans[i].start = end;
		if (spans[i].end < spans[i].start)
			spans[i].end = spans[i].start;
		end = spans[i].end;
	}
	return nr;
}
