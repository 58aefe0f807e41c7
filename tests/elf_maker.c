/* elf_maker.c - small program files for tests, made in memory; see elf_maker.h. */
#include "elf_maker.h"

#include <string.h>

#define PHDRS_AT 64

uint8_t
elf_byte(uint64_t offset)
{
	return (uint8_t)(offset * 7 + offset / 4096 * 3 + 1);
}

void
elf_put(struct elf_file *file, uint64_t at, unsigned nr, uint64_t value)
{
	for (unsigned i = 0; i < nr; i++)
		file->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void
put_header(struct elf_file *file, const struct elf_spec *spec)
{
	memset(file->bytes, 0, PHDRS_AT);
	elf_put(file, 0, 4, 0x464c457f);
	elf_put(file, 4, 3, 0x010102); /* 64-bit, little-endian, version */
	elf_put(file, 16, 2, spec->type);
	elf_put(file, 18, 2, ELF_MACHINE);
	elf_put(file, 20, 4, 1);
	elf_put(file, 24, 8, spec->entry);
	elf_put(file, 32, 8, PHDRS_AT);
	elf_put(file, 52, 2, 64);
	elf_put(file, 54, 2, 56);
	elf_put(file, 56, 2, spec->nr);
}

static void
put_program_header(struct elf_file *file, unsigned i, const struct elf_phdr *p)
{
	uint64_t at = PHDRS_AT + 56 * i;

	elf_put(file, at, 4, p->type);
	elf_put(file, at + 4, 4, p->flags);
	elf_put(file, at + 8, 8, p->offset);
	elf_put(file, at + 16, 8, p->vaddr);
	elf_put(file, at + 24, 8, p->vaddr);
	elf_put(file, at + 32, 8, p->file_bytes);
	elf_put(file, at + 40, 8, p->bytes);
	elf_put(file, at + 48, 8, p->align);
}

void
elf_make(struct elf_file *file, const struct elf_spec *spec)
{
	file->nr = ELF_FILE_BYTES;
	for (uint64_t i = 0; i < ELF_FILE_BYTES; i++)
		file->bytes[i] = elf_byte(i);
	put_header(file, spec);
	for (unsigned i = 0; i < spec->nr; i++)
		put_program_header(file, i, &spec->headers[i]);
}

struct elf_spec
elf_small(uint16_t type)
{
	const uint64_t at = type == ET_EXEC ? 0x400000 : 0;

	return (struct elf_spec){
		.type = type,
		.entry = at + 0x1040,
		.nr = 6,
		.headers = {
			{ PT_LOAD, PF_R, 0, at, 0x400, 0x400, 0x1000 },
			{ PT_LOAD, PF_R | PF_X, 0x1000, at + 0x1000, 0x1e00, 0x1e00, 0x1000 },
			{ PT_LOAD, PF_R | PF_W, 0x3e00, at + 0x4e00, 0x500, 0x3000, 0x1000 },
			{ PT_TLS, PF_R, 0x3e00, at + 0x4e00, 0x10, 0x40, 8 },
			{ PT_NOTE, PF_R, 0x200, at + 0x200, 0x20, 0x20, 4 },
			{ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16 },
		},
	};
}

static err_t
bring(const struct elf_source *source, uint64_t index, pfn_t pfn)
{
	uint64_t at = index << ARCH_PAGE_SHIFT;

	if (index == source->broken)
		return ERR_IO;
	if (at < source->nr)
		memcpy(arch_frame_ptr(pfn), source->bytes + at,
		       min_u64(source->nr - at, ARCH_PAGE_SIZE));
	return OK;
}

static err_t
fill(struct object *object, uint64_t index, pfn_t pfn)
{
	struct elf_source *source = object->private_data;

	if (!source->is_slow)
		return bring(source, index, pfn);
	source->pfn = pfn;
	return ERR_AGAIN;
}

static err_t
wait(struct object *object, uint64_t index)
{
	struct elf_source *source = object->private_data;
	err_t		   err = bring(source, index, source->pfn);

	source->waits++;
	object_fill_done(object, index, source->pfn, err);
	return err;
}

static const struct pager_ops pager_elf = {
	.name = "test file",
	.fill = fill,
	.wait = wait,
};

err_t
elf_object(struct elf_source *source, struct object **out)
{
	uint64_t pages = (source->nr + ARCH_PAGE_MASK) >> ARCH_PAGE_SHIFT;

	err_t err = object_create(&pager_elf, 77, pages, source, out);

	if (err == OK)
		object_resize(*out, source->nr);
	return err;
}
