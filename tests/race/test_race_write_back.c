/*
 * test_race_write_back.c - what was written is never lost: write-back and eviction against writers,
 * unmapping, exit and fork; and pages that come late, asked for by several CPUs.
 *
 * At the end of each run of the first kind everything is written back and thrown out of memory,
 * and the file is read: the word must be one that some serial order leaves.
 */
#include "race/race.h"

static void
start_stored_and_forked(void)
{
	start_stored();
	EXPECT_OK(space_fork(world.parent, &world.child));
}

static uint64_t
read_from_storage(void)
{
	EXPECT_OK(object_write_back(world.object, 0, AREA_PAGES));
	object_evict(world.object, 0, AREA_PAGES);
	assert_int_equal(world.object->nr_pages, 0);
	return read_call(0);
}

/* How many pages went depends on the moment, so it is no result. */
static uint64_t
evict(unsigned cpu)
{
	(void)cpu;
	object_evict(world.object, 0, AREA_PAGES);
	return 0;
}

#define STORED .start = start_stored_and_forked, .after = read_from_storage

RACE(write_back_and_a_writer, STORED,
     .ops = { { store_parent, load_parent }, { write_back, evict } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(write_back_and_unmap, STORED,
     .ops = { { store_child, unmap_child_all }, { write_back, evict }, { load_parent } },
     .preemptions = 1, .preemptions_wide = 1)
RACE(write_back_and_exit, STORED,
     .ops = { { store_child, exit_child }, { write_back, evict }, { read_call } }, .preemptions = 1,
     .preemptions_wide = 1)
RACE(write_back_and_throwing_away, STORED,
     .ops = { { store_parent, dontneed_parent }, { evict, write_back }, { store_child } })
RACE(write_back_and_fork, STORED,
     .ops = { { fork_parent, store_born }, { write_back, evict }, { store_parent } })
RACE(two_write_backs, STORED,
     .ops = { { write_back, evict }, { write_back, read_call }, { store_parent, store_child } })

/* The page is mapped for writing, and clean: the next store sets its dirty bit, whoever changes the entry meanwhile. */
static void
start_clean(void)
{
	start_stored();
	EXPECT_OK(object_write_back(world.object, 0, AREA_PAGES));
}

#define CLEAN \
	.start = start_clean, .after = read_from_storage, .preemptions = 2, .preemptions_wide = 2

/* How many pages went depends on the moment. */
static uint64_t
age(unsigned cpu)
{
	(void)cpu;
	(void)object_age(world.object, 0, AREA_PAGES);
	return 0;
}

/* The kernel reads, through a space that is active elsewhere. */
static uint64_t
copy_out(unsigned cpu)
{
	uint64_t word = 0;

	(void)cpu;
	return copy_from_space(world.parent, &word, PAGE(0), sizeof(word)) ? FAULTED : word;
}

/* What is locked stays in memory, so that a lost bit would not be noticed. */
static uint64_t
unlock_and_read(void)
{
	EXPECT_OK(space_unlock(world.parent, PAGE(0), ARCH_PAGE_SIZE));
	return read_from_storage();
}

/* Class 9 of the known bugs: an entry is read, changed and written, and a bit that the hardware has set is gone. */
RACE(a_first_write_and_protection, CLEAN, .ops = { { store_parent }, { protect_parent } })
RACE(a_first_write_and_a_lock, .start = start_clean, .after = unlock_and_read,
     .ops = { { store_parent }, { lock_parent } }, .preemptions = 2, .preemptions_wide = 2)
RACE(a_first_write_and_aging, CLEAN, .ops = { { store_parent }, { age } })
RACE(a_first_write_and_a_copy, CLEAN, .ops = { { store_parent }, { copy_out } })
RACE(a_first_write_and_a_move, CLEAN, .ops = { { store_parent }, { move_parent, load_moved } })
RACE(a_first_write_and_a_child, CLEAN, .ops = { { store_parent }, { fork_parent, load_born } })
RACE(a_first_write_and_write_back, CLEAN, .ops = { { store_parent }, { write_back } })

/* A pager that only begins, and the world's page that it was asked for. */
static struct {
	_Atomic bool is_open;	/* begun, and nobody has taken it on himself to end it */
	_Atomic bool is_coming; /* begun, and not ended */
	pfn_t	     pfn;
	bool	     fails;
} late;

static err_t
late_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	late.pfn = pfn;
	atomic_store(&late.is_coming, true);
	atomic_store(&late.is_open, true);
	return ERR_AGAIN;
}

/* come - the page is there, or will not be; whoever is first says so. */
static void
come(struct object *object)
{
	uint64_t *words = arch_frame_ptr(late.pfn);

	if (!atomic_exchange(&late.is_open, false))
		return;
	words[0] = 9;
	object_fill_done(object, 0, late.pfn, late.fails ? ERR_IO : OK);
	atomic_store(&late.is_coming, false);
}

static err_t
late_wait(struct object *object, uint64_t index)
{
	(void)index;
	come(object);
	while (atomic_load(&late.is_coming))
		arch_relax();
	return late.fails ? ERR_IO : OK;
}

static const struct pager_ops pager_late = {
	.name = "late",
	.fill = late_fill,
	.wait = late_wait,
};

static void
start_late_in(bool fails)
{
	atomic_store(&late.is_open, false);
	atomic_store(&late.is_coming, false);
	late.fails = fails;
	EXPECT_OK(object_create(&pager_late, 7, 1, NULL, &world.object));
	start_area(1, MAPF_SHARED);
	EXPECT_OK(space_fork(world.parent, &world.child));
}

static void
start_late(void)
{
	start_late_in(false);
}

static void
start_failing(void)
{
	start_late_in(true);
}

/* What a run with too little memory has left open. */
static void
end_late(void)
{
	come(world.object);
}

RACE(two_threads_wait_for_a_page, .start = start_late, .end = end_late,
     .ops = { { load_parent, store_parent }, { load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(two_spaces_wait_for_a_page, .start = start_late, .end = end_late,
     .ops = { { load_parent }, { copy_out_of_child }, { read_call } }, .preemptions = 1,
     .preemptions_wide = 1)
RACE(two_threads_wait_in_vain, .start = start_failing, .end = end_late,
     .ops = { { load_parent }, { store_parent }, { copy_out_of_child } })
RACE(a_page_is_cut_off_while_it_comes, .start = start_late, .end = end_late,
     .ops = { { load_parent }, { cut }, { copy_out_of_child } }, .preemptions = 1,
     .preemptions_wide = 1)
RACE(a_region_goes_while_its_page_comes, .start = start_late, .end = end_late,
     .ops = { { load_parent }, { unmap_parent }, { exit_child } }, .preemptions = 1,
     .preemptions_wide = 1)

TEST_SUITE(race_write_back, cmocka_unit_test(write_back_and_a_writer),
	   cmocka_unit_test(write_back_and_unmap), cmocka_unit_test(write_back_and_exit),
	   cmocka_unit_test(write_back_and_throwing_away), cmocka_unit_test(write_back_and_fork),
	   cmocka_unit_test(two_write_backs), cmocka_unit_test(two_threads_wait_for_a_page),
	   cmocka_unit_test(two_spaces_wait_for_a_page), cmocka_unit_test(two_threads_wait_in_vain),
	   cmocka_unit_test(a_page_is_cut_off_while_it_comes),
	   cmocka_unit_test(a_region_goes_while_its_page_comes),
	   cmocka_unit_test(a_first_write_and_protection),
	   cmocka_unit_test(a_first_write_and_aging), cmocka_unit_test(a_first_write_and_a_copy),
	   cmocka_unit_test(a_first_write_and_a_lock), cmocka_unit_test(a_first_write_and_a_move),
	   cmocka_unit_test(a_first_write_and_a_child),
	   cmocka_unit_test(a_first_write_and_write_back))
