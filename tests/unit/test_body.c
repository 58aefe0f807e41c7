/*
 * test_body.c - what threads have of the machine: registers, floating-point state, kernel stack.
 *
 * No program runs here. "The CPU has" means arch_fpu_load and arch_fpu_save on this CPU, which is
 * what a program would have left there or would find; the kernel itself uses none of it.
 */
#include "unit/kin.h"

#include <string.h>

#include "base/root.h"
#include "proc/state.h"

#define NR_WORDS (KSTACK_BYTES / 8)

/* ---- what programs leave in the CPU ---- */

static struct arch_fpu
pattern(uint64_t seed)
{
	struct arch_fpu fpu;

	arch_fpu_init(&fpu);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		arch_fpu_set_word(&fpu, i, seed * 1000 + i);
	return fpu;
}

static void
program_writes(uint64_t seed)
{
	struct arch_fpu fpu = pattern(seed);

	arch_fpu_load(&fpu);
}

static bool
fpu_is(const struct arch_fpu *fpu, uint64_t seed)
{
	struct arch_fpu wanted = pattern(seed);

	if (!seed)
		arch_fpu_init(&wanted);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		if (arch_fpu_word(fpu, i) != arch_fpu_word(&wanted, i))
			return false;
	return true;
}

/* What the CPU has now; 0: what a program starts with. */
static bool
program_sees(uint64_t seed)
{
	struct arch_fpu fpu;

	arch_fpu_save(&fpu);
	return fpu_is(&fpu, seed);
}

/* ---- registers ---- */

/* Every register has a value of its own, as far as the contract can name them. */
static void
fill_registers(struct thread *t)
{
	struct arch_context *ctx = &t->registers;

	arch_context_init(ctx, 0x1000, 0x2000);
	arch_context_call(ctx, &(struct arch_call){ .function = 0x1000,
						    .sp = 0x2000,
						    .returns_to = 0x3000,
						    .argument = { 5, 6, 7 } });
	arch_context_set_tls(ctx, 0x4000);
	arch_context_set_result(ctx, 57);
}

static struct thread *
clone(struct thread *caller, struct clone_request request)
{
	struct thread *t;

	EXPECT_OK(kin_clone(caller, &request, &t));
	machine_check_invariants();
	return t;
}

#define THREAD_FLAGS (PROC_THREAD | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE)

static struct thread *
make_thread(struct thread *caller)
{
	return clone(caller, (struct clone_request){ .flags = THREAD_FLAGS });
}

/* LUN-33, WNX-22, WNX-B04, CAM-12: all registers are the caller's, whose own stay what they are; the result is 0. */
static void
a_child_has_the_callers_registers_and_result_0(void **state)
{
	static const uint64_t flags[] = { SIGNAL_CHLD, PROC_SHARE_SPACE | PROC_SUSPEND,
					  THREAD_FLAGS };
	struct process	     *first = kin_first();
	struct arch_context   before;

	(void)state;
	fill_registers(&first->main);
	before = first->main.registers;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct thread *t = clone(&first->main, (struct clone_request){ .flags = flags[i] });
		struct arch_context got = t->registers;

		assert_memory_equal(&first->main.registers, &before, sizeof(before));
		assert_int_equal(arch_context_result(&got), 0);
		arch_context_set_result(&got, 57);
		assert_memory_equal(&got, &before, sizeof(before));
		assert_null(t->fpu);
		assert_null(t->stack);
		if (i == 1)
			kin_bury(t->process, 0);
	}
	assert_int_equal(kstack_live(), 0);
	kin_end();
}

