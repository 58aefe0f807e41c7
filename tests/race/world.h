/*
 * world.h - what races are about: spaces, an object, and the operations that most races share.
 *
 * A start makes what its race needs; every space named here, and the object, is given back at the
 * end of a run.
 */
#pragma once

#include "harness.h"

#include <anymm/usercopy.h>

#define RACE_CPUS 3

/*
 *   parent   the space of CPUs 0 and 1 in most races; `area` in it
 *   child    forked from it by start where a race wants one
 *   born     forked by an operation of that CPU
 */
struct race_world {
	struct space  *parent;
	struct space  *child;
	struct space  *born[RACE_CPUS];
	struct object *object;
	vaddr_t	       area;
};
extern struct race_world world;

#define AREA_PAGES 4
#define PAGE(n)	   (world.area + (vaddr_t)(n)*ARCH_PAGE_SIZE)

/* start_area - a space with `area`: of the world's object if there is one, else anonymous. */
void start_area(uint64_t pages, unsigned flags);

/* start_parent - a space with `area`: private anonymous, read and write, untouched. */
void start_parent(void);

/* start_touched - and every page written: page n holds n + 1. start_forked - and a child. */
void start_touched(void);
void start_forked(void);

/* start_object - a space whose area is a fresh object of zeroes, untouched. */
void start_object(unsigned flags);

/* start_stored - a space whose area is an object in storage, shared; its first page holds 1. */
void start_stored(void);

/*
 * add_device - a swap device of 32 slots; others go on while it is at work. It lies in the machine's
 * own frames, so each run starts with what it held at the start. drop_device - nothing is left on it.
 */
void add_device(void);
void drop_device(void);

/* load_word, store_word - one user access; the value, or a fault's name as a number. */
uint64_t load_word(struct space *sp, vaddr_t va);
uint64_t store_word(struct space *sp, vaddr_t va, uint64_t word);

/* map_area - private anonymous (or of the object, with these flags) at any address. */
vaddr_t map_area(struct space *sp, vaddr_t at, uint64_t pages, unsigned flags);

#define FAULTED ((uint64_t)0xf << 60)

/* What an operation on a child gives that could not be forked. */
#define UNBORN UINT64_MAX

/*
 * Operations, each on the first page unless its name says more: _1 the second page, _2 the first two,
 * _all the area. Each CPU stores a word of its own.
 */
uint64_t store_parent(unsigned cpu);
uint64_t store_parent_1(unsigned cpu);
uint64_t load_parent(unsigned cpu);
uint64_t load_parent_1(unsigned cpu);
uint64_t store_child(unsigned cpu);
uint64_t load_child(unsigned cpu);
uint64_t copy_out_of_child(unsigned cpu); /* through the kernel, without being active anywhere */

uint64_t unmap_parent(unsigned cpu);
uint64_t unmap_parent_all(unsigned cpu);
uint64_t unmap_child_all(unsigned cpu);
uint64_t protect_parent(unsigned cpu); /* from now on read only */
uint64_t protect_parent_2(unsigned cpu);
uint64_t dontneed_parent(unsigned cpu);
uint64_t lock_parent(unsigned cpu);
uint64_t move_parent(unsigned cpu); /* to the place of the third page, by its entry */
uint64_t load_moved(unsigned cpu);

/* A fork that a program sees: the child exists from the moment it is there. */
uint64_t fork_parent(unsigned cpu);
uint64_t store_born(unsigned cpu);
uint64_t load_born(unsigned cpu);
uint64_t exit_child(unsigned cpu); /* its last thread leaves it on this CPU */

/* The object, all of it. */
uint64_t cut(unsigned cpu); /* its end to the beginning */
uint64_t grow(unsigned cpu);
uint64_t write_back(unsigned cpu);
uint64_t put_object(unsigned cpu); /* the last reference but those of regions */

/* Its first page, and its first word. */
uint64_t punch(unsigned cpu);
uint64_t read_call(unsigned cpu);

/* Twice around all tables: every page may go to the device. How many do is not an outcome. */
uint64_t reclaim(unsigned cpu);
