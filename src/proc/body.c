/*
 * body.c - what a thread has of the machine: registers, floating-point state, a kernel stack.
 *
 *	runs nowhere --- thread_enter ---> on a CPU --- thread_leave ---> runs nowhere
 *	     |				      |
 *	     |				 thread_end: the stack stays until
 *	     +--- body_end ---> has none    thread_leave, on another one
 *
 * Registers of user mode lie in the record while the thread is not there. Those of the kernel lie
 * on its stack, and one address says where. Floating-point state is in the CPU exactly while
 * the thread is on it, and in memory else.
 *
 * A child begins in one of three ways (struct clone_request):
 *
 *	in user mode	     a fresh stack, on which the kernel's `begin` takes it to its registers
 *	where its maker is   the used part of the maker's stack is copied, frame records put right
 *	with a function	     a fresh stack, and no business in user mode
 *
 * It has one stack, its own: those of other threads are never looked at.
 */
#include "proc/body.h"

#include "base/assert.h"
#include "base/root.h"
#include "proc/state.h"

static struct cpu_thread *
this_cpu(void)
{
	return &root()->threads[platform_cpu()];
}

void
proc_configure_threads(const struct thread_config *config)
{
	struct thread_config none = { 0 };

	REQUIRE(!config || !config->has_stack || config->begin, "threads begin nowhere");
	proc_state()->threads_have = config ? *config : none;
}

/* ---- made and dropped ---- */

static void
set_stack(struct thread *t, struct kstack *stack)
{
	t->stack = stack;
	if (stack)
		stack->owner = t;
}

static void
begin_in_user_mode(struct thread *t)
{
	t->saved = kstack_begin(t->stack, proc_state()->threads_have.begin, t);
}

err_t
body_make(struct thread *t)
{
	const struct thread_config *have = &proc_state()->threads_have;
	struct kstack		   *stack = NULL;

	if (have->has_fpu) {
		t->fpu = slab_alloc(&proc_state()->fpus);
		if (!t->fpu)
			return ERR_NOMEM;
		arch_fpu_init(t->fpu);
	}
	if (have->has_stack) {
		if (kstack_create(&stack) != OK) {
			body_drop(t);
			return ERR_NOMEM;
		}
		set_stack(t, stack);
		begin_in_user_mode(t);
	}
	return OK;
}

void
body_drop(struct thread *t)
{
	if (t->stack)
		kstack_destroy(t->stack);
	slab_free(&proc_state()->fpus, t->fpu);
	t->stack = NULL;
	t->fpu = NULL;
}

/* ---- inherited ---- */

err_t
body_check_request(const struct thread *caller, const struct clone_request *request)
{
	bool in_kernel = request->saved || request->function;

	if (request->entry >= ARCH_USER_END || request->sp > ARCH_USER_END ||
	    request->tls > ARCH_USER_END)
		return ERR_INVAL;
	if (!range_is_empty(request->user_stack) &&
	    (request->user_stack.end > ARCH_USER_END ||
	     (request->user_stack.start | request->user_stack.end) & ARCH_PAGE_MASK))
		return ERR_INVAL;
	if (in_kernel && (!caller->stack || !proc_state()->threads_have.has_stack))
		return ERR_INVAL;
	return request->saved && request->function ? ERR_INVAL : OK;
}

static void
inherit_registers(struct thread *t, const struct thread *caller,
		  const struct clone_request *request)
{
	struct arch_context *ctx = &t->registers;

	*ctx = caller->registers;
	arch_context_set_result(ctx, 0);
	if (request->sp)
		arch_context_set_sp(ctx, request->sp);
	if (request->flags & PROC_SET_TLS)
		arch_context_set_tls(ctx, request->tls);
	if (request->entry)
		arch_context_call(ctx, &(struct arch_call){
					       .function = request->entry,
					       .sp = arch_context_sp(ctx),
					       .argument = { request->argument },
				       });
}

/* The record of frames that begins where the caller has left its stack is moved along. (ALM-24) */
static err_t
inherit_stack(struct thread *t, const struct thread *caller, vaddr_t saved)
{
	struct kstack_registers at = { .sp = saved, .fp = saved + ARCH_SAVED_RECORD };
	err_t			err = kstack_copy(caller->stack, t->stack, &at);

	t->saved = at.sp;
	return err;
}

