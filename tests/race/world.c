/* world.c - see world.h. */
#include "race/world.h"
#include "unit/swap_store.h"

#include <sim/sim.h>

#include "reclaim/tables.h"

struct race_world world;

static struct swap_store store;

void
start_area(uint64_t pages, unsigned flags)
{
	struct space_layout layout = space_default_layout();

	EXPECT_OK(space_create(&layout, &world.parent));
	EXPECT_OK(space_add_thread(world.parent));
	world.area = map_area(world.parent, 0, pages, flags);
	assert_true(world.area < ARCH_USER_END);
}

void
start_parent(void)
{
	start_area(AREA_PAGES, MAPF_PRIVATE);
}

void
start_touched(void)
{
	start_parent();
	for (unsigned i = 0; i < AREA_PAGES; i++)
		assert_int_equal(store_word(world.parent, PAGE(i), i + 1), i + 1);
}

void
start_forked(void)
{
	start_touched();
	EXPECT_OK(space_fork(world.parent, &world.child));
}

void
start_object(unsigned flags)
{
	EXPECT_OK(object_create(&pager_zero, 7, AREA_PAGES, NULL, &world.object));
	start_area(AREA_PAGES, flags);
}

void
start_stored(void)
{
	EXPECT_OK(object_create_stored(7, AREA_PAGES * ARCH_PAGE_SIZE, &world.object));
	start_area(AREA_PAGES, MAPF_SHARED);
	assert_int_equal(store_word(world.parent, PAGE(0), 1), 1);
}

/* The device is at work. */
static void
at_work(void *arg)
{
	(void)arg;
	arch_point();
}

void
add_device(void)
{
	swap_store_make(&store, 32);
	store.during = at_work;
}

void
drop_device(void)
{
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
}

vaddr_t
map_area(struct space *sp, vaddr_t at, uint64_t pages, unsigned flags)
{
	struct map_request request = {
		.addr = at,
		.length = pages * ARCH_PAGE_SIZE,
		.prot = PROT_RW,
		.flags = flags | (at ? MAPF_FIXED : 0) | (world.object ? 0 : MAPF_ANONYMOUS),
		.object = world.object,
	};
	vaddr_t va = 0;
	err_t	err = space_map(sp, &request, &va);

	return err ? (vaddr_t)(int64_t)err : va;
}

uint64_t
load_word(struct space *sp, vaddr_t va)
{
	uint64_t	  word = 0;
	enum fault_result result = sim_user(sp, ACCESS_LOAD, va, &word, sizeof(word));

	return result == FAULT_DONE ? word : FAULTED | result;
}

uint64_t
store_word(struct space *sp, vaddr_t va, uint64_t word)
{
	enum fault_result result = sim_user(sp, ACCESS_STORE, va, &word, sizeof(word));

	return result == FAULT_DONE ? word : FAULTED | result;
}

/* Operations. */

uint64_t
store_parent(unsigned cpu)
{
	return store_word(world.parent, PAGE(0), 100 + cpu);
}

uint64_t
store_parent_1(unsigned cpu)
{
	return store_word(world.parent, PAGE(1), 200 + cpu);
}

uint64_t
load_parent(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(0));
}

uint64_t
load_parent_1(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(1));
}

uint64_t
store_child(unsigned cpu)
{
	return store_word(world.child, PAGE(0), 300 + cpu);
}

uint64_t
load_child(unsigned cpu)
{
	(void)cpu;
	return load_word(world.child, PAGE(0));
}

uint64_t
copy_out_of_child(unsigned cpu)
{
	uint64_t word = 0;
	size_t	 missing = copy_from_space(world.child, &word, PAGE(0), sizeof(word));

	(void)cpu;
	return missing ? FAULTED | missing : word;
}

uint64_t
unmap_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.parent, PAGE(0), ARCH_PAGE_SIZE);
}

uint64_t
unmap_parent_all(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.parent, PAGE(0), AREA_PAGES * ARCH_PAGE_SIZE);
}

uint64_t
unmap_child_all(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.child, PAGE(0), AREA_PAGES * ARCH_PAGE_SIZE);
}

uint64_t
protect_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), ARCH_PAGE_SIZE, PROT_R);
}

uint64_t
protect_parent_2(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE, PROT_R);
}

uint64_t
dontneed_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_DONTNEED);
}

uint64_t
lock_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_lock(world.parent, PAGE(0), ARCH_PAGE_SIZE, 0);
}

uint64_t
move_parent(unsigned cpu)
{
	const struct remap_request request = { .addr = PAGE(0),
					       .old_length = ARCH_PAGE_SIZE,
					       .new_length = ARCH_PAGE_SIZE,
					       .flags = REMAP_MAYMOVE | REMAP_FIXED,
					       .new_addr = PAGE(2) };
	struct va_range		   fresh;
	vaddr_t			   at;

	(void)cpu;
	return (uint64_t)space_remap(world.parent, &request, &at, &fresh);
}

uint64_t
load_moved(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(2));
}

uint64_t
fork_parent(unsigned cpu)
{
	return (uint64_t)space_fork(world.parent, &world.born[cpu]);
}

uint64_t
store_born(unsigned cpu)
{
	return world.born[cpu] ? store_word(world.born[cpu], PAGE(0), 400 + cpu) : UNBORN;
}

uint64_t
load_born(unsigned cpu)
{
	return world.born[cpu] ? load_word(world.born[cpu], PAGE(0)) : UNBORN;
}

uint64_t
exit_child(unsigned cpu)
{
	(void)cpu;
	pt_deactivate(&world.child->pt);
	space_put(world.child);
	world.child = NULL;
	return 0;
}

uint64_t
cut(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, 0);
	return 0;
}

uint64_t
grow(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, AREA_PAGES * ARCH_PAGE_SIZE);
	return 0;
}

uint64_t
write_back(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)object_write_back(world.object, 0, AREA_PAGES);
}

uint64_t
put_object(unsigned cpu)
{
	(void)cpu;
	object_put(world.object);
	world.object = NULL;
	return 0;
}

uint64_t
punch(unsigned cpu)
{
	(void)cpu;
	object_punch(world.object, 0, 1);
	return 0;
}

uint64_t
read_call(unsigned cpu)
{
	uint64_t word = 0;
	size_t	 done;
	err_t	 err = object_read(world.object, 0, &word, sizeof(word), &done);

	(void)cpu;
	return err ? FAULTED | (uint64_t)-err : word;
}

uint64_t
reclaim(unsigned cpu)
{
	(void)cpu;
	(void)tables_reclaim(100);
	return 0;
}
