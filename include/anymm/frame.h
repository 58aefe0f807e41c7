/*
 * frame.h - physical memory: descriptors, counts, allocation.
 *
 * A frame's count is the number of places that name it: table slots, object
 * slots, a space's root, a gather that has not flushed yet. Whoever writes a
 * frame number into such a place holds one count; who clears it drops one.
 */
#pragma once

#include <anymm/arch.h>
#include <anymm/platform.h>

/*
 * What a frame is used for. The legal moves are a table in src/phys/frame.c.
 *
 *   RESERVED    outside the allocator for ever (firmware, holes, descriptors)
 *   FREE        in the allocator; count 0, poisoned
 *   TABLE       holds page-table entries
 *   ANON        private page of some space
 *   OBJECT      page of a memory object
 *   KERNEL      slabs and other memory of the kernel
 */
enum frame_kind {
	FRAME_RESERVED,
	FRAME_FREE,
	FRAME_TABLE,
	FRAME_ANON,
	FRAME_OBJECT,
	FRAME_KERNEL,
	FRAME_KINDS,
};

#define FRAME_ORDER_MAX 18
/*
 * frame_get refuses from here on. The distance to the real end of the counter
 * is room for commits that have looked before (src/pt/table.c).
 */
#define FRAME_COUNT_MAX 0xff000000u

/* What is known of an object's page apart from its contents. Bit 0 is a table's lock. */
enum frame_flag {
	FRAME_DIRTY = 2,   /* written since it was filled or written back, as far as seen */
	FRAME_FILLING = 4, /* its pager is at work on it and holds one count */
	FRAME_USED = 8,	   /* the clock over objects has seen it used since it last asked */
};

/* [a] atomic  [n] node lock while FREE  [o] owner of the only count  [t] table lock */
struct frame {
	_Atomic uint32_t count; /* [a] places that name the frame */
	uint8_t		 kind;	/* [o] enum frame_kind */
	uint8_t		 order; /* [o] of the block this frame heads */
	_Atomic uint8_t	 node;	/* constant from the first use on */
	union {
		_Atomic uint8_t lock;  /* [a] of a table: lock and visibility (src/pt/table.h) */
		_Atomic uint8_t flags; /* [a] OBJECT: enum frame_flag; other pages: 0 */
	};
	union {
		struct {
			uint32_t next; /* [n] frame numbers in the free list, UINT32_MAX: none */
			uint32_t prev; /* [n] */
		} free;
		struct {
			uint16_t live;	/* [t] entries that are not empty */
			uint8_t	 level; /* [o] 0: leaf table */
			bool	 is_root : 1;
			bool	 may_have_pins : 1; /* [t] private pages below may be pinned */
			uint32_t next;		    /* [o] link in a list of prepared tables */
		} table;
		struct {
			_Atomic uint32_t pins; /* [a] device and long-term holds */
			union {
				_Atomic uint32_t swap;	  /* [a] of an ANON frame: 1 + number of
							* its swap slot (src/swap), 0: none */
				uint32_t	 scratch; /* of the checks (src/check/sweep.h) */
			};
		} page;
		struct {
			uint16_t in_use; /* objects handed out */
			uint16_t first;	 /* index of the first free object */
			uint32_t next;	 /* frame number of the next slab with room */
		} slab;
		uint64_t word;
	};
};
static_assert(sizeof(struct frame) == 16, "frame descriptors are 16 bytes");

/* Where the pages of a region or an object come from. A wish: a node that is full sends to the next. */
enum place_policy {
	PLACE_LOCAL,	  /* the node of the CPU that asks first */
	PLACE_INTERLEAVE, /* all nodes in turn, by the number of the page */
	PLACE_NODE,	  /* one node */
	PLACE_POLICIES,
};

struct placement {
	uint8_t policy; /* enum place_policy */
	uint8_t node;	/* with PLACE_NODE, else 0 */
};

static inline bool
placement_equal(struct placement a, struct placement b)
{
	return a.policy == b.policy && a.node == b.node;
}

/* placement_is_legal - a known policy, and a node that the machine has. */
bool placement_is_legal(struct placement place);

/* placement_node - where page number `page` shall come from, if the calling CPU asks. */
unsigned placement_node(struct placement place, uint64_t page);

/* frame_nr_nodes - one more than the highest number of a node with RAM. */
unsigned frame_nr_nodes(void);

/* frame_node - the node that the frame lies on. */
unsigned frame_node(pfn_t pfn);

struct frame_request {
	enum frame_kind kind;	 /* TABLE, ANON, OBJECT or KERNEL */
	unsigned	order;	 /* 2^order frames, naturally aligned; <= FRAME_ORDER_MAX */
	bool		by_node; /* from `node` if it has one; else from the calling CPU's */
	unsigned	node;	 /* the other nodes follow by number, wrapping around */
	bool		zeroed;
	bool		may_use_reserve; /* kernel work that frees memory in the end */
};

