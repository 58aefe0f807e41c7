/*
 * test_fault.c - every case of the picture in src/fault/fault.c, with exactly the
 * work it costs, and what two CPUs make of the same page at once. The file is long for one
 * reason: the cases stand together as they do in the picture.
 */
#include "unit/pt_fixture.h"
#include "unit/sketch.h"

#include <string.h>

#include <anymm/check.h>

#include "pt/state.h"

/* Tables that a fork leaves shared on the way to a page. */
#define SHARED_TABLES (ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0)

static enum fault_result
fault(struct space *sp, enum access access, unsigned page)
{
	return fault_handle(sp, PAGE(page) + 9, access);
}

static struct pte_leaf
leaf_at(struct space *sp, unsigned page)
{
	struct pt_view view = pt_look(&sp->pt, PAGE(page));

	assert_int_equal(view.level, 0);
	assert_int_equal(arch_pte_kind(view.pte, 0), PTE_LEAF);
	return arch_pte_decode_leaf(view.pte, 0);
}

static struct space *
fork_of(struct space *parent)
{
	struct space *child;

	EXPECT_OK(space_fork(parent, &child));
	return child;
}

static void
end(struct space *sp)
{
	pt_deactivate(&sp->pt);
	machine_check_invariants();
	space_put(sp);
}

/* LUN-27, LUN-28, ALM-14: region of va? none: any address may be asked for */
static void
no_region(void **state)
{
	static const vaddr_t strange[] = { 0,
					   1,
					   ARCH_USER_END - 1,
					   ARCH_USER_END,
					   (vaddr_t)1 << 63,
					   UINT64_MAX,
					   UINT64_MAX - ARCH_PAGE_SIZE };
	struct space	    *sp = sketch_space();

	(void)state;
	sketch_map(sp, 2, 4, PROT_RWX, 0);
	stats_note();
	for (unsigned i = 0; i < ARRAY_SIZE(strange); i++)
		for (unsigned a = ACCESS_LOAD; a <= ACCESS_FETCH; a++)
			assert_int_equal(fault_handle(sp, strange[i], (enum access)a),
					 FAULT_SEGV_MAPERR);
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_SEGV_MAPERR);
	assert_int_equal(fault(sp, ACCESS_STORE, 4), FAULT_SEGV_MAPERR);
	EXPECT_STAT(FAULT_MAPERR, 3 * ARRAY_SIZE(strange) + 2);
	EXPECT_STAT(TABLE_ALLOCS, 0);
	sketch_end(sp);
}

/* LUN-27, LUN-29, WNX-20, ALM-08, ALM-14, ALM-B11:
 * region:   -   r   rw   x   w       what may be written or executed may be read, as on x86-64
 * load      A   .   .    .   .
 * store     A   A   .    A   .
 * fetch     A   A   A    .   A */
static void
protection_forbids(void **state)
{
	static const prot_t prots[] = { 0, PROT_R, PROT_RW, PROT_X, PROT_W };
	static const bool   refused[3][ARRAY_SIZE(prots)] = {
		  [ACCESS_LOAD] = { true, false, false, false, false },
		  [ACCESS_STORE] = { true, true, false, true, false },
		  [ACCESS_FETCH] = { true, true, true, false, true },
	};
	struct space *sp = sketch_space();
	unsigned      nr_refused = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(prots); i++)
		sketch_map(sp, 1 + i, 2 + i, prots[i], 0);
	stats_note();
	for (unsigned a = ACCESS_LOAD; a <= ACCESS_FETCH; a++) {
		for (unsigned i = 0; i < ARRAY_SIZE(prots); i++) {
			enum fault_result wanted = refused[a][i] ? FAULT_SEGV_ACCERR : FAULT_DONE;

			assert_int_equal(fault(sp, (enum access)a, 1 + i), wanted);
			nr_refused += refused[a][i];
		}
	}
	EXPECT_STAT(FAULT_ACCERR, nr_refused);
	assert_false(sketch_is_present(sp, 1));
	sketch_end(sp);
}

/* LUN-28, WNX-10:
 * empty, private anonymous:   read   the zero frame, special, not writable
 *                             write  a fresh zeroed frame takes its place */
