/*
 * resolve.c - the entry of one page, decided under the lock of its leaf table.
 *
 * What may take long or fail comes first: an object's page is fetched before the
 * cursor locks anything, a fresh frame is filled before it is hooked in. The
 * cursor has made the path exclusive, so the frame's own count decides.
 */
#include "fault/resolve.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/cursor.h"
#include "pt/migrate.h"
#include "pt/state.h"
#include "pt/table.h"
#include "swap/cache.h"

/* One fault on its way. Written by the step named. */
struct fault_ctx {
	struct region	  *r;	   /* fault_resolve */
	enum access	   access; /* fault_resolve; constant */
	vaddr_t		   va;	   /* fault_resolve: the page */
	pfn_t		   page;   /* fetch_page: the object's, one count held; or pfn_none() */
	bool		   empty;  /* fault_resolve: the entry is empty, so the page is wanted */
	bool		   waits;  /* fetch_page: the pager has not got it yet */
	bool		   out;	   /* resolve_once: the page is out, and must be waited for */
	bool		   full;   /* look: it is out, and its slot's count is full */
	struct fault_wait *wait;   /* fault_resolve */
	struct gather	   gather;
	struct pt_cursor   cur;
};

static struct pte_leaf
leaf_of(const struct fault_ctx *c, pfn_t pfn, prot_t prot)
{
	return (struct pte_leaf){ .pfn = pfn,
				  .prot = prot,
				  .is_private = !(c->r->flags & REGION_SHARED),
				  .is_wired = c->r->flags & REGION_LOCKED,
				  .accessed = true };
}

static prot_t
readable_only(const struct fault_ctx *c)
{
	return prot_usable(c->r->prot) & ~(prot_t)PROT_W;
}

static bool
is_device(const struct fault_ctx *c)
{
	return c->r->object && object_is_device(c->r->object);
}

static void
set_leaf(struct fault_ctx *c, struct pte_leaf leaf)
{
	(void)pt_cursor_set(&c->cur, arch_pte_leaf(leaf));
}

/* The node that the region wishes the page on. */
static unsigned
node_for(const struct fault_ctx *c)
{
	return placement_node(c->r->place, c->va >> ARCH_PAGE_SHIFT);
}

/* A frame of the space's own: zeroed, or a copy of `from`. */
static err_t
own_frame(const struct fault_ctx *c, pfn_t from, pfn_t *out)
{
	const struct frame_request request = {
		.kind = FRAME_ANON,
		.by_node = true,
		.node = node_for(c),
		.zeroed = pfn_is_none(from),
	};
	err_t err = frame_alloc(request, out);

	if (!err && !pfn_is_none(from)) {
		arch_frame_copy(*out, from);
		stat_inc(STAT_PAGE_COPIES);
	}
	return err;
}

/* A frame that nobody counts: the zero frame, or a device's. */
static void
set_special(struct fault_ctx *c, pfn_t pfn, prot_t prot, enum mem_type type)
{
	struct pte_leaf leaf = leaf_of(c, pfn, prot);

	leaf.is_special = true;
	leaf.type = type;
	set_leaf(c, leaf);
}

/* Nothing was mapped here: no translation exists, so no flush follows. */
static enum fault_result
fill_empty(struct fault_ctx *c)
{
	bool  store = c->access == ACCESS_STORE;
	pfn_t own;

	if (!c->r->object && !store) {
		set_special(c, pt_zero_frame(), readable_only(c), MEM_CACHED);
		stat_inc(STAT_FAULT_ZERO_READ);
		return FAULT_DONE;
	}
	if (is_device(c)) {
		set_special(c, c->page, prot_usable(c->r->prot), c->r->object->device.type);
		stat_inc(STAT_FAULT_OBJECT);
		return FAULT_DONE;
	}
	if (c->r->object && (!store || c->r->flags & REGION_SHARED)) {
		set_leaf(c, leaf_of(c, c->page,
				    c->r->flags & REGION_SHARED ? prot_usable(c->r->prot)
								: readable_only(c)));
		c->page = pfn_none(); /* its count is the entry's now */
		stat_inc(STAT_FAULT_OBJECT);
		return FAULT_DONE;
	}
	if (own_frame(c, c->page, &own))
		return FAULT_NOMEM;
	set_leaf(c, leaf_of(c, own, prot_usable(c->r->prot)));
	stat_inc(c->r->object ? STAT_FAULT_COPY : STAT_FAULT_ZERO_FILL);
	return FAULT_DONE;
}

/*
 * Another frame takes the place of a leaf that CPUs may be reading through:
 * new and read-only, flush everywhere, then writable.
 */
static enum fault_result
replace_leaf(struct fault_ctx *c, struct pte_leaf old)
{
	pfn_t		from = old.is_special ? pfn_none() : old.pfn;
	struct pte_leaf leaf;
	pfn_t		own;

	if (own_frame(c, from, &own))
		return FAULT_NOMEM;
	leaf = leaf_of(c, own, readable_only(c));
	set_leaf(c, leaf);
	gather_page(&c->gather, c->va);
	if (!old.is_special)
		gather_hold(&c->gather, old.pfn);
	gather_flush(&c->gather);
	leaf.prot = prot_usable(c->r->prot);
	set_leaf(c, leaf);
	stat_inc(old.is_special ? STAT_FAULT_ZERO_FILL : STAT_FAULT_COPY);
	return FAULT_DONE;
}

