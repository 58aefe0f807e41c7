/* test_figures.c - total, used, free, shared, cache and available, against the ledger. */
#include "unit/sketch.h"

#include <anymm/process.h>

/* counted - frames of this kind, by going through all descriptors. */
static uint64_t
counted(enum frame_kind kind)
{
	uint64_t nr = 0;

	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn);) {
		const struct frame *f = frame_of(pfn);
		uint64_t	    frames = UINT64_C(1) << f->order;

		nr += f->kind == kind ? frames : 0;
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
	return nr;
}

/* figures - which add up, and agree with the descriptors themselves. */
static struct memory_figures
figures(void)
{
	struct memory_figures f = memory_figures();
	uint64_t	      used = 0;

	for (unsigned kind = FRAME_FREE + 1; kind < FRAME_KINDS; kind++)
		used += counted((enum frame_kind)kind);
	assert_int_equal(f.free, counted(FRAME_FREE));
	assert_int_equal(f.used, used);
	assert_int_equal(f.total, f.used + f.free);
	assert_int_equal(f.shared + f.cache, counted(FRAME_OBJECT));
	assert_true(f.available <= f.total - f.shared - frame_totals().reserve);
	machine_check_invariants();
	return f;
}

/* map - so many pages of the object (NULL: shared anonymous), and the first `touched` read. */
static vaddr_t
map(struct space *sp, struct object *object, unsigned pages, unsigned touched)
{
	struct map_request request = {
		.length = (uint64_t)pages << ARCH_PAGE_SHIFT,
		.prot = PROT_RW,
		.flags = MAPF_SHARED | (object ? 0 : MAPF_ANONYMOUS),
		.object = object,
	};
	vaddr_t va;
	uint8_t byte;

	EXPECT_OK(space_map(sp, &request, &va));
	for (unsigned i = 0; i < touched; i++)
		assert_int_equal(machine_user(sp, ACCESS_LOAD, va + ((vaddr_t)i << ARCH_PAGE_SHIFT),
					      &byte, 1),
				 FAULT_DONE);
	return va;
}

static void
store(struct space *sp, vaddr_t va)
{
	uint8_t byte = 1;

	assert_int_equal(machine_user(sp, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
}

/* A machine with nothing on it: nothing is shared or cached, and all but the reserve is available. */
static void
at_first_all_is_available(void **state)
{
	struct memory_figures f;

	(void)state;
	machine_fresh();
	f = figures();
	assert_int_equal(f.shared, 0);
	assert_int_equal(f.cache, 0);
	assert_int_equal(f.available, f.free - frame_totals().reserve);
	assert_int_equal(f.total, frame_totals().total - frame_totals().by_kind[FRAME_RESERVED]);
	machine_check();
}

/*
 * DRG-11: each page is in the figure it belongs to, from its first touch until the last holder is
 * gone: private pages are used, shared anonymous ones shared, those of files cache.
 */
static void
each_page_is_in_its_figure(void **state)
{
	struct memory_figures before, now;
	struct space	     *sp = sketch_space();
	struct object	     *file;
	vaddr_t		      shared, cached;

	(void)state;
	EXPECT_OK(object_create(&pager_memory_file, 1, 4, NULL, &file));
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store_all(sp, 1, 2);
	before = figures();
	/* a private page, with no table on the way to it any more */
	sketch_store(sp, 2, 1);
	now = figures();
	assert_int_equal(now.used, before.used + 1);
	assert_int_equal(now.available, before.available - 1);
	assert_int_equal(now.shared + now.cache, 0);
	shared = map(sp, NULL, 3, 2);
	cached = map(sp, file, 3, 3);
	now = figures();
	assert_int_equal(now.shared, 2);
	assert_int_equal(now.cache, 3);
	assert_int_equal(now.available, now.free - frame_totals().reserve + 3);
	/*
	 * Unmapped, the file keeps its pages, and shared memory does not. The page that was written to
	 * is known now to be dirty, and this file has nowhere to write it to.
	 */
	store(sp, cached);
	EXPECT_OK(space_unmap(sp, shared, 3 * ARCH_PAGE_SIZE));
	EXPECT_OK(space_unmap(sp, cached, 3 * ARCH_PAGE_SIZE));
	now = figures();
	assert_int_equal(now.shared, 0);
	assert_int_equal(now.cache, 3);
	assert_int_equal(now.available, now.free - frame_totals().reserve + 2);
	object_put(file);
	assert_int_equal(figures().cache, 0);
	sketch_end(sp);
}

/* Pages of a file with storage are available, dirty or not; the storage in memory itself is not. */
static void
what_is_stored_is_available(void **state)
{
	struct space	     *sp = sketch_space();
	struct memory_figures now;
	struct object	     *file;
	vaddr_t		      va;

	(void)state;
	EXPECT_OK(object_create_stored(1, 4 * ARCH_PAGE_SIZE, &file));
	va = map(sp, file, 4, 4);
	store(sp, va);
	now = figures();
	assert_int_equal(now.cache, 4);
	assert_int_equal(now.available, now.free - frame_totals().reserve + 4);
	EXPECT_OK(object_write_back(file, 0, 4));
	assert_int_equal(figures().shared, 1);
	assert_int_equal(figures().cache, 4);
	object_put(file);
	sketch_end(sp);
}

/* When memory is out, nothing is free but the reserve, and nothing is available. */
static void
the_end_is_zero(void **state)
{
	struct frame_request  request = { .kind = FRAME_KERNEL };
	struct memory_figures now;
	pfn_t		      all[256];
	unsigned	      nr = 0;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = 256 });
	while (frame_alloc(request, &all[nr]) == OK)
		nr++;
	now = figures();
	assert_int_equal(now.available, 0);
	assert_true(now.free <= frame_totals().reserve);
	while (nr)
		frame_release(all[--nr]);
	machine_check();
}

TEST_SUITE(figures, cmocka_unit_test(at_first_all_is_available),
	   cmocka_unit_test(each_page_is_in_its_figure),
	   cmocka_unit_test(what_is_stored_is_available), cmocka_unit_test(the_end_is_zero))
