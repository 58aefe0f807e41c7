/*
 * task.c - threads, processes, the spaces they share, and the files they map.
 *
 * A child's copy of the space belongs between entry and return of its parent's
 * call: it is made at the child's first line or at the parent's return, whichever
 * comes first.
 */
#include <string.h>

#include "import/convert.h"

#define CLONE_VM     0x100u
#define CLONE_FILES  0x400u
#define CLONE_THREAD 0x10000u

struct task *
task_of(struct convert *c, uint32_t tid)
{
	struct task **bucket = &c->tasks[tid % CONVERT_BUCKETS];
	struct task  *task = *bucket;

	while (task && task->tid != tid)
		task = task->hash_next;
	if (!task) {
		task = arena_alloc(&c->arena, sizeof(*task));
		task->tid = tid;
		task->hash_next = *bucket;
		*bucket = task;
	}
	return task;
}

struct file *
file_of(struct convert *c, struct slice name)
{
	struct file **bucket;
	struct file  *file;
	uint64_t      hash = 5381;

	for (size_t i = 0; i < name.bytes; i++)
		hash = hash * 33 + (unsigned char)name.at[i];
	bucket = &c->files[hash % CONVERT_BUCKETS];
	for (file = *bucket; file; file = file->hash_next) {
		if (slice_equal(file->name, name))
			return file;
	}
	file = arena_alloc(&c->arena, sizeof(*file));
	file->name = name;
	file->kind = file_kind_of(name);
	file->hash_next = *bucket;
	*bucket = file;
	return file;
}

struct memory *
memory_create(struct convert *c)
{
	struct memory *memory = arena_alloc(&c->arena, sizeof(*memory));

	memory->users = 1;
	memory->next = c->memories;
	c->memories = memory;
	return memory;
}

void
memory_put(struct convert *c, struct task *task)
{
	struct memory  *memory = task->memory;
	struct memory **link = &c->memories;

	task->memory = NULL;
	if (!memory || --memory->users > 0)
		return;
	while (*link != memory)
		link = &(*link)->next;
	*link = memory->next;
	c->pages_now -= memory->counted;
	pages_free(&memory->present);
	pages_free(&memory->removed);
}

void
memory_zap(struct memory *memory, uint64_t start, uint64_t end)
{
	if (end > start)
		pages_move(&memory->present, start >> 12, (end + PAGE_BYTES - 1) >> 12,
			   &memory->removed);
}

void
memory_note_pages(struct convert *c, struct memory *memory)
{
	uint64_t pages = 64; /* its tables */

	for (size_t i = 0; i < memory->present.nr; i++) {
		const struct page_run *run = &memory->present.runs[i];

		if (run->kind != 'f' && run->kind != 'r')
			pages += run->end - run->start;
	}
	c->pages_now += pages - memory->counted;
	memory->counted = pages;
	c->peak_pages = c->pages_now > c->peak_pages ? c->pages_now : c->peak_pages;
}

static void
birth_modes(struct convert *c, struct task *task, const struct task *parent, uint64_t flags)
{
	struct modes *modes = task_of(c, parent->tgid)->modes;

	if (!modes || flags & CLONE_FILES) {
		task->modes = modes;
		return;
	}
	task->modes = arena_alloc(&c->arena, sizeof(*modes));
	task->modes->nr = modes->nr;
	task->modes->mode = arena_alloc(&c->arena, modes->nr + 1);
	memcpy(task->modes->mode, modes->mode, modes->nr);
}

static void
birth_memory(struct convert *c, struct task *task, struct task *parent, uint64_t flags)
{
	const char *verb = flags & CLONE_THREAD ? "thread" : flags & CLONE_VM ? "vfork" : "fork";

	task->cpu = c->nr_tasks++ % 2;
	task->in_scenario = true;
	write_on(c, parent);
	text_add(c->out, "%s %u %u\t# %u\n", verb, parent->tid, task->tid, task->clone->enter_line);
	if (flags & CLONE_VM) {
		task->memory = parent->memory;
		task->memory->users++;
		return;
	}
	task->memory = memory_create(c);
	task->memory->brk = parent->memory->brk;
	/* What the parent had at its last scan: the child's first scan is told against it. */
	pages_add_all(&task->memory->present, &parent->memory->removed);
	pages_add_all(&task->memory->present, &parent->memory->present);
}

bool
task_born(struct convert *c, struct task *task)
{
	struct task *parent;
	uint64_t     flags;

	if (task->tgid)
		return true;
	task->tgid = task->tid;
	if (!task->clone)
		return true;
	parent = task_of(c, task->clone->tid);
	if (!calls_clone_flags(task->clone, c->error, &flags))
		return false;
	task->is_thread = (flags & CLONE_THREAD) != 0;
	task->shares_memory = !task->is_thread && (flags & CLONE_VM) != 0;
	if (task->is_thread && parent->tgid)
		task->tgid = parent->tgid;
	else if (parent->tgid)
		birth_modes(c, task, parent, flags);
	if (parent->memory && parent->in_scenario)
		birth_memory(c, task, parent, flags);
	return true;
}
