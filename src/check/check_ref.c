/*
 * check_ref.c - I-REF: counts, recomputed by visiting every place that names a frame.
 *
 * Each visit adds one to the frame's scratch word; at the end the word and the
 * count must be equal for every frame that can be named. Frames named and not
 * counted, counted and not named, named though free: all show here.
 */
#include "check/sweep.h"
#include "check/walk.h"

static const char *const kind_names[FRAME_KINDS] = {
	[FRAME_RESERVED] = "reserved", [FRAME_FREE] = "free",	  [FRAME_TABLE] = "table",
	[FRAME_ANON] = "anonymous",    [FRAME_OBJECT] = "object", [FRAME_KERNEL] = "kernel",
};

/* can_be_named - the frame exists, is not free, and is of a kind that slots name. */
static bool
can_be_named(struct check *c, pfn_t pfn, const char *where, uint64_t at)
{
	if (!frame_exists(pfn)) {
		check_fail(c, INV_REF, "%s 0x%llx names frame %llu, which does not exist", where,
			   (unsigned long long)at, (unsigned long long)pfn.n);
		return false;
	}
	if (frame_of(pfn)->kind == FRAME_FREE) {
		check_fail(c, INV_FREE, "%s 0x%llx names frame %llu, which is free", where,
			   (unsigned long long)at, (unsigned long long)pfn.n);
		return false;
	}
	if (!sweep_scratch(frame_of(pfn))) {
		check_fail(c, INV_REF, "%s 0x%llx names frame %llu of kind %s", where,
			   (unsigned long long)at, (unsigned long long)pfn.n,
			   kind_names[frame_of(pfn)->kind]);
		return false;
	}
	return true;
}

bool
ref_name(struct check *c, pfn_t pfn, const char *where, uint64_t at)
{
	if (!can_be_named(c, pfn, where, at)) {
		c->cannot_go_on = true;
		return false;
	}
	return ++*sweep_scratch(frame_of(pfn)) == 1;
}

bool
ref_name_entry(struct check *c, const struct entry_at *e)
{
	struct pte_leaf leaf;
	struct pte_mark mark;

	switch (e->kind) {
	case PTE_TABLE:
		if (!tab_table(c, arch_pte_table_pfn(e->pte), e->level - 1, false, "slot for",
			       e->va))
			return false;
		return ref_name(c, arch_pte_table_pfn(e->pte), "slot for", e->va);
	case PTE_LEAF:
		leaf = arch_pte_decode_leaf(e->pte, e->level);
		if (leaf.is_special)
			return false;
		return ref_name(c, leaf.pfn, "leaf at", e->va);
	case PTE_MARK:
		mark = arch_pte_decode_mark(e->pte);
		if (mark.type == MARK_SWAP)
			ref_name_slot(c, mark.payload, "mark at", e->va);
		break;
	case PTE_EMPTY:
		break;
	}
	return false;
}

/* name_pages_out - those of one object that are on the swap device. */
static void
name_pages_out(struct check *c, struct object *object)
{
	struct page_out out;
	uint64_t	next = 0;
	uint64_t	index;
	uint64_t	nr = 0;

	while (object_next_out(object, next, &index, &out)) {
		if (index >= object_pages(object) || out.bytes > ARCH_PAGE_SIZE)
			check_fail(c, INV_REF, "object %llu has page %llu of %llu out, %u bytes",
				   (unsigned long long)object->id, (unsigned long long)index,
				   (unsigned long long)object_pages(object), out.bytes);
		ref_name_slot(c, out.slot.n, "object's page", index);
		next = index + 1;
		nr++;
	}
	if (nr != object->nr_out)
		check_fail(c, INV_REF, "object %llu says it has %llu pages out, found %llu",
			   (unsigned long long)object->id, (unsigned long long)object->nr_out,
			   (unsigned long long)nr);
}

