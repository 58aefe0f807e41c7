/*
 * test_sim_ram.c - boot maps, holes, poison of free frames, machines of terabytes.
 */
#include "sim_rig.h"

#include <sim/sim.h>

#include <string.h>

#define GIGABYTE_FRAMES ((uint64_t)1 << (30 - ARCH_PAGE_SHIFT))

static void
a_bad_configuration_is_refused(void **state)
{
	static const struct boot_range overlapping[] = {
		{ .start = { 16 }, .nr_frames = 100, .kind = BOOT_RAM },
		{ .start = { 115 }, .nr_frames = 100, .kind = BOOT_RAM },
	};
	static const struct boot_range empty[] = {
		{ .start = { 16 }, .nr_frames = 0, .kind = BOOT_RAM },
	};
	static const struct boot_range too_high[] = {
		{ .start = { (uint64_t)1 << 40 }, .nr_frames = 1, .kind = BOOT_RAM },
	};
	static const struct boot_range too_long[] = {
		{ .start = { 16 }, .nr_frames = UINT64_MAX, .kind = BOOT_RAM },
	};
	static const struct boot_range bad_node[] = {
		{ .start = { 16 }, .nr_frames = 1, .kind = BOOT_RAM, .node = NODE_MAX },
	};
	static const struct boot_range no_ram[] = {
		{ .start = { 16 }, .nr_frames = 1, .kind = BOOT_RESERVED },
	};
	const struct sim_config refused[] = {
		{ .ranges = overlapping, .nr_ranges = 2 },
		{ .ranges = empty, .nr_ranges = 1 },
		{ .ranges = too_high, .nr_ranges = 1 },
		{ .ranges = too_long, .nr_ranges = 1 },
		{ .ranges = bad_node, .nr_ranges = 1 },
		{ .ranges = no_ram, .nr_ranges = 1 },
		{ .ranges = no_ram, .nr_ranges = 0 },
		{ .ranges = no_ram, .nr_ranges = BOOT_RANGES_MAX + 1 },
		{ .nr_cpus = CPU_MAX + 1 },
	};

	(void)state;
	sim_stop();
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
		assert_false(sim_start(&refused[i]));
	assert_true(sim_start(&(struct sim_config){ 0 }));
	assert_false(sim_start(&(struct sim_config){ 0 }));
}

static void
touch_pfn(void *arg)
{
	arch_frame_ptr(*(pfn_t *)arg);
}

static void
frames_outside_ram_stop_the_machine(void **state)
{
	static const struct boot_range ranges[] = {
		{ .start = { 100 }, .nr_frames = 1000, .kind = BOOT_RAM },
		{ .start = { 5000 }, .nr_frames = 700, .kind = BOOT_RAM, .node = 1 },
		{ .start = { 8000 }, .nr_frames = 3, .kind = BOOT_RESERVED },
	};
	static const uint64_t inside[] = { 100, 511, 512, 1099, 5000, 5699, 8000, 8002 };
	static const uint64_t outside[] = {
		0, 99, 1100, 4999, 5700, 7999, 8003, 1 << 20, UINT64_MAX >> 12, UINT64_MAX,
	};

	(void)state;
	sim_stop();
	assert_true(sim_start(&(struct sim_config){ .ranges = ranges, .nr_ranges = 3 }));
	for (unsigned i = 0; i < ARRAY_SIZE(inside); i++)
		memset(arch_frame_ptr((pfn_t){ inside[i] }), 1, ARCH_PAGE_SIZE);
	assert_ptr_equal((char *)arch_frame_ptr((pfn_t){ 512 }),
			 (char *)arch_frame_ptr((pfn_t){ 511 }) + ARCH_PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		pfn_t pfn = { outside[i] };

		bare_expect_stop(touch_pfn, &pfn, "is not in RAM");
	}
}

