/*
 * story_pin.c - pages pinned for a device, and the device, which reads and writes the frames
 * behind the processors' back.
 *
 * A pin belongs to no process. As long as the page is somebody's, owner and device must see the
 * same bytes; when it has been unmapped, replaced or truncated, the device has it alone.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE ARCH_PAGE_SIZE

static struct story_pin *
free_pin(struct story *st)
{
	for (unsigned i = 0; i < STORY_PINS; i++) {
		if (!st->pins[i].nr_pages)
			return &st->pins[i];
	}
	return NULL;
}

/* nth_pin - one that holds, or NULL. */
static struct story_pin *
nth_pin(struct story *st, unsigned n)
{
	for (unsigned i = 0; i < STORY_PINS; i++) {
		struct story_pin *pin = &st->pins[(n + i) % STORY_PINS];

		if (pin->nr_pages)
			return pin;
	}
	return NULL;
}

static unsigned
number_of(const struct story *st, const struct story_pin *pin)
{
	return (unsigned)(pin - st->pins);
}

/*
 * own_page - the page becomes what can be pinned: one of the process's own, or the object's.
 * NULL: the program may not reach it, or nobody can.
 */
static struct flat_region *
own_page(struct story_op *op, vaddr_t va, bool writes)
{
	struct flat_region *r = va < op->fs->layout.end ? flat_find(op->fs, va) : NULL;
	enum access	    access = writes ? ACCESS_STORE : ACCESS_LOAD;

	if (!r || !(r->prot & access_prot(access)))
		return NULL;
	if (flat_judge(op->fs, access, va, &r) != FAULT_DONE)
		return NULL;
	flat_touch(op->fs, r, va);
	return r;
}

/* expect_pin - the pages before one that fails have become the process's own all the same. */
static err_t
expect_pin(struct story_op *op, struct story_pin *pin)
{
	if (op->va & ARCH_PAGE_MASK)
		return ERR_INVAL;
	if (op->va > op->fs->layout.end - pin->nr_pages * PAGE)
		return ERR_FAULT;
	for (unsigned i = 0; i < pin->nr_pages; i++) {
		if (!own_page(op, op->va + i * PAGE, pin->writes))
			return ERR_FAULT;
	}
	return OK;
}

static void
hold(struct story_op *op, struct story_pin *pin)
{
	for (unsigned i = 0; i < pin->nr_pages; i++) {
		vaddr_t va = op->va + i * PAGE;

		pin->pages[i] = flat_pin(&op->st->flat, op->fs, flat_find(op->fs, va), va);
	}
	/* What comes next is often about the page: it moves, goes, or is forked. */
	op->st->last_accessed = op->va;
}

static err_t
take(struct story_op *op, struct story_pin *pin)
{
	return call_pin(op->sp, op->va, pin->nr_pages, pin->writes ? PIN_WRITE : 0, pin->frames);
}

bool
op_pin(struct story_op *op)
{
	struct story_pin *pin = free_pin(op->st);
	err_t		  want, got;

	if (!pin)
		return op_unpin(op);
	*pin = (struct story_pin){ .nr_pages = 1 + op->rec->length % STORY_PIN_PAGES,
				   .writes = op->rec->how & 1 };
	op->length = pin->nr_pages * PAGE;
	op->is_repeatable = true;
	story_say(op, "pin d%u p%u 0x%" PRIx64 " %u%s", number_of(op->st, pin), op->who, op->va,
		  pin->nr_pages, pin->writes ? " write" : "");
	story_fail_begin(op, NULL);
	got = take(op, pin);
	if (story_fail_end(op, got == ERR_NOMEM || got == ERR_FAULT, NULL))
		got = take(op, pin);
	want = expect_pin(op, pin);
	/* Copies that were made before memory ran out stay. */
	op->has_changed = false;
	if (want == OK && got == OK)
		hold(op, pin);
	else
		pin->nr_pages = 0;
	return story_same_result(op, "pin", want, got);
}

