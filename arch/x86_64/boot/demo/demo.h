/*
 * demo.h - a kernel small enough to read at once: programs, system calls, a scheduler.
 */
#pragma once

#include <anymm/exec.h>
#include <anymm/process.h>

#include "../boot.h"

enum task_state {
	TASK_FREE,
	TASK_READY,
	TASK_RUNNING, /* on a CPU, or in a system call of its own */
	TASK_WAITING, /* for a child to end */
	TASK_ENDED,   /* until its parent has waited for it */
};

/* [t] the lock of the tasks   [r] whoever runs it */
struct task {
	alignas(16) struct arch_context ctx; /* [r] */
	enum task_state state;		     /* [t] */
	struct process *proc;		     /* [r] */
	struct task    *parent;		     /* [t] NULL: the first */
};

/* demo_run - the whole demonstration; false: its first program was not content. */
bool demo_run(void);

/* task_begin - a slot for a new task, RUNNING until it is made ready; NULL: none left. */
struct task *task_begin(struct task *parent);
void	     task_ready(struct task *t);
void	     task_cancel(struct task *t);

/*
 * task_end - the program is over. Its children belong to the first task from now on.
 *   needs  its space active on no CPU
 */
void task_end(struct task *t, int32_t status);

/*
 * task_wait - take away one child that has ended.
 *   needs  its space active on no CPU
 *   fails  ERR_CHILD: there is no child; ERR_AGAIN: none has ended, t is WAITING now, and
 *          makes its system call again when it is woken
 */
err_t task_wait(struct task *t, uint32_t *id, int32_t *status);

/* task_cpus - CPUs on which a program has run so far. */
unsigned task_cpus(void);

/* program_load - a space with the program and these arguments, and the context to start it. */
err_t program_load(const struct exec_strings *args, struct space **out, struct arch_context *ctx);

/* program_init - make the program's file; program_fini - give it back, when no space maps it. */
void program_init(void);
void program_fini(void);

/* syscall_handle - do what ctx asks for; false: the task must not go on now. */
bool syscall_handle(struct task *t);
