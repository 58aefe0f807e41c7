/*
 * elf.c - a strict reader of ELF headers.
 *
 * Every field is taken out of bytes one by one, so neither the alignment nor the
 * contents of a file can make anything undefined. Sums are formed only after a
 * comparison has shown that they cannot wrap around. What is accepted is less
 * than Linux accepts: segments may not share a page, may not be writable and
 * executable at once, and the entry lies in a segment that can be executed.
 *
 * Loads are kept in order and disjoint by comparing each with the one before it.
 */
#include "base/format.h"
#include "exec/elf.h"
#include "space/bounds.h"

/* Offsets of fields in the file's header, and in a program header. */
enum {
	AT_CLASS = 4,
	AT_BYTE_ORDER = 5,
	AT_IDENT_VERSION = 6,
	AT_ABI = 7,
	AT_TYPE = 16,
	AT_MACHINE = 18,
	AT_VERSION = 20,
	AT_ENTRY = 24,
	AT_PHOFF = 32,
	AT_EHSIZE = 52,
	AT_PHENTSIZE = 54,
	AT_PHNUM = 56,

	P_TYPE = 0,
	P_FLAGS = 4,
	P_OFFSET = 8,
	P_VADDR = 16,
	P_FILESZ = 32,
	P_MEMSZ = 40,
	P_ALIGN = 48,
};

enum {
	CLASS_64 = 2,
	LITTLE_ENDIAN_DATA = 1,
	VERSION_CURRENT = 1,
	ABI_SYSV = 0,
	ABI_LINUX = 3,
	TYPE_EXEC = 2,
	TYPE_DYN = 3,
	SEGMENT_LOAD = 1,
	SEGMENT_INTERP = 3,
	SEGMENT_STACK = 0x6474e551,
	FLAG_X = 1,
	FLAG_W = 2,
	FLAG_R = 4,
};

static uint64_t
get(const uint8_t *bytes, unsigned at, unsigned nr)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < nr; i++)
		value |= (uint64_t)bytes[at + i] << (8 * i);
	return value;
}

static bool
refuse(struct exec_problem *problem, enum exec_what what, uint64_t offset, uint64_t value)
{
	*problem = (struct exec_problem){
		.what = what, .header = EXEC_NO_HEADER, .offset = offset, .value = value
	};
	return false;
}

/* A field of the file's header, and the one value it must have. */
struct fixed_field {
	enum exec_what what;
	unsigned       at, nr;
	uint64_t       value;
};

static const struct fixed_field fixed_fields[] = {
	{ EXEC_MAGIC, 0, 4, 0x464c457f },
	{ EXEC_CLASS, AT_CLASS, 1, CLASS_64 },
	{ EXEC_BYTE_ORDER, AT_BYTE_ORDER, 1, LITTLE_ENDIAN_DATA },
	{ EXEC_VERSION, AT_IDENT_VERSION, 1, VERSION_CURRENT },
	{ EXEC_VERSION, AT_VERSION, 4, VERSION_CURRENT },
	{ EXEC_HEADER_SIZE, AT_EHSIZE, 2, ELF_HEADER_BYTES },
	{ EXEC_TABLE_ENTRY, AT_PHENTSIZE, 2, ELF_PHDR_BYTES },
};

static bool
check_fixed(const uint8_t *bytes, struct exec_problem *problem)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fixed_fields); i++) {
		const struct fixed_field *f = &fixed_fields[i];
		uint64_t		  value = get(bytes, f->at, f->nr);

		if (value != f->value)
			return refuse(problem, f->what, f->at, value);
	}
	return true;
}

static bool
check_kind(const struct elf_limits *limits, const uint8_t *bytes, struct exec_problem *problem)
{
	uint64_t abi = get(bytes, AT_ABI, 1);
	uint64_t type = get(bytes, AT_TYPE, 2);
	uint64_t machine = get(bytes, AT_MACHINE, 2);

	if (abi != ABI_SYSV && abi != ABI_LINUX)
		return refuse(problem, EXEC_ABI, AT_ABI, abi);
	if (type != TYPE_EXEC && type != TYPE_DYN)
		return refuse(problem, EXEC_TYPE, AT_TYPE, type);
	if (machine != limits->machine)
		return refuse(problem, EXEC_MACHINE, AT_MACHINE, machine);
	return true;
}

