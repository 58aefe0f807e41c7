/*
 * reach.h - which addresses of which live spaces a table entry serves.
 */
#pragma once

#include "machine.h"
#include "pool.h"

/* What the simulator notes about a frame. */
struct frame_note {
	uint32_t table; /* its struct table, 0: holds no entries that we have seen */
	uint32_t stale; /* live stale records that name it */
};
extern struct frame_note *sim_notes;

static inline struct frame_note *
note_of(uint64_t pfn)
{
	return &sim_notes[pfn];
}

/* A table: who names it, whom it names. */
struct table {
	uint64_t pfn;
	uint64_t present[(HW_ENTRIES + 63) / 64]; /* entries the hardware looks at */
	uint32_t parents;			  /* first edge that names it */
	uint32_t nr_writable;			  /* edges among them that allow writes */
	uint32_t block;				  /* its own edges, 0: it names no tables */
	uint32_t context;			  /* first context of which it is the root */
	uint32_t follows;   /* of a root: the reference that it caches, 0: it is its own */
	uint32_t followers; /* of a reference: first context of a root that follows it */
};

/* A tag in use: the CPUs that may have cached translations of this root under it. */
struct context {
	uint32_t   next;	  /* of the same root */
	uint32_t   next_follower; /* of roots that follow the same reference */
	uint32_t   table;
	unsigned   asid;
	cpu_mask_t cpus;
};

bool reach_start(void);
void reach_stop(void);
void reach_save(void);
void reach_restore(void);

/* reach_table - the note of a table, made if there is none. reach_find - or NULL. */
struct table *reach_table(uint64_t pfn);
struct table *reach_find(uint64_t pfn);

/* reach_follow - the root's contexts are contexts of the reference too, which says what is true. */
void reach_follow(uint64_t root, uint64_t reference);

/* reach_has_followers - since the machine was started some root has followed another. */
bool reach_has_followers(void);

/*
 * reach_root - what a CPU of the context walks. reach_truth - the root that it follows; else the same.
 * reach_follows - the two are not the same.
 */
struct context *reach_context(uint32_t index);
pfn_t		reach_root(const struct context *ctx);
pfn_t		reach_truth(const struct context *ctx);
bool		reach_follows(const struct context *ctx);

/* reach_live - the context whose translations the CPU may have under asid, or NULL. */
struct context *reach_live(unsigned cpu, unsigned asid);

/* reach_entry_changed - keep edges and present bits. The entry in memory is `next` already. */
void reach_entry_changed(struct table *t, unsigned index, uint64_t old, uint64_t next);

/* reach_forget - the table's frame is not a table any more. */
void reach_forget(struct table *t);

/* reach_activate - CPU may cache translations of root under asid from now on. */
void reach_activate(unsigned cpu, unsigned asid, uint64_t root);

/* reach_deactivate - CPU has dropped all of asid and does not have it active. false: it had nothing. */
bool reach_deactivate(unsigned cpu, unsigned asid);

/* One way from a live root to an entry. */
struct reach {
	struct context *context;
	pfn_t		root;	/* the context's, or the one that it follows */
	unsigned	level;	/* of the entry */
	vaddr_t		va;	/* first address that it serves */
	unsigned	rights; /* what the entries above it leave */
};

/*
 * reach_each - call fn for every way from a live root to the entry, user half only.
 * writable_only: leave out ways on which the entries above deny writing.
 */
void reach_each(struct table *t, unsigned index, bool writable_only,
		void (*fn)(const struct reach *r, void *arg), void *arg);

/* reach_is_live - some live root reaches the table. */
bool reach_is_live(struct table *t);
