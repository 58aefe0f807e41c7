/*
 * test_write_back.c - what was written reaches storage however the page was mapped and unmapped
 * (class 9 of the known bugs: lost dirty bits), and clean pages can go.
 */
#include "unit/sketch.h"

#include "object/pagers.h"
#include "object/rmap.h"

static struct object *
fresh_stored(uint64_t pages)
{
	struct object *file;

	EXPECT_OK(object_create_stored(9, pages * ARCH_PAGE_SIZE, &file));
	return file;
}

/* What the first byte of a page is after it came from storage again. */
static uint8_t
stored_byte(struct object *file, uint64_t index)
{
	uint8_t byte = 0xee;
	size_t	done;

	EXPECT_OK(object_write_back(file, 0, UINT64_MAX));
	object_evict(file, 0, UINT64_MAX);
	assert_int_equal(file->nr_pages, 0);
	EXPECT_OK(object_read(file, index * ARCH_PAGE_SIZE, &byte, 1, &done));
	assert_int_equal(done, 1);
	return byte;
}

/* WNX-08, WNX-15. */
static void
write_back_finds_dirty_bits_in_live_mappings(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = fresh_stored(4);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(object_write_back(file, 1, 1));
	/* page 1 is clean and may go, the others are dirty and stay */
	assert_int_equal(object_evict(file, 0, 4), 1);
	assert_int_equal(file->nr_pages, 3);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(stored_byte(file, 3), 4);
	object_put(file);
	sketch_end(sp);
}

/* DRG-32, WNX-15: a second write after the write-back sets the dirty bit anew, although the page stayed mapped. */
static void
a_write_after_write_back_is_seen(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = fresh_stored(2);

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(sp, 1, 10);
	EXPECT_OK(object_write_back(file, 0, 2));
	sketch_store(sp, 1, 11);
	assert_int_equal(stored_byte(file, 0), 11);
	object_put(file);
	sketch_end(sp);
}

static void
unmapping_keeps_the_dirty_bit(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = fresh_stored(4);
	struct space  *child;

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(sp, 1, 10);
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(1)));
	sketch_store(sp, 2, 20);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTNEED));
	sketch_store(sp, 3, 30);
	EXPECT_OK(space_protect(sp, PAGE(3), PAGE(1), PROT_R));
	EXPECT_OK(space_fork(sp, &child));
	sketch_store(child, 4, 40); /* tables of the child's own now */
	pt_deactivate(&child->pt);
	space_put(child);
	assert_int_equal(stored_byte(file, 0), 10);
	assert_int_equal(stored_byte(file, 1), 20);
	assert_int_equal(stored_byte(file, 2), 30);
	assert_int_equal(stored_byte(file, 3), 40);
	object_put(file);
	sketch_end(sp);
}

/* LUN-21: Whole tables go at once: their dirty bits are found when the tables are freed. */
static void
exit_keeps_the_dirty_bits(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp = sketch_space();
	struct object	   *file = fresh_stored(4);
	struct space	   *other;

	(void)state;
	EXPECT_OK(space_create(&layout, &other));
	sketch_map_file(other, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(other, 1, 5);
	pt_deactivate(&other->pt);
	space_put(other);
	assert_int_equal(stored_byte(file, 3), 4);
	object_put(file);
	sketch_end(sp);
}

static unsigned failures_left;

static err_t
fills_zero(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return OK;
}

static err_t
fails_some(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return failures_left && failures_left-- ? ERR_IO : OK;
}

/* WNX-15. */
static void
a_failed_write_leaves_the_page_dirty(void **state)
{
	static const struct pager_ops ops = { .name = "fails",
					      .fill = fills_zero,
					      .write_back = fails_some };
	struct space		     *sp = sketch_space();
	struct object		     *file;

	(void)state;
	EXPECT_OK(object_create(&ops, 5, 3, NULL, &file));
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 4);
	failures_left = 1;
	EXPECT_ERR(object_write_back(file, 0, 3), ERR_IO);
	assert_int_equal(object_evict(file, 0, 3), 2);
	assert_int_equal(file->nr_pages, 1);
	EXPECT_OK(object_write_back(file, 0, 3));
	assert_int_equal(object_evict(file, 0, 3), 1);
	object_put(file);
	sketch_end(sp);
}

