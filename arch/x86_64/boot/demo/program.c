/*
 * program.c - the program's file in memory: an ELF image that came with the kernel.
 *
 * It is an object whose pager copies pages out of the kernel's constants, so programs
 * share the pages they do not write, as with any file. The library's loader does the rest.
 */
#include "demo.h"

#include <anymm/exec.h>

#include "base/mem.h"

#define MACHINE_X86_64 62

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
	object_resize(file, bytes);
}

void
program_fini(void)
{
	object_put(file);
	file = NULL;
}

/* Sixteen bytes that differ from start to start, as far as a clock can make them. */
static void
fill_random(uint8_t *random)
{
	uint64_t word = arch_time();

	for (unsigned i = 0; i < 16; i++) {
		word = (word ^ word >> 31) * UINT64_C(0x9e3779b97f4a7c15);
		random[i] = (uint8_t)(word >> 56);
	}
}

err_t
program_load(const struct exec_strings *args, struct space **out, struct arch_context *ctx)
{
	struct exec_request request = {
		.file = file,
		.machine = MACHINE_X86_64,
		.layout = space_default_layout(),
		.name = "init.elf",
		.args = *args,
		.platform = "x86_64",
	};
	struct exec_problem problem;
	struct exec_image   image;
	char		    text[160];
	err_t		    err;

	fill_random(request.random);
	err = exec_load(&request, &image, &problem);
	if (err == ERR_NOEXEC || err == ERR_OPNOTSUPP) {
		exec_problem_text(&problem, text, sizeof(text));
		boot_fail("the program cannot be run: %s", text);
	}
	if (err)
		return err;
	*out = image.space;
	arch_context_init(ctx, image.entry, image.sp);
	return OK;
}
