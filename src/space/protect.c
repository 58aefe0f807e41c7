/*
 * protect.c - change the protection of a range.
 *
 * As in Linux, the first thing in the way ends the call after the part before it
 * has been changed: a hole or a limit with ERR_NOMEM, a region that may not become
 * writable or executable with ERR_ACCES, a sealed one with ERR_PERM. Every other error leaves all as it was. What hardware may still
 * do is taken away before the call returns, on every CPU; what it may do more,
 * the next fault finds out.
 */
#include "pt/range.h"
#include "space/bounds.h"
#include "space/edit.h"
#include "space/limit.h"
#include "space/tree.h"

/* Linux's other PROT bits: atomic use of the memory, and "from the start of the stack". */
enum {
	PROT_SEM = 0x8,
	PROT_GROWSDOWN = 0x01000000,
	PROT_GROWSUP = 0x02000000,
};

/*
 * refuse - what is wrong with giving this part of a region the protection.
 *   gives  *data, the bytes that have become data on the way, counted on
 *   fails  ERR_ACCES: it may not become writable, or executable; ERR_PERM: it is sealed; ERR_NOMEM: over a limit
 */
static err_t
refuse(struct space *sp, const struct region *r, uint64_t bytes, prot_t prot, uint64_t *data)
{
	if (((prot & PROT_W) && (r->flags & REGION_MAYNOTWRITE)) ||
	    ((prot & PROT_X) && (r->flags & REGION_MAYNOTEXEC)))
		return ERR_ACCES;
	if (r->flags & REGION_SEALED)
		return ERR_PERM;
	if (region_is_charged(prot, r->flags) && !region_is_charged(r->prot, r->flags) &&
	    !limit_charge(sp, bytes))
		return ERR_NOMEM;
	if (region_is_data(prot, r->flags) && !region_is_data(r->prot, r->flags)) {
		if (limit_forbids_data(sp, *data + bytes))
			return ERR_NOMEM;
		*data += bytes;
	}
	return OK;
}

/*
 * survey - how far the call reaches.
 *   gives  *stop: the end of the range, or of the part before what is in the way
 *   fails  as refuse; ERR_NOMEM: a hole
 */
static err_t
survey(struct space *sp, struct va_range range, prot_t prot, vaddr_t *stop)
{
	uint64_t data = 0;

	*stop = range.start;
	for (struct region *r = tree_find_end(sp, range.start);
	     r && r->range.start <= *stop && *stop < range.end; r = tree_next(r)) {
		vaddr_t end = min_u64(r->range.end, range.end);
		err_t	err = refuse(sp, r, end - *stop, prot, &data);

		if (err)
			return err;
		*stop = end;
	}
	return *stop < range.end ? ERR_NOMEM : OK;
}

/* change - all of the range is mapped, and may have the protection. */
static err_t
change(struct space *sp, struct va_range range, prot_t prot)
{
	struct region_edit edit = { .range = range, .prot_mask = PROT_RWX, .prot = prot };
	struct pt_plan	   tables;
	struct gather	   g;
	err_t		   err;

	err = edit_plan(sp, &edit);
	if (err || range_is_empty(edit.changed))
		return err;
	err = pt_plan_protect(&tables, &sp->pt, edit.changed);
	if (err) {
		edit_drop(&edit);
		return err;
	}
	edit_commit(sp, &edit);
	gather_begin(&g, &sp->pt);
	pt_protect(&sp->pt, edit.changed, prot_usable(prot), &tables, &g);
	gather_end(&g);
	pt_plan_drop(&tables);
	return OK;
}

static err_t
protect_locked(struct space *sp, struct va_range range, unsigned prot)
{
	struct region *first = tree_find_end(sp, range.start);
	vaddr_t	       stop;
	err_t	       err, changed;

	if (prot & PROT_GROWSDOWN) {
		if (!first || first->range.start >= range.end)
			return ERR_NOMEM;
		if (!(first->flags & REGION_GROWSDOWN))
			return ERR_INVAL;
		range.start = first->range.start;
	} else if (first && first->range.start <= range.start && (prot & PROT_GROWSUP)) {
		return ERR_INVAL;
	}
	err = survey(sp, range, prot, &stop);
	if (stop == range.start)
		return err;
	changed = change(sp, va_range(range.start, stop), prot & PROT_RWX);
	return changed == OK ? err : changed;
}

err_t
space_protect(struct space *sp, vaddr_t addr, uint64_t length, uint64_t prot)
{
	const unsigned both = PROT_GROWSDOWN | PROT_GROWSUP;
	uint64_t       bytes;
	err_t	       err;

	if ((prot & both) == both || !is_page_aligned(addr))
		return ERR_INVAL;
	if (length == 0)
		return OK;
	if (!page_ceil(length, &bytes) || addr + bytes <= addr)
		return ERR_NOMEM;
	if (prot & ~(uint64_t)(PROT_RWX | PROT_SEM | both))
		return ERR_INVAL;
	write_lock(&sp->lock);
	err = protect_locked(sp, va_range(addr, addr + bytes), (unsigned)prot);
	limit_settle(sp);
	write_unlock(&sp->lock);
	return err;
}
