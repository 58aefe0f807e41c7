/*
 * gdt.c - segments and task state of each CPU.
 *
 * Segmentation is flat; what is left of it are the selectors that system calls
 * and traps load, in the order that SYSCALL and SYSRET demand, and the stacks a
 * trap switches to:
 *
 *   rsp0   from ring 3: the end of the context being run (user.c), so that the
 *          trap saves straight into it
 *   IST 1  double fault: a stack of its own, because the usual one has overflowed
 *   IST 2  non-maskable interrupt, IST 3 machine check: they come at any moment
 */
#include "boot.h"

struct [[gnu::packed]] tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map; /* beyond the limit: no ports for ring 3 */
};

struct segments {
	uint64_t   descriptor[8]; /* the last two are one: the TSS */
	struct tss tss;
};

static struct segments segments[CPU_MAX];

struct [[gnu::packed]] table_pointer {
	uint16_t limit;
	uint64_t base;
};

static void
describe_tss(struct segments *s)
{
	uint64_t base = (uintptr_t)&s->tss;
	uint64_t limit = sizeof(s->tss) - 1;

	s->descriptor[6] =
		limit | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (base >> 24 & 0xff) << 56;
	s->descriptor[7] = base >> 32;
}

void
gdt_load(struct boot_cpu *cpu)
{
	struct segments	    *s = &segments[cpu->id];
	struct table_pointer pointer = { sizeof(s->descriptor) - 1, (uintptr_t)s->descriptor };

	s->descriptor[1] = UINT64_C(0x00af9b000000ffff); /* kernel code, 64 bits */
	s->descriptor[2] = UINT64_C(0x00cf93000000ffff); /* kernel data */
	s->descriptor[3] =
		UINT64_C(0x00cffb000000ffff); /* user code, 32 bits: unused, SYSRET wants it */
	s->descriptor[4] = UINT64_C(0x00cff3000000ffff); /* user data */
	s->descriptor[5] = UINT64_C(0x00affb000000ffff); /* user code, 64 bits */
	describe_tss(s);
	s->tss.io_map = sizeof(s->tss);
	for (unsigned i = 0; i < 3; i++)
		s->tss.ist[i] = paging_stack(2);
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 "movl %3, %%eax\n\t"
			 "ltr %%ax"
			 :
			 : "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA),
			   "i"(SELECTOR_TSS)
			 : "rax", "memory");
}

void
gdt_set_trap_stack(struct boot_cpu *cpu, uintptr_t rsp0)
{
	segments[cpu->id].tss.rsp[0] = rsp0;
}