static void
a_read_maps_the_zero_frame_and_a_write_replaces_it(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	pt_activate(&sp->pt);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_ZERO_READ, 1);
	EXPECT_STAT(TABLE_ALLOCS, ROOT_LEVEL);
	assert_true(leaf_at(sp, 1).is_special);
	EXPECT_PAGE(&sp->pt, PAGE(1), pt_zero_frame(), PROT_R);
	assert_true(frame_totals().by_kind[FRAME_ANON] == 0);

	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_ZERO_FILL, 1);
	EXPECT_STAT(FAULT_COPY, 0);
	EXPECT_STAT(PAGE_COPIES, 0);
	EXPECT_STAT(FLUSH_PAGES, 1); /* others may still read zeros through the old entry */
	assert_false(leaf_at(sp, 1).is_special);
	assert_true(sketch_is_writable(sp, 1));
	assert_int_equal(sketch_load(sp, 1), 0);
	sketch_end(sp);
}

/* LUN-28, WNX-10. */
static void
a_write_makes_a_fresh_page_without_a_flush(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RWX, 0);
	pt_activate(&sp->pt);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 2), FAULT_DONE);
	EXPECT_STAT(FAULT_ZERO_FILL, 1);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(TABLE_ALLOCS, ROOT_LEVEL);
	EXPECT_PAGE(&sp->pt, PAGE(2), leaf_at(sp, 2).pfn, PROT_RWX);
	assert_int_equal(frame_of(leaf_at(sp, 2).pfn)->kind, FRAME_ANON);
	assert_int_equal(fault(sp, ACCESS_FETCH, 1), FAULT_DONE);
	EXPECT_PAGE(&sp->pt, PAGE(1), pt_zero_frame(), PROT_RX);
	sketch_end(sp);
}

/* LUN-28, DRG-32, WNX-11, WNX-20, ALM-B03:
 * empty, private object:      read   the object's frame, not writable
 *                             write  a copy of it takes its place; another page: a copy at once */
static void
a_private_file_page_is_read_in_place_and_copied_for_a_write(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);
	pfn_t	       page;

	(void)state;
	sketch_map_file(sp, 1, 4, PROT_RW, file, 2, MAPF_PRIVATE);
	pt_activate(&sp->pt);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_OBJECT, 1);
	page = leaf_at(sp, 1).pfn;
	EXPECT_PAGE(&sp->pt, PAGE(1), page, PROT_R);
	assert_int_equal(frame_of(page)->kind, FRAME_OBJECT);
	assert_int_equal(frame_count(page), 2);
	assert_int_equal(sketch_load(sp, 1), object_pattern(7, PAGE(2)));

	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(PAGE_COPIES, 1);
	EXPECT_STAT(FLUSH_PAGES, 1);
	assert_int_equal(frame_count(page), 1);
	assert_int_equal(sketch_load(sp, 1), object_pattern(7, PAGE(2)));
	sketch_store(sp, 1, 99);
	assert_int_equal(*(uint8_t *)arch_frame_ptr(page), object_pattern(7, PAGE(2)));

	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 2), FAULT_DONE);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(PAGE_COPIES, 1);
	EXPECT_STAT(FLUSH_PAGES, 0);
	assert_int_equal(sketch_load(sp, 2), object_pattern(7, PAGE(3)));
	assert_true(sketch_is_writable(sp, 2));
	object_put(file);
	sketch_end(sp);
}

/*
 * ALM-19:
 * empty, shared object:       the object's frame with all that the region allows, whoever asks
 */
static void
a_shared_file_page_is_the_objects_own(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 5, 7, PROT_R, file, 0, MAPF_SHARED);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_STORE, 2), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_LOAD, 5), FAULT_DONE);
	EXPECT_STAT(FAULT_OBJECT, 3);
	EXPECT_STAT(PAGE_COPIES, 0);
	EXPECT_PAGE(&sp->pt, PAGE(1), leaf_at(sp, 5).pfn, PROT_RW);
	EXPECT_PAGE(&sp->pt, PAGE(5), leaf_at(sp, 1).pfn, PROT_R);
	assert_int_equal(frame_count(leaf_at(sp, 1).pfn), 3);
	assert_int_equal(fault(sp, ACCESS_STORE, 5), FAULT_SEGV_ACCERR);
	sketch_store(sp, 1, 42);
	assert_int_equal(sketch_load(sp, 5), 42);
	object_put(file);
	sketch_end(sp);
}

