/*
 * digest.c - one number for everything a user can see.
 *
 * What goes in, in this order: the spaces in the order of their list, then the
 * processes in order of creation (id, parent, state, code, which space). Of a
 * space: the end of the heap, its regions (range, protection, flags, object's id
 * and page), and every present page: where it is, what frame it has, what is in
 * it. Of an object: id, size, and the pages that differ from what its pager
 * would fill in again.
 *
 * A frame is named by the order in which frames were first met, so two runs
 * that put the same contents into different frames agree, and a page that was
 * shared and is now a copy differs. Contents are taken in when a frame is first
 * met. A page that is out on the swap device counts as present, wherever its contents are.
 *
 * What stays out, because no user can tell: tables and how they are shared,
 * write permission that the next fault would give anyway, accessed and dirty
 * bits, tags, and pages an object can get again. An anonymous page that was
 * never touched, one that is the zero frame, and one that holds zeros are three
 * different things here: they read the same, but they are not the same memory.
 *
 * digest_lasting leaves out more: whatever page-out may take away and bring back at any moment without
 * anybody's noticing. So of what is mapped it has only what is a space's own, of shared memory the contents
 * alone, and of a file that keeps its bytes what is in it up to its end, in memory or in its storage.
 *
 * The names live in the scratch words of the descriptors (sweep.h), so nothing
 * is allocated. Needs: no operation in progress.
 */
#include "check/invariants.h"

#include "check/sweep.h"
#include "check/walk.h"
#include "object/pagers.h"
#include "swap/state.h"

struct digester {
	struct digest sum;
	uint32_t      nr_named;
	bool	      only_lasting;
};

/* Two lanes of multiply and mix: not cryptographic, but every bit reaches all others. */
static inline void
add(struct digester *d, uint64_t word)
{
	d->sum.lo = (d->sum.lo ^ word) * 0x9e3779b97f4a7c15u;
	d->sum.lo ^= d->sum.lo >> 32;
	d->sum.hi = (d->sum.hi + word) * 0xd6e8feb86659fd93u;
	d->sum.hi ^= d->sum.hi >> 29;
}

/* Four sums side by side, so that a page does not wait for one multiplication after the other. */
static WALK_LOADS void
add_contents(struct digester *d, pfn_t pfn)
{
	const uint64_t *words = arch_frame_ptr(pfn);
	uint64_t	sums[4] = { 1, 2, 3, 4 };

	for (unsigned i = 0; i < ARCH_PAGE_SIZE / sizeof(*words); i += 4) {
		for (unsigned lane = 0; lane < 4; lane++) {
			sums[lane] = (sums[lane] ^ words[i + lane]) * 0x9e3779b97f4a7c15u;
			sums[lane] ^= sums[lane] >> 32;
		}
	}
	for (unsigned lane = 0; lane < 4; lane++)
		add(d, sums[lane]);
}

/* add_frame - its name; the contents too if it has no name yet. */
static void
add_frame(struct digester *d, pfn_t pfn)
{
	uint32_t *name = sweep_scratch(frame_of(pfn));

	if (!name)
		return;
	if (*name) {
		add(d, *name);
		return;
	}
	*name = ++d->nr_named;
	add(d, *name);
	add_contents(d, pfn);
}

/* is_passing - page-out may unmap it: what objects have, and can give again. */
static bool
is_passing(struct pte_leaf leaf)
{
	return !leaf.is_special && frame_of(leaf.pfn)->kind == FRAME_OBJECT;
}

static void
add_leaf(struct digester *d, vaddr_t va, pte_t pte, unsigned level)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, level);

	if (d->only_lasting && is_passing(leaf))
		return;
	add(d, va | PTE_LEAF);
	add(d, level);
	if (leaf.is_special)
		add(d, UINT64_MAX);
	else
		for (uint64_t i = 0; i < (uint64_t)1 << (walk_span(level) - ARCH_PAGE_SHIFT); i++)
			add_frame(d, pfn_add(leaf.pfn, i));
}

/* read_slot - what only the swap device has, into the frame that is there for it. */
static bool
read_slot(uint32_t slot)
{
	struct swap_state *st = swap_state();

	return st->device->read(st->device, slot, st->buffer) == OK;
}

/* add_stored - contents that only the swap device has; the slot's scratch word is their name. */
static void
add_stored(struct digester *d, uint32_t slot)
{
	struct swap_state *st = swap_state();
	struct swap_slot  *s = &st->slots[slot];

	if (s->scratch) {
		add(d, s->scratch);
		return;
	}
	s->scratch = ++d->nr_named;
	add(d, s->scratch);
	if (read_slot(slot))
		add_contents(d, st->buffer);
}

