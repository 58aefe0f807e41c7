/*
 * test_fault_wait.c - faults on pages that are out, or that a pager has not got yet: what they
 * wait for, hold, and give up, and what they find when the world has changed meanwhile.
 */
#include "unit/sketch.h"
#include "unit/slow_pager.h"
#include "unit/swap_store.h"

#include <anymm/usercopy.h>

#include "fault/resolve.h"
#include "pt/cursor.h"
#include "pt/evict.h"
#include "pt/table.h"
#include "swap/cache.h"

static struct swap_store store;

/* Pages [1, 5) hold their number and are on the device. */
static struct space *
sketch_that_is_out(void)
{
	struct space *sp = sketch_space();

	swap_store_make(&store, 16);
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	for (unsigned round = 0; round < 2; round++) {
		for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn)) {
			unsigned     index = 0;
			struct evict e;

			evict_begin(&e);
			assert_true(evict_table(&e, pfn, &index));
			evict_flush(&e);
		}
	}
	assert_int_equal(swap_trim(16), 4);
	return sp;
}

static void
end_sketch(struct space *sp)
{
	sketch_drop(sp);
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
	machine_check();
}

static struct pte_leaf
leaf_at(struct space *sp, unsigned page)
{
	return arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(page)).pte, 0);
}

/* The page is nobody else's: it may be written at once, without a copy, and its slot is free. */
static void
a_page_comes_back_exclusive(void **state)
{
	struct space *sp = sketch_that_is_out();
	uint64_t      copies = stat_get(STAT_PAGE_COPIES);

	(void)state;
	sketch_store(sp, 1, 11);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_true(sketch_is_writable(sp, 1) && sketch_is_writable(sp, 2));
	assert_int_equal(frame_count(leaf_at(sp, 1).pfn), 1);
	assert_int_equal(stat_get(STAT_PAGE_COPIES), copies);
	assert_int_equal(store.reads, 2);
	assert_int_equal(swap_usage().nr_used, 2);
	assert_int_equal(sketch_load(sp, 1), 11);
	end_sketch(sp);
}

/* ALM-B06: a sharer that writes gets a copy; the other finds the same frame without reading again. */
static void
sharers_read_once_and_copy_on_write(void **state)
{
	struct space *sp = sketch_that_is_out();
	struct space *child;
	uint64_t      copies = stat_get(STAT_PAGE_COPIES);

	(void)state;
	EXPECT_OK(space_fork(sp, &child));
	sketch_store(child, 1, 11);
	assert_int_equal(stat_get(STAT_PAGE_COPIES) - copies, 1);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(store.reads, 1);
	assert_int_equal(swap_usage().nr_used, 3);
	assert_int_equal(sketch_load(child, 1), 11);
	assert_int_equal(sketch_load(child, 2), 2);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(store.reads, 2);
	assert_true(pfn_eq(leaf_at(sp, 2).pfn, leaf_at(child, 2).pfn));
	assert_false(sketch_is_writable(sp, 2));
	machine_check_invariants();
	sketch_drop(child);
	end_sketch(sp);
}

/* The device cannot read: a signal each time, and the page is there once it can. */
static void
an_unreadable_page_is_a_bus_error(void **state)
{
	struct space *sp = sketch_that_is_out();

	(void)state;
	store.fails_reads = true;
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_BUS_ADRERR);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 1), FAULT_BUS_ADRERR);
	machine_check_invariants();
	store.fails_reads = false;
	assert_int_equal(sketch_load(sp, 1), 1);
	end_sketch(sp);
}

/* One name more than a slot can have: nobody can wait for it, and the access ends for want of counts. */
static void
a_slot_with_a_full_count_is_not_waited_for(void **state)
{
	struct space *sp = sketch_that_is_out();
	swap_t	      slot = entry_swap(pt_look(&sp->pt, PAGE(1)).pte, 0);

	(void)state;
	swap_slot_of(slot)->count = SWAP_COUNT_MAX;
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_NOMEM);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 1), FAULT_NOMEM);
	assert_int_equal(swap_slot_of(slot)->count, SWAP_COUNT_MAX);
	swap_slot_of(slot)->count = 1;
	assert_int_equal(sketch_load(sp, 1), 1);
	end_sketch(sp);
}

