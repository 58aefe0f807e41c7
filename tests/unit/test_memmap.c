/* test_memmap.c - boot maps: what they become, and which are refused and why. */
#include "phys/memmap.h"

#include "phys_machine.h"

/* draw - a map in normal form as text: "16-32:0 32-40:0r", r for reserved. */
static void
draw(const struct memmap *mm, char *text, size_t bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < mm->nr; i++)
		at += (size_t)snprintf(text + at, bytes - at, "%s%u-%u:%u%s", i ? " " : "",
				       mm->ranges[i].start, mm->ranges[i].end, mm->ranges[i].node,
				       mm->ranges[i].usable ? "" : "r");
}

#define MAP(...) \
	((const struct boot_range[]){ __VA_ARGS__ }), \
		ARRAY_SIZE(((const struct boot_range[]){ __VA_ARGS__ }))

static void
expect_map(const struct boot_range *ranges, size_t nr, const char *wanted)
{
	struct boot_map map = { .ranges = ranges, .nr_ranges = (unsigned)nr };
	struct memmap	mm;
	char		text[512];

	EXPECT_OK(memmap_build(&map, &mm));
	draw(&mm, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void
expect_refusal(const struct boot_range *ranges, size_t nr, const char *wanted)
{
	struct boot_map map = { .ranges = ranges, .nr_ranges = (unsigned)nr };
	struct memmap	mm;
	const char     *text;

	machine_console_text();
	EXPECT_ERR(memmap_build(&map, &mm), ERR_INVAL);
	text = machine_console_text();
	if (!strstr(text, wanted))
		fail_msg("the message is '%s', expected '%s'", text, wanted);
}

static void
ranges_are_sorted_and_joined(void **state)
{
	(void)state;
	expect_map(MAP(RAM(16, 16, 0)), "16-32:0");
	expect_map(MAP(RAM(100, 10, 0), RAM(0, 10, 0)), "0-10:0 100-110:0");
	expect_map(MAP(RAM(10, 10, 0), RAM(0, 10, 0)), "0-20:0");
	expect_map(MAP(RAM(0, 10, 0), RAM(20, 10, 0), RAM(10, 10, 0)), "0-30:0");
	expect_map(MAP(RAM(0, 10, 0), RAM(5, 20, 0), RAM(7, 2, 0)), "0-25:0");
	expect_map(MAP(RAM(0, 10, 1), RAM(10, 10, 0)), "0-10:1 10-20:0");
}

/* RAM       ################                 reserved wins, whatever the order
 * reserved    ---    --------                and beside RAM it says nothing
 */
static void
reserved_ranges_cut_ram(void **state)
{
	(void)state;
	expect_map(MAP(RAM(0, 100, 0), RESERVED(10, 5)), "0-10:0 10-15:0r 15-100:0");
	expect_map(MAP(RESERVED(10, 5), RAM(0, 100, 0)), "0-10:0 10-15:0r 15-100:0");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(0, 5)), "0-5:0r 5-100:0");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(90, 50)), "0-90:0 90-100:0r");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(0, 1000)), "0-100:0r");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(200, 5)), "0-100:0");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(10, 10), RESERVED(15, 10)),
		   "0-10:0 10-25:0r 25-100:0");
	expect_map(MAP(RAM(0, 100, 0), RESERVED(20, 5), RESERVED(10, 10)),
		   "0-10:0 10-25:0r 25-100:0");
	expect_map(MAP(RAM(0, 10, 0), RAM(20, 10, 0), RAM(40, 10, 1), RESERVED(5, 40)),
		   "0-5:0 5-10:0r 20-30:0r 40-45:1r 45-50:1");
	expect_map(MAP(RAM(50, 10, 0), RESERVED(0, UINT64_MAX)), "50-60:0r");
	expect_map(MAP(RAM(50, 10, 0), RESERVED((uint64_t)1 << 60, 7)), "50-60:0");
}

static void
senseless_ranges_are_refused(void **state)
{
	static const struct boot_range odd = { .nr_frames = 1, .kind = (enum boot_kind)7 };

	(void)state;
	phys_fresh(64);
	expect_refusal(MAP(RAM(0, 10, 0), RAM(20, 0, 0)),
		       "range 1 (start 14, 0 frames, node 0): empty");
	expect_refusal(MAP(RESERVED(20, 0)), "empty");
	expect_refusal(MAP(RAM(UINT64_MAX - 5, 100, 0)),
		       "range 0 (start fffffffffffffffa, 64 frames, node 0): its end overflows");
	expect_refusal(MAP(RESERVED(1, UINT64_MAX)), "its end overflows");
	expect_refusal(MAP(RAM(0, UINT64_MAX, 0)), "beyond the machine's last frame");
	expect_refusal(MAP(RAM(UINT32_MAX - 11, 11, 0)), "beyond the machine's last frame");
	expect_refusal(MAP(RAM(0, 10, NODE_MAX)), "node 16): no such node");
	expect_refusal(&odd, 1, "neither RAM nor reserved");
}

static void
the_last_frame_number_can_be_used(void **state)
{
	(void)state;
	expect_map(MAP(RAM(UINT32_MAX - 11, 10, 0)), "4294967284-4294967294:0");
}

