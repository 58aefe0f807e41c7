/*
 * story.h - random lives of processes, on the library and on the flat model at once.
 *
 * A story is a sequence of 8-byte records. Each record is one operation: who
 * does it, on which CPU, where, how much. Every record means something (fields
 * are folded into range, never rejected), and its meaning depends only on the
 * records before it, so a story can come from a random generator or a fuzzer
 * and is repeated exactly. After each step the results of both sides must be
 * equal; story_compare looks at all regions and all contents.
 *
 * Operations with a high `fail` first run with an allocation made to fail.
 * If that run gives up for want of memory it must have changed nothing, and the
 * operation runs again with memory.
 */
#pragma once

#include <stdio.h>

#include "model/flat.h"

#include <anymm/check.h>
#include <anymm/swap.h>
#include <anymm/usercopy.h>

#include "machine.h"

#define STORY_PROCS 6
#define STORY_CPUS  3
#define STORY_FILES 3
#define STORY_BASES 48
#define STORY_PINS  6
#define STORY_HELD  4096

#define STORY_PIN_PAGES	 4
#define STORY_SWAP_SLOTS 512 /* at most */
#define STORY_LOCKED \
	(24 * ARCH_PAGE_SIZE) /* limit of locked memory: the model fills it page by page */

struct story_record {
	uint8_t op;	 /* what: folded into the table of operations */
	uint8_t who;	 /* low 4 bits: process; high 4 bits: CPU */
	uint8_t addr[2]; /* where: story_place, story_aim */
	uint8_t length;	 /* how much: story_length */
	uint8_t how;	 /* protection, flags, advice */
	uint8_t data;	 /* what is stored */
	uint8_t fail; /* from 0xc0: which allocation fails, bit 5: and all after; from 0x80, if there
		       * is a swap device: it cannot read, bit 5: or write; below: nothing */
};
static_assert(sizeof(struct story_record) == 8, "records are eight bytes");

struct story_proc {
	struct process	  *real;   /* NULL: slot not in use */
	struct flat_space *fs;	   /* NULL: zombie */
	int		   parent; /* -1: none */
	int32_t		   code;
};

/* Pages held for a device; see story_pin.c. */
struct story_pin {
	unsigned	    nr_pages; /* 0: none */
	bool		    writes;
	bool		    has_written;
	pfn_t		    frames[STORY_PIN_PAGES];
	struct flat_pinned *pages[STORY_PIN_PAGES];
};

struct story_swap {
	struct swap_device device;
	bool		   fails_reads, fails_writes;
	unsigned	   nr_failed; /* reads, in this operation */
};

struct story {
	struct flat	    flat;
	struct story_proc   procs[STORY_PROCS];
	struct flat_object *files[STORY_FILES];
	vaddr_t		    bases[STORY_BASES]; /* interesting addresses */
	unsigned	    nr_bases;
	vaddr_t		    last_mapped;
	vaddr_t		    last_accessed;
	unsigned	    nr_cpus;
	unsigned	    nr_nodes; /* 0: one; else every space has replicas on so many */
	unsigned	    step;
	bool		    digests;	   /* compare digests around failures */
	bool		    changes_files; /* and so cannot be told in the scenario language */
	uint32_t	    swap_slots;	   /* 0: no swap device */
	bool		    is_hungry;	   /* hardly any frame is free; cannot be told either */
	bool		    has_freed;	   /* MADV_FREE was called */
	struct story_swap   swap;
	struct story_pin    pins[STORY_PINS];
	pfn_t		    held[STORY_HELD]; /* frames that somebody else has: memory is short */
	unsigned	    nr_held;
	FILE		   *out;      /* the story in the scenario language; NULL: not told */
	unsigned	    told_cpu; /* the CPU that the scenario is on */
	bool	 must_stop_failing;   /* an allocation is still to fail, says the scenario */
	char	 text[400];	      /* the first difference */
	unsigned nr_gave_up;	      /* operations that ran out of memory and undid themselves */
};

/* story_machine - start a machine and the library for stories. false: message in *text. */
bool story_machine(struct story *st, unsigned nr_cpus, uint64_t nr_frames, uint64_t seed);

/* story_birth - the files and the first process, whose regions are set up on both sides. */
void story_birth(struct story *st);

/* story_rebirth - the model as story_birth left it, after machine_reset took the machine back. */
void story_rebirth(struct story *st);

/* story_step - one operation on both sides. false: they differ, st->text says how. */
bool story_step(struct story *st, const struct story_record *record);

/* story_compare - all regions, all pages. false: a difference. */
bool story_compare(struct story *st);

/* story_end - every process exits and is waited for; files are dropped. false: a difference. */
bool story_end(struct story *st);

/* For the parts of the story only. */

/* story_differ - note a difference; gives false. */
bool story_differ(struct story *st, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* story_tell - one line of the scenario. */
void story_tell(struct story *st, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* story_place - where a mapping shall go. story_aim - what an operation is about. */
vaddr_t story_place(struct story *st, struct flat_space *fs, const struct story_record *rec);
vaddr_t story_aim(struct story *st, struct flat_space *fs, const struct story_record *rec);

uint64_t story_length(const struct story *st, const struct story_record *rec);
void	 story_find_bases(struct story *st, const struct space_layout *layout);

/* story_leave - no CPU has the space active. */
void story_leave(const struct story *st, struct space *sp);

/* story_unpin_all - the device lets go of everything. */
void story_unpin_all(struct story *st);

/* story_compare_pins - what the device sees. story_pinned_frame - what it holds of a page. */
bool  story_compare_pins(struct story *st);
pfn_t story_pinned_frame(const struct story *st, const struct flat_pinned *pinned);

/* story_swap_begin, story_swap_end - the device comes and goes, if the story has one. false: it cannot. */
bool story_swap_begin(struct story *st);
bool story_swap_end(struct story *st);

/* story_swapped - the contents of the page that a mark stands for, wherever they are; NULL: of none. */
const uint8_t *story_swapped(pte_t pte);

/* story_page_out - the contents of an object's page that is on the swap device, until the next call; NULL: it is not. */
const uint8_t *story_page_out(struct object *object, uint64_t index);

/* story_starve - take all frames but these. story_feed - give them back. */
void story_starve(struct story *st, uint64_t left);
void story_feed(struct story *st);

/* story_settle - the model forgets what MADV_FREE has let go, where the library has. */
void story_settle(struct story *st);

/* story_settle_objects - nor does it know what was stored behind the end of an object whose last page was put out. */
void story_settle_objects(struct story *st);