err_t
body_inherit(struct thread *t, struct thread *caller, const struct clone_request *request)
{
	bool has_own = !range_is_empty(request->user_stack);
	bool has_copy = !request->space && !(request->flags & (PROC_SHARE_SPACE | PROC_THREAD));

	inherit_registers(t, caller, request);
	t->user_stack = has_own ? request->user_stack : (struct va_range){ 0 };
	if (!has_own && has_copy)
		t->user_stack = caller->user_stack;
	if (t->fpu && caller->fpu && !request->function) {
		thread_save_fpu(caller);
		*t->fpu = *caller->fpu;
	}
	if (request->function)
		thread_begin_at(t, request->function, request->function_argument);
	return request->saved ? inherit_stack(t, caller, request->saved) : OK;
}

void
thread_begin_at(struct thread *t, void (*function)(void *argument), void *argument)
{
	REQUIRE(t->stack && !t->on_cpu, "thread %u cannot begin in the kernel", thread_id(t));
	t->saved = kstack_begin(t->stack, function, argument);
}

/* ---- on a CPU ---- */

void
thread_enter(struct thread *t)
{
	struct cpu_thread *cpu = this_cpu();

	REQUIRE(!cpu->runs && !t->on_cpu && !t->has_ended,
		"thread %u enters CPU %u; it is on %u, and there runs thread %u", thread_id(t),
		platform_cpu(), t->on_cpu, cpu->runs ? thread_id(cpu->runs) : 0);
	t->on_cpu = 1 + platform_cpu();
	cpu->runs = t;
	cpu->nr_copying = &t->nr_copying;
	if (t->fpu)
		arch_fpu_load(t->fpu);
}

/* stand_nowhere - what runs on this CPU does so no more. */
static void
stand_nowhere(struct cpu_thread *cpu)
{
	cpu->runs->on_cpu = 0;
	cpu->runs = NULL;
	cpu->nr_copying = NULL;
}

void
thread_leave(void)
{
	struct cpu_thread *cpu = this_cpu();

	if (cpu->runs) {
		thread_save_fpu(cpu->runs);
		stand_nowhere(cpu);
	}
	if (cpu->left) {
		REQUIRE(kstack_of((uintptr_t)__builtin_frame_address(0)) != cpu->left,
			"CPU %u gives back the stack it is on", platform_cpu());
		kstack_destroy(cpu->left);
		cpu->left = NULL;
	}
}

struct thread *
thread_current(void)
{
	bool	       irq = arch_irq_save();
	struct thread *t = this_cpu()->runs;

	arch_irq_restore(irq);
	return t;
}

struct thread *
thread_of_stack(vaddr_t sp)
{
	struct kstack *stack = kstack_of(sp);

	return stack ? stack->owner : NULL;
}

/* runs_here - false: nowhere. */
static bool
runs_here(const struct thread *t)
{
	REQUIRE(!t->on_cpu || t->on_cpu == 1 + platform_cpu(), "thread %u runs on CPU %u, not %u",
		thread_id(t), t->on_cpu - 1, platform_cpu());
	return t->on_cpu;
}

void
thread_save_fpu(struct thread *t)
{
	if (runs_here(t) && t->fpu)
		arch_fpu_save(t->fpu);
}

void
thread_load_fpu(struct thread *t)
{
	if (runs_here(t) && t->fpu)
		arch_fpu_load(t->fpu);
}

void
body_exec(struct thread *t)
{
	t->user_stack = (struct va_range){ 0 };
	if (!t->fpu)
		return;
	arch_fpu_init(t->fpu);
	thread_load_fpu(t);
}

void
body_move(struct thread *from, struct thread *to)
{
	to->registers = from->registers;
	to->saved = from->saved;
	to->user_stack = from->user_stack;
	to->fpu = from->fpu;
	set_stack(to, from->stack);
	from->fpu = NULL;
	from->stack = NULL;
	if (runs_here(from)) {
		struct cpu_thread *cpu = this_cpu();

		to->on_cpu = from->on_cpu;
		stand_nowhere(cpu);
		cpu->runs = to;
		cpu->nr_copying = &to->nr_copying;
	}
}

/* ---- the end ---- */

void
body_end(struct thread *t)
{
	struct cpu_thread *cpu = this_cpu();

	if (runs_here(t)) {
		REQUIRE(!cpu->left, "two threads have ended on CPU %u", platform_cpu());
		cpu->left = t->stack;
		if (t->stack)
			t->stack->owner = NULL; /* its record may be gone soon */
		t->stack = NULL;
		stand_nowhere(cpu);
	}
	body_drop(t);
}