/* DRG-33, WNX-B10, ALM-B11. */
static void
a_page_beyond_the_object(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 2);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 5, 9, PROT_RW, file, 0, MAPF_PRIVATE);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_LOAD, 2), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_LOAD, 3), FAULT_BUS_ADRERR);
	assert_int_equal(fault(sp, ACCESS_STORE, 4), FAULT_BUS_ADRERR);
	assert_int_equal(fault(sp, ACCESS_STORE, 7), FAULT_BUS_ADRERR);
	EXPECT_STAT(FAULT_BUSERR, 3);
	object_put(file);
	sketch_end(sp);
}

static err_t
fill_badly(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)pfn;
	return index == 1 ? ERR_IO : OK;
}

/* LUN-B12, WNX-B10. */
static void
a_page_that_cannot_be_read(void **state)
{
	static const struct pager_ops broken = { .name = "broken", .fill = fill_badly };
	struct space		     *sp = sketch_space();
	struct object		     *file;

	(void)state;
	EXPECT_OK(object_create(&broken, 9, 4, NULL, &file));
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_LOAD, 2), FAULT_BUS_ADRERR);
	assert_false(sketch_is_present(sp, 2));
	assert_int_equal(file->nr_pages, 1);
	assert_int_equal(fault(sp, ACCESS_LOAD, 3), FAULT_DONE);
	object_put(file);
	sketch_end(sp);
}

/*
 * LUN-14, LUN-28:
 * mark: a guard answers at once, in a child that shares its tables too: no memory, no copies
 */
static void
a_guard_costs_nothing_to_touch(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_GUARD_INSTALL));
	child = fork_of(sp);
	stats_note();
	machine_fail_allocation(1, true);
	for (unsigned a = ACCESS_LOAD; a <= ACCESS_STORE; a++) {
		assert_int_equal(fault(sp, (enum access)a, 2), FAULT_SEGV_MAPERR);
		assert_int_equal(fault(child, (enum access)a, 3), FAULT_SEGV_MAPERR);
	}
	machine_fail_allocation(0, false);
	EXPECT_STAT(FAULT_MAPERR, 4);
	EXPECT_STAT(PTE_WRITES, 0);
	EXPECT_STAT(COUNT_CHANGES, 0);
	EXPECT_OK(space_advise(child, PAGE(2), PAGE(2), ADVICE_GUARD_REMOVE));
	assert_int_equal(fault(child, ACCESS_STORE, 2), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_STORE, 2), FAULT_SEGV_MAPERR);
	end(child);
	sketch_end(sp);
}

/* ALM-14. */
static void
a_fault_that_nobody_needed_is_spurious(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store(sp, 1, 5);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 1), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_LOAD, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_SPURIOUS, 2);
	EXPECT_STAT(PTE_WRITES, 0);
	sketch_end(sp);
}

/* LUN-B07, DRG-32, ALM-15:
 * parent P, child C, pages A and B of one leaf table (1, 2), forked:
 *
 *   C writes A    a copy of each table on the way, a copy of A
 *   C writes B    the path is its own: a copy of B only
 *   P writes A    the last owner of tables and page: nothing copied, nothing flushed
 *   P writes B    likewise, the path is its own by now */
