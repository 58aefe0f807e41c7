/*
 * test_place.c - where mappings go: one test for each of Linux's rules, on Linux's own
 * layout, with addresses worked out by hand.
 */
#include "space/place.h"

#include "space/regions.h"
#include "unit/sketch.h"

#define MIB ((uint64_t)1 << 20)

/*
 * The end, and mmap_base without randomisation, 128 MiB below it. Small geometries end
 * lower, but the low 32 bits of both are Linux's, and TOP(low) is an address with BASE's
 * high bits.
 */
#define END	 ((vaddr_t)(ARCH_USER_END < 0x7ffffffff000 ? ARCH_USER_END : 0x7ffffffff000))
#define BASE	 (END - 0x8000000)
#define TOP(low) ((BASE & ~(vaddr_t)0xffffffff) | (low))

/* A third of the end, rounded up to a page: 0x2aaaaaaab000 for Linux's end. */
#define THIRD ((END / 3 + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK)

static struct space *
linux_space(void)
{
	struct space_layout layout = space_default_layout();

	layout.mmap_base = BASE;
	return sketch_space_with(&layout);
}

/* put - private memory without access at a fixed place. */
static void
put(struct space *sp, vaddr_t start, vaddr_t end, unsigned region_flags)
{
	struct map_request request = {
		.addr = start,
		.length = end - start,
		.prot = region_flags & REGION_GROWSDOWN ? PROT_R : PROT_X,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED,
		.region_flags = region_flags | REGION_NOMERGE,
	};
	vaddr_t va;

	EXPECT_OK(space_map(sp, &request, &va));
}

static vaddr_t
map_anonymous(struct space *sp, vaddr_t hint, uint64_t bytes, unsigned flags)
{
	struct map_request request = {
		.addr = hint,
		.length = bytes,
		.prot = PROT_RW,
		.flags = flags | MAPF_ANONYMOUS,
		.region_flags = REGION_NOMERGE,
	};
	vaddr_t va = 1;

	EXPECT_OK(space_map(sp, &request, &va));
	return va;
}

static vaddr_t
map_file(struct space *sp, vaddr_t hint, uint64_t bytes, uint64_t offset)
{
	struct object	  *file = sketch_file(7, 1u << 20);
	struct map_request request = {
		.addr = hint,
		.length = bytes,
		.prot = PROT_R,
		.flags = MAPF_PRIVATE,
		.object = file,
		.offset = offset,
		.align_by_offset = true,
	};
	vaddr_t va = 1;

	EXPECT_OK(space_map(sp, &request, &va));
	object_put(file);
	return va;
}

#define PRIVATE_KB(sp, kib) map_anonymous((sp), 0, (uint64_t)(kib) << 10, MAPF_PRIVATE)

/* WNX-03, rule 1: top-down from mmap_base; a gap that was freed is used again, the highest first. */
static void
rule_1_top_down(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	assert_int_equal(PRIVATE_KB(sp, 4), BASE - 0x1000);
	assert_int_equal(PRIVATE_KB(sp, 8), BASE - 0x3000);
	assert_int_equal(PRIVATE_KB(sp, 4), BASE - 0x4000);
	EXPECT_OK(space_unmap(sp, BASE - 0x3000, 0x1000));
	assert_int_equal(PRIVATE_KB(sp, 8), BASE - 0x6000);
	assert_int_equal(PRIVATE_KB(sp, 4), BASE - 0x3000);
	sketch_end(sp);
}

/* Rule 1: when nothing is left below mmap_base, bottom-up from a third of the end, past the base too. */
static void
rule_1_bottom_up_when_full(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	put(sp, 65536, THIRD - 0x5000, 0);
	put(sp, THIRD - 0x1000, THIRD + 0x2000, 0);
	put(sp, THIRD + 0x3000, BASE - 0x1000, 0);
	assert_int_equal(PRIVATE_KB(sp, 4), BASE - 0x1000);
	assert_int_equal(PRIVATE_KB(sp, 16), THIRD - 0x5000);
	/* the one-page gap above the third is too small, so it goes above the base */
	assert_int_equal(PRIVATE_KB(sp, 8), BASE);
	assert_int_equal(PRIVATE_KB(sp, 4), THIRD + 0x2000);
	sketch_end(sp);
}