/*
 * frame_alloc - a block of frames with count 1 on its first frame.
 *
 *   gives  *out heads 2^order frames of the kind asked for; word is 0
 *   fails  ERR_NOMEM: nothing changed
 *   cost   O(1) for order 0 from the CPU's magazine, else O(FRAME_ORDER_MAX)
 */
err_t frame_alloc(struct frame_request request, pfn_t *out);

/*
 * frame_free - give a block back whose count is 0 (after frame_put said so).
 * Stops the machine on a double free, a reserved frame, or pins.
 */
void frame_free(pfn_t pfn);

/*
 * frame_get - one more place names the frame.
 *   fails  ERR_OVERFLOW: the count would pass FRAME_COUNT_MAX; unchanged
 */
err_t frame_get(pfn_t pfn);

/* frame_put - one place fewer; true if that was the last: the caller frees. Stops below zero. */
bool frame_put(pfn_t pfn);

/* frame_release - frame_put, then frame_free if that was the last. Not for tables. */
void frame_release(pfn_t pfn);

/*
 * frame_pin - one more device uses the page. All pins together hold one count. frame_unpin - one fewer.
 *   fails  ERR_OVERFLOW: the count is full; unchanged
 */
err_t frame_pin(pfn_t pfn);
void  frame_unpin(pfn_t pfn);

/* frame_nr_pins - pins of all frames together (checks, leak tests). */
uint64_t frame_nr_pins(void);

/* frame_set_kind - move an allocated frame to another kind; stops on an illegal move. */
void frame_set_kind(pfn_t pfn, enum frame_kind kind);

/* frame_of - the descriptor; stops on a number outside the boot map. */
struct frame *frame_of(pfn_t pfn);

/*
 * frame_peek - the descriptor, or NULL for a hole or inside a free block that was never
 * split. For scans: whoever holds nothing of the frame may read only atomic fields.
 */
struct frame *frame_peek(pfn_t pfn);

/* frame_exists - pfn is RAM, usable or reserved, not a hole. */
bool frame_exists(pfn_t pfn);

static inline uint32_t
frame_count(pfn_t pfn)
{
	return atomic_load_explicit(&frame_of(pfn)->count, memory_order_acquire);
}

/* frame_set_flag, frame_clear_flag - of an object's page; gives what it was before. */
static inline bool
frame_set_flag(pfn_t pfn, enum frame_flag flag)
{
	return atomic_fetch_or(&frame_of(pfn)->flags, (uint8_t)flag) & flag;
}

static inline bool
frame_clear_flag(pfn_t pfn, enum frame_flag flag)
{
	return atomic_fetch_and(&frame_of(pfn)->flags, (uint8_t) ~(unsigned)flag) & flag;
}

static inline bool
frame_has_flag(pfn_t pfn, enum frame_flag flag)
{
	return atomic_load(&frame_of(pfn)->flags) & flag;
}

static inline bool
frame_is_pinned(pfn_t pfn)
{
	return atomic_load(&frame_of(pfn)->page.pins) != 0;
}

/*
 * frame_is_exclusive - one place names the page, whatever pins it has.
 *   needs  the caller holds that place, locked: the count is read before the pins
 */
static inline bool
frame_is_exclusive(pfn_t pfn)
{
	uint32_t count = frame_count(pfn);

	return count == 1 || (count == 2 && frame_is_pinned(pfn));
}

/* Totals by kind, over all nodes: exact when no operation is in progress. */
struct frame_totals {
	uint64_t total; /* frames with a descriptor */
	uint64_t by_kind[FRAME_KINDS];
	uint64_t reserve;   /* free frames kept for may_use_reserve */
	uint64_t peak_used; /* most frames allocated at once since boot */
};
struct frame_totals frame_totals(void);

/*
 * Frames in the free lists at which page-out has something to do. Below low faults reclaim before
 * they allocate, and the embedder's daemon should run until high is reached; below min only what
 * may use the reserve is served reliably.
 */
struct frame_watermarks {
	uint64_t min;
	uint64_t low;
	uint64_t high;
};
struct frame_watermarks frame_watermarks(void);

/* frames_available - in the free lists of all nodes now; what CPUs keep for themselves is not counted. */
uint64_t frames_available(void);

/*
 * frame_first, frame_next - the lowest frame that exists; the lowest above pfn,
 * which need not exist. pfn_none() ends. Only the head of a block, free,
 * reserved or allocated, has a descriptor that says anything, so a walk goes
 * from a head to frame_next(pfn_add(head, (1 << order) - 1)).
 */
pfn_t frame_first(void);
pfn_t frame_next(pfn_t pfn);

/* frame_drain_magazines - return every cached single frame to the buddies (tests, low memory). */
void frame_drain_magazines(void);

/*
 * phys_init - build descriptors and allocator from the boot map; the
 * descriptors themselves are taken from the largest range of each node.
 *   fails  ERR_INVAL: the map is malformed (the message names range and reason);
 *          ERR_NOMEM: too little memory for the descriptors
 */
err_t phys_init(const struct boot_map *map);