/* The registers that a request names, and no others. */
static void
a_request_says_where_the_child_begins(void **state)
{
	struct process	   *first = kin_first();
	struct arch_context want;
	struct thread	   *t;

	(void)state;
	fill_registers(&first->main);
	t = clone(&first->main, (struct clone_request){ .flags = THREAD_FLAGS | PROC_SET_TLS,
							.sp = 0x8000,
							.tls = 0x9000 });
	want = first->main.registers;
	arch_context_set_result(&want, 0);
	arch_context_set_sp(&want, 0x8000);
	arch_context_set_tls(&want, 0x9000);
	assert_memory_equal(&t->registers, &want, sizeof(want));

	/* Without the flag the thread pointer is the caller's, whatever the request holds. */
	t = clone(&first->main, (struct clone_request){ .flags = THREAD_FLAGS,
							.entry = 0x5000,
							.argument = 77,
							.sp = 0x8000 - ARCH_RETURN_BYTES,
							.tls = 0x9000 });
	assert_int_equal(arch_context_pc(&t->registers), 0x5000);
	assert_int_equal(arch_context_sp(&t->registers), 0x8000 - ARCH_RETURN_BYTES);
	assert_int_equal(arch_context_argument(&t->registers, 0), 77);
	assert_int_equal(arch_context_tls(&t->registers), 0x4000);
	want = t->registers;
	assert_true(arch_context_sanitize(&want));
	kin_end();
}

/* ---- floating-point state ---- */

/* DRG-B10, CAM-12, ALM-24: what the CPU has is saved first, and copied; each goes on with its own. */
static void
a_child_has_what_the_cpu_had(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *child, *thread;

	(void)state;
	thread_enter(&first->main);
	assert_true(program_sees(0));
	program_writes(1);
	assert_true(fpu_is(first->main.fpu, 0)); /* memory is behind while the thread runs */
	child = clone(&first->main, (struct clone_request){ .flags = SIGNAL_CHLD });
	assert_true(fpu_is(child->fpu, 1));
	assert_true(program_sees(1));
	program_writes(2);
	thread = make_thread(&first->main);
	assert_true(fpu_is(thread->fpu, 2));
	assert_true(fpu_is(child->fpu, 1));
	thread_leave();

	/* Nobody's registers are seen by anybody else on the same CPU. */
	thread_enter(child);
	assert_true(program_sees(1));
	program_writes(3);
	thread_leave();
	thread_enter(&first->main);
	assert_true(program_sees(2));
	thread_leave();
	thread_enter(child);
	assert_true(program_sees(3));
	thread_leave();

	/* Of a caller that is on no CPU, memory says it. */
	program_writes(9);
	child = clone(child, (struct clone_request){ .flags = SIGNAL_CHLD });
	assert_true(fpu_is(child->fpu, 3));
	kin_end();
}

static void
a_look_and_a_change_while_it_runs(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *t = &first->main;

	(void)state;
	thread_enter(t);
	program_writes(4);
	thread_save_fpu(t);
	assert_true(fpu_is(t->fpu, 4));
	*t->fpu = pattern(5);
	thread_load_fpu(t);
	assert_true(program_sees(5));
	thread_leave();
	program_writes(6);
	thread_save_fpu(t); /* runs nowhere: memory is right as it is */
	assert_true(fpu_is(t->fpu, 5));
	thread_load_fpu(t);
	assert_true(program_sees(6));
	kin_end();
}

static void
a_program_starts_with_a_fresh_state(void **state)
{
	struct process	   *first = kin_first_with_bodies();
	struct space_layout layout = sketch_layout();
	struct space	   *fresh;

	(void)state;
	thread_enter(&first->main);
	program_writes(7);
	thread_leave();
	thread_enter(&first->main);
	program_writes(8);
	EXPECT_OK(space_create(&layout, &fresh));
	pt_deactivate(&first->space->pt);
	proc_exec(first, fresh);
	space_put(fresh);
	assert_true(program_sees(0));
	thread_leave();
	assert_true(fpu_is(first->main.fpu, 0));
	machine_check_invariants();
	kin_end();
}

/* Two CPUs hand two threads to each other; each thread counts in its own registers. */
#define TURNS 20

