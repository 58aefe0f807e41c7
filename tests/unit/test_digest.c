/*
 * test_digest.c - what a user can see changes the digest, and nothing else does.
 */
#include "unit/damage.h"
#include "unit/swap_store.h"

#include <anymm/reclaim.h>
#include <anymm/usercopy.h>

static bool
same(struct digest a, struct digest b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* EXPECT_SEEN, EXPECT_UNSEEN - the statement changes the digest, or does not. */
#define EXPECT_SEEN(statement) \
	do { \
		struct digest before_ = digest_all(); \
		statement; \
		assert_false(same(before_, digest_all())); \
	} while (0)
#define EXPECT_UNSEEN(statement) \
	do { \
		struct digest before_ = digest_all(); \
		statement; \
		assert_true(same(before_, digest_all())); \
	} while (0)

static struct space *
touched_sketch(void)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	return sp;
}

static void
contents_and_regions_are_seen(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	EXPECT_SEEN(sketch_store(sp, 1, 99));
	EXPECT_UNSEEN(sketch_store(sp, 1, 99));
	EXPECT_UNSEEN(sketch_load(sp, 1));
	EXPECT_SEEN(sketch_load(sp, 3));
	EXPECT_SEEN(EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_R)));
	EXPECT_SEEN(EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTFORK)));
	EXPECT_SEEN(EXPECT_OK(space_advise(sp, PAGE(4), PAGE(1), ADVICE_GUARD_INSTALL)));
	EXPECT_SEEN(EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(1))));
	sketch_end(sp);
}

static void
sharing_is_seen_and_tables_are_not(void **state)
{
	struct space *sp = touched_sketch();
	struct space *child;

	(void)state;
	EXPECT_SEEN(EXPECT_OK(space_fork(sp, &child)));
	assert_true(same(digest_space(sp), digest_space(child)));
	/* The same byte again: now the page is a copy. */
	EXPECT_SEEN(sketch_store(child, 1, 1));
	assert_true(same(digest_space(sp), digest_space(child)));
	/* Its path is its own already, and the last owner's becomes so. */
	EXPECT_UNSEEN(sketch_store(sp, 1, 1));
	sketch_store(child, 2, 77);
	assert_false(same(digest_space(sp), digest_space(child)));
	pt_deactivate(&child->pt);
	EXPECT_SEEN(space_put(child));
	sketch_end(sp);
}

static void
an_objects_page_is_seen_once_it_differs(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(5, 4);
	pfn_t	       pfn;

	(void)state;
	sketch_map_file(sp, 2, 4, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_UNSEEN(EXPECT_OK(object_get_page(file, 3, &pfn)); frame_release(pfn));
	EXPECT_SEEN(sketch_load(sp, 2));
	EXPECT_SEEN(sketch_store(sp, 2, (uint8_t)(object_pattern(5, 0) + 1)));
	/* Out of the tables, and still not what the pager would fill in. */
	EXPECT_SEEN(EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTNEED)));
	EXPECT_SEEN(*(uint8_t *)arch_frame_ptr(object_peek_page(file, 0)) = object_pattern(5, 0));
	object_put(file);
	sketch_end(sp);
}

/* Where an object's page is makes no difference; what is in it does, and zeros are what it starts with. */
static void
an_objects_page_is_seen_wherever_it_is(void **state)
{
	struct space	 *sp = sketch_space();
	struct swap_store store;
	struct object	 *shared;
	size_t		  done;

	(void)state;
	swap_store_make(&store, 8);
	EXPECT_OK(object_create(&pager_zero, 5, 6, NULL, &shared));
	for (unsigned page = 0; page < 6; page++)
		EXPECT_OK(object_write(shared, PAGE(page) + 8, page % 3 ? "x" : "", 1, &done));
	EXPECT_UNSEEN((void)object_age(shared, 0, 6));
	EXPECT_UNSEEN(assert_int_equal(object_age(shared, 1, 4), 4));
	EXPECT_UNSEEN(EXPECT_OK(object_wait(shared, 2)));
	assert_true(shared->nr_pages == 3 && shared->nr_out == 3);
	EXPECT_SEEN(object_punch(shared, 1, 1));
	EXPECT_UNSEEN(object_punch(shared, 3, 1));
	EXPECT_SEEN(EXPECT_OK(object_write(shared, PAGE(4) + 8, "y", 1, &done)));
	assert_int_equal(object_age(shared, 4, 1) + object_age(shared, 4, 1), 1);
	EXPECT_SEEN(object_resize(shared, PAGE(4) + 5));
	object_put(shared);
	swap_store_drop(&store);
	sketch_end(sp);
}

#define EXPECT_LASTING(same_, statement) \
	do { \
		struct digest before_ = digest_lasting(); \
		statement; \
		assert_int_equal(same(before_, digest_lasting()), same_); \
	} while (0)

/*
 * page      1 2 3 4 5
 *           a a f S f      private, shared memory, a file that keeps its bytes (3 shared, 5 private)
 *
 * Page-out takes what it can, and nothing that lasts has changed; everything that a program does has.
 */
