/*
 * test_x86_user.c - the parts of arch/x86_64/mmu that an ordinary process can run.
 *
 * The processor is real and so are its page faults: the signal handler plays the
 * kernel's trap handler, asks x86_user_fixup() and resumes where it says. "User"
 * and "kernel" memory differ only by address here, so protection from the kernel
 * (law U2) is left to the boot image, where SMAP is on. A buffer plays the direct
 * map for the laws about frames.
 */
#define _GNU_SOURCE
#include "harness.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <anymm/arch.h>
#include <x86/machine.h>

#define PAGE 4096

static unsigned faults_fixed;
static unsigned fixups_wrong;

/* What an embedder supplies. */
void
x86_console_write(const char *text, size_t bytes)
{
	fwrite(text, 1, bytes, stderr);
}

void
x86_stop(void)
{
	abort();
}

static void
on_fault(int signal, siginfo_t *info, void *frame)
{
	ucontext_t *uc = frame;
	uintptr_t   rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	uintptr_t   resume = x86_user_fixup(rip, (vaddr_t)info->si_addr);

	(void)signal;
	if (!resume)
		_exit(99);
	/* Neither another instruction nor a kernel address may be taken for a user access. */
	fixups_wrong += x86_user_fixup(rip + 1, (vaddr_t)info->si_addr) != 0;
	fixups_wrong += x86_user_fixup(rip, ARCH_USER_END) != 0;
	uc->uc_mcontext.gregs[REG_RDX] = uc->uc_mcontext.gregs[REG_ERR];
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)resume;
	faults_fixed++;
}

/* catch_faults - from the test itself: CMocka catches them until then. */
static void
catch_faults(void)
{
	const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	faults_fixed = 0;
	fixups_wrong = 0;
}

static void
uncatch_faults(unsigned at_least, unsigned at_most)
{
	signal(SIGSEGV, SIG_DFL);
	assert_in_range(faults_fixed, at_least, at_most);
	assert_int_equal(fixups_wrong, 0);
}

/* Four pages: readable and writable, read only, no access, readable and writable. */
static int
user_pages(void **state)
{
	char *pages =
		mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED);
	for (unsigned i = 0; i < 4 * PAGE; i++)
		pages[i] = (char)(i * 7 + i / PAGE);
	assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE), 0);
	*state = pages;
	return 0;
}

static int
no_user_pages(void **state)
{
	return munmap(*state, 4 * PAGE);
}

/* U1: every length and offset near a page that can be read and one that cannot. */
static void
u1_read_stops_at_the_first_bad_byte(void **state)
{
	char *pages = *state, copy[64];
	char *end = pages + 2 * PAGE;

	catch_faults();
	for (unsigned before = 0; before < 32; before++) {
		for (unsigned bytes = 0; bytes <= sizeof(copy); bytes++) {
			struct arch_fault fault = { .va = 1 };
			vaddr_t		  from = (vaddr_t)(end - before);
			size_t		  can = bytes < before ? bytes : before;

			memset(copy, 0, sizeof(copy));
			assert_int_equal(arch_user_read(copy, from, bytes, &fault), can);
			assert_memory_equal(copy, end - before, can);
			for (size_t i = can; i < sizeof(copy); i++)
				assert_int_equal(copy[i], 0);
			if (can == bytes)
				continue;
			assert_int_equal(fault.va, (vaddr_t)end);
			assert_int_equal(fault.access, ACCESS_LOAD);
			assert_true(fault.user);
		}
	}
	uncatch_faults(1, UINT_MAX);
}

/* U1: a page that may be read denies the write, and says that it is present. */
static void
u1_write_stops_at_the_first_bad_byte(void **state)
{
	char		 *pages = *state;
	static const char text[] = "sixteen bytes...";

	catch_faults();
	for (unsigned before = 0; before < 16; before++) {
		struct arch_fault fault = { .va = 1 };
		vaddr_t		  to = (vaddr_t)(pages + PAGE - before);

		assert_int_equal(arch_user_write(to, text, 16, &fault), before);
		assert_memory_equal(pages + PAGE - before, text, before);
		assert_int_equal(pages[PAGE], (char)(PAGE * 7 + 1));
		assert_int_equal(fault.va, (vaddr_t)(pages + PAGE));
		assert_int_equal(fault.access, ACCESS_STORE);
		assert_true(fault.present);
		assert_true(fault.user);
	}
	uncatch_faults(16, 16);
}

