/*
 * syscall.c - the system calls: each is a few lines over src/space and src/proc.
 *
 * A result goes into the task's registers. A call that has to wait sleeps on the stack of its thread.
 */
#include "demo.h"

#include <anymm/usercopy.h>

#include "abi.h"

/* The child's registers are the caller's, with result 0; ours get the child's id. ERR_INTR: once more. */
static int64_t
make(struct task *t, const struct clone_request *request)
{
	struct task	   *child = task_begin();
	struct clone_result made;
	err_t		    err;

	if (!child)
		return ERR_AGAIN;
	err = proc_clone(t->thread, request, &made);
	if (err != OK) {
		task_cancel(child);
		return err;
	}
	task_start(child, made.thread);
	return made.id;
}

static int64_t
do_fork(struct task *t)
{
	return make(t, &(struct clone_request){ 0 });
}

/* Its stack is the word of its maker: a child of another thread will not have it. */
static int64_t
do_thread(struct task *t, vaddr_t from)
{
	const uint64_t	   flags = PROC_THREAD | PROC_SHARE_SPACE | PROC_SHARE_HANDLERS;
	struct demo_thread want;
	vaddr_t		   sp;

	if (copy_from_user(t->proc->space, &want, from, sizeof(want)))
		return ERR_FAULT;
	sp = want.stack + want.stack_bytes - ARCH_STACK_ALIGN - ARCH_RETURN_BYTES;
	return make(t, &(struct clone_request){
			       .flags = flags | PROC_SET_TLS,
			       .entry = want.entry,
			       .argument = want.argument,
			       .sp = sp,
			       .tls = want.tls,
			       .user_stack = { want.stack, want.stack + want.stack_bytes } });
}

/* wait_for - again, when something has happened. False: the thread has to end instead. */
static bool
wait_for(struct task *t, uint32_t seen)
{
	if (thread_must_end(t->thread))
		return false;
	task_sleep(t, seen);
	return true;
}

/* wait_or_obey - the same; also false if there is a signal. What has waited in vain fails with ERR_INTR. */
static bool
wait_or_obey(struct task *t, uint32_t seen)
{
	return !signal_is_pending(t->thread) && wait_for(t, seen);
}

static int64_t
do_join(struct task *t, uint32_t id, vaddr_t to)
{
	uint32_t seen;
	int32_t	 value;
	err_t	 err;

	do {
		seen = atomic_load(&t->proc->events);
		err = thread_join(t->thread, id, &value);
	} while (err == ERR_AGAIN && wait_or_obey(t, seen));
	if (err != OK)
		return err == ERR_AGAIN ? ERR_INTR : err;
	return copy_to_user(t->proc->space, to, &value, sizeof(value)) ? ERR_FAULT : OK;
}

/* Nothing comes back: the registers are those of the new program, or hold the error. */
static int64_t
do_exec(struct task *t, vaddr_t list)
{
	const struct exec_strings args = { .space = t->proc->space, .user = list };
	struct arch_context	  ctx;
	struct space		 *fresh;
	uint32_t		  seen;
	err_t			  err = program_load(&args, &fresh, &ctx);

	if (err != OK)
		return err;
	do {
		seen = atomic_load(&t->proc->events);
		err = thread_begin_exec(t->thread, &t->thread);
	} while (err == ERR_AGAIN && wait_for(t, seen));
	if (err == OK) {
		pt_deactivate(&t->proc->space->pt);
		proc_exec(t->proc, fresh);
		pt_activate(&t->proc->space->pt);
		t->thread->registers = ctx;
	}
	space_put(fresh);
	return err;
}

static int64_t
do_wait(struct task *t, vaddr_t to)
{
	const struct wait_request any = { .which = WAIT_ANY };
	struct wait_result	  ended;
	uint32_t		  seen;
	err_t			  err;

	do {
		seen = atomic_load(&t->proc->events);
		err = proc_wait(t->proc, &any, &ended);
	} while (err == ERR_AGAIN && wait_or_obey(t, seen));
	if (err != OK)
		return err == ERR_AGAIN ? ERR_INTR : err;
	return copy_to_user(t->proc->space, to, &ended.code, sizeof(ended.code))
		       ? (int64_t)ERR_FAULT
		       : (int64_t)ended.id;
}

static int64_t
do_mmap(struct task *t, uint64_t length, unsigned prot, unsigned flags)
{
	vaddr_t at;
	err_t	err =
		space_map(t->proc->space,
			  &(struct map_request){
				  .length = length, .prot = prot, .flags = flags | MAPF_ANONYMOUS },
			  &at);

	return err == OK ? (int64_t)at : err;
}

static int64_t
do_write(struct task *t, vaddr_t from, uint64_t length)
{
	char	 text[128];
	uint64_t bytes = min_u64(length, sizeof(text));

	bytes -= copy_from_user(t->proc->space, text, from, bytes);
	x86_console_write(text, bytes);
	return bytes || !length ? (int64_t)bytes : ERR_FAULT;
}

static int64_t
call(struct task *t, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	struct space *sp = t->proc->space;

	switch (number) {
	case CALL_FORK:
		return do_fork(t);
	case CALL_THREAD:
		return do_thread(t, a);
	case CALL_JOIN:
		return do_join(t, (uint32_t)a, b);
	case CALL_WAIT:
		return do_wait(t, a);
	case CALL_MMAP:
		return do_mmap(t, a, (unsigned)b, (unsigned)c);
	case CALL_MUNMAP:
		return space_unmap(sp, a, b);
	case CALL_MPROTECT:
		return space_protect(sp, a, b, c);
	case CALL_BRK:
		return (int64_t)space_brk(sp, a);
	case CALL_WRITE:
		return do_write(t, a, b);
	case CALL_CPUS:
		return task_cpus();
	case CALL_SIGACTION:
		return task_set_action(t, a, b);
	case CALL_SIGALTSTACK:
		return task_set_alternate(t, a);
	case CALL_KILL:
		return task_kill(t, a, b);
	case CALL_GETPID:
		return t->proc->id;
	default:
		return ERR_INVAL;
	}
}

void
syscall_handle(struct task *t)
{
	const struct arch_context *ctx = &t->thread->registers;
	uint64_t		   number = ctx->rax;
	int64_t			   result;

	if (number == CALL_EXIT)
		task_end_all(t, (int32_t)(ctx->rdi & 0xff));
	if (number == CALL_END_THREAD)
		task_end(t, (int32_t)ctx->rdi);
	if (number == CALL_SIGRETURN) {
		task_return(t);
		return;
	}
	if (number != CALL_EXEC) {
		result = call(t, number, ctx->rdi, ctx->rsi, ctx->rdx);
		if (result == ERR_INTR && (number == CALL_FORK || number == CALL_THREAD))
			arch_context_restart_call(&t->thread->registers);
		else if (result == ERR_INTR)
			t->point = SIGNAL_IN_CALL;
		else
			arch_context_set_result(&t->thread->registers, result);
		return;
	}
	result = do_exec(t, ctx->rdi);
	if (result != 0)
		arch_context_set_result(&t->thread->registers, result);
}