/* Nor can a table be copied that names it: the fork, or the first fault after it, ends for want of counts. */
static void
a_slot_with_a_full_count_gets_no_other_name(void **state)
{
	struct space *sp = sketch_that_is_out();
	swap_t	      slot = entry_swap(pt_look(&sp->pt, PAGE(1)).pte, 0);
	struct space *child = NULL;
	err_t	      err;

	(void)state;
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		EXPECT_OK(space_fork(sp, &child));
	swap_slot_of(slot)->count = SWAP_COUNT_MAX;
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		assert_int_equal(sketch_access(child, ACCESS_LOAD, 2), FAULT_NOMEM);
	} else {
		err = space_fork(sp, &child);
		assert_true(err == ERR_NOMEM || err == ERR_OVERFLOW);
	}
	assert_int_equal(swap_slot_of(slot)->count, SWAP_COUNT_MAX);
	swap_slot_of(slot)->count = 1;
	machine_check_invariants();
	if (!ARCH_HAS_UPPER_WRITE_DENIAL)
		EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(sketch_load(child, 1), 1);
	sketch_drop(child);
	end_sketch(sp);
}

/* Each allocation on the way fails once: the page is still there afterwards. */
static void
without_memory_nothing_is_lost(void **state)
{
	struct space *sp = sketch_that_is_out();
	struct space *child;
	unsigned      n = 1;

	(void)state;
	EXPECT_OK(space_fork(sp, &child));
	for (enum fault_result result = FAULT_NOMEM; result != FAULT_DONE; n++) {
		machine_fail_allocation(n, true);
		result = fault_handle(child, PAGE(1), ACCESS_STORE);
		machine_fail_allocation(0, false);
		assert_true(result == FAULT_DONE || result == FAULT_NOMEM);
		machine_check_invariants();
	}
	assert_true(n >= 4); /* the page, a table, the copy */
	assert_int_equal(sketch_load(child, 1), 1);
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_drop(child);
	end_sketch(sp);
}

/* While the device reads, the region goes: the fault finds no region, and leaves nothing behind. */
static void
unmap_it(void *arg)
{
	struct space *sp = arg;

	store.during = NULL;
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(4)));
}

static void
a_region_may_go_while_the_fault_waits(void **state)
{
	struct space *sp = sketch_that_is_out();

	(void)state;
	store.during = unmap_it;
	store.arg = sp;
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_SEGV_MAPERR);
	assert_int_equal(swap_usage().nr_used, 0);
	end_sketch(sp);
}

/* While the device reads, another fault brings the page in and writes: the first finds that. */
static void
store_it(void *arg)
{
	store.during = NULL;
	sketch_store(arg, 1, 77);
}

static void
another_fault_may_be_faster(void **state)
{
	struct space *sp = sketch_that_is_out();

	(void)state;
	store.during = store_it;
	store.arg = sp;
	assert_int_equal(sketch_load(sp, 1), 77);
	assert_int_equal(frame_count(leaf_at(sp, 1).pfn), 1);
	machine_check_invariants();
	end_sketch(sp);
}

static void
holds_are_given_up_once(void **state)
{
	struct fault_wait wait;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	fault_wait_begin(&wait);
	assert_false(fault_must_wait(&wait));
	EXPECT_OK(swap_alloc(&wait.slot));
	swap_slot_of(wait.slot)->is_stored = true;
	assert_true(fault_must_wait(&wait));
	EXPECT_OK(swap_get(wait.slot));
	slot = wait.slot;
	machine_fail_allocation(1, false);
	assert_int_equal(fault_wait_here(&wait), FAULT_NOMEM);
	assert_false(fault_must_wait(&wait)); /* what failed holds nothing */
	wait.slot = slot;
	assert_int_equal(fault_wait_here(&wait), FAULT_DONE);
	assert_false(fault_must_wait(&wait));
	fault_wait_end(&wait);
	fault_wait_end(&wait);
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
	machine_check();
}

