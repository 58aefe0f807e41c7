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
	memory_free(memory);
}

uint64_t
memory_count_also(const struct memory *memory, uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (size_t i = 0; i < memory->also.nr; i++) {
		const struct page_run *run = &memory->also.runs[i];
		uint64_t	       first = run->start > start >> 12 ? run->start : start >> 12;
		uint64_t	       last = run->end < end >> 12 ? run->end : end >> 12;

		if (run->kind != 'r' && last > first)
			n += last - first;
	}
	return n;
}

void
memory_free(struct memory *memory)
{
	pages_free(&memory->present);
	pages_free(&memory->removed);
	pages_free(&memory->also);
	pages_free(&memory->leaving);
	pages_free(&memory->reclaim);
	pages_free(&memory->left_out);
	pages_free(&memory->fresh);
	pages_free(&memory->moved);
}

void
memory_zap(struct memory *memory, uint64_t start, uint64_t end)
{
	uint64_t first = start >> 12;
	uint64_t last = (end + PAGE_BYTES - 1) >> 12;

	if (end <= start)
		return;
	pages_move(&memory->present, first, last, &memory->removed);
	pages_remove(&memory->also, first, last);
	pages_remove(&memory->leaving, first, last);
	pages_remove(&memory->reclaim, first, last);
	pages_remove(&memory->moved, first, last);
}

void
memory_move(struct memory *memory, uint64_t from, uint64_t to, uint64_t bytes, struct pages *moved)
{
	struct pages *const sets[] = { &memory->also, &memory->leaving, &memory->reclaim,
				       &memory->left_out };
	uint64_t	    first = from >> 12;
	uint64_t	    last = (from + bytes) >> 12;
	struct pages	    gone = { 0 };

	if (bytes == 0)
		return;
	pages_move(&memory->present, first, last, &gone);
	for (size_t i = 0; i < gone.nr; i++)
		pages_set(moved, gone.runs[i].start - first + (to >> 12),
			  gone.runs[i].end - first + (to >> 12), gone.runs[i].kind);
	/* A page of the old place may be touched again, where something is left there. */
	pages_add_all(&memory->removed, &gone);
	pages_remove_all(&memory->removed, moved);
	pages_add_all(&memory->present, moved);
	pages_add_all(&memory->moved, moved);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		pages_shift(sets[i], first, last, to >> 12);
	pages_free(&gone);
}

void
memory_unmap(struct memory *memory, uint64_t start, uint64_t end)
{
	memory_zap(memory, start, end);
	if (end > start)
		pages_remove(&memory->left_out, start >> 12, (end + PAGE_BYTES - 1) >> 12);
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

	task->folder = task_of(c, parent->tgid)->folder;
	if (!modes || flags & CLONE_FILES) {
		task->modes = modes;
		return;
	}
	task->modes = arena_alloc(&c->arena, sizeof(*modes));
	task->modes->nr = modes->nr;
	task->modes->mode = arena_alloc(&c->arena, modes->nr + 1);
	memcpy(task->modes->mode, modes->mode, modes->nr);
}

/*
 * A forked child's pages: what the parent had at its last scan, against which the
 * child's first one is told; less what no child gets.
 */
static void
copy_memory(struct memory *child, const struct memory *parent)
{
	child->brk = parent->brk;
	pages_add_all(&child->present, &parent->present);
	pages_add_all(&child->removed, &parent->removed);
	pages_add_all(&child->also, &parent->also);
	pages_add_all(&child->leaving, &parent->leaving);
	pages_add_all(&child->left_out, &parent->left_out);
	pages_remove_all(&child->present, &parent->left_out);
	pages_remove_all(&child->removed, &parent->left_out);
	pages_remove_all(&child->also, &parent->left_out);
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
	copy_memory(task->memory, parent->memory);
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
