/*
 * effect.c - compare what the hardware could do through an entry before and after.
 *
 * Old and new entry are compared as trees: where both name the same table with
 * the same rights nothing below can differ, so a fork or a table copy costs one table and
 * not what hangs below it. A translation is stale when the new tree does not serve
 * each of its pages from the same frame with the same rights or more; a partial walk is
 * stale when its table is not named there any more, or with fewer rights.
 *
 * Losing the write permission of an upper entry makes everything below stale that
 * could write. That is one record for the range; single pages are looked
 * up only if somebody tries to flush them one by one.
 */
#include "effect.h"

#include "reach.h"

/* One place in both trees. */
struct place {
	unsigned level;
	vaddr_t	 va;
	uint64_t old, next;
	unsigned old_rights, next_rights; /* left by the entries above */
};

#define TYPE_BITS (UINT64_C(3) << 54)

/* A dirty bit that nobody may write through says nothing. */
static unsigned
usable(unsigned rights)
{
	return rights & RIGHT_W ? rights : rights & ~(unsigned)RIGHT_D;
}

static bool
is_table(uint64_t entry)
{
	return (entry & (HW_VALID | HW_TABLE)) == (HW_VALID | HW_TABLE);
}

bool
effect_only_writes(uint64_t old, uint64_t next)
{
	return next & HW_VALID && !((old ^ next) & (HW_TABLE | HW_FRAME | TYPE_BITS)) &&
	       !(mmu_entry_rights(old) & ~mmu_entry_rights(next) & ~(unsigned)(RIGHT_W | RIGHT_D));
}

bool
effect_loses(uint64_t old, uint64_t next)
{
	if (!(next & HW_VALID) || (old ^ next) & (HW_TABLE | HW_FRAME | TYPE_BITS))
		return true;
	return usable(mmu_entry_rights(old)) & ~mmu_entry_rights(next);
}

static uint64_t
entry_at(uint64_t table, unsigned index)
{
	const uint64_t *entries = arch_frame_ptr((pfn_t){ table });

	return __atomic_load_n(&entries[index], __ATOMIC_RELAXED);
}

static uint64_t
frames_of(unsigned level)
{
	return level_bytes(level) >> ARCH_PAGE_SHIFT;
}

/* The part of an entry that piece i of it would be, one level down. */
static uint64_t
piece(uint64_t entry, unsigned level, unsigned i)
{
	if (!(entry & HW_VALID))
		return 0;
	return entry & HW_TABLE ? entry_at(entry & HW_FRAME, i) : entry + i * frames_of(level - 1);
}

/* serves - the new tree gives every page of a translation its frame and at least its rights. */
static bool
serves(const struct place *p, uint64_t pfn, unsigned rights)
{
	unsigned left = p->next_rights & mmu_entry_rights(p->next);

	if (!(p->next & HW_VALID))
		return false;
	if (!(p->next & HW_TABLE))
		return (p->next & HW_FRAME) == pfn && !(rights & ~left) &&
		       !((p->old ^ p->next) & TYPE_BITS);
	for (unsigned i = 0; i < HW_ENTRIES; i++) {
		struct place below = {
			.level = p->level - 1,
			.old = p->old,
			.next = piece(p->next, p->level, i),
			.next_rights = left,
		};

		if (!serves(&below, pfn + i * frames_of(p->level - 1), rights))
			return false;
	}
	return true;
}

static void
add(const struct effect *e, const struct place *p, enum record_kind kind, unsigned rights)
{
	record_add(&(struct record){
		.kind = kind,
		.asid = e->asid,
		.level = p->level,
		.rights = rights,
		.cpus = e->cpus,
		.va = p->va,
		.entry = p->old,
		.pfn = kind == STALE_WRITES ? UINT64_MAX : p->old & HW_FRAME,
		.cause = *e->cause,
	});
}

static void compare(const struct effect *e, const struct place *p);

static void
compare_below(const struct effect *e, const struct place *p)
{
	uint64_t	    pfn = p->old & HW_FRAME;
	const struct table *t = reach_find(pfn);
	unsigned	    old_rights = p->old_rights & mmu_entry_rights(p->old);
	unsigned	    next_rights = p->next_rights & mmu_entry_rights(p->next);

	for (unsigned word = 0; t && word < ARRAY_SIZE(t->present); word++) {
		for (uint64_t bits = t->present[word]; bits; bits &= bits - 1) {
			unsigned i = word * 64 + (unsigned)__builtin_ctzll(bits);

			compare(e, &(struct place){
					   .level = p->level - 1,
					   .va = p->va + i * level_bytes(p->level - 1),
					   .old = entry_at(pfn, i),
					   .next = piece(p->next, p->level, i),
					   .old_rights = old_rights,
					   .next_rights = next_rights,
				   });
		}
	}
}

