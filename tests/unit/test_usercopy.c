/*
 * test_usercopy.c - the kernel's own reads and writes of user memory: all of it, a
 * prefix, or nothing, and never beyond what the user could do.
 *
 * The four functions are tested side by side: through the active space, and through
 * the tables of a space that runs nowhere.
 */
#include "unit/kin.h"
#include "unit/pt_fixture.h"
#include "unit/slow_pager.h"

#include <string.h>

#include <anymm/usercopy.h>

#define SHARED_TABLES (ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0)
#define PAGE_BYTES    ((size_t)ARCH_PAGE_SIZE)

static uint8_t buffer[8 * 4096];

/* Both ways to copy: `active` needs the space current on this CPU. */
struct way {
	const char *name;
	bool	    active;
	size_t (*from)(struct space *sp, void *dst, vaddr_t src, size_t bytes);
	size_t (*to)(struct space *sp, vaddr_t dst, const void *src, size_t bytes);
};

static const struct way ways[] = {
	{ "user", true, copy_from_user, copy_to_user },
	{ "space", false, copy_from_space, copy_to_space },
};

static void
enter(const struct way *way, struct space *sp)
{
	if (way->active)
		pt_activate(&sp->pt);
	else
		pt_deactivate(&sp->pt);
}

static void
fill_buffer(uint8_t first)
{
	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(first + i * 7 + i / 251);
}

static bool
buffer_is(uint8_t first, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (buffer[i] != (uint8_t)(first + i * 7 + i / 251))
			return false;
	return true;
}

/* page      1    2    3    4
 * region    rw   rw   rw   rw     nothing touched yet
 * copy         <---------->       from the middle of 1 to the middle of 4, in and out again */
static void
copies_fault_pages_in_and_cross_them(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();
		vaddr_t	      va = PAGE(1) + PAGE_BYTES / 2 + 3;
		size_t	      bytes = 3 * PAGE_BYTES - 11;

		sketch_map(sp, 1, 5, PROT_RW, 0);
		enter(&ways[w], sp);
		fill_buffer(5);
		stats_note();
		assert_int_equal(ways[w].to(sp, va, buffer, bytes), 0);
		EXPECT_STAT(FAULT_ZERO_FILL, 4);
		memset(buffer, 0, sizeof(buffer));
		stats_note();
		assert_int_equal(ways[w].from(sp, buffer, va, bytes), 0);
		EXPECT_STAT(FAULT_ZERO_FILL, 0);
		assert_true(buffer_is(5, bytes));
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), PAGE_BYTES / 2), 0);
		assert_int_equal(buffer[0] | buffer[PAGE_BYTES / 2 - 1], 0);
		sketch_end(sp);
	}
}

static void
reads_of_untouched_memory_give_zeros_and_no_frames(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 1, 4, PROT_RW, 0);
		enter(&ways[w], sp);
		memset(buffer, 0xff, sizeof(buffer));
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 3 * PAGE_BYTES), 0);
		for (size_t i = 0; i < 3 * PAGE_BYTES; i++)
			assert_int_equal(buffer[i], 0);
		assert_true(frame_totals().by_kind[FRAME_ANON] == 0);
		sketch_end(sp);
	}
}

/* WNX-03, WNX-28, WNX-B09, ALM-29:
 * page      1    2    3    4    5
 * region    rw   rw   .    rw   r
 *              <----|---->            stops at the hole, says how much is left
 *                             <-|-->  a write stops at the read-only page */
static void
copies_stop_at_the_first_bad_byte(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 1, 3, PROT_RW, 0);
		sketch_map(sp, 4, 5, PROT_RW, 0);
		sketch_map(sp, 5, 6, PROT_R, 0);
		enter(&ways[w], sp);
		fill_buffer(9);
		assert_int_equal(ways[w].to(sp, PAGE(2) - 100, buffer, 2 * PAGE_BYTES),
				 PAGE_BYTES - 100);
		memset(buffer, 0, sizeof(buffer));
		assert_int_equal(ways[w].from(sp, buffer, PAGE(2) - 100, 2 * PAGE_BYTES),
				 PAGE_BYTES - 100);
		assert_true(buffer_is(9, PAGE_BYTES + 100));
		assert_int_equal(buffer[PAGE_BYTES + 100], 0);
		assert_int_equal(ways[w].to(sp, PAGE(5) - 8, buffer, 16), 8);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(5) - 8, 16), 0);
		assert_int_equal(ways[w].to(sp, PAGE(3), buffer, 1), 1);
		assert_int_equal(ways[w].to(sp, PAGE(5), buffer, 5), 5);
		sketch_end(sp);
	}
}