/* add_swapped - a page that is not in its place adds what it would add there. */
static void
add_swapped(struct digester *d, uint64_t slot)
{
	const struct swap_state *st = swap_state();

	if (slot < st->nr_slots && st->slots[slot].frame != SWAP_NOTHING)
		add_frame(d, (pfn_t){ st->slots[slot].frame });
	else if (slot < st->nr_slots)
		add_stored(d, (uint32_t)slot);
}

static void
add_mark(struct digester *d, vaddr_t va, pte_t pte)
{
	struct pte_mark mark = arch_pte_decode_mark(pte);

	if (mark.type == MARK_SWAP) {
		add(d, va | PTE_LEAF);
		add(d, 0);
		add_swapped(d, mark.payload);
		return;
	}
	add(d, va | PTE_MARK);
	add(d, mark.type);
	add(d, mark.payload);
}

static void add_table(struct digester *d, pfn_t table, unsigned level, vaddr_t va);

static void
add_entry(struct digester *d, pte_t pte, unsigned level, vaddr_t va)
{
	switch (arch_pte_kind(pte, level)) {
	case PTE_TABLE:
		add_table(d, arch_pte_table_pfn(pte), level - 1, va);
		break;
	case PTE_LEAF:
		add_leaf(d, va, pte, level);
		break;
	case PTE_MARK:
		add_mark(d, va, pte);
		break;
	case PTE_EMPTY:
		break;
	}
}

/* add_table - everything present below a table, in ascending order of address. */
static void
add_table(struct digester *d, pfn_t table, unsigned level, vaddr_t va)
{
	const pte_t *entries = arch_frame_ptr(table);
	unsigned     end = level == ARCH_PT_LEVELS - 1 ? ARCH_USER_ROOT_SLOTS : ARCH_PT_ENTRIES;

	for (unsigned i = 0; i < end; i++) {
		if (i % WALK_GROUP == 0 && walk_group_is_empty(entries + i)) {
			i += WALK_GROUP - 1;
			continue;
		}
		if (!arch_pte_equal(entries[i], arch_pte_empty()))
			add_entry(d, entries[i], level, va + ((uint64_t)i << walk_span(level)));
	}
}

/* object_name - a file's own number; shared memory goes by its place among all objects. */
static uint64_t
object_name(const struct object *object)
{
	uint64_t nr = 0;

	if (object->ops != &pager_zero)
		return object->id;
	for (struct object *o = object_first(); o && o != object; o = object_next(o))
		nr++;
	return nr;
}

static void
add_region(struct digester *d, const struct region *r)
{
	add(d, r->range.start);
	add(d, r->range.end);
	add(d, (uint64_t)r->place.node << 48 | (uint64_t)r->place.policy << 40 |
		       (uint64_t)r->flags << 8 | r->prot);
	if (r->object) {
		add(d, object_name(r->object));
		add(d, r->offset);
	}
}

static void
add_space(struct digester *d, struct space *sp)
{
	add(d, sp->brk);
	add(d, sp->new_flags);
	add(d, sp->nr_regions);
	for (struct region *r = reg_first(sp); r; r = reg_next(r))
		add_region(d, r);
	add_table(d, sp->pt.root, ARCH_PT_LEVELS - 1, 0);
}

/* filled_byte - what the pager would put there; stored: the page it has in storage, or NULL. */
static uint8_t
filled_byte(const struct object *object, const uint8_t *stored, uint64_t offset)
{
	if (object->ops == &pager_memory_file && offset < memory_file_end(object))
		return object_pattern(object->id, offset);
	return stored ? stored[offset & ARCH_PAGE_MASK] : 0;
}

/* stored_page - of a file that keeps its bytes, or NULL. */
static const uint8_t *
stored_page(const struct object *object, uint64_t index)
{
	pfn_t pfn = object->ops == &pager_stored ? stored_file_page(object, index) : pfn_none();

	return pfn_is_none(pfn) ? NULL : arch_frame_ptr(pfn);
}

static bool
is_as_filled(const struct object *object, uint64_t index, pfn_t pfn)
{
	const uint8_t *bytes = arch_frame_ptr(pfn);
	const uint8_t *stored = stored_page(object, index);

	if (object->ops != &pager_memory_file && object->ops != &pager_zero &&
	    object->ops != &pager_stored && object->ops != &pager_storage)
		return false;
	for (uint64_t i = 0; i < ARCH_PAGE_SIZE; i++) {
		if (bytes[i] != filled_byte(object, stored, index * ARCH_PAGE_SIZE + i))
			return false;
	}
	return true;
}

/*
 * add_page_out - the frame that it had is nobody's, so its name is a new one, as when it comes back. A page
 * that cannot be read is named all the same.
 */
