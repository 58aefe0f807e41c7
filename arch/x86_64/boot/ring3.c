/*
 * ring3.c - a user access as a short program: context, probe, trap, answer.
 *
 *   load, store   a probe of probe.S, with the address in RDI and the value in RSI or RAX;
 *                 8 bytes at a time where aligned, else 1, so none crosses a page
 *   fetch         ring 3 jumps to the address itself. What stands there could be any
 *                 instruction, so the byte is replaced by INT3 through the direct map for
 *                 the moment of the jump: if the CPU may fetch it, the trap is a breakpoint
 *
 * A page fault enters the library like any program's; then ring 3 runs again
 * from the same instruction.
 */
#include "boot.h"
#include "ring3.h"

#include "base/mem.h"
#include "pt/cursor.h"

#define INT3	0xcc
#define FLAG_RF UINT64_C(0x10000)

/* Page-fault error code: SDM vol. 3A, 4.7. */
#define ERROR_WRITE UINT64_C(0x02)
#define ERROR_FETCH UINT64_C(0x10)

enum {
	VECTOR_BREAKPOINT = 3,
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

/* A page fault that is not about user memory is a bug of ours, not of a scenario. */
static enum fault_result
handle_fault(struct space *sp, const struct arch_context *ctx, vaddr_t cr2)
{
	if (ctx->vector != VECTOR_PAGE_FAULT) {
		trap_print(ctx);
		boot_fail("ring 3 ended with an exception that no access makes");
	}
	return fault_handle(sp, cr2, access_of(ctx->error));
}

/* Run ctx until it makes a system call. */
static enum fault_result
run(struct space *sp, struct arch_context *ctx)
{
	pt_activate(&sp->pt);
	for (unsigned faults = 0; faults < FAULT_LIMIT; faults++) {
		enum fault_result result;
		vaddr_t		  cr2 = user_enter(ctx);

		if (ctx->vector == VECTOR_SYSCALL)
			return FAULT_DONE;
		result = handle_fault(sp, ctx, cr2);
		if (result != FAULT_DONE)
			return result;
	}
	boot_fail("an access faults for ever");
}

static enum fault_result
run_probe(struct space *sp, const char *probe, vaddr_t va, uint64_t *value)
{
	alignas(16) struct arch_context ctx;
	enum fault_result		result;

	arch_context_init(&ctx, window(probe), 0);
	ctx.rdi = va;
	ctx.rsi = *value;
	result = run(sp, &ctx);
	*value = ctx.rax;
	return result;
}

static enum fault_result
transfer(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	bool		  store = access == ACCESS_STORE;
	uint64_t	  value = 0;
	enum fault_result result;

	memcpy(&value, buf, store ? bytes : 0);
	if (store)
		result = run_probe(sp, bytes == 8 ? probe_store8 : probe_store1, va, &value);
	else
		result = run_probe(sp, bytes == 8 ? probe_load8 : probe_load1, va, &value);
	if (result == FAULT_DONE && !store)
		memcpy(buf, &value, bytes);
	return result;
}

/* The byte at va in the direct map, if the tables name a frame for it at all. */
static unsigned char *
byte_behind(struct space *sp, vaddr_t va)
{
	struct pt_view view = pt_look(&sp->pt, va);

	if (arch_pte_kind(view.pte, view.level) != PTE_LEAF)
		return NULL;
	return (unsigned char *)arch_frame_ptr(arch_pte_decode_leaf(view.pte, view.level).pfn) +
	       (va & ARCH_PAGE_MASK);
}

/* One jump to va: true if the instruction there was fetched. */
static bool
jump(struct space *sp, vaddr_t va, struct arch_context *ctx, vaddr_t *cr2)
{
	unsigned char *byte = byte_behind(sp, va);
	unsigned char  saved = byte ? *byte : 0;

	arch_context_init(ctx, va, 0);
	if (byte)
		*byte = INT3;
	*cr2 = user_enter(ctx);
	if (byte)
		*byte = saved;
	return ctx->vector == VECTOR_BREAKPOINT;
}

static enum fault_result
fetch(struct space *sp, vaddr_t va)
{
	alignas(16) struct arch_context ctx;
	enum fault_result		result;
	vaddr_t				cr2;

	pt_activate(&sp->pt);
	for (unsigned faults = 0; faults < FAULT_LIMIT; faults++) {
		if (jump(sp, va, &ctx, &cr2))
			return FAULT_DONE;
		result = handle_fault(sp, &ctx, cr2);
		if (result != FAULT_DONE)
			return result;
	}
	boot_fail("a fetch faults for ever");
}

/* What was fetched is what a load of the same byte would give; the page stays as it is. */
static enum fault_result
fetch_byte(struct space *sp, vaddr_t va, void *buf)
{
	enum fault_result result = fetch(sp, va);
	unsigned char	 *byte = byte_behind(sp, va);

	if (result == FAULT_DONE && byte)
		*(unsigned char *)buf = *byte;
	return result;
}

enum fault_result
ring3_access(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	char *at = buf;

	while (bytes) {
		size_t part = va % 8 == 0 && bytes >= 8 && access != ACCESS_FETCH ? 8 : 1;
		enum fault_result result = access == ACCESS_FETCH
						   ? fetch_byte(sp, va, at)
						   : transfer(sp, access, va, at, part);

		if (result != FAULT_DONE)
			return result;
		at += part;
		va += part;
		bytes -= part;
	}
	return FAULT_DONE;
}

enum fault_result
ring3_add(struct space *sp, vaddr_t va, uint64_t times)
{
	return run_probe(sp, probe_add8, va, &times);
}
