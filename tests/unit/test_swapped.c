/*
 * test_swapped.c - shared memory on the swap device: how it goes, how it comes back, and who must know.
 */
#include "unit/sketch.h"
#include "unit/swap_store.h"

#include <anymm/call.h>

#include "fault/resolve.h"
#include "object/swapped.h"
#include "pt/state.h"

#define NR_SLOTS 16

static struct swap_store store;

/* Shared memory of four pages over [1, 5), each with its number, in one space; and the device. */
static struct object *
shared_memory(struct space **sp)
{
	struct object *shared;

	*sp = sketch_space();
	swap_store_make(&store, NR_SLOTS);
	EXPECT_OK(object_create(&pager_zero, 5, 4, NULL, &shared));
	sketch_map_file(*sp, 1, 5, PROT_RW, shared, 0, MAPF_SHARED);
	sketch_store_all(*sp, 1, 5);
	return shared;
}

/* The clock twice: used pages have their second chance, then go. */
static uint64_t
age_out(struct object *object)
{
	uint64_t gone = object_age(object, 0, UINT64_MAX);

	shootdown_everything(); /* a CPU that has the page cached sets no bit */
	return gone + object_age(object, 0, UINT64_MAX);
}

static struct object *
shared_memory_out(struct space **sp)
{
	struct object *shared = shared_memory(sp);

	assert_int_equal(age_out(shared), 4);
	machine_check_invariants();
	return shared;
}

static void
end(struct space *sp, struct object *object)
{
	object_put(object);
	EXPECT_OK(space_unmap(sp, 0, PAGE(SKETCH_PAGES)));
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
	sketch_end(sp);
}

/* frames    4     age     0                0     1 read     1
 * slots     0             4, one count each      a slot less */
static void
pages_go_out_and_come_back(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);

	(void)state;
	assert_int_equal(age_out(shared), 4);
	assert_true(shared->nr_pages == 0 && shared->nr_out == 4);
	assert_int_equal(frame_totals().by_kind[FRAME_OBJECT], 0);
	assert_int_equal(swap_usage().nr_used, 4);
	assert_int_equal(stat_get(STAT_OBJECT_OUTS), 4);
	assert_false(sketch_is_present(sp, 1));
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_true(shared->nr_pages == 1 && shared->nr_out == 3);
	assert_int_equal(swap_usage().nr_used, 3);
	assert_int_equal(stat_get(STAT_OBJECT_INS), 1);
	machine_check_invariants();
	for (unsigned page = 1; page < 5; page++)
		assert_int_equal(sketch_load(sp, page), page);
	assert_int_equal(store.reads, 4);
	end(sp, shared);
}

/* Out, in, changed and out again, more than once: the last change counts, in every mapping. */
static void
each_change_goes_along(void **state)
{
	struct space  *sp, *child;
	struct object *shared = shared_memory(&sp);

	(void)state;
	sketch_map_file(sp, 6, 10, PROT_R, shared, 0, MAPF_SHARED);
	EXPECT_OK(space_fork(sp, &child));
	for (uint8_t round = 10; round < 14; round++) {
		sketch_store(round % 2 ? sp : child, 3, round);
		assert_int_equal(sketch_load(sp, 8), round);
		assert_true(age_out(shared) >= 1);
		machine_check_invariants();
	}
	assert_int_equal(shared->nr_out, 4);
	assert_int_equal(sketch_load(child, 8), 13);
	assert_int_equal(sketch_load(sp, 3), 13);
	pt_deactivate(&child->pt);
	space_put(child);
	end(sp, shared);
}

/* A page that nobody maps, written by a call: it goes without any mapping to take away. */
static void
file_calls_see_pages_that_are_out(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory_out(&sp);
	uint8_t	       bytes[3] = { 0 };
	size_t	       done;

	(void)state;
	EXPECT_OK(object_read(shared, PAGE(2), bytes, 1, &done));
	assert_true(done == 1 && bytes[0] == 3);
	EXPECT_OK(object_write(shared, PAGE(1) - 1, "ab", 2, &done));
	assert_int_equal(done, 2);
	assert_int_equal(shared->nr_out, 1);
	machine_check_invariants();
	assert_int_equal(age_out(shared), 3);
	EXPECT_OK(object_read(shared, PAGE(1) - 1, bytes, 3, &done));
	assert_true(bytes[0] == 'a' && bytes[1] == 'b');
	store.fails_reads = true;
	EXPECT_ERR(object_read(shared, PAGE(3), bytes, 1, &done), ERR_IO);
	EXPECT_ERR(object_write(shared, PAGE(3), bytes, 1, &done), ERR_IO);
	store.fails_reads = false;
	EXPECT_OK(object_read(shared, PAGE(3), bytes, 1, &done));
	assert_int_equal(bytes[0], 4);
	end(sp, shared);
}

