/*
 * flat.c - the flat reference model; see flat.h.
 *
 * Plain arrays, kept sorted by moving their tails. Regions are joined after each
 * change wherever neighbours agree, so comparing with the library's list is
 * comparing two lists.
 */
#include "model/flat.h"

#include <stdlib.h>
#include <string.h>

#define PAGE	   ARCH_PAGE_SIZE
#define LOCK_FLAGS ((unsigned)(REGION_LOCKED | REGION_LOCKONFAULT))

static const uint16_t cell_offsets[FLAT_CELLS] = { 0, 1360, 2744, 4088 };

uint64_t
flat_cell_offset(unsigned cell)
{
	return cell_offsets[cell];
}

/* cell_at - the cell that holds the byte, and the byte's place in it. Stops on any other byte. */
static unsigned
cell_at(uint64_t offset, unsigned *byte)
{
	for (unsigned cell = 0; cell < FLAT_CELLS; cell++) {
		if (offset - cell_offsets[cell] < FLAT_CELL_BYTES) {
			*byte = (unsigned)(offset - cell_offsets[cell]);
			return cell;
		}
	}
	abort();
}

void
flat_reset(struct flat *flat)
{
	for (unsigned i = 0; i < FLAT_SPACES; i++)
		flat->spaces[i].is_used = false;
	for (unsigned i = 0; i < FLAT_OBJECTS; i++)
		flat->objects[i].is_used = false;
	for (unsigned i = 0; i < FLAT_PINNED; i++)
		flat->pinned[i].nr_pins = 0;
}

/* let_go - the page is nobody's any more; what a device sees of it stays. */
static void
let_go(struct flat_page *page)
{
	if (page->pinned)
		memcpy(page->pinned->cells, page->cells, sizeof(page->cells));
	page->pinned = NULL;
}

struct flat_space *
flat_space_new(struct flat *flat, const struct space_layout *layout)
{
	for (unsigned i = 0; i < FLAT_SPACES; i++) {
		struct flat_space *fs = &flat->spaces[i];

		if (fs->is_used)
			continue;
		fs->is_used = true;
		fs->layout = *layout;
		fs->brk = layout->brk_start;
		fs->new_flags = 0;
		fs->nr_regions = 0;
		fs->nr_pages = 0;
		return fs;
	}
	return NULL;
}

void
flat_space_free(struct flat_space *fs)
{
	for (unsigned i = 0; i < fs->nr_pages; i++)
		let_go(&fs->pages[i]);
	fs->is_used = false;
}

static bool
is_named(const struct flat *flat, const struct flat_object *object)
{
	for (unsigned i = 0; i < FLAT_SPACES; i++) {
		const struct flat_space *fs = &flat->spaces[i];

		for (unsigned j = 0; fs->is_used && j < fs->nr_regions; j++) {
			if (fs->regions[j].object == object)
				return true;
		}
	}
	return false;
}

struct flat_object *
flat_object_new(struct flat *flat, bool is_file, uint64_t id, uint64_t size_pages)
{
	for (unsigned i = 0; i < FLAT_OBJECTS; i++) {
		struct flat_object *object = &flat->objects[i];

		if (object->is_used && (object->is_file || is_named(flat, object)))
			continue;
		for (unsigned j = 0; object->is_used && j < object->nr_pages; j++)
			let_go(&object->pages[j]);
		object->is_used = true;
		object->is_file = is_file;
		object->id = id;
		object->size_bytes = size_pages * PAGE;
		object->pattern_bytes = is_file ? UINT64_MAX : 0;
		object->real = NULL;
		object->nr_pages = 0;
		return object;
	}
	return NULL;
}

bool
flat_has_room(const struct flat_space *fs)
{
	return fs->nr_regions + 64 <= FLAT_REGIONS && fs->nr_pages + 140 <= FLAT_PAGES;
}

/* Sorted arrays of pages. */

