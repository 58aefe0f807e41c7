/*
 * trace.c - reads strace's lines. Each line must have one of the forms of
 * trace.h; the last line may be cut short, as a recording that was stopped is.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/trace.h"

#define TRACE_FILE "trace.strace"

bool
import_fail(struct import_error *error, const char *file, unsigned line, unsigned column,
	    const char *fmt, ...)
{
	va_list args;

	snprintf(error->file, sizeof(error->file), "%s", file);
	error->line = line;
	error->column = column;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return false;
}

/* One line while it is read. */
struct line {
	struct slice	     whole;
	struct slice	     rest;
	unsigned	     number;
	uint32_t	     tid;
	struct import_error *error;
};

/* A thread's call that has not come back yet, in a table by thread. */
struct open_call {
	struct open_call *next;
	uint32_t	  tid;
	struct call	 *call;
};

#define OPEN_BUCKETS 1024

struct reader {
	struct arena	 *arena;
	struct trace	 *trace;
	struct open_call *open[OPEN_BUCKETS];
};

static bool
line_expected(const struct line *line, const char *what)
{
	size_t shown = line->rest.bytes < 24 ? line->rest.bytes : 24;
	char   got[32];

	for (size_t i = 0; i < shown; i++)
		got[i] = isprint((unsigned char)line->rest.at[i]) ? line->rest.at[i] : '?';
	got[shown] = 0;
	return import_fail(line->error, TRACE_FILE, line->number,
			   (unsigned)(line->rest.at - line->whole.at) + 1, "expected %s, got '%s'",
			   what, got);
}

static struct event *
add_event(struct reader *rd, const struct line *line, enum event_kind kind)
{
	struct trace *trace = rd->trace;

	if (trace->nr == trace->room) {
		trace->room = 2 * trace->room + 1024;
		trace->events = memory_grow(trace->events, trace->room * sizeof(*trace->events));
	}
	trace->events[trace->nr] =
		(struct event){ .kind = kind, .line = line->number, .tid = line->tid };
	return &trace->events[trace->nr++];
}

static struct open_call *
open_of(struct reader *rd, uint32_t tid)
{
	struct open_call **bucket = &rd->open[tid % OPEN_BUCKETS];
	struct open_call  *open = *bucket;

	while (open && open->tid != tid)
		open = open->next;
	if (!open) {
		open = arena_alloc(rd->arena, sizeof(*open));
		open->tid = tid;
		open->next = *bucket;
		*bucket = open;
	}
	return open;
}

static struct slice
name_at(struct slice rest)
{
	struct slice name = { .at = rest.at };

	while (name.bytes < rest.bytes &&
	       (isalnum((unsigned char)rest.at[name.bytes]) || rest.at[name.bytes] == '_'))
		name.bytes++;
	return name;
}

static void
skip(struct slice *rest, size_t bytes)
{
	rest->at += bytes;
	rest->bytes -= bytes;
}

/* The last ")   = " of a line: where its arguments end and its result begins. */
static bool
find_result(struct slice text, size_t *args_end, struct slice *result)
{
	for (size_t i = text.bytes; i-- > 0;) {
		size_t blanks = i + 1;

		if (text.at[i] != ')')
			continue;
		while (blanks < text.bytes && text.at[blanks] == ' ')
			blanks++;
		if (blanks == i + 1 || blanks + 1 >= text.bytes || text.at[blanks] != '=' ||
		    text.at[blanks + 1] != ' ')
			continue;
		*args_end = i;
		*result = (struct slice){ .at = text.at + blanks + 2,
					  .bytes = text.bytes - blanks - 2 };
		return true;
	}
	return false;
}

static bool
read_number(struct slice *rest, uint64_t *value)
{
	struct slice s = *rest;

	if (slice_take(&s, "0x") && slice_number(&s, 16, value)) {
		*rest = s;
		return true;
	}
	return slice_number(rest, 10, value);
}

static bool
read_result(struct line *line, struct slice result, struct call *call)
{
	struct slice rest = result;

	line->rest = result;
	if (slice_starts(rest, "?"))
		return true;
	if (slice_take(&rest, "-1 E")) {
		call->result = RESULT_ERROR;
		call->error = name_at((struct slice){ rest.at - 1, rest.bytes + 1 });
		return true;
	}
	if (slice_take(&rest, "-")) {
		call->result = RESULT_ERROR;
		call->error = (struct slice){ "E?", 2 };
		return true;
	}
	call->result = RESULT_VALUE;
	return read_number(&rest, &call->value) ||
	       line_expected(line, "a result: a number, -1 and an error, or ?");
}