/* Allow what was not allowed: more permissive, so no flush. */
static void
allow_leaf(struct fault_ctx *c, prot_t prot)
{
	pte_t	       *slot = table_slot(c->cur.table, c->cur.index);
	pte_t		pte = pt_cursor_get(&c->cur);
	struct pte_leaf leaf;

	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		leaf.prot = prot;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	stat_inc(STAT_PTE_WRITES);
}

/* A write to a private leaf that does not allow it. */
static enum fault_result
write_private(struct fault_ctx *c, struct pte_leaf leaf)
{
	if (leaf.is_special || !frame_is_exclusive(leaf.pfn))
		return replace_leaf(c, leaf);
	/* The object that the frame came from has let go of it. */
	if (frame_of(leaf.pfn)->kind == FRAME_OBJECT)
		frame_set_kind(leaf.pfn, FRAME_ANON);
	allow_leaf(c, prot_usable(c->r->prot));
	stat_inc(STAT_FAULT_REUSE);
	return FAULT_DONE;
}

/*
 * The region allows the access, and the leaf nothing at all: an advice wants the page to follow
 * whoever touches it. Nobody has a translation of it. Without memory it stays where it is.
 */
static enum fault_result
pull_page(struct fault_ctx *c, struct pte_leaf leaf)
{
	unsigned node = node_for(c);
	pfn_t	 old = leaf.pfn;

	leaf.prot = c->access == ACCESS_STORE ? prot_usable(c->r->prot) : readable_only(c);
	leaf.accessed = true;
	if (frame_node(old) == node || page_alloc_on(node, &leaf.pfn)) {
		allow_leaf(c, leaf.prot);
		stat_inc(STAT_FAULT_UPGRADE);
		return FAULT_DONE;
	}
	arch_frame_copy(leaf.pfn, old);
	set_leaf(c, leaf);
	frame_release(old);
	stat_inc(STAT_PAGE_MIGRATIONS);
	return FAULT_DONE;
}

static enum fault_result
resolve_leaf(struct fault_ctx *c, pte_t pte)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);

	if (leaf.prot & access_prot(c->access)) {
		stat_inc(c->cur.changed_path ? STAT_FAULT_UPGRADE : STAT_FAULT_SPURIOUS);
		return FAULT_DONE;
	}
	if (!leaf.prot && page_may_move(leaf))
		return pull_page(c, leaf);
	if (leaf.is_private && c->access == ACCESS_STORE)
		return write_private(c, leaf);
	allow_leaf(c, leaf.is_private ? readable_only(c) : prot_usable(c->r->prot));
	stat_inc(STAT_FAULT_UPGRADE);
	return FAULT_DONE;
}

/*
 * The page has come back, or has not left yet. It is put in place read-only with the mark's
 * other names still standing; when the mark's count on the slot is gone the page may be ours
 * alone, and then it may be written like any other.
 */
static enum fault_result
put_back(struct fault_ctx *c, swap_t slot, pfn_t page)
{
	struct pte_leaf leaf = leaf_of(c, page, readable_only(c));

	set_leaf(c, leaf);
	fault_wait_end(c->wait);
	swap_put(slot);
	stat_inc(STAT_PAGE_INS);
	if (c->access == ACCESS_STORE)
		return write_private(c, leaf);
	if (frame_count(page) == 1)
		allow_leaf(c, prot_usable(c->r->prot));
	return FAULT_DONE;
}

/* A mark that is no guard. Its slot has a count as long as the table is locked. */
static enum fault_result
resolve_swap(struct fault_ctx *c, swap_t slot)
{
	pfn_t page;
	err_t err = swap_cached(slot, &page);

	if (err == OK)
		return put_back(c, slot, page);
	c->out = err == ERR_NOENT;
	return FAULT_NOMEM;
}

static enum fault_result
resolve_entry(struct fault_ctx *c)
{
	pte_t  pte = pt_cursor_get(&c->cur);
	swap_t slot = entry_swap(pte, 0);

	if (!swap_is_none(slot))
		return resolve_swap(c, slot);
	switch (arch_pte_kind(pte, 0)) {
	case PTE_EMPTY:
		return fill_empty(c);
	case PTE_LEAF:
		return resolve_leaf(c, pte);
	case PTE_MARK:
	case PTE_TABLE:
		break;
	}
	return FAULT_SEGV_MAPERR;
}

static bool
device_has(const struct fault_ctx *c, uint64_t index)
{
	return index < object_size(c->r->object) >> ARCH_PAGE_SHIFT;
}