static void
the_writes_after_a_fork_cost_what_they_must(void **state)
{
	struct space *parent = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(parent, 1, 3, PROT_RW, 0);
	sketch_store_all(parent, 1, 3);
	child = fork_of(parent);
	pt_activate(&child->pt);

	stats_note();
	assert_int_equal(fault(child, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(TABLE_SPLITS, SHARED_TABLES);
	EXPECT_STAT(TABLE_RECLAIMS, 0);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(PAGE_COPIES, 1);
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(FLUSH_SPACES, 0);
	machine_check_invariants();

	stats_note();
	assert_int_equal(fault(child, ACCESS_STORE, 2), FAULT_DONE);
	EXPECT_STAT(TABLE_SPLITS, 0);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(FLUSH_PAGES, 1);

	pt_activate(&parent->pt);
	stats_note();
	assert_int_equal(fault(parent, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(TABLE_RECLAIMS, SHARED_TABLES);
	EXPECT_STAT(TABLE_SPLITS, 0);
	EXPECT_STAT(FAULT_REUSE, 1);
	EXPECT_STAT(PAGE_COPIES, 0);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(COUNT_CHANGES, 0);

	stats_note();
	assert_int_equal(fault(parent, ACCESS_STORE, 2), FAULT_DONE);
	EXPECT_STAT(TABLE_RECLAIMS, 0);
	EXPECT_STAT(FAULT_REUSE, 1);
	EXPECT_STAT(PTE_WRITES, 1);
	end(child);
	sketch_end(parent);
}

/*
 * LUN-B07, ALM-15:
 * The child dies unwritten: one write bit gives the parent all of its pages back.
 */
static void
after_a_dead_child_one_fault_suffices(void **state)
{
	struct space *parent = sketch_space();

	(void)state;
	sketch_map(parent, 1, 3, PROT_RW, 0);
	sketch_store_all(parent, 1, 3);
	end(fork_of(parent));
	stats_note();
	assert_int_equal(fault(parent, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(PTE_WRITES, 1);
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		EXPECT_STAT(FAULT_UPGRADE, 1);
		assert_true(sketch_is_writable(parent, 2) ||
			    level_index(ROOT_LEVEL, PAGE(2)) != level_index(ROOT_LEVEL, PAGE(1)));
	} else {
		EXPECT_STAT(FAULT_REUSE, 1);
	}
	sketch_end(parent);
}

/* A read of what the parent has costs the child nothing; a read of what nobody has, a path. */
static void
reads_after_a_fork(void **state)
{
	struct space *parent = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(parent, 1, 4, PROT_RW, 0);
	sketch_store(parent, 1, 11);
	child = fork_of(parent);
	stats_note();
	assert_int_equal(sketch_load(child, 1), 11);
	EXPECT_STAT(TABLE_SPLITS, 0);
	EXPECT_STAT(FAULT_SPURIOUS, 0);
	assert_int_equal(sketch_load(child, 2), 0);
	EXPECT_STAT(TABLE_SPLITS, SHARED_TABLES);
	EXPECT_STAT(FAULT_ZERO_READ, 1);
	assert_false(sketch_is_present(parent, 2));
	end(child);
	sketch_end(parent);
}

/*
 * LUN-36, LUN-B17, DRG-32, ALM-19, ALM-B05:
 * A shared mapping stays shared over a fork: the path was the obstacle, the leaf is not.
 */
static void
a_shared_page_is_written_by_both(void **state)
{
	struct space  *parent = sketch_space();
	struct object *file = sketch_file(7, 8);
	struct space  *child;

	(void)state;
	sketch_map_file(parent, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(parent, 1, 1);
	child = fork_of(parent);
	stats_note();
	assert_int_equal(fault(child, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_UPGRADE, ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_STAT(FAULT_SPURIOUS, !ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_STAT(PAGE_COPIES, 0);
	sketch_store(child, 1, 2);
	assert_int_equal(sketch_load(parent, 1), 2);
	sketch_store(parent, 1, 3);
	assert_int_equal(sketch_load(child, 1), 3);
	end(child);
	object_put(file);
	sketch_end(parent);
}

/*
 * LUN-29, LUN-B06, ALM-B02:
 * A read-only region never becomes writable by copy-on-write, whatever its past.
 */
static void
a_read_only_region_stays_read_only(void **state)
{
	struct space *parent = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(parent, 1, 3, PROT_RW, 0);
	sketch_store_all(parent, 1, 3);
	child = fork_of(parent);
	EXPECT_OK(space_protect(child, PAGE(1), PAGE(1), PROT_R));
	assert_int_equal(fault(child, ACCESS_STORE, 1), FAULT_SEGV_ACCERR);
	sketch_store(child, 2, 8); /* makes the path writable */
	assert_int_equal(fault(child, ACCESS_STORE, 1), FAULT_SEGV_ACCERR);
	assert_false(sketch_is_writable(child, 1));
	EXPECT_OK(space_protect(child, PAGE(1), PAGE(1), PROT_RW));
	sketch_store(child, 1, 9);
	assert_int_equal(sketch_load(parent, 1), 1);
	end(child);
	sketch_end(parent);
}

/* page       5 6 7 8 9 10
 * before     . . . . [  ]     a stack of [9, 11), at most four pages
 * touch 8          [    ]     grown, and the page is there
 * touch 5    x                beyond the limit */
static void
a_stack_grows_to_its_limit(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.limit_stack = PAGE(4);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 9, 11, PROT_RW, REGION_GROWSDOWN);
	stats_note();
	assert_int_equal(fault(sp, ACCESS_STORE, 8), FAULT_DONE);
	EXPECT_STAT(FAULT_STACK, 1);
	EXPECT_STAT(FAULT_ZERO_FILL, 1);
	EXPECT_REGIONS(sp, "8-11 rw down");
	assert_int_equal(fault(sp, ACCESS_LOAD, 7), FAULT_DONE);
	EXPECT_STAT(FAULT_STACK, 2);
	EXPECT_STAT(FAULT_ZERO_READ, 1);
	assert_int_equal(fault(sp, ACCESS_STORE, 5), FAULT_SEGV_MAPERR);
	EXPECT_STAT(FAULT_STACK, 2);
	EXPECT_REGIONS(sp, "7-11 rw down");
	sketch_end(sp);
}

/*
 * LUN-12, ALM-05:
 * A neighbour keeps its distance; access that the stack does not allow does not grow it for nothing.
 */
static void
a_stack_keeps_its_guard_gap(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 9, 11, PROT_RW, REGION_GROWSDOWN);
	sketch_map(sp, 5, 6, PROT_RW, 0);
	assert_int_equal(fault(sp, ACCESS_STORE, 7), FAULT_DONE);
	assert_int_equal(fault(sp, ACCESS_STORE, 6), FAULT_SEGV_MAPERR);
	EXPECT_REGIONS(sp, "5-6 rw, 7-11 rw down");
	sketch_end(sp);
}

/* Memory ends at each allocation in turn: the answer is NOMEM, and all the user sees is as before. */
static void
expect_nomem_changes_nothing(struct space *sp, enum access access, unsigned page)
{
	enum fault_result result = FAULT_NOMEM;

	for (unsigned n = 1; result != FAULT_DONE; n++) {
		struct digest before = digest_all();
		struct digest after;

		stats_note();
		machine_fail_allocation(n, false);
		result = fault(sp, access, page);
		machine_fail_allocation(0, false);
		machine_check_invariants();
		if (result == FAULT_DONE)
			break;
		assert_int_equal(result, FAULT_NOMEM);
		EXPECT_STAT(FAULT_NOMEM, 1);
		after = digest_all();
		assert_true(before.lo == after.lo && before.hi == after.hi);
		assert_true(n < 20);
	}
}

/* LUN-B12, DRG-33, WNX-B10. */
static void
without_memory_nothing_changes(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);
	struct space  *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map_file(sp, 5, 7, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_map_file(sp, 8, 10, PROT_RW, file, 3, MAPF_SHARED);
	expect_nomem_changes_nothing(sp, ACCESS_LOAD, 1);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 1);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 2);
	expect_nomem_changes_nothing(sp, ACCESS_LOAD, 5);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 6);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 8);
	child = fork_of(sp);
	expect_nomem_changes_nothing(child, ACCESS_STORE, 1);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 2);
	expect_nomem_changes_nothing(sp, ACCESS_STORE, 5);
	expect_nomem_changes_nothing(child, ACCESS_STORE, 8);
	end(child);
	object_put(file);
	sketch_end(sp);
}

/* page       1  2  3  4  5
 * region     rw rw r  -  .
 * populate   x  x  x  !        stops where the first access fails */
static void
populate_stops_at_the_first_failure(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 4, PROT_R, 0);
	sketch_map(sp, 4, 5, 0, 0);
	stats_note();
	assert_int_equal(fault_populate(sp, va_range(PAGE(1), PAGE(3)), ACCESS_STORE), FAULT_DONE);
	EXPECT_STAT(FAULT_ZERO_FILL, 2);
	assert_int_equal(fault_populate(sp, va_range(PAGE(1), PAGE(6)), ACCESS_LOAD),
			 FAULT_SEGV_ACCERR);
	EXPECT_STAT(FAULT_ZERO_READ, 1);
	assert_true(sketch_is_present(sp, 3));
	assert_int_equal(fault_populate(sp, va_range(PAGE(2), PAGE(2)), ACCESS_LOAD), FAULT_DONE);
	sketch_end(sp);
}

static void
results_have_names(void **state)
{
	static const char *const names[] = { "DONE",	   "SEGV_MAPERR", "SEGV_ACCERR",
					     "BUS_ADRERR", "NOMEM",	  "?" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(fault_result_name((enum fault_result)i), names[i]);
}

/* Several CPUs. Bodies judge nothing; they note what they saw. */

#define RACERS 3

static struct {
	struct space *spaces[RACERS];
	unsigned      page[RACERS];
	unsigned      failed;
	unsigned      backwards;
	uint8_t	      last[RACERS];
} race;

static void
store_byte(unsigned i, uint8_t byte)
{
	race.failed += machine_user(race.spaces[i], ACCESS_STORE, PAGE(race.page[i]), &byte, 1) !=
		       FAULT_DONE;
}

static void
store_as(void *arg)
{
	(void)arg;
	store_byte(platform_cpu(), (uint8_t)(100 + platform_cpu()));
}

static void
fresh_race(void)
{
	struct space_layout layout = sketch_layout();

	machine_fresh_with(&(struct machine_config){ .nr_cpus = RACERS, .nr_frames = 4096 });
	memset(&race, 0, sizeof(race));
	EXPECT_OK(space_create(&layout, &race.spaces[0]));
	sketch_map(race.spaces[0], 1, 4, PROT_RW, 0);
}

static void
run_race(void (*const *bodies)(void *), unsigned n, uint64_t seed)
{
	machine_race(n, bodies, NULL,
		     &(struct machine_schedule){ .policy = seed & 1 ? RACE_PCT : RACE_RANDOM,
						 .param = 3,
						 .seed = seed });
	assert_int_equal(race.failed, 0);
	assert_int_equal(race.backwards, 0);
	machine_check_invariants();
}

static void
leave_everywhere(struct space *sp)
{
	for (unsigned cpu = 0; cpu < RACERS; cpu++) {
		machine_cpu_set(cpu);
		pt_deactivate(&sp->pt);
	}
	machine_cpu_set(0);
	space_put(sp);
}

/* ALM-B09: Three CPUs store to one untouched page: one frame is made, the others find it there. */
static void
one_page_for_cpus_that_fault_together(void **state)
{
	void (*const bodies[])(void *) = { store_as, store_as, store_as };
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		fresh_race();
		for (unsigned i = 0; i < RACERS; i++) {
			race.spaces[i] = race.spaces[0];
			race.page[i] = 1;
		}
		stats_note();
		run_race(bodies, RACERS, seed + n);
		EXPECT_STAT(FAULT_ZERO_FILL, 1);
		assert_true(frame_totals().by_kind[FRAME_ANON] == 1);
		leave_everywhere(race.spaces[0]);
		machine_check();
	}
}

/* Parent and two children write the same shared page at once: each has its own in the end. */
static void
every_owner_gets_its_own_page(void **state)
{
	void (*const bodies[])(void *) = { store_as, store_as, store_as };
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 60; n++) {
		fresh_race();
		sketch_store_all(race.spaces[0], 1, 4);
		for (unsigned i = 1; i < RACERS; i++)
			race.spaces[i] = fork_of(race.spaces[0]);
		for (unsigned i = 0; i < RACERS; i++)
			race.page[i] = n % 2 ? 1 : 1 + i;
		run_race(bodies, RACERS, seed + n);
		for (unsigned i = 0; i < RACERS; i++)
			for (unsigned page = 1; page < 4; page++)
				assert_int_equal(sketch_load(race.spaces[i], page),
						 page == race.page[i] ? 100 + i : page);
		for (unsigned i = 0; i < RACERS; i++)
			leave_everywhere(race.spaces[i]);
		machine_check();
	}
}

