/* test_pin.c - pinned pages: one owner for ever, copies for children, lives of their own. */
#include "unit/sketch.h"

#include <anymm/call.h>

#include "pt/cursor.h"

static pfn_t
frame_at(struct space *sp, unsigned page)
{
	return machine_translate(sp->pt.root, PAGE(page)).pfn;
}

/* An untouched page, also one that is only read, gets a frame of its own and keeps it over writes. */
static void
a_pinned_page_keeps_its_frame(void **state)
{
	struct space *sp = sketch_space();
	pfn_t	      pfn[2];

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 4, PROT_R, 0);
	(void)sketch_load(sp, 2);
	EXPECT_OK(call_pin(sp, PAGE(2), 2, 0, pfn));
	machine_check_invariants();
	assert_true(pfn_eq(frame_at(sp, 2), pfn[0]) && pfn_eq(frame_at(sp, 3), pfn[1]));
	sketch_store(sp, 2, 22);
	assert_true(pfn_eq(frame_at(sp, 2), pfn[0]));
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 3), FAULT_SEGV_ACCERR);
	call_unpin(pfn, 2, false);
	sketch_end(sp);
}

/* A fork: the parent keeps the frame, writes to it at once; the child has what was in it then. */
static void
a_fork_copies_for_the_child(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;
	pfn_t	      pfn;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(call_pin(sp, PAGE(2), 1, PIN_WRITE, &pfn));
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	sketch_store(sp, 2, 99);
	assert_true(pfn_eq(frame_at(sp, 2), pfn));
	assert_int_equal(sketch_load(child, 2), 2);
	sketch_store(child, 2, 77);
	assert_int_equal(sketch_load(sp, 2), 99);
	assert_int_equal(sketch_load(child, 3), 3);
	pt_deactivate(&child->pt);
	space_put(child);
	call_unpin(&pfn, 1, true);
	EXPECT_OK(space_fork(sp, &child));
	assert_false(atomic_load(&sp->may_have_pins));
	space_put(child);
	sketch_end(sp);
}

/* Locks are not inherited, not by the copy of a page that is locked and pinned either. */
static void
a_childs_copy_is_not_locked(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;
	pfn_t	      pfn;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 7);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(1), 0));
	EXPECT_OK(call_pin(sp, PAGE(1), 1, PIN_WRITE, &pfn));
	EXPECT_OK(space_fork(sp, &child));
	assert_true(arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(1)).pte, 0).is_wired);
	assert_false(arch_pte_decode_leaf(pt_look(&child->pt, PAGE(1)).pte, 0).is_wired);
	assert_int_equal(sketch_load(child, 1), 7);
	sketch_drop(child);
	call_unpin(&pfn, 1, true);
	sketch_end(sp);
}

/* Unmapped, the frame lives until its last pin goes. */
static void
the_pin_outlives_the_mapping(void **state)
{
	struct space *sp = sketch_space();
	pfn_t	      pfn, again;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	EXPECT_OK(call_pin(sp, PAGE(1), 1, PIN_WRITE, &pfn));
	EXPECT_OK(call_pin(sp, PAGE(1), 1, 0, &again));
	assert_true(pfn_eq(pfn, again));
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(1)));
	machine_check_invariants();
	assert_int_equal(frame_count(pfn), 1);
	call_unpin(&pfn, 1, false);
	machine_check_invariants();
	call_unpin(&again, 1, false);
	sketch_end(sp);
}

static void
errors_pin_nothing(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 1);
	pfn_t	       pfn[4];

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 2, 3, PROT_R, 0);
	sketch_map_file(sp, 4, 6, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_ERR(call_pin(sp, PAGE(1) + 1, 1, 0, pfn), ERR_INVAL);
	EXPECT_ERR(call_pin(sp, PAGE(1), 1, 2, pfn), ERR_INVAL);
	EXPECT_ERR(call_pin(sp, PAGE(1), 2, PIN_WRITE, pfn), ERR_FAULT);
	EXPECT_ERR(call_pin(sp, PAGE(1), 3, 0, pfn), ERR_FAULT);
	EXPECT_ERR(call_pin(sp, PAGE(4), 2, 0, pfn), ERR_FAULT);
	EXPECT_ERR(call_pin(sp, PAGE(1), UINT64_MAX, 0, pfn), ERR_FAULT);
	EXPECT_ERR(call_pin(sp, (vaddr_t)1 << 63, 1, 0, pfn), ERR_FAULT);
	assert_int_equal(frame_nr_pins(), 0);
	EXPECT_OK(call_pin(sp, PAGE(4), 1, PIN_WRITE, pfn));
	call_unpin(pfn, 1, true);
	/* A page with as many names as there can be: nothing is wrong with the address. */
	atomic_store(&frame_of(pfn[0])->count, FRAME_COUNT_MAX);
	EXPECT_ERR(call_pin(sp, PAGE(4), 1, PIN_WRITE, pfn), ERR_NOMEM);
	atomic_store(&frame_of(frame_at(sp, 4))->count, 2);
	assert_int_equal(frame_nr_pins(), 0);
	object_put(file);
	sketch_end(sp);
}

/* A page of a file that was written back is clean, and stays as long as the device has it. */
static void
a_pinned_page_of_a_file_stays_in_memory(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file;
	pfn_t	       pfn;

	(void)state;
	EXPECT_OK(object_create_stored(9, PAGE(1), &file));
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_OK(call_pin(sp, PAGE(1), 1, PIN_WRITE, &pfn));
	EXPECT_OK(object_write_back(file, 0, 1));
	assert_int_equal(object_evict(file, 0, 1), 0);
	*(uint8_t *)arch_frame_ptr(pfn) = 55;
	assert_int_equal(sketch_load(sp, 1), 55);
	call_unpin(&pfn, 1, true);
	assert_int_equal(object_evict(file, 0, 1), 0);
	EXPECT_OK(object_write_back(file, 0, 1));
	assert_int_equal(object_evict(file, 0, 1), 1);
	assert_int_equal(sketch_load(sp, 1), 55);
	object_put(file);
	sketch_end(sp);
}

/*
 * A file's page, pinned where it is mapped shared and read where it is mapped private: it is nobody's own,
 * so the child goes on seeing what the file has.
 */
static void
a_childs_view_of_a_pinned_page_of_a_file_is_no_copy(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 1);
	struct space  *child;
	pfn_t	       pfn;

	(void)state;
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 2, 3, PROT_RW, file, 0, MAPF_PRIVATE);
	(void)sketch_load(sp, 2);
	EXPECT_OK(call_pin(sp, PAGE(1), 1, PIN_WRITE, &pfn));
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	sketch_store(sp, 1, 99);
	assert_int_equal(sketch_load(sp, 2), 99);
	assert_int_equal(sketch_load(child, 2), 99);
	pt_deactivate(&child->pt);
	space_put(child);
	call_unpin(&pfn, 1, true);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(pin, cmocka_unit_test(a_pinned_page_of_a_file_stays_in_memory),
	   cmocka_unit_test(a_pinned_page_keeps_its_frame),
	   cmocka_unit_test(a_fork_copies_for_the_child),
	   cmocka_unit_test(a_childs_copy_is_not_locked),
	   cmocka_unit_test(a_childs_view_of_a_pinned_page_of_a_file_is_no_copy),
	   cmocka_unit_test(the_pin_outlives_the_mapping), cmocka_unit_test(errors_pin_nothing))
