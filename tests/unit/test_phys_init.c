/* test_phys_init.c - machines of every size: from 16 frames to terabytes. */
#include "phys_machine.h"

/* boot - phys_init on a bare machine with these ranges. */
static err_t
boot(const struct boot_range *ranges, unsigned nr, unsigned nr_cpus, uint64_t reserve)
{
	machine_stop();
	assert_true(machine_start(&(struct machine_config){ .ranges = ranges,
							    .nr_ranges = nr,
							    .nr_cpus = nr_cpus,
							    .reserve_frames = reserve }));
	return phys_init(machine_boot_map());
}

static err_t
boot_frames(uint64_t first, uint64_t frames, unsigned nr_cpus)
{
	struct boot_range all = RAM(first, frames, 0);

	return boot(&all, 1, nr_cpus, 0);
}

/* State, descriptors and map of their own take a frame each. */
static void
sixteen_frames_are_a_machine(void **state)
{
	uint64_t free;
	uint64_t got = 0;

	(void)state;
	EXPECT_OK(boot_frames(0, 16, 1));
	free = nr_free_frames();
	assert_int_equal(frame_totals().total, 16);
	assert_int_equal(free, 13);
	assert_int_equal(phys()->magazine_frames, 0);
	phys_check_machine();
	while (!pfn_is_none(alloc_order(0)))
		got++;
	assert_int_equal(got, free);
	phys_check_machine();
}

static void
every_small_size_boots_or_says_why_not(void **state)
{
	(void)state;
	for (uint64_t frames = 1; frames <= 200; frames++) {
		err_t err = boot_frames(frames % 7, frames, 1);

		if (frames <= 3) {
			EXPECT_ERR(err, ERR_NOMEM);
			assert_non_null(strstr(machine_console_text(), "no room"));
			assert_null(root()->part[ROOT_PHYS]);
			continue;
		}
		EXPECT_OK(err);
		phys_check_machine();
	}
}

static void
sizes_around_sections_and_blocks_boot(void **state)
{
	static const uint64_t sizes[] = { SECTION_FRAMES, 2 * SECTION_FRAMES, 1 << FRAME_ORDER_MAX,
					  3 << FRAME_ORDER_MAX };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (uint64_t first = 0; first < 3; first++) {
			for (uint64_t less = 0; less < 3; less++) {
				EXPECT_OK(boot_frames(first * 16383, sizes[i] - less, 2));
				assert_int_equal(frame_totals().total, sizes[i] - less);
				phys_check_machine();
			}
		}
	}
}

static void
sixteen_terabytes_boot(void **state)
{
	struct boot_range ranges[] = { RAM(0, 1 << 20, 0), RAM((uint64_t)1 << 31, 1 << 20, 1),
				       RAM((uint64_t)UINT32_MAX - 1 - (1 << 20), 1 << 20, 2) };

	(void)state;
	EXPECT_OK(boot(ranges, 3, 64, 0));
	assert_int_equal(frame_totals().total, 3 << 20);
	assert_true(frame_exists((pfn_t){ UINT32_MAX - 2 }));
	phys_check_machine();
}

static void
state_for_sixty_four_cpus_may_not_fit(void **state)
{
	(void)state;
	EXPECT_ERR(boot_frames(0, 4, 64), ERR_NOMEM);
	EXPECT_OK(boot_frames(0, 64, 64));
	phys_check_machine();
}

/* The table of sections alone needs more memory than there is. */
static void
tiny_memory_far_away_from_other_memory_is_refused(void **state)
{
	struct boot_range ranges[] = { RAM(0, 16, 0), RAM((uint64_t)1 << 31, 16, 0) };

	(void)state;
	EXPECT_ERR(boot(ranges, 2, 1, 0), ERR_NOMEM);
}

static void
far_memory_alone_is_fine(void **state)
{
	(void)state;
	EXPECT_OK(boot_frames((uint64_t)1 << 31, 16, 1));
	assert_int_equal(phys()->nr_sections, 1);
	phys_check_machine();
}