static struct thread   *wanderers[2];
static _Atomic unsigned turns[2]; /* of each thread: how often it has run */
static _Atomic unsigned nr_wrong;

static void
run_both_in_turn(void *arg)
{
	unsigned self = platform_cpu();

	(void)arg;
	for (unsigned turn = 0; turn < TURNS; turn++) {
		unsigned w = (turn + self) % 2;

		while (atomic_load(&turns[w]) != turn)
			arch_relax();
		thread_enter(wanderers[w]);
		if (!program_sees(turn ? 100 * (w + 1) + turn : 0) ||
		    thread_current() != wanderers[w])
			atomic_fetch_add(&nr_wrong, 1);
		program_writes(100 * (w + 1) + turn + 1);
		thread_leave();
		atomic_store(&turns[w], turn + 1);
	}
}

static void
threads_take_their_state_to_other_cpus(void **state)
{
	void (*const bodies[])(void *) = { run_both_in_turn, run_both_in_turn };
	struct process *first = kin_first_with_bodies();

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		atomic_store(&nr_wrong, 0);
		for (unsigned i = 0; i < 2; i++) {
			atomic_store(&turns[i], 0);
			wanderers[i] = make_thread(&first->main);
		}
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_RANDOM, 3, seed, 100000 });
		assert_int_equal(nr_wrong, 0);
		for (unsigned i = 0; i < 2; i++)
			assert_false(thread_end(wanderers[i], 0));
	}
	kin_end();
}

/* ---- kernel stacks ---- */

static uint64_t
word_at(const struct thread *t, vaddr_t va)
{
	return *(uint64_t *)kstack_pointer(t->stack, va);
}

static void
expect_start(struct thread *t, void (*function)(void *), void *argument)
{
	uint64_t wanted[ARCH_START_BYTES / 8];
	vaddr_t	 end = t->stack->range.end;

	assert_int_equal(t->saved, arch_start(wanted, end, function, argument));
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_int_equal(word_at(t, end - ARCH_START_BYTES + 8 * i), wanted[i]);
}

/* DRG-17: descriptor, thread and stack belong together, and any address of the stack finds the thread. */
static void
the_thread_is_found_from_its_stack(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *threads[] = { &first->main, make_thread(&first->main),
				      clone(&first->main, (struct clone_request){ 0 }) };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
		struct va_range range = threads[i]->stack->range;

		for (vaddr_t va = range.start; va < range.end; va += 512)
			assert_ptr_equal(thread_of_stack(va), threads[i]);
		assert_ptr_equal(thread_of_stack(range.end - 1), threads[i]);
		assert_null(thread_of_stack(range.start - 1));
	}
	assert_int_equal(kstack_live(), 3);
	kin_end();
	assert_int_equal(kstack_live(), 0);
}

/* DRG-24, CAM-B08: a child that begins in user mode has a fresh stack, on which the kernel takes it there. */
static void
a_user_thread_begins_on_a_fresh_stack(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *child;

	(void)state;
	fill_registers(&first->main);
	expect_start(&first->main, kin_begin, &first->main);
	memset(kstack_pointer(first->main.stack, first->main.stack->range.end - 4096), 0x77, 4096);
	child = clone(&first->main, (struct clone_request){ .flags = SIGNAL_CHLD, .sp = 0x6000 });
	expect_start(child, kin_begin, child);
	assert_ptr_not_equal(child->stack, first->main.stack);
	assert_int_equal(arch_context_sp(&child->registers), 0x6000);
	assert_int_equal(arch_context_result(&child->registers), 0);
	kin_end();
}

static void
serve(void *argument)
{
	(void)argument;
}

/* DRG-26: a thread of the kernel begins with its function and has no business with the caller's state. */
static void
a_kernel_thread_begins_with_its_function(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *t;
	int		what;

	(void)state;
	*first->main.fpu = pattern(1);
	t = clone(&first->main, (struct clone_request){ .flags = THREAD_FLAGS,
							.function = serve,
							.function_argument = &what });
	expect_start(t, serve, &what);
	assert_true(fpu_is(t->fpu, 0));
	thread_begin_at(t, kin_begin, t);
	expect_start(t, kin_begin, t);
	kin_end();
}

