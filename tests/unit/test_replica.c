/*
 * test_replica.c - per-node tables of one space: filled on demand, never allowing too much.
 *
 * Machines have four nodes of two CPUs. Each access is made on the first CPU of a node.
 */
#include "unit/pt_fixture.h"
#include "unit/sketch.h"

#include "pt/replica.h"

#define NODES 4

static struct space *
replicated_space(void)
{
	struct space *sp = sketch_space_on(NODES);

	EXPECT_OK(space_replicate(sp));
	return sp;
}

static pfn_t
node_root(struct space *sp, unsigned node)
{
	return (pfn_t){ atomic_load(&atomic_load(&sp->pt.replicas)->node[node].root) };
}

/* What the node's own tables say of a page. */
static struct machine_translation
node_view(struct space *sp, unsigned node, unsigned page)
{
	return machine_translate(node_root(sp, node), PAGE(page));
}

static void
store_on(unsigned node, struct space *sp, unsigned page, uint8_t byte)
{
	sketch_on(node);
	sketch_store(sp, page, byte);
	machine_check_invariants();
}

static void
expect_on_all(struct space *sp, unsigned page, uint8_t byte)
{
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_load(sp, page), byte);
		machine_check_invariants();
	}
}

/*
 * ALM-01, ALM-02, ALM-10: the reference has everything; a node has what it asked for, in tables that
 * lie on it, and a miss there is answered from the reference.
 */
static void
a_node_has_what_it_asked_for(void **state)
{
	struct space *sp = replicated_space();
	pfn_t	      frame;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	stats_note();
	store_on(2, sp, 1, 11);
	EXPECT_STAT(FAULT_ZERO_FILL, 1);
	EXPECT_STAT(REPLICA_FILLS, 1);
	EXPECT_STAT(FAULT_SPURIOUS, 0);
	frame = machine_translate(sp->pt.root, PAGE(1)).pfn;
	assert_int_equal(frame_node(frame), 2);
	assert_true(node_view(sp, 2, 1).prot & PROT_W);
	assert_false(node_view(sp, 0, 1).present);
	assert_int_equal(frame_node(node_root(sp, 0)), 0);
	assert_int_equal(frame_node(node_root(sp, 3)), 3);
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_load(sp, 1), 11);
		assert_true(pfn_eq(node_view(sp, node, 1).pfn, frame));
		assert_false(node_view(sp, node, 2).present);
	}
	/* Three misses, which the reference could answer: nothing was allocated but tables. */
	EXPECT_STAT(FAULT_SPURIOUS, 3);
	EXPECT_STAT(REPLICA_FILLS, 4);
	EXPECT_STAT(FAULT_ZERO_FILL, 1);
	sketch_end(sp);
}

/*
 * ALM-01, ALM-03: the regions are one list, which every node reads: while one holds them in place for reading,
 * the others find theirs, and what one node has mapped all others see.
 */
static void
regions_are_read_from_every_node(void **state)
{
	struct space *sp = replicated_space();

	(void)state;
	EXPECT_OK(space_add_thread(sp));
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		sketch_map(sp, node + 1, node + 2, PROT_RW, 0);
	}
	sketch_on(0);
	read_lock(&sp->lock);
	for (unsigned node = 1; node < NODES; node++) {
		sketch_on(node);
		for (unsigned page = 1; page <= NODES; page++)
			sketch_store(sp, page, (uint8_t)node);
	}
	sketch_on(0);
	read_unlock(&sp->lock);
	for (unsigned page = 1; page <= NODES; page++)
		expect_on_all(sp, page, NODES - 1);
	sketch_end(sp);
}

/* Without replicas nothing of this is done, and no frame is used. */
static void
nothing_for_those_who_have_none(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	stats_note();
	for (unsigned node = 0; node < NODES; node++)
		store_on(node, sp, 1, 1);
	EXPECT_STAT(REPLICA_FILLS, 0);
	EXPECT_STAT(FAULT_SPURIOUS, 0);
	EXPECT_STAT(TABLE_ALLOCS, ARCH_PT_LEVELS - 1);
	assert_false(pt_has_replicas(&sp->pt));
	sketch_end(sp);
}

/* ALM-12: the copy that a write makes takes the old frame's place in every node that had it, and only there. */
static void
a_copy_on_write_reaches_every_node(void **state)
{
	struct space *sp = replicated_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	store_on(0, sp, 1, 1);
	store_on(0, sp, 2, 2);
	EXPECT_OK(space_fork(sp, &child));
	for (unsigned node = 0; node < 3; node++) {
		sketch_on(node);
		assert_int_equal(sketch_load(sp, 1), 1);
		assert_int_equal(sketch_load(sp, 2), 2);
	}
	stats_note();
	store_on(1, sp, 1, 9);
	EXPECT_STAT(FAULT_COPY, 1);
	EXPECT_STAT(REPLICA_DROPS, 3);
	EXPECT_STAT(REPLICA_CLEARS, 0);
	assert_true(node_view(sp, 0, 2).present);
	assert_false(node_view(sp, 3, 1).present);
	expect_on_all(sp, 1, 9);
	expect_on_all(child, 1, 1);
	sketch_drop(child);
	sketch_end(sp);
}

