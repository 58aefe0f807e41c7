/*
 * story_swap.c - a swap device of the story's own, which can fail; page-out at any moment; and
 * memory that somebody else has.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#include <anymm/reclaim.h>

#include "pt/cursor.h"
#include "swap/slots.h"

#define PAGE ARCH_PAGE_SIZE

static uint8_t pages[STORY_SWAP_SLOTS][ARCH_PAGE_SIZE];

static err_t
read_page(struct swap_device *device, uint32_t slot, pfn_t into)
{
	struct story_swap *swap = device->private_data;

	if (swap->fails_reads) {
		swap->nr_failed++;
		return ERR_IO;
	}
	memcpy(arch_frame_ptr(into), pages[slot], PAGE);
	return OK;
}

static err_t
write_page(struct swap_device *device, uint32_t slot, pfn_t from)
{
	struct story_swap *swap = device->private_data;

	if (swap->fails_writes)
		return ERR_IO;
	memcpy(pages[slot], arch_frame_ptr(from), PAGE);
	return OK;
}

bool
story_swap_begin(struct story *st)
{
	if (!st->swap_slots)
		return true;
	st->swap = (struct story_swap){ .device = { .name = "story",
						    .nr_slots = st->swap_slots,
						    .read = read_page,
						    .write = write_page,
						    .private_data = &st->swap } };
	return swap_register(&st->swap.device) == OK;
}

bool
story_swap_end(struct story *st)
{
	return !st->swap_slots || swap_unregister() == OK ||
	       story_differ(st, "the swap device still holds pages after the last exit");
}

const uint8_t *
story_swapped(pte_t pte)
{
	struct pte_mark	  mark = arch_pte_decode_mark(pte);
	struct swap_slot *slot;

	if (mark.type != MARK_SWAP)
		return NULL;
	slot = swap_slot_of((swap_t){ (uint32_t)mark.payload });
	if (slot->frame != SWAP_NOTHING)
		return arch_frame_ptr((pfn_t){ slot->frame });
	return pages[mark.payload];
}

const uint8_t *
story_page_out(struct object *object, uint64_t index)
{
	static uint8_t	bytes[ARCH_PAGE_SIZE];
	struct page_out out;
	uint64_t	found;
	bool		is_out;

	lock_acquire(&object->lock);
	is_out = object_next_out(object, index, &found, &out) && found == index;
	lock_release(&object->lock);
	if (!is_out)
		return NULL;
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, pages[out.slot.n], out.bytes);
	return bytes;
}

/* Page-out on demand. */

/* A page that must stay where it is. */
struct kept {
	struct space *sp;
	vaddr_t	      va;
	pfn_t	      pfn;
};

/* leaf_at - the frame that is mapped, or none. */
static pfn_t
leaf_at(struct space *sp, vaddr_t va)
{
	struct pt_view view = pt_look(&sp->pt, va);

	if (arch_pte_kind(view.pte, view.level) != PTE_LEAF)
		return pfn_none();
	return arch_pte_decode_leaf(view.pte, view.level).pfn;
}

/* find_kept - pages of locked regions that are in memory, of all processes. */
static unsigned
find_kept(const struct story *st, struct kept *kept, unsigned most)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < STORY_PROCS; i++) {
		struct flat_space *fs = st->procs[i].real ? st->procs[i].fs : NULL;

		for (unsigned j = 0; fs && j < fs->nr_pages && nr < most; j++) {
			vaddr_t		    va = fs->pages[j].page * PAGE;
			struct flat_region *r = flat_find(fs, va);
			struct space	   *sp = st->procs[i].real->space;

			if (r && (r->flags & REGION_LOCKED) && !pfn_is_none(leaf_at(sp, va)))
				kept[nr++] = (struct kept){ sp, va, leaf_at(sp, va) };
		}
	}
	return nr;
}

bool
op_reclaim(struct story_op *op)
{
	static struct kept kept[256];
	unsigned	   nr_kept = find_kept(op->st, kept, ARRAY_SIZE(kept));
	unsigned	   nr = 1 + op->rec->length % 64;

	if (!op->st->swap_slots)
		return op_load(op);
	story_say(op, "reclaim %u\n", nr);
	story_fail_begin(op, NULL);
	(void)reclaim_run(nr);
	(void)story_fail_end(op, false, NULL);
	story_settle_objects(op->st);
	for (unsigned i = 0; i < nr_kept; i++) {
		if (!pfn_eq(leaf_at(kept[i].sp, kept[i].va), kept[i].pfn))
			return story_differ(op->st,
					    "the locked page at 0x%" PRIx64 " has been paged out",
					    kept[i].va);
	}
	return true;
}

/* Memory that somebody else has. */

void
story_starve(struct story *st, uint64_t left)
{
	pfn_t pfn;

	while (frames_available() > left && st->nr_held < STORY_HELD &&
	       frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &pfn) == OK)
		st->held[st->nr_held++] = pfn;
}

void
story_feed(struct story *st)
{
	while (st->nr_held)
		frame_release(st->held[--st->nr_held]);
}