static void
store_rising(void *arg)
{
	(void)arg;
	for (uint8_t byte = 10; byte < 14; byte++)
		store_byte(0, byte);
}

static void
watch(void *arg)
{
	unsigned cpu = platform_cpu();

	(void)arg;
	for (unsigned i = 0; i < 12; i++) {
		uint8_t byte = 0;

		race.failed += machine_user(race.spaces[cpu], ACCESS_LOAD, PAGE(race.page[cpu]),
					    &byte, 1) != FAULT_DONE;
		race.backwards += byte < race.last[cpu];
		race.last[cpu] = byte;
	}
}

/* CPU 0 writes rising numbers into a page shared by a fork; CPU 1, in the same space, never
 * sees one go back; CPU 2, in the other space, sees none of them. */
static void
a_copy_never_goes_back_in_time(void **state)
{
	void (*const bodies[])(void *) = { store_rising, watch, watch };
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 80; n++) {
		fresh_race();
		for (unsigned i = 0; i < RACERS; i++)
			race.page[i] = 1;
		if (n & 2)
			sketch_store(race.spaces[0], 1, 3);
		else
			sketch_load(race.spaces[0], 1);
		race.spaces[2] = fork_of(race.spaces[0]);
		race.spaces[1] = race.spaces[0];
		run_race(bodies, RACERS, seed + n);
		assert_int_equal(race.last[2], n & 2 ? 3 : 0);
		assert_int_equal(sketch_load(race.spaces[0], 1), 13);
		assert_int_equal(sketch_load(race.spaces[2], 1), n & 2 ? 3 : 0);
		leave_everywhere(race.spaces[0]);
		leave_everywhere(race.spaces[2]);
		machine_check();
	}
}