static void
a_machine_of_terabytes_costs_nothing_until_touched(void **state)
{
	static const struct boot_range ranges[] = {
		{ .start = { 512 }, .nr_frames = 2048 * GIGABYTE_FRAMES, .kind = BOOT_RAM },
		{ .start = { 4096 * GIGABYTE_FRAMES },
		  .nr_frames = 2048 * GIGABYTE_FRAMES,
		  .kind = BOOT_RAM,
		  .node = 1 },
	};
	pfn_t last = { 6144 * GIGABYTE_FRAMES - 1 };
	pfn_t big = { 4096 * GIGABYTE_FRAMES };

	(void)state;
	sim_stop();
	assert_true(sim_start(&(struct sim_config){ .ranges = ranges, .nr_ranges = 2 }));
	for (uint64_t block = 0; block < 2048; block++)
		arch_frame_retire(pfn_add(big, block * GIGABYTE_FRAMES), 18);
	assert_true(arch_frame_revive(last, 0));
	memset(arch_frame_ptr(last), 1, ARCH_PAGE_SIZE);
	arch_frame_retire(last, 0);
	assert_true(arch_frame_revive(pfn_add(last, -(uint64_t)511), 9));
	assert_true(arch_frame_revive(big, 3));
	arch_frame_retire(big, 3);
}

/* Written around the sanitizer: its own report is the build's, the pattern is everybody's. */
__attribute__((no_sanitize("address"))) static void
write_byte(volatile unsigned char *at, unsigned char byte)
{
	*at = byte;
}

static void
a_write_to_a_free_frame_is_found_when_it_is_used_again(void **state)
{
	static const unsigned offsets[] = { 0, 1, 2048, 4095 };
	pfn_t		      pfn;

	(void)state;
	bare_start(1);
	pfn = bare_frame();
	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		unsigned char *page = arch_frame_ptr(pfn);

		arch_frame_retire(pfn, 0);
		write_byte(page + offsets[i], 0);
		assert_false(arch_frame_revive(pfn, 0));
	}
	arch_frame_retire(pfn, 0);
	assert_true(arch_frame_revive(pfn, 0));
}

static void
a_write_to_a_frame_that_was_never_used_is_found_too(void **state)
{
	pfn_t pfn = { 512 };

	(void)state;
	sim_stop();
	assert_true(sim_start(&(struct sim_config){ .nr_frames = 4096 }));
	arch_frame_retire(pfn, 9);
	write_byte((unsigned char *)arch_frame_ptr(pfn_add(pfn, 3)) + 77, 1);
	assert_true(arch_frame_revive(pfn, 0));
	assert_false(arch_frame_revive(pfn_add(pfn, 2), 1));
}

static void
retire(void *arg)
{
	arch_frame_retire(*(pfn_t *)arg, 0);
}

static void
revive(void *arg)
{
	(void)!arch_frame_revive(*(pfn_t *)arg, 0);
}

static void
freeing_and_using_twice_stop_the_machine(void **state)
{
	pfn_t pfn;

	(void)state;
	bare_start(1);
	pfn = bare_frame();
	bare_expect_stop(revive, &pfn, "it is in use");
	arch_frame_retire(pfn, 0);
	bare_expect_stop(retire, &pfn, "it is free already");
}

static void
fresh_frames_are_not_zero(void **state)
{
	pfn_t	       pfn = { 512 };
	unsigned char *page;

	(void)state;
	sim_stop();
	assert_true(sim_start(&(struct sim_config){ .nr_frames = 4096 }));
	arch_frame_retire(pfn, 9);
	assert_true(arch_frame_revive(pfn, 0));
	page = arch_frame_ptr(pfn);
	assert_int_not_equal(page[0], 0);
	assert_int_not_equal(page[4095], 0);
}

static void
allocations_fail_on_request(void **state)
{
	(void)state;
	bare_start(1);
	assert_false(arch_inject_failure());
	sim_fail_allocation(2, false);
	assert_false(arch_inject_failure());
	assert_true(arch_inject_failure());
	assert_false(arch_inject_failure());
	sim_fail_allocation(1, true);
	assert_true(arch_inject_failure());
	assert_true(arch_inject_failure());
	sim_fail_allocation(0, false);
	assert_false(arch_inject_failure());
	assert_int_equal(sim_allocations(), 7);
}

#define STORY(name) cmocka_unit_test_teardown(name, bare_stop)

TEST_SUITE(sim_ram, STORY(a_bad_configuration_is_refused),
	   STORY(frames_outside_ram_stop_the_machine),
	   STORY(a_machine_of_terabytes_costs_nothing_until_touched),
	   STORY(a_write_to_a_free_frame_is_found_when_it_is_used_again),
	   STORY(a_write_to_a_frame_that_was_never_used_is_found_too),
	   STORY(freeing_and_using_twice_stop_the_machine), STORY(fresh_frames_are_not_zero),
	   STORY(allocations_fail_on_request))
