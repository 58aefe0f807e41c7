/*
 * invariants.h - what is always true when no operation is in progress.
 *
 * The one list of them. check_all() recomputes each from the tables, regions,
 * objects and descriptors themselves, never from a counter that the checked
 * code keeps, and tests cite the names. "Reachable" means from the root of some
 * space; a table that several slots name is visited once.
 *
 *  I-REF     The count of a frame is the number of places that name it: slots of
 *            reachable tables, slots of objects, roots of spaces, swap slots that have it,
 *            and a pager that is filling it. All pins of a frame are one more place, pins
 *            held and pins of frames are as many, a frame that
 *            nobody names is free, and only objects' pages are dirty. (check_ref.c) The
 *            count of a swap slot is the number of marks that name it, and one if a frame
 *            has its contents; the two name each other. (check_swap.c)
 *  I-EXCL    An upper slot with write permission names a table of count 1, and a
 *            private leaf that is writable along its whole path names a frame of
 *            count 1. (check_excl.c)
 *  I-PROT    Every leaf lies in a region of each space that reaches it, allows no
 *            more than that region, and names a frame that belongs there: the
 *            object's page, or an anonymous one, or the zero frame, which nobody
 *            may write and which is zero. Guard marks lie in regions too.
 *            (check_prot.c)
 *  I-REG     Regions are sorted, disjoint, page aligned, not empty, inside the
 *            layout, and merged wherever two neighbours could be one. The tree
 *            that holds them is balanced and its sums are right; an object's list
 *            names exactly the regions that name the object. (check_reg.c)
 *  I-TAB     A table knows its level and its number of used entries; no empty
 *            table hangs in a tree; no table is locked; leaf tables, and no others,
 *            are visible to page-out. (check_tab.c)
 *  I-FREE    A free frame has count 0 and nobody names it. (check_free.c) Nobody writes to
 *            it either: the sanitizer sees that at once where there is one, and every
 *            machine that fills free frames sees it when the frame is given out again.
 *  I-TLB     No CPU can use a translation or a partial walk that allows more than
 *            the tables do, or names another frame or table; no two spaces have
 *            the same live tag. (check_tlb.c)
 *  I-CHARGE  The sums that a space keeps (pages, committed pages, data pages) are
 *            the sums over its regions, and respect its limits. (check_charge.c)
 *  I-LEDGER  Every frame has exactly one kind, and the totals by kind that the
 *            allocator reports are those of the descriptors. (check_ledger.c)
 *  I-PROC    Links between processes agree with each other, ids are unique, the
 *            living have a space and zombies none, a space has at least as many
 *            references as processes that name it. A thread has an id in its namespace
 *            and in each one around it, a namespace counts those in it and lies in the
 *            subtree of its init; the table has no other numbers. (check_proc.c)
 *  I-REPL    Each entry of a space's replica on a node names the frame that the space's tables
 *            name there, and allows no more than they do along the whole way; it may be written
 *            only if their entry is dirty. A replica's tables are named once and its entries
 *            count nothing. (check_repl.c)
 */
#pragma once

#include <anymm/check.h>

/*
 * One run of check_all. The first failure of the lowest-numbered invariant is
 * kept, because a wrong count or a wrong region tree explains what follows it.
 */
struct check {
	struct check_report *report;
	bool		     failed;
	bool		     cannot_go_on; /* what is broken would lead the walk astray */

	/* The walk over tables (walk.c). */
	struct space  *sp;	  /* the space being walked */
	struct region *region;	  /* its first region that ends after the entry at hand */
	struct space  *before[8]; /* spaces walked before this one, a ring */
	unsigned       nr_before;
	pfn_t	       zero_frame; /* what special leaves of private memory name, once seen */

	uint64_t pins; /* of all frames compared so far (check_ref.c) */

	/* What the first sweep over the descriptors counted (sweep.c). */
	uint64_t by_kind[FRAME_KINDS];
	uint64_t nr_frames;
	uint64_t nr_paired; /* frames that name a swap slot */

	uint64_t nr_pairs; /* swap slots that name a frame (check_swap.c) */
};

/* check_fail - note that an invariant is broken; the text says what, where, expected, found. */
void check_fail(struct check *c, enum invariant broken, const char *fmt, ...) PRINTF_LIKE(3, 4);
