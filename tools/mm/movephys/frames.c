// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "frames.h"

#define BLOCK		512	/* entries to read at once if frames are in sequence */
#define GROUP		16	/* otherwise: fewer, since each one costs the kernel time */
#define MAX_ORDER	24	/* of a folio: 64 GiB of base pages of 4 KiB */

#define BITMAP		"/sys/kernel/mm/page_idle/bitmap"
#define WORD_FRAMES	64	/* frames in a word of the bitmap */

struct cache {
	const char *path;
	int fd;
	int error;		/* why it cannot be opened, or 0 */
	__u64 first;		/* frame of entry[0] */
	size_t known;		/* number of entries that have been read */
	__u64 entry[BLOCK];
};

static struct cache caches[NR_FRAME_FILES] = {
	[KPAGEFLAGS] = { .path = "/proc/kpageflags", .fd = -1 },
	[KPAGECOUNT] = { .path = "/proc/kpagecount", .fd = -1 },
	[KPAGECGROUP] = { .path = "/proc/kpagecgroup", .fd = -1 },
};

static int bitmap = -1;

const char *frames_path(enum frame_file file)
{
	return caches[file].path;
}

bool frames_readable(enum frame_file file)
{
	struct cache *cache = &caches[file];

	if (cache->fd < 0 && !cache->error) {
		cache->fd = open(cache->path, O_RDONLY | O_CLOEXEC);
		if (cache->fd < 0)
			cache->error = errno;
	}
	errno = cache->error;
	return cache->fd >= 0;
}

size_t frames_read(enum frame_file file, __u64 first, size_t count, __u64 *entries)
{
	ssize_t got;

	if (!frames_readable(file))
		return 0;
	got = pread(caches[file].fd, entries, count * sizeof(*entries),
		    first * sizeof(*entries));
	return got > 0 ? got / sizeof(*entries) : 0;
}

void frames_refresh(void)
{
	for (int i = 0; i < NR_FRAME_FILES; i++)
		caches[i].known = 0;
}

static void read_around(struct cache *cache, __u64 frame)
{
	/* frames_refresh() keeps @first, so this still detects a sequence after it. */
	__u64 ahead = frame - cache->first;
	size_t want = ahead < 2 * BLOCK ? BLOCK : GROUP;
	ssize_t got;

	cache->first = frame / GROUP * GROUP;
	got = pread(cache->fd, cache->entry, want * sizeof(cache->entry[0]),
		    cache->first * sizeof(cache->entry[0]));
	cache->known = got > 0 ? got / sizeof(cache->entry[0]) : 0;
}

__u64 frames_entry(enum frame_file file, __u64 frame)
{
	struct cache *cache = &caches[file];

	if (!frames_readable(file))
		return 0;
	if (frame - cache->first >= cache->known)
		read_around(cache, frame);
	return frame - cache->first < cache->known ?
	       cache->entry[frame - cache->first] : 0;
}

/* Like frames_entry(), but if the entry is not cached, read only this one. */
static __u64 entry_alone(enum frame_file file, __u64 frame)
{
	struct cache *cache = &caches[file];
	__u64 entry;

	if (frame - cache->first < cache->known)
		return cache->entry[frame - cache->first];
	if (!frames_readable(file) ||
	    pread(cache->fd, &entry, sizeof(entry), frame * sizeof(entry)) !=
	    sizeof(entry))
		return 0;
	return entry;
}

static bool is_tail(__u64 frame)
{
	return entry_alone(KPAGEFLAGS, frame) & BIT(KPF_COMPOUND_TAIL);
}

static bool is_head(__u64 frame)
{
	return entry_alone(KPAGEFLAGS, frame) & BIT(KPF_COMPOUND_HEAD);
}

/*
 * A folio of 2^n frames begins at a multiple of 2^n. So it takes at most one read for
 * each order to find its first frame, and one for each order to find its size.
 */
static struct extent compound(__u64 frame)
{
	struct extent folio = { frame, 1 };

	for (int order = 0; is_tail(folio.head) && order < MAX_ORDER; order++)
		folio.head &= ~(BIT(order + 1) - 1);
	/* The folio was split or freed while we looked. */
	if (!is_head(folio.head))
		return (struct extent){ frame, 1 };
	while (folio.frames < BIT(MAX_ORDER) &&
	       (frame - folio.head >= folio.frames ||
		is_tail(folio.head + folio.frames)))
		folio.frames *= 2;
	return folio;
}

struct extent frames_folio(__u64 frame)
{
	const __u64 either = BIT(KPF_COMPOUND_HEAD) | BIT(KPF_COMPOUND_TAIL);
	static bool was_large;
	__u64 flags;

