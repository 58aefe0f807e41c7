/*
 * scenes.c - everything in the library that flushes, in a few seconds.
 *
 * Random stories do nearly all of it. What they meet too rarely has a scene: tags that run
 * out, tables without anything that could be cached below them, a gather that finds no
 * memory to note what it holds, pages that move, are locked or swapped out, shared memory that is,
 * and files that change under their mappings.
 */
#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/call.h>
#include <anymm/kstack.h>
#include <anymm/reclaim.h>

#include <sim/sim.h>

#include "model/story.h"

struct story scene_story;

static void
wrong(const char *what)
{
	fprintf(stderr, "wrong: %s\n", what);
	abort();
}

void
scene_must(bool good, const char *what)
{
	if (!good)
		wrong(what);
}

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ *state >> 29;
}

void
scene_check(void)
{
	struct check_report report;

	if (!check_all(&report))
		wrong(report.text);
}

static void
tell(uint64_t seed, unsigned steps)
{
	uint64_t state = seed;

	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, seed), "the machine starts");
	story_birth(&scene_story);
	for (unsigned i = 0; i < steps; i++) {
		struct story_record record;
		uint64_t	    bits = next_random(&state);

		memcpy(&record, &bits, sizeof(record));
		record.fail = 0;
		scene_must(story_step(&scene_story, &record), scene_story.text);
	}
	scene_must(story_compare(&scene_story), scene_story.text);
	scene_check();
	scene_must(story_end(&scene_story), scene_story.text);
	sim_stop();
}

struct space *
scene_space(void)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	scene_must(space_create(&layout, &sp) == OK, "space_create");
	return sp;
}

vaddr_t
scene_map(struct space *sp, vaddr_t addr, uint64_t pages)
{
	vaddr_t at;

	scene_must(space_map(sp,
			     &(struct map_request){ .addr = addr,
						    .length = pages * PAGE,
						    .prot = PROT_RW,
						    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS |
							     (addr ? MAPF_FIXED : 0) },
			     &at) == OK,
		   "space_map");
	return at;
}

void
scene_store(struct space *sp, vaddr_t va)
{
	uint8_t byte = 1;

	scene_must(sim_user(sp, ACCESS_STORE, va, &byte, 1) == FAULT_DONE, "store");
}

void
scene_store_all(struct space *sp, vaddr_t va, uint64_t nr_pages)
{
	for (uint64_t i = 0; i < nr_pages; i++)
		scene_store(sp, va + i * PAGE);
}

void
scene_leave(struct space *sp)
{
	for (unsigned cpu = 0; cpu < STORY_CPUS; cpu++) {
		sim_cpu_set(cpu);
		pt_deactivate(&sp->pt);
	}
	sim_cpu_set(0);
}

static void
start_machine(void)
{
	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
}

struct space *
scene_begin(void)
{
	start_machine();
	return scene_space();
}

void
scene_end(struct space *sp)
{
	scene_check();
	scene_leave(sp);
	space_put(sp);
	sim_stop();
}

/* More spaces than tags: a new generation begins, and every CPU forgets the old one. */
static void
tags_run_out(void)
{
	enum { SPACES = ARCH_ASIDS + 8 };
	static struct space *spaces[SPACES];
	static vaddr_t	     at[SPACES];

	start_machine();
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SPACES; i++) {
			sim_cpu_set((i + round) % STORY_CPUS);
			if (!spaces[i] || !round) {
				spaces[i] = scene_space();
				at[i] = scene_map(spaces[i], 0, 2);
			}
			scene_store(spaces[i], at[i]);
		}
	}
	scene_check();
	for (unsigned i = 0; i < SPACES; i++) {
		scene_leave(spaces[i]);
		space_put(spaces[i]);
	}
	sim_stop();
}

/* table_goes - one page is touched in a leaf table, gets this protection, and is unmapped with more. */
static void
table_goes(unsigned prot, uint64_t pages)
{
	uint64_t      span = PAGE << ARCH_PT_INDEX_BITS;
	struct space *sp;

	sp = scene_begin();
	scene_map(sp, span, pages);
	scene_map(sp, 2 * span, 1);
	/* Not the table's first page: flushing the table flushes that one too. */
	scene_store(sp, span + (pages - 1) * PAGE);
	scene_store(sp, 2 * span);
	scene_must(space_protect(sp, span, pages * PAGE, prot) == OK, "space_protect");
	scene_must(space_unmap(sp, span, pages * PAGE) == OK, "space_unmap");
	scene_end(sp);
}

