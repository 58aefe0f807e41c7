/*
 * test_signal_frame.c - what a handler finds on its stack, what it must not touch, and what a
 * program can and cannot do by changing it.
 */
#include "unit/handled.h"
#include "unit/pt_fixture.h"

#include <string.h>

#include "base/mem.h"
#include "proc/deliver.h"

static uint8_t before[4 * 4096], after[4 * 4096];

/* stack_bytes - all of its four pages. */
static void
stack_bytes(struct program *p, uint8_t *to)
{
	handled_run(p);
	assert_int_equal(copy_from_user(p->proc->space, to, STACK_START, STACK_BYTES), 0);
}

static void
fill_stack(struct program *p)
{
	for (size_t i = 0; i < STACK_BYTES; i++)
		before[i] = (uint8_t)(i * 13 + i / 255);
	handled_run(p);
	assert_int_equal(copy_to_user(p->proc->space, STACK_START, before, STACK_BYTES), 0);
}

/*
 * LUN-41, CAM-30: below the red zone, not one byte of it or above it changed; then everything
 * that is needed to go on, where handler and restorer expect it.
 */
static void
a_frame_lies_below_the_red_zone(void **state)
{
	struct program	    p, was;
	struct signal_frame frame;
	size_t		    safe;
	vaddr_t		    at;

	(void)state;
	handled_start(&p);
	fill_stack(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	signal_block(p.t, signal_bit(SIGNAL_TERM));
	was = p;
	handled_send(&p, SIGNAL_USR1);
	at = handled_frame(&p);
	assert_true(at + sizeof(frame) <= PROGRAM_SP - ARCH_RED_ZONE_BYTES);
	assert_true(at + sizeof(frame) + SIGNAL_FPU_ALIGN > PROGRAM_SP - ARCH_RED_ZONE_BYTES);
	assert_int_equal((at + offsetof(struct signal_frame, fpu)) % SIGNAL_FPU_ALIGN, 0);
	assert_int_equal((at + RETURN_BYTES) % ARCH_STACK_ALIGN, 0);
	assert_true(arch_context_pc(&p.ctx) == HANDLER);
	assert_int_equal(arch_context_argument(&p.ctx, 0), SIGNAL_USR1);
	assert_true(arch_context_argument(&p.ctx, 1) == at + offsetof(struct signal_head, info));
	assert_true(arch_context_argument(&p.ctx, 2) == at + offsetof(struct signal_head, context));
	handled_read(&p, at, &frame);
	assert_true(frame.head.return_to == RESTORER);
	assert_int_equal(frame.head.info.signal, SIGNAL_USR1);
	assert_int_equal(frame.head.info.code, SIGNAL_CODE_KERNEL);
	assert_true(frame.head.context.blocked == signal_bit(SIGNAL_TERM));
	assert_memory_equal(frame.head.context.registers, &was.ctx, sizeof(was.ctx));
	assert_memory_equal(frame.fpu, &was.fpu, sizeof(was.fpu));
	stack_bytes(&p, after);
	safe = (size_t)(PROGRAM_SP - ARCH_RED_ZONE_BYTES - STACK_START);
	assert_memory_equal(before + safe, after + safe, STACK_BYTES - safe);
	assert_memory_equal(before, after, (size_t)(at - STACK_START));
	handled_end(&p);
}

/* The handler starts with fresh floating-point registers, and what the kernel had on its stack stays there. */
static void
nothing_of_the_kernel_is_told(void **state)
{
	struct program	    p;
	struct signal_frame frame;
	struct arch_fpu	    fresh;
	size_t		    used = sizeof(struct arch_context);

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_send(&p, SIGNAL_USR1);
	arch_fpu_init(&fresh);
	assert_memory_equal(&p.fpu, &fresh, sizeof(fresh));
	handled_read(&p, handled_frame(&p), &frame);
	for (size_t i = used; i < sizeof(frame.head.context.registers); i++)
		assert_int_equal(frame.head.context.registers[i], 0);
	for (size_t i = sizeof(frame.head.info); i < sizeof(frame.head.info_room); i++)
		assert_int_equal(frame.head.info_room[i], 0);
	for (size_t i = sizeof(struct arch_fpu); i < sizeof(frame.fpu); i++)
		assert_int_equal(frame.fpu[i], 0);
	handled_end(&p);
}

/* LUN-41: registers, floating point, mask: to the last bit as they were, whatever the handler did to its own. */
static void
the_way_back_restores_everything(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct program p, was;

		handled_start(&p);
		handled_fill(&p, seed);
		handled_by(&p, SIGNAL_USR1, HANDLER, 0);
		signal_block(p.t, seed << 20);
		was = p;
		handled_send(&p, SIGNAL_USR1);
		assert_true(p.t->blocked == (seed << 20 | signal_bit(SIGNAL_USR1)));
		arch_context_set_result(&p.ctx, -1);
		arch_fpu_set_word(&p.fpu, 0, seed + 77);
		assert_true(handled_return(&p));
		handled_expect_same(&p, &was);
		assert_true(p.t->blocked == seed << 20);
		handled_end(&p);
	}
}

