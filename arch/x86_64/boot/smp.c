/*
 * smp.c - every CPU, from its startup interrupt to the idle loop; work for others.
 *
 * CPUs are started one after the other, because they share one page of startup
 * code and its words. A CPU that does not come up within a second is reported and the boot
 * fails: a machine with fewer CPUs than it says is not the machine under test.
 */
#include "boot.h"

#include "base/mem.h"

#define AP_PAGE	      UINT64_C(0x8000)
#define MSR_GS	      0xc0000101
#define MSR_KERNEL_GS 0xc0000102
#define STACK_PAGES   8

extern char ap_start[], ap_end[], ap_boot_root[], ap_root[], ap_stack[], ap_cpu[];
extern char boot_pml4[];
void	    smp_enter(struct boot_cpu *cpu);
void	    smp_wake(struct boot_cpu *cpu);
void	    migrate_away(struct boot_cpu *to, struct boot_cpu *from);
void	    migrate_arrive(uint64_t rsp);

struct boot_cpu boot_cpus[CPU_MAX];
static unsigned nr_cpus = 1;

bool (*skip_ipi)(unsigned cpu);

unsigned
platform_cpu(void)
{
	uint64_t id;

	__asm__ volatile("movq %%gs:8, %0" : "=r"(id));
	return (unsigned)id;
}

unsigned
boot_nr_cpus(void)
{
	return nr_cpus;
}

void
platform_shootdown(cpu_mask_t cpus)
{
	for (; cpus; cpus &= cpus - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(cpus);

		if (!skip_ipi || !skip_ipi(cpu))
			apic_send(boot_cpus[cpu].apic_id, VECTOR_SHOOTDOWN);
	}
}

/* What every CPU does for itself. */
static void
init_this_cpu(struct boot_cpu *cpu)
{
	const char *missing;

	gdt_load(cpu);
	x86_wrmsr(MSR_GS, (uintptr_t)cpu);
	x86_wrmsr(MSR_KERNEL_GS, 0);
	trap_load();
	missing = x86_machine_init_cpu();
	if (missing)
		boot_fail("this CPU has no %s", missing);
	syscall_init();
}

void
smp_enter(struct boot_cpu *cpu)
{
	init_this_cpu(cpu);
	apic_init_cpu();
	atomic_store(&cpu->online, 1);
	smp_idle();
}

static void
set_word(const char *word, uint64_t value)
{
	memcpy((char *)direct((paddr_t){ AP_PAGE }) + (word - ap_start), &value, sizeof(value));
}

static void
start_cpu(struct boot_cpu *cpu)
{
	cpu->idle_stack = paging_stack(STACK_PAGES);
	set_word(ap_stack, cpu->idle_stack);
	set_word(ap_cpu, (uintptr_t)cpu);
	apic_send_init(cpu->apic_id);
	delay_us(10000);
	for (unsigned tries = 0; tries < 2 && !atomic_load(&cpu->online); tries++) {
		apic_send_startup(cpu->apic_id, AP_PAGE >> ARCH_PAGE_SHIFT);
		for (unsigned ms = 0; ms < 1000 && !atomic_load(&cpu->online); ms++)
			delay_us(ms < 10 ? 200 : 1000);
	}
	if (!atomic_load(&cpu->online))
		boot_fail("CPU %lu (APIC id %u) does not start", (unsigned long)cpu->id,
			  cpu->apic_id);
}

void
smp_start(void)
{
	uint32_t ids[CPU_MAX];
	unsigned nr = acpi_cpus(ids, CPU_MAX);

	memcpy(direct((paddr_t){ AP_PAGE }), ap_start, (size_t)(ap_end - ap_start));
	set_word(ap_boot_root, phys_of(boot_pml4).raw);
	set_word(ap_root, x86_machine.kernel_root.raw);
	boot_cpus[0].apic_id = ids[0];
	for (unsigned i = 1; i < nr; i++) {
		struct boot_cpu *cpu = &boot_cpus[i];

		*cpu = (struct boot_cpu){ .self = cpu, .id = i, .apic_id = ids[i] };
		start_cpu(cpu);
	}
	nr_cpus = nr;
}

void
smp_init_boot_cpu(void)
{
	boot_cpus[0] = (struct boot_cpu){ .self = &boot_cpus[0],
					  .online = 1,
					  .idle_stack = paging_stack(STACK_PAGES) };
	init_this_cpu(&boot_cpus[0]);
}

void
smp_call_begin(unsigned id, void (*fn)(void *), void *arg)
{
	struct boot_cpu *cpu = &boot_cpus[id];

	cpu->call_arg = arg;
	atomic_store(&cpu->call, fn);
	apic_send(cpu->apic_id, VECTOR_CALL);
}

void
smp_call_end(unsigned id)
{
	while (atomic_load(&boot_cpus[id].call))
		x86_pause();
}

void
smp_call(unsigned id, void (*fn)(void *), void *arg)
{
	if (id == platform_cpu()) {
		fn(arg);
		return;
	}
	smp_call_begin(id, fn, arg);
	smp_call_end(id);
}

void
smp_wake(struct boot_cpu *cpu)
{
	apic_send(cpu->apic_id, VECTOR_CALL);
}

void
smp_migrate(unsigned id)
{
	if (id == platform_cpu())
		return;
	x86_cli();
	migrate_away(&boot_cpus[id], this_cpu());
	x86_sti(); /* on the other CPU */
}

void
smp_idle(void)
{
	for (;;) {
		struct boot_cpu *cpu = this_cpu();
		void (*fn)(void *);
		uint64_t migrant;

		x86_cli();
		migrant = atomic_exchange(&cpu->migrant, 0);
		if (migrant)
			migrate_arrive(migrant);
		fn = atomic_load(&cpu->call);
		if (!fn) {
			/* STI takes effect after the next instruction: no interrupt is lost in between. */
			__asm__ volatile("sti\n\thlt" : : : "memory");
			continue;
		}
		x86_sti();
		fn(cpu->call_arg);
		atomic_store(&cpu->call, NULL);
	}
}