/* A table of tables goes whole: everything below it at once. */
static void
trees_go(void)
{
	uint64_t      span = PAGE << 2 * ARCH_PT_INDEX_BITS;
	struct space *sp;

	sp = scene_begin();
	scene_map(sp, span, span / PAGE);
	scene_map(sp, 2 * span, 1);
	scene_store(sp, span);
	scene_store(sp, span + span / 2);
	scene_store(sp, 2 * span);
	scene_must(space_unmap(sp, span, span) == OK, "space_unmap");
	scene_end(sp);
}

/* Leaf tables that become empty, or go whole; with a page in them that can be cached, or not. */
static void
tables_go(void)
{
	table_goes(0, 1);
	table_goes(PROT_R, 1);
	table_goes(0, ARCH_PT_ENTRIES);
	table_goes(PROT_R, ARCH_PT_ENTRIES);
}

/* More frames than a gather notes by itself, and no memory for more: it flushes halfway. */
static void
a_gather_finds_no_memory(void)
{
	enum { PAGES = ARCH_PT_ENTRIES < 100 ? 8 : 100 };
	struct space *sp;

	sp = scene_begin();
	scene_map(sp, PAGE << ARCH_PT_INDEX_BITS, PAGES);
	scene_map(sp, (PAGE << ARCH_PT_INDEX_BITS) + PAGES * PAGE, 1);
	for (unsigned i = 0; i <= PAGES; i++)
		scene_store(sp, (PAGE << ARCH_PT_INDEX_BITS) + i * PAGE);
	scene_must(space_protect(sp, (PAGE << ARCH_PT_INDEX_BITS) + PAGES * PAGE, PAGE, PROT_R) ==
			   OK,
		   "space_protect");
	sim_fail_allocation(1, true);
	scene_must(space_unmap(sp, PAGE << ARCH_PT_INDEX_BITS, PAGES * PAGE) == OK, "space_unmap");
	sim_fail_allocation(0, false);
	scene_end(sp);
}

/* space_with_file - every page of a file mapped and written. */
static struct space *
space_with_file(struct object **file, uint64_t pages)
{
	struct space *sp;
	vaddr_t	      at;

	sp = scene_begin();
	scene_must(object_create_stored(1, pages * PAGE, file) == OK, "object_create_stored");
	scene_must(space_map(sp,
			     &(struct map_request){ .length = pages * PAGE,
						    .prot = PROT_RW,
						    .flags = MAPF_SHARED,
						    .object = *file },
			     &at) == OK,
		   "space_map");
	scene_store_all(sp, at, pages);
	return sp;
}

static void
end_with_file(struct space *sp, struct object *file)
{
	scene_check();
	scene_leave(sp);
	space_put(sp);
	object_put(file);
	sim_stop();
}

/* Pages that a file loses, few and many at once; pages that are clean from now on. */
static void
files_change(void)
{
	static const uint64_t sizes[] = { 2, ARCH_PT_ENTRIES < 100 ? 5 : 60 };
	struct object	     *file;
	struct space	     *sp;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		sp = space_with_file(&file, sizes[i]);
		object_resize(file, 0);
		end_with_file(sp, file);
		sp = space_with_file(&file, sizes[i]);
		scene_must(object_write_back(file, 0, UINT64_MAX) == OK, "object_write_back");
		end_with_file(sp, file);
	}
}

/* Kernel stacks go while one is in use, and then the last one with all tables. */
static void
stacks_go(void)
{
	struct kstack *stacks[3];

	start_machine();
	for (unsigned i = 0; i < 3; i++)
		scene_must(kstack_create(&stacks[i]) == OK, "kstack_create");
	kstack_destroy(stacks[0]);
	kstack_drain();
	kstack_destroy(stacks[1]);
	kstack_destroy(stacks[2]);
	kstack_drain();
	scene_check();
	sim_stop();
}

/* move_away - the pages at va go to a free place that is no neighbour. */
static void
move_away(struct space *sp, vaddr_t va, uint64_t pages, vaddr_t to)
{
	struct va_range fresh;
	vaddr_t		at;

	scene_must(space_remap(sp,
			       &(struct remap_request){ .addr = va,
							.old_length = pages * PAGE,
							.new_length = pages * PAGE,
							.flags = REMAP_MAYMOVE | REMAP_FIXED,
							.new_addr = to },
			       &at, &fresh) == OK,
		   "space_remap");
}

