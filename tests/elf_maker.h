/*
 * elf_maker.h - small program files for tests, made in memory.
 *
 * A file is described by its program headers; where two fields depend on each other they
 * are given, not computed, so that a test can make any mistake there is. The bytes of the
 * file are a pattern, apart from the headers: elf_byte says which.
 */
#pragma once

#include <anymm/object.h>

#define ELF_FILE_BYTES ((uint64_t)64 << 10)
#define ELF_HEADERS    80
#define ELF_MACHINE    62

/* Values of fields, by their usual names. */
enum {
	ET_EXEC = 2,
	ET_DYN = 3,
	PT_LOAD = 1,
	PT_DYNAMIC = 2,
	PT_INTERP = 3,
	PT_NOTE = 4,
	PT_TLS = 7,
	PT_GNU_STACK = 0x6474e551,
	PF_X = 1,
	PF_W = 2,
	PF_R = 4,
};

struct elf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, file_bytes, bytes, align;
};

struct elf_spec {
	uint16_t	type;
	uint64_t	entry;
	unsigned	nr;
	struct elf_phdr headers[ELF_HEADERS];
};

/* A file in memory. */
struct elf_file {
	uint8_t bytes[ELF_FILE_BYTES];
	size_t	nr; /* bytes that the file has */
};

/* elf_small - text, constants, data with zeros behind them, TLS, a note: 0x400000 and up, or from 0. */
struct elf_spec elf_small(uint16_t type);

/* elf_make - the file, with its program headers behind the header. */
void elf_make(struct elf_file *file, const struct elf_spec *spec);

/* elf_put - overwrite a field: nr bytes, the lowest first. */
void elf_put(struct elf_file *file, uint64_t at, unsigned nr, uint64_t value);

/* elf_byte - what a file made by elf_make holds at an offset outside its headers. */
uint8_t elf_byte(uint64_t offset);

/* Where an object's bytes come from. */
struct elf_source {
	const uint8_t *bytes;
	size_t	       nr;
	uint64_t       broken;	/* this page cannot be read; UINT64_MAX: all can */
	bool	       is_slow; /* pages come when somebody waits for them, one at a time */
	unsigned       waits;	/* how often somebody has waited */
	pfn_t	       pfn;	/* of the page that is on its way */
};

/*
 * elf_object - an object with these bytes, which must outlive it.
 *   fails  ERR_NOMEM
 */
err_t elf_object(struct elf_source *source, struct object **out);
