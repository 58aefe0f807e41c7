/*
 * remap.c - which pages have moved.
 *
 * What touch has stored in a page tells the page's address. A page that has moved
 * tells its old one: so the moves are kept, and touch follows them back.
 */
#include "scenario/call.h"

bool
move_back(const struct move **move, vaddr_t *va)
{
	for (; *move; *move = (*move)->older) {
		const struct move *m = *move;

		if (*va - m->to >= ((m->bytes + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK))
			continue;
		*va = *va - m->to + m->from;
		*move = m->older;
		return true;
	}
	return false;
}
