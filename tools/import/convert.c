/*
 * convert.c - the order of things: births, touches, calls, snapshots, deaths.
 *
 * A child's copy of the space belongs between entry and return of its parent's
 * call: it is made at the child's first line or at the parent's return, whichever
 * comes first. Touches of a scan are made before the call at whose entry the scan was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/convert.h"

#define CLONE_VM     0x100u
#define CLONE_FILES  0x400u
#define CLONE_THREAD 0x10000u

/* Memory of the recorded machine: a private writable request above it is refused. */
#define RECORDED_RAM ((uint64_t)24684092 * 1024)
#define RECORDED_END 0x7ffffffff000u

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

static struct memory *
memory_create(struct convert *c)
{
	struct memory *memory = arena_alloc(&c->arena, sizeof(*memory));

	memory->users = 1;
	memory->next = c->memories;
	c->memories = memory;
	return memory;
}

static void
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

/* The most private pages that lived at once, counting shared ones once for each space. */
static void
note_pages(struct convert *c, struct memory *memory)
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

/* What a scan has found, gathered from the records of its line. */
struct found {
	struct pages plus, minus;
	bool	     any;
};

static struct slice
take_scans(struct convert *c, unsigned line, uint32_t tid, struct found *found)
{
	struct slice moment = { 0 };
	struct scan *scan;

	while ((scan = touchlog_find(&c->log, line, tid)) != NULL) {
		scan->taken = true;
		if (!found->any)
			moment = scan->moment;
		found->any = true;
		for (size_t i = scan->first; i < scan->first + scan->nr; i++) {
			struct touch *t = &c->log.touches[i];

			pages_set(t->kind == '-' ? &found->minus : &found->plus, t->start, t->end,
				  t->kind);
		}
	}
	return moment;
}

static void
remove_all(struct pages *pages, const struct pages *gone)
{
	for (size_t i = 0; i < gone->nr; i++)
		pages_remove(pages, gone->runs[i].start, gone->runs[i].end);
}

/* Pages whose contents went to swap are in the tables as a mark: neither touched nor present. */
static void
remove_swapped(struct pages *plus, struct pages *minus)
{
	for (size_t i = 0; i < plus->nr; i++) {
		if (plus->runs[i].kind == 's')
			pages_set(minus, plus->runs[i].start, plus->runs[i].end, '-');
	}
	remove_all(plus, minus);
}

static void
write_touch(struct convert *c, const struct task *task, const struct pages *pages)
{
	if (pages->nr == 0)
		return;
	write_on(c, task);
	text_add(c->out, "touch %u", task->tid);
	write_runs(c, pages);
	text_add(c->out, "\n");
}

/*
 * The pages of a scan become touches. A page that a call removed since the last
 * scan and that this one does not mention was touched again meanwhile.
 */
static void
apply_scan(struct convert *c, struct task *task, struct found *found)
{
	struct memory *memory = task->memory;
	struct pages   again = { 0 };

	remove_swapped(&found->plus, &found->minus);
	pages_add_all(&again, &memory->removed);
	remove_all(&again, &found->minus);
	remove_all(&again, &found->plus);
	pages_clear(&memory->removed);
	remove_all(&memory->present, &found->minus);
	write_touch(c, task, &again);
	write_touch(c, task, &found->plus);
	c->file_touches += pages_count(&again) + pages_count(&found->plus);
	pages_add_all(&memory->present, &again);
	pages_add_all(&memory->present, &found->plus);
	pages_free(&again);
}

/* was_scanned: there was a scan here even if it is not recorded, because it found nothing new. */
static void
apply_touches(struct convert *c, unsigned line, struct task *task, bool was_scanned)
{
	struct found   found = { 0 };
	struct slice   moment = take_scans(c, line, task->tid, &found);
	struct memory *memory = task->memory;

	if (memory && task->in_scenario && slice_is(moment, "EXEC")) {
		pages_clear(&memory->present);
		pages_clear(&memory->removed);
	}
	if (memory && task->in_scenario && (found.any || was_scanned) &&
	    !(slice_is(moment, "BIRTH") && memory->users > 1)) {
		apply_scan(c, task, &found);
		note_pages(c, memory);
	}
	pages_free(&found.plus);
	pages_free(&found.minus);
}

/* Calls of the recording at whose entry no scan was made. */
static bool
is_scanned(struct slice call)
{
	static const char *const not_scanned[] = {
		"openat",
		"memfd_create",
		"memfd_secret",
		"truncate",
		"ftruncate",
		"fallocate",
		"prctl",
		"arch_prctl",
		"prlimit64",
		"setrlimit",
		"personality",
		"shmget",
		"shmctl",
		"userfaultfd",
		"process_vm_readv",
		"process_vm_writev",
		"process_madvise",
		"unshare",
		"setns",
		"io_uring_setup",
		"perf_event_open",
		"rt_sigreturn",
		"sigaltstack",
	};

	for (size_t i = 0; i < sizeof(not_scanned) / sizeof(not_scanned[0]); i++) {
		if (slice_is(call, not_scanned[i]))
			return false;
	}
	return true;
}

