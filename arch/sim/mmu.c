/*
 * mmu.c - the hardware's walk of the tables, and user accesses through it.
 *
 * Written from the picture in arch/pte.h and not from the library's codec, so a
 * mistake in either shows. Rights are the AND over the walk: user (not
 * kernel-only) and execution at every level, writing at upper levels only on
 * machines that deny it there. Accessed bits are set in every entry on the way
 * (where upper entries have permissions at all), the dirty bit in the leaf by
 * stores, each by compare-and-swap on an entry that still says what was read.
 */
#include "machine.h"

#include <inttypes.h>
#include <string.h>

#include "hostile.h"
#include "ledger.h"

/* Stale translations of one page that an access may be served from; more are ignored. */
#define STALE_CHOICES 8

static uint64_t *
slot_at(pfn_t table, unsigned level, vaddr_t va)
{
	unsigned index = (unsigned)(va >> (ARCH_PAGE_SHIFT + level * SIM_INDEX_BITS)) % HW_ENTRIES;

	return (uint64_t *)arch_frame_ptr(table) + index;
}

static uint64_t
load(const uint64_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

/* What no table may hold: a check of the library's codec. */
static void
check_entry(uint64_t entry, unsigned level, vaddr_t va)
{
	uint64_t span = UINT64_C(1) << level * SIM_INDEX_BITS;
	bool	 bad = entry & HW_ZERO;

	if (entry & HW_TABLE)
		bad = bad || level == 0;
	else
		bad = bad || level > ARCH_LEAF_LEVEL_MAX || (entry & HW_FRAME) % span;
	if (bad)
		sim_violation("the walk for 0x%" PRIx64 " meets a malformed entry %016" PRIx64
			      " at level %u",
			      va, entry, level);
}

unsigned
mmu_entry_rights(uint64_t entry)
{
	unsigned rights = RIGHT_ALL;

	if (entry & HW_KERNEL)
		return 0;
	if (entry & HW_DENY_X)
		rights &= ~(unsigned)RIGHT_X;
	if (entry & HW_TABLE) {
		if (SIM_UPPER_WRITE_DENIAL && entry & HW_DENY_W)
			rights &= ~(unsigned)RIGHT_W;
		return rights;
	}
	if (entry & HW_DENY_R)
		rights &= ~(unsigned)RIGHT_R;
	if (entry & HW_DENY_W)
		rights &= ~(unsigned)RIGHT_W;
	if (!(entry & HW_DIRTY))
		rights &= ~(unsigned)RIGHT_D;
	return rights;
}

/* Addresses that no walk translates: between the halves, or beyond the tables. */
static bool
is_translatable(vaddr_t va)
{
	uint64_t top = va >> (SIM_VA_BITS - 1);

	if (SIM_HAS_HALVES)
		return top == 0 || top == UINT64_MAX >> (SIM_VA_BITS - 1);
	return va >> SIM_VA_BITS == 0;
}

struct walk
mmu_walk_from(pfn_t table, unsigned level, unsigned rights, vaddr_t va)
{
	struct walk w = { .end = WALK_NOT_PRESENT, .top = level, .pfn = pfn_none() };

	if (pfn_is_none(table) || !is_translatable(va))
		return w;
	for (;; level--) {
		w.slot = slot_at(table, level, va);
		w.entry = load(w.slot);
		w.level = level;
		if (!(w.entry & HW_VALID))
			return w;
		check_entry(w.entry, level, va);
		rights &= mmu_entry_rights(w.entry);
		if (!(w.entry & HW_TABLE))
			break;
		w.path[level] = w.slot;
		table.n = w.entry & HW_FRAME;
	}
	w.end = WALK_DONE;
	w.rights = rights;
	w.pfn.n = (w.entry & HW_FRAME) +
		  (va >> ARCH_PAGE_SHIFT) % (UINT64_C(1) << level * SIM_INDEX_BITS);
	return w;
}

struct walk
mmu_walk(pfn_t root, vaddr_t va)
{
	return mmu_walk_from(root, HW_ROOT, RIGHT_ALL, va);
}

/* Set bits in an entry that still says what the walk read, apart from these bits. */
static bool
set_bits(uint64_t *slot, uint64_t entry, uint64_t bits)
{
	uint64_t expected = entry;

	if ((entry & bits) == bits)
		return true;
	return __atomic_compare_exchange_n(slot, &expected, entry | bits, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* Mark what a successful walk used. false: an entry changed meanwhile, walk again. */
static bool
set_accessed(const struct walk *w, bool is_store)
{
	for (unsigned level = w->top; SIM_UPPER_WRITE_DENIAL && level > w->level; level--) {
		uint64_t entry = load(w->path[level]);

		if (!(entry & HW_VALID) || !set_bits(w->path[level], entry, HW_ACCESSED))
			return false;
	}
	return set_bits(w->slot, w->entry, HW_ACCESSED | (is_store ? HW_DIRTY : 0));
}

static unsigned
needed_rights(enum access access)
{
	switch (access) {
	case ACCESS_STORE:
		return RIGHT_W;
	case ACCESS_FETCH:
		return RIGHT_X;
	case ACCESS_LOAD:
		break;
	}
	return RIGHT_R;
}

/* Cache what a walk gave. A store has set the dirty bit; before that it may not be assumed. */
static unsigned char *
fill(struct sim_cpu *cpu, vaddr_t va, const struct walk *w, bool is_store)
{
	struct tlb_entry *entry = tlb_slot(cpu, cpu->asid, va >> ARCH_PAGE_SHIFT);

	if (ram_is_free(w->pfn))
		sim_violation("a user access to 0x%" PRIx64 " reaches frame %" PRIu64
			      ", which is free",
			      va, w->pfn.n);
	*entry = (struct tlb_entry){
		.vpn = va >> ARCH_PAGE_SHIFT,
		.gen = cpu->gen[cpu->asid],
		.rights = w->rights | (is_store ? RIGHT_D : 0),
		.page = arch_frame_ptr(w->pfn),
	};
	if (w->level > 0)
		cpu->has_large[cpu->asid] = true;
	return entry->page;
}

/* The access's page through a fresh walk, or NULL with the fault. */
static unsigned char *
walk_for_access(struct sim_cpu *cpu, enum access access, vaddr_t va, struct arch_fault *fault)
{
	unsigned    need = needed_rights(access);
	bool	    is_store = access == ACCESS_STORE;
	struct walk w;

	do {
		w = mmu_walk(cpu->root, va);
		if (w.end == WALK_DONE && (w.rights & need) != need)
			w.end = WALK_DENIED;
		if (w.end != WALK_DONE) {
			*fault = (struct arch_fault){
				.va = va,
				.access = access,
				.present = w.end == WALK_DENIED,
				.user = true,
			};
			tlb_drop_page(cpu, cpu->asid, va);
			return NULL;
		}
	} while (!set_accessed(&w, is_store));
	return fill(cpu, va, &w, is_store);
}

/* A stale way that allows the access. A cached store needs a cached dirty bit: else the CPU walks. */
static bool
allows(const struct stale_choice *choice, enum access access)
{
	unsigned need = needed_rights(access);

	if (access == ACCESS_STORE && !choice->is_walk)
		need |= RIGHT_D;
	return (choice->rights & need) == need;
}

/*
 * Stale translations and partial walks that would allow the access, and the tables'
 * own answer, are equally legal; the seed chooses.
 */
static unsigned char *
translate_any(struct sim_cpu *cpu, enum access access, vaddr_t va, struct arch_fault *fault)
{
	struct stale_choice choices[STALE_CHOICES];
	unsigned	    nr = ledger_stale_choices(cpu->asid, va, choices, STALE_CHOICES);
	unsigned	    usable[STALE_CHOICES], nr_usable = 0, chosen;

	for (unsigned i = 0; i < nr; i++)
		if (allows(&choices[i], access))
			usable[nr_usable++] = i;
	chosen = (unsigned)(sim_random() % (nr_usable + 1));
	if (chosen < nr_usable) {
		const struct stale_choice *choice = &choices[usable[chosen]];
		const struct walk	  *w = &choice->walk;

		if (!choice->is_walk || set_accessed(w, access == ACCESS_STORE))
			return arch_frame_ptr(choice->pfn);
	}
	return walk_for_access(cpu, access, va, fault);
}

/* What is cached denies what the tables may allow by now: one fault is legal, and drops it. */
static bool
faults_spuriously(struct sim_cpu *cpu, const struct tlb_entry *entry, enum access access,
		  vaddr_t va, struct arch_fault *fault)
{
	if (entry->vpn != va >> ARCH_PAGE_SHIFT || entry->gen != cpu->gen[cpu->asid] ||
	    entry->rights & needed_rights(access))
		return false;
	*fault = (struct arch_fault){ .va = va, .access = access, .present = true, .user = true };
	tlb_drop_page(cpu, cpu->asid, va);
	return true;
}

static unsigned char *
translate(struct sim_cpu *cpu, enum access access, vaddr_t va, struct arch_fault *fault)
{
	uint64_t	  vpn = va >> ARCH_PAGE_SHIFT;
	struct tlb_entry *entry = tlb_slot(cpu, cpu->asid, vpn);
	unsigned	  need = access == ACCESS_STORE ? RIGHT_W | RIGHT_D : needed_rights(access);

	if (LIKELY(entry->vpn == vpn && entry->gen == cpu->gen[cpu->asid] &&
		   (entry->rights & need) == need && !cpu->nr_stale))
		return entry->page;
	if (cpu->nr_stale)
		return translate_any(cpu, access, va, fault);
	if (hostile_faults_on && faults_spuriously(cpu, entry, access, va, fault))
		return NULL;
	return walk_for_access(cpu, access, va, fault);
}

/* Small copies are most of all accesses. */
static inline void
copy_bytes(void *dst, const void *src, size_t bytes)
{
	if (bytes == 8)
		memcpy(dst, src, 8);
	else if (bytes == 1)
		memcpy(dst, src, 1);
	else
		memcpy(dst, src, bytes);
}

size_t
sim_user_access(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	struct sim_cpu *cpu = this_cpu();
	size_t		done = 0;

	while (done < bytes) {
		vaddr_t	       at = va + done;
		size_t	       offset = at & ARCH_PAGE_MASK;
		size_t	       part = min_u64(bytes - done, ARCH_PAGE_SIZE - offset);
		unsigned char *page;

		arch_point();
		page = translate(cpu, access, at, fault);
		if (!page)
			break;
		if (access == ACCESS_STORE)
			copy_bytes(page + offset, (unsigned char *)buf + done, part);
		else
			copy_bytes((unsigned char *)buf + done, page + offset, part);
		done += part;
	}
	return done;
}

size_t
sim_access(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	return sim_user_access(access, va, buf, bytes, fault);
}

struct sim_translation
sim_translate(pfn_t root, vaddr_t va)
{
	struct walk w = mmu_walk(root, va);

	return (struct sim_translation){
		.present = w.end == WALK_DONE,
		.pfn = w.pfn,
		.prot = w.rights & (PROT_R | PROT_W | PROT_X),
		.level = w.level,
	};
}