/*
 * ALM-17, ALM-21, ALM-B01, ALM-B04, ALM-B08: a fork takes the right to write from the parent in
 * every node before it ends, and what a node asks for later comes without it.
 */
static void
a_fork_protects_the_parent_everywhere(void **state)
{
	struct space *sp = replicated_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	for (unsigned node = 0; node < 3; node++) {
		store_on(node, sp, 1, 1);
		assert_true(node_view(sp, node, 1).prot & PROT_W);
	}
	sketch_on(3);
	stats_note();
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	EXPECT_STAT(REPLICA_CLEARS, 3);
	for (unsigned node = 0; node < NODES; node++)
		assert_false(node_view(sp, node, 1).present);
	sketch_on(3);
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(node_view(sp, 3, 1).prot & PROT_W, 0);
	store_on(3, sp, 1, 77);
	expect_on_all(child, 1, 1);
	expect_on_all(sp, 1, 77);
	sketch_drop(child);
	sketch_end(sp);
}

/* ALM-13: taking rights from entries that nodes have needs no memory. */
static void
taking_rights_needs_no_memory(void **state)
{
	struct space *sp = replicated_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	for (unsigned node = 0; node < NODES; node++)
		for (unsigned page = 1; page < 4; page++)
			store_on(node, sp, page, (uint8_t)page);
	machine_fail_allocation(1, true);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(3), PROT_R));
	machine_check_invariants();
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_access(sp, ACCESS_STORE, 2), FAULT_SEGV_ACCERR);
	}
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(3)));
	machine_check_invariants();
	machine_fail_allocation(0, false);
	sketch_end(sp);
}

/* A page that is read only costs a fault at its first write in a node: the dirty bit is the reference's. */
static void
a_write_is_noted_in_the_reference(void **state)
{
	struct space  *sp = replicated_space();
	struct object *file;

	(void)state;
	EXPECT_OK(object_create_stored(1, PAGE(2), &file));
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		(void)sketch_load(sp, 1);
		assert_int_equal(node_view(sp, node, 1).prot & PROT_W, 0);
	}
	store_on(3, sp, 1, 5);
	assert_true(node_view(sp, 3, 1).prot & PROT_W);
	EXPECT_OK(object_write_back(file, 0, 2));
	machine_check_invariants();
	assert_false(node_view(sp, 3, 1).present);
	/* Written again after that, it is stored again. */
	store_on(2, sp, 1, 6);
	EXPECT_OK(object_write_back(file, 0, 2));
	assert_int_equal(object_evict(file, 0, 2), 1);
	expect_on_all(sp, 1, 6);
	object_put(file);
	sketch_end(sp);
}

/* Truncation finds the spaces through the object, and their nodes through the flush. */
static void
a_lost_page_is_lost_everywhere(void **state)
{
	struct space  *sp = replicated_space();
	struct object *file = sketch_file(1, 4);

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_PRIVATE);
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		(void)sketch_load(sp, 3);
		(void)sketch_load(sp, 1);
	}
	object_resize(file, PAGE(1));
	machine_check_invariants();
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_access(sp, ACCESS_LOAD, 3), FAULT_BUS_ADRERR);
		assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_DONE);
	}
	object_put(file);
	sketch_end(sp);
}

/* What is executable stays so, what has no access has no entry, and more rights come by a fault. */
static void
rights_grow_by_faults(void **state)
{
	struct space *sp = replicated_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_R, 0);
	expect_on_all(sp, 1, 0);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_RW | PROT_X));
	machine_check_invariants();
	for (unsigned node = 0; node < NODES; node++) {
		sketch_on(node);
		assert_int_equal(sketch_access(sp, ACCESS_FETCH, 1), FAULT_DONE);
		machine_check_invariants();
	}
	store_on(1, sp, 1, 3);
	expect_on_all(sp, 1, 3);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), 0));
	machine_check_invariants();
	for (unsigned node = 0; node < NODES; node++)
		assert_false(node_view(sp, node, 1).present);
	sketch_end(sp);
}

/* Replicas come and go while every CPU has the space active. */
static void
replicas_come_and_go_under_running_cpus(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	expect_on_all(sp, 1, 0);
	for (unsigned round = 0; round < 2; round++) {
		EXPECT_OK(space_replicate(sp));
		for (unsigned node = 0; node < NODES; node++)
			store_on(node, sp, 1, (uint8_t)(round + 1));
		assert_true(node_view(sp, 1, 1).present);
		expect_on_all(sp, 1, (uint8_t)(round + 1));
		space_unreplicate(sp);
		machine_check_invariants();
		assert_true(pfn_is_none(node_root(sp, 1)));
		stats_note();
		expect_on_all(sp, 1, (uint8_t)(round + 1));
		EXPECT_STAT(REPLICA_FILLS, 0);
		EXPECT_STAT(FAULT_SPURIOUS, 0);
	}
	sketch_end(sp);
}

/*
 * No memory for a node's tables: it walks the reference's, and its CPUs, one of which was at work
 * in the old ones, lose nothing. When memory is there again, it may try again.
 */
