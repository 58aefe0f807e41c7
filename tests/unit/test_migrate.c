/* test_migrate.c - pages go to other nodes: when they are told to, and with whoever touches them next. */
#include "unit/pt_fixture.h"
#include "unit/sketch.h"

#include <anymm/call.h>

#define NODES 4

static uint64_t
migrate(struct space *sp, unsigned from, unsigned to, unsigned node)
{
	uint64_t moved;

	EXPECT_OK(space_migrate(sp, PAGE(from), PAGE(to - from), node, &moved));
	machine_check_invariants();
	return moved;
}

static void
next_touch(struct space *sp, unsigned from, unsigned to)
{
	EXPECT_OK(space_advise(sp, PAGE(from), PAGE(to - from), ADVICE_NEXT_TOUCH));
	machine_check_invariants();
}

/* Contents, rights and dirty bits are as before; only the frames are others. */
static void
pages_move_with_all_they_have(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	(void)sketch_load(sp, 5); /* the zero frame is nobody's */
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(1), PROT_R));
	assert_int_equal(migrate(sp, 1, 6, 3), 4);
	for (unsigned page = 1; page < 5; page++) {
		assert_int_equal(sketch_node(sp, page), 3);
		assert_int_equal(sketch_load(sp, page), page);
		assert_int_equal(sketch_is_writable(sp, page), page != 2);
	}
	assert_int_equal(migrate(sp, 1, 6, 3), 0);
	sketch_store(sp, 1, 50);
	assert_int_equal(migrate(sp, 1, 2, 0), 1);
	assert_int_equal(sketch_load(sp, 1), 50);
	sketch_end(sp);
}

/* A page without access keeps its contents on the way, and gets its rights when the region does. */
static void
a_page_without_access_moves_too(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 9);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), 0));
	stats_note();
	next_touch(sp, 1, 2); /* it has nothing to lose */
	assert_int_equal(migrate(sp, 1, 2, 1), 1);
	EXPECT_STAT(FLUSH_PAGES, 0); /* nor has any CPU seen it since */
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_SEGV_ACCERR);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_RW));
	assert_int_equal(sketch_load(sp, 1), 9);
	assert_int_equal(sketch_node(sp, 1), 1);
	sketch_end(sp);
}

/* What others have too stays, in shared tables and in own ones; so does what a device uses. */
static void
shared_and_pinned_pages_stay(void **state)
{
	struct space *sp = sketch_space_on(NODES);
	struct space *child;
	pfn_t	      pinned;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(migrate(sp, 1, 4, 2), 0);
	sketch_store(sp, 1, 11); /* an own table now, with an own page and two shared ones */
	assert_int_equal(migrate(sp, 1, 4, 2), 1);
	assert_int_equal(sketch_node(sp, 1), 2);
	assert_int_equal(sketch_node(sp, 2), 0);
	sketch_drop(child);
	EXPECT_OK(call_pin(sp, PAGE(2), 1, PIN_WRITE, &pinned));
	assert_int_equal(migrate(sp, 1, 4, 1), 2);
	assert_int_equal(sketch_node(sp, 2), 0);
	call_unpin(&pinned, 1, false);
	assert_int_equal(migrate(sp, 1, 4, 1), 1);
	for (unsigned page = 2; page < 4; page++)
		assert_int_equal(sketch_load(sp, page), page);
	sketch_end(sp);
}

static void
objects_pages_stay(void **state)
{
	struct space  *sp = sketch_space_on(NODES);
	struct object *file = sketch_file(1, 4);

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 3, 5, PROT_RW, file, 2, MAPF_PRIVATE);
	sketch_store(sp, 1, 1);
	(void)sketch_load(sp, 3);
	sketch_store(sp, 4, 4);
	assert_int_equal(migrate(sp, 1, 5, 2), 1);
	assert_int_equal(sketch_node(sp, 4), 2);
	assert_int_equal(sketch_load(sp, 4), 4);
	object_put(file);
	sketch_end(sp);
}

