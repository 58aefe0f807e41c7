/*
 * test_resolve.c - one entry under the lock of its table: entries that the calls of a
 * space rarely leave behind, put there by hand, and what refuses to be counted.
 */
#include "unit/pt_fixture.h"
#include "unit/sketch.h"

#include "fault/resolve.h"
#include "pt/state.h"

static enum fault_result
resolve(struct space *sp, enum access access, unsigned page)
{
	enum fault_result result;
	struct fault_wait wait;

	fault_wait_begin(&wait);
	read_lock(&sp->lock);
	result = fault_resolve(sp, space_find(sp, PAGE(page)), PAGE(page) + 5, access, &wait);
	read_unlock(&sp->lock);
	assert_false(fault_must_wait(&wait));
	return result;
}

static struct pte_leaf
leaf_at(struct space *sp, unsigned page)
{
	return arch_pte_decode_leaf(pt_look(&sp->pt, PAGE(page)).pte, 0);
}

/* private leaf of an object's frame that the object has let go of: ours alone, an
 * anonymous page from now on */
static void
a_frame_that_its_object_let_go_is_taken_over(void **state)
{
	struct space *sp = sketch_space();
	pfn_t	      page = page_make(FRAME_OBJECT);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	tree_put_leaf(&sp->pt, PAGE(1),
		      (struct pte_leaf){ .pfn = page, .prot = PROT_R, .is_private = true });
	stats_note();
	assert_int_equal(resolve(sp, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_REUSE, 1);
	EXPECT_STAT(PAGE_COPIES, 0);
	assert_int_equal(frame_of(page)->kind, FRAME_ANON);
	EXPECT_PAGE(&sp->pt, PAGE(1), page, PROT_RW);
	sketch_end(sp);
}

/* leaf      region   access    becomes
 * none      rw       load      r          private: only a write makes it writable
 * r         rwx      fetch     rx         likewise
 * none, S   rw       load      rw         shared: all that the region allows */
static void
a_leaf_that_allows_less_than_its_region_is_upgraded(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);
	pfn_t	       hidden, plain, object;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 2, 3, PROT_RWX, 0);
	sketch_map_file(sp, 4, 5, PROT_RW, file, 0, MAPF_SHARED);
	hidden = tree_put(&sp->pt, PAGE(1), 0);
	plain = tree_put(&sp->pt, PAGE(2), PROT_R);
	EXPECT_OK(object_get_page(file, 0, &object));
	tree_put_leaf(&sp->pt, PAGE(4), (struct pte_leaf){ .pfn = object });
	stats_note();
	assert_int_equal(resolve(sp, ACCESS_LOAD, 1), FAULT_DONE);
	assert_int_equal(resolve(sp, ACCESS_FETCH, 2), FAULT_DONE);
	assert_int_equal(resolve(sp, ACCESS_LOAD, 4), FAULT_DONE);
	EXPECT_STAT(FAULT_UPGRADE, 3);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(PTE_WRITES, 3);
	EXPECT_PAGE(&sp->pt, PAGE(1), hidden, PROT_R);
	EXPECT_PAGE(&sp->pt, PAGE(2), plain, PROT_RX);
	EXPECT_PAGE(&sp->pt, PAGE(4), object, PROT_RW);
	object_put(file);
	sketch_end(sp);
}

/* What hardware has noted in the entry stays when the entry allows more. */
static void
an_upgrade_keeps_accessed_and_dirty(void **state)
{
	struct space *sp = sketch_space();
	pfn_t	      page = page_make(FRAME_ANON);

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	tree_put_leaf(&sp->pt, PAGE(1),
		      (struct pte_leaf){ .pfn = page,
					 .prot = PROT_R,
					 .is_private = true,
					 .accessed = true,
					 .dirty = true });
	assert_int_equal(resolve(sp, ACCESS_STORE, 1), FAULT_DONE);
	assert_true(leaf_at(sp, 1).accessed && leaf_at(sp, 1).dirty);
	EXPECT_PAGE(&sp->pt, PAGE(1), page, PROT_RW);
	sketch_end(sp);
}

/* A private page that somebody else counts too (a device, another table) is copied; the other keeps it. */
static void
a_page_with_another_owner_is_copied(void **state)
{
	struct space *sp = sketch_space();
	pfn_t	      page;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RWX, 0);
	pt_activate(&sp->pt);
	page = tree_put(&sp->pt, PAGE(1), PROT_R);
	EXPECT_OK(frame_get(page));
	stats_note();
	assert_int_equal(resolve(sp, ACCESS_STORE, 1), FAULT_DONE);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(PTE_WRITES, 2); /* the copy first without, then with write permission */
	assert_int_equal(frame_count(page), 1);
	assert_false(pfn_eq(leaf_at(sp, 1).pfn, page));
	EXPECT_PAGE(&sp->pt, PAGE(1), leaf_at(sp, 1).pfn, PROT_RWX);
	assert_true(*(uint64_t *)arch_frame_ptr(leaf_at(sp, 1).pfn) == page.n);
	frame_release(page);
	sketch_end(sp);
}

/* A count that is full: lack of a resource, for an object's page and for a table's copy. */
static void
a_full_count_is_lack_of_memory(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);
	struct space  *child;
	pfn_t	       page;

	(void)state;
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_PRIVATE);
	EXPECT_OK(object_get_page(file, 0, &page));
	frame_release(page);
	atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX);
	assert_int_equal(resolve(sp, ACCESS_LOAD, 1), FAULT_NOMEM);
	atomic_store(&frame_of(page)->count, 1);
	assert_int_equal(resolve(sp, ACCESS_LOAD, 1), FAULT_DONE);

	EXPECT_OK(space_fork(sp, &child));
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX);
		assert_int_equal(resolve(child, ACCESS_LOAD, 2), FAULT_NOMEM);
		atomic_store(&frame_of(page)->count, 2);
	}
	assert_int_equal(resolve(child, ACCESS_LOAD, 2), FAULT_DONE);
	machine_check_invariants();
	space_put(child);
	object_put(file);
	sketch_end(sp);
}

/* The object's page is fetched once, and its count is not lost when the fault fails after that. */
static void
a_fetched_page_is_given_back_when_memory_is_out(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 8);
	pfn_t	       page;

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_PRIVATE);
	EXPECT_OK(object_get_page(file, 0, &page));
	for (unsigned n = 1; n <= ROOT_LEVEL + 1; n++) {
		machine_fail_allocation(n, true);
		assert_int_equal(resolve(sp, ACCESS_STORE, 1), FAULT_NOMEM);
		machine_fail_allocation(0, false);
		assert_int_equal(frame_count(page), 2);
	}
	assert_int_equal(resolve(sp, ACCESS_STORE, 1), FAULT_DONE);
	assert_int_equal(frame_count(page), 2);
	frame_release(page);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(resolve, cmocka_unit_test(a_frame_that_its_object_let_go_is_taken_over),
	   cmocka_unit_test(a_leaf_that_allows_less_than_its_region_is_upgraded),
	   cmocka_unit_test(an_upgrade_keeps_accessed_and_dirty),
	   cmocka_unit_test(a_page_with_another_owner_is_copied),
	   cmocka_unit_test(a_full_count_is_lack_of_memory),
	   cmocka_unit_test(a_fetched_page_is_given_back_when_memory_is_out))