	/* After a large folio, the next frame is probably far away: do not read ahead. */
	flags = was_large ? entry_alone(KPAGEFLAGS, frame) :
			    frames_entry(KPAGEFLAGS, frame);
	was_large = flags & either;
	return was_large ? compound(frame) : (struct extent){ frame, 1 };
}

bool frames_mapped(__u64 frame)
{
	if (frames_readable(KPAGECOUNT))
		return frames_entry(KPAGECOUNT, frame);
	return frames_entry(KPAGEFLAGS, frame) & BIT(KPF_MMAP);
}

__u64 frames_run(__u64 frame, __u64 *flags)
{
	const __u64 least = RUN_BYTES / page_size ?: 1;
	__u64 frames;

	*flags = frame % least ? 0 : entry_alone(KPAGEFLAGS, frame);
	if (*flags & BIT(KPF_NOPAGE))
		return least;
	if (!(*flags & BIT(KPF_MMAP)) || !(*flags & BIT(KPF_COMPOUND_HEAD)))
		return 0;
	frames = compound(frame).frames;
	return frames < least ? 0 : frames;
}

bool frames_zero_page(__u64 frame)
{
	return entry_alone(KPAGEFLAGS, frame) & BIT(KPF_ZERO_PAGE);
}

/* Successive words of the bitmap, which have the bits of some heads */
struct words {
	__u64 first;		/* index in the bitmap */
	size_t nr;
	__u64 bits[WORD_FRAMES];
	const __u64 *heads;
	bool *idle;		/* stores whether each of @heads is idle; or NULL */
	size_t nr_heads;
};

/* A short transfer is no error: the kernel does not count a word that exceeds the memory. */
static void flush(struct words *words, bool write)
{
	const size_t size = words->nr * sizeof(words->bits[0]);
	const off_t at = words->first * sizeof(words->bits[0]);
	ssize_t done = 0;

	if (size)
		done = write ? pwrite(bitmap, words->bits, size, at) :
			       pread(bitmap, words->bits, size, at);
	/* ENXIO: no such frames */
	if (done < 0 && errno != ENXIO)
		complain("cannot use " BITMAP ": %s", strerror(errno));
	for (size_t i = 0; words->idle && i < words->nr_heads; i++) {
		__u64 word = words->heads[i] / WORD_FRAMES - words->first;

		words->idle[i] = done > 0 && word < done / sizeof(words->bits[0]) &&
			words->bits[word] & BIT(words->heads[i] % WORD_FRAMES);
	}
	words->nr = 0;
}

static void each_word(const __u64 *heads, size_t count, bool write, bool *idle)
{
	struct words words = { };

	for (size_t i = 0; i < count && !stopped; i++) {
		__u64 at = heads[i] / WORD_FRAMES - words.first;

		if (!words.nr || at > words.nr || at == ARRAY_SIZE(words.bits)) {
			flush(&words, write);
			words.first = heads[i] / WORD_FRAMES;
			words.heads = heads + i;
			words.idle = idle ? idle + i : NULL;
			words.nr_heads = 0;
			at = 0;
		}
		if (at == words.nr)
			words.bits[words.nr++] = 0;
		words.bits[at] |= BIT(heads[i] % WORD_FRAMES);
		words.nr_heads++;
	}
	flush(&words, write);
}

int idle_open(void)
{
	int error;

	bitmap = open(BITMAP, O_RDWR | O_CLOEXEC);
	error = errno;
	if (bitmap < 0) {
		complain("cannot open " BITMAP ": %s%s", strerror(error),
			 error != ENOENT ? "" : access("/sys/kernel", F_OK) ?
			 ": is sysfs mounted on /sys?" :
			 " (CONFIG_IDLE_PAGE_TRACKING=y is needed)");
		return error;
	}
	/* There is one mark for each page, so two programs would clear the marks of each other. */
	if (flock(bitmap, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		complain(BITMAP " is in use, as by tierd: only one program can use it at a time");
		return EBUSY;
	}
	if (frames_readable(KPAGEFLAGS))
		return 0;
	error = errno;
	complain("cannot open %s: %s", frames_path(KPAGEFLAGS), strerror(error));
	return error;
}

void idle_mark(const __u64 *heads, size_t count)
{
	each_word(heads, count, true, NULL);
}

void idle_look(const __u64 *heads, size_t count, bool *idle)
{
	each_word(heads, count, false, idle);
	frames_refresh();
}

int idle_state(__u64 head)
{
	__u64 flags = frames_entry(KPAGEFLAGS, head);

	if (!(flags & BIT(KPF_LRU)))
		return -1;
	return !!(flags & BIT(KPF_IDLE));
}
