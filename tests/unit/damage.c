/* damage.c - a machine to be broken on purpose; see damage.h. */
#include "unit/damage.h"

#include <string.h>

void
expect_broken(enum invariant inv, const char *fragment, const char *file, int line)
{
	struct check_report report;

	if (check_all(&report)) {
		print_error("every invariant holds, expected %s to be broken\n",
			    invariant_name(inv));
		_fail(file, line);
	}
	if (report.broken != inv || !strstr(report.text, fragment)) {
		print_error("%s: %s\nexpected %s: ...%s...\n", invariant_name(report.broken),
			    report.text, invariant_name(inv), fragment);
		_fail(file, line);
	}
}

pfn_t
damage_table(struct space *sp, unsigned level, unsigned page)
{
	pfn_t table = sp->pt.root;

	for (unsigned at = ARCH_PT_LEVELS - 1; at > level; at--) {
		unsigned index = (page >> at * ARCH_PT_INDEX_BITS) % ARCH_PT_ENTRIES;

		table = arch_pte_table_pfn(((pte_t *)arch_frame_ptr(table))[index]);
	}
	return table;
}

pte_t *
damage_slot(struct space *sp, unsigned level, unsigned page)
{
	pte_t *entries = arch_frame_ptr(damage_table(sp, level, page));

	return entries + (page >> level * ARCH_PT_INDEX_BITS) % ARCH_PT_ENTRIES;
}

struct pte_leaf
damage_leaf(struct space *sp, unsigned page)
{
	return arch_pte_decode_leaf(*damage_slot(sp, 0, page), 0);
}

void
damage_set_leaf(struct space *sp, unsigned page, struct pte_leaf leaf)
{
	*damage_slot(sp, 0, page) = arch_pte_leaf(leaf);
}

struct frame *
damage_frame(struct space *sp, unsigned page)
{
	return frame_of(damage_leaf(sp, page).pfn);
}

struct region *
damage_region(struct space *sp, unsigned page)
{
	return space_find(sp, PAGE(page));
}

void
damage_abandon(void)
{
	machine_stop();
}
