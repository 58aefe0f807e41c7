/*
 * reset.c - remember the machine's whole state, and go back to it in microseconds.
 *
 * A snapshot copies every frame in use, with the sanitizer's shadow, the
 * simulator's own state and the pools of the ledger. Frames that were free then
 * have contents that nobody may count on, so going back costs them nothing but
 * being filled and poisoned again, and only if they went into use since: those are
 * on a list. What was in use is restored by copying.
 *
 * Caches of translations are emptied at both ends, as hardware may at any time, so that
 * every run from a snapshot is the same.
 */
#include "reset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "reach.h"

#if SIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define SHADOW_BYTES (ARCH_PAGE_SIZE / 8)

/* In debug builds every so many resets the whole machine is compared with the snapshot. */
#define VERIFY_EVERY 1024

/* One frame that was in use. */
struct saved_frame {
	uint64_t	  pfn;
	struct frame_note note;
	unsigned char	 *bytes; /* a page, then its shadow */
};

static struct {
	bool		    is_there;
	struct saved_frame *frames;
	size_t		    nr_frames, room;
	unsigned char	   *bytes;
	uint64_t	   *dirty; /* free at the snapshot, in use since */
	size_t		    nr_dirty, dirty_room;
	struct sim_state    state;
	unsigned	    cpu_now;
	uint64_t	    resets;
} snapshot;

static void
no_memory(void)
{
	sim_violation("the host has no memory for a snapshot");
}

void
reset_forget(void)
{
	free(snapshot.frames);
	free(snapshot.bytes);
	free(snapshot.dirty);
	memset(&snapshot, 0, sizeof(snapshot));
}

void
reset_frame_used(pfn_t pfn)
{
	if (!snapshot.is_there)
		return;
	if (snapshot.nr_dirty == snapshot.dirty_room) {
		snapshot.dirty_room = snapshot.dirty_room ? 2 * snapshot.dirty_room : 1024;
		snapshot.dirty =
			realloc(snapshot.dirty, snapshot.dirty_room * sizeof(*snapshot.dirty));
		if (!snapshot.dirty)
			no_memory();
	}
	snapshot.dirty[snapshot.nr_dirty++] = pfn.n;
}

/*
 * The sanitizer's shadow of a page, word by word: copying through the C library would
 * be checked against the shadow's own shadow.
 */
#if SIM_ASAN
static uint64_t *
shadow_of(const void *page)
{
	static size_t scale, offset;

	if (!offset)
		__asan_get_shadow_mapping(&scale, &offset);
	return (uint64_t *)(((uintptr_t)page >> scale) + offset);
}

__attribute__((no_sanitize("address"))) static void
copy_words(volatile uint64_t *to, const volatile uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*to); i++)
		to[i] = from[i];
}
#endif

static void
save_shadow(unsigned char *to, const void *page)
{
#if SIM_ASAN
	copy_words((uint64_t *)to, shadow_of(page), SHADOW_BYTES);
#else
	(void)to;
	(void)page;
#endif
}

static void
restore_shadow(void *page, const unsigned char *from)
{
#if SIM_ASAN
	copy_words(shadow_of(page), (const uint64_t *)from, SHADOW_BYTES);
#else
	(void)page;
	(void)from;
#endif
}

static void
note_frame(pfn_t pfn)
{
	if (snapshot.nr_frames == snapshot.room) {
		snapshot.room = snapshot.room ? 2 * snapshot.room : 256;
		snapshot.frames =
			realloc(snapshot.frames, snapshot.room * sizeof(*snapshot.frames));
		if (!snapshot.frames)
			no_memory();
	}
	snapshot.frames[snapshot.nr_frames++] = (struct saved_frame){
		.pfn = pfn.n,
		.note = *note_of(pfn.n),
	};
}

/* Poisoned parts of a frame in use (free slab objects) are saved too. */
static void
save_frame(struct saved_frame *f)
{
	void *page = ram_raw((pfn_t){ f->pfn });

	save_shadow(f->bytes + ARCH_PAGE_SIZE, page);
	ram_unpoison_page(page);
	memcpy(f->bytes, page, ARCH_PAGE_SIZE);
	restore_shadow(page, f->bytes + ARCH_PAGE_SIZE);
}

static void
save_frames(void)
{
	size_t frame_bytes = ARCH_PAGE_SIZE + SHADOW_BYTES;

	ram_each_used(note_frame);
	snapshot.bytes = malloc(snapshot.nr_frames * frame_bytes);
	if (!snapshot.bytes)
		no_memory();
	for (size_t i = 0; i < snapshot.nr_frames; i++) {
		snapshot.frames[i].bytes = snapshot.bytes + i * frame_bytes;
		save_frame(&snapshot.frames[i]);
	}
}

void
sim_snapshot(void)
{
	if (sim_fixed.host_threads)
		sim_violation("a machine of host threads has no snapshots");
	reset_forget();
	tlb_drop_everything();
	save_frames();
	ledger_save();
	snapshot.state = sim_state;
	snapshot.cpu_now = sim_cpu_now;
	snapshot.is_there = true;
}

static void
restore_frame(const struct saved_frame *f)
{
	void *page = ram_raw((pfn_t){ f->pfn });

	*note_of(f->pfn) = f->note;
	ram_unpoison_page(page);
	memcpy(page, f->bytes, ARCH_PAGE_SIZE);
	restore_shadow(page, f->bytes + ARCH_PAGE_SIZE);
}

static void
restore_state(void)
{
	uint32_t next_gen = sim_state.next_gen;

	memcpy(sim_state.cpus, snapshot.state.cpus, sim_fixed.nr_cpus * sizeof(struct sim_cpu));
	sim_state.machine = snapshot.state.machine;
	/* Generations of tags go on, so that nothing cached since then matches. */
	sim_state.next_gen = next_gen;
	tlb_drop_everything();
	sim_cpu_now = snapshot.cpu_now;
	console_start();
}

static bool
is_saved(uint64_t pfn)
{
	for (size_t i = 0; i < snapshot.nr_frames; i++)
		if (snapshot.frames[i].pfn == pfn)
			return true;
	return false;
}

static void
verify_used(pfn_t pfn)
{
	if (!is_saved(pfn.n))
		sim_violation("after a reset frame %" PRIu64 " is in use; it was not at the "
			      "snapshot",
			      pfn.n);
}

static void
verify(void)
{
	ram_each_used(verify_used);
	ram_check_free_frames();
}

void
sim_reset(void)
{
	if (!snapshot.is_there)
		sim_violation("sim_reset without a snapshot");
	ledger_restore();
	for (size_t i = 0; i < snapshot.nr_dirty; i++) {
		*note_of(snapshot.dirty[i]) = (struct frame_note){ 0 };
		ram_set_free((pfn_t){ snapshot.dirty[i] });
	}
	snapshot.nr_dirty = 0;
	for (size_t i = 0; i < snapshot.nr_frames; i++) {
		ram_set_used((pfn_t){ snapshot.frames[i].pfn });
		restore_frame(&snapshot.frames[i]);
	}
	restore_state();
	if (MM_DEBUG && ++snapshot.resets % VERIFY_EVERY == 0)
		verify();
}