/* WNX-28, WNX-B09. */
static void
protections_and_guards_are_respected(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 1, 4, PROT_RW, 0);
		sketch_store_all(sp, 1, 4);
		EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), 0));
		EXPECT_OK(space_protect(sp, PAGE(2), PAGE(1), PROT_R));
		EXPECT_OK(space_advise(sp, PAGE(3), PAGE(1), ADVICE_GUARD_INSTALL));
		enter(&ways[w], sp);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 10), 10);
		assert_int_equal(ways[w].to(sp, PAGE(1), buffer, 10), 10);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(2), 10), 0);
		assert_int_equal(buffer[0], 2);
		assert_int_equal(ways[w].to(sp, PAGE(2), buffer, 10), 10);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(3) - 1, 10), 9);
		assert_int_equal(ways[w].to(sp, PAGE(3), buffer, 10), 10);
		sketch_end(sp);
	}
}

/*
 * CAM-01, CAM-B07:
 * Any address and any length may be asked for; nothing outside the user half is ever touched.
 */
static void
hostile_addresses_reach_nothing(void **state)
{
	static const struct {
		vaddr_t va;
		size_t	bytes;
	} hostile[] = {
		{ 0, 8 },
		{ 0, SIZE_MAX },
		{ ARCH_USER_END, 1 },
		{ ARCH_USER_END, SIZE_MAX },
		{ ARCH_USER_END - 1, 2 },
		{ ARCH_USER_END + ARCH_PAGE_SIZE, 8 },
		{ (vaddr_t)1 << 63, 8 },
		{ UINT64_MAX - 7, 8 },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, SIZE_MAX },
		{ UINT64_MAX - ARCH_PAGE_SIZE, 2 * ARCH_PAGE_SIZE + 16 }, /* wraps into page 0 */
	};

	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 1, 2, PROT_RW, 0);
		enter(&ways[w], sp);
		fill_buffer(1);
		for (unsigned i = 0; i < ARRAY_SIZE(hostile); i++) {
			assert_true(ways[w].from(sp, buffer, hostile[i].va, hostile[i].bytes) ==
				    hostile[i].bytes);
			assert_true(ways[w].to(sp, hostile[i].va, buffer, hostile[i].bytes) ==
				    hostile[i].bytes);
		}
		assert_true(buffer_is(1, sizeof(buffer)));
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 0), 0);
		assert_int_equal(ways[w].to(sp, UINT64_MAX, buffer, 0), 0);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(2) - 4, SIZE_MAX), SIZE_MAX - 4);
		sketch_end(sp);
	}
}

/* The last page of user space: the end is the end, not a place to fault at. */
static void
the_end_of_user_space_is_a_bad_byte(void **state)
{
	vaddr_t last = ARCH_USER_END - ARCH_PAGE_SIZE;

	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space_layout layout = sketch_layout();
		struct map_request  request = sketch_anonymous(1, MAPF_PRIVATE | MAPF_FIXED);
		struct space	   *sp;
		vaddr_t		    va;

		layout.end = ARCH_USER_END;
		layout.mmap_base = ARCH_USER_END;
		sp = sketch_space_with(&layout);
		request.addr = last;
		EXPECT_OK(space_map(sp, &request, &va));
		enter(&ways[w], sp);
		fill_buffer(3);
		assert_int_equal(ways[w].to(sp, last + 10, buffer, 2 * PAGE_BYTES),
				 PAGE_BYTES + 10);
		assert_int_equal(ways[w].from(sp, buffer, last + 10, PAGE_BYTES), 10);
		assert_true(buffer_is(3, PAGE_BYTES - 10));
		sketch_end(sp);
	}
}

/* parent and child share two leaf pages; a copy into the child splits what a store would, and
 * a copy out of it nothing. */
static void
a_copy_splits_no_more_than_an_access_would(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *parent = sketch_space();
		struct space *child;

		sketch_map(parent, 1, 3, PROT_RW, 0);
		sketch_store_all(parent, 1, 3);
		EXPECT_OK(space_fork(parent, &child));
		enter(&ways[w], child);
		stats_note();
		assert_int_equal(ways[w].from(child, buffer, PAGE(1), 2 * PAGE_BYTES), 0);
		assert_int_equal(buffer[0], 1);
		assert_int_equal(buffer[PAGE_BYTES], 2);
		EXPECT_STAT(TABLE_SPLITS, 0);
		EXPECT_STAT(PAGE_COPIES, 0);
		buffer[0] = 77;
		assert_int_equal(ways[w].to(child, PAGE(1), buffer, 1), 0);
		EXPECT_STAT(TABLE_SPLITS, SHARED_TABLES);
		EXPECT_STAT(PAGE_COPIES, 1);
		EXPECT_STAT(FAULT_COPY, 1);
		assert_int_equal(ways[w].to(child, PAGE(1) + 1, buffer, PAGE_BYTES - 1), 0);
		EXPECT_STAT(PAGE_COPIES, 1);
		assert_int_equal(sketch_load(parent, 1), 1);
		assert_int_equal(sketch_load(child, 1), 77);
		pt_deactivate(&child->pt);
		machine_check_invariants();
		space_put(child);
		sketch_end(parent);
	}
}

