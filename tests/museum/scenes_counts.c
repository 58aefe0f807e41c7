/*
 * scenes_counts.c - everything that is counted: processes that hold things, share them, fail to fork, and end;
 * files that are written, cut, and come late. After each scene the machine must have what it had before.
 * Each count and each step back is left out in its turn. (LUN-B04, LUN-B08, DRG-B02, DRG-B08, WNX-B01, WNX-B03,
 * WNX-B05, CAM-B06, ALM-B07)
 */
#include "scenes.h"

#include <string.h>

#include <anymm/fs_context.h>
#include <anymm/handle.h>
#include <anymm/kstack.h>
#include <anymm/process.h>

#include "proc/namespace.h"

/* ---- things, and the books ---- */

static struct resource things[16];
static unsigned	       nr_made, nr_alive;

static void
destroy_thing(struct resource *resource)
{
	(void)resource;
	nr_alive--;
}

static const struct resource_ops thing_ops = { .name = "thing", .destroy = destroy_thing };

static struct resource *
make_thing(void)
{
	scene_must(nr_made < ARRAY_SIZE(things), "there is room for a thing");
	resource_init(&things[nr_made], &thing_ops);
	nr_alive++;
	return &things[nr_made++];
}

struct books {
	struct frame_totals frames;
	uint64_t	    resources, regions, objects, processes, paid;
	unsigned	    things;
};

static struct account *payer;

static struct books
open_books(void)
{
	struct books b = { .resources = resource_live(),
			   .regions = space_live_regions(),
			   .objects = object_live(),
			   .processes = proc_count(),
			   .paid = payer ? payer->nr : 0,
			   .things = nr_alive };

	anymm_drain();
	b.frames = frame_totals();
	return b;
}

static void
expect_books(const struct books *before)
{
	struct books now = open_books();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
		scene_must(now.frames.by_kind[kind] == before->frames.by_kind[kind],
			   "as many frames of each kind as before");
	scene_must(now.resources == before->resources && now.things == before->things,
		   "as many things as before");
	scene_must(now.regions == before->regions && now.objects == before->objects,
		   "as many regions and objects as before");
	scene_must(now.processes == before->processes && now.paid == before->paid,
		   "as many processes as before, and as many paid for");
	scene_check();
}

/* ---- a process that has one of everything ---- */

static void
begin_nowhere(void *thread)
{
	(void)thread;
}

static void
give_everything(struct process *proc)
{
	const struct signal_action action = { .handler = 0x1000 };
	struct account		  *above;
	struct handle_table	  *handles;
	struct fs_context	  *fs;
	int32_t			   handle;

	scene_must(handle_table_create(64, &handles) == OK, "handles");
	for (uint32_t i = 0; i < 2; i++)
		scene_must(handle_add(handles, make_thing(), i, 0, &handle) == OK, "handle");
	scene_must(fs_context_create(make_thing(), make_thing(), 022, &fs) == OK, "fs");
	scene_must(account_create(NULL, 100, &above) == OK &&
			   account_create(above, 100, &payer) == OK,
		   "accounts");
	scene_must(resource_refs(&above->resource) == 2, "an account holds the one above it");
	resource_put(&above->resource);
	proc_set_resource(proc, RESOURCE_HANDLES, &handles->resource);
	proc_set_resource(proc, RESOURCE_FS, &fs->resource);
	proc_set_resource(proc, RESOURCE_MOUNTS, make_thing());
	proc_set_resource(proc, RESOURCE_ACCOUNT, &payer->resource);
	proc_set_resource(proc, RESOURCE_OWN, make_thing());
	scene_must(handle_set_special(-3, make_thing()) == OK, "special handle");
	scene_must(signal_set_action(proc, SIGNAL_USR1, &action, NULL) == OK, "handler");
}

static struct process *
start_processes(void)
{
	const struct thread_config whole = { .has_fpu = true,
					     .has_stack = true,
					     .begin = begin_nowhere };
	struct process		  *first;
	struct space		  *sp;
	unsigned		   n = 0;
	err_t			   err;

	scene_must(story_machine(&scene_story, STORY_CPUS, 8192, 1), "the machine starts");
	nr_made = nr_alive = 0;
	payer = NULL;
	proc_configure_threads(&whole);
	sp = scene_space();
	scene_store(sp, scene_map(sp, 0, 4));
	scene_leave(sp);
	/* The first process too may fail for want of memory. */
	do {
		struct books before = open_books();

		sim_fail_allocation(++n, false);
		err = proc_create(0, sp, &first);
		sim_fail_allocation(0, false);
		if (err)
			expect_books(&before);
	} while (err == ERR_NOMEM);
	scene_must(err == OK, "proc_create");
	space_put(sp);
	give_everything(first);
	scene_check();
	return first;
}

