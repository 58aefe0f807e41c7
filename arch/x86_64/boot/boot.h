/*
 * boot.h - what the files of the image share.
 *
 *   entry.S    loader's state to long mode       gdt.c     segments, TSS, stacks of traps
 *   bootinfo.c what the loader tells             trap.c    exceptions and interrupts
 *   paging.c   the kernel half                   apic.c    interrupts between CPUs, timer
 *   acpi.c     which CPUs there are              smp.c     starting them
 *   serial.c   console, exit                     user.c    running ring 3
 *
 * Everything is set up once by the boot CPU; what a CPU changes later lies in
 * its own struct boot_cpu.
 */
#pragma once

#include <anymm/arch.h>
#include <anymm/platform.h>

#include <x86/instr.h>
#include <x86/machine.h>

/* Virtual layout of the kernel half, one root slot for each use. */
#define DIRECT_MAP    UINT64_C(0xffff800000000000) /* all of physical memory, not executable */
#define STACKS_START  UINT64_C(0xffffff0000000000) /* stacks of CPUs, a guard page below each */
#define WINDOW_START  UINT64_C(0xfffffe0000000000) /* stacks of threads: the library's to map */
#define USER_WINDOW   UINT64_C(0xfffffe8000000000) /* ring 3 may read and execute: the probe code */
#define IMAGE_VIRTUAL UINT64_C(0xffffffff80000000)

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_TSS	     0x30

/* Interrupt vectors above the CPU's own 32. */
enum {
	VECTOR_TIMER = 0x20,
	VECTOR_SHOOTDOWN = 0x21,
	VECTOR_CALL = 0x22,
	VECTOR_SPURIOUS = 0xff,
	VECTOR_SYSCALL = 0x100, /* not a vector: how user.c tells a system call */
};

/* What entry and trap code find through GS; offsets are in offsets of trap.S. */
struct boot_cpu {
	struct boot_cpu *self;
	uint64_t	 id;
	uint64_t	 kernel_rsp;  /* where user_enter goes on after a trap from ring 3 */
	uint64_t	 context_end; /* of the context that ring 3 runs on, for SYSCALL */
	uint64_t	 user_rsp;    /* scratch of the system-call entry */
	uint64_t	 idle_stack;  /* top of the stack that the idle loop runs on */
	_Atomic uint64_t migrant;     /* stack pointer of a thread that comes here, 0: none */
	uint32_t	 apic_id;
	_Atomic uint32_t online;
	_Atomic uint64_t ticks;	   /* timer interrupts taken */
	uint32_t	 nr_traps; /* exceptions of the kernel's own that are being handled */

	/* A function that another CPU asked for (smp.c). */
	void (*_Atomic call)(void *);
	void *call_arg;
};
static_assert(offsetof(struct boot_cpu, kernel_rsp) == 16, "trap.S");
static_assert(offsetof(struct boot_cpu, context_end) == 24, "trap.S");
static_assert(offsetof(struct boot_cpu, user_rsp) == 32, "trap.S");
static_assert(offsetof(struct boot_cpu, idle_stack) == 40, "migrate.S");
static_assert(offsetof(struct boot_cpu, migrant) == 48, "migrate.S");

extern struct boot_cpu boot_cpus[CPU_MAX];

