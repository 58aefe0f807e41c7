/*
 * ram.c - physical memory: one sparse mapping, poisoned where it is free.
 *
 * Frame n lies at base + n pages. Holes are not accessible to the host process.
 * A frame is in use (from power-on, or since revive) or free (since retire). A free
 * frame is filled with a pattern that is no valid entry, checked by revive, and
 * is poisoned for AddressSanitizer when the build has it.
 *
 * Machines may have terabytes, of which a test touches little. So a whole chunk
 * of 512 frames that becomes free before anybody used it is only marked free; its
 * frames, still zero, get states of their own when the first of them is used.
 */
#include "machine.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "ledger.h"
#include "reset.h"

#if SIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* State of a chunk, beside SIM_CHUNK_WHOLE. */
#define CHUNK_USED     2 /* some frame of it was retired or revived by itself */
#define CHUNK_FREE     4 /* all of it is free and was never used */
#define CHUNK_POISONED 8 /* the sanitizer's shadow of it was written to */

/* State of a frame. */
enum frame_state {
	STATE_USED,   /* 0: every frame at power-on */
	STATE_ZERO,   /* free, never used: still zero */
	STATE_FILLED, /* free, filled with the pattern */
};

#define FILL_BYTE 0x5f
#define FILL_WORD UINT64_C(0x5f5f5f5f5f5f5f5f)

/* Smaller machines are poisoned as a whole at power-on; the shadow of larger ones would be too big. */
#define POISON_ALL_FRAMES (UINT64_C(1) << 18)

struct sim_ram sim_ram;

static struct {
	size_t	 bytes;	    /* of the mapping */
	uint8_t *states;    /* by frame */
	uint64_t nr_frames; /* in the arrays: RAM and the machine's area */
} ram;

static void
shadow_poison(void *start, size_t bytes)
{
#if SIM_ASAN
	__asan_poison_memory_region(start, bytes);
#else
	(void)start;
	(void)bytes;
#endif
}

static void
shadow_unpoison(void *start, size_t bytes)
{
#if SIM_ASAN
	__asan_unpoison_memory_region(start, bytes);
#else
	(void)start;
	(void)bytes;
#endif
}

