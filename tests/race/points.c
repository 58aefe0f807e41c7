/*
 * points.c - every access of the library to memory as a point of the scheduler.
 *
 * The library is compiled once more as for ThreadSanitizer: the compiler then
 * calls a function before every plain access and in place of every atomic one.
 * The sanitizer's own runtime is not linked; these functions take its place.
 * So fibers change, and interrupts come, between any two accesses, not only
 * where the library says arch_point().
 *
 * They find data races too, exactly: a CPU that is about to make a plain access
 * says so before it gives up its turn. If another CPU now makes an access that
 * overlaps it, one of the two writes and not both are atomic, then nothing
 * orders the two. Only RAM is looked at, because all shared state is there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <anymm/arch.h>

#include <sim/sim.h>

/* An interrupt may come while an access is announced, and announce its own. */
#define DEPTH 4

struct access_note {
	uintptr_t at;
	size_t	  bytes;
	bool	  is_write;
	bool	  is_atomic;
	void	 *code;
};

static struct {
	struct access_note notes[DEPTH];
	unsigned	   nr;
} announced[CPU_MAX];

static bool any_announced;

static bool
conflicts(const struct access_note *a, const struct access_note *b)
{
	return a->at < b->at + b->bytes && b->at < a->at + a->bytes &&
	       (a->is_write || b->is_write) && !(a->is_atomic && b->is_atomic);
}

static void
report(const struct access_note *mine, unsigned other, const struct access_note *theirs)
{
	char text[256];
	int  n = snprintf(text, sizeof(text),
			  "data race: CPU %u %s %zu bytes at frame %" PRIu64 " + 0x%" PRIx64
			  " (code %p) while CPU %u %s %zu bytes there (code %p)\n",
			  platform_cpu(), mine->is_write ? "writes" : "reads", mine->bytes,
			  (mine->at - (uintptr_t)sim_ram.base) / ARCH_PAGE_SIZE,
			  (mine->at - (uintptr_t)sim_ram.base) % ARCH_PAGE_SIZE, mine->code, other,
			  theirs->is_write ? "writes" : "reads", theirs->bytes, theirs->code);

	arch_console_write(text, (size_t)n);
	arch_stop();
}

static void
check(const struct access_note *mine)
{
	for (unsigned cpu = 0; cpu < platform_cpus(); cpu++)
		for (unsigned i = 0; cpu != platform_cpu() && i < announced[cpu].nr; i++)
			if (conflicts(mine, &announced[cpu].notes[i]))
				report(mine, cpu, &announced[cpu].notes[i]);
}

static bool
is_shared(const void *at)
{
	uintptr_t offset = (uintptr_t)at - (uintptr_t)sim_ram.base;

	return offset < sim_ram.nr_chunks << SIM_CHUNK_SHIFT << ARCH_PAGE_SHIFT ||
	       (uintptr_t)at - (uintptr_t)sim_ram.root_state < ARCH_ROOT_STATE_BYTES;
}

/* A run that stopped in its middle leaves notes behind; the next access is outside of any run. */
static void
forget(void)
{
	if (any_announced)
		memset(announced, 0, sizeof(announced));
	any_announced = false;
}

static void
before_access(const void *at, size_t bytes, bool is_write, bool is_atomic, void *code)
{
	struct access_note note = { (uintptr_t)at, bytes, is_write, is_atomic, code };
	unsigned	   cpu;

	if (!sim_points_on)
		forget();
	if (!sim_points_on || !is_shared(at))
		return;
	any_announced = true;
	cpu = platform_cpu();
	if (announced[cpu].nr < DEPTH)
		announced[cpu].notes[announced[cpu].nr++] = note;
	sim_point();
	if (announced[cpu].nr)
		announced[cpu].nr--;
	check(&note);
}

/* Plain accesses, by size; a few compilers name odd ones apart. */

void __tsan_init(void);
void __tsan_func_entry(void *code);
void __tsan_func_exit(void);

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *code)
{
	(void)code;
}

void
__tsan_func_exit(void)
{
}

#define PLAIN(name, bytes, is_write) \
	void __tsan_##name(void *at); \
	void __tsan_##name(void *at) \
	{ \
		before_access(at, bytes, is_write, false, __builtin_return_address(0)); \
	}

