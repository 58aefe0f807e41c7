/*
 * program.c - the program's file in memory: an ELF image that came with the kernel.
 *
 * It is an object whose pager copies pages out of the kernel's constants, so programs
 * share the pages they do not write, as with any file. Each loadable segment is a private
 * mapping of it with the segment's own permissions; what a segment has beyond the file is
 * anonymous memory.
 */
#include "demo.h"

#include <anymm/object.h>
#include <anymm/usercopy.h>

#include "base/mem.h"

#define STACK_TOP   UINT64_C(0x7ffffff00000)
#define STACK_BYTES 8192 /* at first */

/* The fields we use: System V ABI, chapters 4 and 5. */
struct elf_header {
	unsigned char ident[16];
	uint16_t      type, machine;
	uint32_t      version;
	uint64_t      entry, segments, sections;
	uint32_t      flags;
	uint16_t      header_bytes, segment_bytes, nr_segments;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, va, pa, file_bytes, memory_bytes, align;
};

enum { SEGMENT_LOAD = 1 };

extern const char program_file[], program_file_end[];

static struct object *file;

static err_t
fill(struct object *object, uint64_t index, pfn_t pfn)
{
	uint64_t at = index << ARCH_PAGE_SHIFT;
	uint64_t bytes = (uint64_t)(program_file_end - program_file);

	(void)object;
	if (at < bytes)
		memcpy(arch_frame_ptr(pfn), program_file + at, min_u64(bytes - at, ARCH_PAGE_SIZE));
	return OK;
}

static const struct pager_ops program_pager = { .name = "program", .fill = fill };

void
program_init(void)
{
	uint64_t bytes = (uint64_t)(program_file_end - program_file);

	if (object_create(&program_pager, 1, (bytes + ARCH_PAGE_MASK) >> ARCH_PAGE_SHIFT, NULL,
			  &file) != OK)
		boot_fail("no memory for the program's file");
}

static unsigned
prot_of(uint32_t flags)
{
	return (flags & 4 ? PROT_R : 0) | (flags & 2 ? PROT_W : 0) | (flags & 1 ? PROT_X : 0);
}

static err_t
map_fixed(struct space *sp, vaddr_t start, uint64_t bytes, unsigned prot, unsigned flags,
	  uint64_t offset)
{
	bool	anonymous = flags & MAPF_ANONYMOUS;
	vaddr_t at;

	return space_map(sp,
			 &(struct map_request){ .addr = start,
						.length = bytes,
						.prot = prot,
						.flags = flags | MAPF_PRIVATE | MAPF_FIXED,
						.object = anonymous ? NULL : file,
						.offset = offset },
			 &at);
}

/* The tail of the last page that the file fills holds what follows in the file: it must be zero. */
static err_t
clear_tail(struct space *sp, vaddr_t from, vaddr_t to)
{
	static const char zeroes[ARCH_PAGE_SIZE];

	return copy_to_space(sp, from, zeroes, to - from) == 0 ? OK : ERR_NOMEM;
}

static err_t
map_segment(struct space *sp, const struct elf_segment *s)
{
	vaddr_t	 start = s->va & ~ARCH_PAGE_MASK;
	vaddr_t	 file_end = s->va + s->file_bytes;
	vaddr_t	 file_pages_end = (file_end + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	vaddr_t	 end = (s->va + s->memory_bytes + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	unsigned prot = prot_of(s->flags);
	err_t	 err = OK;

	if (file_pages_end > start)
		err = map_fixed(sp, start, file_pages_end - start, prot, 0,
				s->offset & ~ARCH_PAGE_MASK);
	if (err == OK && s->memory_bytes > s->file_bytes && s->file_bytes)
		err = clear_tail(sp, file_end, file_pages_end);
	if (err == OK && end > file_pages_end)
		err = map_fixed(sp, file_pages_end, end - file_pages_end, prot, MAPF_ANONYMOUS, 0);
	return err;
}

static err_t
map_program(struct space *sp, const struct elf_header *h)
{
	const struct elf_segment *s = (const void *)(program_file + h->segments);
	err_t			  err = OK;

	for (unsigned i = 0; i < h->nr_segments && err == OK; i++) {
		if (s[i].type == SEGMENT_LOAD)
			err = map_segment(sp, &s[i]);
	}
	if (err == OK)
		err = map_fixed(sp, STACK_TOP - STACK_BYTES, STACK_BYTES, PROT_R | PROT_W,
				MAPF_ANONYMOUS | MAPF_GROWSDOWN, 0);
	return err;
}

err_t
program_load(uint64_t role, struct space **out, struct arch_context *ctx)
{
	const struct elf_header *h = (const void *)program_file;
	struct space_layout	 layout = space_default_layout();
	err_t			 err = space_create(&layout, out);

	if (err != OK)
		return err;
	err = map_program(*out, h);
	if (err != OK) {
		space_put(*out);
		return err;
	}
	arch_context_init(ctx, h->entry, STACK_TOP - 8); /* as after a call */
	ctx->rdi = role;
	return OK;
}
