/*
 * test_region.c - regions cut, joined and counted: each step by hand, then random
 * mappings, unmappings and protections against one record for each page.
 */
#include "space/regions.h"

#include "unit/sketch.h"

/* LUN-01, WNX-01:
 * page      2 3 4 5 6
 * before    A A A A A      a file from page 10 on; two references: region and test
 * split     A A B B B      three; B starts at file page 12
 * merge     A A A A A      two again */
static void
split_and_merge_keep_object_and_sums(void **state)
{
	struct space	     *sp = sketch_space();
	struct object	     *file = sketch_file(7, 100);
	struct region_reserve reserve;
	struct region	     *lower, *upper;

	(void)state;
	sketch_map_file(sp, 2, 7, PROT_RW, file, 10, MAPF_PRIVATE);
	EXPECT_OK(region_reserve(&reserve, 2));
	write_lock(&sp->lock);
	lower = space_first(sp);
	upper = region_split(lower, PAGE(4), &reserve);
	assert_int_equal(reserve.nr, 1);
	region_reserve_drop(&reserve);
	assert_int_equal(upper->offset, 12);
	assert_ptr_equal(region_next(lower), upper);
	assert_int_equal(file->refs, 3);
	assert_true(region_agrees(lower, upper));
	assert_false(region_agrees(upper, lower));
	assert_int_equal(region_page_index(lower, PAGE(3)), 11);
	region_merge_around(sp, va_range(PAGE(4), PAGE(4) + 1));
	write_unlock(&sp->lock);
	EXPECT_REGIONS(sp, "2-7 rw @7:10");
	assert_int_equal(file->refs, 2);
	assert_int_equal(sp->total_pages, 5);
	object_put(file);
	sketch_end(sp);
}

