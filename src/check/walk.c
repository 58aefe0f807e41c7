/*
 * walk.c - visits every table that a space reaches and hands each entry to the
 * checks of I-REF, I-EXCL, I-PROT and I-TAB.
 *
 * A table may hang in many trees. What concerns the table alone (counts,
 * exclusiveness, live entries) is checked the first time it is named. What
 * concerns a space (I-PROT) is checked per space, but a shared table that an
 * earlier space reaches at the same address is skipped if both have equal
 * regions there: the first check has proved it for both. Where regions differ
 * the walk goes one level down and asks again, so spaces forked from one another
 * cost their differences and not their sizes.
 *
 * The walking code and the arithmetic of addresses are its own; of the library
 * it uses only the machine's entry codec. Entries are read plainly because
 * nothing changes them meanwhile.
 */
#include "check/walk.h"

#include "check/sweep.h"

static const pte_t *
entries_of(pfn_t table)
{
	return arch_frame_ptr(table);
}

pfn_t
walk_table_at(struct space *sp, unsigned level, vaddr_t va)
{
	pfn_t	 table = sp->pt.root;
	unsigned at = ARCH_PT_LEVELS - 1;

	while (at > level) {
		unsigned index = (unsigned)(va >> walk_span(at)) % ARCH_PT_ENTRIES;
		pte_t	 pte = entries_of(table)[index];

		if (arch_pte_kind(pte, at) != PTE_TABLE)
			return pfn_none();
		table = arch_pte_table_pfn(pte);
		at--;
	}
	return table;
}

/* checked_before - the table below this entry was checked for a space with equal regions. */
static bool
checked_before(struct check *c, const struct entry_at *e)
{
	pfn_t		child = arch_pte_table_pfn(e->pte);
	uint64_t	span = (uint64_t)1 << walk_span(e->level);
	struct va_range range = va_range(e->va, e->va + span);
	unsigned	nr = (unsigned)min_u64(c->nr_before, ARRAY_SIZE(c->before));

	for (unsigned i = 1; i <= nr; i++) {
		struct space *twin = c->before[(c->nr_before - i) % ARRAY_SIZE(c->before)];

		if (pfn_eq(walk_table_at(twin, e->level - 1, e->va), child))
			return prot_same_regions(c->sp, twin, range);
	}
	return false;
}

static void walk_table(struct check *c, const struct entry_at *table);

/* walk_entry - all checks of one entry that is not empty, and of what is below it. */
static void
walk_entry(struct check *c, const struct entry_at *e)
{
	bool named_first = e->first && ref_name_entry(c, e);

	if (c->cannot_go_on)
		return;
	if (e->first)
		excl_entry(c, e);
	if (e->kind != PTE_TABLE) {
		prot_entry(c, e);
		return;
	}
	if (!named_first && checked_before(c, e))
		return;
	walk_table(c, &(struct entry_at){
			      .table = arch_pte_table_pfn(e->pte),
			      .level = e->level - 1,
			      .va = e->va,
			      .path_writable = e->path_writable && arch_pte_writable(e->pte),
			      .first = named_first,
		      });
}

/* walk_table - all entries of one table; `table` gives table, level, va, path_writable, first. */
static void
walk_table(struct check *c, const struct entry_at *table)
{
	bool	     is_root = table->level == ARCH_PT_LEVELS - 1;
	unsigned     end = is_root ? ARCH_USER_ROOT_SLOTS : ARCH_PT_ENTRIES;
	const pte_t *entries = entries_of(table->table);
	unsigned     live = 0;

	for (unsigned i = 0; i < end && !c->cannot_go_on; i++) {
		struct entry_at e;

		if (i % WALK_GROUP == 0 && walk_group_is_empty(entries + i)) {
			i += WALK_GROUP - 1;
			continue;
		}
		if (arch_pte_equal(entries[i], arch_pte_empty()))
			continue;
		e = *table;
		e.pte = entries[i];
		e.kind = arch_pte_kind(e.pte, e.level);
		live++;
		e.index = i;
		e.va = table->va + ((uint64_t)i << walk_span(e.level));
		walk_entry(c, &e);
	}
	if (table->first && !c->cannot_go_on)
		tab_live(c, table->table, table->level, live);
}

/* walk_space - the tree of one space; its root has no other name than the space. */
static void
walk_space(struct check *c, struct space *sp)
{
	pfn_t root = sp->pt.root;

	c->sp = sp;
	c->region = reg_first(sp);
	if (!tab_table(c, root, ARCH_PT_LEVELS - 1, true, "root of space at", (uintptr_t)sp))
		return;
	if (!ref_name(c, root, "root of space at", (uintptr_t)sp) && !c->cannot_go_on) {
		c->cannot_go_on = true;
		check_fail(c, INV_REF, "root table %llu is named by two spaces or by a slot",
			   (unsigned long long)root.n);
		return;
	}
	if (c->cannot_go_on)
		return;
	walk_table(c, &(struct entry_at){
			      .table = root,
			      .level = ARCH_PT_LEVELS - 1,
			      .path_writable = true,
			      .first = true,
		      });
}

void
walk_spaces(struct check *c)
{
	for (struct space *sp = space_list_first(); sp && !c->cannot_go_on;
	     sp = space_list_next(sp)) {
		walk_space(c, sp);
		if (!c->cannot_go_on)
			check_replicas(c, sp);
		c->before[c->nr_before % ARRAY_SIZE(c->before)] = sp;
		c->nr_before++;
	}
}
