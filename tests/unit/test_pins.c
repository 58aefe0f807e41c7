/* test_pins.c - pinned pages that move, and forks that have to find them. */
#include "unit/sketch.h"

#include <anymm/call.h>
#include <anymm/stats.h>

#include "pt/pins.h"

static pfn_t
frame_at(struct space *sp, vaddr_t va)
{
	return machine_translate(sp->pt.root, va).pfn;
}

static struct remap_request
move_request(vaddr_t from, uint64_t bytes, vaddr_t to)
{
	return (struct remap_request){ .addr = from,
				       .old_length = bytes,
				       .new_length = bytes,
				       .flags = REMAP_MAYMOVE | REMAP_FIXED,
				       .new_addr = to };
}

static struct space *child_of_pinned;

static err_t
fork_once(struct space *sp)
{
	return space_fork(sp, &child_of_pinned);
}

/* Pages [1, 5) with their numbers; page 2 is pinned. */
static struct space *
pinned_sketch(pfn_t *pfn)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(call_pin(sp, PAGE(2), 1, PIN_WRITE, pfn));
	return sp;
}

/* The parent's page keeps its frame and its right to be written; the child's is another. */
static void
expect_own_pages(struct space *sp, vaddr_t va, pfn_t pfn)
{
	struct machine_translation theirs = machine_translate(child_of_pinned->pt.root, va);

	assert_true(pfn_eq(frame_at(sp, va), pfn));
	assert_false(pfn_eq(theirs.pfn, pfn));
	assert_true(theirs.prot & PROT_W);
	machine_check_invariants();
	pt_deactivate(&child_of_pinned->pt);
	space_put(child_of_pinned);
}

/* A pinned page that moves is found where it is now. */
static void
a_moved_page_is_found(void **state)
{
	pfn_t		     pfn;
	struct space	    *sp = pinned_sketch(&pfn);
	struct remap_request request = move_request(PAGE(2), PAGE(1), PAGE(9));
	struct va_range	     fresh;
	vaddr_t		     at;

	(void)state;
	EXPECT_OK(space_remap(sp, &request, &at, &fresh));
	EXPECT_OK(fork_once(sp));
	expect_own_pages(sp, PAGE(9), pfn);
	call_unpin(&pfn, 1, false);
	sketch_end(sp);
}

/* A fork of a space with pins that finds no memory, at any point, has done nothing. */
static void
forks_fail_without_a_trace(void **state)
{
	pfn_t	      pfn;
	struct space *sp = pinned_sketch(&pfn);

	(void)state;
	assert_true(sketch_fail_each(fork_once, sp) > 2);
	expect_own_pages(sp, PAGE(2), pfn);
	call_unpin(&pfn, 1, false);
	sketch_end(sp);
}

/* A page of a region that the child does not get is not copied. */
static void
what_is_left_out_is_not_copied(void **state)
{
	pfn_t	      pfn;
	struct space *sp = pinned_sketch(&pfn);
	uint64_t      copies;

	(void)state;
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTFORK));
	copies = stat_get(STAT_PAGE_COPIES);
	EXPECT_OK(fork_once(sp));
	assert_int_equal(stat_get(STAT_PAGE_COPIES), copies);
	pt_deactivate(&child_of_pinned->pt);
	space_put(child_of_pinned);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DOFORK));
	EXPECT_OK(fork_once(sp));
	expect_own_pages(sp, PAGE(2), pfn);
	call_unpin(&pfn, 1, false);
	sketch_end(sp);
}

TEST_SUITE(pins, cmocka_unit_test(a_moved_page_is_found),
	   cmocka_unit_test(forks_fail_without_a_trace),
	   cmocka_unit_test(what_is_left_out_is_not_copied))
