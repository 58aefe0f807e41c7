/*
 * section.c - from frame number to descriptor.
 *
 * Sections come in two sorts. One that lies wholly inside a single range of
 * the boot map starts closed: the blocks that cover it are at least as large
 * as it is, so at most its first frame heads one. It is opened, and its
 * descriptors cleared, when a block is split below its size. All others are
 * opened at boot, their holes marked.
 *
 * Opening happens under the node's lock, before any frame inside leaves the
 * allocator, so whoever holds such a frame sees its section open.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "phys/phys.h"

struct frame *
section_reveal(uint64_t n, unsigned order)
{
	struct section *s = section_of(phys(), n);
	uint32_t	open = atomic_load_explicit(&s->nr_open, memory_order_relaxed);

	/* A block of a section's size or more starts at a section's first frame. */
	if (open == 0) {
		memset(&s->frames[0], 0, sizeof(struct frame));
		open = 1;
		atomic_store_explicit(&s->nr_open, open, memory_order_release);
	}
	if (open < section_nr(s) && order < SECTION_ORDER) {
		memset(&s->frames[1], 0, (SECTION_FRAMES - 1) * sizeof(struct frame));
		atomic_store_explicit(&s->nr_open, SECTION_FRAMES, memory_order_release);
	}
	return section_peek(n);
}