/* The device gets pages until it is full; the others stay, mapped where they were. */
static void
a_full_device_leaves_the_rest_in_memory(void **state)
{
	struct space  *sp = sketch_space();
	struct object *shared;

	(void)state;
	EXPECT_OK(object_create(&pager_zero, 5, 4, NULL, &shared));
	sketch_map_file(sp, 1, 5, PROT_RW, shared, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 5);
	assert_int_equal(age_out(shared), 0);
	sketch_store_all(sp, 1, 5);
	assert_int_equal(age_out(shared), 0);
	assert_int_equal(shared->nr_pages, 4);
	swap_store_make(&store, 3);
	assert_int_equal(age_out(shared), 3);
	assert_int_equal(shared->nr_pages, 1);
	machine_check_invariants();
	for (unsigned page = 1; page < 5; page++)
		assert_int_equal(sketch_load(sp, page), page);
	end(sp, shared);
}

/* A device that cannot write costs memory, one that cannot read the access. */
static void
a_failing_device_loses_nothing(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);

	(void)state;
	store.fails_writes = true;
	assert_int_equal(age_out(shared), 0);
	assert_true(shared->nr_pages == 4 && shared->nr_out == 0);
	assert_int_equal(swap_usage().nr_used, 0);
	machine_check_invariants();
	store.fails_writes = false;
	assert_int_equal(age_out(shared), 4);
	store.fails_reads = true;
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_BUS_ADRERR);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 1), FAULT_BUS_ADRERR);
	assert_int_equal(shared->nr_out, 4);
	machine_check_invariants();
	store.fails_reads = false;
	assert_int_equal(sketch_load(sp, 1), 1);
	end(sp, shared);
}

/* While the device works somebody gets the page, and writes it or not: it stays, and is dirty. */
static struct space  *meanwhile_space;
static struct object *meanwhile_object;

static void
store_meanwhile(void *arg)
{
	(void)arg;
	store.during = NULL;
	sketch_store(meanwhile_space, 1, 99);
}

/* Written, and nobody's again when the device has done: what it has got is not the page any more. */
static void
write_meanwhile(void *arg)
{
	(void)arg;
	store.during = NULL;
	sketch_store(meanwhile_space, 1, 99);
	EXPECT_OK(space_advise(meanwhile_space, PAGE(1), PAGE(1), ADVICE_DONTNEED));
}

static void
load_meanwhile(void *arg)
{
	(void)arg;
	store.during = NULL;
	assert_int_equal(sketch_load(meanwhile_space, 1), 99);
	/* Mapped and unmapped again: nobody has written it, so it may go. */
	EXPECT_OK(space_unmap(meanwhile_space, PAGE(1), PAGE(1)));
}

static void
fetch_meanwhile(void *arg)
{
	(void)arg;
	store.during = NULL;
	EXPECT_OK(swapped_in(meanwhile_object, 0));
}

static void
a_page_that_is_used_while_it_is_written_stays(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);
	uint8_t	       byte;
	size_t	       done;

	(void)state;
	meanwhile_space = sp;
	store.during = store_meanwhile;
	assert_int_equal(age_out(shared), 3);
	assert_true(shared->nr_pages == 1 && swap_usage().nr_used == 3);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 1), 99);
	sketch_store(sp, 1, 98);
	(void)object_age(shared, 0, 4);
	shootdown_everything();
	store.during = write_meanwhile;
	assert_int_equal(object_age(shared, 0, 4), 0);
	assert_int_equal(swap_usage().nr_used, 3);
	assert_int_equal(sketch_load(sp, 1), 99);
	(void)object_age(shared, 0, 4);
	shootdown_everything();
	store.during = load_meanwhile;
	assert_int_equal(object_age(shared, 0, 4), 1);
	machine_check_invariants();
	EXPECT_OK(object_read(shared, 0, &byte, 1, &done));
	assert_int_equal(byte, 99);
	end(sp, shared);
}

/* Two want the same page: one brings it, the other finds it there and gives its frame back. */
static void
a_page_comes_back_once(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory_out(&sp);

	(void)state;
	meanwhile_object = shared;
	store.during = fetch_meanwhile;
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(store.reads, 2);
	assert_true(shared->nr_pages == 1 && shared->nr_out == 3);
	assert_int_equal(stat_get(STAT_OBJECT_INS), 1);
	machine_check_invariants();
	EXPECT_ERR(swapped_in(shared, 0), ERR_NOENT);
	end(sp, shared);
}