/* U1: what is not user memory is not reachable, whatever the processor could do. */
static void
u1_addresses_beyond_user_space_are_not_tried(void **state)
{
	static const vaddr_t beyond[] = { ARCH_USER_END, ARCH_USER_END + 1, (vaddr_t)1 << 47,
					  (vaddr_t)1 << 63, UINT64_MAX };
	char		     byte = 0;

	(void)state;
	catch_faults();
	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		struct arch_fault fault = { 0 };

		assert_int_equal(arch_user_read(&byte, beyond[i], 1, &fault), 0);
		assert_int_equal(fault.va, beyond[i]);
		assert_int_equal(arch_user_write(beyond[i], &byte, SIZE_MAX, &fault), 0);
		assert_int_equal(fault.va, beyond[i]);
		assert_false(fault.present);
	}
	uncatch_faults(0, 0);
}

/* M2: a second thread plays the processor that sets dirty bits; none that it set is lost. */
#define EXCHANGES 2000000

static pte_t hammered;
static bool  hammering;

static void *
set_dirty_bits(void *arg)
{
	uint64_t *set = arg;

	while (__atomic_load_n(&hammering, __ATOMIC_RELAXED)) {
		uint64_t before = __atomic_fetch_or(&hammered.raw, X86_PTE_D, __ATOMIC_SEQ_CST);

		*set += !(before & X86_PTE_D);
	}
	return NULL;
}

static void
m2_exchange_returns_every_dirty_bit(void **state)
{
	const pte_t clean = arch_pte_leaf((struct pte_leaf){ .prot = PROT_RW });
	uint64_t    set = 0, seen = 0;
	pthread_t   processor;

	(void)state;
	hammered = clean;
	hammering = true;
	assert_int_equal(pthread_create(&processor, NULL, set_dirty_bits, &set), 0);
	for (unsigned i = 0; i < EXCHANGES; i++)
		seen += (arch_pte_exchange(&hammered, clean).raw & X86_PTE_D) != 0;
	__atomic_store_n(&hammering, false, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(processor, NULL), 0);
	seen += (arch_pte_exchange(&hammered, clean).raw & X86_PTE_D) != 0;
	assert_int_equal(seen, set);
}

/* M1, M3, M4 */
static void
m3_cas_replaces_only_what_is_equal(void **state)
{
	pte_t slot = arch_pte_empty();
	pte_t a = arch_pte_table((pfn_t){ 5 }, true);
	pte_t b = arch_pte_table((pfn_t){ 6 }, true);
	pte_t expected = b;

	(void)state;
	arch_pte_write(&slot, a);
	assert_true(arch_pte_equal(arch_pte_read(&slot), a));
	assert_false(arch_pte_cas(&slot, &expected, arch_pte_empty()));
	assert_true(arch_pte_equal(expected, a));
	assert_true(arch_pte_cas(&slot, &expected, b));
	assert_true(arch_pte_equal(arch_pte_read(&slot), b));
}

/* C4 */
static void
c4_time_does_not_go_back(void **state)
{
	uint64_t last = arch_time();

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t now = arch_time();

		assert_true(now >= last);
		last = now;
	}
}

/* The buffer stands for physical memory from this frame on. */
#define FIRST_FRAME 0x1234
#define NR_FRAMES   8

static int
direct_map(void **state)
{
	unsigned char *memory = aligned_alloc(PAGE, NR_FRAMES * PAGE);

	assert_non_null(memory);
	memset(memory, 0x5a, NR_FRAMES * PAGE);
	x86_machine.direct_map = (uintptr_t)memory - FIRST_FRAME * (uintptr_t)PAGE;
	*state = memory;
	return 0;
}

static int
no_direct_map(void **state)
{
	free(*state);
	x86_machine = (struct x86_machine){ 0 };
	return 0;
}

/* F1, F2 */
static void
f2_zero_and_copy_change_one_whole_frame(void **state)
{
	unsigned char *memory = *state;
	pfn_t	       first = { FIRST_FRAME };

	assert_ptr_equal(arch_frame_ptr(first), memory);
	assert_ptr_equal(arch_frame_ptr(pfn_add(first, 3)), memory + 3 * PAGE);
	memory[0] = 1;
	memory[PAGE - 1] = 2;
	arch_frame_copy(pfn_add(first, 2), first);
	assert_memory_equal(memory + 2 * PAGE, memory, PAGE);
	arch_frame_zero(first);
	for (unsigned i = 0; i < PAGE; i++)
		assert_int_equal(memory[i], 0);
	assert_int_equal(memory[PAGE], 0x5a);
	assert_int_equal(memory[3 * PAGE], 0x5a);
}

