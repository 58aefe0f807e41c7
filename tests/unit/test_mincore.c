/* test_mincore.c - residency as the user sees it: values, portions, errors. */
#include "unit/sketch.h"

#include <anymm/call.h>

/* The vector lies in page 10 of the space. Gives its first n bytes as digits; e: untouched. */
static const char *
told(struct space *sp, unsigned n)
{
	static char text[16];
	uint8_t	    bytes[15];

	assert_int_equal(copy_from_space(sp, bytes, PAGE(10), n), 0);
	for (unsigned i = 0; i < n; i++)
		text[i] = bytes[i] == 0xee ? 'e' : (char)('0' + bytes[i]);
	text[n] = 0;
	return text;
}

static void
blank(struct space *sp)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0xee;
	assert_int_equal(copy_to_space(sp, PAGE(10), bytes, sizeof(bytes)), 0);
}

/* page      1 2 3 4 5 6 7
 * mapped    A A A - G F F     touched 2, read 3, written 4 before its rights went, guard 5
 *                             F: of a file, of which another mapping has read a page */
static void
entries_and_objects_say_what_is_there(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_map_file(sp, 6, 8, PROT_R, file, 3, MAPF_PRIVATE);
	sketch_map_file(sp, 8, 9, PROT_R, file, 4, MAPF_SHARED);
	sketch_map(sp, 10, 11, PROT_RW, 0);
	sketch_store(sp, 2, 1);
	(void)sketch_load(sp, 3);
	sketch_store(sp, 4, 1);
	EXPECT_OK(space_protect(sp, PAGE(4), PAGE(1), 0));
	EXPECT_OK(space_advise(sp, PAGE(5), PAGE(1), ADVICE_GUARD_INSTALL));
	(void)sketch_load(sp, 8);
	blank(sp);
	EXPECT_OK(call_mincore(sp, PAGE(1), PAGE(6) + 1, PAGE(10)));
	assert_string_equal(told(sp, 8), "0111001e");
	assert_false(sketch_is_present(sp, 7));
	blank(sp);
	EXPECT_ERR(call_mincore(sp, PAGE(7), PAGE(3), PAGE(10)), ERR_NOMEM);
	assert_string_equal(told(sp, 3), "11e");
	object_put(file);
	sketch_end(sp);
}

/* page      1 2 3 4
 * file      F F F F     guards on 2 and 3; the page behind 3 has gone from the object
 * told      1 1 0 1 */
static void
behind_a_guard_the_object_is_asked(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_R, file, 0, MAPF_SHARED);
	sketch_map(sp, 10, 11, PROT_RW, 0);
	for (unsigned page = 1; page < 5; page++)
		(void)sketch_load(sp, page);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_GUARD_INSTALL));
	object_punch(file, 2, 1);
	blank(sp);
	EXPECT_OK(call_mincore(sp, PAGE(1), PAGE(4), PAGE(10)));
	assert_string_equal(told(sp, 5), "1101e");
	object_put(file);
	sketch_end(sp);
}

static void
errors_are_linuxs(void **state)
{
	const vaddr_t kernel = (vaddr_t)1 << 63;
	const struct {
		vaddr_t	 addr;
		uint64_t length;
		vaddr_t	 vec;
		err_t	 err;
	} cases[] = {
		{ PAGE(1) + 1, PAGE(1), PAGE(10), ERR_INVAL },
		{ PAGE(1) + 1, 0, PAGE(10), ERR_INVAL },
		{ PAGE(1) + 1, PAGE(1), UINT64_MAX, ERR_INVAL },
		{ PAGE(1), 0, PAGE(10), OK },
		{ PAGE(1), 0, 8, OK },
		{ PAGE(6), 0, PAGE(10), OK },
		{ PAGE(6), PAGE(1), PAGE(10), ERR_NOMEM },
		{ PAGE(1), PAGE(1), PAGE(6), ERR_FAULT },
		{ PAGE(6), PAGE(1), UINT64_MAX, ERR_FAULT },
		{ PAGE(1), UINT64_MAX, PAGE(10), ERR_NOMEM },
		{ PAGE(1), UINT64_MAX, UINT64_MAX, ERR_NOMEM },
		{ kernel, PAGE(1), PAGE(10), ERR_NOMEM },
		{ kernel, PAGE(1), 8, ERR_NOMEM },
		{ PAGE(1), PAGE(1), PAGE(11) - 1, OK },
		{ PAGE(1), PAGE(2), PAGE(11) - 1, ERR_FAULT },
		{ PAGE(1), PAGE(1), PAGE(3), ERR_FAULT },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 4, PROT_R, 0);
	sketch_map(sp, 10, 11, PROT_RW, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(call_mincore(sp, cases[i].addr, cases[i].length, cases[i].vec),
			   cases[i].err);
	sketch_end(sp);
}

TEST_SUITE(mincore, cmocka_unit_test(entries_and_objects_say_what_is_there),
	   cmocka_unit_test(behind_a_guard_the_object_is_asked),
	   cmocka_unit_test(errors_are_linuxs))
