/* test_mapping.c - calls that map, and bring in pages where that is asked for. */
#include "unit/sketch.h"

#include <anymm/call.h>

static void
populating_and_locking_bring_pages_in(void **state)
{
	struct map_request plain = sketch_anonymous(1, MAPF_PRIVATE);
	struct map_request populate = sketch_anonymous(1, MAPF_PRIVATE | MAPF_POPULATE);
	struct map_request nonblock =
		sketch_anonymous(1, MAPF_PRIVATE | MAPF_POPULATE | MAPF_NONBLOCK);
	struct map_request locked = sketch_anonymous(1, MAPF_PRIVATE | MAPF_LOCKED);
	struct space	  *sp = sketch_space();
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(call_mmap(sp, &plain, &va));
	assert_int_equal(va, PAGE(11));
	EXPECT_OK(call_mmap(sp, &populate, &va));
	EXPECT_OK(call_mmap(sp, &nonblock, &va));
	EXPECT_OK(call_mmap(sp, &locked, &va));
	assert_false(sketch_is_present(sp, 11));
	assert_true(sketch_is_writable(sp, 10));
	assert_false(sketch_is_present(sp, 9));
	assert_true(sketch_is_writable(sp, 8));
	EXPECT_OK(call_mlockall(sp, LOCKALL_FUTURE));
	EXPECT_OK(call_mmap(sp, &plain, &va));
	assert_true(sketch_is_writable(sp, 7));
	EXPECT_OK(call_munmap(sp, PAGE(7), PAGE(5)));
	EXPECT_REGIONS(sp, "");
	sketch_end(sp);
}

/* What cannot be brought in is no error: the mapping stands. */
static void
a_page_that_cannot_be_had_is_no_error(void **state)
{
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 1);
	struct map_request request = { .length = PAGE(3),
				       .prot = PROT_R,
				       .flags = MAPF_SHARED | MAPF_POPULATE,
				       .object = file };
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(call_mmap(sp, &request, &va));
	assert_true(sketch_is_present(sp, 9));
	assert_false(sketch_is_present(sp, 10));
	object_put(file);
	sketch_end(sp);
}

static void
a_locked_heap_and_a_locked_move_are_whole(void **state)
{
	struct space_layout  layout = sketch_layout();
	struct remap_request grow = { .addr = PAGE(6),
				      .old_length = PAGE(1),
				      .new_length = PAGE(2),
				      .flags = REMAP_MAYMOVE };
	struct space	    *sp;
	vaddr_t		     va;

	(void)state;
	layout.brk_start = PAGE(1) + 100;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 6, 7, PROT_RW, 0);
	EXPECT_OK(call_mremap(sp, &grow, &va));
	assert_false(sketch_is_present(sp, 7));
	EXPECT_OK(call_mlockall(sp, LOCKALL_CURRENT | LOCKALL_FUTURE));
	grow.old_length = PAGE(2);
	grow.new_length = PAGE(3);
	EXPECT_OK(call_mremap(sp, &grow, &va));
	assert_true(sketch_is_writable(sp, 8));
	assert_int_equal(call_brk(sp, PAGE(3)), PAGE(3));
	assert_true(sketch_is_writable(sp, 2));
	assert_int_equal(call_brk(sp, PAGE(2)), PAGE(2));
	assert_int_equal(call_brk(sp, 0), PAGE(2));
	EXPECT_REGIONS(sp, "6-9 rw locked");
	EXPECT_OK(call_mprotect(sp, PAGE(6), PAGE(1), PROT_R));
	EXPECT_OK(call_mseal(sp, PAGE(7), PAGE(1), 0));
	EXPECT_OK(call_msync(sp, PAGE(6), PAGE(3), SYNC_SYNC));
	EXPECT_REGIONS(sp, "6-7 r locked, 7-8 rw locked sealed, 8-9 rw locked");
	sketch_end(sp);
}

/* Only new pages are brought in: not the last old one, which a lock that met a hole has left out. */
static void
a_heap_brings_in_what_is_new(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.brk_start = PAGE(1);
	sp = sketch_space_with(&layout);
	assert_int_equal(call_brk(sp, PAGE(2) + 100), PAGE(2) + 100);
	EXPECT_ERR(call_mlock(sp, PAGE(1), PAGE(3)), ERR_NOMEM);
	EXPECT_OK(call_mlockall(sp, LOCKALL_FUTURE));
	EXPECT_REGIONS(sp, "1-3 rw locked");
	assert_int_equal(call_brk(sp, PAGE(3) - 100), PAGE(3) - 100);
	assert_false(sketch_is_present(sp, 2));
	assert_int_equal(call_brk(sp, PAGE(4)), PAGE(4));
	assert_false(sketch_is_present(sp, 2));
	assert_true(sketch_is_writable(sp, 3));
	sketch_end(sp);
}

/* A lock that met a hole has brought nothing in; the protection that allows writing makes up for it. */
static void
locked_memory_that_becomes_writable_is_copied(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_R, file, 0, MAPF_PRIVATE);
	EXPECT_ERR(call_mlock(sp, PAGE(1), PAGE(3)), ERR_NOMEM);
	assert_false(sketch_is_present(sp, 1));
	EXPECT_OK(call_mprotect(sp, PAGE(1), PAGE(1), PROT_RW));
	assert_true(sketch_is_writable(sp, 1));
	assert_false(sketch_is_present(sp, 2));
	EXPECT_REGIONS(sp, "1-2 rw locked @7:0, 2-3 r locked @7:1");
	object_put(file);
	sketch_end(sp);
}

/* page      1 2 3 4 5
 * locked    r w r w r     all without pages
 * protect   x   x   x     has its page now: only what could not be written before */
static void
what_could_be_written_already_is_not_brought_in(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	EXPECT_OK(call_mlock(sp, PAGE(1), PAGE(5)));
	for (unsigned page = 1; page < 6; page += 2)
		EXPECT_OK(call_mprotect(sp, PAGE(page), PAGE(1), PROT_R));
	EXPECT_OK(call_madvise(sp, PAGE(1), PAGE(5), ADVICE_DONTNEED_LOCKED));
	EXPECT_OK(call_mprotect(sp, PAGE(1), PAGE(5), PROT_RW));
	for (unsigned page = 1; page < 6; page++)
		assert_int_equal(sketch_is_present(sp, page), page % 2);
	sketch_end(sp);
}

TEST_SUITE(mapping, cmocka_unit_test(what_could_be_written_already_is_not_brought_in),
	   cmocka_unit_test(populating_and_locking_bring_pages_in),
	   cmocka_unit_test(a_page_that_cannot_be_had_is_no_error),
	   cmocka_unit_test(a_locked_heap_and_a_locked_move_are_whole),
	   cmocka_unit_test(a_heap_brings_in_what_is_new),
	   cmocka_unit_test(locked_memory_that_becomes_writable_is_copied))