/* A page of a table, a whole table, and a table that holds nothing but a guard change their place. */
static void
pages_move(void)
{
	const uint64_t span = PAGE << ARCH_PT_INDEX_BITS;
	struct space  *sp;

	sp = scene_begin();
	scene_map(sp, span, 3);
	scene_store(sp, span + PAGE);
	scene_store(sp, span + 2 * PAGE);
	move_away(sp, span + PAGE, 1, 9 * span + PAGE);
	scene_check();
	scene_map(sp, 4 * span, ARCH_PT_ENTRIES);
	scene_store(sp, 4 * span + PAGE);
	move_away(sp, 4 * span, ARCH_PT_ENTRIES, 12 * span);
	scene_check();
	scene_map(sp, 6 * span, 3);
	scene_must(space_advise(sp, 6 * span + PAGE, PAGE, ADVICE_GUARD_INSTALL) == OK,
		   "space_advise");
	move_away(sp, 6 * span + PAGE, 1, 14 * span + PAGE);
	scene_end(sp);
}

/* A forked child that has run locks its memory: tables that it shared become its own. */
static void
shared_memory_is_locked(void)
{
	struct space *sp, *child;
	uint8_t	      byte;
	vaddr_t	      at;

	sp = scene_begin();
	at = scene_map(sp, 0, 2);
	scene_store(sp, at);
	scene_must(space_fork(sp, &child) == OK, "space_fork");
	scene_must(sim_user(child, ACCESS_LOAD, at, &byte, 1) == FAULT_DONE, "load");
	scene_must(space_lock(child, at, 2 * PAGE, 0) == OK, "space_lock");
	scene_check();
	scene_leave(child);
	scene_leave(sp);
	space_put(child);
	space_put(sp);
	sim_stop();
}

/* must_be_stored - storage has the page: its first byte is 1, as store leaves it. */
static void
must_be_stored(struct object *file, uint64_t index)
{
	uint8_t byte = 0;
	size_t	done;

	scene_must(object_write_back(file, 0, UINT64_MAX) == OK, "object_write_back");
	object_evict(file, 0, UINT64_MAX);
	scene_must(file->nr_pages == 0, "a page is dirty that was written back");
	scene_must(object_read(file, index * PAGE, &byte, 1, &done) == OK && done == 1,
		   "object_read");
	scene_must(byte == 1, "a write to a file is lost");
}

/* A page is written and its mapping goes, in each of the ways in which mappings go. */
static void
writes_are_kept(void)
{
	struct object *file;
	struct space  *sp = space_with_file(&file, 1);

	must_be_stored(file, 0);
	end_with_file(sp, file);
	sp = space_with_file(&file, 1);
	object_evict(file, 0, 1);
	must_be_stored(file, 0);
	end_with_file(sp, file);
	sp = space_with_file(&file, 4);
	scene_must(space_unmap(sp, space_first(sp)->range.start + PAGE, PAGE) == OK, "space_unmap");
	must_be_stored(file, 1);
	end_with_file(sp, file);
}

/* A file under one page of a space, while CPUs 0 and 1 use the page. */
static struct {
	struct space  *sp;
	struct object *file;
	vaddr_t	       va;
} held;

static void
use_page(void *arg)
{
	uint8_t byte = 1;

	(void)arg;
	(void)sim_user(held.sp, ACCESS_STORE, held.va, &byte, 1);
	(void)sim_user(held.sp, ACCESS_LOAD, held.va, &byte, 1);
}

static void
punch_page(void *arg)
{
	(void)arg;
	object_punch(held.file, 0, 1);
}

static void
cut_page(void *arg)
{
	(void)arg;
	object_resize(held.file, 0);
}

static void
evict_page(void *arg)
{
	(void)arg;
	object_evict(held.file, 0, 1);
}

/* How the space maps the page, whether it is there from the beginning, and how many CPUs meet. */
struct use {
	unsigned flags;
	bool	 is_touched;
	unsigned nr_cpus;
};

/* race_for_page - the page goes in this way while it is used. */
static void
race_for_page(void (*lose)(void *), struct use use, uint64_t seed)
{
	void (*const bodies[])(void *) = { use_page, lose, use_page };

	scene_must(story_machine(&scene_story, STORY_CPUS, 512, seed), "the machine starts");
	held.sp = scene_space();
	scene_must(object_create_stored(1, PAGE, &held.file) == OK, "object_create_stored");
	scene_must(space_map(held.sp,
			     &(struct map_request){ .length = PAGE,
						    .prot = PROT_RW,
						    .flags = use.flags,
						    .object = held.file },
			     &held.va) == OK,
		   "space_map");
	if (use.is_touched)
		(void)sim_user(held.sp, ACCESS_LOAD, held.va, &(uint8_t){ 0 }, 1);
	machine_race(use.nr_cpus, bodies, NULL,
		     &(struct machine_schedule){
			     .policy = RACE_PCT, .param = use.nr_cpus, .seed = seed });
	end_with_file(held.sp, held.file);
}