/* WNX-03, rule 2: the old layout searches bottom-up from mmap_base and nowhere else. */
static void
rule_2_bottom_up_layout(void **state)
{
	struct space_layout layout = space_default_layout();
	struct map_request  request = sketch_anonymous(2, MAPF_PRIVATE);
	struct space	   *sp;
	vaddr_t		    va;

	(void)state;
	layout.bottom_up = true;
	layout.mmap_base = END - 0x6000;
	sp = sketch_space_with(&layout);
	assert_int_equal(PRIVATE_KB(sp, 4), END - 0x6000);
	assert_int_equal(PRIVATE_KB(sp, 8), END - 0x5000);
	EXPECT_OK(space_unmap(sp, END - 0x6000, 0x1000));
	assert_int_equal(PRIVATE_KB(sp, 8), END - 0x3000);
	assert_int_equal(PRIVATE_KB(sp, 4), END - 0x6000);
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	sketch_end(sp);
}

/* LUN-07, ALM-B10, rule 3: a hint is rounded down to a page and taken if the place is free, else forgotten. */
static void
rule_3_hints(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	assert_int_equal(map_anonymous(sp, 0x10000fff, 0x2000, MAPF_PRIVATE), 0x10000000);
	assert_int_equal(map_anonymous(sp, 0x0ffff000, 0x1000, MAPF_PRIVATE), 0x0ffff000);
	assert_int_equal(map_anonymous(sp, 0x10002000, 0x1000, MAPF_PRIVATE), 0x10002000);
	/* inside, across the start, and containing */
	assert_int_equal(map_anonymous(sp, 0x10001000, 0x1000, MAPF_PRIVATE), BASE - 0x1000);
	assert_int_equal(map_anonymous(sp, 0x0fffe000, 0x2000, MAPF_PRIVATE), BASE - 0x3000);
	assert_int_equal(map_anonymous(sp, 0x0fffe000, 0x9000, MAPF_PRIVATE), BASE - 0xc000);
	sketch_end(sp);
}

/* WNX-02: Rule 3: a hint may lie above mmap_base, but not reach beyond the end. */
static void
rule_3_hints_at_the_end(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	assert_int_equal(map_anonymous(sp, END - 0x1000, 0x1000, MAPF_PRIVATE), END - 0x1000);
	assert_int_equal(map_anonymous(sp, END - 0x2000, 0x2000, MAPF_PRIVATE), BASE - 0x2000);
	assert_int_equal(map_anonymous(sp, END, 0x1000, MAPF_PRIVATE), BASE - 0x3000);
	assert_int_equal(map_anonymous(sp, UINT64_MAX - 10, 0x1000, MAPF_PRIVATE), BASE - 0x4000);
	sketch_end(sp);
}

/* Rule 3: the lowest address is 65536 for hints and for searches; only a fixed mapping goes below. */
static void
rule_3_the_lowest_address(void **state)
{
	struct space	  *sp = linux_space();
	struct map_request request = { .length = 0x1000,
				       .prot = PROT_R,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED };
	vaddr_t		   va;

	(void)state;
	assert_int_equal(map_anonymous(sp, 0x1000, 0x1000, MAPF_PRIVATE), 0x10000);
	assert_int_equal(map_anonymous(sp, 0xffff, 0x1000, MAPF_PRIVATE), BASE - 0x1000);
	/* less than a page is no hint at all */
	assert_int_equal(map_anonymous(sp, 0xfff, 0x1000, MAPF_PRIVATE), BASE - 0x2000);
	EXPECT_OK(space_map(sp, &request, &va));
	assert_int_equal(va, 0);
	put(sp, 0x12000, END, 0);
	assert_int_equal(PRIVATE_KB(sp, 4), 0x11000);
	request.flags &= ~(unsigned)MAPF_FIXED;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	sketch_end(sp);
}

