/*
 * test_start.c - law R10: what lies on the stack of a thread in the kernel that has not begun.
 *
 * That it really begins is seen where threads run: in an ordinary process for x86-64
 * (test_x86_switch.c), and in the trials of the booted PC.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>

#define WORDS (ARCH_START_BYTES / 8)
#define END   UINT64_C(0x7000)

static void
begin_here(void *argument)
{
	(void)argument;
}

static bool
has_word(const uint64_t *words, uint64_t wanted)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (words[i] == wanted)
			return true;
	return false;
}

/* R10 */
static void
r10_start_leaves_nothing_of_what_was_there(void **state)
{
	uint64_t one[WORDS], two[WORDS];
	vaddr_t	 sp;

	(void)state;
	memset(one, 0xff, sizeof(one));
	memset(two, 0, sizeof(two));
	sp = arch_start(one, END, begin_here, one);
	assert_int_equal(arch_start(two, END, begin_here, one), sp);
	assert_memory_equal(one, two, sizeof(one));
	assert_true(sp % 8 == 0 && sp >= END - ARCH_START_BYTES && sp < END);
	assert_true(has_word(one, (uintptr_t)begin_here));
	assert_true(has_word(one, (uintptr_t)one));
}

/* R10: each record lies in the bytes and above the one before, and the last names none. */
static void
r10_the_chain_of_records_ends(void **state)
{
	uint64_t words[WORDS];
	vaddr_t	 record, last;
	unsigned nr = 0;

	(void)state;
	record = arch_start(words, END, begin_here, NULL) + ARCH_SAVED_RECORD;
	while (record) {
		assert_true(record % 8 == 0 && record >= END - ARCH_START_BYTES &&
			    record + 16 <= END);
		last = record;
		record = words[(record - (END - ARCH_START_BYTES)) / 8];
		assert_true(record == 0 || record > last);
		nr++;
	}
	assert_true(nr >= 1);
}

/* R10: only addresses of the stack itself depend on where it lies. */
static void
r10_a_stack_elsewhere_differs_by_its_distance(void **state)
{
	uint64_t here[WORDS], there[WORDS];
	vaddr_t	 sp;

	(void)state;
	sp = arch_start(here, END, begin_here, NULL);
	assert_int_equal(arch_start(there, END + 0x10000, begin_here, NULL), sp + 0x10000);
	for (unsigned i = 0; i < WORDS; i++) {
		bool is_inside = here[i] >= END - ARCH_START_BYTES && here[i] < END;

		assert_int_equal(there[i], is_inside ? here[i] + 0x10000 : here[i]);
	}
}

TEST_SUITE(start, cmocka_unit_test(r10_start_leaves_nothing_of_what_was_there),
	   cmocka_unit_test(r10_the_chain_of_records_ends),
	   cmocka_unit_test(r10_a_stack_elsewhere_differs_by_its_distance))
