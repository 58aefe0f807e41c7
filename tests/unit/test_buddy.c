/* test_buddy.c - blocks are split, merged, exhausted and recovered without loss. */
#include <stdlib.h>

#include "phys_machine.h"

/* Free blocks by order, over all nodes: the shape to which freeing everything must lead back. */
struct shape {
	uint64_t blocks[NODE_MAX][FRAME_ORDER_MAX + 1];
};

static struct shape
shape_now(void)
{
	struct shape shape = { 0 };
	pfn_t	     pfn;

	frame_drain_magazines();
	for (pfn = frame_first(); !pfn_is_none(pfn);) {
		const struct frame *f = frame_of(pfn);

		if (f->kind == FRAME_FREE)
			shape.blocks[atomic_load(&f->node)][f->order]++;
		pfn = frame_next(pfn_add(pfn, ((uint64_t)1 << f->order) - 1));
	}
	return shape;
}

static void
expect_shape(const struct shape *wanted)
{
	struct shape now = shape_now();

	assert_memory_equal(&now, wanted, sizeof(now));
	phys_check_machine();
}

/* frames     0        4        8                16
 * free       [              order 4              ]
 * take 0     a 0 [ 1 ][   2   ][        3        ]
 */
static void
splitting_leaves_one_block_of_each_order_below(void **state)
{
	struct shape shape;
	pfn_t	     pfn;

	(void)state;
	phys_fresh(64);
	/* Boot memory came from the end, so [0, 32) is one block of order 5. */
	assert_int_equal(frame_of((pfn_t){ 0 })->order, 5);
	while ((pfn = alloc_order(0)).n >= 32)
		;
	assert_int_equal(pfn.n, 0);
	shape = shape_now();
	for (unsigned order = 0; order < 5; order++) {
		assert_int_equal(shape.blocks[0][order], 1);
		assert_int_equal(frame_of((pfn_t){ (uint64_t)1 << order })->order, order);
	}
	assert_int_equal(shape.blocks[0][5], 0);
	frame_release(pfn);
	frame_drain_magazines();
	assert_int_equal(frame_of((pfn_t){ 0 })->order, 5);
	phys_check_machine();
}

/* LUN-23, DRG-13, WNX-17, CAM-05. */
static void
every_order_is_aligned_and_comes_back(void **state)
{
	struct boot_range all = RAM(3, (1 << 20) - 3, 0);
	struct shape	  fresh;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = &all, .nr_ranges = 1 });
	fresh = shape_now();
	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
		uint64_t free = nr_free_frames();
		pfn_t	 pfn = alloc_order(order);

		assert_false(pfn_is_none(pfn));
		assert_int_equal(pfn.n % ((uint64_t)1 << order), 0);
		assert_int_equal(frame_of(pfn)->order, order);
		assert_int_equal(frame_of(pfn)->word, 0);
		assert_int_equal(frame_count(pfn), 1);
		assert_int_equal(nr_free_frames(), free - ((uint64_t)1 << order));
		phys_check_machine();
		frame_release(pfn);
		expect_shape(&fresh);
	}
}

/* take_all - every block of one order that there is. */
static size_t
take_all(unsigned order, pfn_t *blocks)
{
	size_t nr = 0;

	while (!pfn_is_none(blocks[nr] = alloc_order(order)))
		nr++;
	return nr;
}

/* The largest blocks are split in two and grow together again, and no further. */
static void
the_largest_order_is_reached_again(void **state)
{
	struct boot_range all = RAM(1 << 20, (1 << 19) + 4096, 0);
	static pfn_t	  halves[16];
	struct shape	  fresh;
	size_t		  nr;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = &all, .nr_ranges = 1 });
	fresh = shape_now();
	assert_int_equal(fresh.blocks[0][FRAME_ORDER_MAX], 2);
	nr = take_all(FRAME_ORDER_MAX - 1, halves);
	assert_int_equal(nr, 4);
	for (size_t i = 0; i < nr; i++)
		frame_release(halves[i]);
	expect_shape(&fresh);
}

static void
shuffle(pfn_t *blocks, size_t nr, uint64_t *seed)
{
	for (size_t i = nr; i > 1; i--) {
		size_t j = test_random(seed) % i;
		pfn_t  swap = blocks[j];

		blocks[j] = blocks[i - 1];
		blocks[i - 1] = swap;
	}
}

static uint64_t
blocks_of(const struct shape *shape, unsigned order)
{
	uint64_t sum = 0;

	for (unsigned node = 0; node < NODE_MAX; node++)
		for (unsigned above = order; above <= FRAME_ORDER_MAX; above++)
			sum += shape->blocks[node][above] << (above - order);
	return sum;
}

