/* test_locked.c - which regions are locked, and how much may be. */
#include "unit/sketch.h"

#include "pt/cursor.h"

static struct space *
space_with_limit(uint64_t bytes)
{
	struct space_layout layout = sketch_layout();

	layout.limit_memlock = bytes;
	return sketch_space_with(&layout);
}

/* page      1 2 3 4 5
 * before    A A A A .
 * lock        x x            from a byte of page 2 to a byte of page 3
 * unlock        x */
static void
whole_pages_are_locked_and_unlocked(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	EXPECT_OK(space_lock(sp, PAGE(2) + 1, ARCH_PAGE_SIZE, 0));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw locked, 4-5 rw");
	EXPECT_OK(space_unlock(sp, PAGE(3) + 7, 1));
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw locked, 3-5 rw");
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(2), LOCKF_ONFAULT));
	EXPECT_REGIONS(sp, "1-3 rw locked onfault, 3-5 rw");
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(4), 0));
	EXPECT_REGIONS(sp, "1-5 rw locked");
	assert_int_equal(sp->locked_pages, 4);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(1)));
	assert_int_equal(sp->locked_pages, 3);
	sketch_end(sp);
}

static bool
is_wired(struct space *sp, unsigned page)
{
	return arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(page)).pte, 0).is_wired;
}

/* What is never locked has no wired page either, also between regions that are. */
static void
pages_between_locked_regions_are_not_wired(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(1)));
	sketch_map(sp, 2, 3, PROT_RW, REGION_NOMERGE);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(3), 0));
	assert_true(is_wired(sp, 1) && is_wired(sp, 3));
	assert_false(is_wired(sp, 2));
	machine_check_invariants();
	EXPECT_OK(space_unlock_all(sp));
	assert_false(is_wired(sp, 1) || is_wired(sp, 2) || is_wired(sp, 3));
	sketch_end(sp);
}

/* page      1 2 3 4
 * touched   x x . x        before and after: an entry says itself that its page stays
 * lock      - L L -
 * fork                     the child's region is not locked, nor are its pages */
static void
pages_of_locked_regions_are_wired(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	sketch_load(sp, 4);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(2), 0));
	sketch_load(sp, 3);
	assert_false(is_wired(sp, 1) || is_wired(sp, 4));
	assert_true(is_wired(sp, 2) && is_wired(sp, 3));
	sketch_store(sp, 3, 3); /* another frame takes the zero frame's place */
	assert_true(is_wired(sp, 3));
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	assert_true(is_wired(sp, 2) && is_wired(sp, 3));
	assert_false(is_wired(child, 2) || is_wired(child, 3));
	EXPECT_OK(space_unlock(sp, PAGE(2), PAGE(1)));
	assert_false(is_wired(sp, 2));
	EXPECT_OK(space_lock_all(child, LOCKALL_CURRENT));
	assert_true(is_wired(child, 1));
	assert_false(is_wired(sp, 1));
	EXPECT_OK(space_unlock_all(sp));
	assert_false(is_wired(sp, 3));
	assert_true(is_wired(child, 3));
	machine_check_invariants();
	space_put(child);
	sketch_end(sp);
}

/* page      1 2 3 4 5 . 7 8
 * lock      L L L L
 * move          m m       -> 7 8, leaving 3 and 4 there: the lock goes along, and the old region loses it */
static void
a_lock_moves_with_its_pages(void **state)
{
	struct space	    *sp = sketch_space();
	struct remap_request request = { .addr = PAGE(3),
					 .old_length = PAGE(2),
					 .new_length = PAGE(2),
					 .new_addr = PAGE(7),
					 .flags = REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP };
	struct space	    *child;
	struct va_range	     fresh;
	vaddr_t		     at;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(4), 0));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_remap(sp, &request, &at, &fresh));
	machine_check_invariants();
	assert_true(is_wired(sp, 7) && is_wired(sp, 8));
	assert_false(is_wired(sp, 1) || is_wired(sp, 2));
	assert_int_equal(sketch_load(sp, 8), 4);
	assert_int_equal(sketch_load(child, 4), 4);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

static err_t
lock_some(struct space *sp)
{
	return space_lock(sp, PAGE(2), PAGE(2), 0);
}

/* The pages may lie in tables that a child shares: they are copied, or nothing is locked. */
static void
locking_without_memory_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(lock_some, sp) >= 1);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw locked, 4-5 rw");
	space_put(child);
	sketch_end(sp);
}

/* page        1 2 3 4
 * regions     A S A .       S: special pages of an image
 * lock all    x   x */