static struct slice
join(struct arena *arena, struct slice a, struct slice b)
{
	char *text = arena_alloc(arena, a.bytes + b.bytes + 1);

	if (a.bytes > 0)
		memcpy(text, a.at, a.bytes);
	if (b.bytes > 0)
		memcpy(text + a.bytes, b.at, b.bytes);
	return (struct slice){ text, a.bytes + b.bytes };
}

/* The end of a call: line->rest is the rest of its arguments, ")" and the result. */
static bool
finish_call(struct reader *rd, struct line *line, struct call *call)
{
	struct slice rest = line->rest;
	struct slice result;
	size_t	     args_end;

	if (!find_result(rest, &args_end, &result))
		return line_expected(line, "the call's arguments, ')' and '= RESULT'");
	call->exit_line = line->number;
	call->exit_column = (unsigned)(rest.at - line->whole.at) + 1;
	rest.bytes = args_end;
	call->split = call->args.bytes;
	call->args = call->split ? join(rd->arena, call->args, rest) : rest;
	if (!read_result(line, result, call))
		return false;
	add_event(rd, line, EVENT_EXIT)->call = call;
	return true;
}

static bool
read_resumed(struct reader *rd, struct line *line)
{
	struct slice	  name = name_at(line->rest);
	struct open_call *open = open_of(rd, line->tid);
	struct call	 *call = open->call;

	if (name.bytes == 0)
		return line_expected(line, "the name of the call that goes on");
	skip(&line->rest, name.bytes);
	if (!slice_take(&line->rest, " resumed>"))
		return line_expected(line, "' resumed>'");
	open->call = NULL;
	if (!call)
		return true; /* it began before the recording did */
	if (!slice_equal(call->name, name)) {
		line->rest = name;
		return line_expected(line, "the call that this thread is in");
	}
	return finish_call(rd, line, call);
}

static bool
read_call(struct reader *rd, struct line *line)
{
	static const char unfinished[] = "<unfinished ...>";
	struct slice	  name = name_at(line->rest);
	struct call	 *call;

	if (name.bytes == 0 || name.bytes == line->rest.bytes || name.at[name.bytes] != '(')
		return line_expected(line, "a call, '<... CALL resumed>', '---' or '+++'");
	skip(&line->rest, name.bytes + 1);
	call = arena_alloc(rd->arena, sizeof(*call));
	call->name = name;
	call->tid = line->tid;
	call->enter_line = line->number;
	call->enter_column = (unsigned)(line->rest.at - line->whole.at) + 1;
	add_event(rd, line, EVENT_ENTER)->call = call;
	if (line->rest.bytes >= sizeof(unfinished) - 1 &&
	    memcmp(line->rest.at + line->rest.bytes - (sizeof(unfinished) - 1), unfinished,
		   sizeof(unfinished) - 1) == 0) {
		call->args = line->rest;
		call->args.bytes -= sizeof(unfinished) - 1;
		while (call->args.bytes > 0 && call->args.at[call->args.bytes - 1] == ' ')
			call->args.bytes--;
		open_of(rd, line->tid)->call = call;
		return true;
	}
	return finish_call(rd, line, call);
}

static bool
read_snap(struct reader *rd, struct line *line)
{
	struct event event;
	uint64_t     tgid;

	if (!slice_word(&line->rest, &event.seq) || !slice_word(&line->rest, &event.moment))
		return line_expected(line, "snap SEQ MOMENT tgid=N");
	if (!slice_take(&line->rest, " tgid=") || !slice_number(&line->rest, 10, &tgid) ||
	    tgid > INT32_MAX)
		return line_expected(line, "tgid=N");
	for (size_t i = 0; i < event.seq.bytes + event.moment.bytes; i++) {
		char c = i < event.seq.bytes ? event.seq.at[i]
					     : event.moment.at[i - event.seq.bytes];

		if (isalnum((unsigned char)c) && event.seq.bytes <= 16 && event.moment.bytes <= 16)
			continue;
		line->rest = event.seq;
		return line_expected(line, "a number and a moment of letters");
	}
	*add_event(rd, line, EVENT_SNAP) = (struct event){
		.kind = EVENT_SNAP,
		.line = line->number,
		.tid = line->tid,
		.seq = event.seq,
		.moment = event.moment,
		.tgid = (uint32_t)tgid,
	};
	return true;
}

static int
signal_number(struct slice name)
{
	static const struct {
		const char *name;
		int	    number;
	} signals[] = {
		{ "SIGHUP", 1 },   { "SIGINT", 2 },   { "SIGQUIT", 3 },	 { "SIGILL", 4 },
		{ "SIGABRT", 6 },  { "SIGBUS", 7 },   { "SIGKILL", 9 },	 { "SIGUSR1", 10 },
		{ "SIGSEGV", 11 }, { "SIGUSR2", 12 }, { "SIGPIPE", 13 }, { "SIGTERM", 15 },
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (slice_is(name, signals[i].name))
			return signals[i].number;
	}
	return 0;
}

