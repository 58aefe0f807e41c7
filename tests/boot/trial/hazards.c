/*
 * hazards.c - moments in which a kernel on x86-64 loses control if it is careless. What the kernel
 * itself may not do ends the machine, with a report. (LUN-30, CAM-07)
 */
#include "trial.h"

#include <anymm/fault.h>
#include <anymm/usercopy.h>

#include "../../../arch/x86_64/boot/ring3.h"
#include "base/format.h"

enum {
	VECTOR_GENERAL_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
};

/* ---- a kernel stack that is too small ---- */

static volatile bool has_no_end = true;

/* The frame is needed after the call, so no loop can be made of it. */
[[gnu::noinline]] static uint64_t
sink_deeper(uint64_t depth)
{
	volatile uint64_t words[64];

	words[depth % 64] = depth;
	return has_no_end ? sink_deeper(depth + 1) + words[depth % 64] : depth;
}

static void
overflow_here(void *arg)
{
	(void)arg;
	console_printf("%lu\n", (unsigned long)sink_deeper(0));
}

/* The end is the report of the double fault; whoever started the image looks for it. */
void
trial_overflow(void)
{
	unsigned cpu = (unsigned)bootinfo_number("cpu", 0);

	if (cpu >= boot_nr_cpus())
		trial_fail("there is no CPU %u", cpu);
	smp_call(cpu, overflow_here, NULL);
	trial_fail("a kernel stack has no end");
}

/* ---- returning to an address that no program can be at ---- */

#define SYSCALL_BYTES 2

static struct space *
space_with_last_page(void)
{
	static const unsigned char syscall_code[SYSCALL_BYTES] = { 0x0f, 0x05 };
	struct space_layout	   layout = space_default_layout();
	struct space		  *sp;
	vaddr_t			   at;

	if (space_create(&layout, &sp) != OK ||
	    space_map(sp,
		      &(struct map_request){ .addr = ARCH_USER_END - ARCH_PAGE_SIZE,
					     .length = ARCH_PAGE_SIZE,
					     .prot = PROT_R | PROT_W | PROT_X,
					     .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED },
		      &at) != OK)
		trial_fail("no space with the last page");
	if (copy_to_space(sp, ARCH_USER_END - SYSCALL_BYTES, syscall_code, SYSCALL_BYTES) != 0)
		trial_fail("the last page cannot be written");
	return sp;
}

/* A system call from the very last bytes of user space, and on from there. */
static void
fall_off_the_end(struct space *sp, struct arch_context *ctx)
{
	vaddr_t at = 0;

	arch_context_init(ctx, ARCH_USER_END - SYSCALL_BYTES, 0);
	pt_activate(&sp->pt);
	for (;;) {
		at = user_enter(ctx);
		if (ctx->vector != VECTOR_PAGE_FAULT || at >= ARCH_USER_END ||
		    fault_handle(sp, at, ACCESS_FETCH) != FAULT_DONE)
			break;
	}
	if (ctx->vector != VECTOR_SYSCALL || ctx->rip != ARCH_USER_END)
		trial_fail("vector %lu at %lx instead of a system call", (unsigned long)ctx->vector,
			   (unsigned long)ctx->rip);
	at = user_enter(ctx);
	if (ctx->vector != VECTOR_PAGE_FAULT || at != ARCH_USER_END)
		trial_fail("behind the last page: vector %lu", (unsigned long)ctx->vector);
	if (ctx->cs != X86_USER_CS || ctx->ss != X86_USER_SS)
		trial_fail("SYSRET has loaded CS %lx, SS %lx", (unsigned long)ctx->cs,
			   (unsigned long)ctx->ss);
	trial_pass("a system call at the end of user space returns into a page fault of ring 3");
}

/* What a debugger or a signal handler may write into the context of a system call. */
static void
return_to(struct arch_context *ctx, uint64_t rip, uint64_t vector)
{
	arch_context_init(ctx, rip, 0);
	ctx->vector = vector;
	(void)user_enter(ctx);
	if (ctx->vector != VECTOR_GENERAL_PROTECTION || (ctx->cs & 3) != 3)
		trial_fail("RIP %lx: vector %lu, CS %lx", (unsigned long)rip,
			   (unsigned long)ctx->vector, (unsigned long)ctx->cs);
	trial_pass("RIP %lx by %s is the program's fault, not the kernel's", (unsigned long)rip,
		   vector == VECTOR_SYSCALL ? "SYSRET" : "IRET");
}

