/*
 * test_kstack.c - kernel stacks: mapped for every space above a page that is not, given
 * out again, taken away with a flush, and copied for a fork in the kernel.
 */
#include "unit/sketch.h"

#include <string.h>

#include <anymm/kstack.h>
#include <anymm/process.h>

static struct space *sp;

static void
start(void)
{
	sp = sketch_space();
}

static void
end(void)
{
	assert_int_equal(kstack_live(), 0);
	sketch_end(sp);
}

/* The hardware has the stack's pages where it says, for the kernel only, and nothing below. (LUN-34) */
static void
expect_mapped(const struct kstack *stack)
{
	vaddr_t guard = stack->range.start - ARCH_PAGE_SIZE;

	assert_int_equal(stack->range.end - stack->range.start, KSTACK_BYTES);
	assert_int_equal(stack->range.start % ARCH_PAGE_SIZE, 0);
	assert_true(stack->range.start >= ARCH_USER_END);
	for (unsigned i = 0; i < KSTACK_PAGES; i++) {
		struct machine_translation t =
			machine_translate(sp->pt.root, stack->range.start + i * ARCH_PAGE_SIZE);

		assert_true(t.present);
		assert_int_equal(t.pfn.n, stack->pages[i].n);
	}
	assert_false(machine_translate(sp->pt.root, guard).present);
	assert_true(kstack_is_guard(guard));
	assert_true(kstack_is_guard(guard + ARCH_PAGE_SIZE - 1));
	assert_false(kstack_is_guard(guard + ARCH_PAGE_SIZE));
	assert_false(kstack_is_guard(stack->range.end - 1));
}

/* DRG-07, CAM-01, ALM-05. */
static void
a_stack_lies_above_a_guard(void **state)
{
	struct kstack *stack;
	struct space  *other;
	uint8_t	       byte = 0;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&stack));
	assert_int_equal(kstack_live(), 1);
	expect_mapped(stack);
	memset(kstack_pointer(stack, stack->range.start), 0xa5, ARCH_PAGE_SIZE);
	assert_int_equal(*(uint8_t *)kstack_pointer(stack, stack->range.start + 4095), 0xa5);
	/* Users do not reach it, and a space that is made later has it too. */
	assert_int_not_equal(machine_user(sp, ACCESS_LOAD, stack->range.start, &byte, 1),
			     FAULT_DONE);
	EXPECT_OK(space_fork(sp, &other));
	assert_true(machine_translate(other->pt.root, stack->range.start).present);
	space_put(other);
	kstack_destroy(stack);
	end();
}

static void
addresses_elsewhere_are_no_guards(void **state)
{
	(void)state;
	start();
	assert_false(kstack_is_guard(0));
	assert_false(kstack_is_guard(platform_kernel_window().start));
	assert_false(kstack_is_guard(UINT64_MAX));
	end();
}

/* A destroyed stack is the next one that is made; its pages stay where they are. */
static void
a_stack_is_given_out_again(void **state)
{
	struct kstack *stack, *other, *again;
	uint64_t       allocations;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&stack));
	EXPECT_OK(kstack_create(&other));
	assert_false(range_overlaps(stack->range, other->range));
	kstack_destroy(stack);
	allocations = machine_allocations();
	EXPECT_OK(kstack_create(&again));
	assert_int_equal(machine_allocations(), allocations);
	assert_ptr_equal(again, stack);
	expect_mapped(again);
	kstack_destroy(again);
	kstack_destroy(other);
	end();
}

