/*
 * test_frame.c - laws F1 to F5: frames through the direct map.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>
#include <anymm/frame.h>

static const struct frame_request four_frames = { .kind = FRAME_KERNEL, .order = 2 };

static int
machine(void **state)
{
	(void)state;
	machine_fresh();
	return 0;
}

/* DRG-06: F1 */
static void
f1_consecutive_frames_are_consecutive_in_the_map(void **state)
{
	pfn_t first, far;

	(void)state;
	EXPECT_OK(frame_alloc(four_frames, &first));
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(arch_frame_ptr(pfn_add(first, i)),
				 (char *)arch_frame_ptr(first) + i * ARCH_PAGE_SIZE);
	/* and so for any two frames: the distance of two addresses is that of their numbers */
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = 9 }, &far));
	assert_true((char *)arch_frame_ptr(far) - (char *)arch_frame_ptr(first) ==
		    ((int64_t)far.n - (int64_t)first.n) * (int64_t)ARCH_PAGE_SIZE);
	frame_release(far);
	frame_release(first);
	machine_check();
}

/* LUN-18, LUN-24: F2 */
static void
f2_zero_and_copy_change_one_whole_frame(void **state)
{
	unsigned char *bytes;
	pfn_t	       first;

	(void)state;
	EXPECT_OK(frame_alloc(four_frames, &first));
	bytes = arch_frame_ptr(first);
	for (unsigned i = 0; i < 4 * ARCH_PAGE_SIZE; i++)
		bytes[i] = (unsigned char)(i % 251 + 1);
	arch_frame_copy(pfn_add(first, 1), pfn_add(first, 2));
	assert_memory_equal(bytes + ARCH_PAGE_SIZE, bytes + 2 * ARCH_PAGE_SIZE, ARCH_PAGE_SIZE);
	arch_frame_zero(pfn_add(first, 2));
	for (unsigned i = 0; i < 4 * ARCH_PAGE_SIZE; i++) {
		unsigned page = i / ARCH_PAGE_SIZE;
		unsigned from = page == 1 ? i + (unsigned)ARCH_PAGE_SIZE : i;

		assert_int_equal(bytes[i], page == 2 ? 0 : from % 251 + 1);
	}
	frame_release(first);
	machine_check();
}

/* F3: alone and as parts of larger blocks. */
static void
f3_an_untouched_free_frame_comes_back(void **state)
{
	pfn_t first;

	(void)state;
	EXPECT_OK(frame_alloc(four_frames, &first));
	arch_frame_retire(first, 1);
	arch_frame_retire(pfn_add(first, 2), 1);
	assert_true(arch_frame_revive(first, 2));
	memset(arch_frame_ptr(first), 1, 4 * ARCH_PAGE_SIZE);
	arch_frame_retire(pfn_add(first, 3), 0);
	assert_true(arch_frame_revive(pfn_add(first, 3), 0));
	frame_release(first);
	machine_check();
}

/* F4 */
static void
f4_the_rest_of_a_frame_stays_usable(void **state)
{
	unsigned char *bytes;
	pfn_t	       first;

	(void)state;
	EXPECT_OK(frame_alloc(four_frames, &first));
	bytes = arch_frame_ptr(first);
	arch_poison(bytes + 64, 32);
	bytes[63] = 1;
	bytes[96] = 2;
	arch_unpoison(bytes + 64, 32);
	bytes[64] = 3;
	assert_int_equal(bytes[63] + bytes[96] + bytes[64], 6);
	frame_release(first);
	machine_check();
}

/* F5: the machine is told when to fail; the simulator by its test, a real one by its embedder. */
static void
f5_failures_are_injected_one_by_one(void **state)
{
	(void)state;
	assert_false(arch_inject_failure());
	machine_fail_allocation(2, false);
	assert_false(arch_inject_failure());
	assert_true(arch_inject_failure());
	assert_false(arch_inject_failure());
	machine_fail_allocation(2, true);
	assert_false(arch_inject_failure());
	assert_true(arch_inject_failure());
	assert_true(arch_inject_failure());
	machine_fail_allocation(0, false);
	assert_false(arch_inject_failure());
	machine_check();
}

TEST_SUITE(frames,
	   cmocka_unit_test_setup(f1_consecutive_frames_are_consecutive_in_the_map, machine),
	   cmocka_unit_test_setup(f2_zero_and_copy_change_one_whole_frame, machine),
	   cmocka_unit_test_setup(f3_an_untouched_free_frame_comes_back, machine),
	   cmocka_unit_test_setup(f4_the_rest_of_a_frame_stays_usable, machine),
	   cmocka_unit_test_setup(f5_failures_are_injected_one_by_one, machine))
