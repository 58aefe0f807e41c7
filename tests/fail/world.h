/*
 * world.h - a small world in which every operation has something to do.
 *
 * One process whose regions lie on both sides of a boundary between leaf
 * tables, some of its pages touched, and, if wished, a child that shares all of
 * it and has written a part:
 *
 *	page of a table    n-8 ... n-1 | 0 ... 7      n: entries of a table
 *	heap, rw           A A A A A A A|A A A A . . . .	A touched, . not
 *	file, private      some pages further up, one read, one written
 *	shared memory, and a stack with room below it
 *
 * In the last kind of world there is a swap device, and all of this has been on it; every other page
 * of heap and image is back.
 */
#pragma once

#include "harness.h"

#include <anymm/call.h>
#include <anymm/check.h>
#include <anymm/process.h>
#include <anymm/usercopy.h>

#define PAGE ARCH_PAGE_SIZE

struct world {
	struct process *proc;
	struct process *child; /* NULL: none */
	struct object  *file;
	vaddr_t		edge;	/* the boundary in the middle of the heap */
	vaddr_t		heap;	/* first byte; HEAP_PAGES long */
	vaddr_t		image;	/* the private mapping of the file, 4 pages */
	vaddr_t		shared; /* shared anonymous, 4 pages */
	vaddr_t		stack;	/* a stack of one page */
};

enum {
	HALF = 8, /* pages of the heap on each side of the edge */
	HEAP_PAGES = 2 * HALF,
	FILE_PAGES = 6,
};

/* What the world needs; smaller machines have no room for it. */
#define WORLD_USER_END ((uint64_t)1 << 32)

enum world_kind {
	WORLD_ALONE,	  /* no child */
	WORLD_FORKED,	  /* a child that has done nothing yet */
	WORLD_WRITTEN,	  /* a child that has written on both sides of the edge */
	WORLD_OUT,	  /* the same, and most pages are out on the swap device */
	WORLD_REPLICATED, /* as WORLD_FORKED, and both have tables for each of two nodes */
	WORLD_KINDS,
};

/* world_make - a fresh machine with this world on it. */
void world_make(struct world *w, enum world_kind kind);

/* An access that must succeed. */
void world_store(struct process *proc, vaddr_t va);
void world_load(struct process *proc, vaddr_t va);

/* world_map - space_map of the process, which must succeed. */
vaddr_t world_map(struct process *proc, const struct map_request *request);
