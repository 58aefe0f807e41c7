/*
 * swap.h - where pages go that have no file: the slots of a swap device.
 *
 * A slot is counted like a frame: its count is the number of places that name it,
 * which are marks in tables (a shared table counts once), slots of objects, and
 * the association with a frame that still, or again, holds its contents.
 */
#pragma once

#include <anymm/frame.h>

/* The number of a swap slot. */
typedef struct {
	uint32_t n;
} swap_t;

/* No slot. */
static inline swap_t
swap_none(void)
{
	return (swap_t){ UINT32_MAX };
}

static inline bool
swap_is_none(swap_t slot)
{
	return slot.n == UINT32_MAX;
}

/*
 * What the embedder supplies. Both calls get a slot below nr_slots and a frame that
 * stays as it is meanwhile; they may wait, and come from any CPU, several at a time,
 * with no lock held.
 *   fails  any error: a page that was to be written stays in memory; an access that
 *          needs a page which cannot be read gets BUS_ADRERR
 */
struct swap_device {
	const char *name;
	uint32_t    nr_slots; /* of one page each, at least 1 */
	err_t (*read)(struct swap_device *device, uint32_t slot, pfn_t into);
	err_t (*write)(struct swap_device *device, uint32_t slot, pfn_t from);
	void *private_data;
};

/*
 * swap_register - use the device from now on; it stays the caller's and must live on.
 *   fails  ERR_INVAL: no slots, or more than can be kept; ERR_BUSY: there is a device;
 *          ERR_NOMEM: nothing changed
 */
err_t swap_register(struct swap_device *device);

/*
 * swap_unregister - stop using the device.
 *   needs  no page-out in progress
 *   fails  ERR_NODEV: there is none; ERR_BUSY: it still holds pages. Nothing changed
 */
err_t swap_unregister(void);

struct swap_usage {
	uint64_t nr_slots; /* 0: no device */
	uint64_t nr_used;  /* slots with a count */
};
struct swap_usage swap_usage(void);

/* swap_init - called once at boot. */
err_t swap_init(void);