/* A handler may change where its program goes on, and what is held back then; KILL and STOP never are. */
static void
a_handler_may_change_what_it_returns_to(void **state)
{
	struct arch_context changed;
	struct program	    p;
	struct signal_frame frame;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	handled_send(&p, SIGNAL_USR1);
	handled_read(&p, handled_frame(&p), &frame);
	memcpy(&changed, frame.head.context.registers, sizeof(changed));
	arch_context_set_pc(&changed, PROGRAM_PC + 32);
	arch_context_set_result(&changed, 4711);
	memcpy(frame.head.context.registers, &changed, sizeof(changed));
	frame.head.context.blocked = UINT64_MAX;
	handled_write(&p, handled_frame(&p), &frame);
	assert_true(handled_return(&p));
	assert_true(arch_context_pc(&p.ctx) == PROGRAM_PC + 32);
	assert_int_equal(arch_context_result(&p.ctx), 4711);
	assert_true(p.t->blocked == ~(signal_bit(SIGNAL_KILL) | signal_bit(SIGNAL_STOP)));
	EXPECT_OK(signal_send(p.proc, SIGNAL_KILL));
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	handled_end(&p);
}

/* refused - the frame is none: a SEGV waits, which ends it, and the registers are those of the call. */
static void
expect_refused(struct program *p)
{
	struct program was;

	handled_leave(p);
	was = *p;
	assert_false(signal_return(p->t, &p->ctx, &p->fpu));
	handled_expect_same(p, &was);
	machine_check_invariants();
	assert_int_equal(handled_deliver(p), SIGNAL_ENDS_IT);
	assert_int_equal(p->signal, SIGNAL_SEGV);
	handled_expect_same(p, &was);
}

/* What no program can have: an address of the kernel, or one that is none, to go on at. */
static void
hostile_addresses_are_refused(void **state)
{
	static const vaddr_t addresses[] = { ARCH_USER_END,
					     UINT64_MAX,
					     UINT64_C(1) << 63,
					     2 * ARCH_USER_END,
					     UINT64_C(0xffff800000000000),
					     UINT64_C(0xffffffff80101000) };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct arch_context changed;
		struct signal_frame frame;
		struct program	    p;

		handled_start(&p);
		handled_by(&p, SIGNAL_USR1, HANDLER, 0);
		handled_send(&p, SIGNAL_USR1);
		handled_read(&p, handled_frame(&p), &frame);
		memcpy(&changed, frame.head.context.registers, sizeof(changed));
		arch_context_set_pc(&changed, addresses[i]);
		memcpy(frame.head.context.registers, &changed, sizeof(changed));
		handled_write(&p, handled_frame(&p), &frame);
		expect_refused(&p);
		handled_end(&p);
	}
}

