/*
 * convert.c - a recording, event by event, in the order of its lines.
 */
#include <stdlib.h>

#include "import/calls.h"

static void
convert_end(struct convert *c, const struct event *event)
{
	struct task *task = task_of(c, event->tid);

	task->call = NULL;
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
	scan_apply(c, event->line, task, scan_is_made_at(event->call->name));
	task->call = event->call;
	return true;
}

static bool
convert_event(struct convert *c, const struct event *event)
{
	switch (event->kind) {
	case EVENT_ENTER:
		return convert_enter(c, event);
	case EVENT_EXIT:
		task_of(c, event->tid)->call = NULL;
		return calls_exit(c, event->call);
	case EVENT_SNAP:
		return snap_convert(c, event);
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

/* A file that a call makes shorter has pages that its last size does not tell. */
static void
note_cut(struct convert *c, const struct call *call)
{
	struct args  args = args_of(call, c->error);
	struct slice path;

	if (slice_is(call->name, "ftruncate") && call_path(c, &args, &path))
		file_of(c, path)->cut = true;
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
		note_cut(c, call);
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
		scan_apply_thread_exits(c, &next_exit, c->trace.events[i].line);
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

/* A recording that was stopped says so: what lives at its end never came to an exit. */
static void
write_cut(struct convert *c)
{
	unsigned alive = 0;

	for (unsigned i = 0; !c->stopped && i < CONVERT_BUCKETS; i++) {
		for (const struct task *task = c->tasks[i]; task; task = task->hash_next)
			alive += task->in_scenario;
	}
	if (alive || c->trace.cut_line)
		text_add(c->out,
			 "cut \"the recording ends%s with %u processes and threads alive\"\n",
			 c->trace.cut_line ? " in the middle of a line," : "", alive);
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
		 "machine frames=%llu cpus=2 user=0x%llx\n"
		 "source trace.strace\n",
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
		write_cut(c);
		write_head(c, name, out);
		text_add_bytes(out, body.at, body.bytes);
	}
	for (struct memory *m = c->memories; m; m = m->next)
		memory_free(m);
	touchlog_free(&c->log);
	trace_free(&c->trace);
	arena_free(&c->arena);
	text_free(&body);
	free(c);
	return good;
}
