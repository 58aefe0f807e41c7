/*
 * swap.c - a swap device of plain memory, and the statement that makes pages go there.
 *
 * The memory is the machine's to find: a simulator takes it from its host, a PC from what the
 * scenario leaves it of its RAM.
 */
#include "scenario/swap.h"

#include <anymm/reclaim.h>

#include "scenario/run.h"

static void *
page_of(const struct swap_device *device, uint32_t slot)
{
	return (char *)device->private_data + ((uint64_t)slot << ARCH_PAGE_SHIFT);
}

static err_t
read_page(struct swap_device *device, uint32_t slot, pfn_t into)
{
	memcpy(arch_frame_ptr(into), page_of(device, slot), ARCH_PAGE_SIZE);
	return OK;
}

static err_t
write_page(struct swap_device *device, uint32_t slot, pfn_t from)
{
	memcpy(page_of(device, slot), arch_frame_ptr(from), ARCH_PAGE_SIZE);
	return OK;
}

err_t
scenario_swap(void *memory, uint64_t nr_pages)
{
	static struct swap_device device;

	device = (struct swap_device){ .name = "memory",
				       .nr_slots = (uint32_t)nr_pages,
				       .read = read_page,
				       .write = write_page,
				       .private_data = memory };
	return swap_register(&device);
}

/* reclaim N: page-out until about N frames have become free, or nothing can go. */
bool
statement_reclaim(struct run *r)
{
	uint64_t nr;

	if (!parse_number(r, &nr, "a number of frames") || !parse_end(r))
		return false;
	if (!r->dry)
		(void)reclaim_run(nr);
	return true;
}
