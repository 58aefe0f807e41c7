/*
 * walk.h - one entry of one table as the checks see it, and the parts of the
 * table walk that belong to one invariant each.
 */
#pragma once

#include "check/invariants.h"

/* An entry, where it stands, and what allows it. */
struct entry_at {
	pfn_t	      table;
	unsigned      index;
	unsigned      level; /* of the table */
	vaddr_t	      va;    /* first address the entry translates */
	pte_t	      pte;
	enum pte_kind kind;
	bool	      path_writable; /* every table entry above allows writes */
	bool	      first;	     /* the table is visited for the first time */
};

/* walk_span - log2 of the bytes that one entry of a table of this level translates. */
static inline unsigned
walk_span(unsigned level)
{
	return ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;
}

/*
 * Entries are looked at in groups, because most tables are nearly empty: a group
 * that is all zero holds nothing, on every machine (law P5).
 */
#define WALK_GROUP (ARCH_PT_ENTRIES < 64 ? ARCH_PT_ENTRIES : 64)

/* Plain loads of a frame that is known to be in use: no sanitizer needs to look at each. */
#define WALK_LOADS __attribute__((no_sanitize_address))

static inline WALK_LOADS bool
walk_group_is_empty(const pte_t *entries)
{
	const uint64_t *words = (const uint64_t *)entries;
	uint64_t	any = 0;

	static_assert(sizeof(pte_t) == sizeof(*words), "an entry is one word");
	for (unsigned i = 0; i < WALK_GROUP; i++)
		any |= words[i];
	return !any;
}

/* walk_spaces - visit all tables of all spaces: I-REF counting, I-EXCL, I-PROT, I-TAB. */
void walk_spaces(struct check *c);

/*
 * walk_table_at - the table of this level that the space's tree has at va, or pfn_none().
 * Walks with plain reads and no lock.
 */
pfn_t walk_table_at(struct space *sp, unsigned level, vaddr_t va);

/* ref_name - one more place names the frame; true if it is the first. `where` says which. */
bool ref_name(struct check *c, pfn_t pfn, const char *where, uint64_t at);

/* ref_name_entry - the same for what an entry names; false also if it names nothing counted. */
bool ref_name_entry(struct check *c, const struct entry_at *e);

/* ref_name_slot - one more place names the swap slot. */
void ref_name_slot(struct check *c, uint64_t slot, const char *where, uint64_t at);

/*
 * ref_objects, ref_swap - name the frames of all objects, and those that swap slots have.
 * ref_compare, ref_compare_slots - counts against names.
 */
void ref_objects(struct check *c);
void ref_swap(struct check *c);
void ref_compare(struct check *c);
void ref_compare_slots(struct check *c);

/* check_swap_pairs - each slot that names a frame is named by it. To be called before any sweep. */
void check_swap_pairs(struct check *c);

/* check_replicas - of one space, after its own tables have been walked. */
void check_replicas(struct check *c, struct space *sp);

void excl_entry(struct check *c, const struct entry_at *e);
void prot_entry(struct check *c, const struct entry_at *e);

/* prot_same_regions - two spaces have equal regions in the range, so one check serves both. */
bool prot_same_regions(struct space *a, struct space *b, struct va_range range);

/*
 * tab_is_table - the frame is a table of this level; tab_table - and in the state of one that hangs
 * in a tree; tab_live - its entries, counted.
 */
bool tab_is_table(struct check *c, pfn_t table, unsigned level, bool is_root, const char *where,
		  uint64_t at);
bool tab_table(struct check *c, pfn_t table, unsigned level, bool is_root, const char *where,
	       uint64_t at);
void tab_live(struct check *c, pfn_t table, unsigned level, unsigned live);

/* reg_first, reg_next - regions in order of address, by the links of the tree alone. */
struct region *reg_first(struct space *sp);
struct region *reg_next(struct region *r);

/* reg_after - the first region of the space that ends after va, or NULL. */
struct region *reg_after(struct space *sp, vaddr_t va);

/* The other checks, each for itself. */
void check_regions(struct check *c);
void check_free_frames(struct check *c, pfn_t head, unsigned order);
void check_tlb(struct check *c);
void check_charge(struct check *c);
void check_ledger(struct check *c);
void check_processes(struct check *c);
