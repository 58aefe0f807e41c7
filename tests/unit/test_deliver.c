/*
 * test_deliver.c - what becomes of a thread's signals before it goes back to its program: handlers,
 * ends, stops, calls that were interrupted, and faults that are signals.
 */
#include "unit/handled.h"

#include <string.h>

/* result_of - what the fault of this access comes to, as a signal that its thread has caused. */
static void
cause(struct program *p, enum access access, unsigned page)
{
	uint8_t		   byte = 1;
	enum fault_result  result = machine_user(p->proc->space, access, PAGE(page) + 5, &byte, 1);
	struct signal_info info;

	assert_int_not_equal(result, FAULT_DONE);
	info = signal_of_fault(result, PAGE(page) + 5);
	signal_force_info(p->t, &info);
}

/* LUN-30: an access that cannot be tells its handler where and why; the address is the access's own. */
static void
a_bad_access_says_where_and_why(void **state)
{
	struct signal_frame frame;
	struct object	   *file;
	struct program	    p;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_SEGV, HANDLER, 0);
	handled_by(&p, SIGNAL_BUS, HANDLER + 16, 0);
	sketch_map(p.proc->space, 9, 10, PROT_R, 0);
	file = sketch_file(7, 1);
	sketch_map_file(p.proc->space, 10, 12, PROT_RW, file, 0, MAPF_SHARED);
	object_put(file);

	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	handled_read(&p, handled_frame(&p), &frame);
	assert_int_equal(frame.head.info.signal, SIGNAL_SEGV);
	assert_int_equal(frame.head.info.code, SIGNAL_CODE_MAPERR);
	assert_true(frame.head.info.address == PAGE(NOTHING) + 5);
	assert_true(handled_return(&p));

	cause(&p, ACCESS_STORE, 9);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	handled_read(&p, handled_frame(&p), &frame);
	assert_int_equal(frame.head.info.code, SIGNAL_CODE_ACCERR);
	assert_true(frame.head.info.address == PAGE(9) + 5);
	assert_true(handled_return(&p));

	cause(&p, ACCESS_LOAD, 11);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 16);
	handled_read(&p, handled_frame(&p), &frame);
	assert_int_equal(frame.head.info.signal, SIGNAL_BUS);
	assert_int_equal(frame.head.info.code, SIGNAL_CODE_ADRERR);
	assert_true(frame.head.info.address == PAGE(11) + 5);
	assert_true(handled_return(&p));
	handled_end(&p);
}

/*
 * What a thread has caused is taken before what was sent, whatever the numbers: its handler finds
 * the registers of the access, and the other handler those of the first one's beginning.
 */
static void
what_was_caused_comes_first(void **state)
{
	struct signal_frame frame;
	struct program	    p, was;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_by(&p, SIGNAL_SEGV, HANDLER + 16, 0);
	was = p;
	EXPECT_OK(signal_send_thread(p.t, SIGNAL_USR1));
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == HANDLER);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 16);
	handled_read(&p, handled_frame(&p), &frame);
	assert_memory_equal(frame.head.context.registers, &was.ctx, sizeof(was.ctx));
	assert_true(frame.head.info.address == PAGE(NOTHING) + 5);
	assert_true(handled_return(&p));
	handled_end(&p);
}

/* LUN-30, LUN-31: a bad access inside the handler of bad accesses is the end, and only of that process. */
static void
a_bad_access_in_its_own_handler_is_the_end(void **state)
{
	struct program p;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_SEGV, HANDLER, 0);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	assert_int_equal(p.signal, SIGNAL_SEGV);
	handled_end(&p);
}

/* ---- the alternate stack ---- */

#define ALTERNATE_START PAGE(2)
#define ALTERNATE_BYTES (2 * sizeof(struct signal_frame) + 256)

static void
set_alternate(struct program *p, uint64_t bytes, uint32_t flags)
{
	struct signal_stack stack = { .start = ALTERNATE_START, .bytes = bytes, .flags = flags };

	EXPECT_OK(signal_set_alternate(p->t, arch_context_sp(&p->ctx), &stack, NULL));
}

/*
 * A stack that has overflowed has no room for a frame; the alternate one has. A second handler goes on
 * there, below the first; a third one has no room left there, and that is the end.
 */
