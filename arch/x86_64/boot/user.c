/*
 * user.c - ring 3 as a call: in with a context, out at the next trap.
 *
 * A trap from ring 3 switches to rsp0, which is the end of the context being run,
 * so the CPU and the stub save straight into it and user_enter returns to whoever
 * called it, on the kernel stack it was called on: that of a thread (kthread.c), or a CPU's own.
 *
 * Entering ring 3 at an address that is not canonical faults in the kernel, on the user's
 * registers: SYSRET and IRETQ both. Such a context is never entered; it is as if the fault
 * had been taken in ring 3.
 *
 * The bases of FS and GS are part of the context, and loaded on the way in. The selectors are not:
 * what a program has loaded there is taken away before another one could see it.
 */
#include "boot.h"

#define MSR_STAR     0xc0000081
#define MSR_LSTAR    0xc0000082
#define MSR_SFMASK   0xc0000084
#define MSR_FS	     0xc0000100
#define MSR_USERS_GS 0xc0000102 /* changes places with the kernel's by SWAPGS */
#define EFER_SCE     1

#define VECTOR_GENERAL_PROTECTION 13

/* Flags that SYSCALL clears: trap, interrupts, direction, nested task, alignment check. */
#define ENTRY_CLEARS UINT64_C(0x44700)

void	    user_resume(struct arch_context *ctx, struct boot_cpu *cpu);
extern char syscall_entry[];

void
syscall_init(void)
{
	x86_wrmsr(X86_MSR_EFER, x86_rdmsr(X86_MSR_EFER) | EFER_SCE);
	/* SYSCALL loads 0x08 and 0x10; SYSRET 0x18 + 16 and 0x18 + 8, with ring 3. */
	x86_wrmsr(MSR_STAR, UINT64_C(0x08) << 32 | (UINT64_C(0x18) | 3) << 48);
	x86_wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	x86_wrmsr(MSR_SFMASK, ENTRY_CLEARS);
}

/* Bits 63 to 47 are all the same: SDM vol. 1, 3.3.7.1. */
static bool
is_canonical(uint64_t address)
{
	uint64_t upper = address >> 47;

	return upper == 0 || upper == (UINT64_C(1) << 17) - 1;
}

static bool
is_interrupt(const struct arch_context *ctx)
{
	return ctx->vector >= 32 && ctx->vector != VECTOR_SYSCALL;
}

/* Interrupts are off. GS is cleared while the kernel's base is put aside, which loading it would lose. */
static void
clear_selectors(void)
{
	uint32_t ds, es, fs, gs;

	__asm__ volatile("movl %%ds, %0\n\tmovl %%es, %1\n\tmovl %%fs, %2\n\tmovl %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	if (ds | es | fs)
		__asm__ volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%fs" : : "r"(0));
	if (gs)
		__asm__ volatile("swapgs\n\tmovl %0, %%gs\n\tswapgs" : : "r"(0));
}

vaddr_t
user_run(struct arch_context *ctx)
{
	struct boot_cpu *cpu;
	vaddr_t		 cr2;

	if (!is_canonical(ctx->rip)) {
		ctx->vector = VECTOR_GENERAL_PROTECTION;
		ctx->error = 0;
		return 0;
	}
	x86_cli();
	cpu = this_cpu();
	cpu->context_end = (uintptr_t)(ctx + 1);
	gdt_set_trap_stack(cpu, cpu->context_end);
	clear_selectors();
	x86_wrmsr(MSR_FS, ctx->fs_base);
	x86_wrmsr(MSR_USERS_GS, ctx->gs_base);
	user_resume(ctx, cpu);
	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	if (is_interrupt(ctx))
		trap_interrupt((unsigned)ctx->vector);
	x86_sti();
	return cr2;
}

vaddr_t
user_enter(struct arch_context *ctx)
{
	vaddr_t cr2;

	do {
		cr2 = user_run(ctx);
	} while (is_interrupt(ctx));
	return cr2;
}
