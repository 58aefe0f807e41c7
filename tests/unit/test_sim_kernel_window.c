/*
 * test_sim_kernel_window.c - a page that leaves the kernel's window is still cached on every
 * CPU, whatever runs there, until that CPU has dropped everything.
 */
#include "unit/sketch.h"

#include <string.h>

#include <anymm/kstack.h>
#include <anymm/platform.h>
#include <anymm/process.h>

#include "pt/table.h"

static struct kstack *stack;

static void
start(void)
{
	machine_fresh_with(&(struct machine_config){ .nr_cpus = 3, .nr_frames = 8192 });
	EXPECT_OK(kstack_create(&stack));
}

/* The entry of the stack's first page, found by the library's codec. */
static pte_t *
entry(void)
{
	struct platform_window window = platform_kernel_window();
	vaddr_t		       va = stack->range.start;
	pfn_t		       table = window.table;

	for (unsigned level = window.level; level > 0; level--)
		table = arch_pte_table_pfn(table_get(table, level_index(level, va)));
	return table_slot(table, level_index(0, va));
}

static void
take_back(void)
{
	(void)arch_pte_exchange(entry(), arch_pte_empty());
}

static void
flush_on(unsigned cpu)
{
	machine_cpu_set(cpu);
	arch_tlb_flush_all();
	machine_cpu_set(0);
}

static void
free_page(void *arg)
{
	(void)arg;
	frame_release(stack->pages[0]);
}

static void
expect_freeing_stops(void)
{
	char text[300];

	assert_true(machine_expect_stop(free_page, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "through the kernel's window"));
}

static void
a_page_freed_without_a_flush_is_noticed(void **state)
{
	(void)state;
	start();
	take_back();
	expect_freeing_stops();
}

static void
every_cpu_must_have_flushed(void **state)
{
	(void)state;
	start();
	take_back();
	flush_on(0);
	flush_on(2);
	expect_freeing_stops();
}

/* What other tags hold is not gone by these. */
static void
smaller_flushes_do_not_count(void **state)
{
	(void)state;
	start();
	take_back();
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		arch_tlb_flush_asid(1);
		arch_tlb_flush_page(1, stack->range.start);
	}
	machine_cpu_set(0);
	expect_freeing_stops();
}

static void
a_flush_before_the_change_does_not_count(void **state)
{
	(void)state;
	start();
	for (unsigned cpu = 0; cpu < 3; cpu++)
		flush_on(cpu);
	take_back();
	expect_freeing_stops();
}

static void
after_all_flushes_the_page_may_go(void **state)
{
	pte_t *slot;
	pte_t  old;

	(void)state;
	start();
	slot = entry();
	old = arch_pte_exchange(slot, arch_pte_empty());
	for (unsigned cpu = 0; cpu < 3; cpu++)
		flush_on(cpu);
	frame_release(stack->pages[0]);
	/* The stack gets another page in its place, so that it can go as usual. */
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &stack->pages[0]));
	arch_pte_write(slot, arch_pte_leaf((struct pte_leaf){
				     .pfn = stack->pages[0], .prot = PROT_RW, .kernel = true }));
	assert_false(arch_pte_equal(old, arch_pte_empty()));
	kstack_destroy(stack);
	machine_check();
}

TEST_SUITE(sim_kernel_window, cmocka_unit_test(a_page_freed_without_a_flush_is_noticed),
	   cmocka_unit_test(every_cpu_must_have_flushed),
	   cmocka_unit_test(smaller_flushes_do_not_count),
	   cmocka_unit_test(a_flush_before_the_change_does_not_count),
	   cmocka_unit_test(after_all_flushes_the_page_may_go))