static bool
check_table(const struct elf_limits *limits, const uint8_t *bytes, struct exec_problem *problem)
{
	uint64_t offset = get(bytes, AT_PHOFF, 8);
	uint64_t nr = get(bytes, AT_PHNUM, 2);

	if (nr == 0)
		return refuse(problem, EXEC_TABLE_EMPTY, AT_PHNUM, nr);
	if (nr > ELF_PHDRS_MAX)
		return refuse(problem, EXEC_TABLE_LONG, AT_PHNUM, nr);
	if (!lies_below(offset, nr * ELF_PHDR_BYTES, limits->file_bytes))
		return refuse(problem, EXEC_TABLE_PLACE, AT_PHOFF, offset);
	return true;
}

bool
elf_begin(struct elf_image *image, const struct elf_limits *limits,
	  const uint8_t bytes[ELF_HEADER_BYTES], struct exec_problem *problem)
{
	if (!check_fixed(bytes, problem) || !check_kind(limits, bytes, problem) ||
	    !check_table(limits, bytes, problem))
		return false;
	image->is_pie = get(bytes, AT_TYPE, 2) == TYPE_DYN;
	image->entry = get(bytes, AT_ENTRY, 8);
	image->headers_offset = get(bytes, AT_PHOFF, 8);
	image->nr_headers = (uint32_t)get(bytes, AT_PHNUM, 2);
	image->has_headers = false;
	image->headers_va = 0;
	image->alignment = ARCH_PAGE_SIZE;
	image->has_stack_header = false;
	image->stack_prot = PROT_RW;
	image->nr_loads = 0;
	return true;
}

/* One program header on its way into the image. */
struct header {
	struct elf_image	*image;
	const struct elf_limits *limits;
	struct exec_problem	*problem;
	const uint8_t		*bytes;
	uint32_t		 number;
};

/* refuse_field - the field at `at` of the program header is what is wrong. */
static bool
refuse_field(const struct header *h, enum exec_what what, unsigned at)
{
	uint64_t start = h->image->headers_offset + (uint64_t)h->number * ELF_PHDR_BYTES;

	refuse(h->problem, what, start + at, get(h->bytes, at, at < P_OFFSET ? 4 : 8));
	h->problem->header = h->number;
	return false;
}

static prot_t
prot_of(const struct header *h)
{
	uint64_t flags = get(h->bytes, P_FLAGS, 4);

	return (flags & FLAG_R ? PROT_R : 0) | (flags & FLAG_W ? PROT_W : 0) |
	       (flags & FLAG_X ? PROT_X : 0);
}

static bool
forbids_prot(const struct header *h, prot_t prot)
{
	return (prot & PROT_W) && (prot & PROT_X) && !h->limits->allow_write_execute;
}

static bool
add_stack(const struct header *h)
{
	prot_t prot = PROT_RW | (prot_of(h) & PROT_X);

	if (h->image->has_stack_header)
		return refuse_field(h, EXEC_DUPLICATE, P_TYPE);
	if (forbids_prot(h, prot))
		return refuse_field(h, EXEC_STACK_EXECUTE, P_FLAGS);
	h->image->has_stack_header = true;
	h->image->stack_prot = prot;
	return true;
}

/* check_alignment - 0 and 1 mean none; whatever it says, pages must fit pages. */
static bool
check_alignment(const struct header *h)
{
	uint64_t align = get(h->bytes, P_ALIGN, 8);
	uint64_t distance = get(h->bytes, P_VADDR, 8) - get(h->bytes, P_OFFSET, 8);

	if ((align & (align - 1)) != 0 || align > h->limits->end)
		return refuse_field(h, EXEC_ALIGNMENT, P_ALIGN);
	align = max_u64(align, ARCH_PAGE_SIZE);
	if (distance & (align - 1))
		return refuse_field(h, EXEC_CONGRUENCE, P_VADDR);
	return true;
}

