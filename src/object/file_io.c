/*
 * file_io.c - read and write calls on an object, through the pages that mappings show.
 *
 * A page is held while bytes are copied, without any lock, so it can be truncated meanwhile: the
 * copy then reads what was there, or writes what nobody will see, as if it had come first.
 * A write excludes other changes of the object, so the end stays where it is while the page for
 * the next bytes is being had.
 */
#include "base/mem.h"
#include "object/change.h"

/* Linux's largest file: offsets are signed. */
#define SIZE_MAX_BYTES ((uint64_t)INT64_MAX)

/* get_ready_page - object_get_page, waiting as long as that helps. */
static err_t
get_ready_page(struct object *object, uint64_t index, pfn_t *out)
{
	err_t err;

	while ((err = object_get_page(object, index, out)) == ERR_AGAIN) {
		err = object_wait(object, index);
		if (err)
			break;
	}
	return err;
}

static uint64_t
bytes_in_page(uint64_t offset, size_t bytes)
{
	return min_u64(bytes, ARCH_PAGE_SIZE - (offset & ARCH_PAGE_MASK));
}

err_t
object_read(struct object *object, uint64_t offset, void *buf, size_t bytes, size_t *done)
{
	*done = 0;
	if (object_is_device(object) || offset > SIZE_MAX_BYTES)
		return ERR_INVAL;
	while (*done < bytes) {
		uint64_t at = offset + *done;
		uint64_t size = object_size(object);
		uint64_t part = bytes_in_page(at, bytes - *done);
		pfn_t	 pfn;
		err_t	 err;

		if (at >= size)
			break;
		err = get_ready_page(object, at >> ARCH_PAGE_SHIFT, &pfn);
		if (err == ERR_FAULT) /* it has become shorter */
			break;
		if (err)
			return err;
		part = min_u64(part, size - at);
		memcpy((char *)buf + *done, (char *)arch_frame_ptr(pfn) + (at & ARCH_PAGE_MASK),
		       part);
		frame_release(pfn);
		*done += part;
	}
	return OK;
}

/*
 * write_part - bytes that lie in one page. The page comes first, so that the end moves only if they get there: what
 * is stored behind the old end goes when it moves. fails as object_write: the object is as before.
 */
static err_t
write_part(struct object *object, uint64_t at, const void *buf, uint64_t part)
{
	uint64_t size = object_size(object);
	uint64_t index = at >> ARCH_PAGE_SHIFT;
	bool	 is_beyond = index << ARCH_PAGE_SHIFT >= size;
	pfn_t	 pfn;
	err_t err = is_beyond ? page_add(object, index, &pfn) : get_ready_page(object, index, &pfn);

	if (err)
		return err;
	if (at + part > size)
		resize_changing(object, at + part);
	memcpy((char *)arch_frame_ptr(pfn) + (at & ARCH_PAGE_MASK), buf, part);
	frame_set_flag(pfn, FRAME_DIRTY);
	frame_release(pfn);
	return OK;
}

err_t
object_write(struct object *object, uint64_t offset, const void *buf, size_t bytes, size_t *done)
{
	err_t err = OK;

	*done = 0;
	if (object_is_device(object) || offset > SIZE_MAX_BYTES || bytes > SIZE_MAX_BYTES - offset)
		return ERR_INVAL;
	change_begin(object);
	while (*done < bytes && err == OK) {
		uint64_t part = bytes_in_page(offset + *done, bytes - *done);

		err = write_part(object, offset + *done, (const char *)buf + *done, part);
		if (err == OK)
			*done += part;
	}
	change_end(object);
	return err;
}
