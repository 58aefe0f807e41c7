/*
 * phys.h - the private state of physical memory: one object, sized at boot.
 *
 * Descriptors hang from a table of sections (2^15 frames each), so a hole of
 * terabytes costs its entries in that table. A section's descriptors are also
 * opened lazily: while it lies inside a larger free block that nobody has
 * split yet, they are not even written, and boot takes milliseconds on a
 * machine of terabytes.
 *
 * Only the head of a block has a descriptor that says something. Behind it,
 * in free and in allocated blocks alike, descriptors read RESERVED, order 0,
 * count 0, so whatever is done to a frame inside a block by mistake stops.
 */
#pragma once

#include <anymm/frame.h>
#include <anymm/lock.h>

#include "base/root.h"
#include "phys/memmap.h"

#define SECTION_ORDER  15
#define SECTION_FRAMES ((uint32_t)1 << SECTION_ORDER)

/* [c] constant after boot   [a] atomic */
struct section {
	struct frame	*frames;  /* [c] descriptor of frame `first` of the section */
	uint16_t	 first;	  /* [c] first and last frame that have one, by their place in it */
	uint16_t	 last;	  /* [c] */
	_Atomic uint32_t nr_open; /* [a] descriptors in use; grows under the node's lock: 0 inside
				   * a larger block, 1 where one starts, in the end all */
};

/* No frame: the end of a free list. */
#define PFN32_NONE UINT32_MAX

/* The value of frame.lock while the frame heads a block in a free list; 0 and 1 are a table's. */
#define LOCK_IN_BUDDY 0x80

/* The value of frame.node that marks a hole inside a section. */
#define NODE_HOLE 0xff

/* [n] lock   [c] constant after boot */
struct node {
	alignas(CACHE_LINE) struct lock lock;
	uint8_t	 number;		     /* [c] */
	uint32_t nonempty;		     /* [n] bit k: heads[k] is a frame */
	uint64_t nr_free;		     /* [n] frames in the free lists */
	uint32_t heads[FRAME_ORDER_MAX + 1]; /* [n] first free block of each order */
};

/* What one CPU did: its own line, so counting writes nothing shared. */
struct cpu_ledger {
	alignas(CACHE_LINE) _Atomic int64_t
		by_kind[FRAME_KINDS]; /* frames that became this kind here */
	_Atomic int64_t	 drift; /* frames allocated less freed here, not yet in phys.nr_used */
	_Atomic uint64_t peak;	/* largest number of used frames seen here */
};

/* [c] constant after boot   [a] atomic */
struct phys {
	struct section	       *sections;	 /* [c] */
	uint64_t		first_section;	 /* [c] number of sections[0] */
	uint64_t		nr_sections;	 /* [c] */
	struct node	       *nodes;		 /* [c] */
	unsigned		nr_nodes;	 /* [c] highest node number + 1 */
	unsigned		nr_ranges;	 /* [c] */
	struct mem_range       *ranges;		 /* [c] sorted */
	char		       *magazines;	 /* [c] one per CPU and node: see magazine.c */
	unsigned		magazine_frames; /* [c] capacity of each; 0: none at all */
	unsigned		nr_cpus;	 /* [c] */
	struct cpu_ledger      *ledgers;	 /* [c] one per CPU */
	uint64_t		total;		 /* [c] frames that exist */
	uint64_t		usable;		 /* [c] free at boot */
	uint64_t		reserve;	 /* [c] */
	struct frame_watermarks marks;		 /* [c] */
	alignas(CACHE_LINE) _Atomic uint64_t
		nr_free; /* [a] unclaimed frames in free lists, all nodes */
	alignas(CACHE_LINE) _Atomic int64_t nr_used;	/* [a] allocated frames, but for drifts */
	alignas(CACHE_LINE) _Atomic uint64_t committed; /* [a] pages promised (commit.c) */
	_Atomic uint64_t commit_limit;			/* [a] */
	_Atomic uint64_t nr_pins;			/* [a] of all frames (pin.c) */
	_Atomic unsigned commit_policy;			/* [a] enum commit_policy */
};

static inline struct phys *
phys(void)
{
	return root()->part[ROOT_PHYS];
}

/* section_of - the section of frame n, or NULL. */
static inline struct section *
section_of(const struct phys *p, uint64_t n)
{
	uint64_t index = (n >> SECTION_ORDER) - p->first_section;

	return LIKELY(index < p->nr_sections) ? &p->sections[index] : NULL;
}

/*
 * section_peek - the descriptor of a frame, or NULL if the frame does not
 * exist or lies inside a free block that was never split that far.
 */
static inline struct frame *
section_peek(uint64_t n)
{
	const struct section *s = section_of(phys(), n);
	struct frame	     *f;
	uint32_t	      at;

	if (UNLIKELY(!s))
		return NULL;
	at = (uint32_t)(n & (SECTION_FRAMES - 1)) - s->first;
	if (UNLIKELY(at >= atomic_load_explicit(&s->nr_open, memory_order_relaxed)))
		return NULL;
	f = &s->frames[at];
	return LIKELY(atomic_load_explicit(&f->node, memory_order_relaxed) != NODE_HOLE) ? f : NULL;
}

/*
 * section_reveal - make sure that frame n, which is about to head a block of
 * 2^order frames, has a descriptor. HOLDS the node's lock.
 */
struct frame *section_reveal(uint64_t n, unsigned order);

static inline uint32_t
section_nr(const struct section *s)
{
	return (uint32_t)s->last - s->first + 1;
}

/* range_of - the range that holds frame n, or the first one above; phys()->nr_ranges: none. */
unsigned range_of(uint64_t n);

/* frame_alloc without the injected failure, for allocators built on frames. */
err_t frame_take(const struct frame_request *request, pfn_t *out);

/* frame_from_pointer - the frame that holds a byte of the direct map, or pfn_none(). */
pfn_t frame_from_pointer(const void *ptr);
