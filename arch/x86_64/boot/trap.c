/*
 * trap.c - exceptions and interrupts in the kernel.
 *
 * In ring 0 three things are legitimate: an interrupt, a page fault inside the
 * copy routine of user memory (the machine layer has a fix-up for it), and a
 * fault that a test has announced. Anything else is a bug: it is printed, with registers
 * and a backtrace by frame pointers and symbol names, and the image exits with
 * a failure. A double fault runs on its own stack, so a kernel stack that has run
 * into its guard page is reported like any other bug.
 */
#include "boot.h"

#include <anymm/process.h>
#include <anymm/pt.h>

#include "base/format.h"

struct [[gnu::packed]] gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t	 ist;
	uint8_t	 type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};
static_assert(sizeof(struct gate) == 16, "SDM vol. 3A, figure 6-8");

#define GATE_INTERRUPT 0x8e
#define GATE_FROM_USER 0x60 /* ring 3 may use the vector with INT */

enum {
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
};

/*
 * Reporting one exception may cause another, say because a frame pointer leads nowhere, and
 * that one's report as well. More than so many in each other get no report. (LUN-31)
 */
#define TRAPS_MAX 3

extern char trap_stubs[];
void	    trap_kernel(struct arch_context *ctx);

static struct gate idt[256];

void (*timer_hook)(void);
bool (*fault_hook)(vaddr_t va);
void (*step_hook)(void);

static const char *const names[32] = {
	"divide error",
	"debug",
	"non-maskable interrupt",
	"breakpoint",
	"overflow",
	"bound range exceeded",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor segment overrun",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved 15",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualisation",
	"control protection",
	"reserved 22",
	"reserved 23",
	"reserved 24",
	"reserved 25",
	"reserved 26",
	"reserved 27",
	"hypervisor injection",
	"VMM communication",
	"security",
	"reserved 31",
};

static void
set_gate(unsigned vector, uint8_t ist, uint8_t type)
{
	uintptr_t at = (uintptr_t)trap_stubs + vector * 16;

	idt[vector] = (struct gate){
		.offset_low = (uint16_t)at,
		.selector = SELECTOR_KERNEL_CODE,
		.ist = ist,
		.type = type,
		.offset_middle = (uint16_t)(at >> 16),
		.offset_high = (uint32_t)(at >> 32),
	};
}

void
trap_init(void)
{
	for (unsigned vector = 0; vector < 256; vector++)
		set_gate(vector, 0, GATE_INTERRUPT);
	set_gate(VECTOR_BREAKPOINT, 0, GATE_INTERRUPT | GATE_FROM_USER);
	set_gate(VECTOR_DOUBLE_FAULT, 1, GATE_INTERRUPT);
	set_gate(VECTOR_NMI, 2, GATE_INTERRUPT);
	set_gate(VECTOR_MACHINE_CHECK, 3, GATE_INTERRUPT);
	trap_load();
}

