/*
 * story.c - the life of a story: machine, birth, steps, end; see story.h.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Sizes of the files in pages: small, so that accesses run off their ends. */
static const uint64_t file_pages[STORY_FILES] = { 3, 9, 40 };

bool
story_differ(struct story *st, const char *fmt, ...)
{
	va_list args;
	int	n;

	n = snprintf(st->text, sizeof(st->text), "step %u: ", st->step);
	va_start(args, fmt);
	vsnprintf(st->text + n, sizeof(st->text) - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

void
story_tell(struct story *st, const char *fmt, ...)
{
	va_list args;

	if (!st->out)
		return;
	va_start(args, fmt);
	vfprintf(st->out, fmt, args);
	va_end(args);
	fflush(st->out);
}

bool
story_machine(struct story *st, unsigned nr_cpus, uint64_t nr_frames, uint64_t seed)
{
	st->nr_cpus = nr_cpus;
	machine_stop();
	if (!machine_start(&(struct machine_config){ .nr_cpus = nr_cpus,
						     .nr_nodes = st->nr_nodes,
						     .nr_frames = nr_frames,
						     .seed = seed }))
		return story_differ(st, "machine_start failed");
	if (anymm_init(machine_boot_map()) != OK)
		return story_differ(st, "anymm_init failed");
	return true;
}

/* tell_birth - the scenario's first lines. */
static void
tell_birth(struct story *st)
{
	story_tell(st, "machine cpus=%u nodes=%u user=%" PRIu64, st->nr_cpus,
		   st->nr_nodes ? st->nr_nodes : 1,
		   (uint64_t)(st->procs[0].real->space->layout.end));
	if (st->swap_slots)
		story_tell(st, " swap=%u", st->swap_slots);
	story_tell(st, "\n");
	for (unsigned i = 0; i < STORY_FILES; i++)
		story_tell(st, "file f%" PRIu64 " %" PRIu64 " 0x%" PRIx64 " plain\n",
			   st->files[i]->id, st->files[i]->id, file_pages[i] * ARCH_PAGE_SIZE);
	story_tell(st, "spawn p0 commit=none memlock=%u\n", (unsigned)STORY_LOCKED);
	if (st->nr_nodes)
		story_tell(st, "replicate p0\n");
}

/* model_birth - the flat side of story_birth; the library's objects are there already. */
static void
model_birth(struct story *st, struct object *const *files)
{
	struct process *real = st->procs[0].real;

	flat_reset(&st->flat);
	memset(st->procs, 0, sizeof(st->procs));
	for (unsigned i = 0; i < STORY_FILES; i++) {
		st->files[i] = flat_object_new(&st->flat, true, files[i]->id, file_pages[i]);
		st->files[i]->real = files[i];
		if (files[i]->ops == &pager_stored)
			st->files[i]->pattern_bytes = 0;
	}
	st->procs[0].real = real;
	st->procs[0].parent = -1;
	st->procs[0].fs = flat_space_new(&st->flat, &real->space->layout);
	st->last_mapped = st->bases[0];
	st->last_accessed = st->bases[0];
	st->step = 0;
	st->told_cpu = 0;
	st->must_stop_failing = false;
	st->nr_gave_up = 0;
	st->has_freed = false;
	st->nr_held = 0;
	memset(st->pins, 0, sizeof(st->pins));
	tell_birth(st);
}

static struct space_layout
story_layout(void)
{
	struct space_layout layout = space_default_layout();

	layout.limit_commit = UINT64_MAX;
	layout.limit_memlock = STORY_LOCKED;
	return layout;
}

/* make_file - the second one keeps its bytes, where files change. */
static struct object *
make_file(const struct story *st, unsigned i)
{
	struct object *file;
	err_t	       err;

	if (st->changes_files && i == 1)
		err = object_create_stored(100 + i, file_pages[i] * ARCH_PAGE_SIZE, &file);
	else
		err = object_create(&pager_memory_file, 100 + i, file_pages[i], NULL, &file);
	if (err)
		abort();
	return file;
}

void
story_birth(struct story *st)
{
	struct space_layout layout = story_layout();
	struct object	   *files[STORY_FILES];
	struct space	   *sp;

	if (!story_swap_begin(st))
		abort();
	for (unsigned i = 0; i < STORY_FILES; i++)
		files[i] = make_file(st, i);
	if (space_create(&layout, &sp) != OK)
		abort();
	if (proc_create(0, sp, &st->procs[0].real) != OK ||
	    (st->nr_nodes && space_replicate(sp) != OK))
		abort();
	space_put(sp);
	story_find_bases(st, &layout);
	model_birth(st, files);
}

void
story_rebirth(struct story *st)
{
	struct object	   *files[STORY_FILES];
	struct process	   *real = proc_first();
	struct space_layout layout = story_layout();

	if (!story_swap_begin(st))
		abort();
	for (unsigned i = 0; i < STORY_FILES; i++)
		files[i] = st->files[i]->real;
	st->procs[0].real = real;
	story_find_bases(st, &layout);
	model_birth(st, files);
}

void
story_leave(const struct story *st, struct space *sp)
{
	for (unsigned cpu = 0; cpu < st->nr_cpus; cpu++) {
		machine_cpu_set(cpu);
		pt_deactivate(&sp->pt);
	}
	machine_cpu_set(0);
}

/* nth_living - the folded process of a record. The first process never exits. */
static unsigned
nth_living(const struct story *st, unsigned n)
{
	unsigned living[STORY_PROCS];
	unsigned nr = 0;

	for (unsigned i = 0; i < STORY_PROCS; i++) {
		if (st->procs[i].real && st->procs[i].fs)
			living[nr++] = i;
	}
	return living[n % nr];
}

bool
story_step(struct story *st, const struct story_record *record)
{
	struct story_op op = {
		.st = st,
		.rec = record,
		.who = nth_living(st, record->who & 0xf),
		.cpu = (record->who >> 4) % st->nr_cpus,
	};

	op.proc = &st->procs[op.who];
	op.fs = op.proc->fs;
	op.sp = op.proc->real->space;
	op.va = story_aim(st, op.fs, record);
	op.length = story_length(st, record);
	st->step++;
	if (st->must_stop_failing)
		story_tell(st, "fail off\n");
	st->must_stop_failing = false;
	if (op.cpu != st->told_cpu)
		story_tell(st, "on %u\n", op.cpu);
	st->told_cpu = op.cpu;
	story_settle(st);
	machine_cpu_set(op.cpu);
	if (!flat_has_room(op.fs)) {
		story_make_room(&op);
		return true;
	}
	if (st->is_hungry)
		story_starve(st, record->data % 64);
	return story_do(&op);
}

/* end_process - one process exits, if it still lives, and its parent waits for it. */
static bool
end_process(struct story *st, unsigned i)
{
	struct story_proc *p = &st->procs[i];
	int32_t		   code;

	if (p->fs && !story_exit(st, i, 0))
		return false;
	if (proc_reap(p->parent < 0 ? NULL : st->procs[p->parent].real, p->real, &code) != OK)
		return story_differ(st, "a zombie cannot be reaped");
	p->real = NULL;
	return true;
}

bool
story_end(struct story *st)
{
	story_feed(st);
	for (unsigned i = STORY_PROCS; i-- > 0;) {
		if (st->procs[i].real && !end_process(st, i))
			return false;
	}
	/* Last: what has been everybody's is the device's alone. */
	if (!story_compare_pins(st))
		return false;
	story_unpin_all(st);
	for (unsigned i = 0; i < STORY_FILES; i++)
		object_put(st->files[i]->real);
	return story_swap_end(st);
}
