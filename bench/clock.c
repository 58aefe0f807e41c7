/* clock.c - what the programs of bench/ share; see clock.h. */
#include "bench/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
bench_must(err_t err, const char *what)
{
	if (err != OK) {
		fprintf(stderr, "%s: %s\n", what, err_name(err));
		exit(1);
	}
}

void
bench_machine(uint64_t mib)
{
	struct sim_config config = { .nr_frames = (mib << 20) / ARCH_PAGE_SIZE };

	sim_stop();
	if (!sim_start(&config))
		exit(1);
	bench_must(anymm_init(sim_boot_map()), "anymm_init");
}

uint64_t
nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
bench_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}