/*
 * The guard gap: 256 pages below a region that grows down are for it alone, for searches
 * in both directions and for hints; a fixed mapping may take them.
 */
static void
the_guard_gap_is_kept(void **state)
{
	struct space *sp = linux_space();
	const vaddr_t stack = BASE - 0x200000;
	const vaddr_t floor = stack - 0x100000;

	(void)state;
	put(sp, stack, BASE, REGION_GROWSDOWN);
	assert_int_equal(map_anonymous(sp, stack - 0x1000, 0x1000, MAPF_PRIVATE), floor - 0x1000);
	assert_int_equal(map_anonymous(sp, floor - 0x3000, 0x2000, MAPF_PRIVATE), floor - 0x3000);
	assert_int_equal(PRIVATE_KB(sp, 4), floor - 0x4000);
	EXPECT_OK(space_unmap(sp, floor - 0x1000, 0x1000));
	/* exactly up to the gap fits, a page more does not */
	assert_int_equal(map_anonymous(sp, floor - 0x1000, 0x1000, MAPF_PRIVATE), floor - 0x1000);
	put(sp, floor, stack, 0);
	EXPECT_OK(space_unmap(sp, floor, 0x1000));
	assert_int_equal(PRIVATE_KB(sp, 4), floor);
	sketch_end(sp);
}

static void
the_guard_gap_is_kept_bottom_up(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	(void)state;
	layout.bottom_up = true;
	layout.mmap_base = 0x10000000;
	sp = sketch_space_with(&layout);
	put(sp, 0x10102000, 0x10103000, REGION_GROWSDOWN);
	assert_int_equal(PRIVATE_KB(sp, 12), 0x10103000);
	assert_int_equal(PRIVATE_KB(sp, 8), 0x10000000);
	assert_int_equal(PRIVATE_KB(sp, 4), 0x10106000);
	sketch_end(sp);
}

/* Rule 4a: private anonymous memory of whole 2 MiB, without a hint, is aligned to 2 MiB. */
static void
rule_4a_large_anonymous(void **state)
{
	struct space *sp = linux_space();
	const vaddr_t first =
		TOP(0xf7c00000); /* highest aligned place of 2 MiB + 2 MiB below BASE */

	(void)state;
	/* BASE - 4 MiB = TOP(0xf7bff000), moved up to the next 2 MiB */
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_PRIVATE), first);
	/* not whole 2 MiB, shared, or hinted: the plain rule */
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB - 0x1000, MAPF_PRIVATE), TOP(0xf7e00000));
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_SHARED), first - 2 * MIB);
	assert_int_equal(map_anonymous(sp, first, 2 * MIB, MAPF_PRIVATE), first - 4 * MIB);
	sketch_end(sp);
}

/* Rule 4a: a place that happens to be aligned is left for the next one up, as Linux does. */
static void
rule_4a_one_step_too_far(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	put(sp, TOP(0xf7800000), BASE, 0);
	/* search gives TOP(0xf7400000) for 4 MiB; aligned already, so 2 MiB more */
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_PRIVATE), TOP(0xf7600000));
	sketch_end(sp);
}

/* Rule 4a: if 2 MiB more than needed are nowhere, the plain rule decides. */
static void
rule_4a_falls_back(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	put(sp, 65536, TOP(0xf7000000), 0);
	put(sp, TOP(0xf7201000), END, 0);
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_PRIVATE), TOP(0xf7001000));
	sketch_end(sp);
}

