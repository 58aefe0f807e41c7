/*
 * steps.c - counts instructions by stepping through a child; see steps.h.
 *
 * The child stops at a breakpoint instruction in front of the call and at another one
 * behind it; between the two the parent steps. The few instructions around the call are
 * the same for every call.
 */
#include "model/steps.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__linux__)
#define BREAKPOINT() __asm__ volatile("int3")
#define CAN_STEP     true
#else
#define BREAKPOINT() abort()
#define CAN_STEP     false
#endif

void
steps_abort(void)
{
	_exit(1);
}

[[gnu::noreturn]] static void
run_child(void (*call)(void *), void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	BREAKPOINT();
	call(arg);
	BREAKPOINT();
	_exit(0);
}

/* is_at_breakpoint - the child has just run a breakpoint instruction, rather than a step. */
static bool
is_at_breakpoint(pid_t child)
{
	siginfo_t info;

	return ptrace(PTRACE_GETSIGINFO, child, NULL, &info) == 0 && info.si_code == SI_KERNEL;
}

/* wait_stopped - false: the child is gone. */
static bool
wait_stopped(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFSTOPPED(status);
}

static bool
step_to_the_end(pid_t child, uint64_t *steps)
{
	*steps = 0;
	if (!wait_stopped(child))
		return false;
	do {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 || !wait_stopped(child))
			return false;
		++*steps;
	} while (!is_at_breakpoint(child));
	return true;
}

bool
steps_count(void (*call)(void *), void *arg, uint64_t *steps)
{
	pid_t child;
	bool  good;

	if (!CAN_STEP)
		return false;
	child = fork();
	if (child < 0)
		return false;
	if (child == 0)
		run_child(call, arg);
	good = step_to_the_end(child, steps);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return good;
}