static void
add_page_out(struct digester *d, struct object *object, uint64_t index, struct page_out out)
{
	pfn_t	 buffer = swap_state()->buffer;
	uint8_t *bytes = arch_frame_ptr(buffer);
	bool	 is_read = read_slot(out.slot.n);

	for (uint64_t i = out.bytes; is_read && i < ARCH_PAGE_SIZE; i++)
		bytes[i] = 0;
	if (is_read && is_as_filled(object, index, buffer))
		return;
	add(d, index);
	add(d, ++d->nr_named);
	if (is_read)
		add_contents(d, buffer);
}

static void
add_page(struct digester *d, struct object *object, uint64_t index, pfn_t pfn)
{
	if (is_as_filled(object, index, pfn))
		return;
	add(d, index);
	add_frame(d, pfn);
}

/* add_pages - those in memory and those that are out, by index. HOLDS object->lock. */
static void
add_pages(struct digester *d, struct object *object)
{
	uint64_t	at, out_at;
	struct page_out out;
	pfn_t		pfn;
	bool		has_page = object_next_page(object, 0, &at, &pfn);
	bool		has_out = object_next_out(object, 0, &out_at, &out);

	while (has_page || has_out) {
		if (!has_out || (has_page && at < out_at)) {
			add_page(d, object, at, pfn);
			has_page = object_next_page(object, at + 1, &at, &pfn);
		} else {
			add_page_out(d, object, out_at, out);
			has_out = object_next_out(object, out_at + 1, &out_at, &out);
		}
	}
}

/* next_page - the first page from there on that is in memory. */
static bool
next_page(struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn)
{
	bool found;

	lock_acquire(&object->lock);
	found = object_next_page(object, from, index, pfn);
	lock_release(&object->lock);
	return found;
}

/* add_file_page - unless it is zeros. What is behind the end of the file goes when the page is written back. */
static void
add_file_page(struct digester *d, const struct object *file, uint64_t index, pfn_t pfn)
{
	const uint8_t *bytes = arch_frame_ptr(pfn);
	uint64_t       end = min_u64(file->size_bytes - index * ARCH_PAGE_SIZE, ARCH_PAGE_SIZE);
	uint64_t       at = 0;

	while (at < end && !bytes[at])
		at++;
	if (at == end)
		return;
	add(d, index);
	if (end == ARCH_PAGE_SIZE) {
		add_contents(d, pfn);
		return;
	}
	for (; at < end; at++)
		add(d, at << 8 | bytes[at]);
}

/* add_bytes - of a file that keeps them: a page in memory is newer than the one in storage. */
static void
add_bytes(struct digester *d, struct object *file)
{
	struct object *storage = file->private_data;
	uint64_t       at, stored_at;
	pfn_t	       pfn, stored;

	for (uint64_t from = 0;; from = at + 1) {
		bool in_memory = next_page(file, from, &at, &pfn);

		if (next_page(storage, from, &stored_at, &stored) &&
		    (!in_memory || stored_at < at)) {
			at = stored_at;
			pfn = stored;
		} else if (!in_memory) {
			return;
		}
		add_file_page(d, file, at, pfn);
	}
}

static void
add_object(struct digester *d, struct object *object)
{
	if (d->only_lasting && object->ops == &pager_storage)
		return;
	add(d, object_name(object));
	add(d, object->size_bytes);
	if (d->only_lasting && object->ops == &pager_stored) {
		add_bytes(d, object);
		return;
	}
	lock_acquire(&object->lock);
	add_pages(d, object);
	lock_release(&object->lock);
}

/* space_number - its place in the list of spaces, from 1; 0: none. */
static uint64_t
space_number(const struct space *wanted)
{
	uint64_t nr = 1;

	if (!wanted)
		return 0;
	for (struct space *sp = space_list_first(); sp && sp != wanted; sp = space_list_next(sp))
		nr++;
	return nr;
}

static void
add_process(struct digester *d, struct process *proc)
{
	add(d, (uint64_t)proc->id << 8 | proc->state);
	add(d, proc->parent ? proc->parent->id : 0);
	add(d, (uint64_t)(int64_t)proc->code);
	add(d, space_number(proc->space));
}

static struct digest
digest_of_all(struct digester d)
{
	sweep_clear();
	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp))
		add_space(&d, sp);
	for (struct object *o = object_first(); o; o = object_next(o))
		add_object(&d, o);
	for (struct process *proc = proc_first(); proc; proc = proc_next(proc))
		add_process(&d, proc);
	sweep_restore();
	return d.sum;
}

struct digest
digest_all(void)
{
	return digest_of_all((struct digester){ 0 });
}

struct digest
digest_lasting(void)
{
	return digest_of_all((struct digester){ .only_lasting = true });
}

struct digest
digest_space(struct space *sp)
{
	struct digester d = { 0 };

	sweep_clear();
	add_space(&d, sp);
	sweep_restore();
	return d.sum;
}
