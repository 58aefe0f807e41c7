/* swap_store.c - see swap_store.h. */
#include "unit/swap_store.h"

static pfn_t
frame_of_slot(const struct swap_store *store, uint32_t slot)
{
	return pfn_add(store->frames, slot);
}

static void
call_during(const struct swap_store *store)
{
	if (store->during)
		store->during(store->arg);
}

static err_t
store_read(struct swap_device *device, uint32_t slot, pfn_t into)
{
	struct swap_store *store = device->private_data;

	store->reads++;
	call_during(store);
	if (store->fails_reads)
		return ERR_IO;
	arch_frame_copy(into, frame_of_slot(store, slot));
	return OK;
}

static err_t
store_write(struct swap_device *device, uint32_t slot, pfn_t from)
{
	struct swap_store *store = device->private_data;

	store->writes++;
	call_during(store);
	if (store->fails_writes)
		return ERR_IO;
	arch_frame_copy(frame_of_slot(store, slot), from);
	return OK;
}

void
swap_store_make(struct swap_store *store, uint32_t nr_slots)
{
	*store = (struct swap_store){ .device = { .name = "frames",
						  .nr_slots = nr_slots,
						  .read = store_read,
						  .write = store_write,
						  .private_data = store } };
	while ((uint32_t)1 << store->order < nr_slots)
		store->order++;
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = store->order },
			      &store->frames));
	EXPECT_OK(swap_register(&store->device));
}

void
swap_store_drop(struct swap_store *store)
{
	EXPECT_OK(swap_unregister());
	frame_release(store->frames);
}

uint64_t
swap_store_word(const struct swap_store *store, uint32_t slot)
{
	return *(uint64_t *)arch_frame_ptr(frame_of_slot(store, slot));
}