/* place_of - index of the first entry whose page is `page` or higher. */
static unsigned
place_of(const struct flat_page *pages, unsigned nr, uint64_t page)
{
	unsigned low = 0;
	unsigned high = nr;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (pages[mid].page < page)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct flat_page *
flat_page_of(struct flat_page *pages, unsigned nr, uint64_t page)
{
	unsigned at = place_of(pages, nr, page);

	return at < nr && pages[at].page == page ? &pages[at] : NULL;
}

/* insert_page - room for one more entry at its place, or NULL: the array is full. */
static struct flat_page *
insert_page(struct flat_page *pages, unsigned *nr, unsigned most, uint64_t page)
{
	unsigned at = place_of(pages, *nr, page);

	if (*nr == most)
		return NULL;
	memmove(&pages[at + 1], &pages[at], (*nr - at) * sizeof(*pages));
	(*nr)++;
	pages[at] = (struct flat_page){ .page = page };
	return &pages[at];
}

void
flat_drop_pages(struct flat_space *fs, struct va_range range, bool guards_too)
{
	unsigned first = place_of(fs->pages, fs->nr_pages, range.start / PAGE);
	unsigned end = place_of(fs->pages, fs->nr_pages, range.end / PAGE);
	unsigned kept = first;

	for (unsigned i = first; i < end; i++) {
		if (fs->pages[i].is_guard && !guards_too)
			fs->pages[kept++] = fs->pages[i];
		else
			let_go(&fs->pages[i]);
	}
	memmove(&fs->pages[kept], &fs->pages[end], (fs->nr_pages - end) * sizeof(fs->pages[0]));
	fs->nr_pages -= end - kept;
}

bool
flat_add_guards(struct flat_space *fs, struct va_range range)
{
	flat_drop_pages(fs, range, true);
	for (uint64_t page = range.start / PAGE; page < range.end / PAGE; page++) {
		struct flat_page *entry = insert_page(fs->pages, &fs->nr_pages, FLAT_PAGES, page);

		if (!entry)
			return false;
		entry->is_guard = true;
	}
	return true;
}

void
flat_drop_guards(struct flat_space *fs, struct va_range range)
{
	unsigned first = place_of(fs->pages, fs->nr_pages, range.start / PAGE);
	unsigned end = place_of(fs->pages, fs->nr_pages, range.end / PAGE);
	unsigned kept = first;

	for (unsigned i = first; i < end; i++) {
		if (!fs->pages[i].is_guard)
			fs->pages[kept++] = fs->pages[i];
	}
	memmove(&fs->pages[kept], &fs->pages[end], (fs->nr_pages - end) * sizeof(fs->pages[0]));
	fs->nr_pages -= end - kept;
}

void
flat_move_pages(struct flat_space *fs, struct va_range range, vaddr_t to)
{
	static struct flat_page moved[FLAT_PAGES];
	unsigned		first = place_of(fs->pages, fs->nr_pages, range.start / PAGE);
	unsigned		end = place_of(fs->pages, fs->nr_pages, range.end / PAGE);

	memcpy(moved, &fs->pages[first], (end - first) * sizeof(moved[0]));
	memmove(&fs->pages[first], &fs->pages[end], (fs->nr_pages - end) * sizeof(moved[0]));
	fs->nr_pages -= end - first;
	for (unsigned i = 0; i < end - first; i++) {
		uint64_t	  page = moved[i].page - range.start / PAGE + to / PAGE;
		struct flat_page *entry = insert_page(fs->pages, &fs->nr_pages, FLAT_PAGES, page);

		*entry = moved[i];
		entry->page = page;
	}
}

/* Regions. */

/* region_place - index of the first region that ends above va. */
static unsigned
region_place(const struct flat_space *fs, vaddr_t va)
{
	unsigned low = 0;
	unsigned high = fs->nr_regions;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (fs->regions[mid].end <= va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct flat_region *
flat_find(struct flat_space *fs, vaddr_t va)
{
	unsigned at = region_place(fs, va);

	return at < fs->nr_regions && fs->regions[at].start <= va ? &fs->regions[at] : NULL;
}

bool
flat_is_free(const struct flat_space *fs, struct va_range range)
{
	unsigned at = region_place(fs, range.start);

	return at == fs->nr_regions || fs->regions[at].start >= range.end;
}

bool
flat_is_full(const struct flat_space *fs, struct va_range range)
{
	vaddr_t at = range.start;

	for (unsigned i = region_place(fs, at); i < fs->nr_regions && at < range.end; i++) {
		if (fs->regions[i].start > at)
			return false;
		at = fs->regions[i].end;
	}
	return at >= range.end;
}

bool
flat_is_sealed(const struct flat_space *fs, struct va_range range)
{
	for (unsigned i = region_place(fs, range.start);
	     i < fs->nr_regions && fs->regions[i].start < range.end; i++) {
		if (fs->regions[i].flags & REGION_SEALED)
			return true;
	}
	return false;
}

bool
flat_may_lock(const struct flat_space *fs, uint64_t bytes)
{
	uint64_t limit = fs->layout.limit_memlock;
	uint64_t locked = 0;

	for (unsigned i = 0; i < fs->nr_regions; i++) {
		if (fs->regions[i].flags & REGION_LOCKED)
			locked += fs->regions[i].end - fs->regions[i].start;
	}
	return locked <= limit && bytes <= limit - locked;
}

static void
remove_regions(struct flat_space *fs, unsigned first, unsigned end)
{
	memmove(&fs->regions[first], &fs->regions[end],
		(fs->nr_regions - end) * sizeof(fs->regions[0]));
	fs->nr_regions -= end - first;
}

static void
insert_region(struct flat_space *fs, unsigned at, struct flat_region region)
{
	memmove(&fs->regions[at + 1], &fs->regions[at],
		(fs->nr_regions - at) * sizeof(fs->regions[0]));
	fs->regions[at] = region;
	fs->nr_regions++;
}

/* cut_at - no region reaches across va afterwards. */
static void
cut_at(struct flat_space *fs, vaddr_t va)
{
	struct flat_region *r = flat_find(fs, va);
	struct flat_region  tail;

	if (!r || r->start == va)
		return;
	tail = *r;
	tail.start = va;
	if (tail.object)
		tail.offset += (va - r->start) / PAGE;
	r->end = va;
	insert_region(fs, (unsigned)(r - fs->regions) + 1, tail);
}

static bool
can_join(const struct flat_region *a, const struct flat_region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags)
		return false;
	if (a->object != b->object || (a->flags & REGION_NOMERGE))
		return false;
	return !a->object || a->offset + (a->end - a->start) / PAGE == b->offset;
}

static void
join_all(struct flat_space *fs)
{
	unsigned kept = 0;

	for (unsigned i = 1; i < fs->nr_regions; i++) {
		if (can_join(&fs->regions[kept], &fs->regions[i]))
			fs->regions[kept].end = fs->regions[i].end;
		else
			fs->regions[++kept] = fs->regions[i];
	}
	if (fs->nr_regions)
		fs->nr_regions = kept + 1;
}

void
flat_unmap(struct flat_space *fs, struct va_range range)
{
	cut_at(fs, range.start);
	cut_at(fs, range.end);
	remove_regions(fs, region_place(fs, range.start), region_place(fs, range.end));
	flat_drop_pages(fs, range, true);
}

void
flat_map(struct flat_space *fs, struct flat_region region)
{
	flat_unmap(fs, va_range(region.start, region.end));
	flat_add_region(fs, region);
}

void
flat_add_region(struct flat_space *fs, struct flat_region region)
{
	insert_region(fs, region_place(fs, region.start), region);
	join_all(fs);
}

void
flat_protect(struct flat_space *fs, struct va_range range, prot_t prot)
{
	cut_at(fs, range.start);
	cut_at(fs, range.end);
	for (unsigned i = 0; i < fs->nr_regions; i++) {
		if (fs->regions[i].start >= range.start && fs->regions[i].end <= range.end)
			fs->regions[i].prot = prot;
	}
	join_all(fs);
}

void
flat_set_flags(struct flat_space *fs, struct va_range range, unsigned set, unsigned clear)
{
	cut_at(fs, range.start);
	cut_at(fs, range.end);
	for (unsigned i = 0; i < fs->nr_regions; i++) {
		struct flat_region *r = &fs->regions[i];

		if (r->start >= range.start && r->end <= range.end)
			r->flags = (r->flags & ~clear) | set;
	}
	join_all(fs);
}

struct flat_space *
flat_space_fork(struct flat *flat, const struct flat_space *parent)
{
	struct flat_space *child = flat_space_new(flat, &parent->layout);

	if (!child)
		return NULL;
	child->brk = parent->brk;
	memcpy(child->pages, parent->pages, parent->nr_pages * sizeof(parent->pages[0]));
	child->nr_pages = parent->nr_pages;
	for (unsigned i = 0; i < child->nr_pages; i++)
		child->pages[i].pinned = NULL;
	for (unsigned i = 0; i < parent->nr_regions; i++) {
		const struct flat_region *r = &parent->regions[i];

		/* Locks are not inherited, nor is what mlockall says of regions to come. */
		if (!(r->flags & REGION_DONTFORK)) {
			child->regions[child->nr_regions] = *r;
			child->regions[child->nr_regions++].flags &= ~LOCK_FLAGS;
		}
		if (r->flags & (REGION_DONTFORK | REGION_WIPEONFORK))
			flat_drop_pages(child, va_range(r->start, r->end), true);
	}
	join_all(child);
	return child;
}

/* Accesses. */

void
flat_object_cell(struct flat_object *object, uint64_t index, unsigned cell,
		 uint8_t out[FLAT_CELL_BYTES])
{
	struct flat_page *page = flat_page_of(object->pages, object->nr_pages, index);

	if (page) {
		memcpy(out, page->cells[cell], FLAT_CELL_BYTES);
		return;
	}
	for (unsigned i = 0; i < FLAT_CELL_BYTES; i++) {
		uint64_t offset = index * PAGE + cell_offsets[cell] + i;

		out[i] = offset < object->pattern_bytes ? object_pattern(object->id, offset) : 0;
	}
}

void
flat_read_cell(struct flat_space *fs, const struct flat_region *r, vaddr_t page, unsigned cell,
	       uint8_t out[FLAT_CELL_BYTES])
{
	struct flat_page *own = flat_page_of(fs->pages, fs->nr_pages, page / PAGE);

	if (own && !(r->flags & REGION_SHARED))
		memcpy(out, own->cells[cell], FLAT_CELL_BYTES);
	else if (r->object)
		flat_object_cell(r->object, r->offset + (page - r->start) / PAGE, cell, out);
	else
		memset(out, 0, FLAT_CELL_BYTES);
}

/* own_page - the entry that a store changes: the object's, or the space's own copy. */
static struct flat_page *
own_page(struct flat_space *fs, struct flat_region *r, vaddr_t va)
{
	vaddr_t		    page = va & ~ARCH_PAGE_MASK;
	uint64_t	    index = r->offset + (page - r->start) / PAGE;
	struct flat_object *object = r->flags & REGION_SHARED ? r->object : NULL;
	struct flat_page   *entry;
	uint8_t		    cells[FLAT_CELLS][FLAT_CELL_BYTES];

	entry = object ? flat_page_of(object->pages, object->nr_pages, index)
		       : flat_page_of(fs->pages, fs->nr_pages, page / PAGE);
	if (entry)
		return entry;
	for (unsigned cell = 0; cell < FLAT_CELLS; cell++)
		flat_read_cell(fs, r, page, cell, cells[cell]);
	entry = object ? insert_page(object->pages, &object->nr_pages, FLAT_OBJECT_PAGES, index)
		       : insert_page(fs->pages, &fs->nr_pages, FLAT_PAGES, page / PAGE);
	if (!entry)
		abort();
	memcpy(entry->cells, cells, sizeof(cells));
	return entry;
}

/* Changes of an object. */

void
flat_object_punch(struct flat_object *object, uint64_t first, uint64_t nr_pages)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < object->nr_pages; i++) {
		if (object->pages[i].page < first || object->pages[i].page - first >= nr_pages)
			object->pages[kept++] = object->pages[i];
		else
			let_go(&object->pages[i]);
	}
	object->nr_pages = kept;
}

