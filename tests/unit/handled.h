/*
 * handled.h - a program with handlers, for tests of what happens on its stack.
 *
 *	page	1	2 3		4 5 6 7		8
 *		data	another stack	stack		nothing
 *
 * Its stack pointer is in page 7, its registers hold numbers that tell them apart.
 */
#pragma once

#include "unit/kin.h"

#include <anymm/usercopy.h>

#define HANDLER	     PAGE(1)
#define RESTORER     (PAGE(1) + 0x40)
#define PROGRAM_PC   (PAGE(1) + 0x80)
#define PROGRAM_SP   (PAGE(7) + 0xc40)
#define RETURN_BYTES sizeof(vaddr_t)
#define STACK_START  PAGE(4)
#define STACK_BYTES  ((size_t)(4 * ARCH_PAGE_SIZE))
#define NOTHING	     8 /* a page that is not there */

struct program {
	struct process	   *proc;
	struct thread	   *t;
	struct arch_context ctx;
	struct arch_fpu	    fpu;
	enum signal_point   point;
	unsigned	    signal; /* of the last delivery */
};

/* handled_start - a child of a fresh init, which runs on this CPU. */
void handled_start(struct program *p);

/* handled_end - everything goes. */
void handled_end(struct program *p);

/* handled_run - the program's space is the active one. */
void handled_run(struct program *p);

/* handled_fill - its registers, all of them, are made from the seed. */
void handled_fill(struct program *p, uint64_t seed);

/* handled_by - a handler with these flags; its mask is empty. */
void handled_by(struct program *p, unsigned signal, vaddr_t handler, uint64_t flags);

/* handled_deliver - signal_deliver, after which all invariants hold. */
enum signal_verdict handled_deliver(struct program *p);

/* handled_send - send and deliver: its handler runs. */
void handled_send(struct program *p, unsigned signal);

/* handled_frame - where the frame of the handler lies that has just begun. handled_read - the frame itself. */
vaddr_t handled_frame(const struct program *p);
void	handled_read(struct program *p, vaddr_t at, struct signal_frame *frame);
void	handled_write(struct program *p, vaddr_t at, const struct signal_frame *frame);

/* handled_leave - the handler's own return: to the restorer. handled_return - and its call. */
void handled_leave(struct program *p);
bool handled_return(struct program *p);

/* handled_expect_same - the registers of both are equal, to the last bit. */
void handled_expect_same(const struct program *a, const struct program *b);
