/*
 * bench_regions.c - a space of many regions: lookup, gap search, fork.
 *
 * Every second page of one large mapping is made read only, so no two neighbours
 * merge. Lookup and gap search shall grow with the logarithm of the number of
 * regions, fork in proportion to it.
 */
#include "bench/clock.h"

#include <stdio.h>

#define LOOKUPS 200000u
#define MAPS	20000u
#define FORKS	5u

static vaddr_t
make_regions(struct space *sp, uint64_t nr)
{
	struct map_request request = {
		.length = nr * ARCH_PAGE_SIZE,
		.prot = PROT_R | PROT_W,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_NORESERVE,
	};
	vaddr_t base;

	bench_must(space_map(sp, &request, &base), "map");
	for (uint64_t i = 0; i < nr; i += 2) {
		vaddr_t page = base + i * ARCH_PAGE_SIZE;

		bench_must(space_protect(sp, page, ARCH_PAGE_SIZE, PROT_R), "protect");
	}
	return base;
}

static uint64_t
time_lookups(struct space *sp, vaddr_t base, uint64_t nr)
{
	uint64_t began = nanoseconds();
	uint64_t random = 1;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		if (!space_find(sp, base + bench_random(&random) % nr * ARCH_PAGE_SIZE))
			bench_must(ERR_NOENT, "find");
	}
	return (nanoseconds() - began) / LOOKUPS;
}

static uint64_t
time_gap_searches(struct space *sp)
{
	struct map_request request = {
		.length = ARCH_PAGE_SIZE,
		.prot = PROT_R | PROT_X,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
	};
	uint64_t began = nanoseconds();

	for (unsigned i = 0; i < MAPS; i++) {
		vaddr_t addr;

		bench_must(space_map(sp, &request, &addr), "map");
		bench_must(space_unmap(sp, addr, ARCH_PAGE_SIZE), "unmap");
	}
	return (nanoseconds() - began) / MAPS;
}

static uint64_t
time_forks(struct space *sp)
{
	uint64_t began = nanoseconds();

	for (unsigned i = 0; i < FORKS; i++) {
		struct space *child;

		bench_must(space_fork(sp, &child), "fork");
		space_put(child);
	}
	return (nanoseconds() - began) / FORKS;
}

int
main(void)
{
	printf("%8s %12s %16s %16s\n", "regions", "lookup ns", "map+unmap ns", "fork+exit us");
	for (uint64_t nr = 64; nr <= 65536; nr *= 4) {
		struct space_layout layout;
		struct space	   *sp;
		vaddr_t		    base;
		uint64_t	    lookup, search;

		bench_machine(512);
		layout = space_default_layout();
		layout.max_regions = 1 << 20;
		bench_must(space_create(&layout, &sp), "space_create");
		base = make_regions(sp, nr);
		lookup = time_lookups(sp, base, nr);
		search = time_gap_searches(sp);
		printf("%8llu %12llu %16llu %16llu\n", (unsigned long long)nr,
		       (unsigned long long)lookup, (unsigned long long)search,
		       (unsigned long long)time_forks(sp) / 1000);
		space_put(sp);
	}
	return 0;
}