/* A device has all its pages, as long as it lasts. */
static enum fault_result
fetch_device_page(struct fault_ctx *c, uint64_t index)
{
	if (!device_has(c, index))
		return FAULT_BUS_ADRERR;
	c->page = pfn_add(c->r->object->device.first, index);
	return FAULT_DONE;
}

/* The object's page, with a count of its own, before any table is locked. */
static enum fault_result
fetch_page(struct fault_ctx *c)
{
	uint64_t index = region_page_index(c->r, c->va);
	err_t	 err;

	if (is_device(c))
		return fetch_device_page(c, index);
	err = object_get_page(c->r->object, index, &c->page);
	if (err == OK)
		return FAULT_DONE;
	c->page = pfn_none();
	c->waits = err == ERR_AGAIN;
	/* No more memory, or no more counts: a lack of the system's, not a fault of the object. */
	return err == ERR_NOMEM || err == ERR_OVERFLOW ? FAULT_NOMEM : FAULT_BUS_ADRERR;
}

/* Give up what fetch_page got. */
static void
forget_page(struct fault_ctx *c)
{
	if (!pfn_is_none(c->page) && !is_device(c))
		frame_release(c->page);
	c->page = pfn_none();
}

/*
 * The page that was fetched is still the object's. Asked under the lock of the leaf table: whoever
 * takes the page from the object after this comes by here and takes the entry too.
 */
static bool
is_current(struct fault_ctx *c)
{
	uint64_t index;

	if (!c->r->object)
		return true;
	index = region_page_index(c->r, c->va);
	if (is_device(c))
		return device_has(c, index);
	return object_has_page(c->r->object, index, c->page);
}

/* The entry is as it was looked at, as far as the page that was fetched is concerned. */
static bool
is_settled(struct fault_ctx *c)
{
	bool empty = arch_pte_kind(pt_cursor_get(&c->cur), 0) == PTE_EMPTY;

	return !empty || (c->empty && is_current(c));
}

/* gives false if the entry has become empty since it was looked at, or the page is gone: look again. */
static bool
edit_page(struct fault_ctx *c, struct pt *pt, enum fault_result *result)
{
	bool settled = true;

	gather_begin(&c->gather, pt);
	*result = FAULT_NOMEM;
	if (pt_cursor_open(&c->cur, pt, c->va, &c->gather) == OK) {
		settled = is_settled(c);
		if (settled)
			*result = resolve_entry(c);
		pt_cursor_close(&c->cur);
	}
	gather_end(&c->gather);
	return settled && !c->out;
}

/* The page is out on the device: take a count on the slot to wait with. */
static void
note_wait(struct fault_ctx *c, swap_t slot)
{
	c->full = swap_get(slot) != OK;
	if (c->full)
		return;
	fault_wait_end(c->wait);
	c->wait->slot = slot;
}

static struct pt_view
look(struct fault_ctx *c, struct pt *pt)
{
	struct pt_view view = pt_look_locked(pt, c->va);
	swap_t	       slot = entry_swap(view.pte, view.level);

	c->full = false;
	if (!swap_is_none(slot) && !swap_is_cached(slot))
		note_wait(c, slot);
	pt_look_done(&view);
	return view;
}

static bool
is_guard(const struct pt_view *view)
{
	return arch_pte_kind(view->pte, view->level) == PTE_MARK &&
	       swap_is_none(entry_swap(view->pte, view->level));
}

/*
 * Look, fetch what will be wanted, edit. Guards come and go under the space's write
 * lock only, so a guard is known at the look, and touching it costs no memory. Pages go out at any
 * time, and what was in memory at the look may be gone when the table is locked: look again.
 */
static bool
resolve_once(struct fault_ctx *c, struct pt *pt, enum fault_result *result)
{
	struct pt_view view = look(c, pt);
	enum pte_kind  kind = arch_pte_kind(view.pte, view.level);

	c->out = false;
	*result = is_guard(&view) ? FAULT_SEGV_MAPERR : c->full ? FAULT_NOMEM : FAULT_DONE;
	if (*result != FAULT_DONE || fault_must_wait(c->wait))
		return true;
	if (pt_view_allows(&view, c->access)) {
		stat_inc(STAT_FAULT_SPURIOUS);
		return true;
	}
	c->empty = kind == PTE_EMPTY;
	if (c->empty && c->r->object)
		*result = fetch_page(c);
	return *result != FAULT_DONE || edit_page(c, pt, result);
}

enum fault_result
fault_resolve(struct space *sp, struct region *r, vaddr_t va, enum access access,
	      struct fault_wait *wait)
{
	struct fault_ctx  c = { .r = r,
				.access = access,
				.va = va & ~ARCH_PAGE_MASK,
				.page = pfn_none(),
				.wait = wait };
	enum fault_result result;

	while (!resolve_once(&c, &sp->pt, &result))
		forget_page(&c);
	forget_page(&c);
	if (c.waits) {
		fault_wait_end(wait); /* what an earlier wait was for may be another region's */
		object_get(r->object);
		wait->object = r->object;
		wait->index = region_page_index(r, c.va);
	}
	return result;
}