/* size      1 page    10 bytes    200    300: what was cut off once does not come back with a later end */
static void
a_page_that_is_out_stays_as_short_as_it_was(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);
	uint8_t	       bytes[2] = { 7, 7 };
	size_t	       done;

	(void)state;
	EXPECT_OK(object_write(shared, 9, bytes, 2, &done));
	assert_int_equal(age_out(shared), 4);
	object_resize(shared, 10);
	object_resize(shared, 200);
	object_resize(shared, 300);
	EXPECT_OK(object_read(shared, 9, bytes, 2, &done));
	assert_true(done == 2 && bytes[0] == 7 && bytes[1] == 0);
	end(sp, shared);
}

/* size      4 pages    cut to 2 pages and a half    grown again: zeros from the cut on */
static void
truncation_reaches_what_is_out(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);
	uint8_t	       bytes[2] = { 7, 7 };
	size_t	       done;

	(void)state;
	EXPECT_OK(object_write(shared, PAGE(2) + 9, bytes, 2, &done));
	assert_int_equal(age_out(shared), 4);
	object_resize(shared, PAGE(2) + 10);
	assert_int_equal(shared->nr_out, 3);
	assert_int_equal(swap_usage().nr_used, 3);
	assert_int_equal(store.reads, 0);
	machine_check_invariants();
	object_resize(shared, PAGE(4));
	EXPECT_OK(object_read(shared, PAGE(2) + 9, bytes, 2, &done));
	assert_true(bytes[0] == 7 && bytes[1] == 0);
	assert_int_equal(sketch_load(sp, 3), 3);
	assert_int_equal(sketch_load(sp, 4), 0);
	object_punch(shared, 0, 1);
	assert_int_equal(shared->nr_out, 1);
	assert_int_equal(sketch_load(sp, 1), 0);
	assert_int_equal(sketch_load(sp, 2), 2);
	object_resize(shared, 0);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 2), FAULT_BUS_ADRERR);
	end(sp, shared);
}

/* Locked in one mapping, or pinned by a device: the page stays where it is, mapped. */
static void
locked_and_pinned_pages_stay(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);
	pfn_t	       frame;

	(void)state;
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(1), 0));
	EXPECT_OK(call_pin(sp, PAGE(2), 1, PIN_WRITE, &frame));
	assert_int_equal(age_out(shared), 2);
	assert_int_equal(age_out(shared), 0);
	assert_true(sketch_is_present(sp, 1));
	*(uint8_t *)arch_frame_ptr(frame) = 44;
	assert_int_equal(sketch_load(sp, 2), 44);
	call_unpin(&frame, 1, true);
	EXPECT_OK(space_unlock(sp, PAGE(1), PAGE(1)));
	assert_int_equal(age_out(shared), 2);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 2), 44);
	end(sp, shared);
}

/* A private mapping of shared memory: its copies are its own, the rest comes from the device. */
static void
private_mappings_read_what_is_out(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);

	(void)state;
	sketch_map_file(sp, 6, 10, PROT_RW, shared, 0, MAPF_PRIVATE);
	sketch_store(sp, 6, 66);
	(void)sketch_load(sp, 7);
	assert_int_equal(age_out(shared), 4);
	assert_true(sketch_is_present(sp, 6));
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 7), 2);
	sketch_store(sp, 8, 88);
	assert_int_equal(sketch_load(sp, 3), 3);
	assert_int_equal(sketch_load(sp, 6), 66);
	assert_int_equal(sketch_load(sp, 1), 1);
	end(sp, shared);
}

/* The storage of a file plays a disc, and a page that was never written can be had again. */
static void
some_pages_need_no_device(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file, *shared;

	(void)state;
	swap_store_make(&store, NR_SLOTS);
	EXPECT_OK(object_create_stored(5, PAGE(2), &file));
	EXPECT_OK(object_create(&pager_zero, 6, 1, NULL, &shared));
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 3, 4, PROT_RW, shared, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 3);
	assert_int_equal(sketch_load(sp, 3), 0);
	for (struct object *object = object_first(); object; object = object_next(object))
		(void)age_out(object);
	assert_true(file->nr_pages == 0 && shared->nr_pages == 0);
	assert_int_equal(store.writes, 0);
	assert_int_equal(sketch_load(sp, 2), 2);
	object_put(shared);
	end(sp, file);
}

/* page      1 2 3 4 5 . 7 8 9 10      shared memory and a private mapping of the same pages
 * entries   . . x . .   c x . .       c: a copy of page 0, x: page 2 and 1 are back */
