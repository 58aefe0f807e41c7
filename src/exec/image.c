/*
 * image.c - the segments of a program in a space.
 *
 *	file      [ head |  bytes of the segment     | tail ]
 *	            page border             page border
 *	memory    [ head |  bytes of the segment     | 0000 ][ 0000 0000 ]
 *	            private mapping of the file               anonymous
 *
 * Pages of the file come when they are touched. Only the last page of a segment
 * whose memory is longer than its bytes is touched here: its tail must be zeros.
 *
 * A position-independent program is placed as the kernel places a large file mapping,
 * near the other mappings, and its heap starts at two thirds of user space.
 * Everybody else's heap follows the image.
 */
#include "exec/image.h"
#include "space/bounds.h"

/* page_end - the first page border at or behind `bytes`, which lies in user space. */
static uint64_t
page_end(uint64_t bytes)
{
	return page_floor(bytes + ARCH_PAGE_MASK);
}

err_t
image_place(struct space *sp, const struct elf_image *image, struct object *file, uint64_t *bias)
{
	const struct elf_load *first = &image->loads[0];
	vaddr_t		       start = page_floor(first->start);
	vaddr_t		       end = page_end(image->loads[image->nr_loads - 1].end);
	uint64_t	       slack = image->alignment - ARCH_PAGE_SIZE;
	struct map_request     room = {
		    .length = end - start + slack,
		    .flags = MAPF_PRIVATE | MAPF_NORESERVE,
		    .object = file,
		    .offset = page_floor(first->offset),
		    .align_by_offset = true,
	};
	vaddr_t at;
	err_t	err;

	*bias = 0;
	if (!image->is_pie)
		return OK;
	err = space_map(sp, &room, &at);
	if (err)
		return err;
	err = space_unmap(sp, at, room.length);
	if (err)
		return err;
	/* Addresses of the file keep their place within the alignment. */
	*bias = ((at - start + image->alignment - 1) & ~(image->alignment - 1));
	return OK;
}

/* map_bytes - the pages that hold the segment's bytes in the file. */
static err_t
map_bytes(struct space *sp, const struct elf_load *load, struct object *file, uint64_t bias)
{
	vaddr_t		   start = page_floor(load->start);
	struct map_request request = {
		.addr = start + bias,
		.length = page_end(load->start + load->file_bytes) - start,
		.prot = load->prot,
		.flags = MAPF_PRIVATE | MAPF_FIXED,
		.object = file,
		.offset = page_floor(load->offset),
	};
	vaddr_t at;

	return load->file_bytes ? space_map(sp, &request, &at) : OK;
}

/* zeros_start - the first page of the segment that holds none of the file. */
static vaddr_t
zeros_start(const struct elf_load *load)
{
	return load->file_bytes ? page_end(load->start + load->file_bytes)
				: page_floor(load->start);
}

static err_t
map_zeros(struct space *sp, const struct elf_load *load, uint64_t bias)
{
	vaddr_t		   start = zeros_start(load);
	struct map_request request = {
		.addr = start + bias,
		.length = page_end(load->end) - start,
		.prot = load->prot,
		.flags = MAPF_PRIVATE | MAPF_FIXED | MAPF_ANONYMOUS,
	};
	vaddr_t at;

	return start < load->end ? space_map(sp, &request, &at) : OK;
}

err_t
image_touch(struct space *sp, struct va_range range)
{
	switch (fault_populate(sp, range, ACCESS_STORE)) {
	case FAULT_DONE:
		return OK;
	case FAULT_NOMEM:
		return ERR_NOMEM;
	case FAULT_BUS_ADRERR:
		return ERR_IO;
	case FAULT_SEGV_MAPERR:
	case FAULT_SEGV_ACCERR:
		break;
	}
	return ERR_2BIG;
}

/* clear_tail - zeros from the end of the file's bytes to the end of their last page. */
static err_t
clear_tail(struct space *sp, const struct elf_load *load, uint64_t bias)
{
	static const uint8_t zeros[256];
	vaddr_t		     va = load->start + load->file_bytes + bias;
	vaddr_t		     end = zeros_start(load) + bias;
	err_t		     err = OK;

	if (load->file_bytes == 0 || load->start + load->file_bytes == load->end)
		return OK;
	if (va < end)
		err = image_touch(sp, va_range(va, end));
	while (err == OK && va < end) {
		size_t part = min_u64(sizeof(zeros), end - va);

		if (copy_to_space(sp, va, zeros, part))
			err = ERR_NOMEM;
		va += part;
	}
	return err;
}

err_t
image_map(struct space *sp, const struct elf_image *image, struct object *file, uint64_t bias,
	  uint32_t *number)
{
	err_t err = OK;

	for (uint32_t i = 0; i < image->nr_loads && err == OK; i++) {
		const struct elf_load *load = &image->loads[i];

		*number = i;
		err = map_bytes(sp, load, file, bias);
		if (err == OK)
			err = map_zeros(sp, load, bias);
		if (err == OK)
			err = clear_tail(sp, load, bias);
	}
	return err;
}

vaddr_t
image_heap(const struct elf_image *image, const struct space_layout *layout)
{
	if (image->is_pie)
		return page_end(layout->end / 3 * 2);
	return page_end(image->loads[image->nr_loads - 1].end);
}