static void
what_page_out_takes_does_not_last(void **state)
{
	struct space	 *sp = touched_sketch();
	struct swap_store store;
	struct object	 *file, *shared;
	size_t		  done;

	(void)state;
	swap_store_make(&store, 16);
	EXPECT_OK(object_create(&pager_zero, 0, 1, NULL, &shared));
	EXPECT_OK(object_create_stored(9, PAGE(2), &file));
	sketch_map_file(sp, 3, 4, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 4, 5, PROT_RW, shared, 0, MAPF_SHARED);
	sketch_map_file(sp, 5, 6, PROT_RW, file, 1, MAPF_PRIVATE);
	EXPECT_LASTING(false, sketch_store(sp, 3, 3));
	EXPECT_LASTING(false, sketch_store(sp, 4, 4));
	EXPECT_LASTING(true, (void)sketch_load(sp, 5));
	EXPECT_LASTING(true, EXPECT_OK(object_write_back(file, 0, 2)));
	EXPECT_LASTING(true, assert_int_not_equal(reclaim_run(6), 0));
	assert_int_equal(file->nr_pages, 0);
	assert_int_equal(swap_usage().nr_used, 3);
	EXPECT_LASTING(true, assert_int_equal(sketch_load(sp, 1), 1));
	EXPECT_LASTING(true, assert_int_equal(sketch_load(sp, 3), 3));
	EXPECT_LASTING(true, assert_int_equal(sketch_load(sp, 4), 4));
	EXPECT_LASTING(false, sketch_store(sp, 1, 11));
	EXPECT_LASTING(false, sketch_store(sp, 3, 33));
	EXPECT_LASTING(false, sketch_store(sp, 4, 44));
	EXPECT_LASTING(false, sketch_store(sp, 5, 55));
	EXPECT_LASTING(false, EXPECT_OK(object_write(file, PAGE(1), "x", 1, &done)));
	EXPECT_LASTING(false, EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(1))));
	object_put(file);
	object_put(shared);
	EXPECT_OK(space_unmap(sp, 0, sp->layout.end));
	swap_store_drop(&store);
	sketch_end(sp);
}

/* What a program writes behind the end of a file, in its last page, goes with that page: it does not last. */
static void
what_lies_behind_the_end_of_a_file_does_not_last(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file;
	size_t	       done;

	(void)state;
	EXPECT_OK(object_create_stored(9, PAGE(1) + 100, &file));
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_LASTING(true, assert_int_equal(copy_to_space(sp, PAGE(2) + 100, "b", 1), 0));
	EXPECT_LASTING(false, assert_int_equal(copy_to_space(sp, PAGE(2) + 99, "a", 1), 0));
	EXPECT_LASTING(true, EXPECT_OK(object_write_back(file, 0, 2)));
	EXPECT_LASTING(true, (void)object_evict(file, 0, 2));
	assert_int_equal(file->nr_pages, 0);
	EXPECT_LASTING(false, EXPECT_OK(object_write(file, PAGE(1) + 100, "x", 1, &done)));
	object_put(file);
	EXPECT_OK(space_unmap(sp, 0, sp->layout.end));
	sketch_end(sp);
}

static void
processes_are_seen(void **state)
{
	struct space   *sp = touched_sketch();
	struct process *parent, *child;
	int32_t		code;

	(void)state;
	EXPECT_SEEN(EXPECT_OK(proc_create(5, sp, &parent)));
	EXPECT_SEEN(EXPECT_OK(proc_fork(parent, PROC_SHARE_SPACE, 6, &child)));
	EXPECT_SEEN(proc_exit(child, 1));
	EXPECT_SEEN(EXPECT_OK(proc_reap(parent, child, &code)));
	proc_exit(parent, 0);
	EXPECT_OK(proc_reap(NULL, parent, &code));
	sketch_end(sp);
}

/* Frames are named in the order in which they are met, wherever they lie. */
static void
two_machines_with_the_same_history_agree(void **state)
{
	struct digest first;
	struct space *sp = touched_sketch();
	pfn_t	      taken;

	(void)state;
	first = digest_space(sp);
	sketch_end(sp);
	sp = sketch_space();
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &taken));
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store(sp, 2, 2);
	sketch_store(sp, 1, 1);
	assert_true(same(first, digest_space(sp)));
	frame_release(taken);
	sketch_end(sp);
}

TEST_SUITE(digest, cmocka_unit_test(contents_and_regions_are_seen),
	   cmocka_unit_test(sharing_is_seen_and_tables_are_not),
	   cmocka_unit_test(an_objects_page_is_seen_once_it_differs),
	   cmocka_unit_test(an_objects_page_is_seen_wherever_it_is),
	   cmocka_unit_test(what_page_out_takes_does_not_last),
	   cmocka_unit_test(what_lies_behind_the_end_of_a_file_does_not_last),
	   cmocka_unit_test(processes_are_seen),
	   cmocka_unit_test(two_machines_with_the_same_history_agree))
