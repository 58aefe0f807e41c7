/*
 * ring3.c - a user access as a short program: context, probe, trap, answer.
 *
 *   load, store   a probe of probe.S, with the address in RDI and the value in RSI or RAX;
 *                 8 bytes at a time where aligned, else 1, so none crosses a page
 *   fetch         ring 3 jumps to the address itself. What stands there could be any
 *                 instruction, so the byte is replaced by INT3 through the direct map for
 *                 the moment of the jump: if the CPU may fetch it, the trap is a breakpoint
 *
 * A page fault is reported like the simulator's; handling it and trying again is
 * ring3_access's business.
 */
#include "boot.h"
#include "ring3.h"
#include "walk.h"

#include "base/mem.h"

#define INT3 0xcc

/* Page-fault error code: SDM vol. 3A, 4.7. */
#define ERROR_PRESENT UINT64_C(0x01)
#define ERROR_WRITE   UINT64_C(0x02)
#define ERROR_USER    UINT64_C(0x04)
#define ERROR_FETCH   UINT64_C(0x10)

enum {
	VECTOR_BREAKPOINT = 3,
	VECTOR_GENERAL_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
};

/* One access needs a few faults at most; this many at one place is a livelock. */
#define FAULT_LIMIT 10000

extern const char probe_page[], probe_load1[], probe_load8[], probe_store1[], probe_store8[],
	probe_add8[];

void
ring3_init(void)
{
	paging_user_page(0, probe_page);
}

static vaddr_t
window(const char *probe)
{
	return USER_WINDOW + (vaddr_t)(probe - probe_page);
}

static enum access
access_of(uint64_t error)
{
	if (error & ERROR_FETCH)
		return ACCESS_FETCH;
	return error & ERROR_WRITE ? ACCESS_STORE : ACCESS_LOAD;
}

/*
 * Run ctx once. False: it faulted. An address that is not canonical faults before any
 * table is looked at, as a general protection; to the program that is the same.
 */
static bool
run_once(struct arch_context *ctx, enum access access, vaddr_t va, unsigned done_vector,
	 struct arch_fault *fault)
{
	vaddr_t cr2 = user_enter(ctx);

	if (ctx->vector == done_vector)
		return true;
	if (ctx->vector == VECTOR_GENERAL_PROTECTION && ctx->error == 0) {
		*fault = (struct arch_fault){ .va = va, .access = access, .user = true };
		return false;
	}
	if (ctx->vector != VECTOR_PAGE_FAULT) {
		trap_print(ctx);
		boot_fail("ring 3 ended with an exception that no access makes");
	}
	*fault = (struct arch_fault){
		.va = cr2,
		.access = access_of(ctx->error),
		.present = ctx->error & ERROR_PRESENT,
		.user = ctx->error & ERROR_USER,
	};
	return false;
}

static bool
run_probe(const char *probe, enum access access, vaddr_t va, uint64_t *value,
	  struct arch_fault *fault)
{
	alignas(16) struct arch_context ctx;
	bool				done;

	arch_context_init(&ctx, window(probe), 0);
	ctx.rdi = va;
	ctx.rsi = *value;
	done = run_once(&ctx, access, va, VECTOR_SYSCALL, fault);
	*value = access == ACCESS_LOAD ? ctx.rax : ctx.rsi;
	return done;
}

static bool
transfer(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	const char *load = bytes == 8 ? probe_load8 : probe_load1;
	const char *store = bytes == 8 ? probe_store8 : probe_store1;
	uint64_t    value = 0;

	memcpy(&value, buf, access == ACCESS_STORE ? bytes : 0);
	if (!run_probe(access == ACCESS_STORE ? store : load, access, va, &value, fault))
		return false;
	memcpy(buf, &value, access == ACCESS_STORE ? 0 : bytes);
	return true;
}

/* The byte at va in the direct map, if the active tables name a frame for it. */
static unsigned char *
byte_behind(vaddr_t va)
{
	struct hardware_view view = hardware_walk((paddr_t){ x86_read_cr3() }, va);

	return va < ARCH_USER_END && view.present ? direct(view.paddr) : NULL;
}

static bool
fetch(vaddr_t va, void *buf, struct arch_fault *fault)
{
	alignas(16) struct arch_context ctx;
	unsigned char		       *byte = byte_behind(va);
	unsigned char			saved = byte ? *byte : 0;
	bool				done;

	/* Loading RIP with what is not canonical would fault in the kernel, in IRETQ. */
	if (va >= ARCH_USER_END) {
		*fault = (struct arch_fault){ .va = va, .access = ACCESS_FETCH, .user = true };
		return false;
	}
	arch_context_init(&ctx, va, 0);
	if (byte)
		*byte = INT3;
	done = run_once(&ctx, ACCESS_FETCH, va, VECTOR_BREAKPOINT, fault);
	if (byte)
		*byte = saved;
	if (done)
		*(unsigned char *)buf = saved;
	return done;
}

size_t
ring3_try(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	size_t done = 0;

	while (done < bytes) {
		vaddr_t at = va + done;
		bool	wide = at % 8 == 0 && bytes - done >= 8 && access != ACCESS_FETCH;
		size_t	part = wide ? 8 : 1;
		char   *to = (char *)buf + done;

		if (access == ACCESS_FETCH ? !fetch(at, to, fault)
					   : !transfer(access, at, to, part, fault))
			break;
		done += part;
	}
	return done;
}

enum fault_result
ring3_access_at(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes,
		vaddr_t *failed)
{
	unsigned faults = 0;

	pt_activate(&sp->pt);
	while (faults++ < FAULT_LIMIT) {
		struct arch_fault fault;
		enum fault_result result;
		size_t		  part = ring3_try(access, va, buf, bytes, &fault);

		va += part;
		buf = (char *)buf + part;
		bytes -= part;
		if (bytes == 0)
			return FAULT_DONE;
		faults = part ? 0 : faults;
		*failed = fault.va;
		result = fault_handle(sp, fault.va, fault.access);
		if (result != FAULT_DONE)
			return result;
	}
	boot_fail("an access faults for ever");
}

enum fault_result
ring3_access(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	vaddr_t failed;

	return ring3_access_at(sp, access, va, buf, bytes, &failed);
}

enum fault_result
ring3_add(struct space *sp, vaddr_t va, uint64_t times)
{
	pt_activate(&sp->pt);
	while (times) {
		struct arch_fault fault;
		enum fault_result result;

		if (run_probe(probe_add8, ACCESS_STORE, va, &times, &fault))
			return FAULT_DONE;
		result = fault_handle(sp, fault.va, fault.access);
		if (result != FAULT_DONE)
			return result;
	}
	return FAULT_DONE;
}