static void
nodes_must_not_overlap(void **state)
{
	(void)state;
	phys_fresh(64);
	expect_refusal(MAP(RAM(0, 10, 0), RAM(9, 5, 1)),
		       "range 1 (start 9, 5 frames, node 1): overlaps memory of another node");
	expect_refusal(MAP(RAM(9, 5, 1), RAM(0, 10, 0)), "range 1");
	expect_refusal(MAP(RAM(0, 100, 0), RAM(200, 5, 1), RAM(10, 5, 1)), "range 2");
	expect_refusal(MAP(RAM(10, 5, 1), RAM(0, 100, 0)), "overlaps memory of another node");
}

static void
a_map_without_memory_is_refused(void **state)
{
	(void)state;
	phys_fresh(64);
	expect_refusal(NULL, 0, "0 ranges: no memory");
	expect_refusal(MAP(RESERVED(0, 100)), "1 ranges: no memory");
}

/* As many ranges as there may be, every other one RAM cut in three by a reserved one. */
static void
the_largest_map_fits_and_one_more_does_not(void **state)
{
	struct boot_range ranges[BOOT_RANGES_MAX + 1];
	struct boot_map	  map = { .ranges = ranges, .nr_ranges = BOOT_RANGES_MAX };
	struct memmap	  mm;

	(void)state;
	phys_fresh(64);
	for (unsigned i = 0; i <= BOOT_RANGES_MAX; i += 2) {
		ranges[i] = (struct boot_range)RAM(i * 100, 100, i / 2 % 2);
		if (i < BOOT_RANGES_MAX)
			ranges[i + 1] = (struct boot_range)RESERVED(i * 100 + 40, 10);
	}
	EXPECT_OK(memmap_build(&map, &mm));
	assert_int_equal(mm.nr, BOOT_RANGES_MAX / 2 * 3);
	assert_true(memmap_has_room(&mm));
	for (unsigned i = 0; i < BOOT_RANGES_MAX; i++)
		ranges[i + 1] = (struct boot_range)RESERVED(i * 10 + 1, 3);
	ranges[0] = (struct boot_range)RAM(0, 100000, 0);
	EXPECT_OK(memmap_build(&map, &mm));
	assert_int_equal(mm.nr, (BOOT_RANGES_MAX - 1) * 2 + 1);
	assert_true(memmap_has_room(&mm));
	expect_refusal(ranges, BOOT_RANGES_MAX + 1, "129 ranges: more than 128");
}

/* Against a byte per frame: 0 hole, 1 + 2 * node usable, 2 + 2 * node reserved. */
#define WORLD 300

static void
paint(uint8_t *world, const struct boot_range *ranges, unsigned nr)
{
	memset(world, 0, WORLD);
	for (unsigned i = 0; i < nr; i++)
		for (uint64_t n = 0; ranges[i].kind == BOOT_RAM && n < ranges[i].nr_frames; n++)
			world[ranges[i].start.n + n] = (uint8_t)(1 + 2 * ranges[i].node);
	for (unsigned i = 0; i < nr; i++)
		for (uint64_t n = 0; ranges[i].kind == BOOT_RESERVED && n < ranges[i].nr_frames;
		     n++)
			if (world[ranges[i].start.n + n] & 1)
				world[ranges[i].start.n + n]++;
}

static void
expect_normal_form(const struct memmap *mm, const uint8_t *world)
{
	uint8_t seen[WORLD] = { 0 };

	for (unsigned i = 0; i < mm->nr; i++) {
		const struct mem_range *r = &mm->ranges[i];

		assert_true(r->start < r->end);
		if (i > 0) {
			const struct mem_range *below = &mm->ranges[i - 1];

			assert_true(below->end <= r->start);
			assert_false(below->end == r->start && below->node == r->node &&
				     below->usable == r->usable);
		}
		memset(seen + r->start, 1 + 2 * r->node + !r->usable, r->end - r->start);
	}
	assert_memory_equal(seen, world, WORLD);
}

static void
random_maps_equal_a_map_of_single_frames(void **state)
{
	uint64_t seed = test_seed(1);

	(void)state;
	phys_fresh(64);
	for (unsigned round = 0; round < 3000; round++) {
		struct boot_range ranges[12];
		struct boot_map	  map = { .ranges = ranges,
					  .nr_ranges = 1 + (unsigned)(test_random(&seed) % 12) };
		uint8_t		  world[WORLD];
		struct memmap	  mm;

		for (unsigned i = 0; i < map.nr_ranges; i++) {
			uint64_t start = test_random(&seed) % (WORLD - 40);
			bool	 ram = i == 0 || test_random(&seed) % 2;

			/* Nodes live in different halves, so they never overlap. */
			ranges[i] = (struct boot_range){
				.start = { start },
				.nr_frames =
					1 + test_random(&seed) % (start < 150 && ram
									  ? min_u64(150 - start, 40)
									  : 40),
				.kind = ram ? BOOT_RAM : BOOT_RESERVED,
				.node = start < 150 ? 0 : 1,
			};
		}
		paint(world, ranges, map.nr_ranges);
		EXPECT_OK(memmap_build(&map, &mm));
		expect_normal_form(&mm, world);
	}
}

TEST_SUITE(memmap, cmocka_unit_test(ranges_are_sorted_and_joined),
	   cmocka_unit_test(reserved_ranges_cut_ram),
	   cmocka_unit_test(senseless_ranges_are_refused),
	   cmocka_unit_test(the_last_frame_number_can_be_used),
	   cmocka_unit_test(nodes_must_not_overlap),
	   cmocka_unit_test(a_map_without_memory_is_refused),
	   cmocka_unit_test(the_largest_map_fits_and_one_more_does_not),
	   cmocka_unit_test(random_maps_equal_a_map_of_single_frames))