/* ALM-16: an advice takes the rights; whoever touches a page next has it on its node. */
static void
pages_follow_the_next_toucher(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	next_touch(sp, 1, 5);
	for (unsigned page = 1; page < 5; page++) {
		sketch_on(page % NODES);
		if (page % 2)
			assert_int_equal(sketch_load(sp, page), page);
		else
			sketch_store(sp, page, (uint8_t)page);
		assert_int_equal(sketch_node(sp, page), page % NODES);
		assert_int_equal(sketch_is_writable(sp, page), page % 2 == 0);
		machine_check_invariants();
	}
	/* Only the next one: after that they stay. */
	sketch_on(3);
	for (unsigned page = 1; page < 5; page++) {
		assert_int_equal(sketch_load(sp, page), page);
		assert_int_equal(sketch_node(sp, page), page % NODES);
	}
	sketch_end(sp);
}

/* ALM-B06: pages that wait for their next touch go through fork, unmap and protection like others. */
static void
waiting_pages_are_pages(void **state)
{
	struct space *sp = sketch_space_on(NODES);
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	next_touch(sp, 1, 6);
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	sketch_on(2);
	assert_int_equal(sketch_load(child, 1), 1); /* shared: it stays */
	assert_int_equal(sketch_node(child, 1), 0);
	sketch_store(child, 2, 22);
	assert_int_equal(sketch_load(sp, 2), 2);
	sketch_drop(child);
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(1)));
	EXPECT_OK(space_protect(sp, PAGE(4), PAGE(1), PROT_R));
	sketch_on(3);
	assert_int_equal(sketch_load(sp, 4), 4);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 4), FAULT_SEGV_ACCERR);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 3), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(sp, 5), 5);
	assert_int_equal(sketch_node(sp, 5), 3);
	sketch_end(sp);
}

/* A region with a wish of its own gets its page there, not where it was touched. */
static void
a_region_keeps_its_policy(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 1);
	EXPECT_OK(space_place(sp, PAGE(1), PAGE(1),
			      (struct placement){ .policy = PLACE_NODE, .node = 1 }));
	next_touch(sp, 1, 2);
	sketch_on(3);
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(sketch_node(sp, 1), 1);
	sketch_end(sp);
}

/* Every node may have the old frame in its own tables: none has it any more. */
static void
replicas_see_the_move(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	EXPECT_OK(space_replicate(sp));
	sketch_map(sp, 1, 3, PROT_RW, 0);
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		sketch_store(sp, 1, (uint8_t)node);
	}
	assert_int_equal(migrate(sp, 1, 3, 2), 1);
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_load(sp, 1), NODES - 1);
		machine_check_invariants();
	}
	next_touch(sp, 1, 2);
	sketch_on(1);
	sketch_store(sp, 1, 99);
	assert_int_equal(sketch_node(sp, 1), 1);
	sketch_on(0);
	assert_int_equal(sketch_load(sp, 1), 99);
	sketch_end(sp);
}

/* Without memory on its way the move ends where it is, and nothing is lost. */
static void
without_memory_pages_stay(void **state)
{
	struct space *sp = sketch_space_on(NODES);
	uint64_t      moved;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	machine_fail_allocation(3, true);
	EXPECT_ERR(space_migrate(sp, PAGE(1), PAGE(4), 3, &moved), ERR_NOMEM);
	assert_int_equal(moved, 2);
	next_touch(sp, 1, 5);
	sketch_on(2);
	for (unsigned page = 1; page < 5; page++) {
		assert_int_equal(sketch_load(sp, page), page);
		assert_int_equal(sketch_node(sp, page), page < 3 ? 3 : 0);
	}
	machine_fail_allocation(0, false);
	sketch_end(sp);
}

/* fill_node - take all frames of the node, chained through their first bytes; gives the last. */
static pfn_t
fill_node(unsigned node)
{
	const struct frame_request request = { .kind = FRAME_KERNEL,
					       .by_node = true,
					       .node = node };
	pfn_t			   last = pfn_none();
	pfn_t			   pfn;

	for (;;) {
		EXPECT_OK(frame_alloc(request, &pfn));
		if (frame_node(pfn) != node)
			break;
		*(pfn_t *)arch_frame_ptr(pfn) = last;
		last = pfn;
	}
	frame_release(pfn);
	return last;
}

