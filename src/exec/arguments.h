/*
 * arguments.h - what lies on the stack of a program when it starts.
 */
#pragma once

#include "exec/elf.h"

/* A stack while it is written, from its end downwards. */
struct stack_writer {
	struct space *sp;
	vaddr_t	      at;     /* everything from here up is written */
	vaddr_t	      lowest; /* strings may not reach below */
};

/*
 * arguments_map_stack - the stack's region, with one page, ending at `end`.
 *   fails  as space_map
 */
err_t arguments_map_stack(struct stack_writer *w, struct space *sp, vaddr_t end, prot_t prot);

/*
 * arguments_write - strings, auxiliary vector and pointers, as the System V ABI of x86-64 says;
 * then the region reaches a stretch below the strings, as Linux leaves it.
 *   gives  *sp: where the argument count is
 *   fails  ERR_2BIG, ERR_FAULT, ERR_NOMEM
 */
err_t arguments_write(struct stack_writer *w, const struct exec_request *request,
		      const struct elf_image *image, uint64_t bias, vaddr_t *sp);