/* Draining takes away what nobody has, on every CPU; what somebody has stays. */
static void
draining_takes_spares_away(void **state)
{
	struct kstack *stacks[8];

	(void)state;
	start();
	for (unsigned i = 0; i < 8; i++)
		EXPECT_OK(kstack_create(&stacks[i]));
	for (unsigned i = 0; i < 8; i += 2)
		kstack_destroy(stacks[i]);
	kstack_drain();
	for (unsigned i = 1; i < 8; i += 2) {
		vaddr_t gone = stacks[i]->range.start - ARCH_PAGE_SIZE - ARCH_PAGE_SIZE;

		expect_mapped(stacks[i]);
		assert_false(machine_translate(sp->pt.root, gone).present);
	}
	assert_int_equal(kstack_live(), 4);
	for (unsigned i = 0; i < 8; i += 2) {
		EXPECT_OK(kstack_create(&stacks[i]));
		expect_mapped(stacks[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		for (unsigned j = 0; j < i; j++)
			assert_false(range_overlaps(stacks[i]->range, stacks[j]->range));
	for (unsigned i = 0; i < 8; i++)
		kstack_destroy(stacks[i]);
	kstack_drain();
	kstack_drain();
	end();
}

/* ALM-05: more stacks than one leaf table has room for, and all of them gone again. */
static void
many_stacks_fill_several_tables(void **state)
{
	static struct kstack *stacks[300];
	struct kstack	     *none;
	unsigned	      nr = 0;

	(void)state;
	start();
	while (nr < ARRAY_SIZE(stacks) && kstack_create(&stacks[nr]) == OK)
		nr++;
	/* A window of one leaf table has room for 102. */
	assert_int_equal(nr, platform_kernel_window().level == 0 ? 102 : ARRAY_SIZE(stacks));
	if (nr < ARRAY_SIZE(stacks))
		EXPECT_ERR(kstack_create(&none), ERR_NOMEM);
	for (unsigned i = 0; i < nr; i++) {
		expect_mapped(stacks[i]);
		*(uint64_t *)kstack_pointer(stacks[i], stacks[i]->range.end - 8) = i;
	}
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(*(uint64_t *)kstack_pointer(stacks[i], stacks[i]->range.end - 8),
				 i);
	for (unsigned i = 0; i < nr; i++)
		kstack_destroy(stacks[i]);
	end();
}

static void
lack_of_memory_changes_nothing(void **state)
{
	struct kstack *stack;
	unsigned       failures = 0;

	(void)state;
	start();
	for (unsigned n = 1;; n++) {
		err_t err;

		machine_fail_allocation(n, false);
		err = kstack_create(&stack);
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		failures++;
		assert_int_equal(err, ERR_NOMEM);
		assert_int_equal(kstack_live(), 0);
		assert_false(machine_translate(sp->pt.root,
					       platform_kernel_window().start + ARCH_PAGE_SIZE)
				     .present);
		machine_check_invariants();
	}
	assert_true(failures >= KSTACK_PAGES + 1);
	expect_mapped(stack);
	kstack_destroy(stack);
	end();
}

/* A pattern in the used part, and a chain of two records in it. */
static void
fill(struct kstack *stack, vaddr_t sp_at)
{
	for (vaddr_t va = stack->range.start; va < stack->range.end; va += 8)
		*(uint64_t *)kstack_pointer(stack, va) =
			va < sp_at ? 0xdead : stack->range.end - va;
	*(uint64_t *)kstack_pointer(stack, stack->range.end - 6000) = stack->range.end - 64;
	*(uint64_t *)kstack_pointer(stack, stack->range.end - 64) = 0;
}

/* end - ...   6200      6000           64     0
 *             sp   used  f1 -------->  0              (LUN-34, DRG-25, WNX-24) */
static void
the_used_part_is_copied(void **state)
{
	struct kstack	       *from, *to;
	struct kstack_registers r;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&from));
	EXPECT_OK(kstack_create(&to));
	fill(from, from->range.end - 6200);
	memset(kstack_pointer(to, to->range.start), 0x77, 8);
	r = (struct kstack_registers){ .sp = from->range.end - 6200, .fp = from->range.end - 6000 };
	EXPECT_OK(kstack_copy(from, to, &r));
	assert_int_equal(r.sp, to->range.end - 6200);
	assert_int_equal(r.fp, to->range.end - 6000);
	for (uint64_t at = 6200; at > 0; at -= 8) {
		uint64_t word = *(uint64_t *)kstack_pointer(to, to->range.end - at);
		uint64_t old = *(uint64_t *)kstack_pointer(from, from->range.end - at);

		if (at == 6000)
			assert_int_equal(word, to->range.end - 64);
		else
			assert_int_equal(word, old);
	}
	assert_int_equal(*(uint64_t *)kstack_pointer(from, from->range.end - 6000),
			 from->range.end - 64);
	assert_int_equal(*(uint8_t *)kstack_pointer(to, to->range.start), 0x77);
	expect_mapped(to);
	kstack_destroy(from);
	kstack_destroy(to);
	end();
}

static void
all_or_nothing_can_be_used(void **state)
{
	struct kstack	       *from, *to;
	struct kstack_registers r;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&from));
	EXPECT_OK(kstack_create(&to));
	fill(from, from->range.start);
	r = (struct kstack_registers){ .sp = from->range.start, .fp = 0 };
	EXPECT_OK(kstack_copy(from, to, &r));
	assert_int_equal(r.sp, to->range.start);
	assert_int_equal(r.fp, 0);
	assert_int_equal(*(uint64_t *)kstack_pointer(to, to->range.start), KSTACK_BYTES);
	r = (struct kstack_registers){ .sp = from->range.end, .fp = from->range.end - 64 };
	EXPECT_OK(kstack_copy(from, to, &r));
	assert_int_equal(r.sp, to->range.end);
	assert_int_equal(r.fp, from->range.end - 64);
	kstack_destroy(from);
	kstack_destroy(to);
	end();
}