/* The name of a snapshot's file, and its text. */
static bool
read_snapshot(struct convert *c, const struct event *event, const char *ending, char name[96],
	      struct slice *text)
{
	snprintf(name, 96, "maps/%u-%.*s-%.*s.%s", event->tgid, (int)event->seq.bytes,
		 event->seq.at, (int)event->moment.bytes, event->moment.at, ending);
	return c->source->read(c->source->ctx, name, text);
}

/* Where the search for free addresses starts, told from what the kernel placed there first. */
struct image_base {
	uint64_t top_end;     /* end of the highest of the interpreter's and the vdso's mappings */
	uint64_t top_start;   /* start of the lowest */
	uint64_t interpreter; /* start of ld.so; 0: a static program */
};

static void
note_base(struct image_base *base, const struct map_entry *entry)
{
	bool is_interpreter = slice_has(entry->name, "ld-linux");
	bool is_top = is_interpreter || file_kind_of(entry->name) == FILE_SPECIAL ||
		      (base->top_end == entry->start && entry->name.bytes == 0);

	if (!is_top || entry->end > RECORDED_END)
		return;
	if (base->top_end == 0 || entry->start < base->top_start)
		base->top_start = entry->start;
	if (is_interpreter && (base->interpreter == 0 || entry->start < base->interpreter))
		base->interpreter = entry->start;
	base->top_end = entry->end > base->top_end ? entry->end : base->top_end;
}

static bool
is_vsyscall(const struct map_entry *entry)
{
	return slice_is(entry->name, "[vsyscall]");
}

/* First look at an image: name its files, find its base. */
static bool
survey_image(struct convert *c, const char *name, struct slice text, struct image_base *base)
{
	struct map_entry entry;
	unsigned	 number = 0;

	*base = (struct image_base){ 0 };
	c->error->text[0] = 0;
	while (snapshot_next(name, &text, &number, &entry, c->error)) {
		enum file_kind kind = file_kind_of(entry.name);

		if (is_vsyscall(&entry))
			continue;
		note_base(base, &entry);
		if (kind != FILE_ANONYMOUS && !(kind == FILE_ZERO && entry.perm[3] == 's')) {
			struct file *file = file_of(c, entry.name);
			uint64_t     end = entry.offset + (entry.end - entry.start);

			file->extent = end > file->extent ? end : file->extent;
			file->mapped_end = end > file->mapped_end ? end : file->mapped_end;
			write_file(c, file);
		}
	}
	return c->error->text[0] == 0;
}

static bool
has_word(struct slice flags, const char *wanted)
{
	struct slice word;

	while (slice_word(&flags, &word)) {
		if (slice_is(word, wanted))
			return true;
	}
	return false;
}

/* The lines of an image; smaps has the same lines as maps, with flags. */
static bool
write_image(struct convert *c, const char *name, struct slice text)
{
	struct map_entry entry;
	unsigned	 number = 0;

	while (snapshot_next(name, &text, &number, &entry, c->error)) {
		if (is_vsyscall(&entry))
			continue;
		write_maps(c, &entry);
		if (has_word(entry.flags, "gd") || slice_is(entry.name, "[stack]"))
			text_add(c->out, " growsdown");
		if (file_kind_of(entry.name) == FILE_SPECIAL)
			text_add(c->out, " special");
		text_add(c->out, "\n");
	}
	return c->error->text[0] == 0;
}

static void
write_limit(struct convert *c, const char *key, uint64_t limit)
{
	if (limit != UINT64_MAX)
		text_add(c->out, " %s=%llu", key, (unsigned long long)limit);
	else
		text_add(c->out, " %s=none", key);
}

static void
write_image_head(struct convert *c, struct task *task, unsigned line, const struct image_base *base,
		 const struct image_info *info)
{
	bool	 legacy = (info->personality & 0x200000) != 0;
	uint64_t mmap_base = base->top_end ? base->top_end : RECORDED_END - (128u << 20);

	if (legacy)
		mmap_base = base->interpreter ? base->interpreter
			    : base->top_start ? base->top_start
					      : mmap_base;
	text_add(c->out, "%s %u base=0x%llx brk=0x%llx end=0x%llx commit=%llu",
		 task->in_scenario ? "exec" : "spawn", task->tid, (unsigned long long)mmap_base,
		 (unsigned long long)info->start_brk, (unsigned long long)RECORDED_END,
		 (unsigned long long)RECORDED_RAM);
	write_limit(c, "stack", info->limit_stack);
	write_limit(c, "data", info->limit_data);
	write_limit(c, "as", info->limit_as);
	text_add(c->out, "%s\t# %u\n", legacy ? " bottom-up" : "", line);
}

