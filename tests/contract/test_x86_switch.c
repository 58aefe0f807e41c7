/*
 * test_x86_switch.c - leaving one stack for another, for real, in an ordinary process.
 *
 * Threads run on memory of the test's own. What a thread that is copied keeps in its
 * frames is the business of the stacks' chain; here it keeps everything in static memory.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>
#include <x86/machine.h>

#define STACK_BYTES 65536
#define ROUNDS	    1000

/* Code that runs on stacks that the sanitizer does not know as such. */
#define ON_A_STACK __attribute__((noinline, no_sanitize_address))

struct place {
	alignas(64) unsigned char bytes[STACK_BYTES];
};

static struct place first_place, second_place;
static uint64_t	    test_sp, thread_sp, copy_sp;
static uint64_t	    sum;
static void	   *seen_argument;
static uintptr_t    seen_frame;
static int64_t	    results[2];
static unsigned	    nr_results;

static uint64_t
end_of(struct place *place)
{
	return (uintptr_t)place->bytes + STACK_BYTES;
}

static bool
is_on(const struct place *place, uintptr_t va)
{
	return va - (uintptr_t)place->bytes < STACK_BYTES;
}

static uint64_t
start_on(struct place *place, void (*function)(void *), void *argument)
{
	return arch_start(place->bytes + STACK_BYTES - ARCH_START_BYTES, end_of(place), function,
			  argument);
}

ON_A_STACK static void
count_for_ever(void *argument)
{
	seen_argument = argument;
	seen_frame = (uintptr_t)__builtin_frame_address(0);
	for (uint64_t i = 1;; i++) {
		sum += i;
		x86_switch(&thread_sp, test_sp);
	}
}

/* DRG-26: by way of the trampoline, on an aligned stack, with its argument. */
static void
a_thread_begins_and_goes_on(void **state)
{
	uint64_t kept = 0x1234;

	(void)state;
	sum = 0;
	thread_sp = start_on(&first_place, count_for_ever, &sum);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(x86_switch(&test_sp, thread_sp), 0);
		assert_int_equal(sum, i * (i + 1) / 2);
	}
	assert_ptr_equal(seen_argument, &sum);
	assert_true(is_on(&first_place, seen_frame));
	assert_int_equal(seen_frame % 16, 0); /* as the ABI wants: a call on an aligned stack */
	assert_int_equal(kept, 0x1234);
}

/* The used part, to the same place of another stack. */
ON_A_STACK static int64_t
copy_stack(void *arg, uint64_t sp)
{
	uint64_t bytes = end_of(&first_place) - sp;

	(void)arg;
	for (uint64_t i = 0; i < bytes; i++)
		second_place.bytes[STACK_BYTES - bytes + i] =
			first_place.bytes[STACK_BYTES - bytes + i];
	copy_sp = end_of(&second_place) - bytes;
	return 1;
}

ON_A_STACK static void
go_on_twice(void *argument)
{
	(void)argument;
	results[nr_results] = x86_switch_twice(copy_stack, NULL);
	nr_results++;
	x86_switch(&thread_sp, test_sp);
}

/* DRG-25, LUN-33, ALM-20: the copy returns from the same call, with 0, on its own stack. */
static void
a_copy_comes_back_from_the_same_call_with_0(void **state)
{
	(void)state;
	nr_results = 0;
	x86_switch(&test_sp, start_on(&first_place, go_on_twice, NULL));
	assert_int_equal(nr_results, 1);
	assert_int_equal(results[0], 1);
	assert_true(is_on(&first_place, thread_sp));
	x86_switch(&test_sp, copy_sp);
	assert_int_equal(nr_results, 2);
	assert_int_equal(results[1], 0);
	assert_true(is_on(&second_place, thread_sp));
}

TEST_SUITE(x86_switch, cmocka_unit_test(a_thread_begins_and_goes_on),
	   cmocka_unit_test(a_copy_comes_back_from_the_same_call_with_0))