static void
all_memory_can_be_taken_and_given_back(void **state)
{
	struct boot_range ranges[] = { RAM(5, 3000, 0), RAM(3005, 2100, 1), RAM(6000, 1000, 0),
				       RESERVED(1000, 77) };
	uint64_t	  seed = test_seed(2);
	static pfn_t	  blocks[7000];
	struct shape	  fresh;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 4, .nr_cpus = 2 });
	fresh = shape_now();
	for (unsigned order = 0; order <= 12; order++) {
		size_t nr = take_all(order, blocks);

		assert_int_equal(nr, blocks_of(&fresh, order));
		phys_check_machine();
		shuffle(blocks, nr, &seed);
		for (size_t i = 0; i < nr; i++)
			frame_release(blocks[i]);
		expect_shape(&fresh);
	}
}

/* ALM-B11: nodes that meet in the middle of a block are never merged, nor are neighbours over a hole. */
static void
blocks_do_not_grow_over_borders(void **state)
{
	struct boot_range ranges[] = { RAM(0, 96, 0), RAM(96, 160, 1), RAM(1024, 512, 0) };
	pfn_t		  pfn;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 3 });
	/* Both halves of [64, 128) are free, but on different nodes. */
	assert_int_equal(frame_of((pfn_t){ 64 })->order, 5);
	assert_int_equal(frame_of((pfn_t){ 96 })->order, 5);
	while (!pfn_is_none(pfn = alloc_order(2))) {
		unsigned node = pfn.n < 96 || pfn.n >= 1024 ? 0 : 1;

		assert_int_equal(atomic_load(&frame_of(pfn)->node), node);
	}
	phys_check_machine();
}

/* DRG-12, ALM-28. */
static void
the_preferred_node_comes_first_then_the_next(void **state)
{
	struct boot_range ranges[] = { RAM(0, 1024, 0), RAM(1024, 1024, 1), RAM(2048, 1024, 2) };
	unsigned	  last = 2;
	unsigned	  changes = 0;
	pfn_t		  pfn;

	(void)state;
	for (unsigned order = 0; order <= 3; order++) {
		phys_fresh_with(&(struct machine_config){
			.ranges = ranges, .nr_ranges = 3, .reserve_frames = 1 });
		last = 2;
		changes = 0;
		while (!frame_alloc(
			(struct frame_request){
				.kind = FRAME_ANON, .by_node = true, .node = 2, .order = order },
			&pfn)) {
			unsigned node = (unsigned)(pfn.n / 1024);

			if (node != last) {
				assert_int_equal(node, (last + 1) % 3);
				changes++;
			}
			last = node;
		}
		/* The last magazine may be drained for the last frames: nodes 2, 0, 1 and never back. */
		assert_int_equal(changes, 2);
		phys_check_machine();
	}
}

/* A node number that no memory has is a wish that cannot be met, not an error. */
static void
an_unknown_node_is_no_error(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(64);
	EXPECT_OK(frame_alloc(
		(struct frame_request){ .kind = FRAME_ANON, .by_node = true, .node = 999 }, &pfn));
	frame_release(pfn);
	phys_check_machine();
}

/* Single frames alternate, so no two are buddies: no larger block, though half of all is free. */
static void
fragmented_memory_has_no_large_blocks(void **state)
{
	static pfn_t blocks[1024];
	size_t	     nr;

	(void)state;
	phys_fresh(1024);
	nr = take_all(0, blocks);
	for (size_t i = 0; i < nr; i++)
		if (blocks[i].n % 2)
			frame_release(blocks[i]);
	assert_true(nr_free_frames() > 400);
	assert_true(pfn_is_none(alloc_order(1)));
	phys_check_machine();
	for (size_t i = 0; i < nr; i++)
		if (blocks[i].n % 2 == 0)
			frame_release(blocks[i]);
	assert_false(pfn_is_none(alloc_order(8)));
}

/*
 * The reference: who owns each frame, and nothing else. A block exists for a
 * request exactly if some aligned run of free frames of one node is long enough.
 */
#define WORLD	 1500
#define HELD_MAX 400

struct reference {
	uint8_t	 state[WORLD]; /* 0: not ours to give; 1 + node: free; 0xff: taken */
	uint64_t free;
	struct {
		pfn_t	 pfn;
		unsigned order;
	} held[HELD_MAX];
	size_t nr_held;
};

static void
reference_init(struct reference *ref)
{
	memset(ref, 0, sizeof(*ref));
	frame_drain_magazines();
	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn);) {
		const struct frame *f = frame_of(pfn);
		uint64_t	    frames = (uint64_t)1 << f->order;

		if (f->kind == FRAME_FREE) {
			memset(ref->state + pfn.n, 1 + atomic_load(&f->node), frames);
			ref->free += frames;
		}
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
}

