/*
 * test_user.c - laws U1 and U2: the kernel's access to user memory.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>

#include "contract/hand_tree.h"

/* page     1     2     3     4
 *          rw    r     none  (nothing)
 */
#define PAGE_RW	   ((vaddr_t)ARCH_PAGE_SIZE)
#define PAGE_R	   (2 * PAGE_RW)
#define PAGE_NONE  (3 * PAGE_RW)
#define PAGE_EMPTY (4 * PAGE_RW)

static struct hand_tree tree;

static int
machine(void **state)
{
	(void)state;
	machine_fresh();
	hand_tree_make(&tree, 1);
	hand_tree_map(&tree, PAGE_RW,
		      (struct pte_leaf){ .pfn = hand_tree_frame(&tree, false), .prot = PROT_RW });
	hand_tree_map(&tree, PAGE_R,
		      (struct pte_leaf){ .pfn = hand_tree_frame(&tree, false), .prot = PROT_R });
	hand_tree_map(&tree, PAGE_NONE, (struct pte_leaf){ .pfn = hand_tree_frame(&tree, false) });
	arch_tlb_activate(tree.root, tree.asid);
	return 0;
}

static int
machine_end(void **state)
{
	(void)state;
	hand_tree_drop(&tree);
	machine_check();
	return 0;
}

static void
assert_fault(const struct arch_fault *fault, vaddr_t va, enum access access)
{
	assert_int_equal(fault->va, va);
	assert_int_equal(fault->access, access);
	assert_true(fault->user);
}

/* U1: every length that ends before, at and behind the first byte that cannot be read. */
static void
u1_read_stops_at_the_first_bad_byte(void **state)
{
	char copy[48];

	(void)state;
	for (unsigned before = 0; before < 32; before++) {
		for (unsigned bytes = 0; bytes <= sizeof(copy); bytes++) {
			struct arch_fault fault = { 0 };
			size_t		  can = min_u64(bytes, before);

			memset(copy, 1, sizeof(copy));
			assert_int_equal(arch_user_read(copy, PAGE_NONE - before, bytes, &fault),
					 can);
			for (size_t i = 0; i < sizeof(copy); i++)
				assert_int_equal(copy[i], i < can ? 0 : 1);
			if (can < bytes)
				assert_fault(&fault, PAGE_NONE, ACCESS_LOAD);
		}
	}
}

/* U1: a write goes over a page border, and stops where only reading is allowed. */
static void
u1_write_stops_at_the_first_bad_byte(void **state)
{
	static const char text[] = "some bytes";
	struct arch_fault fault = { 0 };
	char		  copy[4];

	(void)state;
	assert_int_equal(arch_user_write(PAGE_R - 4, text, sizeof(text), &fault), 4);
	assert_fault(&fault, PAGE_R, ACCESS_STORE);
	assert_true(fault.present);
	assert_int_equal(arch_user_read(copy, PAGE_R - 4, 4, &fault), 4);
	assert_memory_equal(copy, text, 4);
	assert_int_equal(arch_user_read(copy, PAGE_R, 1, &fault), 1);
	assert_int_equal(copy[0], 0);
}

/* DRG-28: U1: whether a translation existed is told. */
static void
u1_a_missing_page_is_told_from_a_forbidden_one(void **state)
{
	struct arch_fault fault = { .present = true };
	char		  byte = 0;

	(void)state;
	assert_int_equal(arch_user_read(&byte, PAGE_EMPTY + 5, 1, &fault), 0);
	assert_fault(&fault, PAGE_EMPTY + 5, ACCESS_LOAD);
	assert_false(fault.present);
	assert_int_equal(arch_user_write(PAGE_R + 7, &byte, 1, &fault), 0);
	assert_fault(&fault, PAGE_R + 7, ACCESS_STORE);
	assert_true(fault.present);
	/* and so is what an instruction was fetched for, by the program itself */
	assert_int_equal(machine_access(ACCESS_FETCH, PAGE_RW, &byte, 1, &fault), 0);
	assert_fault(&fault, PAGE_RW, ACCESS_FETCH);
	assert_true(fault.present);
	assert_int_equal(machine_access(ACCESS_FETCH, PAGE_EMPTY, &byte, 1, &fault), 0);
	assert_fault(&fault, PAGE_EMPTY, ACCESS_FETCH);
	assert_false(fault.present);
}

/* U1: nothing outside the user half is user memory; lengths that wrap around neither. */
static void
u1_addresses_beyond_user_space_are_not_reached(void **state)
{
	static const vaddr_t beyond[] = { ARCH_USER_END, ARCH_USER_END + 1, (vaddr_t)1 << 63,
					  UINT64_MAX - 7, UINT64_MAX };
	uint64_t	     word = 42;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		struct arch_fault fault = { 0 };

		assert_int_equal(arch_user_read(&word, beyond[i], sizeof(word), &fault), 0);
		assert_fault(&fault, beyond[i], ACCESS_LOAD);
		assert_int_equal(arch_user_write(beyond[i], &word, sizeof(word), &fault), 0);
		assert_fault(&fault, beyond[i], ACCESS_STORE);
		assert_int_equal(word, 42);
	}
}

/*
 * CAM-01:
 * U1: user rights, so what is mapped for the kernel alone stays closed, in the user half too.
 */
static void
u1_kernel_pages_are_not_user_memory(void **state)
{
	struct arch_fault fault = { 0 };
	uint64_t	  word = 42;

	(void)state;
	if (strncmp(ARCH_NAME, "sim", 3) != 0)
		return; /* x86-64 copies with kernel rights and keeps such pages out of the user half */
	hand_tree_map(&tree, PAGE_EMPTY,
		      (struct pte_leaf){ .pfn = tree.frames[0], .prot = PROT_RW, .kernel = true });
	assert_int_equal(arch_user_read(&word, PAGE_EMPTY, sizeof(word), &fault), 0);
	assert_true(fault.present);
	assert_int_equal(word, 42);
}

/*
 * U2: a user address is not an address of the kernel. In the simulator the two have nothing to
 * do with each other: user memory lies where the direct map has it, and nowhere else.
 */
static void
u2_user_addresses_mean_nothing_to_the_kernel(void **state)
{
	uint64_t word = 0;

	(void)state;
	assert_true(write_word(PAGE_RW, 99));
	assert_true(read_word(PAGE_RW, &word));
	assert_int_equal(word, 99);
	assert_true(arch_frame_ptr(tree.frames[1]) != (void *)PAGE_RW);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, machine, machine_end)

TEST_SUITE(user, LAW(u1_read_stops_at_the_first_bad_byte),
	   LAW(u1_write_stops_at_the_first_bad_byte),
	   LAW(u1_a_missing_page_is_told_from_a_forbidden_one),
	   LAW(u1_addresses_beyond_user_space_are_not_reached),
	   LAW(u1_kernel_pages_are_not_user_memory),
	   LAW(u2_user_addresses_mean_nothing_to_the_kernel))