static void
special_pages_are_never_locked(void **state)
{
	struct space	  *sp = space_with_limit(UINT64_MAX);
	struct map_request special = { .addr = PAGE(2),
				       .length = ARCH_PAGE_SIZE,
				       .prot = PROT_R,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED,
				       .region_flags = REGION_NOMERGE };
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_map(sp, &special, &va));
	EXPECT_OK(space_lock_all(sp, LOCKALL_CURRENT));
	EXPECT_REGIONS(sp, "1-2 rw locked, 2-3 r nomerge, 3-4 rw locked");
	assert_int_equal(sp->locked_pages, 2);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(3), LOCKF_ONFAULT));
	EXPECT_REGIONS(sp, "1-2 rw locked onfault, 2-3 r nomerge, 3-4 rw locked onfault");
	EXPECT_OK(space_unlock_all(sp));
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 r nomerge, 3-4 rw");
	sketch_end(sp);
}

/* A hole: what comes before it is locked, what comes after it is not. */
static void
a_hole_ends_the_call(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_RW, 0);
	EXPECT_ERR(space_lock(sp, PAGE(2), PAGE(3), 0), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw locked, 4-6 rw");
	EXPECT_ERR(space_lock(sp, PAGE(3), PAGE(2), 0), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw locked, 4-6 rw");
	EXPECT_ERR(space_unlock(sp, PAGE(1), PAGE(3)), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-3 rw, 4-6 rw");
	sketch_end(sp);
}

static void
the_limit_counts_each_page_once(void **state)
{
	struct space *sp = space_with_limit(PAGE(3));

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	EXPECT_ERR(space_lock(sp, PAGE(1), PAGE(4), 0), ERR_NOMEM);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(2), 0));
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(3), 0));
	EXPECT_ERR(space_lock(sp, PAGE(2), PAGE(3), 0), ERR_NOMEM);
	EXPECT_ERR(space_lock_all(sp, LOCKALL_CURRENT), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-4 rw locked, 4-6 rw");
	EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(2)));
	EXPECT_OK(space_lock_all(sp, LOCKALL_CURRENT | LOCKALL_ONFAULT));
	EXPECT_REGIONS(sp, "1-4 rw locked onfault");
	sketch_end(sp);
}

static void
without_any_limit_left_nothing_is_permitted(void **state)
{
	struct map_request request = sketch_anonymous(1, MAPF_PRIVATE | MAPF_LOCKED);
	struct space	  *sp = space_with_limit(0);
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	EXPECT_ERR(space_lock(sp, PAGE(1), PAGE(1), 0), ERR_PERM);
	EXPECT_ERR(space_lock_all(sp, LOCKALL_FUTURE), ERR_PERM);
	EXPECT_ERR(space_map(sp, &request, &va), ERR_PERM);
	EXPECT_OK(space_unlock(sp, PAGE(1), PAGE(1)));
	EXPECT_OK(space_unlock_all(sp));
	EXPECT_REGIONS(sp, "1-2 rw");
	sketch_end(sp);
}

/* Regions to come: mapped ones, and the heap; over the limit they are refused. A child starts unlocked. */
static void
the_future_is_locked_too(void **state)
{
	struct space_layout layout = sketch_layout();
	struct map_request  request = sketch_anonymous(1, MAPF_PRIVATE);
	struct space	   *sp, *child;
	vaddr_t		    va;

	(void)state;
	layout.brk_start = PAGE(1);
	layout.limit_memlock = PAGE(3);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 6, 7, PROT_RW, 0);
	EXPECT_OK(space_lock_all(sp, LOCKALL_FUTURE | LOCKALL_ONFAULT));
	EXPECT_REGIONS(sp, "6-7 rw");
	EXPECT_OK(space_map(sp, &request, &va));
	assert_int_equal(space_brk(sp, PAGE(3)), PAGE(3));
	EXPECT_REGIONS(sp, "1-3 rw locked onfault, 6-7 rw, 11-12 rw locked onfault");
	EXPECT_ERR(space_map(sp, &request, &va), ERR_AGAIN);
	assert_int_equal(space_brk(sp, PAGE(4)), PAGE(3));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "1-3 rw, 6-7 rw, 11-12 rw");
	assert_int_equal(child->new_flags, 0);
	space_put(child);
	EXPECT_ERR(space_lock_all(sp, LOCKALL_CURRENT | LOCKALL_FUTURE), ERR_NOMEM);
	EXPECT_OK(space_unlock_all(sp));
	EXPECT_REGIONS(sp, "1-3 rw, 6-7 rw, 11-12 rw");
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_REGIONS(sp, "1-3 rw, 6-7 rw, 10-12 rw");
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_ERR(space_lock(sp, PAGE(1), PAGE(1), 2), ERR_INVAL);
	EXPECT_ERR(space_lock(sp, PAGE(3), UINT64_MAX - PAGE(1), 0), ERR_INVAL);
	EXPECT_ERR(space_unlock(sp, PAGE(3), UINT64_MAX - PAGE(1)), ERR_INVAL);
	EXPECT_ERR(space_lock(sp, UINT64_MAX & ~ARCH_PAGE_MASK, PAGE(1) - 1, 0), ERR_INVAL);
	EXPECT_ERR(space_lock(sp, PAGE(8), 1, 0), ERR_NOMEM);
	EXPECT_ERR(space_lock(sp, (vaddr_t)1 << 63, 1, 0), ERR_NOMEM);
	EXPECT_OK(space_lock(sp, PAGE(8), 0, 0));
	EXPECT_OK(space_lock(sp, PAGE(1), UINT64_MAX, 0));
	EXPECT_ERR(space_lock_all(sp, 0), ERR_INVAL);
	EXPECT_ERR(space_lock_all(sp, LOCKALL_ONFAULT), ERR_INVAL);
	EXPECT_ERR(space_lock_all(sp, LOCKALL_CURRENT | 8), ERR_INVAL);
	EXPECT_REGIONS(sp, "1-4 rw");
	sketch_end(sp);
}

