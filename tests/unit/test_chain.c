/*
 * test_chain.c - chains of frame records on copied stacks: the good ones arrive, and no
 * chain, whatever its words are, leads the walk astray.
 */
#include "unit/sketch.h"

#include <string.h>

#include "kstack/chain.h"

#define OLD_END	  ((vaddr_t)0xffff900000010000) /* where the old stack is said to end */
#define WORDS	  (KSTACK_BYTES / 8)
#define OLD(word) (OLD_END - KSTACK_BYTES + 8 * (vaddr_t)(word)) /* address of a word of it */

static struct kstack *copy;
static struct chain   chain;

/* word - of the copy, by its number from the stack's start. */
static uint64_t *
word(unsigned n)
{
	return kstack_pointer(copy, copy->range.start + 8 * n);
}

/* moved - where the copy has what the old stack had at word n. */
static vaddr_t
moved(unsigned n)
{
	return OLD(n) + chain.distance;
}

/* A copy of a stack whose words from `used` on are in use, all 0x11.. now. */
static void
start(unsigned used)
{
	machine_fresh();
	EXPECT_OK(kstack_create(&copy));
	chain = (struct chain){ .used = va_range(OLD(used), OLD_END),
				.distance = copy->range.end - OLD_END,
				.copy = copy };
	for (unsigned n = 0; n < WORDS; n++)
		*word(n) = 0x1111111111111111;
}

static void
end(void)
{
	kstack_destroy(copy);
	machine_check();
}

/* rebase - and expect so many records, and the innermost one there. */
static void
rebase(vaddr_t fp, uint64_t records, vaddr_t wanted)
{
	assert_int_equal(chain_rebase(&chain, &fp), records);
	assert_int_equal(fp, wanted);
}

/* word    2000   2010   2020
 *         f1     f2     0           (DRG-25) */
static void
a_good_chain_moves_along(void **state)
{
	(void)state;
	start(1990);
	*word(2000) = OLD(2010);
	*word(2010) = OLD(2020);
	*word(2020) = 0;
	rebase(OLD(2000), 3, moved(2000));
	assert_int_equal(*word(2000), moved(2010));
	assert_int_equal(*word(2010), moved(2020));
	assert_int_equal(*word(2020), 0);
	for (unsigned n = 0; n < WORDS; n++)
		if (n != 2000 && n != 2010 && n != 2020)
			assert_int_equal(*word(n), 0x1111111111111111);
	end();
}

/* Records may touch each other, cross pages, and stand at both ends. */
static void
records_at_the_borders_are_found(void **state)
{
	(void)state;
	start(100);
	*word(100) = OLD(102);
	*word(102) = OLD(511); /* link and return address on two pages */
	*word(511) = OLD(WORDS - 2);
	rebase(OLD(100), 4, moved(100));
	assert_int_equal(*word(100), moved(102));
	assert_int_equal(*word(102), moved(511));
	assert_int_equal(*word(511), moved(WORDS - 2));
	assert_int_equal(*word(WORDS - 2), 0x1111111111111111);
	end();
}

/* The link at word 2010 is what a test puts there: the walk ends, and the link stays. (DRG-B09) */
static void
hostile_links_end_the_walk(void **state)
{
	static const vaddr_t links[] = {
		0,
		8,
		0x7fffffffe000,
		UINT64_C(0x8000000000000000),
		UINT64_MAX,
		UINT64_MAX - 7,
		OLD(2000), /* back to the first: a cycle */
		OLD(2010), /* to itself */
		OLD(2011), /* into itself */
		OLD(1990), /* below the first */
		OLD(1989), /* below what is used */
		OLD(0),
		OLD(2020) + 1, /* not aligned */
		OLD(2020) + 4,
		OLD_END,     /* behind the end */
		OLD_END - 8, /* half a record */
		OLD_END + 4096,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(links); i++) {
		start(1990);
		*word(2000) = OLD(2010);
		*word(2010) = links[i];
		rebase(OLD(2000), 2, moved(2000));
		assert_int_equal(*word(2000), moved(2010));
		assert_int_equal(*word(2010), links[i]);
		end();
	}
}