/* lose_copies - private copies of pages from `first` on. */
static void
lose_copies(struct flat_space *fs, const struct flat_region *r, uint64_t first)
{
	uint64_t from = first > r->offset ? first - r->offset : 0;

	if (from < (r->end - r->start) / PAGE)
		flat_drop_pages(fs, va_range(r->start + from * PAGE, r->end), false);
}

/* cut_page - the page where an object ends: bytes from `offset` on are zero. */
static void
cut_page(struct flat_object *object, uint64_t bytes)
{
	struct flat_page *page = flat_page_of(object->pages, object->nr_pages, bytes / PAGE);

	for (unsigned cell = 0; page && bytes % PAGE && cell < FLAT_CELLS; cell++) {
		for (unsigned i = 0; i < FLAT_CELL_BYTES; i++) {
			if (cell_offsets[cell] + i >= bytes % PAGE)
				page->cells[cell][i] = 0;
		}
	}
}

void
flat_object_cut(struct flat_object *object)
{
	cut_page(object, object->size_bytes);
}

void
flat_object_resize(struct flat *flat, struct flat_object *object, uint64_t bytes)
{
	uint64_t smaller = min_u64(bytes, object->size_bytes);
	uint64_t first = (bytes + PAGE - 1) / PAGE;

	object->pattern_bytes = min_u64(object->pattern_bytes, smaller);
	object->size_bytes = bytes;
	cut_page(object, smaller);
	flat_object_punch(object, first, UINT64_MAX);
	for (unsigned i = 0; i < FLAT_SPACES; i++) {
		struct flat_space *fs = &flat->spaces[i];

		for (unsigned j = 0; fs->is_used && j < fs->nr_regions; j++) {
			if (fs->regions[j].object == object)
				lose_copies(fs, &fs->regions[j], first);
		}
	}
}