/* Descriptors are taken from the largest range of the node whose frames they describe. */
static void
descriptors_lie_on_their_node(void **state)
{
	struct boot_range ranges[] = { RAM(0, 65536, 0), RAM(1 << 20, 131072, 1),
				       RAM(2 << 20, 65536, 2), RAM(3 << 20, 2, 3) };

	(void)state;
	EXPECT_OK(boot(ranges, 4, 1, 0));
	for (uint64_t i = 0; i < phys()->nr_sections; i++) {
		const struct section *s = &phys()->sections[i];
		uint64_t	      n = (i << SECTION_ORDER) + s->first;
		unsigned	      on;

		if (!s->frames)
			continue;
		on = phys()->ranges[range_of(frame_from_pointer(s->frames).n)].node;
		/* Node 3 is too small for the descriptors of its own two frames' section. */
		if (phys()->ranges[range_of(n)].node != 3)
			assert_int_equal(on, phys()->ranges[range_of(n)].node);
	}
	phys_check_machine();
}

/* LUN-22, LUN-23. */
static void
reserved_memory_is_never_given_out(void **state)
{
	struct boot_range ranges[] = { RAM(0, 1000, 0), RESERVED(0, 1), RESERVED(100, 50),
				       RESERVED(900, 200) };
	pfn_t		  pfn;

	(void)state;
	EXPECT_OK(boot(ranges, 4, 1, 0));
	assert_true(frame_totals().by_kind[FRAME_RESERVED] >= 151);
	while (!pfn_is_none(pfn = alloc_order(0)))
		assert_true((pfn.n > 0 && pfn.n < 100) || (pfn.n >= 150 && pfn.n < 900));
	phys_check_machine();
}

/* Boot memory is not given out either: fill all that is, and look at the state again. */
static void
boot_memory_is_never_given_out(void **state)
{
	pfn_t pfn;

	(void)state;
	EXPECT_OK(boot_frames(0, 2000, 3));
	while (!pfn_is_none(pfn = alloc_order(0)))
		memset(arch_frame_ptr(pfn), 0xee, ARCH_PAGE_SIZE);
	phys_check_machine();
}

/* scribble - fill what the machine that runs now has reserved, on the next machine of its kind. */
static void
scribble(const struct machine_config *config)
{
	static struct {
		pfn_t	 pfn;
		uint64_t frames;
	} taken[64];
	unsigned nr = 0;

	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn);) {
		uint64_t frames = (uint64_t)1 << frame_of(pfn)->order;

		assert_true(nr < ARRAY_SIZE(taken));
		if (frame_of(pfn)->kind == FRAME_RESERVED) {
			taken[nr].pfn = pfn;
			taken[nr++].frames = frames;
		}
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
	machine_stop();
	assert_true(machine_start(config));
	while (nr--)
		memset(arch_frame_ptr(taken[nr].pfn), 0xa5, taken[nr].frames * ARCH_PAGE_SIZE);
}

/* Real memory is not zero when the machine starts: whatever phys_init takes must not matter. */
static void
boot_memory_may_hold_anything(void **state)
{
	struct boot_range ranges[] = { RAM(5, 200000, 0), RAM(230000, 70000, 1), RESERVED(90, 9) };
	struct machine_config config = { .ranges = ranges, .nr_ranges = 3, .nr_cpus = 2 };

	(void)state;
	phys_fresh_with(&config);
	scribble(&config);
	EXPECT_OK(phys_init(machine_boot_map()));
	phys_check_machine();
	assert_null(phys_inside_fault());
	/* Take blocks of half a section until every section is open. */
	while (!pfn_is_none(alloc_order(SECTION_ORDER - 1)))
		;
	phys_check_machine();
	assert_null(phys_inside_fault());
}

