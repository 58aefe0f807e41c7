/*
 * main.c - the order in which the machine comes up.
 */
#include "boot.h"

#include <anymm/process.h>

#include "base/format.h"

void boot_main(uint32_t magic, uint32_t info);

#define STACK_PAGES 64

static void
second_half(void)
{
	smp_init_boot_cpu(); /* segments, traps, protections, system calls */
	apic_init();
	apic_init_cpu();
	smp_start();
	x86_sti();
	kernel_main();
}

/* On the loader's state made 64-bit by entry.S, interrupts off. */
void
boot_main(uint32_t magic, uint32_t info)
{
	const char *missing;
	uintptr_t   stack;

	serial_init();
	trap_init();
	missing = x86_missing_feature(); /* the kernel half is mapped with NX */
	if (missing)
		boot_fail("this CPU has no %s", missing);
	bootinfo_read(magic, (paddr_t){ info });
	paging_init();
	stack = paging_stack(STACK_PAGES);
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "call *%1\n\t"
			 "ud2"
			 :
			 : "r"(stack), "r"(second_half)
			 : "memory");
	__builtin_unreachable();
}