static void
empty_node(pfn_t last)
{
	while (!pfn_is_none(last)) {
		pfn_t pfn = last;

		last = *(pfn_t *)arch_frame_ptr(pfn);
		frame_release(pfn);
	}
}

/* A node that is full gets no page, and no page goes to a third node, or to its own, in its place. */
static void
a_full_node_gets_no_page(void **state)
{
	struct space *sp = sketch_space_on(NODES);
	uint64_t      moved, migrations;
	pfn_t	      taken;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	sketch_on(3);
	(void)sketch_load(sp, 1); /* what CPUs there need to run */
	taken = fill_node(3);
	migrations = stat_get(STAT_PAGE_MIGRATIONS);
	EXPECT_ERR(space_migrate(sp, PAGE(1), PAGE(2), 3, &moved), ERR_NOMEM);
	assert_int_equal(moved, 0);
	next_touch(sp, 1, 3);
	for (unsigned page = 1; page < 3; page++) {
		assert_int_equal(sketch_load(sp, page), page);
		assert_int_equal(sketch_node(sp, page), 0);
	}
	assert_int_equal(stat_get(STAT_PAGE_MIGRATIONS), migrations);
	empty_node(taken);
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	struct space *sp = sketch_space_on(2);
	uint64_t      moved;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	EXPECT_ERR(space_migrate(sp, PAGE(1) + 1, PAGE(1), 0, &moved), ERR_INVAL);
	EXPECT_ERR(space_migrate(sp, PAGE(1), UINT64_MAX, 0, &moved), ERR_INVAL);
	EXPECT_ERR(space_migrate(sp, PAGE(1), PAGE(SKETCH_PAGES), 0, &moved), ERR_INVAL);
	EXPECT_ERR(space_migrate(sp, PAGE(1), PAGE(1), 2, &moved), ERR_INVAL);
	EXPECT_OK(space_migrate(sp, PAGE(2), PAGE(8), 1, &moved));
	EXPECT_ERR(space_advise(sp, PAGE(2), PAGE(2), ADVICE_NEXT_TOUCH), ERR_NOMEM);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(1), 0));
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(1), ADVICE_NEXT_TOUCH), ERR_INVAL);
	sketch_end(sp);
}

/*
 * ALM-B02: a page that waits for its next touch has lost its rights for a while; in a read-only region it gets
 * back no more than it had, alone or shared with a child, and so does a copy that a write of another makes.
 */
static void
a_read_only_page_stays_so(void **state)
{
	struct space *sp = sketch_space_on(NODES);
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_R));
	next_touch(sp, 1, 2);
	EXPECT_OK(space_fork(sp, &child));
	next_touch(sp, 1, 4);
	for (unsigned page = 1; page < 3; page++) {
		assert_int_equal(sketch_load(sp, page), page);
		assert_int_equal(sketch_load(child, page), page);
		assert_false(sketch_is_writable(sp, page) || sketch_is_writable(child, page));
		assert_int_equal(sketch_access(sp, ACCESS_STORE, page), FAULT_SEGV_ACCERR);
		assert_int_equal(sketch_access(child, ACCESS_STORE, page), FAULT_SEGV_ACCERR);
	}
	sketch_store(sp, 3, 33); /* makes the path the parent's own, and writable */
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 1), FAULT_SEGV_ACCERR);
	sketch_drop(child);
	next_touch(sp, 1, 3);
	sketch_on(1);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_false(sketch_is_writable(sp, 2));
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 2), FAULT_SEGV_ACCERR);
	machine_check_invariants();
	sketch_end(sp);
}

TEST_SUITE(migrate, cmocka_unit_test(pages_move_with_all_they_have),
	   cmocka_unit_test(a_page_without_access_moves_too),
	   cmocka_unit_test(shared_and_pinned_pages_stay), cmocka_unit_test(objects_pages_stay),
	   cmocka_unit_test(pages_follow_the_next_toucher),
	   cmocka_unit_test(waiting_pages_are_pages), cmocka_unit_test(a_region_keeps_its_policy),
	   cmocka_unit_test(replicas_see_the_move), cmocka_unit_test(without_memory_pages_stay),
	   cmocka_unit_test(a_full_node_gets_no_page), cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_read_only_page_stays_so))
