/* handled.c - the helpers of handled.h. */
#include "unit/handled.h"

#include <string.h>

void
handled_run(struct program *p)
{
	pt_activate(&p->proc->space->pt);
}

void
handled_fill(struct program *p, uint64_t seed)
{
	arch_context_init(&p->ctx, PROGRAM_PC, PROGRAM_SP);
	arch_context_call(&p->ctx, &(struct arch_call){
					   .function = PROGRAM_PC,
					   .sp = PROGRAM_SP,
					   .returns_to = seed * 3,
					   .argument = { seed, seed * 5, seed * 7 },
				   });
	arch_context_set_result(&p->ctx, (int64_t)(seed * 11));
	arch_context_set_tls(&p->ctx, PAGE(1) + 8 * (seed % 16));
	arch_fpu_init(&p->fpu);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		arch_fpu_set_word(&p->fpu, i, test_random(&seed));
}

void
handled_start(struct program *p)
{
	struct process *first = kin_first();

	*p = (struct program){ .proc = kin_fork(first) };
	p->t = &p->proc->main;
	sketch_map(p->proc->space, 4, 8, PROT_RW, 0);
	sketch_store_all(p->proc->space, 4, 8);
	handled_fill(p, 1);
	handled_run(p);
}

void
handled_end(struct program *p)
{
	if (p->proc->space)
		pt_deactivate(&p->proc->space->pt);
	kin_end();
}

void
handled_by(struct program *p, unsigned signal, vaddr_t handler, uint64_t flags)
{
	struct signal_action action = {
		.handler = handler,
		.restorer = RESTORER,
		.flags = flags,
	};

	EXPECT_OK(signal_set_action(p->proc, signal, &action, NULL));
}

enum signal_verdict
handled_deliver(struct program *p)
{
	enum signal_verdict verdict;

	handled_run(p);
	verdict = signal_deliver(p->t, &p->ctx, &p->fpu, &p->point, &p->signal);
	machine_check_invariants();
	return verdict;
}

void
handled_send(struct program *p, unsigned signal)
{
	EXPECT_OK(signal_send(p->proc, signal));
	assert_int_equal(handled_deliver(p), SIGNAL_GOES_ON);
	assert_int_equal(p->signal, signal);
}

vaddr_t
handled_frame(const struct program *p)
{
	return arch_context_sp(&p->ctx) + ARCH_RETURN_BYTES - RETURN_BYTES;
}

void
handled_read(struct program *p, vaddr_t at, struct signal_frame *frame)
{
	handled_run(p);
	assert_int_equal(copy_from_user(p->proc->space, frame, at, sizeof(*frame)), 0);
}

void
handled_write(struct program *p, vaddr_t at, const struct signal_frame *frame)
{
	handled_run(p);
	assert_int_equal(copy_to_user(p->proc->space, at, frame, sizeof(*frame)), 0);
}

void
handled_leave(struct program *p)
{
	vaddr_t at = handled_frame(p);
	vaddr_t to;

	handled_run(p);
	assert_int_equal(copy_from_user(p->proc->space, &to, at, sizeof(to)), 0);
	arch_context_set_pc(&p->ctx, to);
	arch_context_set_sp(&p->ctx, at + RETURN_BYTES);
}

bool
handled_return(struct program *p)
{
	bool is_frame;

	handled_leave(p);
	assert_true(arch_context_pc(&p->ctx) == RESTORER);
	is_frame = signal_return(p->t, &p->ctx, &p->fpu);
	machine_check_invariants();
	return is_frame;
}

void
handled_expect_same(const struct program *a, const struct program *b)
{
	assert_memory_equal(&a->ctx, &b->ctx, sizeof(a->ctx));
	assert_memory_equal(&a->fpu, &b->fpu, sizeof(a->fpu));
}
