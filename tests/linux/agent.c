/*
 * agent.c - a process that does to its memory what the driver tells it, and says how it went.
 *
 * It is a program without a C library: nothing is in its address space that is not named in
 * agent.h. Accesses are single instructions; the handler of their signals notes signal
 * and code in the slot and goes on behind the instruction, whose end stands in r8.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#define PAGE 4096ul

/* The kernel's own form of struct sigaction. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

#define KERNEL_SA_RESTORER 0x04000000ul

#pragma GCC visibility push(hidden)
void		       agent_restore(void);
[[gnu::noreturn]] void agent_start(void);
[[gnu::noreturn]] void agent_run(struct agent_slot *slot);
#pragma GCC visibility pop

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	andq $-16, %rsp\n"
	"	call agent_start\n"
	".globl agent_restore\n"
	"agent_restore:\n"
	"	movl $15, %eax\n" /* rt_sigreturn */
	"	syscall\n");

static int64_t
call(int64_t number, const uint64_t *arg)
{
	register uint64_t r10 __asm__("r10") = arg[3];
	register uint64_t r8 __asm__("r8") = arg[4];
	register uint64_t r9 __asm__("r9") = arg[5];
	int64_t		  result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define CALL(number, ...) call(number, (const uint64_t[6]){ __VA_ARGS__ })

static struct agent_slot *
my_slot(void)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0);

	return (struct agent_slot *)(stack & ~(AGENT_SLOT_BYTES - 1));
}

static void
on_signal(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	my_slot()->signal = AGENT_SIGNAL(number, info->si_code);
	user->uc_mcontext.gregs[REG_RIP] = user->uc_mcontext.gregs[REG_R8];
}

static void
handle(int number)
{
	struct kernel_sigaction action = {
		.handler = on_signal,
		.flags = SA_SIGINFO | KERNEL_SA_RESTORER,
		.restorer = agent_restore,
	};

	CALL(SYS_rt_sigaction, (uint64_t)number, (uint64_t)&action, 0, 8);
}

static uint64_t
load(struct agent_slot *slot, uint64_t va, uint64_t bytes)
{
	uint64_t value = 0;

	slot->signal = 0;
	if (bytes == 1)
		__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovzbl (%1), %k0\n1:"
				 : "+r"(value)
				 : "r"(va)
				 : "r8", "memory");
	else
		__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovq (%1), %0\n1:"
				 : "+r"(value)
				 : "r"(va)
				 : "r8", "memory");
	return value;
}

static void
store(struct agent_slot *slot, uint64_t va, uint64_t bytes, uint64_t value)
{
	slot->signal = 0;
	if (bytes == 1)
		__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovb %b0, (%1)\n1:" ::"q"(value), "r"(va)
				 : "r8", "memory");
	else
		__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovq %0, (%1)\n1:" ::"r"(value), "r"(va)
				 : "r8", "memory");
}

#define RETURN 0xc3

/* The return goes to behind the jump, where the stack is put right also after a signal. */
static void
run_at(uint64_t va)
{
	__asm__ volatile("movq %%rsp, %%r9\n"
			 "	leaq 1f(%%rip), %%r8\n"
			 "	pushq %%r8\n"
			 "	jmp *%0\n"
			 "1:	movq %%r9, %%rsp" ::"r"(va)
			 : "r8", "r9", "memory");
}

static void
fetch(struct agent_slot *slot)
{
	store(slot, slot->arg[0], 1, RETURN);
	slot->result = (int64_t)load(slot, slot->arg[0], 1);
	if (!slot->signal && slot->result == RETURN)
		run_at(slot->arg[0]);
}

static void
visit(struct agent_slot *slot)
{
	for (uint32_t i = 0; i < slot->nr_pages; i++) {
		struct agent_page *seen = &slot->seen[i];

		load(slot, slot->pages[i], 8);
		seen->signal = slot->signal;
		seen->digest = slot->signal ? 0 : agent_digest((uint64_t *)slot->pages[i]);
	}
}

static void
mark(struct agent_slot *slot)
{
	for (uint32_t i = 0; i < slot->nr_pages; i++) {
		uint64_t page = slot->pages[i];

		store(slot, page + slot->arg[0], 8, slot->arg[1] + page);
		slot->seen[i].signal = slot->signal;
		slot->seen[i].digest = 0;
	}
}

/* The child begins on the empty stack of its own slot, with nothing but the slot's address. */
static int64_t
fork_into(struct agent_slot *child)
{
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r12 __asm__("r12") = (uint64_t)child;
	int64_t		  result;

	__asm__ volatile("syscall\n"
			 "	testq %%rax, %%rax\n"
			 "	jnz 1f\n"
			 "	xorl %%ebp, %%ebp\n"
			 "	movq %%r12, %%rdi\n"
			 "	call agent_run\n"
			 "1:"
			 : "=a"(result)
			 : "a"((int64_t)SYS_clone), "D"((int64_t)SIGCHLD),
			   "S"(child->stack + sizeof(child->stack)), "d"(0l), "r"(r10), "r"(r8),
			   "r"(r12)
			 : "rcx", "r11", "memory");
	return result;
}

static void
obey(struct agent_slot *slot)
{
	switch ((enum agent_command)slot->command) {
	case AGENT_CALL:
		slot->result = call(slot->number, slot->arg);
		break;
	case AGENT_LOAD:
		slot->result = (int64_t)load(slot, slot->arg[0], slot->arg[1]);
		break;
	case AGENT_STORE:
		store(slot, slot->arg[0], slot->arg[1], slot->arg[2]);
		break;
	case AGENT_FETCH:
		fetch(slot);
		break;
	case AGENT_VISIT:
		visit(slot);
		break;
	case AGENT_MARK:
		mark(slot);
		break;
	case AGENT_FORK:
		slot->result = fork_into((struct agent_slot *)AGENT_CONTROL + slot->arg[0]);
		break;
	}
}

void
agent_run(struct agent_slot *slot)
{
	const struct timespec patience = { .tv_sec = 2 };

	for (;;) {
		while (atomic_load(&slot->turn) == AGENT_WAITS) {
			int64_t result = CALL(SYS_futex, (uint64_t)&slot->turn, FUTEX_WAIT,
					      AGENT_WAITS, (uint64_t)&patience);

			if (result == -ETIMEDOUT && CALL(SYS_kill, slot->driver, 0) != 0)
				CALL(SYS_exit_group, 1);
		}
		obey(slot);
		atomic_store(&slot->turn, AGENT_WAITS);
		CALL(SYS_futex, (uint64_t)&slot->turn, FUTEX_WAKE, 1);
	}
}

/* agent_start - on the kernel's stack, which is left for good at the end. */
void
agent_start(void)
{
	const struct kernel_sigaction ignore = { .handler = (void (*)(int, siginfo_t *, void *))1 };
	struct agent_slot	     *slot = (struct agent_slot *)AGENT_CONTROL;

	CALL(SYS_mmap, AGENT_CONTROL, AGENT_SLOTS * AGENT_SLOT_BYTES, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, AGENT_FD_CONTROL, 0);
	CALL(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	/* Pages come one by one: a large one would make neighbours present. */
	CALL(SYS_prctl, PR_SET_THP_DISABLE, 1);
	CALL(SYS_rt_sigaction, SIGCHLD, (uint64_t)&ignore, 0, 8);
	handle(SIGSEGV);
	handle(SIGBUS);
	__asm__ volatile("movq %0, %%rsp\n"
			 "	call agent_run\n" ::"r"(slot->stack + sizeof(slot->stack)),
			 "D"(slot)
			 : "memory");
	__builtin_unreachable();
}
