/*
 * bench_frames.c - booting machines of all sizes, and taking and giving frames.
 *
 * Boot shall cost what the map is made of, not what memory there is: descriptors
 * of large free blocks are not written. A pair is an allocation and a free; the
 * simulator fills and checks each frame, which is most of the time of a pair.
 */
#include "bench/clock.h"

#include <stdio.h>
#include <sys/resource.h>

#include <anymm/frame.h>
#include <anymm/slab.h>

#define PAIRS 20000u

/* Two nodes with a hole as large as either between them. */
static void
boot(uint64_t gib)
{
	uint64_t	  frames = gib << 18;
	struct boot_range ranges[] = {
		{ .start = { 16 }, .nr_frames = frames / 2 - 16, .kind = BOOT_RAM },
		{ .start = { frames }, .nr_frames = frames / 2, .kind = BOOT_RAM, .node = 1 },
	};

	sim_stop();
	if (!sim_start(&(struct sim_config){ .ranges = ranges, .nr_ranges = 2, .nr_cpus = 4 }))
		bench_must(ERR_INVAL, "sim_start");
}

static void
bench_boot(void)
{
	printf("%8s %12s %18s %20s\n", "GiB", "boot us", "KiB host memory", "reserved per mille");
	for (uint64_t gib = 1; gib <= 4096; gib *= 4) {
		struct frame_totals totals;
		struct rusage	    usage;
		uint64_t	    began;
		uint64_t	    took;

		boot(gib);
		began = nanoseconds();
		bench_must(phys_init(sim_boot_map()), "phys_init");
		took = nanoseconds() - began;
		totals = frame_totals();
		getrusage(RUSAGE_SELF, &usage);
		printf("%8llu %12llu %18ld %20.2f\n", (unsigned long long)gib,
		       (unsigned long long)(took / 1000), usage.ru_maxrss,
		       1000.0 * (double)totals.by_kind[FRAME_RESERVED] / (double)totals.total);
	}
}

static void
bench_pairs(unsigned order)
{
	struct frame_request request = { .kind = FRAME_ANON, .order = order };
	uint64_t	     began = nanoseconds();
	uint64_t	     pairs = PAIRS >> order;
	pfn_t		     pfn;

	for (uint64_t i = 0; i < pairs; i++) {
		bench_must(frame_alloc(request, &pfn), "frame_alloc");
		frame_release(pfn);
	}
	printf("%8u %12llu\n", order, (unsigned long long)((nanoseconds() - began) / pairs));
}

static void
bench_objects(size_t bytes)
{
	struct slab_cache cache;
	uint64_t	  began;

	slab_init(&cache, "bench", bytes, 8);
	began = nanoseconds();
	for (unsigned i = 0; i < PAIRS; i++)
		slab_free(&cache, slab_alloc(&cache));
	printf("%8zu %12llu %12u %12u\n", bytes,
	       (unsigned long long)((nanoseconds() - began) / PAIRS), cache.per_slab, cache.order);
	slab_drain(&cache);
}

int
main(void)
{
	bench_boot();
	boot(1);
	bench_must(phys_init(sim_boot_map()), "phys_init");
	printf("\n%8s %12s\n", "order", "ns/pair");
	for (unsigned order = 0; order <= 9; order += 3)
		bench_pairs(order);
	printf("\n%8s %12s %12s %12s\n", "bytes", "ns/pair", "per slab", "order");
	for (size_t bytes = 64; bytes <= 65536; bytes *= 4)
		bench_objects(bytes);
	return 0;
}
