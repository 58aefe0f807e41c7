/* sim_rig.c - see sim_rig.h. */
#include "sim_rig.h"

#include <string.h>

#define FIRST_FRAME 16
#define NR_FRAMES   4096

struct arch_fault bare_fault;

static uint64_t next_frame;

/* All RAM becomes free, as it does when a library boots. */
static void
retire_range(const struct boot_range *range)
{
	for (uint64_t i = 0; i < range->nr_frames; i++)
		arch_frame_retire(pfn_add(range->start, i), 0);
}

void
bare_start_with(const struct sim_config *config)
{
	const struct boot_map *map;

	sim_stop();
	assert_true(sim_start(config));
	map = sim_boot_map();
	for (unsigned i = 0; i < map->nr_ranges; i++)
		if (map->ranges[i].kind == BOOT_RAM)
			retire_range(&map->ranges[i]);
	next_frame = map->ranges[0].start.n;
	bare_fault = (struct arch_fault){ 0 };
}

void
bare_start(unsigned nr_cpus)
{
	bare_start_with(&(struct sim_config){ .nr_cpus = nr_cpus, .nr_frames = NR_FRAMES });
}

int
bare_stop(void **state)
{
	(void)state;
	sim_stop();
	return 0;
}

pfn_t
bare_frame(void)
{
	return bare_block(0);
}

pfn_t
bare_block(unsigned order)
{
	uint64_t nr = (uint64_t)1 << order;
	pfn_t	 pfn = { (next_frame + nr - 1) & ~(nr - 1) };

	next_frame = pfn.n + nr;
	assert_true(arch_frame_revive(pfn, order));
	for (uint64_t i = 0; i < nr; i++)
		arch_frame_zero(pfn_add(pfn, i));
	return pfn;
}

void
bare_free(pfn_t pfn)
{
	arch_frame_retire(pfn, 0);
}

pfn_t
bare_root(void)
{
	pfn_t root = bare_frame();

	arch_pt_init_root(root);
	return root;
}

pte_t *
bare_slot(pfn_t root, vaddr_t va, unsigned level)
{
	unsigned shift = ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;

	return (pte_t *)arch_frame_ptr(bare_table(root, va, level)) +
	       (va >> shift) % ARCH_PT_ENTRIES;
}

pfn_t
bare_table(pfn_t root, vaddr_t va, unsigned level)
{
	pte_t *slot;

	if (level == ARCH_PT_LEVELS - 1)
		return root;
	slot = bare_slot(root, va, level + 1);
	if (arch_pte_kind(arch_pte_read(slot), level + 1) == PTE_EMPTY)
		arch_pte_write(slot, arch_pte_table(bare_frame(), true));
	return arch_pte_table_pfn(arch_pte_read(slot));
}

void
bare_map(pfn_t root, vaddr_t va, pfn_t pfn, prot_t prot)
{
	struct pte_leaf leaf = { .pfn = pfn, .prot = prot, .is_private = true };

	arch_pte_exchange(bare_slot(root, va, 0), arch_pte_leaf(leaf));
}

void
bare_unmap(pfn_t root, vaddr_t va)
{
	arch_pte_exchange(bare_slot(root, va, 0), arch_pte_empty());
}

void
bare_run(unsigned cpu, pfn_t root, unsigned asid)
{
	sim_cpu_set(cpu);
	arch_tlb_activate(root, asid);
}

bool
bare_load(vaddr_t va, unsigned char *byte)
{
	return sim_access(ACCESS_LOAD, va, byte, 1, &bare_fault) == 1;
}

bool
bare_store(vaddr_t va, unsigned char byte)
{
	return sim_access(ACCESS_STORE, va, &byte, 1, &bare_fault) == 1;
}

void
bare_expect_stop(void (*fn)(void *arg), void *arg, const char *text)
{
	char message[2048];

	if (!sim_expect_stop(fn, arg, message, sizeof(message)))
		fail_msg("expected a stop with \"%s\"", text);
	if (!strstr(message, text))
		fail_msg("expected a stop with \"%s\", got: %s", text, message);
}