static bool
snap_exec(struct convert *c, const struct event *event, struct task *task)
{
	struct image_info info = { .limit_stack = UINT64_MAX,
				   .limit_data = UINT64_MAX,
				   .limit_as = UINT64_MAX };
	struct image_base base;
	struct slice	  maps;
	struct slice	  text;
	char		  name[96];
	char		  maps_name[96];

	if (!read_snapshot(c, event, "maps", maps_name, &maps))
		return import_fail(
			c->error, maps_name, 0, 0,
			"expected this snapshot of the image that trace.strace:%u executes",
			event->line);
	if (read_snapshot(c, event, "info", name, &text) &&
	    !snapshot_info(name, text, &info, c->error))
		return false;
	if (!survey_image(c, maps_name, maps, &base))
		return false;
	memory_put(c, task);
	if (!task->in_scenario)
		task->cpu = c->nr_tasks++ % 2;
	write_on(c, task);
	write_image_head(c, task, event->line, &base, &info);
	if (read_snapshot(c, event, "smaps", name, &text) ? !write_image(c, name, text)
							  : !write_image(c, maps_name, maps))
		return false;
	task->in_scenario = true;
	task->shares_memory = false;
	task->memory = memory_create(c);
	task->memory->brk = info.start_brk;
	apply_touches(c, event->line, task, false);
	return true;
}

static bool
write_snapshot(struct convert *c, const struct event *event, const struct task *task,
	       const char *name, struct slice text)
{
	struct map_entry entry;
	unsigned	 number = 0;

	c->error->text[0] = 0;
	text_add(c->out, "maps %u\t# %u %.*s\n", task->tid, event->line, (int)event->moment.bytes,
		 event->moment.at);
	while (snapshot_next(name, &text, &number, &entry, c->error)) {
		if (is_vsyscall(&entry))
			continue;
		write_maps(c, &entry);
		text_add(c->out, "\n");
	}
	write_present(c, task, &task->memory->present);
	return c->error->text[0] == 0;
}

/* Files that appear in a snapshot must have names before it. */
static bool
name_files(struct convert *c, const char *name, struct slice text)
{
	struct image_base ignored;

	return survey_image(c, name, text, &ignored);
}

static bool
convert_snap(struct convert *c, const struct event *event)
{
	struct task *task = task_of(c, event->tid);
	bool at_entry = !slice_is(event->moment, "birth") && !slice_is(event->moment, "exit");
	struct slice text;
	char	     name[96];

	if (!task_born(c, task))
		return false;
	if (slice_is(event->moment, "exec"))
		return snap_exec(c, event, task);
	if (!task->memory || !task->in_scenario)
		return true;
	apply_touches(c, at_entry ? event->line + 1 : event->line, task, false);
	if (!read_snapshot(c, event, "maps", name, &text)) {
		if (slice_is(event->moment, "birth"))
			write_present(c, task, &task->memory->present);
		return true;
	}
	return name_files(c, name, text) && write_snapshot(c, event, task, name, text);
}

static void
convert_end(struct convert *c, const struct event *event)
{
	struct task *task = task_of(c, event->tid);

	if (task->in_scenario) {
		write_on(c, task);
		text_add(c->out, "exit %u %d\t# %u\n", task->tid, event->code, event->line);
		task->in_scenario = false;
		task->exited = true;
		task->code = event->code;
	}
	memory_put(c, task);
}

static bool
convert_enter(struct convert *c, const struct event *event)
{
	struct task *task = task_of(c, event->tid);

	if (!task_born(c, task))
		return false;
	apply_touches(c, event->line, task, is_scanned(event->call->name));
	return true;
}

static bool
convert_event(struct convert *c, const struct event *event)
{
	switch (event->kind) {
	case EVENT_ENTER:
		return convert_enter(c, event);
	case EVENT_EXIT:
		return calls_exit(c, event->call);
	case EVENT_SNAP:
		return convert_snap(c, event);
	case EVENT_SUPERSEDED:
		if (task_of(c, event->tid)->in_scenario)
			write_stop(c, event->line,
				   "execve by one of several threads is not there yet");
		return true;
	case EVENT_END:
		break;
	}
	convert_end(c, event);
	return true;
}