static bool
run_is_free(const struct reference *ref, uint64_t n, uint64_t frames)
{
	for (uint64_t i = 0; i < frames; i++)
		if (ref->state[n + i] == 0 || ref->state[n + i] == 0xff ||
		    ref->state[n + i] != ref->state[n])
			return false;
	return true;
}

static bool
reference_can(const struct reference *ref, unsigned order, bool may_use_reserve)
{
	uint64_t frames = (uint64_t)1 << order;

	if (ref->free < frames || (!may_use_reserve && ref->free - frames < frame_totals().reserve))
		return false;
	for (uint64_t n = 0; n + frames <= WORLD; n += frames)
		if (run_is_free(ref, n, frames))
			return true;
	return false;
}

static void
reference_take(struct reference *ref, pfn_t pfn, unsigned order)
{
	uint64_t frames = (uint64_t)1 << order;

	assert_true(pfn.n + frames <= WORLD && pfn.n % frames == 0);
	assert_true(run_is_free(ref, pfn.n, frames));
	memset(ref->state + pfn.n, 0xff, frames);
	ref->free -= frames;
	ref->held[ref->nr_held].pfn = pfn;
	ref->held[ref->nr_held++].order = order;
}

static void
random_take(struct reference *ref, uint64_t *seed)
{
	struct frame_request request = {
		.kind = FRAME_ANON,
		.order = (unsigned)(test_random(seed) % 3 ? test_random(seed) % 3
							  : test_random(seed) % 9),
		.by_node = true,
		.node = (unsigned)(test_random(seed) % 3),
		.may_use_reserve = test_random(seed) % 4 == 0,
	};
	bool  can = reference_can(ref, request.order, request.may_use_reserve);
	pfn_t pfn;

	if (ref->nr_held == HELD_MAX)
		return;
	assert_int_equal(frame_alloc(request, &pfn), can ? OK : ERR_NOMEM);
	if (can)
		reference_take(ref, pfn, request.order);
}

static void
random_give(struct reference *ref, uint64_t *seed)
{
	size_t	 i;
	pfn_t	 pfn;
	unsigned node;

	if (!ref->nr_held)
		return;
	i = test_random(seed) % ref->nr_held;
	pfn = ref->held[i].pfn;
	node = atomic_load(&frame_of(pfn)->node);
	memset(ref->state + pfn.n, 1 + (int)node, (size_t)1 << ref->held[i].order);
	ref->free += (uint64_t)1 << ref->held[i].order;
	ref->held[i] = ref->held[--ref->nr_held];
	frame_release(pfn);
}

static void
random_life_equals_the_reference(void **state)
{
	struct boot_range	ranges[] = { RAM(3, 700, 0), RAM(703, 400, 1), RAM(1200, 300, 2),
					     RESERVED(300, 33) };
	uint64_t		seed = test_seed(3);
	static struct reference ref;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		/* Some rounds mostly take, so memory runs low; some mostly give. */
		uint64_t bias = 2 + test_random(&seed) % 5;

		phys_fresh_with(&(struct machine_config){ .ranges = ranges,
							  .nr_ranges = 4,
							  .nr_cpus = 1 + round % 3,
							  .reserve_frames = 1 + round * 7 });
		reference_init(&ref);
		for (unsigned step = 0; step < 1500; step++) {
			machine_cpu_set((unsigned)(test_random(&seed) % (1 + round % 3)));
			if (test_random(&seed) % 8 < bias)
				random_take(&ref, &seed);
			else
				random_give(&ref, &seed);
			assert_int_equal(nr_free_frames(), ref.free);
			if (step % 16 == 0)
				phys_check_machine();
		}
		assert_null(phys_inside_fault());
		while (ref.nr_held)
			random_give(&ref, &seed);
		frame_drain_magazines();
		phys_check_machine();
		assert_null(phys_inside_fault());
	}
}

TEST_SUITE(buddy, cmocka_unit_test(splitting_leaves_one_block_of_each_order_below),
	   cmocka_unit_test(every_order_is_aligned_and_comes_back),
	   cmocka_unit_test(the_largest_order_is_reached_again),
	   cmocka_unit_test(all_memory_can_be_taken_and_given_back),
	   cmocka_unit_test(blocks_do_not_grow_over_borders),
	   cmocka_unit_test(the_preferred_node_comes_first_then_the_next),
	   cmocka_unit_test(an_unknown_node_is_no_error),
	   cmocka_unit_test(fragmented_memory_has_no_large_blocks),
	   cmocka_unit_test(random_life_equals_the_reference))