/* A stack in use, with a chain of two records: where it was left, and an outer one. */
static vaddr_t
leave_stack(struct thread *t, uint64_t used)
{
	vaddr_t	  sp = t->stack->range.end - used;
	uint64_t *word;

	for (vaddr_t va = t->stack->range.start; va < t->stack->range.end; va += 8)
		*(uint64_t *)kstack_pointer(t->stack, va) = va < sp ? 0xdead : used + va % 4096;
	word = kstack_pointer(t->stack, sp + ARCH_SAVED_RECORD);
	*word = t->stack->range.end - 64;
	word = kstack_pointer(t->stack, t->stack->range.end - 64);
	*word = 0;
	t->saved = sp;
	return sp;
}

/* LUN-33, LUN-34, DRG-25, WNX-24, ALM-24: who forks in the kernel leaves its used stack to the child, put right. */
static void
a_fork_in_the_kernel_copies_the_used_stack(void **state)
{
	struct process *first = kin_first_with_bodies();
	vaddr_t		sp = leave_stack(&first->main, 6000);
	struct va_range from = first->main.stack->range;
	struct thread  *child;
	uint64_t	distance;

	(void)state;
	fill_registers(&first->main);
	child = clone(&first->main, (struct clone_request){ .flags = SIGNAL_CHLD, .saved = sp });
	distance = child->stack->range.end - from.end;
	assert_int_equal(child->saved, sp + distance);
	for (vaddr_t va = sp; va < from.end; va += 8) {
		uint64_t want = word_at(&first->main, va);

		assert_int_equal(word_at(child, va + distance),
				 va == sp + ARCH_SAVED_RECORD ? want + distance : want);
	}
	assert_int_equal(word_at(&first->main, sp + ARCH_SAVED_RECORD), from.end - 64);
	assert_int_equal(first->main.saved, sp);
	assert_int_equal(arch_context_result(&child->registers), 0);
	kin_end();
}

/* A link may be anything: the copy ends there, and no other word differs. */
static void
a_hostile_chain_is_copied_as_it_is(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct va_range range = first->main.stack->range;
	const uint64_t	hostile[] = {
		 1,	     range.start,   range.end, range.end - 8, range.end - 4, range.start - 8,
		 1ull << 63, UINT64_MAX - 7
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(hostile); i++) {
		vaddr_t	       sp = leave_stack(&first->main, 512);
		struct thread *t;

		*(uint64_t *)kstack_pointer(first->main.stack, sp + ARCH_SAVED_RECORD) = hostile[i];
		t = clone(&first->main,
			  (struct clone_request){ .flags = THREAD_FLAGS, .saved = sp });
		assert_int_equal(word_at(t, t->saved + ARCH_SAVED_RECORD), hostile[i]);
		assert_false(thread_end(t, 0));
	}
	kin_end();
}

