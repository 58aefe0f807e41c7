/*
 * pager_device.c - device memory as an object.
 *
 * A fault maps its frames directly, as special leaves with the device's memory type; nobody counts
 * them, so there is no slot to fill and nothing to free. They go from all spaces by
 * truncation like any page.
 */
#include <anymm/object.h>

/* Never reached: object_get_page refuses a device. */
static err_t
device_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return ERR_IO;
}

const struct pager_ops pager_device = {
	.name = "device",
	.fill = device_fill,
};

err_t
object_create_device(uint64_t id, struct device_memory memory, uint64_t nr_pages,
		     struct object **out)
{
	err_t err = object_create(&pager_device, id, nr_pages, NULL, out);

	if (err == OK)
		(*out)->device = memory;
	return err;
}