static void
an_overflown_stack_has_another(void **state)
{
	struct program p;
	vaddr_t	       first, second;

	(void)state;
	handled_start(&p);
	set_alternate(&p, ALTERNATE_BYTES, 0);
	handled_by(&p, SIGNAL_SEGV, HANDLER, SIGNALF_ALTERNATE | SIGNALF_NO_DEFER);
	arch_context_set_sp(&p.ctx, PAGE(NOTHING) + 8);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	first = handled_frame(&p);
	assert_true(first + sizeof(struct signal_frame) <= ALTERNATE_START + ALTERNATE_BYTES);
	assert_true(first + sizeof(struct signal_frame) + SIGNAL_FPU_ALIGN >
		    ALTERNATE_START + ALTERNATE_BYTES);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	second = handled_frame(&p);
	assert_true(second + sizeof(struct signal_frame) < first && second > ALTERNATE_START);
	EXPECT_ERR(signal_set_alternate(p.t, arch_context_sp(&p.ctx), &p.t->alternate, NULL),
		   ERR_PERM);
	assert_true(handled_return(&p));
	assert_true(handled_frame(&p) == first);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	cause(&p, ACCESS_STORE, NOTHING);
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	assert_int_equal(p.signal, SIGNAL_SEGV);
	handled_end(&p);
}

/*
 * A handler gives its thread an alternate stack. That there was none comes back, if it was said before; a
 * thread of which nobody has said anything keeps the new one, as on Linux.
 */
static void
that_there_is_no_alternate_stack_comes_back(void **state)
{
	struct signal_stack none = { .flags = SIGNAL_STACK_NONE };
	struct signal_stack now;

	(void)state;
	for (unsigned said = 0; said < 2; said++) {
		struct program p;

		handled_start(&p);
		handled_by(&p, SIGNAL_USR1, HANDLER, 0);
		if (said)
			EXPECT_OK(signal_set_alternate(p.t, arch_context_sp(&p.ctx), &none, NULL));
		handled_send(&p, SIGNAL_USR1);
		set_alternate(&p, ALTERNATE_BYTES, 0);
		assert_true(handled_return(&p));
		EXPECT_OK(signal_set_alternate(p.t, arch_context_sp(&p.ctx), NULL, &now));
		assert_int_equal(now.flags, said ? SIGNAL_STACK_NONE : 0);
		assert_int_equal(now.bytes, said ? 0 : ALTERNATE_BYTES);
		handled_end(&p);
	}
}

/* Without the flag a handler stays on the stack that there is, also if that is the alternate one. */
static void
only_who_asks_goes_there(void **state)
{
	struct program p;
	vaddr_t	       first;

	(void)state;
	handled_start(&p);
	set_alternate(&p, ALTERNATE_BYTES, 0);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_by(&p, SIGNAL_USR2, HANDLER, SIGNALF_ALTERNATE);
	handled_send(&p, SIGNAL_USR1);
	assert_true(handled_frame(&p) > STACK_START);
	assert_true(handled_return(&p));
	handled_send(&p, SIGNAL_USR2);
	first = handled_frame(&p);
	assert_true(first < STACK_START);
	handled_send(&p, SIGNAL_USR1);
	assert_true(handled_frame(&p) + sizeof(struct signal_frame) < first);
	assert_true(handled_return(&p));
	assert_true(handled_return(&p));
	assert_true(arch_context_sp(&p.ctx) == PROGRAM_SP);
	handled_end(&p);
}

/* One that disarms is there again after the return, and may be replaced in between. */
static void
a_disarming_one_comes_back_with_its_frame(void **state)
{
	struct signal_stack none;
	struct program	    p;

	(void)state;
	handled_start(&p);
	set_alternate(&p, ARCH_PAGE_SIZE, SIGNAL_STACK_DISARM);
	handled_by(&p, SIGNAL_USR2, HANDLER, SIGNALF_ALTERNATE);
	handled_send(&p, SIGNAL_USR2);
	assert_true(handled_frame(&p) < STACK_START);
	EXPECT_OK(signal_set_alternate(p.t, arch_context_sp(&p.ctx), NULL, &none));
	assert_int_equal(none.flags, SIGNAL_STACK_NONE);
	assert_true(handled_return(&p));
	assert_true(p.t->alternate.start == ALTERNATE_START &&
		    p.t->alternate.flags == SIGNAL_STACK_DISARM);
	handled_end(&p);
}