void
trap_load(void)
{
	struct [[gnu::packed]] {
		uint16_t limit;
		uint64_t base;
	} pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

/* The symbol that holds the address, as "name+offset". */
static void
print_symbol(uint64_t address)
{
	uint64_t low = 0, high = nr_symbols;

	while (high - low > 1) {
		uint64_t middle = (low + high) / 2;

		if (symbols[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	if (nr_symbols == 0 || address < symbols[low].address)
		console_printf("  %016lx\n", (unsigned long)address);
	else
		console_printf("  %016lx %s+%lx\n", (unsigned long)address, symbols[low].name,
			       (unsigned long)(address - symbols[low].address));
}

/* A frame pointer is believed only if it is aligned, in the kernel half, and higher than the last. */
static void
print_backtrace(uint64_t rip, uint64_t rbp)
{
	print_symbol(rip);
	for (unsigned depth = 0; depth < 32; depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (rbp % 8 != 0 || rbp < WINDOW_START || frame[1] < (uintptr_t)text_start ||
		    frame[1] >= (uintptr_t)text_end)
			return;
		print_symbol(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

void
trap_print(const struct arch_context *c)
{
	uint64_t cr2;

	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	console_printf("CPU %u: %s (vector %lu), error %lx, in ring %lu\n", platform_cpu(),
		       c->vector < 32 ? names[c->vector] : "interrupt", (unsigned long)c->vector,
		       (unsigned long)c->error, (unsigned long)(c->cs & 3));
	console_printf("rip %016lx  rsp %016lx  flags %016lx  cr2 %016lx\n", (unsigned long)c->rip,
		       (unsigned long)c->rsp, (unsigned long)c->rflags, (unsigned long)cr2);
	console_printf("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", (unsigned long)c->rax,
		       (unsigned long)c->rbx, (unsigned long)c->rcx, (unsigned long)c->rdx);
	console_printf("rsi %016lx  rdi %016lx  rbp %016lx  cr3 %016lx\n", (unsigned long)c->rsi,
		       (unsigned long)c->rdi, (unsigned long)c->rbp, (unsigned long)x86_read_cr3());
	console_printf("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", (unsigned long)c->r8,
		       (unsigned long)c->r9, (unsigned long)c->r10, (unsigned long)c->r11);
	console_printf("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", (unsigned long)c->r12,
		       (unsigned long)c->r13, (unsigned long)c->r14, (unsigned long)c->r15);
	if ((c->cs & 3) == 0)
		print_backtrace(c->rip, c->rbp);
}

void
trap_interrupt(unsigned vector)
{
	struct boot_cpu *cpu = this_cpu();

	switch (vector) {
	case VECTOR_TIMER:
		atomic_fetch_add(&cpu->ticks, 1);
		apic_end_of_interrupt();
		if (timer_hook)
			timer_hook();
		break;
	case VECTOR_SHOOTDOWN:
		apic_end_of_interrupt();
		shootdown_interrupt();
		break;
	case VECTOR_CALL: /* it has woken the idle loop, which looks at cpu->call */
		apic_end_of_interrupt();
		break;
	default: /* spurious: no acknowledgement */
		break;
	}
}

/* A page fault in the machine layer's copy of user memory goes on at its fix-up. */
static bool
fixed_up(struct arch_context *ctx)
{
	uintptr_t to;
	uint64_t  cr2;

	if (ctx->vector != VECTOR_PAGE_FAULT)
		return false;
	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	to = x86_user_fixup(ctx->rip, cr2);
	if (!to)
		return fault_hook && fault_hook(cr2);
	ctx->rip = to;
	ctx->rdx = ctx->error;
	return true;
}

/* A thread's stack is full: what it pushed went to the page below. */
static void
say_guard(const struct arch_context *ctx)
{
	struct thread *t;
	uint64_t       cr2;

	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	if (ctx->vector != VECTOR_DOUBLE_FAULT || !kstack_is_guard(cr2))
		return;
	t = thread_of_stack(cr2 + ARCH_PAGE_SIZE);
	console_printf("the stack of thread %u has run into its guard page\n",
		       t ? thread_id(t) : 0);
}

/* Nothing here follows a pointer. */
[[gnu::noreturn]] static void
give_up(const struct arch_context *ctx)
{
	uint64_t cr2;

	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	console_printf("%u exceptions in each other; the last: vector %lu, error %lx, rip %016lx, "
		       "rsp %016lx, cr2 %016lx\n",
		       this_cpu()->nr_traps, (unsigned long)ctx->vector, (unsigned long)ctx->error,
		       (unsigned long)ctx->rip, (unsigned long)ctx->rsp, (unsigned long)cr2);
	boot_exit(EXIT_FAIL);
}

/* False: it was no bug, and the interrupted code goes on. */
static bool
is_bug(struct arch_context *ctx)
{
	if (fixed_up(ctx))
		return false;
	if (ctx->vector == VECTOR_DEBUG && step_hook) {
		step_hook();
		return false;
	}
	return true;
}

void
trap_kernel(struct arch_context *ctx)
{
	if (ctx->vector >= 32) {
		trap_interrupt((unsigned)ctx->vector);
		return;
	}
	if (this_cpu()->nr_traps++ == TRAPS_MAX)
		give_up(ctx);
	if (is_bug(ctx)) {
		console_hook = NULL;
		trap_print(ctx);
		say_guard(ctx);
		boot_exit(EXIT_FAIL);
	}
	this_cpu()->nr_traps--;
}
