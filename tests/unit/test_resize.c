/*
 * test_resize.c - what an object loses, every space loses: truncation takes private copies
 * too, a hole leaves them, and nothing that was cut off comes back.
 */
#include "unit/sketch.h"

#include "pt/held.h"

#define WORD 8 /* an offset in a page where nothing else is */

static uint64_t
pages(uint64_t n)
{
	return n * ARCH_PAGE_SIZE;
}

/* DRG-04:
 * page      1 2 3 4 5 6          1 2 3 4 5 6
 * before    S S S S P P   cut to 1 page  S - - - . .   shared from page 0, private from page 0
 */
static void
truncation_reaches_shared_and_private_mappings(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 4);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 6, 10, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 5);
	sketch_store(sp, 7, 70);		 /* a private copy of page 1 */
	assert_int_equal(sketch_load(sp, 8), 3); /* page 2, the object's frame */
	object_resize(file, pages(1));
	assert_int_equal(file->nr_pages, 1);
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(sketch_load(sp, 6), 1);
	for (unsigned page = 2; page < 5; page++) {
		assert_false(sketch_is_present(sp, page));
		assert_int_equal(sketch_access(sp, ACCESS_STORE, page), FAULT_BUS_ADRERR);
		assert_int_equal(sketch_access(sp, ACCESS_LOAD, page + 5), FAULT_BUS_ADRERR);
	}
	machine_check_invariants();
	object_resize(file, pages(3));
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(sp, 7), 0);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 4), FAULT_BUS_ADRERR);
	object_put(file);
	sketch_end(sp);
}

static void
the_rest_of_the_last_page_is_zeros(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 2);
	uint8_t	       byte = 0;
	size_t	       done;

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	assert_int_equal(sketch_load(sp, 1), object_pattern(7, 0));
	object_resize(file, WORD);
	EXPECT_OK(object_read(file, WORD, &byte, 1, &done));
	assert_int_equal(done, 0);
	assert_int_equal(object_size(file), WORD);
	/* written through the mapping beyond the end, and never seen again */
	assert_int_equal(machine_user(sp, ACCESS_STORE, PAGE(1) + WORD, &(uint8_t){ 9 }, 1), 0);
	object_resize(file, pages(2));
	EXPECT_OK(object_read(file, WORD, &byte, 1, &done));
	assert_int_equal(done, 1);
	assert_int_equal(byte, 0);
	EXPECT_OK(object_read(file, WORD - 1, &byte, 1, &done));
	assert_int_equal(byte, object_pattern(7, WORD - 1));
	object_put(file);
	sketch_end(sp);
}

static void
a_hole_leaves_private_copies(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 4);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 6, 10, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 5);
	sketch_store(sp, 7, 70);
	assert_int_equal(sketch_load(sp, 8), 3);
	object_punch(file, 1, 2);
	assert_int_equal(file->nr_pages, 2);
	assert_true(sketch_is_present(sp, 7));
	assert_false(sketch_is_present(sp, 2));
	assert_false(sketch_is_present(sp, 8));
	assert_int_equal(sketch_load(sp, 7), 70);
	assert_int_equal(sketch_load(sp, 4), 4);
	assert_int_equal(object_size(file), pages(4));
	object_put(file);
	sketch_end(sp);
}

/* Parent and child share the tables; the page goes from both in one step, no table is copied. */
static void
shared_tables_are_changed_in_place(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 4);
	struct space  *child;
	uint64_t       splits;

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 5, 7, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 3);
	sketch_store(sp, 5, 50);
	EXPECT_OK(space_fork(sp, &child));
	splits = stat_get(STAT_TABLE_SPLITS);
	object_resize(file, pages(1));
	assert_int_equal(stat_get(STAT_TABLE_SPLITS), splits);
	machine_check_invariants();
	assert_false(sketch_is_present(child, 2));
	assert_false(sketch_is_present(sp, 2));
	assert_int_equal(sketch_load(child, 5), 50);
	object_resize(file, 0);
	assert_false(sketch_is_present(child, 5));
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 5), FAULT_BUS_ADRERR);
	machine_check_invariants();
	pt_deactivate(&child->pt);
	space_put(child);
	object_put(file);
	sketch_end(sp);
}

/* It cannot fail: not with every allocation failing, and with more mappings than can be noted. */
static void
truncation_needs_no_memory(void **state)
{
	enum { FILE_PAGES = 11, SPACES = 8 };
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, FILE_PAGES);
	struct space  *others[SPACES];

	(void)state;
	sketch_map_file(sp, 1, 12, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 12);
	for (unsigned i = 0; i < SPACES; i++) {
		EXPECT_OK(space_fork(sp, &others[i]));
		sketch_store_all(others[i], 1, 12);
	}
	machine_fail_allocation(1, true);
	object_resize(file, 0);
	machine_fail_allocation(0, false);
	machine_check_invariants();
	for (unsigned i = 0; i < SPACES; i++) {
		assert_false(sketch_is_present(others[i], 5));
		pt_deactivate(&others[i]->pt);
		space_put(others[i]);
	}
	assert_int_equal(file->nr_pages, 0);
	object_put(file);
	sketch_end(sp);
}

/* More pages than can be noted, and no memory to note more: they go in rounds, and none is forgotten. */
static void
a_truncation_needs_no_memory(void **state)
{
	enum { MANY = 2 * HELD_FRAMES + 3 };
	struct object *file;
	uint8_t	       byte = 1;
	size_t	       done;

	(void)state;
	machine_fresh();
	file = sketch_file(7, MANY);
	for (unsigned page = 0; page < MANY; page++)
		EXPECT_OK(object_write(file, pages(page), &byte, 1, &done));
	machine_fail_allocation(1, true);
	object_punch(file, 0, HELD_FRAMES + 1);
	assert_int_equal(file->nr_pages, MANY - HELD_FRAMES - 1);
	object_resize(file, 0);
	machine_fail_allocation(0, false);
	assert_int_equal(file->nr_pages, 0);
	assert_int_equal(frame_totals().by_kind[FRAME_OBJECT], 0);
	object_put(file);
	machine_check();
}

TEST_SUITE(resize, cmocka_unit_test(a_truncation_needs_no_memory),
	   cmocka_unit_test(truncation_reaches_shared_and_private_mappings),
	   cmocka_unit_test(the_rest_of_the_last_page_is_zeros),
	   cmocka_unit_test(a_hole_leaves_private_copies),
	   cmocka_unit_test(shared_tables_are_changed_in_place),
	   cmocka_unit_test(truncation_needs_no_memory))
