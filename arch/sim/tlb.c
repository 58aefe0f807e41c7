/*
 * tlb.c - each CPU's cache of translations, its flushes, and the active root.
 *
 * The cache proper is a direct-mapped table of pages, tagged by asid, that makes
 * user accesses fast. It may lose an entry at any time, as hardware's may: that
 * nothing ever leaves unless flushed is the ledger's doing, which knows every
 * translation that could still be cached. A flush of a whole tag gives the tag a
 * new generation, so its entries no longer match.
 */
#include "machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

/* Allocated once per CPU and kept over power cycles. */
static struct tlb_entry *caches[CPU_MAX];

/*
 * Generations are unique over CPUs and tags. 0 is none; when the numbers have run
 * out, which takes four thousand million flushes, old entries could match again.
 */
static uint32_t
next_generation(void)
{
	uint32_t gen = 1 + atomic_fetch_add_explicit(&sim_state.next_gen, 1, memory_order_relaxed);

	if (gen == 0)
		sim_violation("too many flushes for one machine");
	return gen;
}

void
tlb_drop_asid(struct sim_cpu *cpu, unsigned asid)
{
	cpu->gen[asid] = next_generation();
	cpu->has_large[asid] = false;
}

static void
drop_all_of(struct sim_cpu *cpu)
{
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		tlb_drop_asid(cpu, asid);
}

bool
tlb_start(void)
{
	for (unsigned i = 0; i < sim_fixed.nr_cpus; i++) {
		if (!caches[i])
			caches[i] = calloc(TLB_ENTRIES, sizeof(struct tlb_entry));
		if (!caches[i])
			return false;
		memset(caches[i], 0, TLB_ENTRIES * sizeof(struct tlb_entry));
		sim_state.cpus[i].tlb = caches[i];
		drop_all_of(&sim_state.cpus[i]);
	}
	return true;
}

void
tlb_drop_everything(void)
{
	for (unsigned cpu = 0; cpu < sim_fixed.nr_cpus; cpu++)
		drop_all_of(&sim_state.cpus[cpu]);
}

void
tlb_drop_page(struct sim_cpu *cpu, unsigned asid, vaddr_t va)
{
	struct tlb_entry *entry = tlb_slot(cpu, asid, va >> ARCH_PAGE_SHIFT);

	/* One flush drops all pieces of a large leaf; which they are is not noted. */
	if (cpu->has_large[asid])
		tlb_drop_asid(cpu, asid);
	if (entry->vpn == va >> ARCH_PAGE_SHIFT && entry->gen == cpu->gen[asid])
		entry->gen = 0;
}

static void
check_asid(unsigned asid, const char *call)
{
	if (asid >= ARCH_ASIDS)
		sim_violation("%s with asid %u of %u", call, asid, ARCH_ASIDS);
}

void
sim_tlb_flush_page(unsigned asid, vaddr_t va)
{
	check_asid(asid, "flush_page");
	tlb_drop_page(this_cpu(), asid, va);
	ledger_flush_page(asid, va);
}

void
sim_tlb_flush_asid(unsigned asid)
{
	check_asid(asid, "flush_asid");
	tlb_drop_asid(this_cpu(), asid);
	ledger_flush_asid(asid);
}

void
sim_tlb_flush_all(void)
{
	drop_all_of(this_cpu());
	ledger_flush_all();
}

/* Without tags a new root takes the place of everything cached through the old one. */
static void
leave_and_flush(struct sim_cpu *cpu)
{
	cpu->root = pfn_none();
	cpu->asid = 0;
	sim_tlb_flush_all();
}

void
sim_tlb_activate(pfn_t root, unsigned asid)
{
	struct sim_cpu *cpu = this_cpu();

	check_asid(asid, "activate");
	if (pfn_is_none(root) != (asid == 0))
		sim_violation("activate with root %" PRIx64 " and asid %u", root.n, asid);
	if (!pfn_is_none(root) && ram_is_free(root))
		sim_violation("activate with root %" PRIu64 ", which is a free frame", root.n);
	if (sim_fixed.no_asids)
		leave_and_flush(cpu);
	ledger_activated(root, asid);
	cpu->root = root;
	cpu->asid = asid;
}

void
sim_tlb_follow(pfn_t root, pfn_t reference)
{
	ledger_follows(root, reference);
}

void
sim_tlb_settled(unsigned asid)
{
	check_asid(asid, "settled");
	ledger_settled(asid);
}
