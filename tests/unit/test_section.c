/* test_section.c - descriptors: found where frames exist, opened when a block is split that far. */
#include "phys_machine.h"

static void
touch_descriptor(void *arg)
{
	frame_of(*(pfn_t *)arg);
}

static uint64_t
nr_open_descriptors(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < phys()->nr_sections; i++)
		sum += atomic_load(&phys()->sections[i].nr_open);
	return sum;
}

/* frames   0 ... 15 | 16 ... 31 | 32 .. 47 | 48 ... 127
 * exist    no         node 0      no         node 1
 */
static void
holes_have_no_descriptor(void **state)
{
	struct boot_range ranges[] = { RAM(16, 16, 0), RAM(48, 80, 1) };
	pfn_t		  outside[] = {
			    { 0 },     { 15 }, { 32 }, { 47 }, { 128 }, { 1 << 20 }, { (uint64_t)1 << 40 },
			    pfn_none()
	};

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 2 });
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_false(frame_exists(outside[i]));
		assert_null(section_peek(outside[i].n));
		expect_stop(touch_descriptor, &outside[i], "does not exist");
	}
	for (uint64_t n = 16; n < 128; n++) {
		if (n == 32)
			n = 48;
		assert_true(frame_exists((pfn_t){ n }));
		assert_non_null(section_peek(n));
	}
	phys_check_machine();
}

/* A section whose ends exist, with a hole between them that is as dead as any other. */
static void
a_hole_inside_a_section_has_no_descriptor(void **state)
{
	struct boot_range ranges[] = { RAM(0, 16384, 0), RAM(20000, 45536, 0) };
	pfn_t		  hole = { 17000 };

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 2 });
	assert_int_equal(section_nr(&phys()->sections[0]), SECTION_FRAMES);
	assert_non_null(section_peek(16383));
	assert_null(section_peek(16384));
	assert_null(section_peek(19999));
	assert_non_null(section_peek(20000));
	expect_stop(touch_descriptor, &hole, "does not exist");
	phys_check_machine();
}

/* A whole gigabyte free: one block, so all its sections but the first are closed. */
static void
sections_inside_a_free_block_are_closed(void **state)
{
	struct boot_range ranges[] = { RAM(1 << 18, 1 << 18, 0), RAM(3 << 18, 4096, 0),
				       RESERVED(3 << 18, 1024) };
	pfn_t		  inside = { (1 << 18) + 7 };
	uint64_t	  open;
	pfn_t		  pfn;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 3 });
	/* Boot memory came from the end of the gigabyte, so its lower half is one block. */
	assert_non_null(section_peek(1 << 18));
	assert_int_equal(frame_of((pfn_t){ 1 << 18 })->order, FRAME_ORDER_MAX - 1);
	assert_true(frame_exists(inside));
	assert_null(section_peek(inside.n));
	expect_stop(touch_descriptor, &inside, "inside a free block");
	open = nr_open_descriptors();
	assert_true(open < 3 * SECTION_FRAMES);
	phys_check_machine();
	/* An allocated large block stays closed; small blocks open one section. */
	pfn = alloc_order(FRAME_ORDER_MAX - 1);
	assert_int_equal(pfn.n, 1 << 18);
	assert_int_equal(nr_open_descriptors(), open);
	assert_null(section_peek(inside.n));
	frame_release(pfn);
	phys_check_machine();
}

/* Take blocks of half a section until one has to come out of a closed section. */
static void
splitting_opens_one_section_and_merging_keeps_it(void **state)
{
	struct boot_range all = RAM(1 << 18, 1 << 18, 0);
	uint64_t	  opened = 0;
	pfn_t		  half = pfn_none();
	uint64_t	  before;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = &all, .nr_ranges = 1 });
	while (opened < SECTION_FRAMES - 1) {
		before = nr_open_descriptors();
		half = alloc_order(SECTION_ORDER - 1);
		assert_false(pfn_is_none(half));
		opened = nr_open_descriptors() - before;
		phys_check_machine();
	}
	/* One section of 2^15 descriptors, and at most the heads of what was split above it. */
	assert_true(opened <= SECTION_FRAMES + 3);
	assert_int_equal(half.n % SECTION_FRAMES, 0);
	assert_non_null(section_peek(half.n + SECTION_FRAMES - 1));
	before = nr_open_descriptors();
	frame_release(half);
	/* Merged again: the descriptors stay, and inside the block they say nothing. */
	assert_int_equal(nr_open_descriptors(), before);
	assert_true(frame_of(half)->order >= SECTION_ORDER);
	assert_int_equal(frame_of((pfn_t){ half.n + SECTION_FRAMES / 2 })->kind, FRAME_RESERVED);
	phys_check_machine();
}

/* Descriptors of a machine of 2 TiB fill 8 GiB; hardly any of them may be written. */
static void
terabytes_cost_only_what_is_used(void **state)
{
	struct boot_range ranges[] = { RAM(16, (1 << 28) - 16, 0),
				       RAM((uint64_t)3 << 28, 1 << 28, 1) };
	uint64_t	  at_boot;
	pfn_t		  pfn;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 2, .nr_cpus = 4 });
	assert_int_equal(phys()->total, (1 << 29) - 16);
	at_boot = nr_open_descriptors();
	assert_true(at_boot < 8 * SECTION_FRAMES);
	for (unsigned i = 0; i < 1000; i++)
		EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON,
							      .by_node = true,
							      .node = i % 2 },
				      &pfn));
	assert_true(nr_open_descriptors() <= at_boot + 2 * SECTION_FRAMES);
	phys_check_machine();
}

TEST_SUITE(section, cmocka_unit_test(holes_have_no_descriptor),
	   cmocka_unit_test(a_hole_inside_a_section_has_no_descriptor),
	   cmocka_unit_test(sections_inside_a_free_block_are_closed),
	   cmocka_unit_test(splitting_opens_one_section_and_merging_keeps_it),
	   cmocka_unit_test(terabytes_cost_only_what_is_used))
