/*
 * slots.c - the life of a swap slot: counts, and which are free.
 *
 *	free ──swap_alloc──▶ count 1 ──swap_get──▶ count n
 *	  ▲                                         │
 *	  └───────────── swap_put at 0 ◀────────────┘
 *
 * A free slot costs nothing to find: those that were in use are linked through
 * their records, and those beyond were never touched. Each slot has one of a few
 * locks; the free list has its own. A slot that nobody names is nobody's to lock,
 * so the two are never held together.
 */
#include "swap/slots.h"

#include "base/assert.h"
#include "swap/cache.h"

/* frames_for - log2 of the frames that hold the records of this many slots. */
static unsigned
order_for(uint64_t nr_slots)
{
	unsigned order = 0;

	while ((ARCH_PAGE_SIZE << order) < nr_slots * sizeof(struct swap_slot))
		order++;
	return order;
}

static void
use(struct swap_state *st, struct swap_device *device, pfn_t memory)
{
	st->device = device;
	st->memory = memory;
	st->slots = arch_frame_ptr(memory);
	st->free = SWAP_NOTHING;
	st->fresh = 0;
	st->nr_used = 0;
	st->nr_slots = device->nr_slots;
}

/* forget - no device, no slots. */
static void
forget(struct swap_state *st)
{
	st->device = NULL;
	st->nr_slots = 0;
	st->fresh = 0;
	st->free = SWAP_NOTHING;
}

err_t
swap_register(struct swap_device *device)
{
	struct swap_state *st = swap_state();
	pfn_t		   memory;
	err_t		   err;

	if (device->nr_slots == 0 || device->nr_slots == UINT32_MAX ||
	    order_for(device->nr_slots) > FRAME_ORDER_MAX)
		return ERR_INVAL;
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL,
						  .order = order_for(device->nr_slots),
						  .zeroed = true },
			  &memory);
	if (err)
		return err;
	lock_acquire(&st->free_lock);
	err = st->device ? ERR_BUSY : OK;
	if (err == OK)
		use(st, device, memory);
	lock_release(&st->free_lock);
	if (err)
		frame_release(memory);
	return err;
}

err_t
swap_unregister(void)
{
	struct swap_state *st = swap_state();
	err_t		   err = OK;

	lock_acquire(&st->free_lock);
	if (!st->device)
		err = ERR_NODEV;
	else if (st->nr_used)
		err = ERR_BUSY;
	else
		forget(st);
	lock_release(&st->free_lock);
	if (err)
		return err;
	frame_release(st->memory);
	return OK;
}

struct swap_usage
swap_usage(void)
{
	struct swap_state *st = swap_state();
	struct swap_usage  usage;

	lock_acquire(&st->free_lock);
	usage = (struct swap_usage){ .nr_slots = st->nr_slots, .nr_used = st->nr_used };
	lock_release(&st->free_lock);
	return usage;
}

struct swap_slot *
swap_slot_of(swap_t slot)
{
	struct swap_state *st = swap_state();

	REQUIRE(slot.n < st->nr_slots, "swap slot %u of %u", slot.n, st->nr_slots);
	return &st->slots[slot.n];
}

/* take_free - HOLDS free_lock; swap_none() if all are in use. */
static swap_t
take_free(struct swap_state *st)
{
	swap_t slot = { st->free };

	if (slot.n != SWAP_NOTHING)
		st->free = st->slots[slot.n].frame;
	else if (st->fresh < st->nr_slots)
		slot.n = st->fresh++;
	else
		return swap_none();
	st->nr_used++;
	return slot;
}

err_t
swap_alloc(swap_t *out)
{
	struct swap_state *st = swap_state();
	swap_t		   slot;

	lock_acquire(&st->free_lock);
	slot = take_free(st);
	lock_release(&st->free_lock);
	if (swap_is_none(slot))
		return ERR_NOMEM;
	lock_acquire(swap_lock_of(slot));
	*swap_slot_of(slot) = (struct swap_slot){ .count = 1, .frame = SWAP_NOTHING };
	lock_release(swap_lock_of(slot));
	*out = slot;
	return OK;
}

static void
give_free(swap_t slot)
{
	struct swap_state *st = swap_state();

	lock_acquire(&st->free_lock);
	st->slots[slot.n].frame = st->free;
	st->free = slot.n;
	st->nr_used--;
	lock_release(&st->free_lock);
}

/* raise - one more count, up to the limit. */
static err_t
raise(swap_t slot, uint32_t limit)
{
	struct swap_slot *s = swap_slot_of(slot);
	err_t		  err = ERR_OVERFLOW;

	lock_acquire(swap_lock_of(slot));
	REQUIRE(s->count > 0, "swap slot %u is named again after its last count", slot.n);
	if (s->count < limit) {
		s->count++;
		err = OK;
	}
	lock_release(swap_lock_of(slot));
	return err;
}

err_t
swap_get(swap_t slot)
{
	return raise(slot, SWAP_COUNT_MAX);
}

bool
swap_can_get(swap_t slot)
{
	uint32_t count;

	lock_acquire(swap_lock_of(slot));
	count = swap_slot_of(slot)->count;
	lock_release(swap_lock_of(slot));
	return count < SWAP_COUNT_MAX;
}

void
swap_get_again(swap_t slot)
{
	err_t err = raise(slot, INT32_MAX);

	REQUIRE(err == OK, "the count of swap slot %u is full", slot.n);
}

void
swap_put(swap_t slot)
{
	struct swap_slot *s = swap_slot_of(slot);
	pfn_t		  cached = pfn_none();
	bool		  last;

	lock_acquire(swap_lock_of(slot));
	REQUIRE(s->count > 0, "count of swap slot %u below zero", slot.n);
	s->count--;
	if (s->count == 1 && s->frame != SWAP_NOTHING)
		cached = swap_dissociate(slot);
	last = s->count == 0;
	lock_release(swap_lock_of(slot));
	if (last)
		give_free(slot);
	if (!pfn_is_none(cached))
		frame_release(cached);
}

err_t
swap_init(void)
{
	struct swap_state *st;
	pfn_t		   pfn, buffer;
	err_t		   err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	static_assert(sizeof(struct swap_state) <= ARCH_PAGE_SIZE, "the state fits one frame");
	if (err)
		return err;
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &buffer);
	if (err) {
		frame_release(pfn);
		return err;
	}
	st = arch_frame_ptr(pfn);
	st->buffer = buffer;
	forget(st);
	lock_init(&st->free_lock, RANK_SWAP);
	for (unsigned i = 0; i < SWAP_LOCKS; i++)
		lock_init(&st->locks[i].lock, RANK_SWAP);
	root()->part[ROOT_SWAP] = st;
	return OK;
}