static void
residency_and_usage_know(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory(&sp);
	uint8_t	       vec[4];
	uint64_t       done;
	struct usage   usage;

	(void)state;
	sketch_map_file(sp, 7, 11, PROT_RW, shared, 0, MAPF_PRIVATE);
	sketch_store(sp, 7, 77);
	assert_int_equal(age_out(shared), 4);
	(void)sketch_load(sp, 3);
	(void)sketch_load(sp, 8);
	EXPECT_OK(space_resident(sp, PAGE(1), 4, vec, &done));
	assert_true(vec[0] == 0 && vec[1] == 1 && vec[2] == 1 && vec[3] == 0);
	read_lock(&sp->lock);
	usage = space_usage(sp, va_range(PAGE(1), PAGE(5)));
	assert_true(usage.resident == 1 && usage.swapped == 2);
	usage = space_usage(sp, va_range(PAGE(4), PAGE(5)));
	assert_int_equal(usage.swapped, 1);
	usage = space_usage(sp, va_range(PAGE(7), PAGE(11)));
	assert_true(usage.resident == 2 && usage.swapped == 1);
	read_unlock(&sp->lock);
	assert_int_equal(shared->nr_out, 2);
	end(sp, shared);
}

/* Every allocation of the way back fails once: nothing has changed, and then it works. */
static err_t
fetch(struct space *sp)
{
	(void)sp;
	return swapped_in(meanwhile_object, 0);
}

static void
a_page_stays_out_without_memory(void **state)
{
	struct space  *sp;
	struct object *shared = shared_memory_out(&sp);

	(void)state;
	meanwhile_object = shared;
	assert_int_equal(sketch_fail_each(fetch, sp), 1);
	assert_int_equal(shared->nr_pages, 1);
	end(sp, shared);
}

/* Between the wait for a page and its use memory may be short: the page does not go again meanwhile. */
static void
what_a_fault_has_waited_for_stays(void **state)
{
	struct space	 *sp;
	struct object	 *shared = shared_memory_out(&sp);
	struct fault_wait wait;
	enum fault_result result;
	struct region	 *r;

	(void)state;
	fault_wait_begin(&wait);
	for (unsigned tries = 0; tries < 2; tries++) {
		read_lock(&sp->lock);
		r = space_find(sp, PAGE(2));
		result = fault_resolve(sp, r, PAGE(2), ACCESS_LOAD, &wait);
		read_unlock(&sp->lock);
		assert_int_equal(fault_must_wait(&wait), tries == 0);
		if (fault_must_wait(&wait))
			result = fault_wait_here(&wait);
		assert_int_equal(result, FAULT_DONE);
		assert_int_equal(age_out(shared) + object_age(shared, 0, UINT64_MAX), 0);
		assert_int_equal(shared->nr_out, 3);
	}
	fault_wait_end(&wait);
	machine_check_invariants();
	assert_int_equal(age_out(shared), 1);
	assert_int_equal(sketch_load(sp, 2), 2);
	end(sp, shared);
}

/* What a file has in its storage does not go to the device: it is what the file goes to. */
static void
storage_is_not_paged_out(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file, *storage;
	uint8_t	       byte = 7;
	size_t	       done;

	(void)state;
	swap_store_make(&store, NR_SLOTS);
	EXPECT_OK(object_create_stored(9, PAGE(1), &file));
	storage = file->private_data;
	EXPECT_OK(object_write(file, 0, &byte, 1, &done));
	EXPECT_OK(object_write_back(file, 0, 1));
	assert_int_equal(object_evict(file, 0, 1), 1);
	assert_int_equal(age_out(storage), 0);
	assert_true(storage->nr_pages == 1 && storage->nr_out == 0);
	byte = 0;
	EXPECT_OK(object_read(file, 0, &byte, 1, &done));
	assert_int_equal(byte, 7);
	end(sp, file);
}

TEST_SUITE(swapped, cmocka_unit_test(storage_is_not_paged_out),
	   cmocka_unit_test(a_page_that_is_out_stays_as_short_as_it_was),
	   cmocka_unit_test(what_a_fault_has_waited_for_stays),
	   cmocka_unit_test(pages_go_out_and_come_back), cmocka_unit_test(each_change_goes_along),
	   cmocka_unit_test(file_calls_see_pages_that_are_out),
	   cmocka_unit_test(a_full_device_leaves_the_rest_in_memory),
	   cmocka_unit_test(a_failing_device_loses_nothing),
	   cmocka_unit_test(a_page_that_is_used_while_it_is_written_stays),
	   cmocka_unit_test(a_page_comes_back_once),
	   cmocka_unit_test(truncation_reaches_what_is_out),
	   cmocka_unit_test(locked_and_pinned_pages_stay),
	   cmocka_unit_test(private_mappings_read_what_is_out),
	   cmocka_unit_test(some_pages_need_no_device), cmocka_unit_test(residency_and_usage_know),
	   cmocka_unit_test(a_page_stays_out_without_memory))