static err_t
lock_the_middle(struct space *sp)
{
	return space_lock(sp, PAGE(2), PAGE(2), 0);
}

static void
a_failed_call_changes_nothing(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	assert_true(sketch_fail_each(lock_the_middle, sp) > 0);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw locked, 4-5 rw");
	sketch_end(sp);
}

/* page      2 3 4 5 6 7
 * region    [         ]    the range starts at 6 and wraps around to 4: the limit comes first */
static void
a_range_that_wraps_around_is_over_the_limit(void **state)
{
	struct space *sp = space_with_limit(PAGE(4));

	(void)state;
	sketch_map(sp, 2, 8, PROT_RW, 0);
	EXPECT_ERR(space_lock(sp, PAGE(6), -PAGE(2), 0), ERR_NOMEM);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(2), 0));
	EXPECT_ERR(space_lock(sp, PAGE(6), -PAGE(2), 0), ERR_NOMEM);
	assert_int_equal(sp->locked_pages, 2);
	sp->layout.limit_memlock = UINT64_MAX;
	EXPECT_ERR(space_lock(sp, PAGE(6), -PAGE(2), 0), ERR_INVAL);
	sketch_end(sp);
}

/* page      1 2 3 4 5
 * region    A S A D A    S: a special page of an image, D: a device, all touched
 * Locked or not, with all around them: the entries of S and D say nothing of it. */
static void
pages_between_that_are_never_locked_are_not_wired(void **state)
{
	const struct device_memory memory = { .first = { ((uint64_t)1 << 32) >> ARCH_PAGE_SHIFT } };
	struct space		  *sp = sketch_space();
	struct object		  *device;

	(void)state;
	EXPECT_OK(object_create_device(3, memory, 1, &device));
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 2, 3, PROT_RW, REGION_NOMERGE);
	sketch_map(sp, 3, 4, PROT_RW, 0);
	sketch_map_file(sp, 4, 5, PROT_RW, device, 0, MAPF_SHARED);
	sketch_map(sp, 5, 6, PROT_RW, 0);
	for (unsigned page = 1; page < 6; page++)
		assert_int_equal(fault_handle(sp, PAGE(page), ACCESS_STORE), FAULT_DONE);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(5), 0));
	assert_int_equal(sp->locked_pages, 3);
	machine_check_invariants();
	EXPECT_OK(space_unlock(sp, PAGE(1), PAGE(5)));
	machine_check_invariants();
	EXPECT_OK(space_lock_all(sp, LOCKALL_CURRENT));
	machine_check_invariants();
	object_put(device);
	sketch_end(sp);
}

TEST_SUITE(locked, cmocka_unit_test(pages_between_that_are_never_locked_are_not_wired),
	   cmocka_unit_test(a_range_that_wraps_around_is_over_the_limit),
	   cmocka_unit_test(pages_of_locked_regions_are_wired),
	   cmocka_unit_test(pages_between_locked_regions_are_not_wired),
	   cmocka_unit_test(a_lock_moves_with_its_pages),
	   cmocka_unit_test(locking_without_memory_changes_nothing),
	   cmocka_unit_test(whole_pages_are_locked_and_unlocked),
	   cmocka_unit_test(special_pages_are_never_locked), cmocka_unit_test(a_hole_ends_the_call),
	   cmocka_unit_test(the_limit_counts_each_page_once),
	   cmocka_unit_test(without_any_limit_left_nothing_is_permitted),
	   cmocka_unit_test(the_future_is_locked_too), cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_failed_call_changes_nothing))
