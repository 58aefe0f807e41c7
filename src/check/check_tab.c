/*
 * check_tab.c - I-TAB: what a table says of itself is true.
 */
#include "check/walk.h"
#include "pt/table.h"

bool
tab_is_table(struct check *c, pfn_t table, unsigned level, bool is_root, const char *where,
	     uint64_t at)
{
	struct frame *f;

	if (!frame_exists(table) || frame_of(table)->kind != FRAME_TABLE) {
		check_fail(c, INV_TAB, "%s 0x%llx names frame %llu, which is not a table", where,
			   (unsigned long long)at, (unsigned long long)table.n);
		c->cannot_go_on = true;
		return false;
	}
	f = frame_of(table);
	if (f->table.level != level || (f->table.is_root != 0) != is_root) {
		check_fail(c, INV_TAB,
			   "%s 0x%llx names table %llu of level %u%s, expected level %u%s", where,
			   (unsigned long long)at, (unsigned long long)table.n, f->table.level,
			   f->table.is_root ? " (root)" : "", level, is_root ? " (root)" : "");
		c->cannot_go_on = true;
		return false;
	}
	return true;
}

bool
tab_table(struct check *c, pfn_t table, unsigned level, bool is_root, const char *where,
	  uint64_t at)
{
	struct frame *f;

	if (!tab_is_table(c, table, level, is_root, where, at))
		return false;
	f = frame_of(table);
	if (atomic_load(&f->lock) & BYTE_LOCKED)
		check_fail(c, INV_TAB, "table %llu is locked", (unsigned long long)table.n);
	if (!(atomic_load(&f->lock) & TABLE_VISIBLE) != (level > 0))
		check_fail(c, INV_TAB, "table %llu of level %u is %s to page-out",
			   (unsigned long long)table.n, level, level ? "visible" : "invisible");
	return true;
}

void
tab_live(struct check *c, pfn_t table, unsigned level, unsigned live)
{
	struct frame *f = frame_of(table);

	if (f->table.live != live)
		check_fail(c, INV_TAB, "level-%u table %llu says it has %u entries, found %u",
			   level, (unsigned long long)table.n, f->table.live, live);
	if (!live && level != ARCH_PT_LEVELS - 1)
		check_fail(c, INV_TAB, "empty table %llu hangs at level %u",
			   (unsigned long long)table.n, level);
}
