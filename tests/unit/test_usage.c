/* test_usage.c - resident, shared, private, dirty, locked: by region and after a fork. */
#include "unit/sketch.h"

static struct usage
usage_of(struct space *sp, unsigned from, unsigned to)
{
	struct usage usage;

	read_lock(&sp->lock);
	usage = space_usage(sp, va_range(PAGE(from), PAGE(to)));
	read_unlock(&sp->lock);
	return usage;
}

/* DRG-34:
 * page      1 2 3 4 5 6
 * mapped    A A A . F F      1 written, 2 read (the zero page), F: shared file, 5 read, 6 written */
static void
each_kind_of_page_is_told_apart(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);
	struct usage   u;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map_file(sp, 5, 7, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(sp, 1, 1);
	(void)sketch_load(sp, 2);
	(void)sketch_load(sp, 5);
	sketch_store(sp, 6, 6);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(1), 0));
	u = usage_of(sp, 1, 4);
	assert_true(u.size == 3 && u.resident == 1 && u.anonymous == 1 && u.private_dirty == 1);
	assert_true(u.locked == 1 && u.swapped == 0);
	u = usage_of(sp, 5, 7);
	assert_true(u.size == 2 && u.resident == 2 && u.anonymous == 0 && u.locked == 0);
	assert_true(u.private_clean == 1 && u.private_dirty == 1);
	u = usage_of(sp, 0, SKETCH_PAGES);
	assert_true(u.size == 5 && u.resident == 3);
	if (ARCH_PT_ENTRIES > SKETCH_PAGES)
		assert_int_equal(u.tables, ARCH_PT_LEVELS - 1);
	object_put(file);
	sketch_end(sp);
}

/* DRG-34: a second mapping of a file's page, or a child, makes it shared; a write makes a page private again. */
static void
shared_is_what_somebody_else_maps(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);
	struct space  *child;
	struct usage   u;

	(void)state;
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 3, 4, PROT_R, file, 0, MAPF_SHARED);
	sketch_map(sp, 5, 7, PROT_RW, 0);
	sketch_store(sp, 1, 1);
	assert_int_equal(usage_of(sp, 1, 2).private_dirty, 1);
	(void)sketch_load(sp, 3);
	assert_int_equal(usage_of(sp, 1, 2).shared_dirty, 1);
	sketch_store_all(sp, 5, 7);
	EXPECT_OK(space_fork(sp, &child));
	u = usage_of(sp, 5, 7);
	assert_true(u.resident == 2 && u.shared_dirty == 2);
	sketch_store(sp, 5, 55);
	u = usage_of(sp, 5, 7);
	assert_true(u.private_dirty == 1 && u.shared_dirty == 1);
	u = usage_of(child, 5, 7);
	assert_true(u.resident == 2);
	space_put(child);
	u = usage_of(sp, 5, 7);
	assert_true(u.private_dirty == 2 && u.shared_dirty == 0);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(usage, cmocka_unit_test(each_kind_of_page_is_told_apart),
	   cmocka_unit_test(shared_is_what_somebody_else_maps))