static bool
read_plus(struct reader *rd, struct line *line)
{
	struct slice word;
	uint64_t     code;

	if (slice_take(&line->rest, "snap"))
		return read_snap(rd, line);
	if (slice_starts(line->rest, "superseded by execve")) {
		add_event(rd, line, EVENT_SUPERSEDED);
		return true;
	}
	if (slice_take(&line->rest, "exited with ")) {
		if (!slice_number(&line->rest, 10, &code) || code > 255)
			return line_expected(line, "an exit code");
		add_event(rd, line, EVENT_END)->code = (int)code;
		return true;
	}
	if (slice_take(&line->rest, "killed by ")) {
		(void)slice_word(&line->rest, &word);
		add_event(rd, line, EVENT_END)->code = 128 + signal_number(word);
		return true;
	}
	return line_expected(line, "snap, exited with, killed by or superseded by execve");
}

static bool
read_head(struct line *line)
{
	struct slice word;
	uint64_t     n;

	if (!slice_number(&line->rest, 10, &n) || n == 0 || n > INT32_MAX ||
	    !slice_starts(line->rest, " "))
		return line_expected(line, "the number of a thread");
	line->tid = (uint32_t)n;
	while (slice_take(&line->rest, " "))
		;
	word = line->rest;
	if (!slice_number(&word, 10, &n) || !slice_take(&word, ".") ||
	    !slice_number(&word, 10, &n) || !slice_take(&word, " "))
		return line_expected(line, "the time, seconds.fraction");
	line->rest = word;
	return true;
}

static bool
read_line(struct reader *rd, struct line *line)
{
	if (!read_head(line))
		return false;
	if (slice_take(&line->rest, "+++ "))
		return read_plus(rd, line);
	if (slice_starts(line->rest, "---"))
		return true;
	if (slice_take(&line->rest, "<... "))
		return read_resumed(rd, line);
	return read_call(rd, line);
}

bool
trace_read(struct slice text, struct arena *arena, struct trace *trace, struct import_error *error)
{
	struct reader *rd = arena_alloc(arena, sizeof(*rd));
	struct line    line = { .error = error };
	struct slice   rest = text;

	rd->arena = arena;
	rd->trace = trace;
	while (slice_line(&rest, &line.whole)) {
		bool cut = rest.bytes == 0 && text.at[text.bytes - 1] != '\n';

		line.number++;
		line.rest = line.whole;
		if (read_line(rd, &line))
			continue;
		if (!cut)
			return false;
		trace->cut_line = line.number;
	}
	return true;
}

void
trace_free(struct trace *trace)
{
	free(trace->events);
	*trace = (struct trace){ 0 };
}

struct args
args_of(const struct call *call, struct import_error *error)
{
	return (struct args){ .call = call, .rest = call->args, .error = error };
}

bool
args_expected(struct args *args, const char *what)
{
	const struct call *call = args->call;
	size_t		   at = (size_t)(args->rest.at - call->args.at);
	bool		   first = at < call->split || call->split == 0;
	unsigned	   line = first ? call->enter_line : call->exit_line;
	unsigned	   column = first ? call->enter_column + (unsigned)at
					  : call->exit_column + (unsigned)(at - call->split);

	return import_fail(args->error, TRACE_FILE, line, column, "%.*s: expected %s",
			   (int)(call->name.bytes < 40 ? call->name.bytes : 40), call->name.at,
			   what);
}

static void
skip_comment(struct slice *rest)
{
	struct slice s = *rest;

	(void)slice_take(&s, " ");
	if (!slice_take(&s, "/*"))
		return;
	while (s.bytes > 0 && !slice_starts(s, "*/"))
		skip(&s, 1);
	if (slice_take(&s, "*/"))
		*rest = s;
}

void
args_skip_comment(struct args *args)
{
	skip_comment(&args->rest);
}

bool
args_term(struct args *args, const char *what, uint64_t *value)
{
	if (slice_take(&args->rest, "NULL"))
		*value = 0;
	else if (!read_number(&args->rest, value))
		return args_expected(args, what);
	skip_comment(&args->rest);
	return true;
}

bool
args_number(struct args *args, const char *what, uint64_t *value)
{
	if (!args_term(args, what, value))
		return false;
	if (slice_take(&args->rest, ","))
		(void)slice_take(&args->rest, " ");
	else if (args->rest.bytes > 0)
		return args_expected(args, "',' or the end of the arguments");
	return true;
}

bool
args_int(struct args *args, const char *what, uint64_t *value)
{
	if (!args_number(args, what, value))
		return false;
	*value &= UINT32_MAX;
	return true;
}

bool
args_end(struct args *args)
{
	return args->rest.bytes == 0 || args_expected(args, "the end of the arguments");
}