/*
 * WNX-07:
 * A copy leaves the traces that the user's access would: accessed, and dirty for a write only.
 */
static void
a_copy_sets_accessed_and_dirty(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space   *sp = sketch_space();
		struct object  *file = sketch_file(7, 4);
		struct pte_leaf leaf;

		sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
		enter(&ways[w], sp);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 8), 0);
		leaf = arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(1)).pte, 0);
		assert_true(leaf.accessed && !leaf.dirty);
		assert_int_equal(ways[w].to(sp, PAGE(1), buffer, 8), 0);
		leaf = arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(1)).pte, 0);
		assert_true(leaf.accessed && leaf.dirty);
		object_put(file);
		sketch_end(sp);
	}
}

static void
a_shared_page_reaches_its_object(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space  *sp = sketch_space();
		struct object *file = sketch_file(7, 2);

		sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
		enter(&ways[w], sp);
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 4), 0);
		assert_int_equal(buffer[3], object_pattern(7, 3));
		buffer[0] = 200;
		assert_int_equal(ways[w].to(sp, PAGE(1), buffer, 1), 0);
		assert_int_equal(*(uint8_t *)arch_frame_ptr(object_peek_page(file, 0)), 200);
		/* The object has two pages: the third byte range is beyond it. */
		assert_int_equal(ways[w].from(sp, buffer, PAGE(3) - 6, 20), 14);
		object_put(file);
		sketch_end(sp);
	}
}

/* Memory ends in the middle: the prefix is there, the rest is not. */
static void
a_copy_without_memory_is_a_prefix(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 1, 4, PROT_RW, 0);
		sketch_store(sp, 1, 1);
		enter(&ways[w], sp);
		fill_buffer(4);
		machine_fail_allocation(1, true);
		assert_int_equal(ways[w].to(sp, PAGE(1), buffer, 3 * PAGE_BYTES), 2 * PAGE_BYTES);
		machine_fail_allocation(0, false);
		memset(buffer, 0, sizeof(buffer));
		assert_int_equal(ways[w].from(sp, buffer, PAGE(1), 3 * PAGE_BYTES), 0);
		assert_true(buffer_is(4, PAGE_BYTES));
		assert_int_equal(buffer[PAGE_BYTES], 0);
		sketch_end(sp);
	}
}

/* A copy below a stack grows it, as the user's access would. */
static void
a_copy_grows_a_stack(void **state)
{
	(void)state;
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++) {
		struct space *sp = sketch_space();

		sketch_map(sp, 9, 11, PROT_RW, REGION_GROWSDOWN);
		enter(&ways[w], sp);
		assert_int_equal(ways[w].to(sp, PAGE(9) - 4, buffer, 8), 0);
		EXPECT_REGIONS(sp, "8-11 rw down");
		sketch_end(sp);
	}
}

/*
 * One CPU copies into a page of a space while another, in that space, stores to it and
 * a third forks it away: each byte is one that somebody wrote there, and the fork's
 * child sees a moment of the parent.
 */
static struct {
	struct space *sp;
	struct space *child;
	unsigned      failed;
} race;

static void
copy_in(void *arg)
{
	uint8_t bytes[2] = { 50, 50 };

	(void)arg;
	for (unsigned i = 0; i < 4; i++, bytes[0]++, bytes[1]++)
		race.failed += copy_to_space(race.sp, PAGE(2) - 1, bytes, 2) != 0;
}

static void
store_elsewhere(void *arg)
{
	(void)arg;
	for (uint8_t byte = 1; byte < 5; byte++)
		race.failed += machine_user(race.sp, ACCESS_STORE, PAGE(1), &byte, 1) != FAULT_DONE;
}

static void
fork_once(void *arg)
{
	(void)arg;
	race.failed += space_fork(race.sp, &race.child) != OK;
}

