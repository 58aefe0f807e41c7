/*
 * image.h - the segments of a program in a space.
 */
#pragma once

#include "exec/elf.h"

/*
 * image_place - what to add to the file's addresses: 0, or for a position-independent
 * program where Linux would put it.
 *   fails  ERR_NOMEM: there is no room
 */
err_t image_place(struct space *sp, const struct elf_image *image, struct object *file,
		  uint64_t *bias);

/*
 * image_map - map every load; zeros behind the file's bytes.
 *   fails  as space_map; ERR_IO: a page of the file cannot be read. *number is the load that
 *          failed; those before it are mapped
 */
err_t image_map(struct space *sp, const struct elf_image *image, struct object *file, uint64_t bias,
		uint32_t *number);

/* image_heap - where the heap starts if it follows Linux's rules, before any gap. */
vaddr_t image_heap(const struct elf_image *image, const struct space_layout *layout);

/*
 * image_touch - make the pages of the range present and writable, as a store would.
 *   fails  ERR_NOMEM; ERR_IO: a page of the file cannot be read; ERR_2BIG: there is no room, which
 *          only a stack meets
 */
err_t image_touch(struct space *sp, struct va_range range);
