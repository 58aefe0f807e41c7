/*
 * test_cpu.c - laws C1 to C4, and M5 and a part of R8, which need a second CPU.
 *
 * Two CPUs are two fibers of the simulator here; on a real machine they are two
 * CPUs, and the bodies are the same.
 */
#include "harness.h"

#include <anymm/arch.h>

#include "contract/hand_tree.h"

#define VA    ((vaddr_t)ARCH_PAGE_SIZE)
#define SEEDS 200

static int
machine(void **state)
{
	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .nr_frames = 8192 });
	return 0;
}

/* C1 */
static void
c1_irq_save_and_restore_nest(void **state)
{
	bool outer, inner;

	(void)state;
	assert_true(arch_irq_enabled());
	outer = arch_irq_save();
	assert_true(outer);
	assert_false(arch_irq_enabled());
	inner = arch_irq_save();
	assert_false(inner);
	arch_irq_restore(inner);
	assert_false(arch_irq_enabled());
	arch_irq_restore(outer);
	assert_true(arch_irq_enabled());
	arch_irq_restore(arch_irq_save());
	assert_true(arch_irq_enabled());
}

static unsigned turn;

/* Each CPU waits for the other, many times. */
static void
take_turns(void *arg)
{
	unsigned self = platform_cpu();

	(void)arg;
	for (unsigned i = 0; i < 10; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) % 2 != self)
			arch_relax();
		__atomic_fetch_add(&turn, 1, __ATOMIC_ACQ_REL);
	}
}

/* C2: other CPUs make progress while one spins. */
static void
c2_other_cpus_go_on_while_one_relaxes(void **state)
{
	void (*const bodies[])(void *) = { take_turns, take_turns };

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		turn = 0;
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_PCT, 2, seed, 10000 });
		assert_int_equal(turn, 20);
	}
}

static unsigned fpu_wrong;

/* Each CPU has its own state, loads it and looks again when the other has done the same. */
static void
keep_own_registers(void *arg)
{
	unsigned	self = platform_cpu();
	struct arch_fpu mine, now;

	(void)arg;
	arch_fpu_init(&mine);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		arch_fpu_set_word(&mine, i, 100 * (self + 1) + i);
	for (unsigned round = 0; round < 10; round++) {
		arch_fpu_load(&mine);
		__atomic_fetch_add(&turn, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) < 2 * (round + 1))
			arch_relax();
		arch_fpu_save(&now);
		for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
			if (arch_fpu_word(&now, i) != 100 * (self + 1) + i)
				__atomic_fetch_add(&fpu_wrong, 1, __ATOMIC_RELAXED);
	}
}

/* R8: another CPU's registers stay what they are. */
static void
r8_each_cpu_has_registers_of_its_own(void **state)
{
	void (*const bodies[])(void *) = { keep_own_registers, keep_own_registers };

	(void)state;
	for (uint64_t seed = 0; seed < test_rounds(SEEDS); seed++) {
		turn = 0;
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_PCT, 2, seed, 10000 });
		assert_int_equal(turn, 20);
	}
	assert_int_equal(fpu_wrong, 0);
}

static struct hand_tree tree;
static pfn_t		frame;

/* CPU 0 writes the frame, then the entry; CPU 1 looks until it finds the entry. */
static void
publish_or_look(void *arg)
{
	uint64_t *seen = arg;

	if (platform_cpu() == 0) {
		fill_frame(frame, 77);
		arch_point();
		hand_tree_map(&tree, VA, (struct pte_leaf){ .pfn = frame, .prot = PROT_R });
		return;
	}
	arch_tlb_activate(tree.root, tree.asid);
	while (!read_word(VA, seen))
		arch_relax();
	arch_tlb_activate(pfn_none(), 0);
}

/* ALM-09: M5 */
static void
m5_a_walk_that_sees_the_entry_sees_what_was_written_before(void **state)
{
	void (*const bodies[])(void *) = { publish_or_look, publish_or_look };

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint64_t seen = 0;

		hand_tree_make(&tree, 1);
		frame = hand_tree_frame(&tree, false);
		hand_tree_slot(&tree, VA, 0);
		machine_race(2, bodies, &seen,
			     &(struct machine_schedule){ RACE_RANDOM, 2, seed, 10000 });
		assert_int_equal(seen, 77);
		hand_tree_slot(&tree, VA, 0);
		arch_pte_exchange(hand_tree_slot(&tree, VA, 0), arch_pte_empty());
		machine_cpu_set(1);
		arch_tlb_flush_asid(1);
		machine_cpu_set(0);
		hand_tree_drop(&tree);
	}
	machine_check();
}

/* C3: a point changes nothing by itself. */
static void
c3_a_point_does_nothing(void **state)
{
	(void)state;
	arch_irq_save();
	arch_point();
	assert_false(arch_irq_enabled());
	assert_int_equal(platform_cpu(), 0);
	arch_irq_restore(true);
}

/* C4 */
static void
c4_time_does_not_go_back(void **state)
{
	uint64_t last = arch_time();

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now = arch_time();

		assert_true(now >= last);
		last = now;
	}
}

TEST_SUITE(cpu, cmocka_unit_test_setup(c1_irq_save_and_restore_nest, machine),
	   cmocka_unit_test_setup(c2_other_cpus_go_on_while_one_relaxes, machine),
	   cmocka_unit_test_setup(r8_each_cpu_has_registers_of_its_own, machine),
	   cmocka_unit_test_setup(m5_a_walk_that_sees_the_entry_sees_what_was_written_before,
				  machine),
	   cmocka_unit_test_setup(c3_a_point_does_nothing, machine),
	   cmocka_unit_test_setup(c4_time_does_not_go_back, machine))