static void
copies_race_with_stores_and_forks(void **state)
{
	void (*const bodies[])(void *) = { copy_in, store_elsewhere, fork_once };
	struct space_layout layout = sketch_layout();
	uint64_t	    seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 60; n++) {
		uint8_t pair[2];

		machine_fresh_with(&(struct machine_config){ .nr_cpus = 3, .nr_frames = 4096 });
		race.failed = 0;
		EXPECT_OK(space_create(&layout, &race.sp));
		sketch_map(race.sp, 1, 3, PROT_RW, 0);
		machine_race(3, bodies, NULL,
			     &(struct machine_schedule){ .policy = n & 1 ? RACE_PCT : RACE_RANDOM,
							 .param = 3,
							 .seed = seed + n });
		assert_int_equal(race.failed, 0);
		machine_check_invariants();
		assert_int_equal(copy_from_space(race.sp, pair, PAGE(2) - 1, 2), 0);
		assert_int_equal(pair[0], 53);
		assert_int_equal(pair[1], 53);
		assert_int_equal(sketch_load(race.sp, 1), 4);
		assert_int_equal(copy_from_space(race.child, pair, PAGE(2) - 1, 2), 0);
		/* The first byte is written first; the child may have been made in between. */
		assert_true(pair[0] == pair[1] || pair[0] == pair[1] + 1 ||
			    (pair[0] == 50 && pair[1] == 0));
		for (unsigned cpu = 0; cpu < 3; cpu++) {
			machine_cpu_set(cpu);
			pt_deactivate(&race.sp->pt);
		}
		machine_cpu_set(0);
		space_put(race.child);
		space_put(race.sp);
		machine_check();
	}
}

/* ---- copies in each other ---- */

/* A pager that copies user memory before it brings a page: of the next page, of another one like it. */
#define CIRCLE_FROM 5
#define CIRCLE	    4

static struct space *circle;
static bool	     has_end; /* the last page needs no other */
static unsigned	     nr_copies;

static void
copy_the_next_page(struct object *object, uint64_t index)
{
	uint64_t next = (index + 1) % CIRCLE;
	uint64_t word;

	(void)object;
	if (has_end && next == 0)
		return;
	nr_copies++;
	(void)copy_from_space(circle, &word, PAGE(CIRCLE_FROM + next), sizeof(word));
}

static struct process *
process_of_circles(bool with_end)
{
	struct process *proc = kin_first_with_bodies();
	struct object  *file = slow_file(CIRCLE);

	slow.on_wait = copy_the_next_page;
	circle = proc->space;
	has_end = with_end;
	nr_copies = 0;
	sketch_map_file(circle, CIRCLE_FROM, CIRCLE_FROM + CIRCLE, PROT_R, file, 0, MAPF_SHARED);
	object_put(file);
	thread_enter(&proc->main);
	return proc;
}

static void
copies_in_each_other_that_end_arrive(void **state)
{
	struct process *proc = process_of_circles(true);
	uint8_t		byte = 0;

	(void)state;
	assert_int_equal(copy_from_space(circle, &byte, PAGE(CIRCLE_FROM), 1), 0);
	assert_int_equal(byte, 1);
	assert_int_equal(nr_copies, CIRCLE - 1);
	assert_int_equal(proc->main.nr_copying, 0);
	thread_leave();
	kin_end();
}

static void
copy_in_a_circle(void *arg)
{
	uint8_t byte;

	(void)arg;
	(void)copy_from_space(circle, &byte, PAGE(CIRCLE_FROM), 1);
}

/* LUN-31: a circle of faults ends, and says where, before the stack does. */
static void
a_circle_of_copies_stops_the_machine(void **state)
{
	char text[160];

	(void)state;
	process_of_circles(false);
	assert_true(machine_expect_stop(copy_in_a_circle, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "in 8 copies of user memory in each other"));
	assert_int_equal(nr_copies, 8);
}

TEST_SUITE(usercopy, cmocka_unit_test(copies_fault_pages_in_and_cross_them),
	   cmocka_unit_test(reads_of_untouched_memory_give_zeros_and_no_frames),
	   cmocka_unit_test(copies_stop_at_the_first_bad_byte),
	   cmocka_unit_test(protections_and_guards_are_respected),
	   cmocka_unit_test(hostile_addresses_reach_nothing),
	   cmocka_unit_test(the_end_of_user_space_is_a_bad_byte),
	   cmocka_unit_test(a_copy_splits_no_more_than_an_access_would),
	   cmocka_unit_test(a_copy_sets_accessed_and_dirty),
	   cmocka_unit_test(a_shared_page_reaches_its_object),
	   cmocka_unit_test(a_copy_without_memory_is_a_prefix),
	   cmocka_unit_test(a_copy_grows_a_stack),
	   cmocka_unit_test(copies_race_with_stores_and_forks),
	   cmocka_unit_test(copies_in_each_other_that_end_arrive),
	   cmocka_unit_test(a_circle_of_copies_stops_the_machine))