/* ---- many handlers ---- */

/* All that wait are taken at once: the last taken runs first, and each return leads to the next. */
static void
handlers_stand_on_each_other(void **state)
{
	struct program p, was;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_HUP, HANDLER, 0);
	handled_by(&p, SIGNAL_USR1, HANDLER + 16, 0);
	handled_by(&p, SIGNAL_TERM, HANDLER + 32, 0);
	was = p;
	EXPECT_OK(signal_send(p.proc, SIGNAL_TERM));
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	handled_send(&p, SIGNAL_TERM);
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 32);
	EXPECT_OK(signal_send(p.proc, SIGNAL_HUP));
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == HANDLER);
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1)); /* held back: its handler has begun */
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 32);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 16);
	assert_false(signal_is_pending(p.t));
	assert_true(handled_return(&p));
	handled_expect_same(&p, &was);
	assert_true(signal_is_pending(p.t));
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 16);
	handled_end(&p);
}

/* A handler that is there for one time, and one that its own signal may interrupt. */
static void
once_and_again(void **state)
{
	struct program p;
	vaddr_t	       sp;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, SIGNALF_NO_DEFER);
	handled_send(&p, SIGNAL_USR1);
	sp = arch_context_sp(&p.ctx);
	handled_send(&p, SIGNAL_USR1);
	assert_true(handled_frame(&p) + sizeof(struct signal_frame) + ARCH_RED_ZONE_BYTES <= sp);
	assert_true(handled_return(&p));
	assert_true(handled_return(&p));
	handled_by(&p, SIGNAL_USR2, HANDLER, SIGNALF_RESET);
	handled_send(&p, SIGNAL_USR2);
	assert_true(handled_return(&p));
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR2));
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	assert_int_equal(p.signal, SIGNAL_USR2);
	handled_end(&p);
}

/* A handler that jumps out leaves nothing behind, a thousand times. */
static void
a_handler_may_jump_out(void **state)
{
	struct program p;
	vaddr_t	       at = 0;

	(void)state;
	handled_start(&p);
	set_alternate(&p, ARCH_PAGE_SIZE, 0);
	handled_by(&p, SIGNAL_USR1, HANDLER, SIGNALF_ALTERNATE);
	for (unsigned i = 0; i < 1000; i++) {
		EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
		assert_int_equal(signal_deliver(p.t, &p.ctx, &p.fpu, &p.point, &p.signal),
				 SIGNAL_GOES_ON);
		assert_int_equal(p.signal, SIGNAL_USR1);
		assert_true(at == 0 || at == handled_frame(&p));
		at = handled_frame(&p);
		arch_context_init(&p.ctx, PROGRAM_PC, PROGRAM_SP);
		signal_block(p.t, 0);
	}
	handled_end(&p);
}

/* ---- without a handler ---- */

/* What ends a process is said and nothing else done; what is ignored is nothing. */
static void
defaults_are_said(void **state)
{
	struct program p, was;

	(void)state;
	handled_start(&p);
	was = p;
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_int_equal(p.signal, 0);
	EXPECT_OK(signal_send(p.proc, SIGNAL_URG));
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_int_equal(p.signal, 0);
	EXPECT_OK(signal_send(p.proc, SIGNAL_TERM));
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	assert_int_equal(p.signal, SIGNAL_TERM);
	handled_expect_same(&p, &was);
	assert_true(p.proc->space != NULL);
	handled_end(&p);
}