static void
end_processes(struct process *first)
{
	int32_t code;

	proc_exit(first, 0);
	scene_must(proc_reap(NULL, first, &code) == OK, "proc_reap");
	scene_must(handle_set_special(-3, NULL) == OK, "special handle");
	scene_must(nr_alive == 0 && resource_live() == 0 && space_live_regions() == 0,
		   "nothing is held at the end");
	scene_check();
	sim_stop();
}

/* ---- forks ---- */

/* holders - of the namespace that the process lives in; 1 if nobody counts, 0 if that cannot be a count. */
static uint64_t
holders(const struct process *proc)
{
	const struct namespace *ns = proc->ids;
	uint64_t		nr = ns == namespace_root() ? 1 : resource_refs(&ns->resource);

	return nr <= 100 ? nr : 0;
}

/* fork_each_failure - a child or thread, after each of its allocations has failed once. */
static struct clone_result
fork_each_failure(struct thread *caller, uint64_t flags)
{
	struct clone_request request = { .flags = flags };
	struct clone_result  made;
	unsigned	     n = 0;
	err_t		     err;

	do {
		struct books before = open_books();

		sim_fail_allocation(++n, false);
		err = proc_clone(caller, &request, &made);
		sim_fail_allocation(0, false);
		if (err)
			expect_books(&before);
	} while (err == ERR_NOMEM);
	scene_must(err == OK, "proc_clone");
	scene_must(holders(made.process) != 0, "a process holds its namespace");
	scene_check();
	return made;
}

static void
live_and_die(struct process *first, struct clone_result made)
{
	int32_t value;

	if (made.process == first) {
		scene_must(!thread_end(made.thread, 1), "another thread is left");
		scene_must(thread_join(&first->main, made.id, &value) == OK, "thread_join");
		return;
	}
	proc_exit(made.process, 3);
	scene_must(proc_reap(first, made.process, &value) == OK && value == 3, "proc_reap");
}

static void
forks_come_and_go(void)
{
	static const uint64_t flags[] = {
		SIGNAL_CHLD,
		SIGNAL_CHLD | PROC_SHARE_HANDLES | PROC_SHARE_FS,
		SIGNAL_CHLD | PROC_NEW_MOUNT | PROC_DEFAULT_HANDLERS | PROC_EMPTY_HANDLES,
		SIGNAL_CHLD | PROC_SHARE_SPACE | PROC_SHARE_HANDLERS,
		SIGNAL_CHLD | PROC_NEW_IDS,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
	};
	struct process *first = start_processes();

	/* What a fork makes once for all, as a reader of its own for each CPU, is there before the books are opened. */
	scene_must(space_add_thread(first->space) == OK, "space_add_thread");
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct books before = open_books();

		live_and_die(first, fork_each_failure(&first->main, flags[i]));
		expect_books(&before);
	}
	end_processes(first);
}

/* A namespace in a namespace, a group in it, and a limit above. */
static void
a_family_has_names(void)
{
	struct process	   *first = start_processes();
	struct books	    before = open_books();
	struct clone_result outer = fork_each_failure(&first->main, SIGNAL_CHLD | PROC_NEW_IDS);
	struct clone_result inner = fork_each_failure(&outer.process->main, PROC_NEW_IDS);
	struct clone_result child = fork_each_failure(&inner.process->main, SIGNAL_CHLD);
	struct process	   *none;
	uint64_t	    nr = holders(child.process);
	int32_t		    code;

	scene_must(proc_set_group(child.process, child.process, 0) == OK, "proc_set_group");
	scene_must(holders(child.process) == nr + 1, "a group holds its namespace");
	scene_check();
	account_set_limit(payer, payer->nr);
	scene_must(proc_fork(first, SIGNAL_CHLD, 0, &none) == ERR_AGAIN, "the limit says no");
	account_set_limit(payer, 100);
	scene_must(proc_kill_descendants(first, 9) == 3, "three are below");
	scene_must(proc_reap(first, outer.process, &code) == ERR_CHILD, "no zombie is left");
	expect_books(&before);
	end_processes(first);
}