static void *
map_sparse(size_t bytes, int prot)
{
	void *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Make one range accessible, and note which chunks lie wholly in it. */
static bool
open_range(pfn_t start, uint64_t nr_frames)
{
	uint64_t first = (start.n + SIM_CHUNK_FRAMES - 1) >> SIM_CHUNK_SHIFT;
	uint64_t end = (start.n + nr_frames) >> SIM_CHUNK_SHIFT;

	if (mprotect(ram_raw(start), nr_frames << ARCH_PAGE_SHIFT, PROT_READ | PROT_WRITE))
		return false;
	for (uint64_t chunk = first; chunk < end; chunk++)
		sim_ram.chunks[chunk] = SIM_CHUNK_WHOLE;
	return true;
}

static bool
open_ranges(void)
{
	const struct boot_map *map = &sim_fixed.map;

	for (unsigned i = 0; i < map->nr_ranges; i++)
		if (!open_range(map->ranges[i].start, map->ranges[i].nr_frames))
			return false;
	return mprotect(ram_raw(sim_fixed.area), (size_t)AREA_FRAMES << ARCH_PAGE_SHIFT,
			PROT_READ | PROT_WRITE) == 0;
}

bool
ram_start(void)
{
	uint64_t nr_frames = sim_fixed.area.n + AREA_FRAMES;
	uint64_t nr_chunks = (nr_frames >> SIM_CHUNK_SHIFT) + 1;

	ram.bytes = nr_frames << ARCH_PAGE_SHIFT;
	ram.nr_frames = nr_frames;
	sim_ram.nr_chunks = nr_chunks;
	sim_ram.base = map_sparse(ram.bytes, PROT_NONE);
	sim_ram.chunks = map_sparse(nr_chunks, PROT_READ | PROT_WRITE);
	ram.states = map_sparse(nr_frames, PROT_READ | PROT_WRITE);
	if (!sim_ram.base || !sim_ram.chunks || !ram.states || !open_ranges()) {
		ram_stop();
		return false;
	}
	sim_ram.root_state = ram_raw(sim_fixed.area);
	return true;
}

/* The host may map something else here later: no shadow may stay poisoned. */
static void
clean_shadow(void)
{
	for (uint64_t chunk = 0; SIM_ASAN && chunk < sim_ram.nr_chunks; chunk++) {
		uint64_t first = chunk << SIM_CHUNK_SHIFT;
		uint64_t nr = min_u64(SIM_CHUNK_FRAMES, ram.nr_frames - first);

		if (sim_ram.chunks[chunk] & CHUNK_POISONED)
			shadow_unpoison(ram_raw((pfn_t){ first }), nr << ARCH_PAGE_SHIFT);
	}
}

void
ram_stop(void)
{
	if (sim_ram.base && sim_ram.chunks)
		clean_shadow();
	if (sim_ram.base)
		munmap(sim_ram.base, ram.bytes);
	if (sim_ram.chunks)
		munmap(sim_ram.chunks, sim_ram.nr_chunks);
	if (ram.states)
		munmap(ram.states, ram.nr_frames);
	sim_ram = (struct sim_ram){ 0 };
	ram.states = NULL;
}

bool
ram_exists(pfn_t pfn)
{
	const struct boot_map *map = &sim_fixed.map;

	for (unsigned i = 0; i < map->nr_ranges; i++)
		if (pfn.n - map->ranges[i].start.n < map->ranges[i].nr_frames)
			return true;
	return false;
}

/* Numbers that arch_frame_ptr cannot answer at once: partial chunks, and mistakes. */
void *
sim_frame_ptr(pfn_t pfn)
{
	if (pfn.n - sim_fixed.area.n >= AREA_FRAMES && !ram_exists(pfn))
		sim_violation("frame %" PRIu64 " (0x%" PRIx64 ") is not in RAM", pfn.n, pfn.n);
	return ram_raw(pfn);
}

/* Flags of a chunk change under the eyes of other host threads, if CPUs are such. */
static unsigned
chunk_flags(pfn_t pfn)
{
	return __atomic_load_n(&sim_ram.chunks[pfn.n >> SIM_CHUNK_SHIFT], __ATOMIC_RELAXED);
}

static void
chunk_set_flags(pfn_t pfn, unsigned flags)
{
	__atomic_store_n(&sim_ram.chunks[pfn.n >> SIM_CHUNK_SHIFT], (uint8_t)flags,
			 __ATOMIC_RELAXED);
}

/* All frames of a chunk get states of their own. */
static void
split_chunk(pfn_t pfn)
{
	unsigned flags = chunk_flags(pfn);
	uint64_t first = pfn.n & ~(SIM_CHUNK_FRAMES - 1);

	if (flags & CHUNK_FREE) {
		memset(ram.states + first, STATE_ZERO, SIM_CHUNK_FRAMES);
		shadow_poison(ram_raw((pfn_t){ first }), SIM_CHUNK_FRAMES << ARCH_PAGE_SHIFT);
	}
	chunk_set_flags(pfn, (flags & ~(unsigned)CHUNK_FREE) | CHUNK_USED | CHUNK_POISONED);
}

/* Before a single frame of a chunk changes its state. */
static void
single_out(pfn_t pfn)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (LIKELY((chunk_flags(pfn) & (CHUNK_USED | CHUNK_FREE)) == CHUNK_USED))
		return;
	pthread_mutex_lock(&lock);
	if ((chunk_flags(pfn) & (CHUNK_USED | CHUNK_FREE)) != CHUNK_USED)
		split_chunk(pfn);
	pthread_mutex_unlock(&lock);
}

bool
ram_is_free(pfn_t pfn)
{
	return chunk_flags(pfn) & CHUNK_FREE || ram.states[pfn.n] != STATE_USED;
}

static void
retire_one(pfn_t pfn)
{
	void *page = arch_frame_ptr(pfn);

	single_out(pfn);
	if (ram.states[pfn.n] != STATE_USED)
		sim_violation("frame %" PRIu64 " is retired, but it is free already", pfn.n);
	ledger_frame_retired(pfn);
	memset(page, FILL_BYTE, ARCH_PAGE_SIZE);
	shadow_poison(page, ARCH_PAGE_SIZE);
	ram.states[pfn.n] = STATE_FILLED;
}

/* A chunk that nobody has used becomes free at power-on. */
static bool
retire_fresh_chunk(pfn_t pfn, uint64_t left)
{
	unsigned flags = SIM_CHUNK_WHOLE | CHUNK_FREE;
	bool	 poisons = sim_fixed.ram_frames <= POISON_ALL_FRAMES;

	if (pfn.n % SIM_CHUNK_FRAMES || left < SIM_CHUNK_FRAMES ||
	    chunk_flags(pfn) != SIM_CHUNK_WHOLE)
		return false;
	chunk_set_flags(pfn, flags | (poisons ? CHUNK_POISONED : 0));
	if (poisons) {
		shadow_poison(ram_raw(pfn), SIM_CHUNK_FRAMES << ARCH_PAGE_SHIFT);
	}
	return true;
}

