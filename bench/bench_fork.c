/*
 * bench_fork.c - fork of a space against the memory it has touched.
 *
 * Fork and exit shall cost the same however much is resident, where upper table
 * entries can deny writes; the first write in a child pays for one path of tables
 * and one page.
 */
#include "bench/clock.h"

#include <stdio.h>

#include <anymm/stats.h>

#define FORKS 200u

static void
touch(struct space *sp, vaddr_t va)
{
	uint64_t word = 1;

	if (sim_user(sp, ACCESS_STORE, va, &word, sizeof(word)) != FAULT_DONE)
		bench_must(ERR_FAULT, "touch");
}

static vaddr_t
make_resident(struct space *sp, uint64_t mib)
{
	struct map_request request = {
		.length = mib << 20,
		.prot = PROT_R | PROT_W,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_NORESERVE,
	};
	vaddr_t base;

	bench_must(space_map(sp, &request, &base), "map");
	for (uint64_t at = 0; at < request.length; at += ARCH_PAGE_SIZE)
		touch(sp, base + at);
	return base;
}

int
main(void)
{
	printf("%8s %14s %14s %18s\n", "MiB", "touch ns/page", "fork+exit ns", "first write ns");
	for (uint64_t mib = 1; mib <= 1024; mib *= 4) {
		struct space_layout layout;
		struct space	   *sp;
		vaddr_t		    base;
		uint64_t	    began, touched, forked, written = 0;

		bench_machine(2048);
		layout = space_default_layout();
		bench_must(space_create(&layout, &sp), "space_create");
		began = nanoseconds();
		base = make_resident(sp, mib);
		touched = (nanoseconds() - began) / ((mib << 20) / ARCH_PAGE_SIZE);

		began = nanoseconds();
		for (unsigned i = 0; i < FORKS; i++) {
			struct space *child;
			uint64_t      write_began;

			bench_must(space_fork(sp, &child), "fork");
			write_began = nanoseconds();
			touch(child, base);
			written += nanoseconds() - write_began;
			touch(sp, base);
			space_put(child);
		}
		forked = (nanoseconds() - began - written) / FORKS;
		printf("%8llu %14llu %14llu %18llu\n", (unsigned long long)mib,
		       (unsigned long long)touched, (unsigned long long)forked,
		       (unsigned long long)written / FORKS);
	}
	return 0;
}