/* A full count is reported, and the page stays dirty. */
static void
a_full_count_keeps_the_page_dirty(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = fresh_stored(1);
	uint32_t       before;
	pfn_t	       pfn;

	(void)state;
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(sp, 1, 10);
	pfn = object_peek_page(file, 0);
	before = frame_count(pfn);
	atomic_store(&frame_of(pfn)->count, FRAME_COUNT_MAX);
	EXPECT_ERR(object_write_back(file, 0, 1), ERR_OVERFLOW);
	atomic_store(&frame_of(pfn)->count, before);
	assert_int_equal(stored_byte(file, 0), 10);
	object_put(file);
	sketch_end(sp);
}

/* More dirty pages than one batch; a page that somebody holds is not evicted. */
static void
many_pages_and_one_in_use(void **state)
{
	struct object *file;
	uint8_t	       byte;
	size_t	       done;
	pfn_t	       held;

	(void)state;
	machine_fresh();
	file = fresh_stored(100);
	for (uint64_t i = 0; i < 100; i += 3) {
		byte = (uint8_t)i;
		EXPECT_OK(object_write(file, i * ARCH_PAGE_SIZE, &byte, 1, &done));
	}
	EXPECT_OK(object_write_back(file, 0, 100));
	EXPECT_OK(object_get_page(file, 33, &held));
	assert_int_equal(object_evict(file, 0, 100), 33);
	frame_release(held);
	assert_int_equal(stored_byte(file, 99), 99);
	object_put(file);
	machine_check();
}

static struct {
	struct object *file;
	pfn_t	       pfn;
	err_t	       err;
} late;

/* The last step of taking a table out of a space: its dirty bit comes to the page. */
static void
give_dirty_bit(void *arg)
{
	(void)arg;
	arch_point();
	frame_set_flag(late.pfn, FRAME_DIRTY);
	rmap_end_unhook(late.file);
}

static void
write_back(void *arg)
{
	(void)arg;
	late.err = object_write_back(late.file, 0, 1);
}

/* A table is on its way out, with a write that has been made: write-back waits for it. */
static void
write_back_waits_for_tables_on_their_way_out(void **state)
{
	void (*const bodies[])(void *) = { give_dirty_bit, write_back };

	(void)state;
	for (uint64_t seed = 0; seed < test_rounds(30); seed++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .seed = seed });
		late.file = fresh_stored(1);
		EXPECT_OK(object_get_page(late.file, 0, &late.pfn));
		*(uint8_t *)arch_frame_ptr(late.pfn) = 5;
		rmap_begin_unhook(late.file);
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_RANDOM, 2, seed, 10000 });
		EXPECT_OK(late.err);
		assert_false(pfn_is_none(stored_file_page(late.file, 0)));
		assert_int_equal(*(uint8_t *)arch_frame_ptr(stored_file_page(late.file, 0)), 5);
		frame_release(late.pfn);
		object_put(late.file);
		machine_check();
	}
}

TEST_SUITE(write_back, cmocka_unit_test(write_back_waits_for_tables_on_their_way_out),
	   cmocka_unit_test(write_back_finds_dirty_bits_in_live_mappings),
	   cmocka_unit_test(a_write_after_write_back_is_seen),
	   cmocka_unit_test(unmapping_keeps_the_dirty_bit),
	   cmocka_unit_test(exit_keeps_the_dirty_bits),
	   cmocka_unit_test(a_failed_write_leaves_the_page_dirty),
	   cmocka_unit_test(a_full_count_keeps_the_page_dirty),
	   cmocka_unit_test(many_pages_and_one_in_use))