/* LUN-35, LUN-B10: of several threads one is in the child, with its own stacks alone. */
static void
only_the_callers_stacks_are_in_the_child(void **state)
{
	struct process	   *first = kin_first_with_bodies();
	struct space_layout layout = sketch_layout();
	struct thread	   *a, *b, *child;
	struct space	   *fresh;

	(void)state;
	pt_activate(&first->space->pt);
	sketch_map(first->space, 8, 10, PROT_RW, 0);
	sketch_store_all(first->space, 8, 10);
	a = clone(&first->main, (struct clone_request){ .flags = THREAD_FLAGS,
							.user_stack = { PAGE(8), PAGE(9) } });
	b = clone(&first->main, (struct clone_request){ .flags = THREAD_FLAGS,
							.user_stack = { PAGE(9), PAGE(10) } });
	assert_int_equal(kstack_live(), 3);
	leave_stack(a, 256);
	leave_stack(b, 256);
	child = clone(b, (struct clone_request){ .flags = SIGNAL_CHLD });
	assert_int_equal(kstack_live(), 4);
	assert_int_equal(child->process->nr_running, 1);
	expect_start(child, kin_begin, child);
	assert_null(space_find(child->process->space, PAGE(8)));
	assert_non_null(space_find(child->process->space, PAGE(9)));
	assert_non_null(space_find(first->space, PAGE(8)));
	assert_int_equal(child->user_stack.start, PAGE(9));

	/* The first thread has told of none, so both of the others' are dropped, and the rest stays. */
	child = clone(&first->main, (struct clone_request){ .flags = SIGNAL_CHLD });
	assert_null(space_find(child->process->space, PAGE(8)));
	assert_null(space_find(child->process->space, PAGE(9)));
	assert_non_null(space_find(child->process->space, PAGE(3)));

	/* In a space of the kernel's choice nobody has a stack yet. */
	EXPECT_OK(space_create(&layout, &fresh));
	child = clone(b, (struct clone_request){ .space = fresh });
	space_put(fresh);
	assert_true(range_is_empty(child->user_stack));

	/* A stack in a space that is shared stays; one of a thread that has ended is memory like any other. */
	child = clone(b, (struct clone_request){ .flags = PROC_SHARE_SPACE });
	assert_non_null(space_find(child->process->space, PAGE(8)));
	assert_false(thread_end(a, 0));
	child = clone(b, (struct clone_request){ .flags = SIGNAL_CHLD });
	assert_non_null(space_find(child->process->space, PAGE(8)));
	kin_end();
}

/* ---- the end ---- */

/* Who runs nowhere gives everything back at its end; who runs here keeps what it stands on. */
static void
a_thread_gives_back_what_it_had(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct thread  *a = make_thread(&first->main);
	struct thread  *b = make_thread(&first->main);
	vaddr_t		on_stack = b->stack->range.start;
	int32_t		value;

	(void)state;
	assert_false(thread_end(a, 1));
	machine_check_invariants();
	assert_int_equal(kstack_live(), 2);
	assert_int_equal(proc_state()->fpus.nr_objects, 2);

	EXPECT_OK(thread_detach(first, thread_id(b)));
	thread_enter(b);
	assert_false(thread_end(b, 2)); /* detached: its record is gone */
	machine_check_invariants();
	assert_null(thread_current());
	assert_null(thread_of_stack(on_stack)); /* while the CPU is still on it */
	assert_int_equal(kstack_live(), 2);
	assert_int_equal(proc_state()->fpus.nr_objects, 1);
	thread_leave();
	assert_int_equal(kstack_live(), 1);
	thread_leave();
	EXPECT_OK(thread_join(&first->main, thread_id(a), &value));
	assert_int_equal(value, 1);

	/* The last one ends the process from its own stack. */
	thread_enter(&first->main);
	pt_deactivate(&first->space->pt);
	assert_true(thread_end(&first->main, 3));
	assert_int_equal(kstack_live(), 1);
	thread_leave();
	assert_int_equal(kstack_live(), 0);
	assert_int_equal(proc_state()->fpus.nr_objects, 0);
	kin_end();
}

/* Another thread than the first executes a program: it goes on as the first, with all it had. */
static void
the_first_place_is_taken_with_everything(void **state)
{
	struct process	*first = kin_first_with_bodies();
	struct thread	*t = make_thread(&first->main);
	struct thread	*left;
	struct kstack	*stack = t->stack;
	struct arch_fpu *fpu = t->fpu;

	(void)state;
	fill_registers(t);
	arch_context_set_result(&t->registers, 123);
	assert_false(thread_end(&first->main, 0));
	thread_enter(t);
	program_writes(8);
	EXPECT_OK(thread_begin_exec(t, &left));
	machine_check_invariants();
	assert_ptr_equal(left, &first->main);
	assert_ptr_equal(thread_current(), left);
	assert_ptr_equal(left->stack, stack);
	assert_ptr_equal(left->fpu, fpu);
	assert_ptr_equal(thread_of_stack(stack->range.start), left);
	assert_int_equal(arch_context_result(&left->registers), 123);
	assert_true(program_sees(8));
	thread_leave();
	assert_true(fpu_is(left->fpu, 8));
	kin_end();
}