/* Rule 4b: a file mapping that holds an aligned 2 MiB of the file gets address = offset mod 2 MiB. */
static void
rule_4b_large_file(void **state)
{
	struct space *sp = linux_space();

	(void)state;
	/* search for 6 MiB: TOP(0xf79ff000); up to an address that is 0x3000 mod 2 MiB */
	assert_int_equal(map_file(sp, 0, 2 * MIB + 0x200000, 0x3000), TOP(0xf7a03000));
	/* [0x1ff000, 0x3ff000) holds no aligned 2 MiB: the plain rule */
	assert_int_equal(map_file(sp, 0, 2 * MIB, 0x1ff000), TOP(0xf7803000));
	/* a hint that has room for 2 MiB more is taken as it is */
	assert_int_equal(map_file(sp, 0x10001000, 2 * MIB, 0), 0x10001000);
	/* the room is what counts: 2 MiB fit here, 4 MiB do not */
	put(sp, 0x20201000, 0x20202000, 0);
	assert_int_equal(map_file(sp, 0x20001000, 2 * MIB, 0) % (2 * MIB), 0);
	sketch_end(sp);
}

/* place_of - where a file would go; the place comes before the offset is refused. */
static vaddr_t
place_of(struct space *sp, uint64_t bytes, uint64_t offset)
{
	const struct place_request request = { .bytes = bytes,
					       .align_by_offset = true,
					       .offset = offset };
	vaddr_t			   va;

	EXPECT_OK(place_find(sp, &request, &va));
	return va;
}

/* Rule 4b: offsets at the end of all numbers do not wrap around into a bad address. */
static void
rule_4b_last_offsets(void **state)
{
	const uint64_t files_end = (uint64_t)1 << 63;
	struct space  *sp = linux_space();

	(void)state;
	assert_int_equal(place_of(sp, 2 * MIB, -4 * MIB), BASE - 2 * MIB);
	assert_int_equal(place_of(sp, 2 * MIB, -2 * MIB), BASE - 2 * MIB);
	assert_int_equal(place_of(sp, 4 * MIB, -MIB), BASE - 4 * MIB);
	assert_int_equal(map_file(sp, 0, 2 * MIB, files_end - 4 * MIB), TOP(0xf7c00000));
	sketch_end(sp);
}

/* Rule 4b bottom-up: an aligned place is used as it is. */
static void
rule_4b_bottom_up(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	(void)state;
	layout.bottom_up = true;
	layout.mmap_base = 0x40000000;
	sp = sketch_space_with(&layout);
	assert_int_equal(map_file(sp, 0, 2 * MIB, 0), 0x40000000);
	assert_int_equal(map_file(sp, 0, 2 * MIB, 2 * MIB), 0x40200000);
	assert_int_equal(PRIVATE_KB(sp, 4), 0x40400000);
	assert_int_equal(map_file(sp, 0, 2 * MIB, 0), 0x40600000);
	sketch_end(sp);
}

/*
 * Rule 5: inside [0x40000000, 0x80000000), from below. Large pages are aligned there too, and Linux
 * goes a step too far there too.
 */
static void
rule_5_low_2_gib(void **state)
{
	struct space	  *sp = linux_space();
	struct map_request request = sketch_anonymous(1, MAPF_PRIVATE | MAPF_32BIT);
	vaddr_t		   va;

	(void)state;
	assert_int_equal(map_anonymous(sp, 0, 0x1000, MAPF_PRIVATE | MAPF_32BIT), 0x40000000);
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_PRIVATE | MAPF_32BIT), 0x40200000);
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_PRIVATE | MAPF_32BIT), 0x40600000);
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB, MAPF_SHARED | MAPF_32BIT), 0x40400000);
	assert_int_equal(map_anonymous(sp, 0, 2 * MIB + 0x1000, MAPF_PRIVATE | MAPF_32BIT),
			 0x40800000);
	assert_int_equal(map_anonymous(sp, 0x50000000, 0x1000, MAPF_PRIVATE | MAPF_32BIT),
			 0x50000000);
	assert_int_equal(map_anonymous(sp, 0x7ffff000, 0x2000, MAPF_PRIVATE | MAPF_32BIT),
			 0x40001000);
	put(sp, 0x40000000, 0x80000000, 0);
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	sketch_end(sp);
}

