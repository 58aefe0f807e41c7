/*
 * fuzz_elf.c - any bytes as a program file.
 *
 * Whatever they are, loading either names the mistake and leaves no space behind,
 * or gives a program: then its loads are judged by a second reading of the headers,
 * each region must be explained by one of them or be the stack, memory must
 * hold the file's bytes and zeros where they end, and the start address must be
 * executable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/check.h>
#include <anymm/exec.h>
#include <sim/sim.h>

#include "tests/elf_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FILE_MAX 65536
#define PHDR	 56
#define FOUR_GIB ((vaddr_t)1 << 32)

static struct space_layout layout;

static void
die(const char *what, uint64_t value)
{
	fprintf(stderr, "FAILED: %s 0x%llx\n", what, (unsigned long long)value);
	abort();
}

static void
start(void)
{
	if (!sim_start(&(struct sim_config){ .nr_frames = 4096 }) ||
	    anymm_init(sim_boot_map()) != OK)
		die("the machine does not start", 0);
	layout = space_default_layout();
	if (layout.end > FOUR_GIB) {
		layout.min_addr = 0x10000;
		layout.mmap_base = FOUR_GIB - (16 << 20);
		layout.end = FOUR_GIB;
	}
	sim_snapshot();
}

/* A program header, read in the plainest way. */
static struct elf_phdr
phdr_of(const uint8_t *data, unsigned i)
{
	uint64_t	at, word[7];
	struct elf_phdr p;

	memcpy(&at, data + 32, 8);
	memcpy(word, data + at + (uint64_t)i * PHDR, PHDR);
	p = (struct elf_phdr){ .type = (uint32_t)word[0],
			       .flags = (uint32_t)(word[0] >> 32),
			       .offset = word[1],
			       .vaddr = word[2],
			       .file_bytes = word[4],
			       .bytes = word[5],
			       .align = word[6] };
	return p;
}

static bool
is_load(const struct elf_phdr *p)
{
	return p->type == PT_LOAD && p->bytes;
}

static uint8_t
byte_at(struct space *sp, vaddr_t va)
{
	uint8_t byte = 0;

	if (copy_from_space(sp, &byte, va, 1))
		die("cannot be read", va);
	return byte;
}

static prot_t
prot_of(const struct elf_phdr *p)
{
	return (p->flags & PF_R ? PROT_R : 0) | (p->flags & PF_W ? PROT_W : 0) |
	       (p->flags & PF_X ? PROT_X : 0);
}

/* Its first and last bytes, in the file and behind it. */
static void
check_load(const struct exec_image *image, const uint8_t *data, const struct elf_phdr *p)
{
	struct region *r = space_find(image->space, p->vaddr + image->bias);
	vaddr_t	       at = p->vaddr + image->bias;

	if (!r || r->prot != prot_of(p) || (r->prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X))
		die("a load has no region of its rights", p->vaddr);
	if (!r->prot)
		return;
	if (p->file_bytes &&
	    (byte_at(image->space, at) != data[p->offset] ||
	     byte_at(image->space, at + p->file_bytes - 1) != data[p->offset + p->file_bytes - 1]))
		die("a load does not hold the file's bytes", p->vaddr);
	if (p->file_bytes < p->bytes &&
	    (byte_at(image->space, at + p->file_bytes) || byte_at(image->space, at + p->bytes - 1)))
		die("a load does not end in zeros", p->vaddr);
}

static bool
is_explained(const struct exec_image *image, const uint8_t *data, unsigned nr,
	     const struct region *r)
{
	if (r->flags & REGION_GROWSDOWN)
		return r->range.end == layout.end;
	for (unsigned i = 0; i < nr; i++) {
		struct elf_phdr p = phdr_of(data, i);
		vaddr_t		va = p.vaddr + image->bias;

		if (is_load(&p) &&
		    range_overlaps(r->range, va_range(va & ~ARCH_PAGE_MASK, va + p.bytes)))
			return true;
	}
	return false;
}

static void
check_program(const struct exec_image *image, const uint8_t *data)
{
	uint16_t       nr;
	struct region *r;

	memcpy(&nr, data + 56, 2);
	for (unsigned i = 0; i < nr; i++) {
		struct elf_phdr p = phdr_of(data, i);

		if (is_load(&p))
			check_load(image, data, &p);
	}
	for (r = space_first(image->space); r; r = region_next(r))
		if (!is_explained(image, data, nr, r))
			die("a region that nobody asked for", r->range.start);
	r = space_find(image->space, image->entry);
	if (!r || !(r->prot & PROT_X))
		die("the program starts in what cannot be executed", image->entry);
	if (image->sp % 16 || byte_at(image->space, image->sp) != 1)
		die("the stack is not as the ABI wants it", image->sp);
}

static void
check_end(void)
{
	struct check_report report;

	if (space_list_first() || space_live_regions() || object_live())
		die("something was left behind", space_live_regions());
	if (!check_all(&report)) {
		fprintf(stderr, "%s: %s\n", invariant_name(report.broken), report.text);
		abort();
	}
}

/* check_refusal - the answer must say what is wrong, in a sentence. */
static void
check_refusal(err_t err, const struct exec_problem *problem)
{
	char text[200];

	exec_problem_text(problem, text, sizeof(text));
	if (problem->what == EXEC_FINE || problem->what >= EXEC_WHATS || strlen(text) < 20)
		die("no reason was given", (uint64_t)-err);
	if (err != ERR_NOEXEC && err != ERR_OPNOTSUPP && err != ERR_NOMEM && err != ERR_IO &&
	    err != ERR_EXIST)
		die("an unknown result", (uint64_t)-err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static bool	    started;
	static uint8_t	    file[FILE_MAX + ARCH_PAGE_SIZE];
	struct elf_source   source = { .bytes = file, .nr = bytes, .broken = UINT64_MAX };
	struct exec_request request = { .machine = ELF_MACHINE, .name = "fuzz" };
	struct exec_problem problem;
	struct exec_image   image;
	err_t		    err;

	if (bytes > FILE_MAX)
		return 0;
	if (!started)
		start();
	else
		sim_reset();
	started = true;
	memset(file, 0, sizeof(file));
	memcpy(file, data, bytes);
	if (elf_object(&source, &request.file) != OK)
		die("no object", bytes);
	request.layout = layout;
	err = exec_load(&request, &image, &problem);
	if (err) {
		check_refusal(err, &problem);
	} else {
		check_program(&image, file);
		space_put(image.space);
	}
	object_put(request.file);
	check_end();
	return 0;
}