void
flat_object_write(struct flat *flat, struct flat_object *object, uint64_t offset,
		  const uint8_t *buf, size_t bytes)
{
	uint64_t	  index = offset / PAGE;
	struct flat_page *page;

	if (offset + bytes > object->size_bytes)
		flat_object_resize(flat, object, offset + bytes);
	page = flat_page_of(object->pages, object->nr_pages, index);
	if (!page) {
		uint8_t cells[FLAT_CELLS][FLAT_CELL_BYTES];

		for (unsigned cell = 0; cell < FLAT_CELLS; cell++)
			flat_object_cell(object, index, cell, cells[cell]);
		page = insert_page(object->pages, &object->nr_pages, FLAT_OBJECT_PAGES, index);
		if (!page)
			abort();
		memcpy(page->cells, cells, sizeof(cells));
	}
	for (size_t i = 0; i < bytes; i++) {
		unsigned byte;
		unsigned cell = cell_at((offset + i) % PAGE, &byte);

		page->cells[cell][byte] = buf[i];
	}
}

void
flat_touch(struct flat_space *fs, struct flat_region *r, vaddr_t va)
{
	if (!(r->flags & REGION_SHARED))
		(void)own_page(fs, r, va);
}

/* Pages that devices hold. */

/* pinned_by - the entry in the array that is this pinned page, or NULL. */
static struct flat_page *
pinned_by(struct flat_page *pages, unsigned nr, const struct flat_pinned *pinned)
{
	for (unsigned i = 0; i < nr; i++) {
		if (pages[i].pinned == pinned)
			return &pages[i];
	}
	return NULL;
}