/* Rule 6: MAPF_ABOVE4G ends the search from above at 4 GiB, and goes on from a third; hints are not asked. */
static void
rule_6_above_4_gib(void **state)
{
	const vaddr_t above = (vaddr_t)1 << 32;
	struct space *sp;

	(void)state;
	if (BASE <= 2 * above)
		return;
	sp = linux_space();
	assert_int_equal(map_anonymous(sp, 0, 0x1000, MAPF_PRIVATE | MAPF_ABOVE4G), BASE - 0x1000);
	put(sp, above + 0x3000, BASE - 0x1000, 0);
	assert_int_equal(map_anonymous(sp, 0, 0x2000, MAPF_PRIVATE | MAPF_ABOVE4G), above + 0x1000);
	assert_int_equal(map_anonymous(sp, 0, 0x2000, MAPF_PRIVATE | MAPF_ABOVE4G), BASE);
	assert_int_equal(map_anonymous(sp, 0x20000000, 0x2000, MAPF_PRIVATE | MAPF_ABOVE4G),
			 0x20000000);
	assert_int_equal(map_anonymous(sp, 0, 0x1000, MAPF_PRIVATE | MAPF_ABOVE4G | MAPF_32BIT),
			 0x40000000);
	assert_int_equal(map_anonymous(sp, 0, 0x2000, MAPF_PRIVATE), above - 0x1000);
	sketch_end(sp);
}

/* CAM-B05: 65,536 regions: a search that fails for every gap but one still finds it. */
static void
many_regions_one_fitting_gap(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;
	const vaddr_t	    low = BASE - PAGE(2 * 65536);

	(void)state;
	layout.mmap_base = BASE;
	layout.max_regions = 100000;
	sp = sketch_space_with(&layout);
	put(sp, 65536, low, 0);
	for (unsigned i = 0; i < 65536; i++) {
		struct region_reserve	 reserve;
		const struct region_kind kind = { .prot = PROT_R };

		EXPECT_OK(region_reserve(&reserve, 1));
		write_lock(&sp->lock);
		region_add(sp, va_range(low + PAGE(2 * i + 1), low + PAGE(2 * i + 2)), &kind,
			   &reserve);
		write_unlock(&sp->lock);
	}
	assert_true(sp->regions->height <= 24);
	EXPECT_OK(space_unmap(sp, low + PAGE(2 * 777 + 1), PAGE(1)));
	assert_int_equal(PRIVATE_KB(sp, 12), low + PAGE(2 * 777));
	assert_int_equal(PRIVATE_KB(sp, 4), BASE - PAGE(2));
	sketch_end(sp);
}

TEST_SUITE(place, cmocka_unit_test(rule_1_top_down), cmocka_unit_test(rule_1_bottom_up_when_full),
	   cmocka_unit_test(rule_2_bottom_up_layout), cmocka_unit_test(rule_3_hints),
	   cmocka_unit_test(rule_3_hints_at_the_end), cmocka_unit_test(rule_3_the_lowest_address),
	   cmocka_unit_test(the_guard_gap_is_kept),
	   cmocka_unit_test(the_guard_gap_is_kept_bottom_up),
	   cmocka_unit_test(rule_4a_large_anonymous), cmocka_unit_test(rule_4a_one_step_too_far),
	   cmocka_unit_test(rule_4a_falls_back), cmocka_unit_test(rule_4b_large_file),
	   cmocka_unit_test(rule_4b_last_offsets), cmocka_unit_test(rule_4b_bottom_up),
	   cmocka_unit_test(rule_5_low_2_gib), cmocka_unit_test(rule_6_above_4_gib),
	   cmocka_unit_test(many_regions_one_fitting_gap))