/* LUN-41, CAM-B09: a stopped process enters no handler before it is continued; KILL ends it all the same. */
static void
the_stopped_take_nothing_but_kill(void **state)
{
	struct program p;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_by(&p, SIGNAL_CONT, HANDLER + 16, 0);
	EXPECT_OK(signal_send(p.proc, SIGNAL_TSTP));
	assert_int_equal(handled_deliver(&p), SIGNAL_STOPPED);
	assert_int_equal(p.signal, SIGNAL_TSTP);
	assert_int_equal(p.proc->state, PROCESS_STOPPED);
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	assert_int_equal(handled_deliver(&p), SIGNAL_STOPPED);
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC);
	EXPECT_OK(signal_send(p.proc, SIGNAL_CONT));
	assert_int_equal(p.proc->state, PROCESS_ALIVE);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == HANDLER + 16);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == HANDLER);
	assert_true(handled_return(&p));
	EXPECT_OK(signal_send_thread(p.t, SIGNAL_STOP));
	assert_int_equal(handled_deliver(&p), SIGNAL_STOPPED);
	EXPECT_OK(signal_send_thread(p.t, SIGNAL_USR1));
	EXPECT_OK(signal_send(p.proc, SIGNAL_KILL));
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	assert_int_equal(p.signal, SIGNAL_KILL);
	handled_end(&p);
}

/* CAM-B09: the dead take nothing, and nobody minds. */
static void
the_dead_take_nothing(void **state)
{
	struct signal_info info = { .signal = SIGNAL_USR1, .sender = 1 };
	struct program	   p;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	EXPECT_OK(signal_send_info(p.proc, &info));
	kin_exit(p.proc, 3);
	EXPECT_OK(signal_send_info(p.proc, &info));
	EXPECT_OK(signal_send_thread_info(p.t, &info));
	assert_true(p.proc->pending == 0 && p.t->pending == 0);
	assert_int_equal(kin_wait(p.proc->parent).code, 3);
	kin_end();
}

/*
 * CAM-30: an interrupt to all below a process enters the handler of who has one, and is nothing to the
 * others. It says who sent it.
 */
static void
interrupts_reach_all_descendants(void **state)
{
	struct signal_info  info = { .signal = SIGNAL_URG, .code = SIGNAL_CODE_USER, .sender = 1 };
	struct signal_frame frame;
	struct process	   *grandchild;
	struct program	    p, q;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_URG, HANDLER, 0);
	grandchild = kin_fork(p.proc);
	q = p;
	q.proc = grandchild;
	q.t = &grandchild->main;
	handled_by(&q, SIGNAL_URG, SIGNAL_DEFAULT, 0);
	assert_int_equal(signal_send_descendants_info(p.proc->parent, &info), 2);
	assert_int_equal(handled_deliver(&q), SIGNAL_GOES_ON);
	assert_int_equal(q.signal, 0);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_int_equal(p.signal, SIGNAL_URG);
	handled_read(&p, handled_frame(&p), &frame);
	assert_int_equal(frame.head.info.sender, 1);
	assert_true(handled_return(&p));
	handled_end(&p);
}

/* ---- interrupted calls ---- */

/* call - the program is in a call, and this is where it would be made again. */
static vaddr_t
call(struct program *p)
{
	struct arch_context again;

	handled_fill(p, 3);
	again = p->ctx;
	arch_context_restart_call(&again);
	p->point = SIGNAL_IN_CALL;
	return arch_context_pc(&again);
}

/* WNX-29: what the handler returns to: the call failed, or is made again; once, however many handlers there were. */
static void
an_interrupted_call_fails_or_is_made_again(void **state)
{
	struct program p;
	vaddr_t	       again;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_by(&p, SIGNAL_USR2, HANDLER, SIGNALF_RESTART);
	call(&p);
	handled_send(&p, SIGNAL_USR1);
	assert_int_equal(p.point, SIGNAL_AT_INSTRUCTION);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC);
	assert_int_equal(arch_context_result(&p.ctx), ERR_INTR);

	again = call(&p);
	handled_send(&p, SIGNAL_USR2);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == again);
	assert_int_equal(arch_context_result(&p.ctx), 33);

	again = call(&p);
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	handled_send(&p, SIGNAL_USR2);
	assert_true(handled_return(&p));
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC);
	assert_int_equal(arch_context_result(&p.ctx), ERR_INTR);
	handled_end(&p);
}