static void
the_reserve_has_a_default_and_a_limit(void **state)
{
	struct boot_range all = RAM(0, 65536, 0);

	(void)state;
	EXPECT_OK(boot(&all, 1, 1, 0));
	assert_int_equal(frame_totals().reserve, phys()->usable / 64);
	EXPECT_OK(boot(&all, 1, 1, 77));
	assert_int_equal(frame_totals().reserve, 77);
	EXPECT_ERR(boot(&all, 1, 1, 65536), ERR_INVAL);
	assert_non_null(strstr(machine_console_text(), "a reserve of 65536 frames leaves nothing"));
	all.nr_frames = (uint64_t)1 << 24;
	EXPECT_OK(boot(&all, 1, 1, 0));
	assert_int_equal(frame_totals().reserve, 4096);
}

static void
a_malformed_map_is_refused(void **state)
{
	struct boot_range bad = RAM(0, 0, 0);
	struct boot_map	  map = { .ranges = &bad, .nr_ranges = 1 };

	(void)state;
	EXPECT_OK(boot_frames(0, 64, 1));
	EXPECT_ERR(phys_init(&map), ERR_INVAL);
	assert_non_null(strstr(machine_console_text(), "empty"));
}

static void
frames_are_walked_in_order_over_holes(void **state)
{
	struct boot_range ranges[] = { RAM(20, 100, 0), RAM(200, 100, 0), RESERVED(30, 10) };
	uint64_t	  expected = 20;

	(void)state;
	EXPECT_OK(boot(ranges, 3, 1, 0));
	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn)) {
		assert_int_equal(pfn.n, expected);
		expected = expected == 119 ? 200 : expected + 1;
	}
	assert_int_equal(expected, 300);
	assert_int_equal(frame_next((pfn_t){ 3 }).n, 20);
	assert_int_equal(frame_next((pfn_t){ 150 }).n, 200);
	assert_true(pfn_is_none(frame_next((pfn_t){ 400 })));
}

static void
pointers_lead_back_to_frames(void **state)
{
	struct boot_range ranges[] = { RAM(20, 100, 0), RAM(200, 100, 1) };
	int		  local;

	(void)state;
	EXPECT_OK(boot(ranges, 2, 1, 0));
	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn)) {
		char *at = arch_frame_ptr(pfn);

		assert_int_equal(frame_from_pointer(at).n, pfn.n);
		assert_int_equal(frame_from_pointer(at + ARCH_PAGE_SIZE - 1).n, pfn.n);
	}
	assert_true(pfn_is_none(frame_from_pointer(&local)));
	assert_true(pfn_is_none(frame_from_pointer(NULL)));
	assert_true(pfn_is_none(
		frame_from_pointer((char *)arch_frame_ptr((pfn_t){ 119 }) + ARCH_PAGE_SIZE)));
}

TEST_SUITE(phys_init, cmocka_unit_test(sixteen_frames_are_a_machine),
	   cmocka_unit_test(every_small_size_boots_or_says_why_not),
	   cmocka_unit_test(sizes_around_sections_and_blocks_boot),
	   cmocka_unit_test(sixteen_terabytes_boot),
	   cmocka_unit_test(state_for_sixty_four_cpus_may_not_fit),
	   cmocka_unit_test(tiny_memory_far_away_from_other_memory_is_refused),
	   cmocka_unit_test(far_memory_alone_is_fine),
	   cmocka_unit_test(descriptors_lie_on_their_node),
	   cmocka_unit_test(reserved_memory_is_never_given_out),
	   cmocka_unit_test(boot_memory_is_never_given_out),
	   cmocka_unit_test(boot_memory_may_hold_anything),
	   cmocka_unit_test(the_reserve_has_a_default_and_a_limit),
	   cmocka_unit_test(a_malformed_map_is_refused),
	   cmocka_unit_test(frames_are_walked_in_order_over_holes),
	   cmocka_unit_test(pointers_lead_back_to_frames))