/* The page is in memory by now, but nobody can hold it: a lack of counts, not of the page. */
static void
a_page_with_a_full_count_is_lack_of_memory(void **state)
{
	struct fault_wait wait;
	swap_t		  slot;
	pfn_t		  page;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &page));
	EXPECT_OK(swap_choose(page, &slot));
	fault_wait_begin(&wait);
	EXPECT_OK(swap_get(slot));
	wait.slot = slot;
	atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX);
	assert_int_equal(fault_wait_here(&wait), FAULT_NOMEM);
	atomic_store(&frame_of(page)->count, 2);
	assert_int_equal(swap_slot_of(slot)->count, 2);
	swap_put(slot);
	frame_release(page);
	swap_store_drop(&store);
	machine_check();
}

/* A file of a slow pager, shared over pages [1, 5) and private over [6, 10). */
static struct space *
sketch_of_slow_file(struct object **file)
{
	struct space *sp = sketch_space();

	*file = slow_file(4);
	sketch_map_file(sp, 1, 5, PROT_RW, *file, 0, MAPF_SHARED);
	sketch_map_file(sp, 6, 10, PROT_RW, *file, 0, MAPF_PRIVATE);
	return sp;
}

static void
end_of_slow_file(struct space *sp, struct object *file)
{
	slow.on_wait = NULL;
	slow_finish_all();
	object_put(file);
	sketch_end(sp);
}

static void
a_fault_waits_for_its_page(void **state)
{
	struct object *file;
	struct space  *sp = sketch_of_slow_file(&file);
	uint64_t       waits = stat_get(STAT_FAULT_WAITS);

	(void)state;
	assert_int_equal(sketch_load(sp, 2), 2);
	sketch_store(sp, 8, 80); /* a copy of page 2, which has to come first */
	assert_int_equal(sketch_load(sp, 3), 3);
	assert_int_equal(slow.waits, 2);
	assert_int_equal(stat_get(STAT_FAULT_WAITS) - waits, 2);
	end_of_slow_file(sp, file);
}

static void
a_page_that_does_not_come_is_a_bus_error(void **state)
{
	struct object *file;
	struct space  *sp = sketch_of_slow_file(&file);
	uint8_t	       bytes[2];

	(void)state;
	sketch_store(sp, 1, 10);
	slow.result = ERR_IO;
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 2), FAULT_BUS_ADRERR);
	/* the kernel's copies end at the same byte, through the active space or not */
	assert_int_equal(copy_from_user(sp, bytes, PAGE(2) - 1, 2), 1);
	assert_int_equal(copy_to_space(sp, PAGE(2) - 1, bytes, 2), 1);
	slow.result = OK;
	assert_int_equal(copy_from_space(sp, bytes, PAGE(2) - 1, 2), 0);
	assert_int_equal(bytes[1], 2);
	end_of_slow_file(sp, file);
}

/* What happens while the fault waits. No lock of the space is held, or these would not return. */
static struct space *waiter;

static void
cut_the_file(struct object *object, uint64_t index)
{
	(void)index;
	object_resize(object, 0);
}

static void
cut_and_grow_the_file(struct object *object, uint64_t index)
{
	slow.on_wait = NULL;
	cut_the_file(object, index);
	object_resize(object, 4 * ARCH_PAGE_SIZE);
}

static void
unmap_its_page(struct object *object, uint64_t index)
{
	(void)object;
	EXPECT_OK(space_unmap(waiter, PAGE(1 + index), PAGE(1)));
}

static void
make_it_read_only(struct object *object, uint64_t index)
{
	(void)object;
	EXPECT_OK(space_protect(waiter, PAGE(1 + index), PAGE(1), PROT_R));
}

static void
map_zeros_there(struct object *object, uint64_t index)
{
	(void)object;
	sketch_map(waiter, 1 + (unsigned)index, 2 + (unsigned)index, PROT_RW, 0);
}

static enum fault_result
access_while(void (*on_wait)(struct object *, uint64_t), enum access access, unsigned page)
{
	slow.on_wait = on_wait;
	return sketch_access(waiter, access, page);
}