static void
let_go(struct story *st, struct story_pin *pin)
{
	story_tell(st, "unpin d%u%s\n", number_of(st, pin), pin->has_written ? " dirty" : "");
	call_unpin(pin->frames, pin->nr_pages, pin->has_written);
	for (unsigned i = 0; i < pin->nr_pages; i++)
		flat_unpin(&st->flat, pin->pages[i]);
	pin->nr_pages = 0;
}

bool
op_unpin(struct story_op *op)
{
	struct story_pin *pin = nth_pin(op->st, op->rec->data);

	if (pin)
		let_go(op->st, pin);
	return true;
}

void
story_unpin_all(struct story *st)
{
	for (unsigned i = 0; i < STORY_PINS; i++) {
		if (st->pins[i].nr_pages)
			let_go(st, &st->pins[i]);
	}
}

/* cells_of - where the model keeps what the device sees. */
static uint8_t (*cells_of(struct story *st, struct flat_pinned *pinned))[FLAT_CELL_BYTES]
{
	struct flat_page *page = flat_pinned_page(&st->flat, pinned);

	return page ? page->cells : pinned->cells;
}

/* op_device - the first byte of a pinned page: read, or written. */
bool
op_device(struct story_op *op)
{
	struct story_pin *pin = nth_pin(op->st, op->rec->data);
	unsigned	  i;
	uint8_t		 *real, *model;

	if (!pin)
		return op_pin(op);
	i = op->rec->length % pin->nr_pages;
	real = arch_frame_ptr(pin->frames[i]);
	model = cells_of(op->st, pin->pages[i])[0];
	if (pin->writes && (op->rec->how & 3)) {
		*real = *model = (uint8_t)(op->rec->data + op->st->step);
		pin->has_written = true;
		story_tell(op->st, "device d%u %u 0x%02x\n", number_of(op->st, pin), i, *real);
		return true;
	}
	story_tell(op->st, "device d%u %u = 0x%02x\n", number_of(op->st, pin), i, *model);
	return *real == *model ||
	       story_differ(op->st, "device d%u reads %02x in page %u, expected %02x",
			    number_of(op->st, pin), *real, i, *model);
}

pfn_t
story_pinned_frame(const struct story *st, const struct flat_pinned *pinned)
{
	for (unsigned i = 0; i < STORY_PINS; i++) {
		for (unsigned j = 0; j < st->pins[i].nr_pages; j++) {
			if (st->pins[i].pages[j] == pinned)
				return st->pins[i].frames[j];
		}
	}
	return pfn_none();
}

static bool
same_pin(struct story *st, const struct story_pin *pin)
{
	for (unsigned i = 0; i < pin->nr_pages; i++) {
		const uint8_t *real = arch_frame_ptr(pin->frames[i]);
		uint8_t(*model)[FLAT_CELL_BYTES] = cells_of(st, pin->pages[i]);

		if (!pfn_eq(story_pinned_frame(st, pin->pages[i]), pin->frames[i]))
			return story_differ(st, "two pins of one page hold two frames");
		for (unsigned cell = 0; cell < FLAT_CELLS; cell++) {
			if (memcmp(model[cell], real + flat_cell_offset(cell), FLAT_CELL_BYTES))
				return story_differ(st,
						    "device d%u sees in page %u, frame %" PRIu64
						    ", cell %u: %02x %02x.., expected %02x %02x..",
						    number_of(st, pin), i, pin->frames[i].n, cell,
						    real[flat_cell_offset(cell)],
						    real[flat_cell_offset(cell) + 1],
						    model[cell][0], model[cell][1]);
		}
	}
	return true;
}

bool
story_compare_pins(struct story *st)
{
	for (unsigned i = 0; i < STORY_PINS; i++) {
		if (!same_pin(st, &st->pins[i]))
			return false;
	}
	return true;
}
