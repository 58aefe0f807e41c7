/*
 * snapshot.c - see snapshot.h.
 *
 * What counts is the root object, every frame that is not free, the table of the library's window
 * in the kernel half, and the space each CPU has loaded. Free frames only carry their poison. Everything is copied: between two resets a
 * test changes little, but the machine is small.
 */
#include "boot/snapshot.h"

#include <cmocka.h>

#include <anymm/frame.h>

#include "../../arch/x86_64/boot/boot.h"
#include "base/mem.h"

static struct boot_range range;
static unsigned char	*root_copy; /* behind it: where each kept frame lies, then the frames */
static uint32_t		*numbers;
static unsigned char	*pages;
static uint64_t		 nr_kept;
static unsigned char	 window_copy[ARCH_PAGE_SIZE];
static unsigned		 cpu_then;
static uint64_t		 cr3_then[CPU_MAX];

static void
note_cr3(void *arg)
{
	(void)arg;
	cr3_then[platform_cpu()] = x86_read_cr3();
}

static void
leave_space(void *arg)
{
	(void)arg;
	x86_write_cr3(x86_machine.kernel_root.raw);
}

static void
load_cr3(void *arg)
{
	(void)arg;
	x86_write_cr3(cr3_then[platform_cpu()]);
	arch_tlb_flush_all();
}

static void
on_every_cpu(void (*fn)(void *))
{
	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++)
		smp_call(cpu, fn, NULL);
}

static void
keep_block(pfn_t pfn, uint64_t frames, uint64_t room)
{
	for (uint64_t i = 0; i < frames; i++, nr_kept++) {
		if (nr_kept == room)
			boot_test_skip("needs more memory");
		numbers[nr_kept] = (uint32_t)(pfn.n + i);
		memcpy(pages + nr_kept * ARCH_PAGE_SIZE, arch_frame_ptr(pfn_add(pfn, i)),
		       ARCH_PAGE_SIZE);
	}
}

/* A page for each frame, and four bytes for its number. */
static uint64_t
lay_out(struct boot_range spare)
{
	uint64_t root_frames = ARCH_ROOT_STATE_BYTES / ARCH_PAGE_SIZE;
	uint64_t number_frames = spare.nr_frames / (ARCH_PAGE_SIZE / 4) + 1;

	if (spare.nr_frames <= root_frames + number_frames)
		boot_test_skip("needs more memory");
	root_copy = arch_frame_ptr(spare.start);
	numbers = arch_frame_ptr(pfn_add(spare.start, root_frames));
	pages = arch_frame_ptr(pfn_add(spare.start, root_frames + number_frames));
	return spare.nr_frames - root_frames - number_frames;
}

void
snapshot_keep(struct boot_range of, struct boot_range spare)
{
	uint64_t room = lay_out(spare);

	range = of;
	nr_kept = 0;
	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn);) {
		uint64_t frames = (uint64_t)1 << frame_of(pfn)->order;

		if (frame_of(pfn)->kind != FRAME_FREE)
			keep_block(pfn, frames, room);
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
	memcpy(root_copy, arch_root_state(), ARCH_ROOT_STATE_BYTES);
	memcpy(window_copy, arch_frame_ptr(platform_kernel_window().table), ARCH_PAGE_SIZE);
	cpu_then = platform_cpu();
	on_every_cpu(note_cr3);
}

void
snapshot_restore(void)
{
	uint64_t kept = 0;

	smp_migrate(cpu_then);
	on_every_cpu(leave_space);
	for (uint64_t i = 0; i < range.nr_frames; i++) {
		pfn_t pfn = pfn_add(range.start, i);

		if (kept < nr_kept && numbers[kept] == pfn.n)
			memcpy(arch_frame_ptr(pfn), pages + kept++ * ARCH_PAGE_SIZE,
			       ARCH_PAGE_SIZE);
		else
			x86_frame_poison(pfn, 0);
	}
	memcpy(arch_root_state(), root_copy, ARCH_ROOT_STATE_BYTES);
	memcpy(arch_frame_ptr(platform_kernel_window().table), window_copy, ARCH_PAGE_SIZE);
	on_every_cpu(load_cr3);
}
