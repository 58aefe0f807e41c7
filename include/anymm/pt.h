/*
 * pt.h - the page tables and translations of one space.
 *
 * Tables of all spaces form one acyclic graph of counted frames. Through a
 * private mapping a byte may be written only if every table on the path from
 * the root and the data frame itself have count 1 (the exclusive-path rule).
 */
#pragma once

#include <anymm/frame.h>

struct replicas;

/* [c] constant after create   [a] atomic   [i] the asid lock */
struct pt {
	pfn_t			 root;	    /* [c] of the reference tables */
	_Atomic uint64_t	 tag;	    /* [a] generation << 16 | asid; 0: none yet */
	_Atomic cpu_mask_t	 cached_on; /* [a] CPUs that may hold translations of this space */
	_Atomic cpu_mask_t	 active_on; /* [a] CPUs that have it active now */
	struct replicas *_Atomic replicas;  /* [a] caches of the tables on each node
					    * (src/pt/replica.h), NULL: none */
};

/*
 * pt_create - a root with the kernel half and nothing else, on the calling CPU's node.
 * pt_create_on - on another one.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t pt_create(struct pt *pt);
err_t pt_create_on(unsigned node, struct pt *pt);

/*
 * pt_clear - drop every table and frame below the root: the root's slots are walked; a shared
 * subtree costs one count. No CPU knows anything of the space afterwards.
 *   needs  the space active on no CPU, now and later (stops if it is), interrupts on
 */
void pt_clear(struct pt *pt);

/* pt_destroy - pt_clear, and the root goes too. Needs: no object's list of regions leads here. */
void pt_destroy(struct pt *pt);

/*
 * pt_activate - make the space's user half current on this CPU. pt_deactivate - leave it.
 * needs  interrupts on: activating may have to wait for a flush on every CPU
 */
void pt_activate(struct pt *pt);
void pt_deactivate(struct pt *pt);

/*
 * pt_replicate - every node gets a replica, empty, or again one if it had to give it up; the CPUs use
 * them from now on. pt_unreplicate - none has one any more. HOLDS the space's lock for writing.
 *   needs  interrupts on
 *   fails  ERR_NOMEM: nothing changed
 */
err_t pt_replicate(struct pt *pt);
void  pt_unreplicate(struct pt *pt);

/* pt_init_state - called once at boot. */
err_t pt_init_state(void);

/* shootdown_interrupt - what the platform calls on a CPU that was interrupted. */
void shootdown_interrupt(void);