/* check_sizes - the bytes lie in the file, and the memory in user space. */
static bool
check_sizes(const struct header *h)
{
	uint64_t file_bytes = get(h->bytes, P_FILESZ, 8);
	uint64_t bytes = get(h->bytes, P_MEMSZ, 8);
	vaddr_t	 start = get(h->bytes, P_VADDR, 8);
	vaddr_t	 lowest = h->image->is_pie ? 0 : h->limits->min_addr;

	if (!lies_below(get(h->bytes, P_OFFSET, 8), file_bytes, h->limits->file_bytes))
		return refuse_field(h, EXEC_BEYOND_FILE, P_OFFSET);
	if (file_bytes > bytes)
		return refuse_field(h, EXEC_FILE_SIZE, P_FILESZ);
	if (page_floor(start) < lowest || start >= h->limits->end)
		return refuse_field(h, EXEC_ADDRESS, P_VADDR);
	if (!lies_below(start, bytes, h->limits->end))
		return refuse_field(h, EXEC_ADDRESS, P_MEMSZ);
	return true;
}

/* check_order - behind the load before it, in pages of its own. */
static bool
check_order(const struct header *h)
{
	vaddr_t		       start = get(h->bytes, P_VADDR, 8);
	const struct elf_load *before;

	if (h->image->nr_loads == 0)
		return true;
	if (h->image->nr_loads == ELF_LOADS_MAX)
		return refuse_field(h, EXEC_TOO_MANY, P_TYPE);
	before = &h->image->loads[h->image->nr_loads - 1];
	if (start < before->start)
		return refuse_field(h, EXEC_UNSORTED, P_VADDR);
	if (page_floor(start) <= page_floor(before->end - 1))
		return refuse_field(h, EXEC_OVERLAP, P_VADDR);
	return true;
}

/* check_prot - the policy; and zeros behind the file's bytes are written, which needs the right. */
static bool
check_prot(const struct header *h)
{
	prot_t	 prot = prot_of(h);
	uint64_t file_bytes = get(h->bytes, P_FILESZ, 8);
	vaddr_t	 zeros = get(h->bytes, P_VADDR, 8) + file_bytes;

	if (forbids_prot(h, prot))
		return refuse_field(h, EXEC_WRITE_EXECUTE, P_FLAGS);
	if (!(prot & PROT_W) && file_bytes && file_bytes < get(h->bytes, P_MEMSZ, 8) &&
	    !is_page_aligned(zeros))
		return refuse_field(h, EXEC_READ_ONLY_TAIL, P_MEMSZ);
	return true;
}

/* note_headers - the program headers are in memory if a segment's file bytes hold them. */
static void
note_headers(struct elf_image *image, const struct elf_load *load)
{
	uint64_t bytes = (uint64_t)image->nr_headers * ELF_PHDR_BYTES;
	uint64_t inside = image->headers_offset - load->offset;

	if (image->has_headers || image->headers_offset < load->offset ||
	    !lies_below(inside, bytes, load->file_bytes))
		return;
	image->has_headers = true;
	image->headers_va = load->start + inside;
}

static bool
add_load(const struct header *h)
{
	struct elf_image *image = h->image;
	struct elf_load	  load;

	if (get(h->bytes, P_MEMSZ, 8) == 0 && get(h->bytes, P_FILESZ, 8) == 0)
		return true;
	if (!check_sizes(h) || !check_alignment(h) || !check_order(h) || !check_prot(h))
		return false;
	load = (struct elf_load){
		.start = get(h->bytes, P_VADDR, 8),
		.end = get(h->bytes, P_VADDR, 8) + get(h->bytes, P_MEMSZ, 8),
		.offset = get(h->bytes, P_OFFSET, 8),
		.file_bytes = get(h->bytes, P_FILESZ, 8),
		.prot = prot_of(h),
	};
	image->loads[image->nr_loads++] = load;
	image->alignment = max_u64(image->alignment, get(h->bytes, P_ALIGN, 8));
	note_headers(image, &load);
	return true;
}

