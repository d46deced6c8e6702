// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that were or were not accessed: --accessed, --idle
 *
 * Writing a bit of the bitmap marks a page as idle. Reading it makes the kernel
 * look whether the page was accessed since. Both are done in words of 64 frames.
 * What was found stays in kpageflags, where it can be told from a page that was
 * never marked, since it is on no LRU list. A huge page is known by its head.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <string.h>
#include <unistd.h>

#include "movephys.h"

#define BITMAP "/sys/kernel/mm/page_idle/bitmap"
#define BIT(n) (1ULL << (n))

/* Successive words of the bitmap */
struct words {
	__u64 first;
	size_t nr;
	__u64 bits[64];
};

static struct frame_file kpageflags;
static int bitmap = -1;

static __u64 head_of(__u64 frame)
{
	__u64 head = frame;

	while (frame_entry(&kpageflags, head) & BIT(KPF_COMPOUND_TAIL) &&
	       head % BLOCK)
		head--;
	return head;
}

/* At the end of memory the kernel takes a word, but does not count it. */
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
	words->nr = 0;
}

static void each_word(const __u64 *pages, size_t count, bool write)
{
	struct words words = { };

	kpageflags.known = 0;
	for (size_t i = 0; i < count; i++) {
		__u64 frame = head_of(pages[i] / page_size);
		__u64 at = frame / 64 - words.first;

		if (!words.nr || at > words.nr || at == ARRAY_SIZE(words.bits)) {
			flush(&words, write);
			words.first = frame / 64;
			at = 0;
		}
		if (at == words.nr)
			words.bits[words.nr++] = 0;
		words.bits[at] |= BIT(frame % 64);
	}
	flush(&words, write);
}

bool idle_open(void)
{
	bitmap = open(BITMAP, O_RDWR | O_CLOEXEC);
	if (bitmap < 0) {
		complain("cannot open " BITMAP ": %s%s", strerror(errno),
			 errno == ENOENT ?
			 " (it takes CONFIG_IDLE_PAGE_TRACKING=y)" : "");
		return false;
	}
	return frame_file_open(&kpageflags, "/proc/kpageflags");
}

void idle_mark(const __u64 *pages, size_t count)
{
	each_word(pages, count, true);
}

size_t idle_select(__u64 *pages, size_t count, bool idle)
{
	size_t n = 0;

	each_word(pages, count, false);
	kpageflags.known = 0;
	for (size_t i = 0; i < count; i++) {
		__u64 head = head_of(pages[i] / page_size);
		__u64 flags = frame_entry(&kpageflags, head);

		if (flags & BIT(KPF_LRU) && !(flags & BIT(KPF_IDLE)) == !idle)
			pages[n++] = pages[i];
	}
	return n;
}
