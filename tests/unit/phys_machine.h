/*
 * phys_machine.h - machines for tests of src/phys and src/base: frames, and none of the layers above.
 *
 * The layers above take frames when they start, so a machine of 16 frames, or
 * a test that counts to the last one, has only the allocator on it. Tests end
 * with phys_check_machine, which compares everything with a count from scratch.
 */
#pragma once

#include "../harness.h"
#include "../phys_check.h"

#define RAM(first, frames, of_node) \
	{ \
		.start = { first }, .nr_frames = (frames), .kind = BOOT_RAM, .node = (of_node) \
	}
#define RESERVED(first, frames) \
	{ \
		.start = { first }, .nr_frames = (frames), .kind = BOOT_RESERVED \
	}

/* phys_fresh_with - a machine with nothing but frames on it. */
static inline void
phys_fresh_with(const struct machine_config *config)
{
	machine_stop();
	assert_true(machine_start(config));
	EXPECT_OK(phys_init(machine_boot_map()));
}

/* phys_fresh - `frames` frames from number 0 on, one CPU, a reserve of one frame. */
static inline void
phys_fresh(uint64_t frames)
{
	struct boot_range all = RAM(0, frames, 0);

	phys_fresh_with(
		&(struct machine_config){ .ranges = &all, .nr_ranges = 1, .reserve_frames = 1 });
}

static inline void
phys_check_machine(void)
{
	const char *fault = phys_fault();

	if (fault)
		fail_msg("%s", fault);
}

static inline uint64_t
nr_free_frames(void)
{
	return frame_totals().by_kind[FRAME_FREE];
}

/* alloc_order - a block for kernel use that may take the last frame; none if there is none. */
static inline pfn_t
alloc_order(unsigned order)
{
	pfn_t pfn;

	if (frame_alloc((struct frame_request){ .kind = FRAME_KERNEL,
						.order = order,
						.may_use_reserve = true },
			&pfn))
		return pfn_none();
	return pfn;
}

/* expect_stop - fn(arg) must stop the machine with a message that has `wanted` in it. */
static inline void
expect_stop(void (*fn)(void *), void *arg, const char *wanted)
{
	char text[512];

	if (!machine_expect_stop(fn, arg, text, sizeof(text)))
		fail_msg("the machine did not stop; expected '%s'", wanted);
	if (!strstr(text, wanted))
		fail_msg("the machine stopped with '%s', expected '%s'", text, wanted);
}