struct flat_page *
flat_pinned_page(struct flat *flat, const struct flat_pinned *pinned)
{
	struct flat_page *page = NULL;

	for (unsigned i = 0; i < FLAT_SPACES && !page; i++) {
		struct flat_space *fs = &flat->spaces[i];

		if (fs->is_used)
			page = pinned_by(fs->pages, fs->nr_pages, pinned);
	}
	for (unsigned i = 0; i < FLAT_OBJECTS && !page; i++) {
		struct flat_object *object = &flat->objects[i];

		if (object->is_used)
			page = pinned_by(object->pages, object->nr_pages, pinned);
	}
	return page;
}

struct flat_pinned *
flat_pin(struct flat *flat, struct flat_space *fs, struct flat_region *r, vaddr_t va)
{
	struct flat_page *page = own_page(fs, r, va);

	for (unsigned i = 0; i < FLAT_PINNED && !page->pinned; i++) {
		if (!flat->pinned[i].nr_pins)
			page->pinned = &flat->pinned[i];
	}
	if (page->pinned)
		page->pinned->nr_pins++;
	page->is_freed = false;
	return page->pinned;
}

void
flat_unpin(struct flat *flat, struct flat_pinned *pinned)
{
	struct flat_page *page = flat_pinned_page(flat, pinned);

	if (--pinned->nr_pins == 0 && page)
		page->pinned = NULL;
}

