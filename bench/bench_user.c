/*
 * bench_user.c - what a user access costs on the simulated machine: a fault, and a
 * load through a cached translation.
 */
#include "bench/clock.h"

#include <stdio.h>

#define PAGES 4096u
#define LOADS 20000000u

int
main(void)
{
	struct map_request request = {
		.length = PAGES * ARCH_PAGE_SIZE,
		.prot = PROT_R | PROT_W,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
	};
	struct space_layout layout;
	struct space	   *sp;
	vaddr_t		    base;
	uint64_t	    began, word = 1, random = 1;

	bench_machine(256);
	layout = space_default_layout();
	bench_must(space_create(&layout, &sp), "space_create");
	bench_must(space_map(sp, &request, &base), "map");

	began = nanoseconds();
	for (unsigned i = 0; i < PAGES; i++) {
		if (sim_user(sp, ACCESS_STORE, base + i * ARCH_PAGE_SIZE, &word, 8) != FAULT_DONE)
			return 1;
	}
	printf("first write to a page: %llu ns\n",
	       (unsigned long long)((nanoseconds() - began) / PAGES));

	began = nanoseconds();
	for (unsigned i = 0; i < LOADS; i++) {
		struct arch_fault fault;
		vaddr_t		  va = base + bench_random(&random) % PAGES * ARCH_PAGE_SIZE;

		if (sim_access(ACCESS_LOAD, va, &word, sizeof(word), &fault) != sizeof(word))
			return 1;
	}
	printf("cached 8-byte loads: %.1f million per second\n",
	       (double)LOADS * 1000.0 / (double)(nanoseconds() - began));
	return 0;
}