static void
a_node_without_memory_walks_the_reference(void **state)
{
	struct space *sp = replicated_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	store_on(0, sp, 1, 1);
	machine_cpu_set(3); /* the other CPU of node 1 runs there too */
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_on(2);
	assert_int_equal(sketch_load(sp, 1), 1);
	stats_note();
	sketch_on(3);
	machine_fail_allocation(1, true);
	assert_int_equal(sketch_load(sp, 1), 1);
	machine_check_invariants();
	EXPECT_STAT(REPLICA_LOSSES, 1);
	assert_true(pfn_is_none(node_root(sp, 3)));
	assert_false(pfn_is_none(node_root(sp, 1)));
	expect_on_all(sp, 1, 1);
	EXPECT_STAT(REPLICA_LOSSES, NODES);
	machine_fail_allocation(0, false);
	machine_cpu_set(3);
	assert_int_equal(sketch_load(sp, 1), 1);
	expect_on_all(sp, 1, 1);
	EXPECT_OK(space_replicate(sp));
	stats_note();
	expect_on_all(sp, 1, 1);
	EXPECT_STAT(REPLICA_FILLS, NODES);
	EXPECT_STAT(REPLICA_LOSSES, 0);
	sketch_end(sp);
}

/* Each allocation of an access fails once: it is served all the same, if the reference could be. */
static void
no_access_fails_for_want_of_a_replica(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= ARCH_PT_LEVELS; n++) {
		struct space *sp = replicated_space();

		sketch_map(sp, 1, 4, PROT_RW, 0);
		store_on(0, sp, 1, 1);
		stats_note();
		sketch_on(1);
		machine_fail_allocation(n, false);
		assert_int_equal(sketch_load(sp, 1), 1);
		machine_fail_allocation(0, false);
		machine_check_invariants();
		EXPECT_STAT(REPLICA_LOSSES, n < ARCH_PT_LEVELS);
		sketch_end(sp);
	}
}

static err_t
replicate(struct space *sp)
{
	return space_replicate(sp);
}

static void
a_failed_call_changes_nothing(void **state)
{
	struct space *sp = sketch_space_on(NODES);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	expect_on_all(sp, 1, 0);
	assert_int_equal(sketch_fail_each(replicate, sp), 1 + NODES);
	expect_on_all(sp, 1, 0);
	sketch_end(sp);
}

/* A child has replicas like its parent; without memory for them it has none. */
static void
children_inherit_replicas(void **state)
{
	struct space *sp = replicated_space();
	struct space *child;
	uint64_t      allocations;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	store_on(0, sp, 1, 1);
	allocations = machine_allocations();
	EXPECT_OK(space_fork(sp, &child));
	allocations = machine_allocations() - allocations;
	assert_true(pt_has_replicas(&child->pt));
	expect_on_all(child, 1, 1);
	sketch_drop(child);
	machine_fail_allocation(allocations - NODES, true);
	EXPECT_OK(space_fork(sp, &child));
	machine_fail_allocation(0, false);
	assert_false(pt_has_replicas(&child->pt));
	expect_on_all(child, 1, 1);
	store_on(2, child, 1, 2);
	expect_on_all(sp, 1, 1);
	sketch_drop(child);
	sketch_end(sp);
}

/* Empty tables of a replica do not stay: what a space maps once costs nothing later. */
static void
tables_go_with_their_last_entry(void **state)
{
	struct space *sp = replicated_space();
	uint64_t      before = frame_totals().by_kind[FRAME_TABLE];

	(void)state;
	for (unsigned page = 1; page < SKETCH_PAGES; page++) {
		sketch_map(sp, page, page + 1, PROT_RW, 0);
		for (unsigned node = 0; node < NODES; node++)
			store_on(node, sp, page, 1);
		assert_true(frame_totals().by_kind[FRAME_TABLE] > before);
		EXPECT_OK(space_unmap(sp, PAGE(page), PAGE(1)));
		machine_check_invariants();
		assert_int_equal(frame_totals().by_kind[FRAME_TABLE], before);
	}
	sketch_end(sp);
}

TEST_SUITE(replica, cmocka_unit_test(a_node_has_what_it_asked_for),
	   cmocka_unit_test(regions_are_read_from_every_node),
	   cmocka_unit_test(nothing_for_those_who_have_none),
	   cmocka_unit_test(a_copy_on_write_reaches_every_node),
	   cmocka_unit_test(a_fork_protects_the_parent_everywhere),
	   cmocka_unit_test(taking_rights_needs_no_memory),
	   cmocka_unit_test(a_write_is_noted_in_the_reference),
	   cmocka_unit_test(a_lost_page_is_lost_everywhere),
	   cmocka_unit_test(rights_grow_by_faults),
	   cmocka_unit_test(replicas_come_and_go_under_running_cpus),
	   cmocka_unit_test(a_node_without_memory_walks_the_reference),
	   cmocka_unit_test(no_access_fails_for_want_of_a_replica),
	   cmocka_unit_test(a_failed_call_changes_nothing),
	   cmocka_unit_test(children_inherit_replicas),
	   cmocka_unit_test(tables_go_with_their_last_entry))
