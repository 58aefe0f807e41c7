/*
 * state.h - what this layer keeps for the whole machine: the zero frame,
 * address-space tags, and one shootdown request per CPU.
 */
#pragma once

#include <anymm/list.h>
#include <anymm/lock.h>
#include <anymm/pt.h>

#include "base/root.h"
#include "pt/gather.h"

/*
 * One CPU's request to the others. The sender fills it, sets its own bit in the
 * inbox of each target, interrupts them, and waits until `waiting` is empty;
 * only then is the request used again.
 */
struct shootdown {
	alignas(CACHE_LINE) _Atomic cpu_mask_t waiting; /* targets that have not flushed yet */
	struct pt     *pt; /* whose translations; stable while the sender waits */
	unsigned       asid;
	unsigned       nr_pages; /* with neither flag: flush these */
	bool	       whole_space;
	bool	       everything; /* every tag: a new generation */
	const vaddr_t *pages;	   /* the sender's, stable while it waits */
};

/* [c] constant after boot   [i] asid lock   [a] atomic */
struct pt_cpu {
	alignas(CACHE_LINE) struct pt *_Atomic current; /* [a] active here, NULL: none */
	pfn_t		   root;			/* this CPU's own: loaded for it */
	_Atomic cpu_mask_t inbox;   /* [a] senders with a request for this CPU */
	struct shootdown   request; /* this CPU's own */
};

struct pt_state {
	pfn_t		 zero_frame; /* [c] KERNEL, never counted by mappings */
	struct lock	 asid_lock;  /* RANK_ASID */
	_Atomic uint64_t generation; /* [a] changes under the lock, starts at 1 */
	unsigned	 next_asid;  /* [i] where the search for a free one starts */
	uint64_t	 used[(ARCH_ASIDS + 63) / 64]; /* [i] tags given out in this generation */
	struct lock	 replicas_lock;		       /* RANK_REPLICAS */
	struct list	 replicas;		       /* its: spaces with replicas (replica.h) */
	struct pt_cpu	 cpu[CPU_MAX];
};

static inline struct pt_state *
pt_state(void)
{
	return root()->part[ROOT_PT];
}

/* pt_zero_frame - the frame that read faults on untouched anonymous memory map, as special. */
static inline pfn_t
pt_zero_frame(void)
{
	return pt_state()->zero_frame;
}

static inline unsigned
tag_asid(uint64_t tag)
{
	return (unsigned)(tag & 0xffff);
}

static inline uint64_t
tag_generation(uint64_t tag)
{
	return tag >> 16;
}

static_assert(ARCH_ASIDS > CPU_MAX + 1, "every CPU can have a space of its own active");
static_assert(ARCH_ASIDS <= 0x10000, "a tag keeps 16 bits for the asid");

/* asid_ensure - give pt a tag of the current generation. Interrupts are on: it may roll over. */
void asid_ensure(struct pt *pt);

/* asid_free - the tag may be given out again. Needs: no CPU caches anything under it. */
void asid_free(struct pt *pt);

/*
 * asid_is_live - pt's tag belongs to this generation. If not, no CPU caches anything of
 * the space, and its cached_on is empty from now on.
 */
bool asid_is_live(struct pt *pt);

/*
 * shootdown_space - empty the space's replicas, invalidate on every CPU that may cache the space, and
 * wait. With whole_space those that have it active load the root of their node anew.
 */
void shootdown_space(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole_space);

/* shootdown_everything - invalidate all tags on all CPUs, and wait. Replicas stay as they are. */
void shootdown_everything(void);