/* A process that is killed while it runs nowhere leaves no stack, however many threads it had. */
static void
the_end_of_a_process_takes_all_stacks(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct process *child;

	(void)state;
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, 0, &child));
	for (unsigned i = 0; i < 10; i++)
		make_thread(&child->main);
	assert_int_equal(kstack_live(), 12);
	EXPECT_OK(proc_kill(child, 9));
	machine_check_invariants();
	assert_int_equal(kstack_live(), 1);
	assert_int_equal(proc_state()->fpus.nr_objects, 1);
	kin_end();
}

/* ---- what is refused, and what fails ---- */

static void
requests_that_begin_nowhere_are_refused(void **state)
{
	struct process		  *first = kin_first_with_bodies();
	struct va_range		   range = first->main.stack->range;
	const struct clone_request bad[] = {
		{ .entry = ARCH_USER_END },
		{ .entry = UINT64_MAX },
		{ .sp = ARCH_USER_END + 8 },
		{ .flags = PROC_SET_TLS, .tls = UINT64_MAX },
		{ .saved = range.start - 8 },
		{ .saved = range.end + 8 },
		{ .saved = range.end - 4 },
		{ .saved = 8 },
		{ .saved = range.end - 256, .function = serve },
		{ .user_stack = { PAGE(1) + 8, PAGE(2) } },
		{ .user_stack = { PAGE(1), UINT64_MAX & ~ARCH_PAGE_MASK } },
	};
	struct clone_result result;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERR(proc_clone(&first->main, &bad[i], &result), ERR_INVAL);
		machine_check_invariants();
		assert_int_equal(kstack_live(), 1);
		assert_int_equal(proc_state()->root.nr_ids, 1);
	}
	kin_end();
}

static void
without_stacks_nothing_begins_in_the_kernel(void **state)
{
	struct process		  *first = kin_first();
	const struct clone_request bad[] = { { .saved = 4096 }, { .function = serve } };
	struct clone_result	   result;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(proc_clone(&first->main, &bad[i], &result), ERR_INVAL);
	kin_end();
}

static struct process	   *parent;
static struct clone_request wanted;
static struct clone_result  made;

static err_t
clone_as_wanted(void)
{
	return proc_clone(&parent->main, &wanted, &made);
}

static void
undo_clone(void)
{
	if (wanted.flags & PROC_THREAD) {
		int32_t value;

		assert_false(thread_end(made.thread, 0));
		EXPECT_OK(thread_join(&parent->main, made.id, &value));
	} else {
		kin_bury(made.process, 0);
	}
}

/* DRG-B05, WNX-B01: each allocation of each kind of clone fails, on its own and with all that follow. */
static void
lack_of_memory_changes_nothing(void **state)
{
	static const uint64_t flags[] = { SIGNAL_CHLD, PROC_SHARE_SPACE, THREAD_FLAGS };

	(void)state;
	for (unsigned i = 0; i < 3 * ARRAY_SIZE(flags); i++) {
		unsigned nr;

		parent = kin_first_with_bodies();
		fill_registers(&parent->main);
		*parent->main.fpu = pattern(1);
		make_thread(&parent->main);
		clone(&parent->main, (struct clone_request){ .flags = THREAD_FLAGS,
							     .user_stack = { PAGE(2), PAGE(3) } });
		wanted = (struct clone_request){ .flags = flags[i / 3] };
		if (i % 3 == 1)
			wanted.saved = leave_stack(&parent->main, 5000);
		if (i % 3 == 2)
			wanted.function = serve;
		nr = kin_fail_each(clone_as_wanted, undo_clone);
		assert_true(nr >= 2 + KSTACK_PAGES);
		assert_int_equal(kstack_live(), 3);
		kin_end();
	}
}