/* Nothing was there after all, or the process was stopped meanwhile: the call is made again. */
static void
without_a_handler_a_call_is_made_again(void **state)
{
	struct program p;
	vaddr_t	       again;

	(void)state;
	handled_start(&p);
	again = call(&p);
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == again);
	again = call(&p);
	EXPECT_OK(signal_send(p.proc, SIGNAL_TSTP));
	assert_int_equal(handled_deliver(&p), SIGNAL_STOPPED);
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC && p.point == SIGNAL_IN_CALL);
	EXPECT_OK(signal_send(p.proc, SIGNAL_CONT));
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&p.ctx) == again);
	/* a handler of CONT counts */
	handled_by(&p, SIGNAL_CONT, HANDLER, 0);
	call(&p);
	EXPECT_OK(signal_send(p.proc, SIGNAL_TSTP));
	assert_int_equal(handled_deliver(&p), SIGNAL_STOPPED);
	handled_send(&p, SIGNAL_CONT);
	assert_true(handled_return(&p));
	assert_int_equal(arch_context_result(&p.ctx), ERR_INTR);
	handled_end(&p);
}

/* ---- whose registers they are ---- */

/* own - what a kernel does whose threads keep their registers in their records. */
static enum signal_verdict
deliver_own(struct thread *t, unsigned *signal)
{
	enum signal_point   point = SIGNAL_AT_INSTRUCTION;
	enum signal_verdict verdict;

	thread_save_fpu(t);
	verdict = signal_deliver(t, &t->registers, t->fpu, &point, signal);
	thread_load_fpu(t);
	return verdict;
}

static bool
return_own(struct thread *t)
{
	vaddr_t sp = arch_context_sp(&t->registers) + ARCH_RETURN_BYTES;
	bool	is_frame;

	arch_context_set_sp(&t->registers, sp);
	thread_save_fpu(t);
	is_frame = signal_return(t, &t->registers, t->fpu);
	thread_load_fpu(t);
	return is_frame;
}

/* fpu_now - the first floating-point word that this CPU has. */
static uint64_t
fpu_now(void)
{
	struct arch_fpu now;

	arch_fpu_save(&now);
	return arch_fpu_word(&now, 0);
}

/*
 * The thread's own registers and the CPU's floating-point ones are saved and restored. A child that
 * is forked in the handler has both, and the frame, and returns by itself.
 */
static void
a_child_of_a_handler_returns_by_itself(void **state)
{
	struct signal_action action = { .handler = HANDLER, .restorer = RESTORER };
	struct process	    *first = kin_first_with_bodies();
	struct thread	    *t = &first->main;
	struct process	    *child;
	unsigned	     signal;

	(void)state;
	sketch_map(first->space, 4, 8, PROT_RW, 0);
	arch_context_init(&t->registers, PROGRAM_PC, PROGRAM_SP);
	arch_context_set_result(&t->registers, 41);
	arch_fpu_set_word(t->fpu, 0, 4711);
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &action, NULL));
	EXPECT_OK(signal_send(first, SIGNAL_USR1));
	pt_activate(&first->space->pt);
	thread_enter(t);
	assert_int_equal(fpu_now(), 4711);
	assert_int_equal(deliver_own(t, &signal), SIGNAL_GOES_ON);
	assert_true(arch_context_pc(&t->registers) == HANDLER && fpu_now() == 0);
	child = kin_fork(first);
	assert_true(return_own(t));
	assert_true(arch_context_pc(&t->registers) == PROGRAM_PC && fpu_now() == 4711);
	assert_true(arch_context_sp(&t->registers) == PROGRAM_SP && t->blocked == 0);
	thread_leave();
	t = &child->main;
	assert_true(t->blocked == signal_bit(SIGNAL_USR1));
	pt_activate(&child->space->pt);
	thread_enter(t);
	assert_true(return_own(t));
	assert_true(arch_context_pc(&t->registers) == PROGRAM_PC && fpu_now() == 4711);
	assert_int_equal(arch_context_result(&t->registers), 41);
	assert_true(t->blocked == 0);
	thread_leave();
	pt_deactivate(&child->space->pt);
	kin_end();
}

/* A kernel without floating-point state has frames with nothing in its place. */
static void
floating_point_may_be_nobodys(void **state)
{
	struct signal_frame frame;
	struct program	    p;
	unsigned	    signal;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	assert_int_equal(signal_deliver(p.t, &p.ctx, NULL, &p.point, &signal), SIGNAL_GOES_ON);
	handled_read(&p, handled_frame(&p), &frame);
	memset(frame.fpu, 0xff, sizeof(frame.fpu));
	handled_write(&p, handled_frame(&p), &frame);
	handled_leave(&p);
	assert_true(signal_return(p.t, &p.ctx, NULL));
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC);
	handled_end(&p);
}