void
sim_frame_retire(pfn_t pfn, unsigned order)
{
	uint64_t nr = (uint64_t)1 << order;

	for (uint64_t i = 0; i < nr;) {
		if (retire_fresh_chunk(pfn_add(pfn, i), nr - i)) {
			i += SIM_CHUNK_FRAMES;
			continue;
		}
		retire_one(pfn_add(pfn, i));
		i++;
	}
}

static bool
page_is_all(const uint64_t *page, uint64_t word)
{
	return page[0] == word && memcmp(page, page + 1, ARCH_PAGE_SIZE - sizeof(word)) == 0;
}

static bool
revive_one(pfn_t pfn)
{
	uint64_t *page = arch_frame_ptr(pfn);
	uint8_t	 *state = &ram.states[pfn.n];
	bool	  intact;

	single_out(pfn);
	if (*state == STATE_USED)
		sim_violation("frame %" PRIu64 " is revived, but it is in use", pfn.n);
	shadow_unpoison(page, ARCH_PAGE_SIZE);
	intact = page_is_all(page, *state == STATE_ZERO ? 0 : FILL_WORD);
	/* Nobody may count on fresh memory being zero. */
	if (*state == STATE_ZERO)
		memset(page, FILL_BYTE, ARCH_PAGE_SIZE);
	*state = STATE_USED;
	reset_frame_used(pfn);
	return intact;
}

bool
sim_frame_revive(pfn_t pfn, unsigned order)
{
	bool intact = true;

	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		intact = revive_one(pfn_add(pfn, i)) && intact;
	return intact;
}

void
sim_frame_zero(pfn_t pfn)
{
	ledger_frame_erase(pfn);
	memset(arch_frame_ptr(pfn), 0, ARCH_PAGE_SIZE);
}

void
sim_frame_copy(pfn_t dst, pfn_t src)
{
	ledger_frame_erase(dst);
	memcpy(arch_frame_ptr(dst), arch_frame_ptr(src), ARCH_PAGE_SIZE);
	ledger_frame_filled(dst, src);
}

void
sim_poison(void *start, size_t bytes)
{
	shadow_poison(start, bytes);
}

void
sim_unpoison(void *start, size_t bytes)
{
	shadow_unpoison(start, bytes);
}

/* For snapshots. */

static void
each_used_in_chunk(uint64_t first, uint64_t end, void (*fn)(pfn_t pfn))
{
	for (uint64_t n = first; n < end; n++) {
		pfn_t pfn = { n };

		if (!ram_is_free(pfn) && ram_exists(pfn))
			fn(pfn);
	}
}

void
ram_each_used(void (*fn)(pfn_t pfn))
{
	for (uint64_t first = 0; first < sim_fixed.nr_frames; first += SIM_CHUNK_FRAMES)
		if (!(chunk_flags((pfn_t){ first }) & CHUNK_FREE))
			each_used_in_chunk(
				first, min_u64(first + SIM_CHUNK_FRAMES, sim_fixed.nr_frames), fn);
	for (uint64_t i = 0; i < AREA_FRAMES; i++)
		fn(pfn_add(sim_fixed.area, i));
}

void
ram_set_free(pfn_t pfn)
{
	void *page = ram_raw(pfn);

	if (ram.states[pfn.n] != STATE_USED)
		return;
	shadow_unpoison(page, ARCH_PAGE_SIZE);
	memset(page, FILL_BYTE, ARCH_PAGE_SIZE);
	shadow_poison(page, ARCH_PAGE_SIZE);
	ram.states[pfn.n] = STATE_FILLED;
}

void
ram_set_used(pfn_t pfn)
{
	ram.states[pfn.n] = STATE_USED;
}

void
ram_unpoison_page(void *page)
{
	shadow_unpoison(page, ARCH_PAGE_SIZE);
}

/* ram_check_free_frames - every free frame that was ever used still has its pattern. */
void
ram_check_free_frames(void)
{
	for (uint64_t n = 0; n < sim_fixed.nr_frames; n++) {
		uint64_t *page = ram_raw((pfn_t){ n });

		if (ram.states[n] != STATE_FILLED)
			continue;
		shadow_unpoison(page, ARCH_PAGE_SIZE);
		if (!page_is_all(page, FILL_WORD))
			sim_violation("frame %" PRIu64 " was written to while it was free", n);
		shadow_poison(page, ARCH_PAGE_SIZE);
	}
}