/* Two CPUs touch the same page below a stack: it grows once. */
static void
a_stack_grows_once_for_two(void **state)
{
	void (*const bodies[])(void *) = { store_as, store_as };
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		fresh_race();
		sketch_map(race.spaces[0], 9, 11, PROT_RW, REGION_GROWSDOWN);
		race.spaces[1] = race.spaces[0];
		race.page[0] = race.page[1] = 8;
		stats_note();
		run_race(bodies, 2, seed + n);
		EXPECT_STAT(FAULT_STACK, 1);
		EXPECT_STAT(FAULT_ZERO_FILL, 1);
		leave_everywhere(race.spaces[0]);
		machine_check();
	}
}

TEST_SUITE(fault, cmocka_unit_test(no_region), cmocka_unit_test(protection_forbids),
	   cmocka_unit_test(a_read_maps_the_zero_frame_and_a_write_replaces_it),
	   cmocka_unit_test(a_write_makes_a_fresh_page_without_a_flush),
	   cmocka_unit_test(a_private_file_page_is_read_in_place_and_copied_for_a_write),
	   cmocka_unit_test(a_shared_file_page_is_the_objects_own),
	   cmocka_unit_test(a_page_beyond_the_object), cmocka_unit_test(a_page_that_cannot_be_read),
	   cmocka_unit_test(a_guard_costs_nothing_to_touch),
	   cmocka_unit_test(a_fault_that_nobody_needed_is_spurious),
	   cmocka_unit_test(the_writes_after_a_fork_cost_what_they_must),
	   cmocka_unit_test(after_a_dead_child_one_fault_suffices),
	   cmocka_unit_test(reads_after_a_fork), cmocka_unit_test(a_shared_page_is_written_by_both),
	   cmocka_unit_test(a_read_only_region_stays_read_only),
	   cmocka_unit_test(a_stack_grows_to_its_limit),
	   cmocka_unit_test(a_stack_keeps_its_guard_gap),
	   cmocka_unit_test(without_memory_nothing_changes),
	   cmocka_unit_test(populate_stops_at_the_first_failure),
	   cmocka_unit_test(results_have_names),
	   cmocka_unit_test(one_page_for_cpus_that_fault_together),
	   cmocka_unit_test(every_owner_gets_its_own_page),
	   cmocka_unit_test(a_copy_never_goes_back_in_time),
	   cmocka_unit_test(a_stack_grows_once_for_two))