void
trial_sysret(void)
{
	static const uint64_t rips[] = { UINT64_C(0x0000800000000000), UINT64_C(0x00008000deadbeef),
					 UINT64_C(0xffff7fffffffffff),
					 UINT64_C(0x8000000000000000) };
	alignas(16) struct arch_context ctx;
	struct space		       *sp;

	trial_start_library();
	sp = space_with_last_page();
	fall_off_the_end(sp, &ctx);
	for (size_t i = 0; i < ARRAY_SIZE(rips); i++) {
		return_to(&ctx, rips[i], VECTOR_SYSCALL);
		return_to(&ctx, rips[i], 0);
	}
	fall_off_the_end(sp, &ctx);
}

/* ---- registers that come from user memory ---- */

#define CONTEXTS 4000

static uint64_t
next_random(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *random >> 32;
}

/* Some bits of any bytes are others; bytes of 0 and 1 bits alone are tried as well. */
static void
spoil(void *bytes, size_t nr, uint64_t *random)
{
	unsigned char *byte = bytes;

	for (uint64_t changes = 1 + next_random(random) % 3; changes > 0; changes--) {
		unsigned char *at = &byte[next_random(random) % nr];

		switch (next_random(random) % 4) {
		case 0:
			*at = 0xff;
			break;
		case 1:
			*at = (unsigned char)next_random(random);
			break;
		default:
			*at ^= (unsigned char)(1 << next_random(random) % 8);
			break;
		}
	}
}

/* One step of ring 3 from there: whatever comes of it, it comes from ring 3. */
static void
step_from(struct arch_context *ctx, const struct arch_fpu *fpu)
{
	struct arch_fpu after;

	arch_fpu_load(fpu);
	(void)user_run(ctx);
	arch_fpu_save(&after);
	if (ctx->cs != X86_USER_CS || ctx->ss != X86_USER_SS || !(ctx->rflags & X86_FLAGS_IF))
		trial_fail("a context came back with CS %lx, SS %lx, flags %lx",
			   (unsigned long)ctx->cs, (unsigned long)ctx->ss,
			   (unsigned long)ctx->rflags);
	if (!arch_fpu_sanitize(&after))
		trial_fail("what the CPU saves would not be loaded again");
}

/* R6, R9: what is accepted is entered. A kernel that is wrong about one of them does not come back. */
void
trial_contexts(void)
{
	alignas(16) struct arch_context ctx;
	struct arch_fpu			fpu;
	struct space		       *sp;
	uint64_t			random = 1;
	unsigned			accepted = 0;

	trial_start_library();
	sp = space_with_last_page();
	trial_watch(20, "contexts of any bytes");
	for (unsigned i = 0; i < CONTEXTS; i++) {
		arch_context_init(&ctx, ARCH_USER_END - SYSCALL_BYTES, 0x1000);
		arch_fpu_init(&fpu);
		pt_activate(&sp->pt);
		spoil(&ctx, sizeof(ctx), &random);
		spoil(&fpu, i % 2 ? sizeof(fpu) : 640, &random);
		if (!arch_context_sanitize(&ctx) || !arch_fpu_sanitize(&fpu))
			continue;
		step_from(&ctx, &fpu);
		accepted++;
		trial_alive();
	}
	if (accepted < CONTEXTS / 10 || accepted > CONTEXTS * 9 / 10)
		trial_fail("%u contexts of %u were accepted", accepted, CONTEXTS);
	trial_pass("of %u contexts that user memory could hold some were entered, and none harmed",
		   CONTEXTS);
}

/* ---- exceptions in each other ---- */

/* The report of the first one follows the frame pointer, and so does the report of that. (LUN-31) */
void
trial_nested(void)
{
	uint64_t nowhere = STACKS_START + (UINT64_C(1) << 38); /* above every stack */

	trial_start_library();
	__asm__ volatile("movq %0, %%rbp\n\tud2" : : "r"(nowhere) : "memory");
	__builtin_unreachable();
}