/* grow_to - the stack above va comes down to its page, if the rules allow. */
static struct flat_region *
grow_to(struct flat_space *fs, vaddr_t va)
{
	unsigned	    at = region_place(fs, va);
	struct flat_region *r = &fs->regions[at];
	vaddr_t		    page = va & ~ARCH_PAGE_MASK;
	vaddr_t		    below;

	if (at == fs->nr_regions || !(r->flags & REGION_GROWSDOWN))
		return NULL;
	if (page < fs->layout.min_addr || r->end - page > fs->layout.limit_stack)
		return NULL;
	if ((r->flags & REGION_LOCKED) && !flat_may_lock(fs, r->start - page))
		return NULL;
	below = at ? fs->regions[at - 1].end : 0;
	if (at && fs->regions[at - 1].prot && page - below < fs->layout.stack_guard &&
	    !(fs->regions[at - 1].flags & REGION_GROWSDOWN))
		return NULL;
	r->start = page;
	join_all(fs);
	return flat_find(fs, va);
}

enum fault_result
flat_judge(struct flat_space *fs, enum access access, vaddr_t va, struct flat_region **out)
{
	struct flat_region *r = va < fs->layout.end ? flat_find(fs, va) : NULL;
	struct flat_page   *page;

	if (!r && va < fs->layout.end)
		r = grow_to(fs, va);
	if (!r)
		return FAULT_SEGV_MAPERR;
	if (!(prot_usable(r->prot) & access_prot(access)))
		return FAULT_SEGV_ACCERR;
	page = flat_page_of(fs->pages, fs->nr_pages, va / PAGE);
	if (page && page->is_guard)
		return FAULT_SEGV_MAPERR;
	if (!page && r->object &&
	    (r->offset + (va - r->start) / PAGE) * PAGE >= r->object->size_bytes)
		return FAULT_BUS_ADRERR;
	*out = r;
	return FAULT_DONE;
}

enum fault_result
flat_access(struct flat_space *fs, enum access access, vaddr_t va, uint8_t *buf, size_t bytes,
	    size_t *done)
{
	struct flat_region *r = NULL;

	for (*done = 0; *done < bytes; (*done)++, va++) {
		enum fault_result result = flat_judge(fs, access, va, &r);
		unsigned	  byte;
		unsigned	  cell = cell_at(va % PAGE, &byte);
		uint8_t		  content[FLAT_CELL_BYTES];

		if (result != FAULT_DONE)
			return result;
		if (access == ACCESS_STORE) {
			struct flat_page *page = own_page(fs, r, va);

			page->cells[cell][byte] = buf[*done];
			page->is_freed = false;
			continue;
		}
		flat_read_cell(fs, r, va & ~ARCH_PAGE_MASK, cell, content);
		buf[*done] = content[byte];
	}
	return FAULT_DONE;
}
