/*
 * apic.c - the local interrupt controller: interrupts between CPUs, the timer.
 *
 * Registers are memory at a page that all CPUs share and each sees as its own
 * (SDM vol. 3A, chapter 11). Time comes from the PIT's second counter, which needs
 * no calibration; it gates delays while other CPUs are started, and tells how fast the APIC's
 * own timer runs.
 */
#include "boot.h"

#include "io.h"

#define APIC_BASE_MSR 0x1b
#define APIC_ENABLED  (UINT64_C(1) << 11)
#define APIC_PAGE     UINT64_C(0xfee00000)

enum {
	REG_ID = 0x20,
	REG_END_OF_INTERRUPT = 0xb0,
	REG_SPURIOUS = 0xf0,
	REG_COMMAND_LOW = 0x300,
	REG_COMMAND_HIGH = 0x310,
	REG_TIMER = 0x320,
	REG_LINT0 = 0x350,
	REG_TIMER_START = 0x380,
	REG_TIMER_NOW = 0x390,
	REG_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE	 0x100
#define COMMAND_INIT	 0x4500
#define COMMAND_STARTUP	 0x4600
#define COMMAND_FIXED	 0x4000
#define COMMAND_PENDING	 0x1000
#define TIMER_PERIODIC	 0x20000
#define TIMER_MASKED	 0x10000
#define TIMER_DIVIDE_16	 3
#define TICKS_PER_SECOND 100

#define PIT_HZ	      1193182u
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61

static uint32_t timer_count; /* of one tick; set on the boot CPU */

static volatile uint32_t *
reg(unsigned offset)
{
	return (volatile uint32_t *)(DIRECT_MAP + APIC_PAGE + offset);
}

/* One run of the PIT: at most 54 ms. */
static void
pit_wait(unsigned counts)
{
	io_write8(PIT_GATE, (io_read8(PIT_GATE) & 0xfc) | 1);
	io_write8(PIT_COMMAND, 0xb0); /* channel 2, both bytes, one shot */
	io_write8(PIT_CHANNEL_2, (uint8_t)counts);
	io_write8(PIT_CHANNEL_2, (uint8_t)(counts >> 8));
	while (!(io_read8(PIT_GATE) & 0x20))
		x86_pause();
}

void
delay_us(unsigned us)
{
	for (; us > 50000; us -= 50000)
		pit_wait(PIT_HZ / 20);
	pit_wait((unsigned)((uint64_t)us * PIT_HZ / 1000000) + 1);
}

uint32_t
apic_id(void)
{
	return *reg(REG_ID) >> 24;
}

void
apic_end_of_interrupt(void)
{
	*reg(REG_END_OF_INTERRUPT) = 0;
}

static void
command(uint32_t id, uint32_t low)
{
	bool irq = arch_irq_save();

	*reg(REG_COMMAND_HIGH) = id << 24;
	*reg(REG_COMMAND_LOW) = low;
	while (*reg(REG_COMMAND_LOW) & COMMAND_PENDING)
		x86_pause();
	arch_irq_restore(irq);
}

void
apic_send(uint32_t id, unsigned vector)
{
	command(id, COMMAND_FIXED | vector);
}

void
apic_send_init(uint32_t id)
{
	command(id, COMMAND_INIT);
}

void
apic_send_startup(uint32_t id, unsigned page)
{
	command(id, COMMAND_STARTUP | page);
}

static void
silence_pic(void)
{
	/* Both interrupt controllers of the PC/AT: every line masked, for ever. */
	io_write8(0x21, 0xff);
	io_write8(0xa1, 0xff);
}

void
apic_init(void)
{
	silence_pic();
	x86_wrmsr(APIC_BASE_MSR, APIC_PAGE | APIC_ENABLED | (x86_rdmsr(APIC_BASE_MSR) & 0x100));
	paging_map_device((paddr_t){ APIC_PAGE });
	*reg(REG_TIMER_DIVIDE) = TIMER_DIVIDE_16;
	*reg(REG_TIMER) = TIMER_MASKED;
	*reg(REG_TIMER_START) = UINT32_MAX;
	delay_us(10000);
	timer_count = (UINT32_MAX - *reg(REG_TIMER_NOW)) * (100 / TICKS_PER_SECOND);
	*reg(REG_TIMER_START) = 0;
}

void
apic_init_cpu(void)
{
	*reg(REG_SPURIOUS) = SPURIOUS_ENABLE | VECTOR_SPURIOUS;
	*reg(REG_LINT0) = TIMER_MASKED;
	*reg(REG_TIMER_DIVIDE) = TIMER_DIVIDE_16;
	*reg(REG_TIMER) = TIMER_PERIODIC | VECTOR_TIMER;
	*reg(REG_TIMER_START) = timer_count;
}
