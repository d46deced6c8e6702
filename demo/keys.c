// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores keys in redis, asks for the hot ones, and verifies them all. Each
 * value follows from its key, so that any byte that changed is noticed.
 */
#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <hiredis/hiredis.h>
#include <linux/types.h>

#define KEYS		40000
#define GROUP		1000	/* consecutive keys that are hot or cold together */
#define TENTHS		10	/* group G belongs to tenth G % TENTHS */
#define VALUE_BYTES	4000	/* jemalloc rounds it to a page: one value, one page */
#define BATCH		16	/* requests under way at a time */

/* The memory that "keys serve" shares with the other commands */
struct board {
	_Atomic unsigned long hot;	/* which tenth */
	_Atomic unsigned long served;
	_Atomic unsigned long wrong;
	_Atomic unsigned long stop;
};

static struct board *board;
static redisContext *redis;

/* Knuth's MMIX generator: the upper bits are the random ones. */
static __u64 next(__u64 x)
{
	return x * 6364136223846793005 + 1442695040888963407;
}

static const char *value_of(unsigned long key)
{
	static __u64 value[VALUE_BYTES / 8];
	__u64 x = key;

	for (unsigned long i = 0; i < VALUE_BYTES / 8; i++) {
		x = next(x);
		value[i] = x;
	}
	return (const char *)value;
}

static void ask(unsigned long key)
{
	redisAppendCommand(redis, "GET key:%lu", key);
}

static redisReply *reply(void)
{
	void *r;

	if (redisGetReply(redis, &r) != REDIS_OK)
		errx(1, "redis: %s", redis->errstr);
	return r;
}

static bool answer_is_right(unsigned long key)
{
	redisReply *r = reply();
	bool right = r->type == REDIS_REPLY_STRING && r->len == VALUE_BYTES &&
		     !memcmp(r->str, value_of(key), VALUE_BYTES);

	freeReplyObject(r);
	return right;
}

static void store(void)
{
	for (unsigned long key = 0; key < KEYS; key += BATCH) {
		for (unsigned long i = 0; i < BATCH; i++)
			redisAppendCommand(redis, "SET key:%lu %b", key + i,
					   value_of(key + i), (size_t)VALUE_BYTES);
		for (unsigned long i = 0; i < BATCH; i++) {
			redisReply *r = reply();

			if (r->type == REDIS_REPLY_ERROR)
				errx(1, "redis: %s", r->str);
			freeReplyObject(r);
		}
		if (key % (KEYS / 50) == 0) {
			printf("note storing keys: %lu of %d\n", key, KEYS);
			fflush(stdout);
		}
	}
}

static unsigned long hot_key(unsigned long tenth, unsigned long nth)
{
	unsigned long group = nth / GROUP * TENTHS + tenth;

	return group * GROUP + nth % GROUP;
}

/* Called when "keys serve" exits, so that "keys await" does not wait for ever. */
static void no_longer_served(void)
{
	board->stop = 1;
}

static void serve(void)
{
	unsigned long asked[BATCH];
	__u64 seed = 0;

	atexit(no_longer_served);
	while (!board->stop) {
		for (int i = 0; i < BATCH; i++) {
			seed = next(seed);
			asked[i] = hot_key(board->hot,
					   (seed >> 32) % (KEYS / TENTHS));
			ask(asked[i]);
		}
		for (int i = 0; i < BATCH; i++)
			board->wrong += !answer_is_right(asked[i]);
		board->served += BATCH;
	}
}

static void verify(void)
{
	unsigned long right = 0;

	for (unsigned long key = 0; key < KEYS; key += BATCH) {
		for (unsigned long i = 0; i < BATCH; i++)
			ask(key + i);
		for (unsigned long i = 0; i < BATCH; i++)
			right += answer_is_right(key + i);
	}
	printf("verified %lu %d\n", right, KEYS);
}

static void await(unsigned long requests)
{
	unsigned long until = board->served + requests;
	const struct timespec nap = { .tv_nsec = 10 * 1000 * 1000 };

	while (board->served < until) {
		if (board->stop)
			errx(1, "'keys serve' has ended before these requests");
		nanosleep(&nap, NULL);
	}
}

static void map_board(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*board)))
		err(1, "%s", path);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (board == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
}

static void connect_redis(const char *socket)
{
	redis = redisConnectUnix(socket);
	if (!redis || redis->err)
		errx(1, "%s: %s", socket, redis ? redis->errstr : "no memory");
}

static void misuse(void)
{
	fputs("usage: keys count         print the number of keys, the bytes of each, and the number of hot keys\n"
	      "       keys store         store every key\n"
	      "       keys serve         ask redis for hot keys until 'keys stop'\n"
	      "       keys hot TENTH     make another tenth of the keys hot\n"
	      "       keys await COUNT   wait until redis has answered COUNT more requests\n"
	      "       keys served        print the number of answered requests, and of wrong answers\n"
	      "       keys stop          end 'keys serve'\n"
	      "       keys verify        read every key back and compare\n"
	      "Run it in the directory of redis.sock.\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	map_board("keys.board");
	if (!strcmp(what, "count")) {
		printf("keys %d %d %d\n", KEYS, VALUE_BYTES, KEYS / TENTHS);
	} else if (!strcmp(what, "store")) {
		connect_redis("redis.sock");
		store();
	} else if (!strcmp(what, "verify")) {
		connect_redis("redis.sock");
		verify();
	} else if (!strcmp(what, "serve")) {
		connect_redis("redis.sock");
		serve();
	} else if (!strcmp(what, "hot") && argc == 3 && number < TENTHS) {
		board->hot = number;
	} else if (!strcmp(what, "await") && argc == 3) {
		await(number);
	} else if (!strcmp(what, "served")) {
		printf("served %lu %lu\n", board->served, board->wrong);
	} else if (!strcmp(what, "stop")) {
		board->stop = 1;
	} else {
		misuse();
	}
	return 0;
}
