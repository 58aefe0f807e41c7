/*
 * embedder.c - the smallest kernel around the library, to be linked, not run.
 *
 * It defines exactly what platform.h and x86/machine.h ask for, and the four
 * memory functions. If the library or the machine layer comes to need anything
 * else, a C library's function above all, this program no longer links.
 */
#include <anymm/check.h>
#include <anymm/pt.h>
#include <anymm/usercopy.h>

#include <x86/machine.h>

void  embedder_start(void);
void *memcpy(void *restrict dst, const void *restrict src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int byte, size_t bytes);
int   memcmp(const void *a, const void *b, size_t bytes);

void *
memcpy(void *restrict dst, const void *restrict src, size_t bytes)
{
	void *end = dst;

	__asm__ volatile("rep movsb" : "+D"(end), "+S"(src), "+c"(bytes) : : "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t bytes)
{
	unsigned char	    *to = dst;
	const unsigned char *from = src;

	if (to <= from)
		return memcpy(dst, src, bytes);
	while (bytes--)
		((volatile unsigned char *)to)[bytes] = from[bytes];
	return dst;
}

void *
memset(void *dst, int byte, size_t bytes)
{
	void *end = dst;

	__asm__ volatile("rep stosb" : "+D"(end), "+c"(bytes) : "a"(byte) : "memory");
	return dst;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (size_t i = 0; i < bytes; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

unsigned
platform_cpu(void)
{
	return 0;
}

unsigned
platform_cpus(void)
{
	return 1;
}

unsigned
platform_node(void)
{
	return 0;
}

void
platform_shootdown(cpu_mask_t cpus)
{
	(void)cpus;
}

struct platform_window
platform_kernel_window(void)
{
	return (struct platform_window){ .table = pfn_none() };
}

/* The debug port that emulators and some boards print. */
void
x86_console_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		__asm__ volatile("outb %0, $0xe9" : : "a"(text[i]));
}

void
x86_stop(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/* The order of x86/machine.h, with a map that firmware would give. */
void
embedder_start(void)
{
	static const struct boot_range ranges[] = {
		{ .start = { 0x200 }, .nr_frames = 0x3e00, .kind = BOOT_RAM },
	};
	static const struct boot_map map = { .ranges = ranges, .nr_ranges = ARRAY_SIZE(ranges) };
	const char		    *missing;

	x86_machine.direct_map = 0xffff800000000000;
	x86_machine.kernel_root = (paddr_t){ 0x100000 };
	missing = x86_machine_init_cpu();
	if (missing)
		x86_stop();
	if (anymm_init(&map) != OK)
		x86_stop();
	x86_stop();
}