/* A frame pointer that is no record is no pointer into the stack: it stays what it is. */
static void
a_hostile_frame_pointer_is_left_alone(void **state)
{
	static const vaddr_t fps[] = { 0,	1,	    OLD(1989), OLD(2000) + 1, OLD_END - 8,
				       OLD_END, UINT64_MAX, 0x1000,    OLD_END - 4 };

	(void)state;
	start(1990);
	for (unsigned i = 0; i < ARRAY_SIZE(fps); i++)
		rebase(fps[i], 0, fps[i]);
	for (unsigned n = 0; n < WORDS; n++)
		assert_int_equal(*word(n), 0x1111111111111111);
	end();
}

static void
nothing_used_is_no_chain(void **state)
{
	(void)state;
	start(WORDS);
	rebase(OLD(WORDS - 2), 0, OLD(WORDS - 2));
	rebase(OLD_END, 0, OLD_END);
	end();
}

/* The longest chain there can be: every second word a link. */
static void
a_full_stack_of_records_is_walked_once(void **state)
{
	(void)state;
	start(0);
	for (unsigned n = 0; n + 2 < WORDS; n += 2)
		*word(n) = OLD(n + 2);
	*word(WORDS - 2) = OLD(0);
	rebase(OLD(0), WORDS / 2, moved(0));
	for (unsigned n = 0; n + 2 < WORDS; n += 2)
		assert_int_equal(*word(n), moved(n + 2));
	assert_int_equal(*word(WORDS - 2), OLD(0));
	end();
}

/* What random words may contain: plausible links above all. */
static uint64_t
hostile_word(uint64_t *random)
{
	unsigned near = (unsigned)(test_random(random) % WORDS);

	switch (test_random(random) % 8) {
	case 0:
		return 0;
	case 1:
		return test_random(random);
	case 2:
		return OLD(near) + test_random(random) % 8;
	case 3:
		return OLD_END - 16 + 8 * (test_random(random) % 4);
	default:
		return OLD(near);
	}
}

/*
 * The same by another way: a table of what each word should become. Words are followed while they
 * lead upwards to aligned records inside; a set of visited words must never be met again.
 */
static uint64_t
expect_words(uint64_t *words, unsigned used, vaddr_t fp)
{
	static bool visited[WORDS];
	uint64_t    records = 0;

	memset(visited, 0, sizeof(visited));
	for (vaddr_t lowest = OLD(used); fp % 8 == 0 && fp >= lowest && fp <= OLD_END - 16;) {
		unsigned n = (unsigned)((fp - OLD(0)) / 8);
		vaddr_t	 next = words[n];

		assert_false(visited[n]);
		visited[n] = true;
		records++;
		lowest = fp + 16;
		fp = next;
		if (next % 8 == 0 && next >= lowest && next <= OLD_END - 16)
			words[n] = next + chain.distance;
	}
	return records;
}

static void
random_stacks_become_what_a_model_says(void **state)
{
	static uint64_t expected[WORDS];
	uint64_t	random = test_seed(25);
	uint64_t	longest = 0;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned used = (unsigned)(test_random(&random) % WORDS);
		vaddr_t	 fp, wanted;
		uint64_t records;

		start(used);
		for (unsigned n = used; n < WORDS; n++)
			*word(n) = hostile_word(&random);
		/* Half the stacks begin with a chain that is good for some steps. */
		for (unsigned n = used; round % 2 && n + 20 < WORDS; n += 2 + round % 16)
			*word(n) = OLD(n + 2 + round % 16);
		for (unsigned n = 0; n < WORDS; n++)
			expected[n] = *word(n);
		fp = round % 2 ? OLD(used) : hostile_word(&random);
		records = expect_words(expected, used, fp);
		wanted = records ? fp + chain.distance : fp;
		rebase(fp, records, wanted);
		for (unsigned n = 0; n < WORDS; n++)
			assert_int_equal(*word(n), expected[n]);
		longest = records > longest ? records : longest;
		end();
	}
	assert_true(longest > 100);
}

TEST_SUITE(chain, cmocka_unit_test(a_good_chain_moves_along),
	   cmocka_unit_test(records_at_the_borders_are_found),
	   cmocka_unit_test(hostile_links_end_the_walk),
	   cmocka_unit_test(a_hostile_frame_pointer_is_left_alone),
	   cmocka_unit_test(nothing_used_is_no_chain),
	   cmocka_unit_test(a_full_stack_of_records_is_walked_once),
	   cmocka_unit_test(random_stacks_become_what_a_model_says))
