/*
 * pager_stored.c - a file in memory that keeps its own bytes.
 *
 * The storage is a second object, whose pages nobody maps: page n of the file is stored in page n
 * of it, if it was ever written back. Both shrink and lose holes together. The storage plays a disc:
 * its pages count as dirty, because there is no other place to get them from, and stay in memory.
 */
#include "base/mem.h"
#include "object/pagers.h"
#include "object/radix.h"

static struct object *
storage_of(struct object *object)
{
	return object->private_data;
}

/* stored_page - the stored page with one more count, or pfn_none(): never written. */
static err_t
stored_page(struct object *storage, uint64_t index, pfn_t *out)
{
	err_t err = OK;

	lock_acquire(&storage->lock);
	*out = radix_lookup(storage, index);
	if (!pfn_is_none(*out))
		err = frame_get(*out);
	lock_release(&storage->lock);
	return err;
}

pfn_t
stored_file_page(const struct object *object, uint64_t index)
{
	return radix_lookup(object->private_data, index);
}

static err_t
stored_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	pfn_t stored;
	err_t err = stored_page(storage_of(object), index, &stored);

	if (err || pfn_is_none(stored))
		return err;
	arch_frame_copy(pfn, stored);
	frame_release(stored);
	return OK;
}

static err_t
stored_write_back(struct object *object, uint64_t index, pfn_t pfn)
{
	uint64_t start = index << ARCH_PAGE_SHIFT;
	uint64_t size = object_size(object);
	uint64_t bytes = size > start ? min_u64(size - start, ARCH_PAGE_SIZE) : 0;
	pfn_t	 stored;
	err_t	 err = object_get_page(storage_of(object), index, &stored);

	if (err)
		return err;
	memcpy(arch_frame_ptr(stored), arch_frame_ptr(pfn), bytes);
	memset((char *)arch_frame_ptr(stored) + bytes, 0, ARCH_PAGE_SIZE - bytes);
	frame_set_flag(stored, FRAME_DIRTY);
	frame_release(stored);
	return OK;
}

static void
stored_truncated(struct object *object, uint64_t size_bytes)
{
	object_resize(storage_of(object), size_bytes);
}

static void
stored_punched(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	object_punch(storage_of(object), first_page, nr_pages);
}

static void
stored_release(struct object *object)
{
	object_put(storage_of(object));
}

const struct pager_ops pager_stored = {
	.name = "stored file",
	.fill = stored_fill,
	.write_back = stored_write_back,
	.truncated = stored_truncated,
	.punched = stored_punched,
	.release = stored_release,
};

const struct pager_ops pager_storage = {
	.name = "storage",
	.fill = fill_with_zeros,
	.stays = true,
};

err_t
object_create_stored(uint64_t id, uint64_t size_bytes, struct object **out)
{
	struct object *storage;
	err_t	       err = object_create(&pager_storage, id, 0, NULL, &storage);

	if (err)
		return err;
	err = object_create(&pager_stored, id, 0, storage, out);
	if (err) {
		object_put(storage);
		return err;
	}
	object_resize(*out, size_bytes);
	return OK;
}
