/*
 * elf.h - reading ELF headers: pure functions of bytes.
 */
#pragma once

#include <anymm/exec.h>

#define ELF_HEADER_BYTES 64
#define ELF_PHDR_BYTES	 56

/* As in Linux, program headers fill at most a page. Loadable segments: what is kept of them. */
#define ELF_PHDRS_MAX ((uint32_t)(4096 / ELF_PHDR_BYTES))
#define ELF_LOADS_MAX 32

/* What the file has to fit. */
struct elf_limits {
	uint64_t file_bytes;
	uint32_t machine;
	bool	 allow_write_execute;
	vaddr_t	 min_addr; /* lowest address of a program that is not position-independent */
	vaddr_t	 end;	   /* of user space */
};

/* One loadable segment. Bytes of [start + file_bytes, end) are zeros. */
struct elf_load {
	vaddr_t	 start, end; /* in the file's addresses, any alignment, not empty */
	uint64_t offset;     /* in the file, congruent to start within a page */
	uint64_t file_bytes;
	prot_t	 prot;
};

/* Sorted, and no two loads share a page. */
struct elf_image {
	bool		is_pie;
	vaddr_t		entry;
	uint64_t	headers_offset; /* of the program headers in the file */
	uint32_t	nr_headers;
	bool		has_headers; /* a segment holds the program headers */
	vaddr_t		headers_va;  /* where, in the file's addresses */
	uint64_t	alignment;   /* largest of any load, at least a page */
	bool		has_stack_header;
	prot_t		stack_prot;
	uint32_t	nr_loads;
	struct elf_load loads[ELF_LOADS_MAX];
};

/*
 * elf_begin - the header of the file. elf_add - program header `number`, each once, in order.
 * elf_end - after the last one. The image makes sense only if all of them gave true.
 *   gives  false: *problem says what is wrong
 */
bool elf_begin(struct elf_image *image, const struct elf_limits *limits,
	       const uint8_t bytes[ELF_HEADER_BYTES], struct exec_problem *problem);
bool elf_add(struct elf_image *image, const struct elf_limits *limits, uint32_t number,
	     const uint8_t bytes[ELF_PHDR_BYTES], struct exec_problem *problem);
bool elf_end(const struct elf_image *image, struct exec_problem *problem);

/* elf_error - the result that a call gives for it. */
err_t elf_error(enum exec_what what);
