/* sim_rig.c - see sim_rig.h. */
#include "sim_rig.h"

#include <string.h>

#define FIRST_FRAME 16
#define NR_FRAMES   4096

struct arch_fault rig_fault;

static uint64_t next_frame;

/* All RAM becomes free, as it does when a library boots. */
static void
retire_range(const struct boot_range *range)
{
	for (uint64_t i = 0; i < range->nr_frames; i++)
		arch_frame_retire(pfn_add(range->start, i), 0);
}

void
rig_start_with(const struct sim_config *config)
{
	const struct boot_map *map;

	sim_stop();
	assert_true(sim_start(config));
	map = sim_boot_map();
	for (unsigned i = 0; i < map->nr_ranges; i++)
		if (map->ranges[i].kind == BOOT_RAM)
			retire_range(&map->ranges[i]);
	next_frame = map->ranges[0].start.n;
	rig_fault = (struct arch_fault){ 0 };
}

void
rig_start(unsigned nr_cpus)
{
	rig_start_with(&(struct sim_config){ .nr_cpus = nr_cpus, .nr_frames = NR_FRAMES });
}

int
rig_stop(void **state)
{
	(void)state;
	sim_stop();
	return 0;
}

pfn_t
rig_frame(void)
{
	return rig_block(0);
}

pfn_t
rig_block(unsigned order)
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
rig_free(pfn_t pfn)
{
	arch_frame_retire(pfn, 0);
}

pfn_t
rig_root(void)
{
	pfn_t root = rig_frame();

	arch_pt_init_root(root);
	return root;
}

pte_t *
rig_entry(pfn_t root, vaddr_t va, unsigned level)
{
	unsigned shift = ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;

	return (pte_t *)arch_frame_ptr(rig_table_at(root, va, level)) +
	       (va >> shift) % ARCH_PT_ENTRIES;
}

pfn_t
rig_table_at(pfn_t root, vaddr_t va, unsigned level)
{
	pte_t *slot;

	if (level == ARCH_PT_LEVELS - 1)
		return root;
	slot = rig_entry(root, va, level + 1);
	if (arch_pte_kind(arch_pte_read(slot), level + 1) == PTE_EMPTY)
		arch_pte_write(slot, arch_pte_table(rig_frame(), true));
	return arch_pte_table_pfn(arch_pte_read(slot));
}

void
rig_map(pfn_t root, vaddr_t va, pfn_t pfn, prot_t prot)
{
	struct pte_leaf leaf = { .pfn = pfn, .prot = prot, .is_private = true };

	arch_pte_exchange(rig_entry(root, va, 0), arch_pte_leaf(leaf));
}

void
rig_unmap(pfn_t root, vaddr_t va)
{
	arch_pte_exchange(rig_entry(root, va, 0), arch_pte_empty());
}

void
rig_run(unsigned cpu, pfn_t root, unsigned asid)
{
	sim_cpu_set(cpu);
	arch_tlb_activate(root, asid);
}

bool
rig_load(vaddr_t va, unsigned char *byte)
{
	return sim_access(ACCESS_LOAD, va, byte, 1, &rig_fault) == 1;
}

bool
rig_store(vaddr_t va, unsigned char byte)
{
	return sim_access(ACCESS_STORE, va, &byte, 1, &rig_fault) == 1;
}

void
rig_expect_stop(void (*fn)(void *arg), void *arg, const char *text)
{
	char message[2048];

	if (!sim_expect_stop(fn, arg, message, sizeof(message)))
		fail_msg("expected a stop with \"%s\"", text);
	if (!strstr(message, text))
		fail_msg("expected a stop with \"%s\", got: %s", text, message);
}