static void
pages_go_while_they_are_used(void)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		race_for_page(punch_page, (struct use){ MAPF_PRIVATE, true, 3 }, seed);
		race_for_page(cut_page, (struct use){ MAPF_SHARED, false, 2 }, seed);
		race_for_page(evict_page, (struct use){ MAPF_PRIVATE, true, 3 }, seed);
	}
}

/* Tables for each node: entries go one by one and with everything, and a node finds no memory. */
static void
nodes_have_tables(void)
{
	struct space *sp, *child;
	vaddr_t	      at;
	uint8_t	      byte;

	sp = scene_begin();
	at = scene_map(sp, 0, 4);
	for (unsigned cpu = 0; cpu < STORY_CPUS; cpu++) {
		sim_cpu_set(cpu);
		scene_store(sp, at);
	}
	scene_must(space_replicate(sp) == OK, "space_replicate");
	scene_leave(sp);
	for (unsigned page = 0; page < 4; page++)
		scene_store(sp, at + page * PAGE);
	scene_must(space_fork(sp, &child) == OK, "space_fork");
	scene_must(sim_user(sp, ACCESS_LOAD, at, &byte, 1) == FAULT_DONE, "load");
	scene_store(sp, at);
	scene_must(space_unmap(sp, at + PAGE, PAGE) == OK, "space_unmap");
	scene_check();
	scene_leave(child);
	space_put(child);
	scene_must(space_protect(sp, at, PAGE, PROT_R) == OK, "space_protect");
	scene_check();
	scene_must(sim_user(sp, ACCESS_LOAD, at, &byte, 1) == FAULT_DONE, "load");
	space_unreplicate(sp);
	scene_store(sp, at + 2 * PAGE);
	scene_end(sp);
}

/* Pages go to another node, and wait for whoever touches them next. */
static void
pages_change_nodes(void)
{
	struct space *sp;
	uint64_t      moved;
	vaddr_t	      at;

	scene_story.nr_nodes = STORY_CPUS;
	sp = scene_begin();
	scene_story.nr_nodes = 0;
	at = scene_map(sp, 0, 3);
	scene_store_all(sp, at, 3);
	scene_must(space_migrate(sp, at, PAGE, 1, &moved) == OK && moved == 1, "space_migrate");
	scene_check();
	scene_must(space_advise(sp, at + PAGE, PAGE, ADVICE_NEXT_TOUCH) == OK, "space_advise");
	sim_cpu_set(2);
	scene_store(sp, at + PAGE);
	scene_end(sp);
}

static void
nodes_and_page_out(void)
{
	struct space *sp;
	vaddr_t	      at;

	sp = scene_begin_with_swap();
	scene_must(space_replicate(sp) == OK, "space_replicate");
	at = scene_map(sp, 0, 4);
	scene_store_all(sp, at, 4);
	scene_must(reclaim_run(4) > 0, "reclaim_run");
	scene_end_with_swap(sp);
}

static void
load_page(void *arg)
{
	uint8_t byte;

	(void)arg;
	(void)sim_user(held.sp, ACCESS_LOAD, held.va, &byte, 1);
}

/* A node asks for an entry while the object loses its page. */
static void
nodes_ask_while_pages_go(void)
{
	void (*const bodies[])(void *) = { load_page, evict_page };

	for (uint64_t seed = 1; seed <= 60; seed++) {
		held.sp = space_with_file(&held.file, 1);
		held.va = space_first(held.sp)->range.start;
		scene_must(space_replicate(held.sp) == OK, "space_replicate");
		machine_race(
			2, bodies, NULL,
			&(struct machine_schedule){ .policy = RACE_PCT, .param = 2, .seed = seed });
		end_with_file(held.sp, held.file);
	}
}

void
museum_scenes(void)
{
	nodes_have_tables();
	pages_change_nodes();
	nodes_and_page_out();
	nodes_ask_while_pages_go();
	stacks_go();
	writes_are_kept();
	pages_go_while_they_are_used();
	files_change();
	tables_go();
	trees_go();
	pages_move();
	shared_memory_is_locked();
	scenes_with_a_swap_device();
	scenes_of_counts();
	a_gather_finds_no_memory();
	tags_run_out();
	for (uint64_t seed = 1; seed <= 10; seed++)
		tell(seed, 300);
}