/* name_pages - one object: each page counted, of the right kind, inside, and as many as it says. */
static void
name_pages(struct check *c, struct object *object)
{
	uint64_t next = 0;
	uint64_t index;
	uint64_t nr = 0;
	pfn_t	 pfn;

	lock_acquire(&object->lock);
	while (!c->cannot_go_on && object_next_page(object, next, &index, &pfn)) {
		c->cannot_go_on = index < next;
		if (index < next || index >= object_pages(object))
			check_fail(c, INV_REF, "object %llu has a page %llu, size is %llu",
				   (unsigned long long)object->id, (unsigned long long)index,
				   (unsigned long long)object_pages(object));
		else if (ref_name(c, pfn, "object's page", index) &&
			 frame_of(pfn)->kind != FRAME_OBJECT)
			check_fail(c, INV_REF, "page %llu of object %llu is frame %llu of kind %s",
				   (unsigned long long)index, (unsigned long long)object->id,
				   (unsigned long long)pfn.n, kind_names[frame_of(pfn)->kind]);
		next = index + 1;
		nr++;
	}
	name_pages_out(c, object);
	lock_release(&object->lock);
	if (nr != object->nr_pages)
		check_fail(c, INV_REF, "object %llu says it has %llu pages, found %llu",
			   (unsigned long long)object->id, (unsigned long long)object->nr_pages,
			   (unsigned long long)nr);
}

/* check_idle - nothing is left over of a change of the object. */
static void
check_idle(struct check *c, struct object *object)
{
	if (atomic_load(&object->changing) || atomic_load(&object->unhooking) ||
	    object->losing.first < object->losing.end)
		check_fail(
			c, INV_REF,
			"object %llu is idle, but changing %d, unhooking %u, losing [%llu, %llu)",
			(unsigned long long)object->id, atomic_load(&object->changing),
			atomic_load(&object->unhooking), (unsigned long long)object->losing.first,
			(unsigned long long)object->losing.end);
	if (lock_is_held(&object->lock) || lock_is_held(&object->rmap_lock))
		check_fail(c, INV_REF, "object %llu is idle, but locked",
			   (unsigned long long)object->id);
}

void
ref_objects(struct check *c)
{
	for (struct object *o = object_first(); o && !c->cannot_go_on; o = object_next(o)) {
		check_idle(c, o);
		if (!lock_is_held(&o->lock))
			name_pages(c, o);
	}
}

static void
compare_frame(struct check *c, pfn_t pfn, uint32_t named)
{
	struct frame *f = frame_of(pfn);

	if (f->kind == FRAME_OBJECT && frame_has_flag(pfn, FRAME_FILLING))
		named++; /* its pager */
	if (f->kind != FRAME_TABLE && atomic_load(&f->page.pins)) {
		c->pins += atomic_load(&f->page.pins);
		named++; /* all its pins together */
	}
	if (atomic_load(&f->count) != named)
		check_fail(c, INV_REF, "frame %llu (%s) has count %u, named by %u places",
			   (unsigned long long)pfn.n, kind_names[f->kind], atomic_load(&f->count),
			   named);
	if (f->kind == FRAME_ANON && atomic_load(&f->flags))
		check_fail(c, INV_REF, "frame %llu is anonymous and has the flags %x",
			   (unsigned long long)pfn.n, atomic_load(&f->flags));
}

/* The scratch words are left zero. */
void
ref_compare(struct check *c)
{
	for (pfn_t pfn = sweep_first(); !pfn_is_none(pfn); pfn = sweep_next(pfn)) {
		uint32_t *scratch = sweep_scratch(frame_of(pfn));

		if (!scratch)
			continue;
		compare_frame(c, pfn, *scratch);
		*scratch = 0;
	}
	if (c->pins != frame_nr_pins())
		check_fail(c, INV_REF, "frames have %llu pins, %llu are held",
			   (unsigned long long)c->pins, (unsigned long long)frame_nr_pins());
}