/* F3: with the pattern on, any word that changed is noticed; blocks may be joined while free. */
static void
f3_revive_notices_a_write_to_a_free_frame(void **state)
{
	unsigned char *memory = *state;
	pfn_t	       first = { FIRST_FRAME };

	x86_machine.poison_bytes = PAGE;
	for (unsigned i = 0; i < NR_FRAMES; i += 2)
		arch_frame_retire(pfn_add(first, i), 1);
	assert_true(arch_frame_revive(first, 3));
	for (unsigned at = 0; at < NR_FRAMES * PAGE; at += 1021) {
		arch_frame_retire(first, 3);
		memory[at] ^= 1;
		assert_false(arch_frame_revive(first, 3));
		assert_true(arch_frame_revive(pfn_add(first, (at / PAGE + 1) % NR_FRAMES), 0));
	}
}

/* F3: with a part covered only that part is looked at; with none everything passes. */
static void
f3_the_embedder_chooses_how_much_is_covered(void **state)
{
	unsigned char *memory = *state;
	pfn_t	       first = { FIRST_FRAME };

	assert_true(arch_frame_revive(first, 3));
	x86_machine.poison_bytes = 64;
	arch_frame_retire(first, 0);
	memory[64] ^= 1;
	assert_true(arch_frame_revive(first, 0));
	memory[63] ^= 1;
	assert_false(arch_frame_revive(first, 0));
}

static bool
fail_always(void)
{
	return true;
}

/* F5 */
static void
f5_failures_come_from_the_embedder_only(void **state)
{
	(void)state;
	assert_false(arch_inject_failure());
	x86_machine.inject_failure = fail_always;
	assert_true(arch_inject_failure());
	x86_machine.inject_failure = NULL;
}

/* R1, R2, R3 */
static void
r1_a_new_context_is_at_the_entry_with_interrupts_on(void **state)
{
	struct arch_context ctx, copy, zero = { 0 };

	(void)state;
	memset(&ctx, 0xff, sizeof(ctx));
	arch_context_init(&ctx, 0x401000, 0x7ffffffde000);
	assert_int_equal(ctx.rip, 0x401000);
	assert_int_equal(ctx.rsp, 0x7ffffffde000);
	assert_int_equal(ctx.cs % 4, 3);
	assert_int_equal(ctx.ss % 4, 3);
	assert_int_equal(ctx.rflags, 0x202);
	assert_memory_equal(&ctx, &zero, offsetof(struct arch_context, rip));

	arch_context_set_result(&ctx, -14);
	assert_int_equal(arch_context_result(&ctx), -14);
	assert_int_equal(ctx.rax, (uint64_t)-14);
	copy = ctx;
	arch_context_set_result(&copy, 0);
	copy.rax = ctx.rax;
	assert_memory_equal(&copy, &ctx, sizeof(ctx));
}

/* D1 */
static void
d1_root_state_is_zeroed_and_stays_in_place(void **state)
{
	const unsigned char *root = arch_root_state();

	(void)state;
	for (unsigned i = 0; i < ARCH_ROOT_STATE_BYTES; i++)
		assert_int_equal(root[i], 0);
	assert_int_equal((uintptr_t)root % CACHE_LINE, 0);
	assert_ptr_equal(root, arch_root_state());
}

TEST_SUITE(x86_user,
	   cmocka_unit_test_setup_teardown(u1_read_stops_at_the_first_bad_byte, user_pages,
					   no_user_pages),
	   cmocka_unit_test_setup_teardown(u1_write_stops_at_the_first_bad_byte, user_pages,
					   no_user_pages),
	   cmocka_unit_test_setup_teardown(u1_addresses_beyond_user_space_are_not_tried, user_pages,
					   no_user_pages),
	   cmocka_unit_test(m2_exchange_returns_every_dirty_bit),
	   cmocka_unit_test(m3_cas_replaces_only_what_is_equal),
	   cmocka_unit_test(c4_time_does_not_go_back),
	   cmocka_unit_test_setup_teardown(f2_zero_and_copy_change_one_whole_frame, direct_map,
					   no_direct_map),
	   cmocka_unit_test_setup_teardown(f3_revive_notices_a_write_to_a_free_frame, direct_map,
					   no_direct_map),
	   cmocka_unit_test_setup_teardown(f3_the_embedder_chooses_how_much_is_covered, direct_map,
					   no_direct_map),
	   cmocka_unit_test(f5_failures_come_from_the_embedder_only),
	   cmocka_unit_test(r1_a_new_context_is_at_the_entry_with_interrupts_on),
	   cmocka_unit_test(d1_root_state_is_zeroed_and_stays_in_place))
