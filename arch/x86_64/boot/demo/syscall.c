/*
 * syscall.c - the system calls: each is a few lines over src/space and src/proc.
 *
 * A result goes into the context. A task that must wait is not touched any more once
 * task_wait has said so, because another CPU may have woken it.
 */
#include "demo.h"

#include <anymm/usercopy.h>

#include "abi.h"

static int64_t
do_fork(struct task *t)
{
	struct task *child = task_begin(t);
	uint32_t     id;
	err_t	     err;

	if (!child)
		return ERR_AGAIN;
	err = proc_fork(t->proc, 0, 0, &child->proc);
	if (err != OK) {
		task_cancel(child);
		return err;
	}
	child->ctx = t->ctx;
	arch_context_set_result(&child->ctx, 0);
	id = child->proc->id; /* it may have ended before we return */
	task_ready(child);
	return id;
}

static int64_t
do_exec(struct task *t, vaddr_t list)
{
	const struct exec_strings args = { .space = t->proc->space, .user = list };
	struct arch_context	  ctx;
	struct space		 *fresh;
	err_t			  err = program_load(&args, &fresh, &ctx);

	if (err != OK)
		return err;
	pt_deactivate(&t->proc->space->pt);
	proc_exec(t->proc, fresh);
	space_put(fresh);
	pt_activate(&t->proc->space->pt);
	t->ctx = ctx;
	return 0;
}

static int64_t
do_wait(struct task *t, vaddr_t to)
{
	uint32_t id;
	int32_t	 status;
	err_t	 err;

	pt_deactivate(&t->proc->space->pt);
	err = task_wait(t, &id, &status);
	if (err == ERR_AGAIN)
		return err; /* t may run elsewhere by now */
	pt_activate(&t->proc->space->pt);
	if (err != OK)
		return err;
	return copy_to_user(t->proc->space, to, &status, sizeof(status)) ? (int64_t)ERR_FAULT
									 : (int64_t)id;
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
	default:
		return ERR_INVAL;
	}
}

bool
syscall_handle(struct task *t)
{
	uint64_t number = t->ctx.rax;
	int64_t	 result;

	if (number == CALL_EXIT) {
		int32_t code = (int32_t)(t->ctx.rdi & 0xff);

		pt_deactivate(&t->proc->space->pt);
		task_end(t, code);
		return false;
	}
	if (number == CALL_EXEC) {
		result = do_exec(t, t->ctx.rdi);
		if (result != 0)
			arch_context_set_result(&t->ctx, result);
		return true;
	}
	result = call(t, number, t->ctx.rdi, t->ctx.rsi, t->ctx.rdx);
	if (number == CALL_WAIT && result == ERR_AGAIN)
		return false;
	arch_context_set_result(&t->ctx, result);
	return true;
}