static void
compare_table(const struct effect *e, const struct place *p)
{
	unsigned old_rights = p->old_rights & mmu_entry_rights(p->old);
	unsigned next_rights = p->next_rights & mmu_entry_rights(p->next);
	bool	 is_same = is_table(p->next) && !((p->old ^ p->next) & HW_FRAME);
	unsigned lost = old_rights & ~next_rights;

	if (is_same && !(lost & ~(unsigned)RIGHT_D))
		return;
	if (!e->page_by_page)
		add(e, p, STALE_TABLE, old_rights);
	if (!e->page_by_page && is_same && !(lost & ~(unsigned)(RIGHT_W | RIGHT_D)))
		add(e, p, STALE_WRITES, RIGHT_W);
	else
		compare_below(e, p);
}

static void
compare(const struct effect *e, const struct place *p)
{
	unsigned rights;

	if (!(p->old & HW_VALID))
		return;
	if (p->old & HW_TABLE) {
		compare_table(e, p);
		return;
	}
	rights = usable(p->old_rights & mmu_entry_rights(p->old));
	if (rights && !serves(p, p->old & HW_FRAME, rights))
		add(e, p, STALE_LEAF, rights);
}

void
effect_record(const struct effect *e)
{
	compare(e, &(struct place){
			   .level = e->cause->level,
			   .va = e->cause->va,
			   .old = e->old,
			   .next = e->cause->next,
			   .old_rights = e->rights,
			   .next_rights = e->rights,
		   });
}

/*
 * The entry that serves va at this level now, or 0; *rights: what those above it
 * leave. A large leaf above the level is returned as it is.
 */
static uint64_t
entry_serving(pfn_t root, unsigned level, vaddr_t va, unsigned *rights)
{
	uint64_t entry = HW_VALID | HW_TABLE | root.n;

	*rights = RIGHT_ALL;
	for (unsigned at = HW_ROOT + 1; at-- > level && is_table(entry);) {
		*rights &= mmu_entry_rights(entry);
		entry = entry_at(entry & HW_FRAME, (unsigned)(va / level_bytes(at)) % HW_ENTRIES);
	}
	return entry;
}

bool
effect_is_stale(const struct record *r, pfn_t root)
{
	struct place p = { .level = r->level, .va = r->va, .old = r->entry };
	unsigned     rights;
	struct walk  w;

	p.next = entry_serving(root, r->level, r->va, &p.next_rights);
	rights = p.next_rights & mmu_entry_rights(p.next);
	switch (r->kind) {
	case STALE_TABLE:
		return !is_table(p.next) || (p.next & HW_FRAME) != r->pfn ||
		       r->rights & ~rights & ~(unsigned)RIGHT_D;
	case STALE_WRITES:
		return !is_table(p.next) || (p.next ^ r->entry) & HW_FRAME || !(rights & RIGHT_W);
	case STALE_LEAF:
		break;
	}
	if (r->level > 0)
		return !serves(&p, r->pfn, r->rights);
	w = mmu_walk(root, r->va);
	return w.end != WALK_DONE || w.pfn.n != r->pfn || r->rights & ~w.rights ||
	       (w.entry ^ r->entry) & TYPE_BITS;
}

void
effect_expand(const struct record *range, pfn_t root)
{
	struct effect e = {
		.asid = range->asid,
		.cpus = range->cpus,
		.cause = &range->cause,
		.page_by_page = true,
	};
	unsigned rights;
	uint64_t entry = entry_serving(root, range->level, range->va, &rights);

	if (is_table(entry))
		compare_below(&e, &(struct place){
					  .level = range->level,
					  .va = range->va,
					  .old = entry & ~HW_DENY_W,
					  .next = entry | HW_DENY_W,
					  .old_rights = RIGHT_ALL,
					  .next_rights = RIGHT_ALL & ~(unsigned)RIGHT_W,
				  });
}

/* Two trees, one of which may say no more than the other, and the part that is compared. */
struct pair {
	pfn_t	 root, truth;
	vaddr_t	 start, end;
	unsigned spared;
};

static bool
page_differs(const struct pair *pair, vaddr_t va)
{
	struct walk has = mmu_walk(pair->root, va);
	struct walk may = mmu_walk(pair->truth, va);

	if (has.end != WALK_DONE || !usable(has.rights))
		return false;
	return may.end != WALK_DONE || may.pfn.n != has.pfn.n ||
	       usable(has.rights) & ~may.rights & ~pair->spared;
}

static bool
table_differs(const struct pair *pair, const struct table *t, unsigned level, vaddr_t base)
{
	for (unsigned i = 0; t && i < HW_ENTRIES; i++) {
		vaddr_t	 va = base + i * level_bytes(level);
		uint64_t entry;

		if (!(t->present[i / 64] >> i % 64 & 1) || va + level_bytes(level) <= pair->start ||
		    va >= pair->end)
			continue;
		entry = entry_at(t->pfn, i);
		if (is_table(entry)
			    ? table_differs(pair, reach_find(entry & HW_FRAME), level - 1, va)
			    : page_differs(pair, va))
			return true;
	}
	return false;
}

bool
effect_differs(pfn_t root, pfn_t truth, vaddr_t va, unsigned level, unsigned spared)
{
	const struct pair pair = { root, truth, va, va + level_bytes(level), spared };

	return table_differs(&pair, reach_find(root.n), HW_ROOT, 0);
}