/* Scans at the exit of a thread have no line of their own: they come before the next one. */
static void
apply_thread_exits(struct convert *c, size_t *next, unsigned line)
{
	while (*next < c->log.nr_scans && c->log.scans[*next].line < line) {
		struct scan *scan = &c->log.scans[(*next)++];

		if (!scan->taken && slice_is(scan->moment, "THREADEXIT"))
			apply_touches(c, scan->line, task_of(c, scan->tid), false);
	}
}

/* Before the first event: who makes whom, and how far each file is mapped. */
static bool
look_ahead(struct convert *c)
{
	for (size_t i = 0; i < c->trace.nr; i++) {
		const struct event *event = &c->trace.events[i];
		const struct call  *call = event->call;
		struct slice	    name;
		uint64_t	    end;

		if (event->kind != EVENT_EXIT)
			continue;
		if (call->result == RESULT_VALUE && call->value > 0 && call->value <= INT32_MAX &&
		    (slice_is(call->name, "clone") || slice_is(call->name, "clone3") ||
		     slice_is(call->name, "fork") || slice_is(call->name, "vfork")) &&
		    call->value != call->tid)
			task_of(c, (uint32_t)call->value)->clone = call;
		if (!calls_mapped_file(c, call, &name, &end))
			return false;
		if (name.bytes > 0) {
			struct file *file = file_of(c, name);

			file->extent = end > file->extent ? end : file->extent;
		}
	}
	return true;
}

/* files.txt: SIZE TAB PATH; "-" for a file that was deleted. */
static bool
read_sizes(struct convert *c, struct slice text)
{
	unsigned     number = 0;
	struct slice line;

	while (slice_line(&text, &line)) {
		struct file *file;
		uint64_t     size = 0;
		bool	     known;

		number++;
		if (line.bytes == 0)
			continue;
		known = !slice_take(&line, "-");
		if (known && !slice_number(&line, 10, &size))
			return import_fail(c->error, "files.txt", number, 1,
					   "expected a size in bytes, or '-'");
		if (!slice_take(&line, "\t"))
			return import_fail(c->error, "files.txt", number, 1,
					   "expected a tab and a path behind the size");
		file = file_of(c, calls_decode_path(c, line));
		file->sized = known;
		file->size = size;
	}
	return true;
}

static bool
convert_all(struct convert *c)
{
	size_t next_exit = 0;

	for (size_t i = 0; i < c->trace.nr && !c->stopped; i++) {
		apply_thread_exits(c, &next_exit, c->trace.events[i].line);
		if (!convert_event(c, &c->trace.events[i]))
			return false;
	}
	return true;
}

static bool
read_all(struct convert *c)
{
	struct slice text;

	if (!c->source->read(c->source->ctx, "trace.strace", &text))
		return import_fail(c->error, "trace.strace", 0, 0,
				   "expected this file in the recording");
	if (!trace_read(text, &c->arena, &c->trace, c->error))
		return false;
	if (c->source->read(c->source->ctx, "touch.log", &text) &&
	    !touchlog_read(text, &c->log, c->error))
		return false;
	if (!look_ahead(c))
		return false;
	return !c->source->read(c->source->ctx, "files.txt", &text) || read_sizes(c, text);
}

/* Frames enough for what was touched, with room for tables; more than FRAMES_MOST no machine has. */
#define FRAMES_MOST ((uint64_t)1 << 24)

static void
write_head(const struct convert *c, const char *name, struct text *out)
{
	uint64_t files = c->file_pages < c->file_touches ? c->file_pages : c->file_touches;
	uint64_t frames = c->peak_pages + c->peak_pages / 4 + files + 8192;

	if (c->peak_pages > FRAMES_MOST || files > FRAMES_MOST || frames > FRAMES_MOST)
		frames = FRAMES_MOST;
	text_add(out,
		 "# %s: an strace recording as a scenario. Numbers behind '#' are lines of "
		 "trace.strace.\n"
		 "machine frames=%llu cpus=2 user=0x%llx\n",
		 name, (unsigned long long)((frames + 4095) / 4096 * 4096),
		 (unsigned long long)RECORDED_END);
}

bool
import_recording(const struct import_source *source, const char *name, struct text *out,
		 struct import_error *error)
{
	struct text	body = { 0 };
	struct convert *c = memory_grow(NULL, sizeof(*c));
	bool		good;

	*error = (struct import_error){ 0 };
	*c = (struct convert){ .source = source, .error = error, .out = &body };
	good = read_all(c) && convert_all(c);
	if (good) {
		write_head(c, name, out);
		text_add_bytes(out, body.at, body.bytes);
	}
	for (struct memory *m = c->memories; m; m = m->next) {
		pages_free(&m->present);
		pages_free(&m->removed);
	}
	touchlog_free(&c->log);
	trace_free(&c->trace);
	arena_free(&c->arena);
	text_free(&body);
	free(c);
	return good;
}
