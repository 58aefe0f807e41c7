/*
 * fiber.c - see fiber.h.
 *
 * A fresh stack is entered with setcontext, which is slow because it also sets
 * the signal mask. All later switches jump between the stacks with the compiler's
 * own setjmp and longjmp, which save three words and cost a few nanoseconds;
 * the C library's versions refuse or are watched when the stack changes.
 */
#include "fiber.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

#if SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* The stack of the process, learnt by the first fiber that is entered from it. */
static const void *main_bottom;
static size_t	   main_bytes;
#endif

/* AddressSanitizer keeps track of which stack is current. */

static void
announce(struct fiber *from, const struct fiber *to)
{
#if SIM_ASAN
	const void *bottom = to->stack ? to->stack : main_bottom;
	size_t	    bytes = to->stack ? to->stack_bytes : main_bytes;

	__sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL, bottom, bytes);
#else
	(void)from;
	(void)to;
#endif
}

static void
arrive(struct fiber *self)
{
#if SIM_ASAN
	const void *bottom;
	size_t	    bytes;

	__sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &bytes);
	if (!main_bottom) {
		main_bottom = bottom;
		main_bytes = bytes;
	}
#else
	(void)self;
#endif
}

/* Frames that were left by a jump did not unpoison what they had poisoned. */
static void
clean_stack(const struct fiber *f)
{
#if SIM_ASAN
	__asan_unpoison_memory_region(f->stack, f->stack_bytes);
#else
	(void)f;
#endif
}

static bool
make_stack(struct fiber *f)
{
	size_t	       guard = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *memory = mmap(NULL, guard + FIBER_STACK_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	if (mprotect(memory, guard, PROT_NONE) != 0) {
		munmap(memory, guard + FIBER_STACK_BYTES);
		return false;
	}
	f->stack = memory + guard;
	f->stack_bytes = FIBER_STACK_BYTES;
	return true;
}

/* makecontext passes integers only: the pointer travels in two halves. */
static void
first_steps(unsigned high, unsigned low)
{
	struct fiber *self = (struct fiber *)((uintptr_t)high << 32 | low);

	arrive(self);
	self->body(self->arg);
	sim_violation("a fiber returned");
}

bool
fiber_make(struct fiber *f, void (*body)(void *), void *arg)
{
	uintptr_t self = (uintptr_t)f;

	if (!f->stack && !make_stack(f))
		return false;
	clean_stack(f);
	f->fake_stack = NULL;
	f->is_fresh = true;
	f->body = body;
	f->arg = arg;
	getcontext(&f->first);
	f->first.uc_stack.ss_sp = f->stack;
	f->first.uc_stack.ss_size = f->stack_bytes;
	f->first.uc_link = NULL;
	makecontext(&f->first, (void (*)(void))first_steps, 2, (unsigned)(self >> 32),
		    (unsigned)self);
	return true;
}

[[gnu::noinline, gnu::noreturn, gnu::no_sanitize_address]] static void
go_on(struct fiber *to)
{
	if (to->is_fresh) {
		to->is_fresh = false;
		setcontext(&to->first);
	}
	__builtin_longjmp(to->resume, 1);
}

/* Apart from go_on, because a function that sets a jump must not make one. */
[[gnu::noinline, gnu::no_sanitize_address]] static void
stop_and_go_on(struct fiber *from, struct fiber *to)
{
	if (__builtin_setjmp(from->resume) == 0)
		go_on(to);
}

void
fiber_switch(struct fiber *from, struct fiber *to)
{
	announce(from, to);
	stop_and_go_on(from, to);
	arrive(from);
}

void
fiber_leave(struct fiber *to)
{
	announce(NULL, to);
	go_on(to);
}
