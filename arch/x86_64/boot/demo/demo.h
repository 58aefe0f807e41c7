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
	TASK_RUNNING, /* on a CPU */
	TASK_WAITING, /* until something happens to its process */
};

/* What the scheduler knows of a thread. [t] the lock of the tasks   [r] whoever runs it */
struct task {
	struct thread  *thread; /* [r] */
	struct process *proc;	/* [c] */
	enum task_state state;	/* [t] */
	bool		sleeps; /* [r] it lets go of its CPU in order to wait */
	uint32_t	seen;	/* [r] events of its process that it knows of */
};

/* demo_run - the whole demonstration; false: its first program was not content. */
bool demo_run(void);

/*
 * task_begin - a slot for a new task, RUNNING until it is given its thread; NULL: none left.
 * task_start - its thread may run. task_cancel - there will be none.
 */
struct task *task_begin(void);
void	     task_start(struct task *t, struct thread *thread);
void	     task_cancel(struct task *t);

/* task_current - the one that makes this system call. */
struct task *task_current(void);

/* task_sleep - until the process has had more events than `seen`. The caller's stack waits meanwhile. */
void task_sleep(struct task *t, uint32_t seen);

/* task_end - the calling thread is over. With task_end_all the whole process, with this code. */
[[gnu::noreturn]] void task_end(struct task *t, int32_t value);
[[gnu::noreturn]] void task_end_all(struct task *t, int32_t code);

/* task_cpus - CPUs on which a program has run so far. */
unsigned task_cpus(void);

/* program_load - a space with the program and these arguments, and the context to start it. */
err_t program_load(const struct exec_strings *args, struct space **out, struct arch_context *ctx);

/* program_init - make the program's file; program_fini - give it back, when no space maps it. */
void program_init(void);
void program_fini(void);

/* syscall_handle - do what the task's registers ask for. */
void syscall_handle(struct task *t);
