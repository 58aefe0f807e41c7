/*
 * test_check_tlb.c - I-TLB finds stale translations and tags that two spaces have.
 */
#include "unit/damage.h"

#include <string.h>

static void
one_tag_for_two_spaces_is_found(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 'a');
	EXPECT_OK(space_fork(sp, &child));
	sketch_load(child, 1);
	machine_check_invariants();
	atomic_store(&child->pt.tag, atomic_load(&sp->pt.tag));
	EXPECT_BROKEN(INV_TLB, "two spaces have the tag");
	damage_abandon();
}

static void
check(void *report)
{
	check_all(report);
}

/* The simulator itself reports what a CPU may still use; hardware keeps it to itself. */
static void
a_translation_that_was_not_flushed_is_found(void **state)
{
	struct space	   *sp = sketch_space();
	struct pte_leaf	    leaf;
	struct check_report report;
	char		    text[512];

	(void)state;
	if (strncmp(ARCH_NAME, "sim", 3) != 0)
		skip();
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 'a');
	machine_check_invariants();
	leaf = damage_leaf(sp, 1);
	leaf.prot = PROT_R;
	(void)arch_pte_exchange(damage_slot(sp, 0, 1), arch_pte_leaf(leaf));
	assert_true(machine_expect_stop(check, &report, text, sizeof(text)));
	assert_non_null(strstr(text, "may still use"));
	damage_abandon();
}

TEST_SUITE(check_tlb, cmocka_unit_test(one_tag_for_two_spaces_is_found),
	   cmocka_unit_test(a_translation_that_was_not_flushed_is_found))