/* ---- failures ---- */

/* A frame that has no room becomes a SEGV, whose handler may have another stack. */
static void
a_segv_for_want_of_room_may_be_handled(void **state)
{
	struct signal_frame frame;
	struct program	    p, was;

	(void)state;
	handled_start(&p);
	set_alternate(&p, ARCH_PAGE_SIZE, 0);
	handled_by(&p, SIGNAL_SEGV, HANDLER, SIGNALF_ALTERNATE);
	handled_by(&p, SIGNAL_USR1, HANDLER + 16, 0);
	arch_context_set_sp(&p.ctx, PAGE(NOTHING + 1));
	was = p;
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	assert_int_equal(handled_deliver(&p), SIGNAL_GOES_ON);
	assert_int_equal(p.signal, SIGNAL_SEGV);
	assert_true(arch_context_pc(&p.ctx) == HANDLER);
	handled_read(&p, handled_frame(&p), &frame);
	assert_int_equal(frame.head.info.code, SIGNAL_CODE_KERNEL);
	assert_true(frame.head.context.blocked == 0);
	assert_true(handled_return(&p));
	handled_expect_same(&p, &was);
	handled_end(&p);
}

/*
 * Each allocation on the way fails in turn: the handler's stack has never been touched and is
 * shared with the parent. Either the handler runs, or the process ends with its registers as they were.
 */
static void
no_memory_for_a_frame_is_the_end_and_nothing_halfway(void **state)
{
	unsigned nr_failed = 0;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct program	    p, was;
		enum signal_verdict verdict;

		handled_start(&p);
		sketch_map(p.proc->space, 9, 11, PROT_RW, 0);
		arch_context_set_sp(&p.ctx, PAGE(10) + 512);
		handled_by(&p, SIGNAL_USR1, HANDLER, 0);
		kin_fork(p.proc);
		was = p;
		EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
		anymm_drain();
		machine_fail_allocation(n, true);
		verdict = handled_deliver(&p);
		machine_fail_allocation(0, false);
		if (verdict == SIGNAL_GOES_ON) {
			assert_true(handled_return(&p));
			handled_expect_same(&p, &was);
			handled_end(&p);
			break;
		}
		assert_int_equal(verdict, SIGNAL_ENDS_IT);
		assert_int_equal(p.signal, SIGNAL_SEGV);
		handled_expect_same(&p, &was);
		assert_true(p.t->blocked == 0);
		nr_failed++;
		handled_end(&p);
	}
	/* Tables too, where forked spaces share them. */
	assert_true(nr_failed >= 1 + ARCH_HAS_UPPER_WRITE_DENIAL);
}

TEST_SUITE(deliver, cmocka_unit_test(a_bad_access_says_where_and_why),
	   cmocka_unit_test(what_was_caused_comes_first),
	   cmocka_unit_test(that_there_is_no_alternate_stack_comes_back),
	   cmocka_unit_test(a_bad_access_in_its_own_handler_is_the_end),
	   cmocka_unit_test(an_overflown_stack_has_another),
	   cmocka_unit_test(only_who_asks_goes_there),
	   cmocka_unit_test(a_disarming_one_comes_back_with_its_frame),
	   cmocka_unit_test(handlers_stand_on_each_other), cmocka_unit_test(once_and_again),
	   cmocka_unit_test(a_handler_may_jump_out), cmocka_unit_test(defaults_are_said),
	   cmocka_unit_test(the_stopped_take_nothing_but_kill),
	   cmocka_unit_test(the_dead_take_nothing),
	   cmocka_unit_test(interrupts_reach_all_descendants),
	   cmocka_unit_test(an_interrupted_call_fails_or_is_made_again),
	   cmocka_unit_test(without_a_handler_a_call_is_made_again),
	   cmocka_unit_test(a_child_of_a_handler_returns_by_itself),
	   cmocka_unit_test(floating_point_may_be_nobodys),
	   cmocka_unit_test(a_segv_for_want_of_room_may_be_handled),
	   cmocka_unit_test(no_memory_for_a_frame_is_the_end_and_nothing_halfway))