/* Handles are got, copied and taken; directories are asked for; a program is executed. */
static void
what_is_held_is_used(void)
{
	struct process	    *first = start_processes();
	struct process	    *child = fork_each_failure(&first->main, SIGNAL_CHLD).process;
	struct handle_table *table = (struct handle_table *)child->resources[RESOURCE_HANDLES];
	struct resource	    *got[4];
	struct space	    *fresh;
	int32_t		     handle, code;

	scene_must(handle_dup(table, -3, 5, 0, &handle) == OK && handle == 5, "handle_dup");
	scene_must(handle_close(table, 5) == OK, "handle_close");
	scene_must(handle_dup_to(table, 0, 1, 0) == OK, "handle_dup_to");
	got[0] = handle_get(table, 1);
	got[1] = fs_cwd((struct fs_context *)child->resources[RESOURCE_FS]);
	got[2] = proc_resource(child, RESOURCE_MOUNTS);
	got[3] = handle_get(table, -3);
	for (unsigned i = 0; i < 4; i++) {
		scene_must(resource_refs(got[i]) >= 2, "somebody else holds it too");
		resource_put(got[i]);
	}
	fresh = scene_space();
	scene_must(thread_begin_exec(&child->main, &(struct thread *){ NULL }) == OK, "exec");
	proc_exec(child, fresh);
	space_put(fresh);
	scene_check();
	proc_exit(child, 0);
	scene_must(proc_reap(first, child, &code) == OK, "proc_reap");
	end_processes(first);
}

/* ---- pages of files ---- */

static struct {
	struct object *object;
	uint64_t       index;
	pfn_t	       pfn;
} late;

static err_t
fill_later(struct object *object, uint64_t index, pfn_t pfn)
{
	late.object = object;
	late.index = index;
	late.pfn = pfn;
	return ERR_AGAIN;
}

static err_t
wait_for_it(struct object *object, uint64_t index)
{
	(void)object;
	(void)index;
	if (late.object)
		object_fill_done(late.object, late.index, late.pfn, OK);
	late.object = NULL;
	return OK;
}

static void
end_file(struct space *sp, struct object *file)
{
	scene_check();
	object_put(file);
	scene_leave(sp);
	space_put(sp);
	scene_must(object_live() == 0, "no object is left");
	scene_check();
	sim_stop();
}

static struct space *
map_file(struct object *file, uint64_t pages, vaddr_t *at)
{
	struct map_request request = {
		.length = pages * PAGE, .prot = PROT_RW, .flags = MAPF_SHARED, .object = file
	};
	struct space *sp = scene_space();

	scene_must(space_map(sp, &request, at) == OK, "space_map");
	return sp;
}

/* A page that comes late: the file and the frame are held while a fault waits. */
static void
a_page_comes_late(void)
{
	static const struct pager_ops ops = { .name = "late",
					      .fill = fill_later,
					      .wait = wait_for_it };
	struct object		     *file;
	struct space		     *sp;
	vaddr_t			      at;

	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
	scene_must(object_create(&ops, 1, 2, NULL, &file) == OK, "object_create");
	sp = map_file(file, 2, &at);
	scene_store(sp, at);
	end_file(sp, file);
}

/* Written, synced, cut into regions, moved, a hole in the middle; read again from storage. */
static void
a_file_is_worked_on(void)
{
	struct object  *file;
	struct space   *sp, *child;
	struct va_range fresh;
	vaddr_t		at;
	size_t		done;

	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
	scene_must(object_create_stored(1, 8 * PAGE, &file) == OK, "object_create_stored");
	sp = map_file(file, 8, &at);
	for (unsigned i = 0; i < 8; i++)
		scene_store(sp, at + i * PAGE);
	scene_must(space_sync(sp, at, 8 * PAGE, SYNC_SYNC) == OK, "space_sync");
	scene_must(object_evict(file, 0, 2) == 2, "two clean pages go");
	scene_check();
	scene_store(sp, at);
	scene_must(space_unmap(sp, at + 3 * PAGE, PAGE) == OK, "space_unmap");
	scene_check();
	scene_must(space_fork(sp, &child) == OK, "space_fork");
	scene_check();
	space_put(child);
	scene_check();
	scene_must(space_advise(sp, at + 4 * PAGE, PAGE, ADVICE_REMOVE) == OK, "space_advise");
	scene_must(space_remap(sp,
			       &(struct remap_request){ .addr = at + 5 * PAGE,
							.old_length = 3 * PAGE,
							.new_length = 3 * PAGE,
							.flags = REMAP_MAYMOVE | REMAP_FIXED,
							.new_addr = at - 64 * PAGE },
			       &at, &fresh) == OK,
		   "space_remap");
	scene_must(object_write(file, 8 * PAGE, &(uint8_t){ 2 }, 1, &done) == OK, "object_write");
	scene_check();
	end_file(sp, file);
}

void
scenes_of_counts(void)
{
	forks_come_and_go();
	a_family_has_names();
	what_is_held_is_used();
	a_page_comes_late();
	a_file_is_worked_on();
}