/* LUN-41: a stack pointer behind which there is no frame: nothing, half of one, the kernel, the end of all addresses. */
static void
a_return_without_a_frame_is_refused(void **state)
{
	static const vaddr_t places[] = { 0,
					  8,
					  PAGE(NOTHING),
					  PAGE(NOTHING) - sizeof(struct signal_frame) + 16,
					  ARCH_USER_END,
					  UINT64_MAX,
					  UINT64_MAX - sizeof(struct signal_frame) };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct program p, was;

		handled_start(&p);
		arch_context_set_sp(&p.ctx, places[i]);
		was = p;
		assert_false(signal_return(p.t, &p.ctx, &p.fpu));
		handled_expect_same(&p, &was);
		assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
		assert_int_equal(p.signal, SIGNAL_SEGV);
		handled_end(&p);
	}
}

/* is_harmless - the machine itself would not change anything of it. */
static bool
is_harmless(const struct program *p)
{
	struct program copy = *p;

	return arch_context_sanitize(&copy.ctx) && arch_fpu_sanitize(&copy.fpu) &&
	       memcmp(&copy.ctx, &p->ctx, sizeof(p->ctx)) == 0 &&
	       memcmp(&copy.fpu, &p->fpu, sizeof(p->fpu)) == 0;
}

/* spoil - some bytes of the frame become others: single bits, whole words, or everything. */
static void
spoil(struct signal_frame *frame, uint64_t *seed)
{
	uint8_t *bytes = (uint8_t *)&frame->head.context;
	size_t	 nr = sizeof(*frame) - offsetof(struct signal_head, context);
	unsigned times = (unsigned)(test_random(seed) % 6) + 1;

	if (test_random(seed) % 8 == 0) {
		for (size_t i = 0; i < nr; i++)
			bytes[i] = (uint8_t)test_random(seed);
		return;
	}
	while (times--) {
		size_t	 at = test_random(seed) % nr;
		uint64_t word = test_random(seed);

		if (test_random(seed) % 2)
			bytes[at] ^= (uint8_t)(1u << word % 8);
		else
			memcpy(bytes + (at & ~(size_t)7), &word,
			       min_u64(8, nr - (at & ~(size_t)7)));
	}
}

/*
 * LUN-41: whatever bytes a program leaves there: it gets registers that the machine takes as they are, and a
 * mask without KILL and STOP; or its end. The kernel has touched nothing else.
 */
static void
any_bytes_give_harmless_registers_or_the_end(void **state)
{
	uint64_t seed = test_seed(41);
	unsigned nr_good = 0, nr_refused = 0;
	unsigned rounds = test_rounds(3000);

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		struct signal_frame frame;
		struct program	    p;

		if (round % 100 == 0)
			handled_start(&p);
		handled_fill(&p, round + 1);
		signal_block(p.t, 0);
		handled_by(&p, SIGNAL_USR1, HANDLER, 0);
		EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
		assert_int_equal(signal_deliver(p.t, &p.ctx, &p.fpu, &p.point, &p.signal),
				 SIGNAL_GOES_ON);
		handled_read(&p, handled_frame(&p), &frame);
		spoil(&frame, &seed);
		handled_write(&p, handled_frame(&p), &frame);
		handled_leave(&p);
		if (signal_return(p.t, &p.ctx, &p.fpu)) {
			nr_good++;
			assert_true(is_harmless(&p));
			assert_true(arch_context_pc(&p.ctx) < ARCH_USER_END);
			arch_fpu_load(&p.fpu);
		} else {
			nr_refused++;
			assert_int_equal(signal_deliver(p.t, &p.ctx, &p.fpu, &p.point, &p.signal),
					 SIGNAL_ENDS_IT);
		}
		assert_false(p.t->blocked & (signal_bit(SIGNAL_KILL) | signal_bit(SIGNAL_STOP)));
		p.t->alternate = (struct signal_stack){ 0 };
		if (round % 100 == 99 || round == rounds - 1)
			handled_end(&p);
	}
	assert_true(nr_good > 0 && nr_refused > 0);
}

