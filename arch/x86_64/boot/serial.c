/*
 * serial.c - the console on the first serial port, and the way out.
 *
 * The port is a 16550 at 0x3f8, written by polling. Several CPUs may print; a
 * lock keeps their calls apart. It spins with interrupts as they are: nothing
 * under it waits for anybody.
 */
#include "boot.h"

#include "base/format.h"
#include "base/mem.h"

#include "io.h"

#define PORT		0x3f8
#define PORT_DATA	(PORT + 0)
#define PORT_IRQ	(PORT + 1)
#define PORT_FIFO	(PORT + 2)
#define PORT_LINE	(PORT + 3)
#define PORT_MODEM	(PORT + 4)
#define PORT_STATUS	(PORT + 5)
#define STATUS_CAN_SEND 0x20

#define PORT_DEBUG_EXIT 0xf4

bool (*console_hook)(const char *text, size_t bytes);
void (*stop_hook)(void);
void (*fail_hook)(const char *text);

static _Atomic bool busy;

void
serial_init(void)
{
	io_write8(PORT_IRQ, 0);
	io_write8(PORT_LINE, 0x80); /* the divisor: 115200 baud */
	io_write8(PORT_DATA, 1);
	io_write8(PORT_IRQ, 0);
	io_write8(PORT_LINE, 0x03); /* 8 bits, no parity, 1 stop bit */
	io_write8(PORT_FIFO, 0xc7);
	io_write8(PORT_MODEM, 0x03);
}

void
x86_console_write(const char *text, size_t bytes)
{
	bool irq;

	if (console_hook && console_hook(text, bytes))
		return;
	irq = arch_irq_save();
	while (atomic_exchange_explicit(&busy, true, memory_order_acquire))
		x86_pause();
	for (size_t i = 0; i < bytes; i++) {
		while (!(io_read8(PORT_STATUS) & STATUS_CAN_SEND))
			x86_pause();
		io_write8(PORT_DATA, (uint8_t)text[i]);
	}
	atomic_store_explicit(&busy, false, memory_order_release);
	arch_irq_restore(irq);
}

void
boot_exit(uint32_t code)
{
	io_write32(PORT_DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

void
boot_fail(const char *fmt, ...)
{
	char	text[256];
	va_list args;

	va_start(args, fmt);
	format_va(text, sizeof(text), fmt, args);
	va_end(args);
	if (fail_hook)
		fail_hook(text);
	console_hook = NULL;
	console_printf("anymm: %s\n", text);
	boot_exit(EXIT_FAIL);
}

void
x86_stop(void)
{
	if (stop_hook)
		stop_hook();
	boot_exit(EXIT_FAIL);
}