static inline struct boot_cpu *
this_cpu(void)
{
	struct boot_cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* serial.c */
void serial_init(void);

/* boot_exit - power off through isa-debug-exit: QEMU ends with 2 * code + 1. */
[[gnu::noreturn]] void boot_exit(uint32_t code);

/* boot_fail - say why on the console and exit with a failure. */
[[gnu::noreturn]] void boot_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * For an image that runs tests: called before the console prints, before the machine
 * stops or a boot fails, at each timer interrupt, and before a CPU is interrupted for a
 * shootdown. A writer that returns true has taken the text; stop_hook and fail_hook may
 * jump away; with true, skip_ipi leaves the interrupt out. A page fault of the kernel's own
 * that fault_hook has mended (true) is no bug, nor is a single step that step_hook waits for.
 */
extern bool (*console_hook)(const char *text, size_t bytes);
extern void (*stop_hook)(void);
extern void (*fail_hook)(const char *text);
extern void (*timer_hook)(void);
extern bool (*skip_ipi)(unsigned cpu);
extern bool (*fault_hook)(vaddr_t va);
extern void (*step_hook)(void);

enum {
	EXIT_PASS = 0x10, /* QEMU ends with 33 */
	EXIT_FAIL = 0x11, /* QEMU ends with 35 */
};

/* bootinfo.c: what the loader said. */
struct boot_module {
	const char *text;
	size_t	    bytes;
};

struct boot_info {
	struct boot_range  ranges[BOOT_RANGES_MAX];
	unsigned	   nr_ranges;
	paddr_t		   rsdp;	 /* of ACPI; raw 0: not told */
	const char	  *command_line; /* never NULL */
	struct boot_module module;	 /* the first one; bytes 0: none */
};
extern struct boot_info boot_info;

void bootinfo_read(uint32_t magic, paddr_t info);

/*
 * boot_cut_nodes - play a machine of so many nodes (0: one) with the CPUs 0 .. cpus - 1: each range of
 * RAM is cut in equal parts. out has room for BOOT_RANGES_MAX. gives how many ranges there are
 */
unsigned boot_cut_nodes(unsigned nodes, unsigned cpus, const struct boot_range *ranges, unsigned nr,
			struct boot_range *out);

/* bootinfo_reserve - the range is not for the library. */
void bootinfo_reserve(paddr_t start, uint64_t bytes);

/* bootinfo_take - a stretch of RAM for the image itself, in the direct map; NULL: there is none. */
void *bootinfo_take(uint64_t bytes);

/* bootinfo_option - the value of `name=` on the command line, or NULL; ends at a space. */
const char *bootinfo_option(const char *name);

/* bootinfo_option_is - whether it is there and has this value. */
bool bootinfo_option_is(const char *name, const char *value);

/* bootinfo_number - its decimal value, or the one to use if it is not there. */
uint64_t bootinfo_number(const char *name, uint64_t otherwise);

/* paging.c */
void paging_init(void);

/* paging_stack - a fresh kernel stack with a guard page below; gives its top. */
uintptr_t paging_stack(unsigned pages);

/* paging_map_device - make a page of device registers accessible, uncached, in the direct map. */
void paging_map_device(paddr_t page);

/* paging_map_firmware - make a page of firmware tables readable in the direct map, if it is not yet. */
void paging_map_firmware(paddr_t page);

/* paging_user_page - let ring 3 read and execute the image's page at this window page. */
void paging_user_page(unsigned window_page, const void *image_page);

/* phys_of - of an address in the image. */
static inline paddr_t
phys_of(const void *image_address)
{
	return (paddr_t){ (uintptr_t)image_address - IMAGE_VIRTUAL };
}

static inline void *
direct(paddr_t paddr)
{
	return (void *)(DIRECT_MAP + paddr.raw);
}

extern char image_start[], text_start[], text_end[], rodata_end[], image_end[];

/* gdt.c */
void gdt_load(struct boot_cpu *cpu);
void gdt_set_trap_stack(struct boot_cpu *cpu, uintptr_t rsp0);

/* trap.c */
void trap_init(void);
void trap_load(void);

/* trap_print - registers, CR2 and backtrace of a context. */
void trap_print(const struct arch_context *ctx);

/* acpi.c: APIC ids of usable CPUs, the boot CPU first. */
unsigned acpi_cpus(uint32_t *apic_ids, unsigned max);

/* apic.c */
void	 apic_init(void);
void	 apic_init_cpu(void);
void	 apic_end_of_interrupt(void);
void	 apic_send(uint32_t apic_id, unsigned vector);
void	 apic_send_init(uint32_t apic_id);
void	 apic_send_startup(uint32_t apic_id, unsigned page);
uint32_t apic_id(void);
void	 delay_us(unsigned us);

/* smp.c: the boot CPU is CPU 0 before it knows of any other. */
void smp_init_boot_cpu(void);
void smp_start(void);

/* boot_nr_cpus - CPUs that have come up. What the library is told (platform_cpus) is the image's choice. */
unsigned boot_nr_cpus(void);

/*
 * smp_call - run fn(arg) as kernel code of that CPU with interrupts on, and wait.
 * On the calling CPU it is a plain call.
 */
void smp_call(unsigned cpu, void (*fn)(void *), void *arg);

/* smp_call_begin, smp_call_end - the two halves, for an idle CPU that is not the caller. */
void smp_call_begin(unsigned cpu, void (*fn)(void *), void *arg);
void smp_call_end(unsigned cpu);

/*
 * smp_migrate - the calling thread of kernel code goes on on that CPU, and this one
 * becomes idle. Interrupts on before and after. The space active here stays active here.
 */
void smp_migrate(unsigned cpu);

/* smp_idle - what a CPU does when nobody wants anything of it. */
[[gnu::noreturn]] void smp_idle(void);

/* trap_interrupt - act on an interrupt of the kernel's own; interrupts are off. */
void trap_interrupt(unsigned vector);

/*
 * user_enter - run ring 3 on ctx until it traps; ctx then holds why (vector, error) and
 * where. Interrupts are handled inside and ring 3 goes on.
 *   needs  interrupts on; ctx aligned to 16 bytes; the space activated
 *   gives  CR2, for page faults
 */
vaddr_t user_enter(struct arch_context *ctx);

/* user_run - the same, but it also comes back after an interrupt, which has been handled. */
vaddr_t user_run(struct arch_context *ctx);

/* syscall_init - point SYSCALL of this CPU at the entry in trap.S. */
void syscall_init(void);

/* symbols: made from the image itself. */
struct symbol {
	uint64_t    address;
	const char *name;
};
extern const struct symbol symbols[];
extern const uint64_t	   nr_symbols;

/* kernel_main - the image's own work, on the boot CPU, with everything set up. */
[[gnu::noreturn]] void kernel_main(void);
