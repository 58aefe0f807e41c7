/*
 * exec_file.c - headers are read through the same pages that programs are mapped from.
 */
#include "base/mem.h"
#include "exec/exec_file.h"
#include "space/bounds.h"

uint64_t
exec_file_bytes(struct object *file)
{
	return file->size_pages << ARCH_PAGE_SHIFT;
}

/* read_page - a part of one page. */
static err_t
read_page(struct object *file, uint64_t offset, void *buf, size_t bytes)
{
	pfn_t pfn;
	err_t err = object_get_page(file, offset >> ARCH_PAGE_SHIFT, &pfn);

	if (err)
		return err == ERR_NOMEM ? ERR_NOMEM : ERR_IO;
	memcpy(buf, (char *)arch_frame_ptr(pfn) + (offset & ARCH_PAGE_MASK), bytes);
	frame_release(pfn);
	return OK;
}

err_t
exec_file_read(struct object *file, uint64_t offset, void *buf, size_t bytes)
{
	size_t done = 0;
	err_t  err = lies_below(offset, bytes, exec_file_bytes(file)) ? OK : ERR_IO;

	while (done < bytes && err == OK) {
		uint64_t at = offset + done;
		size_t	 part = min_u64(bytes - done, ARCH_PAGE_SIZE - (at & ARCH_PAGE_MASK));

		err = read_page(file, at, (char *)buf + done, part);
		done += part;
	}
	return err;
}