static void
lack_of_memory_for_the_first_process(void **state)
{
	struct process *first = kin_first_with_bodies();

	(void)state;
	for (unsigned n = 1;; n++) {
		struct process *proc;
		err_t		err;

		machine_fail_allocation(n, false);
		err = proc_create(0, first->space, &proc);
		machine_fail_allocation(0, false);
		machine_check_invariants();
		if (err == OK)
			break;
		assert_int_equal(err, ERR_NOMEM);
		assert_int_equal(kstack_live(), 1);
		assert_int_equal(proc_state()->fpus.nr_objects, 1);
	}
	assert_int_equal(kstack_live(), 2);
	kin_end();
}

/* ---- what stops the machine ---- */

static void
enter(void *arg)
{
	thread_enter(arg);
}

static void
enter_elsewhere(void *arg)
{
	machine_cpu_set(1);
	thread_enter(arg);
}

static void
end_elsewhere(void *arg)
{
	machine_cpu_set(1);
	(void)thread_end(arg, 0);
}

static void
begin_while_running(void *arg)
{
	thread_begin_at(arg, serve, NULL);
}

static void
have_stacks_without_a_begin(void *arg)
{
	(void)arg;
	proc_configure_threads(&(struct thread_config){ .has_stack = true });
}

static void
wrong_use_stops_the_machine(void **state)
{
	static const struct {
		void (*use)(void *thread);
		const char *text;
	} wrong[] = {
		{ enter, "enters CPU 0; it is on 1, and there runs" },
		{ enter_elsewhere, "enters CPU 1; it is on 1" },
		{ end_elsewhere, "runs on CPU 0, not 1" },
		{ begin_while_running, "cannot begin in the kernel" },
		{ have_stacks_without_a_begin, "threads begin nowhere" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct process *first = kin_first_with_bodies();
		struct thread  *t = make_thread(&first->main);
		char		text[160];

		thread_enter(t);
		assert_true(machine_expect_stop(wrong[i].use, t, text, sizeof(text)));
		assert_non_null(strstr(text, wrong[i].text));
	}
}

TEST_SUITE(body, cmocka_unit_test(a_child_has_the_callers_registers_and_result_0),
	   cmocka_unit_test(a_request_says_where_the_child_begins),
	   cmocka_unit_test(a_child_has_what_the_cpu_had),
	   cmocka_unit_test(a_look_and_a_change_while_it_runs),
	   cmocka_unit_test(a_program_starts_with_a_fresh_state),
	   cmocka_unit_test(threads_take_their_state_to_other_cpus),
	   cmocka_unit_test(the_thread_is_found_from_its_stack),
	   cmocka_unit_test(a_user_thread_begins_on_a_fresh_stack),
	   cmocka_unit_test(a_kernel_thread_begins_with_its_function),
	   cmocka_unit_test(a_fork_in_the_kernel_copies_the_used_stack),
	   cmocka_unit_test(a_hostile_chain_is_copied_as_it_is),
	   cmocka_unit_test(only_the_callers_stacks_are_in_the_child),
	   cmocka_unit_test(a_thread_gives_back_what_it_had),
	   cmocka_unit_test(the_first_place_is_taken_with_everything),
	   cmocka_unit_test(the_end_of_a_process_takes_all_stacks),
	   cmocka_unit_test(requests_that_begin_nowhere_are_refused),
	   cmocka_unit_test(without_stacks_nothing_begins_in_the_kernel),
	   cmocka_unit_test(lack_of_memory_changes_nothing),
	   cmocka_unit_test(lack_of_memory_for_the_first_process),
	   cmocka_unit_test(wrong_use_stops_the_machine))