static void
a_reserve_that_cannot_be_had_holds_nothing(void **state)
{
	struct space	     *sp = sketch_space();
	struct region_reserve reserve;

	(void)state;
	machine_fail_allocation(2, false);
	EXPECT_ERR(region_reserve(&reserve, 2), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(space_live_regions(), 0);
	sketch_end(sp);
}

static void
what_is_charged_and_what_is_data(void **state)
{
	const struct {
		prot_t	 prot;
		unsigned flags;
		bool	 charged, data;
	} cases[] = {
		{ PROT_RW, 0, true, true },
		{ PROT_W, 0, true, true },
		{ PROT_RWX, 0, true, true },
		{ PROT_R, 0, false, false },
		{ 0, 0, false, false },
		{ PROT_RW, REGION_NORESERVE, false, true },
		{ PROT_RW, REGION_SHARED, false, false },
		{ PROT_RW, REGION_GROWSDOWN, true, false },
		{ PROT_RW, REGION_DONTFORK, true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct region r = { .range = { PAGE(1), PAGE(4) },
				    .prot = cases[i].prot,
				    .flags = cases[i].flags };

		assert_int_equal(region_is_charged(r.prot, r.flags), cases[i].charged);
		assert_int_equal(region_is_data(r.prot, r.flags), cases[i].data);
		assert_int_equal(region_charge(&r), cases[i].charged ? 3 : 0);
	}
}

/* Bug class 26: one record for each page of the model: what a region must say about it. */
struct page_model {
	bool	 mapped;
	prot_t	 prot;
	unsigned flags;
	uint64_t object; /* id; 0: private anonymous */
	uint64_t index;	 /* page of the object */
};

static struct page_model model[SKETCH_PAGES];

static bool
continues(const struct page_model *a, const struct page_model *b)
{
	return a->mapped && b->mapped && a->prot == b->prot && a->flags == b->flags &&
	       a->object == b->object && (!a->object || a->index + 1 == b->index);
}

static void
compare_with_model(struct space *sp)
{
	struct region *r = space_first(sp);
	uint64_t       mapped = 0;

	for (unsigned page = 1; page < SKETCH_PAGES; page++) {
		const struct page_model *m = &model[page];

		if (!m->mapped) {
			assert_null(space_find(sp, PAGE(page)));
			continue;
		}
		mapped++;
		assert_non_null(r);
		assert_true(range_has(r->range, PAGE(page)));
		assert_int_equal(r->prot, m->prot);
		assert_int_equal(r->flags, m->flags);
		assert_int_equal(r->object ? r->object->id : 0, m->object);
		if (m->object)
			assert_int_equal(region_page_index(r, PAGE(page)), m->index);
		/* a region begins where the page before does not continue, and only there */
		assert_int_equal(r->range.start == PAGE(page), !continues(&model[page - 1], m));
		if (r->range.end == PAGE(page + 1))
			r = region_next(r);
	}
	assert_null(r);
	assert_int_equal(sp->total_pages, mapped);
	machine_check_invariants();
}

static void
model_set(unsigned from, unsigned to, struct page_model page)
{
	for (unsigned i = from; i < to; i++) {
		model[i] = page;
		page.index++;
	}
}

static void
random_map(struct space *sp, unsigned from, unsigned to, struct object *file, uint64_t *seed)
{
	prot_t	 prot = test_random(seed) % 2 ? PROT_RW : PROT_R;
	unsigned kind = test_random(seed) % 3;
	uint64_t index = from + test_random(seed) % 2;

	if (kind == 0) {
		sketch_map(sp, from, to, prot, 0);
		model_set(from, to, (struct page_model){ true, prot, 0, 0, 0 });
		return;
	}
	sketch_map_file(sp, from, to, prot, file, index, kind == 1 ? MAPF_PRIVATE : MAPF_SHARED);
	model_set(
		from, to,
		(struct page_model){ true, prot, kind == 1 ? 0 : REGION_SHARED, file->id, index });
}

static void
random_protect(struct space *sp, unsigned from, unsigned to, uint64_t *seed)
{
	prot_t	 prot = test_random(seed) % 2 ? PROT_RW : PROT_R;
	unsigned stop = from;

	while (stop < to && model[stop].mapped)
		model[stop++].prot = prot;
	EXPECT_ERR(space_protect(sp, PAGE(from), PAGE(to - from), prot),
		   stop == to ? OK : ERR_NOMEM);
}

static void
random_advise(struct space *sp, unsigned from, unsigned to, uint64_t *seed)
{
	bool keep = test_random(seed) % 2;
	bool hole = false;

	for (unsigned page = from; page < to; page++) {
		hole |= !model[page].mapped;
		if (model[page].mapped && keep)
			model[page].flags &= ~(unsigned)REGION_DONTFORK;
		else if (model[page].mapped)
			model[page].flags |= REGION_DONTFORK;
	}
	EXPECT_ERR(space_advise(sp, PAGE(from), PAGE(to - from),
				keep ? ADVICE_DOFORK : ADVICE_DONTFORK),
		   hole ? ERR_NOMEM : OK);
}

static void
random_steps_agree_with_the_model(void **state)
{
	uint64_t       seed = test_seed(42);
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 100);

	(void)state;
	model_set(0, SKETCH_PAGES, (struct page_model){ .mapped = false });
	for (unsigned step = 0; step < 1500; step++) {
		unsigned from = 1 + test_random(&seed) % (SKETCH_PAGES - 1);
		unsigned to = from + 1 + test_random(&seed) % (SKETCH_PAGES - from);

		switch (test_random(&seed) % 4) {
		case 0:
			random_map(sp, from, to, file, &seed);
			break;
		case 1:
			EXPECT_OK(space_unmap(sp, PAGE(from), PAGE(to - from)));
			for (unsigned page = from; page < to; page++)
				model[page].mapped = false;
			break;
		case 2:
			random_protect(sp, from, to, &seed);
			break;
		default:
			random_advise(sp, from, to, &seed);
		}
		sketch_access(sp, step % 2 ? ACCESS_LOAD : ACCESS_STORE, from);
		compare_with_model(sp);
	}
	object_put(file);
	sketch_end(sp);
}

/* expect_asked - the one region of sp is what it was asked to be. */
static void
expect_asked(struct space *sp, prot_t prot, bool shared, struct object *file)
{
	struct region *r = space_first(sp);

	assert_null(region_next(r));
	assert_ptr_equal(r->space, sp);
	assert_true(r->range.start == PAGE(2) && r->range.end == PAGE(5));
	assert_int_equal(r->prot, prot);
	assert_int_equal(r->flags, shared ? REGION_SHARED : 0);
	if (file)
		assert_ptr_equal(r->object, file);
	else
		assert_int_equal(r->object != NULL, shared);
	assert_int_equal(r->offset, file ? 3 : 0);
}

/*
 * LUN-01, LUN-02, DRG-02: a region has what was asked for and nothing else: its range, its rights, one of
 * two ways of sharing, a backing with an offset or none, and its space.
 */
static void
a_region_is_what_was_asked_for(void **state)
{
	static const prot_t prots[] = { 0, PROT_R, PROT_W, PROT_X, PROT_RW, PROT_RX, PROT_RWX };
	struct space	   *sp = sketch_space();
	struct object	   *file = sketch_file(7, 10);

	(void)state;
	for (unsigned i = 0; i < 4 * ARRAY_SIZE(prots); i++) {
		bool		   shared = i & 1, has_file = i & 2;
		struct map_request request = {
			.addr = PAGE(2),
			.length = PAGE(3),
			.prot = prots[i / 4],
			.flags = MAPF_FIXED | (shared ? MAPF_SHARED : MAPF_PRIVATE) |
				 (has_file ? 0 : MAPF_ANONYMOUS),
			.object = has_file ? file : NULL,
			.offset = has_file ? PAGE(3) : 0,
		};
		vaddr_t va;

		EXPECT_OK(space_map(sp, &request, &va));
		assert_int_equal(va, PAGE(2));
		expect_asked(sp, prots[i / 4], shared, has_file ? file : NULL);
		machine_check_invariants();
		EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(3)));
		assert_null(space_first(sp));
	}
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(region, cmocka_unit_test(split_and_merge_keep_object_and_sums),
	   cmocka_unit_test(a_reserve_that_cannot_be_had_holds_nothing),
	   cmocka_unit_test(what_is_charged_and_what_is_data),
	   cmocka_unit_test(random_steps_agree_with_the_model),
	   cmocka_unit_test(a_region_is_what_was_asked_for))
