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
	struct thread	 *thread; /* [r] */
	struct process	 *proc;	  /* [c] */
	enum task_state	  state;  /* [t] */
	bool		  sleeps; /* [r] it lets go of its CPU in order to wait */
	uint32_t	  seen;	  /* [r] events of its process that it knows of */
	enum signal_point point;  /* [r] what signals find it at */
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

/* The calls about signals. task_return is the restorers'. */
int64_t task_set_action(struct task *t, uint64_t signal, vaddr_t from);
int64_t task_set_alternate(struct task *t, vaddr_t from);
int64_t task_kill(struct task *t, uint64_t id, uint64_t signal);
void	task_return(struct task *t);

/* task_cause - the program itself has done something that it gets this signal for. */
void task_cause(struct task *t, unsigned signal);
void task_cause_fault(struct task *t, enum fault_result result, vaddr_t va);

/*
 * task_obey - before t goes to ring 3, do what its signals say. Sleeps while its process is stopped.
 *   gives  the signal that ends the process, or 0
 */
unsigned task_obey(struct task *t);

/* syscall_handle - do what the task's registers ask for. */
void syscall_handle(struct task *t);