#define PLAIN_SIZE(bytes) \
	PLAIN(read##bytes, bytes, false) \
	PLAIN(write##bytes, bytes, true) \
	PLAIN(read_write##bytes, bytes, true) \
	PLAIN(unaligned_read##bytes, bytes, false) \
	PLAIN(unaligned_write##bytes, bytes, true) \
	PLAIN(unaligned_read_write##bytes, bytes, true)

PLAIN_SIZE(1)
PLAIN_SIZE(2)
PLAIN_SIZE(4)
PLAIN_SIZE(8)
PLAIN_SIZE(16)

void __tsan_read_range(void *at, size_t bytes);
void __tsan_write_range(void *at, size_t bytes);

void
__tsan_read_range(void *at, size_t bytes)
{
	before_access(at, bytes, false, false, __builtin_return_address(0));
}

void
__tsan_write_range(void *at, size_t bytes)
{
	before_access(at, bytes, true, false, __builtin_return_address(0));
}

void *__tsan_memcpy(void *dst, const void *src, size_t bytes);
void *__tsan_memmove(void *dst, const void *src, size_t bytes);
void *__tsan_memset(void *dst, int byte, size_t bytes);

void *
__tsan_memcpy(void *dst, const void *src, size_t bytes)
{
	before_access(src, bytes, false, false, __builtin_return_address(0));
	before_access(dst, bytes, true, false, __builtin_return_address(0));
	return memcpy(dst, src, bytes);
}

void *
__tsan_memmove(void *dst, const void *src, size_t bytes)
{
	before_access(src, bytes, false, false, __builtin_return_address(0));
	before_access(dst, bytes, true, false, __builtin_return_address(0));
	return memmove(dst, src, bytes);
}

void *
__tsan_memset(void *dst, int byte, size_t bytes)
{
	before_access(dst, bytes, true, false, __builtin_return_address(0));
	return memset(dst, byte, bytes);
}

/* Atomic accesses: the call is in place of the access, always in the strongest order. */

#define ATOMIC_BEFORE(at, is_write) \
	before_access((const void *)(uintptr_t)(at), sizeof(*(at)), is_write, true, \
		      __builtin_return_address(0))

#define ATOMIC_UPDATE(bits, type, name, builtin) \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order); \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order) \
	{ \
		(void)order; \
		ATOMIC_BEFORE(at, true); \
		return builtin(at, value, __ATOMIC_SEQ_CST); \
	}

#define ATOMIC_CAS(bits, type, name) \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, \
							  type next, int order, int failed); \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, \
							  type next, int order, int failed) \
	{ \
		(void)order; \
		(void)failed; \
		ATOMIC_BEFORE(at, true); \
		return __atomic_compare_exchange_n(at, expected, next, false, __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST); \
	}

#define ATOMIC_CAS_VAL(bits, type) \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, \
							type next, int order, int failed); \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, \
							type next, int order, int failed) \
	{ \
		(void)order; \
		(void)failed; \
		ATOMIC_BEFORE(at, true); \
		__atomic_compare_exchange_n(at, &expected, next, false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		return expected; \
	}

#define ATOMIC_SIZE(bits, type) \
	type __tsan_atomic##bits##_load(const volatile type *at, int order); \
	type __tsan_atomic##bits##_load(const volatile type *at, int order) \
	{ \
		(void)order; \
		ATOMIC_BEFORE(at, false); \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST); \
	} \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order); \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order) \
	{ \
		(void)order; \
		ATOMIC_BEFORE(at, true); \
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST); \
	} \
	ATOMIC_UPDATE(bits, type, exchange, __atomic_exchange_n) \
	ATOMIC_UPDATE(bits, type, fetch_add, __atomic_fetch_add) \
	ATOMIC_UPDATE(bits, type, fetch_sub, __atomic_fetch_sub) \
	ATOMIC_UPDATE(bits, type, fetch_and, __atomic_fetch_and) \
	ATOMIC_UPDATE(bits, type, fetch_or, __atomic_fetch_or) \
	ATOMIC_UPDATE(bits, type, fetch_xor, __atomic_fetch_xor) \
	ATOMIC_CAS(bits, type, strong) \
	ATOMIC_CAS(bits, type, weak) \
	ATOMIC_CAS_VAL(bits, type)

ATOMIC_SIZE(8, uint8_t)
ATOMIC_SIZE(16, uint16_t)
ATOMIC_SIZE(32, uint32_t)
ATOMIC_SIZE(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void
__tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
__tsan_atomic_signal_fence(int order)
{
	(void)order;
}
