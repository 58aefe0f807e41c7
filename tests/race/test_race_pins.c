/*
 * test_race_pins.c - a page is pinned for a device while others change what is there. Whoever is
 * first, device and owner see one page, until the owner gives it up.
 *
 * A pin brings the page in, and then looks whether it is still the space's own, under the table's lock: between
 * the two a fork may have shared it, an advice thrown it away, page-out taken it.
 */
#include "race/race.h"

#include <anymm/call.h>

static struct {
	bool  has_page;
	pfn_t pfn;
} device;

static uint64_t
pin_parent(unsigned cpu)
{
	err_t err = call_pin(world.parent, PAGE(0), 1, PIN_WRITE, &device.pfn);

	(void)cpu;
	device.has_page = err == OK;
	return (uint64_t)err;
}

/* At the end the owner stores: does the device see it? */
static uint64_t
device_sees(void)
{
	if (!device.has_page)
		return 2;
	return store_word(world.parent, PAGE(0), 77) == 77 &&
	       *(uint64_t *)arch_frame_ptr(device.pfn) == 77;
}

static void
let_go(void)
{
	if (device.has_page)
		call_unpin(&device.pfn, 1, false);
	device.has_page = false;
}

static void
let_go_and_drop(void)
{
	let_go();
	drop_device();
}

static void
start_with_swap(void)
{
	start_touched();
	add_device();
}

#define PINS .after = device_sees, .end = let_go, .preemptions = 2, .preemptions_wide = 2

RACE(a_pin_and_a_fork, PINS, .start = start_touched,
     .ops = { { pin_parent }, { fork_parent, load_born } })
RACE(a_pin_and_a_fork_of_a_fresh_page, PINS, .start = start_parent,
     .ops = { { pin_parent }, { fork_parent, load_born } })
RACE(a_pin_and_the_other_sharers_end, PINS, .start = start_forked,
     .ops = { { pin_parent }, { exit_child } })
RACE(a_pin_and_a_first_write, PINS, .start = start_parent,
     .ops = { { pin_parent }, { store_parent } })
RACE(a_pin_and_throwing_away, PINS, .start = start_touched,
     .ops = { { pin_parent }, { dontneed_parent } })
RACE(a_pin_and_a_move, PINS, .start = start_touched, .ops = { { pin_parent }, { move_parent } })
RACE(a_pin_and_page_out, .start = start_with_swap, .after = device_sees, .end = let_go_and_drop,
     .ops = { { pin_parent }, { reclaim } }, .preemptions = 2, .preemptions_wide = 2)

TEST_SUITE(race_pins, cmocka_unit_test(a_pin_and_a_fork),
	   cmocka_unit_test(a_pin_and_a_fork_of_a_fresh_page),
	   cmocka_unit_test(a_pin_and_the_other_sharers_end),
	   cmocka_unit_test(a_pin_and_a_first_write), cmocka_unit_test(a_pin_and_throwing_away),
	   cmocka_unit_test(a_pin_and_a_move), cmocka_unit_test(a_pin_and_page_out))
