/*
 * test_many_regions.c - a space of 65,536 regions: lookup, gap search and fork by exact cost.
 *
 * Nothing is timed. A call runs in a child process that is stepped through one machine
 * instruction at a time, so its cost is a number that repeats. Between 1,024 and 65,536
 * regions it may grow as the logarithm does, 10 to 16, and not by much more. Fork is
 * counted in allocations: as many as there are regions, and a fixed number beside them.
 *
 *	page	0 1 2 3 4 5 6 ...
 *	region	a b . a b . a		a rw, b r, no two alike beside each other; . a hole
 */
#include "harness.h"

#include <anymm/space.h>
#include <anymm/stats.h>

#include "steps.h"

#define PAGE ARCH_PAGE_SIZE

enum { FEW = 1024, MANY = 65536 };

struct many {
	struct space *sp;
	vaddr_t	      base;
	uint64_t      nr;
	uint64_t      random;
	vaddr_t	      va;    /* of the call being counted */
	uint64_t      pages; /* likewise */
};

static struct many
make_many(uint64_t nr)
{
	struct space_layout layout = space_default_layout();
	struct many	    m = { .nr = nr, .random = nr };
	struct map_request  request = { .length = nr / 2 * 3 * PAGE,
					.prot = PROT_RW,
					.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_NORESERVE };

	machine_fresh_with(&(struct machine_config){ .nr_frames = 32768 });
	layout.max_regions = MANY + 16;
	layout.huge_size = 0;
	EXPECT_OK(space_create(&layout, &m.sp));
	EXPECT_OK(space_map(m.sp, &request, &m.base));
	for (uint64_t i = 0; i < nr / 2; i++) {
		EXPECT_OK(space_protect(m.sp, m.base + (3 * i + 1) * PAGE, PAGE, PROT_R));
		EXPECT_OK(space_unmap(m.sp, m.base + (3 * i + 2) * PAGE, PAGE));
	}
	assert_int_equal(m.sp->nr_regions, nr);
	return m;
}

static void
end_many(struct many *m)
{
	space_put(m->sp);
	machine_check();
}

static void
look_up(void *arg)
{
	struct many *m = arg;

	read_lock(&m->sp->lock);
	if (!space_find(m->sp, m->va))
		steps_abort();
	read_unlock(&m->sp->lock);
}

static void
map_pages(void *arg)
{
	struct many *m = arg;
	vaddr_t	     at;

	if (space_map(m->sp,
		      &(struct map_request){ .length = m->pages * PAGE,
					     .prot = PROT_RWX,
					     .flags = MAPF_PRIVATE | MAPF_ANONYMOUS },
		      &at) != OK)
		steps_abort();
}

/* cost - the mean over some places. Each call runs on a copy of the process: nothing changes here. */
static uint64_t
cost(struct many *m, void (*call)(void *), uint64_t pages, unsigned probes)
{
	uint64_t sum = 0;

	m->pages = pages;
	for (unsigned i = 0; i < probes; i++) {
		uint64_t steps;

		m->va = m->base + test_random(&m->random) % (m->nr / 2) * 3 * PAGE;
		if (!steps_count(call, m, &steps))
			skip(); /* this host lets nobody be stepped through */
		sum += steps;
	}
	return sum / probes;
}

/* expect_logarithmic - log2 grows from 10 to 16; a little more is left for what is not the tree. */
static void
expect_logarithmic(const char *what, uint64_t few, uint64_t many)
{
	print_message("# %s: %llu instructions with %d regions, %llu with %d\n", what,
		      (unsigned long long)few, FEW, (unsigned long long)many, MANY);
	assert_true(few > 0 && many < few * 2);
}

static void
lookup_and_gap_search_grow_as_the_logarithm(void **state)
{
	struct many m;
	uint64_t    lookup, near, far;

	(void)state;
	if (ARCH_USER_END < (uint64_t)1 << 32)
		skip();
	m = make_many(FEW);
	lookup = cost(&m, look_up, 0, 8);
	near = cost(&m, map_pages, 1, 1);
	far = cost(&m, map_pages, 2, 1);
	end_many(&m);
	m = make_many(MANY);
	expect_logarithmic("lookup", lookup, cost(&m, look_up, 0, 8));
	expect_logarithmic("map into the highest hole", near, cost(&m, map_pages, 1, 1));
	expect_logarithmic("map past all holes", far, cost(&m, map_pages, 2, 1));
	end_many(&m);
}

/* allocations_of_fork - and nothing is visited below the root. */
static uint64_t
allocations_of_fork(uint64_t nr)
{
	struct many   m = make_many(nr);
	uint64_t      allocations = machine_allocations();
	uint64_t      visits = stat_get(STAT_TABLE_VISITS);
	struct space *child;

	EXPECT_OK(space_fork(m.sp, &child));
	allocations = machine_allocations() - allocations;
	assert_int_equal(stat_get(STAT_TABLE_VISITS), visits);
	assert_int_equal(child->nr_regions, nr);
	machine_check_invariants();
	space_put(child);
	end_many(&m);
	return allocations;
}

static void
fork_allocates_once_per_region(void **state)
{
	uint64_t few, many;

	(void)state;
	if (ARCH_USER_END < (uint64_t)1 << 32)
		skip();
	few = allocations_of_fork(FEW);
	many = allocations_of_fork(MANY);
	print_message("# fork: %llu allocations with %d regions, %llu with %d\n",
		      (unsigned long long)few, FEW, (unsigned long long)many, MANY);
	/* One object per region, a frame for every slab of them, and the space itself. */
	assert_true(few >= FEW && few < FEW + FEW / 16 + 16);
	assert_true(many >= MANY && many < MANY + MANY / 16 + 16);
}

TEST_SUITE(many_regions, cmocka_unit_test(lookup_and_gap_search_grow_as_the_logarithm),
	   cmocka_unit_test(fork_allocates_once_per_region))