/* WNX-14, WNX-B10. */
static void
the_world_may_change_during_the_wait(void **state)
{
	struct object *file;

	(void)state;
	waiter = sketch_of_slow_file(&file);
	assert_int_equal(access_while(unmap_its_page, ACCESS_LOAD, 1), FAULT_SEGV_MAPERR);
	/* the access never weakens: what was a store is one after the wait */
	assert_int_equal(access_while(make_it_read_only, ACCESS_STORE, 2), FAULT_SEGV_ACCERR);
	assert_int_equal(access_while(map_zeros_there, ACCESS_LOAD, 3), FAULT_DONE);
	assert_int_equal(sketch_load(waiter, 3), 0);
	slow.on_wait = NULL;
	assert_int_equal(access_while(cut_and_grow_the_file, ACCESS_LOAD, 4), FAULT_DONE);
	assert_int_equal(access_while(cut_the_file, ACCESS_STORE, 7), FAULT_BUS_ADRERR);
	end_of_slow_file(waiter, file);
}

/* While the device reads page 1, another page that is out comes to be there. */
static void
move_page_2_there(void *arg)
{
	struct remap_request request = { .addr = PAGE(2),
					 .old_length = PAGE(1),
					 .new_length = PAGE(1),
					 .flags = REMAP_MAYMOVE | REMAP_FIXED,
					 .new_addr = PAGE(1) };
	struct va_range	     fresh;
	vaddr_t		     at;

	store.during = NULL;
	EXPECT_OK(space_remap(arg, &request, &at, &fresh));
}

static void
one_slot_is_given_up_for_another(void **state)
{
	struct space *sp = sketch_that_is_out();

	(void)state;
	store.during = move_page_2_there;
	store.arg = sp;
	assert_int_equal(sketch_load(sp, 1), 2);
	assert_int_equal(store.reads, 2);
	assert_int_equal(swap_usage().nr_used, 2);
	end_sketch(sp);
}

/* The space has unmapped all that was out, so only a fault could still hold a slot. */
static void
expect_no_slot(struct object *object, uint64_t index)
{
	(void)object;
	(void)index;
	assert_int_equal(swap_usage().nr_used, 0);
}

/* While the device reads page 1, a file comes to be mapped there, whose pager is slow. */
static void
map_a_slow_file_there(void *arg)
{
	struct object *file = slow_file(4);

	store.during = NULL;
	slow.on_wait = expect_no_slot;
	EXPECT_OK(space_unmap(arg, PAGE(1), PAGE(4)));
	sketch_map_file(arg, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	object_put(file);
}

static void
one_wait_ends_before_another_begins(void **state)
{
	struct space *sp = sketch_that_is_out();

	(void)state;
	store.during = map_a_slow_file_there;
	store.arg = sp;
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(slow.waits, 1);
	assert_int_equal(store.reads, 1);
	slow.on_wait = NULL;
	end_sketch(sp);
}

TEST_SUITE(fault_wait, cmocka_unit_test(a_page_comes_back_exclusive),
	   cmocka_unit_test(sharers_read_once_and_copy_on_write),
	   cmocka_unit_test(an_unreadable_page_is_a_bus_error),
	   cmocka_unit_test(a_slot_with_a_full_count_is_not_waited_for),
	   cmocka_unit_test(a_slot_with_a_full_count_gets_no_other_name),
	   cmocka_unit_test(without_memory_nothing_is_lost),
	   cmocka_unit_test(a_region_may_go_while_the_fault_waits),
	   cmocka_unit_test(another_fault_may_be_faster), cmocka_unit_test(holds_are_given_up_once),
	   cmocka_unit_test(a_page_with_a_full_count_is_lack_of_memory),
	   cmocka_unit_test(a_fault_waits_for_its_page),
	   cmocka_unit_test(a_page_that_does_not_come_is_a_bus_error),
	   cmocka_unit_test(the_world_may_change_during_the_wait),
	   cmocka_unit_test(one_slot_is_given_up_for_another),
	   cmocka_unit_test(one_wait_ends_before_another_begins))