bool
elf_add(struct elf_image *image, const struct elf_limits *limits, uint32_t number,
	const uint8_t bytes[ELF_PHDR_BYTES], struct exec_problem *problem)
{
	struct header h = { image, limits, problem, bytes, number };

	switch (get(bytes, P_TYPE, 4)) {
	case SEGMENT_LOAD:
		return add_load(&h);
	case SEGMENT_STACK:
		return add_stack(&h);
	case SEGMENT_INTERP:
		return refuse_field(&h, EXEC_INTERPRETER, P_TYPE);
	default:
		return true;
	}
}

bool
elf_end(const struct elf_image *image, struct exec_problem *problem)
{
	if (image->nr_loads == 0)
		return refuse(problem, EXEC_NO_SEGMENT, image->headers_offset, image->nr_headers);
	for (uint32_t i = 0; i < image->nr_loads; i++) {
		const struct elf_load *load = &image->loads[i];

		if ((load->prot & PROT_X) && load->start <= image->entry &&
		    image->entry < load->end)
			return true;
	}
	return refuse(problem, EXEC_ENTRY, AT_ENTRY, image->entry);
}

/* What people are told. */
static const char *const sentences[EXEC_WHATS] = {
	[EXEC_FINE] = "nothing is wrong",
	[EXEC_SHORT] = "the file is smaller than a header",
	[EXEC_MAGIC] = "not an ELF file",
	[EXEC_CLASS] = "not a 64-bit file",
	[EXEC_BYTE_ORDER] = "not a little-endian file",
	[EXEC_VERSION] = "an unknown version of ELF",
	[EXEC_ABI] = "made for another system",
	[EXEC_TYPE] = "neither a program nor a position-independent one",
	[EXEC_MACHINE] = "made for another processor",
	[EXEC_HEADER_SIZE] = "the header has another size",
	[EXEC_TABLE_ENTRY] = "the program headers have another size",
	[EXEC_TABLE_EMPTY] = "there are no program headers",
	[EXEC_TABLE_LONG] = "there are more program headers than fit a page",
	[EXEC_TABLE_PLACE] = "the program headers lie outside the file",
	[EXEC_INTERPRETER] = "the program needs an interpreter, which is not supported",
	[EXEC_DUPLICATE] = "a second header of a type that may be there once",
	[EXEC_STACK_EXECUTE] = "an executable stack is not allowed",
	[EXEC_TOO_MANY] = "too many loadable segments",
	[EXEC_BEYOND_FILE] = "the segment's bytes lie outside the file",
	[EXEC_FILE_SIZE] = "the segment has more bytes in the file than in memory",
	[EXEC_ALIGNMENT] = "the alignment is no power of two, or too large",
	[EXEC_CONGRUENCE] = "address and offset do not fit the same alignment",
	[EXEC_ADDRESS] = "the segment lies outside user space",
	[EXEC_UNSORTED] = "the segment lies below the one before it",
	[EXEC_OVERLAP] = "the segment shares a page with the one before it",
	[EXEC_WRITE_EXECUTE] = "a segment may not be writable and executable",
	[EXEC_READ_ONLY_TAIL] = "a read-only segment ends in zeros within a page",
	[EXEC_NO_SEGMENT] = "there is nothing to load",
	[EXEC_ENTRY] = "the program starts outside every executable segment",
	[EXEC_READ] = "the file cannot be read",
	[EXEC_SPACE] = "the address space does not take the segment",
	[EXEC_STRINGS] = "arguments and environment are too long or cannot be read",
	[EXEC_STACK] = "the stack cannot be made",
};

void
exec_problem_text(const struct exec_problem *problem, char *buf, size_t bytes)
{
	char where[48] = "";

	if (problem->header != EXEC_NO_HEADER)
		format(where, sizeof(where), "program header %u, ", problem->header);
	format(buf, bytes, "%soffset 0x%lx: %s (0x%lx)", where, (unsigned long)problem->offset,
	       problem->what < EXEC_WHATS ? sentences[problem->what] : "unknown",
	       (unsigned long)problem->value);
}

err_t
elf_error(enum exec_what what)
{
	return what == EXEC_INTERPRETER ? ERR_OPNOTSUPP : ERR_NOEXEC;
}
