/*
 * pin.c - pages for devices: they stay where they are, and whose they are.
 *
 *	own     a private page becomes the space's own, also when it is only to be read; a
 *	        shared one is brought in
 *	pin     under the lock of its leaf table, if that is still so; else once more
 *
 * From then on the frame has one owner: a fork copies it for the child at once, and
 * page-out passes it by. When the program unmaps it, the pin alone keeps it.
 */
#include <anymm/call.h>

#include "pt/cursor.h"
#include "pt/pins.h"
#include "space/bounds.h"

/* How a page must be brought in; false: the region does not allow it. */
static bool
look_at_region(struct space *sp, vaddr_t va, unsigned flags, bool *is_private)
{
	struct region *r;
	bool	       allowed;

	read_lock(&sp->lock);
	r = space_find(sp, va);
	allowed = r && (r->prot & (flags & PIN_WRITE ? PROT_W : PROT_R)) &&
		  !(r->flags & REGION_DEVICE);
	if (allowed)
		*is_private = !(r->flags & REGION_SHARED);
	read_unlock(&sp->lock);
	return allowed;
}

/* is_ready - the leaf is what bring_in has left: not the zero page, and a private one with one owner. */
static bool
is_ready(const struct pt_view *view, unsigned flags, struct pte_leaf *leaf)
{
	if (arch_pte_kind(view->pte, view->level) != PTE_LEAF)
		return false;
	*leaf = arch_pte_decode_leaf(view->pte, view->level);
	if (leaf->is_special || ((flags & PIN_WRITE) && !pt_view_allows(view, ACCESS_STORE)))
		return false;
	return !leaf->is_private ||
	       (view->path_writable && frame_of(leaf->pfn)->kind == FRAME_ANON &&
		frame_is_exclusive(leaf->pfn));
}

/* try_pin - ERR_AGAIN: the page has changed since it was brought in. */
static err_t
try_pin(struct space *sp, vaddr_t va, unsigned flags, pfn_t *out)
{
	struct pte_leaf leaf;
	struct pt_view	view;
	err_t		err = ERR_AGAIN;

	read_lock(&sp->lock);
	view = pt_look_locked(&sp->pt, va);
	if (is_ready(&view, flags, &leaf))
		err = frame_pin(leaf.pfn);
	if (err == OK) {
		atomic_store(&sp->may_have_pins, true);
		*out = leaf.pfn;
	}
	pt_look_done(&view);
	if (err == OK)
		pt_note_pins(&sp->pt, va_range(va, va + ARCH_PAGE_SIZE));
	read_unlock(&sp->lock);
	return err;
}

static err_t
bring_in(struct space *sp, vaddr_t va, unsigned flags)
{
	enum fault_result result;
	bool		  is_private;

	if (!look_at_region(sp, va, flags, &is_private))
		return ERR_FAULT;
	if (is_private)
		result = fault_own(sp, va);
	else
		result = fault_handle(sp, va, flags & PIN_WRITE ? ACCESS_STORE : ACCESS_LOAD);
	if (result == FAULT_NOMEM)
		return ERR_NOMEM;
	return result == FAULT_DONE ? OK : ERR_FAULT;
}

static err_t
pin_page(struct space *sp, vaddr_t va, unsigned flags, pfn_t *out)
{
	err_t err;

	do {
		err = bring_in(sp, va, flags);
		if (err == OK)
			err = try_pin(sp, va, flags, out);
	} while (err == ERR_AGAIN);
	return err == ERR_OVERFLOW ? ERR_NOMEM : err;
}

err_t
call_pin(struct space *sp, vaddr_t va, uint64_t nr_pages, unsigned flags, pfn_t *frames)
{
	err_t err = OK;

	if (!is_page_aligned(va) || (flags & ~(unsigned)PIN_WRITE))
		return ERR_INVAL;
	if (nr_pages > ARCH_USER_END >> ARCH_PAGE_SHIFT ||
	    !lies_below(va, nr_pages << ARCH_PAGE_SHIFT, ARCH_USER_END))
		return ERR_FAULT;
	for (uint64_t i = 0; i < nr_pages; i++) {
		err = pin_page(sp, va + (i << ARCH_PAGE_SHIFT), flags, &frames[i]);
		if (err) {
			call_unpin(frames, i, false);
			break;
		}
	}
	return err;
}

void
call_unpin(const pfn_t *frames, uint64_t nr_pages, bool dirty)
{
	for (uint64_t i = 0; i < nr_pages; i++) {
		if (dirty && frame_of(frames[i])->kind == FRAME_OBJECT)
			frame_set_flag(frames[i], FRAME_DIRTY);
		frame_unpin(frames[i]);
	}
}