/* Copy-on-write, a stack that grows, a page that was never touched: a frame comes like any other store. */
static void
a_frame_is_a_store_like_any_other(void **state)
{
	struct signal_frame frame;
	struct process	   *child;
	struct program	    p;

	(void)state;
	handled_start(&p);
	fill_stack(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	child = kin_fork(p.proc);
	stats_note();
	handled_send(&p, SIGNAL_USR1);
	EXPECT_STAT(FAULT_COPY, 2); /* it lies on two pages */
	assert_int_equal(copy_from_space(child->space, after, STACK_START, STACK_BYTES), 0);
	assert_memory_equal(before, after, STACK_BYTES);
	assert_true(handled_return(&p));

	sketch_map(p.proc->space, 10, 12, PROT_RW, REGION_GROWSDOWN);
	arch_context_set_sp(&p.ctx, PAGE(10) + 64);
	handled_send(&p, SIGNAL_USR1);
	handled_read(&p, handled_frame(&p), &frame);
	assert_true(handled_frame(&p) < PAGE(10) && frame.head.info.signal == SIGNAL_USR1);
	assert_true(handled_return(&p));
	handled_end(&p);
}

/* CAM-B09: no room on the stack, or a handler where no user's code can be: the program's own fault. */
static void
what_cannot_be_entered_is_a_segv(void **state)
{
	static const struct {
		vaddr_t handler, sp;
	} rows[] = {
		{ HANDLER, PAGE(NOTHING + 1) },
		{ HANDLER, 0 },
		{ HANDLER, 64 },
		{ HANDLER, UINT64_MAX },
		{ HANDLER, ARCH_USER_END + 4096 },
		{ ARCH_USER_END, PROGRAM_SP },
		{ 2 * ARCH_USER_END, PROGRAM_SP },
		{ UINT64_MAX, PROGRAM_SP },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program p, was;

		handled_start(&p);
		handled_by(&p, SIGNAL_USR1, rows[i].handler, 0);
		arch_context_set_sp(&p.ctx, rows[i].sp);
		was = p;
		EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
		assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
		assert_int_equal(p.signal, SIGNAL_SEGV);
		handled_expect_same(&p, &was);
		assert_true(p.t->blocked == 0);
		handled_end(&p);
	}
}

/* A page of the stack that may not be written is no stack. */
static void
a_stack_that_is_not_writable_is_none(void **state)
{
	struct program p;

	(void)state;
	handled_start(&p);
	handled_by(&p, SIGNAL_USR1, HANDLER, 0);
	EXPECT_OK(space_protect(p.proc->space, PAGE(7), PAGE(1), PROT_R));
	EXPECT_OK(signal_send(p.proc, SIGNAL_USR1));
	assert_int_equal(handled_deliver(&p), SIGNAL_ENDS_IT);
	handled_end(&p);
}

TEST_SUITE(signal_frame, cmocka_unit_test(a_frame_lies_below_the_red_zone),
	   cmocka_unit_test(nothing_of_the_kernel_is_told),
	   cmocka_unit_test(the_way_back_restores_everything),
	   cmocka_unit_test(a_handler_may_change_what_it_returns_to),
	   cmocka_unit_test(hostile_addresses_are_refused),
	   cmocka_unit_test(a_return_without_a_frame_is_refused),
	   cmocka_unit_test(any_bytes_give_harmless_registers_or_the_end),
	   cmocka_unit_test(a_frame_is_a_store_like_any_other),
	   cmocka_unit_test(what_cannot_be_entered_is_a_segv),
	   cmocka_unit_test(a_stack_that_is_not_writable_is_none))