static void
a_wrong_stack_pointer_is_refused(void **state)
{
	struct kstack *from, *to;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&from));
	EXPECT_OK(kstack_create(&to));
	fill(to, to->range.start);
	{
		const vaddr_t bad[] = { 0,
					from->range.start - 8,
					from->range.end + 8,
					from->range.end - 4,
					to->range.end - 8,
					UINT64_MAX & ~7ull };

		for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
			struct kstack_registers r = { .sp = bad[i], .fp = 5 };

			EXPECT_ERR(kstack_copy(from, to, &r), ERR_INVAL);
			assert_int_equal(r.sp, bad[i]);
			assert_int_equal(r.fp, 5);
		}
	}
	assert_int_equal(*(uint64_t *)kstack_pointer(to, to->range.end - 8), 8);
	kstack_destroy(from);
	kstack_destroy(to);
	end();
}

static void
begin_nowhere(void *argument)
{
	(void)argument;
}

/* A thread that begins: at the end of its stack stands what the machine says. (DRG-26) */
static void
a_thread_begins_at_the_end_of_its_stack(void **state)
{
	struct kstack *stack;
	uint64_t       wanted[ARCH_START_BYTES / 8], words[ARCH_START_BYTES / 8];
	vaddr_t	       at;

	(void)state;
	start();
	EXPECT_OK(kstack_create(&stack));
	at = kstack_begin(stack, begin_nowhere, wanted);
	assert_int_equal(at, arch_start(wanted, stack->range.end, begin_nowhere, wanted));
	memcpy(words, kstack_pointer(stack, stack->range.end - sizeof(words)), sizeof(words));
	assert_memory_equal(words, wanted, sizeof(words));
	kstack_destroy(stack);
	end();
}

/* DRG-17: any address of a stack finds it, and no other address finds any. */
static void
an_address_finds_its_stack(void **state)
{
	struct kstack *stacks[3];

	(void)state;
	start();
	assert_null(kstack_of(platform_kernel_window().start));
	for (unsigned i = 0; i < 3; i++)
		EXPECT_OK(kstack_create(&stacks[i]));
	for (unsigned i = 0; i < 3; i++) {
		struct va_range range = stacks[i]->range;

		for (vaddr_t va = range.start; va < range.end; va += 1024)
			assert_ptr_equal(kstack_of(va), stacks[i]);
		assert_ptr_equal(kstack_of(range.end - 1), stacks[i]);
		assert_null(kstack_of(range.start - 1));
		assert_null(kstack_of(range.start - ARCH_PAGE_SIZE));
	}
	assert_null(kstack_of(stacks[2]->range.end));
	assert_null(kstack_of(platform_kernel_window().start - 1));
	assert_null(kstack_of(0));
	assert_null(kstack_of(UINT64_MAX));
	kstack_destroy(stacks[1]);
	assert_null(kstack_of(stacks[1]->range.start));
	kstack_drain();
	assert_null(kstack_of(stacks[1]->range.start));
	assert_ptr_equal(kstack_of(stacks[2]->range.start), stacks[2]);
	kstack_destroy(stacks[0]);
	kstack_destroy(stacks[2]);
	end();
}

static void
touch_outside(void *arg)
{
	struct kstack *stack = arg;

	(void)kstack_pointer(stack, stack->range.end);
}

static void
an_address_outside_stops_the_machine(void **state)
{
	struct kstack *stack;
	char	       text[160];

	(void)state;
	start();
	EXPECT_OK(kstack_create(&stack));
	assert_true(machine_expect_stop(touch_outside, stack, text, sizeof(text)));
	assert_non_null(strstr(text, "is not on the stack"));
}

static void
destroy_again(void *arg)
{
	kstack_destroy(arg);
}

static void
destroying_twice_stops_the_machine(void **state)
{
	struct kstack *stack;
	char	       text[160];

	(void)state;
	start();
	EXPECT_OK(kstack_create(&stack));
	kstack_destroy(stack);
	assert_true(machine_expect_stop(destroy_again, stack, text, sizeof(text)));
	assert_non_null(strstr(text, "is destroyed twice"));
}

TEST_SUITE(kstack, cmocka_unit_test(a_stack_lies_above_a_guard),
	   cmocka_unit_test(addresses_elsewhere_are_no_guards),
	   cmocka_unit_test(a_stack_is_given_out_again),
	   cmocka_unit_test(draining_takes_spares_away),
	   cmocka_unit_test(many_stacks_fill_several_tables),
	   cmocka_unit_test(lack_of_memory_changes_nothing),
	   cmocka_unit_test(the_used_part_is_copied), cmocka_unit_test(all_or_nothing_can_be_used),
	   cmocka_unit_test(a_wrong_stack_pointer_is_refused),
	   cmocka_unit_test(a_thread_begins_at_the_end_of_its_stack),
	   cmocka_unit_test(an_address_finds_its_stack),
	   cmocka_unit_test(an_address_outside_stops_the_machine),
	   cmocka_unit_test(destroying_twice_stops_the_machine))
