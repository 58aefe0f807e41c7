/*
 * exec.c - a program file becomes a new address space.
 *
 *	read     the headers, one at a time, into a short list of loads
 *	create   an empty space whose heap starts where this program wants it
 *	place    a position-independent program
 *	map      the loads; the tail of the last page of a segment is cleared
 *	stack    strings, vectors
 *
 * The space belongs to nobody until it is given out, so giving up is one put of it,
 * at any step. The file is asked once for each header: what is checked is what is used.
 */
#include <anymm/reclaim.h>

#include "exec/arguments.h"
#include "exec/image.h"
#include "space/bounds.h"

/* A program on its way. */
struct loading {
	const struct exec_request *request;
	struct exec_problem	  *problem;
	struct elf_image	   elf;
	struct elf_limits	   limits;
	struct space		  *space;
	uint64_t		   bias;
};

/* note - what went wrong; gives err back. */
static err_t
note(struct loading *l, enum exec_what what, uint64_t value, err_t err)
{
	*l->problem =
		(struct exec_problem){ .what = what, .header = EXEC_NO_HEADER, .value = value };
	return err;
}

static err_t
read_file(struct loading *l, uint64_t offset, uint8_t *buf, size_t bytes)
{
	size_t done;
	err_t  err = object_read(l->request->file, offset, buf, bytes, &done);

	if (err == OK && done < bytes)
		err = ERR_IO; /* somebody makes the file shorter */
	if (err) {
		err = note(l, EXEC_READ, bytes, err);
		l->problem->offset = offset;
	}
	return err;
}

static err_t
read_program_header(struct loading *l, uint32_t number)
{
	uint8_t	 bytes[ELF_PHDR_BYTES];
	uint64_t offset = l->elf.headers_offset + (uint64_t)number * ELF_PHDR_BYTES;
	err_t	 err = read_file(l, offset, bytes, sizeof(bytes));

	if (err)
		return err;
	return elf_add(&l->elf, &l->limits, number, bytes, l->problem)
		       ? OK
		       : elf_error(l->problem->what);
}

static err_t
read_headers(struct loading *l)
{
	uint8_t bytes[ELF_HEADER_BYTES];
	err_t	err;

	if (l->limits.file_bytes < sizeof(bytes))
		return note(l, EXEC_SHORT, l->limits.file_bytes, ERR_NOEXEC);
	err = read_file(l, 0, bytes, sizeof(bytes));
	if (err)
		return err;
	if (!elf_begin(&l->elf, &l->limits, bytes, l->problem))
		return elf_error(l->problem->what);
	for (uint32_t i = 0; i < l->elf.nr_headers && err == OK; i++)
		err = read_program_header(l, i);
	if (err)
		return err;
	return elf_end(&l->elf, l->problem) ? OK : elf_error(l->problem->what);
}

/* create_space - the heap lies behind the image, or where no image can be. */
static err_t
create_space(struct loading *l)
{
	struct space_layout layout = l->request->layout;
	uint64_t	    gap = page_floor(l->request->brk_gap);
	vaddr_t		    heap = image_heap(&l->elf, &layout);
	err_t		    err;

	layout.brk_start = lies_below(heap, gap, layout.end) ? heap + gap : layout.end;
	err = space_create(&layout, &l->space);
	return err ? note(l, EXEC_SPACE, 0, err) : OK;
}

static err_t
map_image(struct loading *l)
{
	uint32_t number = 0;
	err_t	 err = image_place(l->space, &l->elf, l->request->file, &l->bias);

	if (err == OK)
		err = image_map(l->space, &l->elf, l->request->file, l->bias, &number);
	return err ? note(l, EXEC_SPACE, number, err) : OK;
}

static err_t
make_stack(struct loading *l, vaddr_t *sp)
{
	const struct exec_request *request = l->request;
	vaddr_t		    end = request->stack_end ? request->stack_end : request->layout.end;
	struct stack_writer w;
	err_t		    err;

	if (!is_page_aligned(end) || end < ARCH_PAGE_SIZE)
		return note(l, EXEC_STACK, end, ERR_INVAL);
	err = arguments_map_stack(&w, l->space, end, l->elf.stack_prot);
	if (err)
		return note(l, EXEC_STACK, end, err);
	err = arguments_write(&w, request, &l->elf, l->bias, sp);
	return err ? note(l, EXEC_STRINGS, w.at, err) : OK;
}

/* load_once - exec_load without page-out. */
static err_t
load_once(const struct exec_request *request, struct exec_image *out, struct exec_problem *problem)
{
	struct loading l = {
		.request = request,
		.problem = problem,
		.limits = {
			.file_bytes = object_size(request->file),
			.machine = request->machine,
			.allow_write_execute = request->allow_write_execute,
			.min_addr = request->layout.min_addr,
			.end = request->layout.end,
		},
	};
	vaddr_t sp;
	err_t	err = read_headers(&l);

	if (err == OK)
		err = create_space(&l);
	if (err)
		return err;
	err = map_image(&l);
	if (err == OK)
		err = make_stack(&l, &sp);
	if (err) {
		space_put(l.space);
		return err;
	}
	*out = (struct exec_image){
		.space = l.space, .entry = l.elf.entry + l.bias, .sp = sp, .bias = l.bias
	};
	return note(&l, EXEC_FINE, 0, OK);
}

err_t
exec_load(const struct exec_request *request, struct exec_image *out, struct exec_problem *problem)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = load_once(request, out, problem);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}
