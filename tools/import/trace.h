/*
 * trace.h - trace.strace as a list of events, in the order of its lines.
 *
 *	TID TIME CALL(ARGS) = RESULT               complete: an ENTER and an EXIT
 *	TID TIME CALL(ARGS <unfinished ...>        an ENTER
 *	TID TIME <... CALL resumed>REST) = RESULT  the EXIT; the two texts are joined
 *	TID TIME --- SIGxxx {...} ---              not an event
 *	TID TIME +++ exited with N +++ | +++ killed by SIGxxx +++ | +++ superseded ... +++
 *	TID TIME +++ snap SEQ MOMENT tgid=N +++
 */
#pragma once

#include "import/import.h"

enum result_kind {
	RESULT_NONE, /* "?": the call never returned, or was restarted */
	RESULT_VALUE,
	RESULT_ERROR,
};

/* A call and where its text stands, so that errors in it can be told by line and column. */
struct call {
	struct slice	 name;
	struct slice	 args;			/* between the parentheses, of both lines */
	size_t		 split;			/* bytes of args that stand on the first line */
	unsigned	 enter_line, exit_line; /* 0: it never came back */
	unsigned	 enter_column, exit_column;
	uint32_t	 tid;
	enum result_kind result;
	uint64_t	 value;
	struct slice	 error; /* "ENOMEM" */
};

enum event_kind {
	EVENT_ENTER,
	EVENT_EXIT,
	EVENT_SNAP,
	EVENT_SUPERSEDED,
	EVENT_END,
};

struct event {
	enum event_kind kind;
	unsigned	line;
	uint32_t	tid;
	struct call    *call;	/* ENTER, EXIT */
	struct slice	seq;	/* SNAP: "00012" */
	struct slice	moment; /* SNAP: "exec", "birth", ... */
	uint32_t	tgid;	/* SNAP */
	int		code;	/* END: exit code; 128 + signal if killed */
};

struct trace {
	struct event *events;
	size_t	      nr, room;
	unsigned      cut_line; /* the last line, if it is cut short in the middle; else 0 */
};

/* trace_read - all events of the text; what they need lives in the arena. */
bool trace_read(struct slice text, struct arena *arena, struct trace *trace,
		struct import_error *error);
void trace_free(struct trace *trace);

/* import_fail - fill in the error; returns false. */
bool import_fail(struct import_error *error, const char *file, unsigned line, unsigned column,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The arguments of a call, read one after the other. */
struct args {
	const struct call   *call;
	struct slice	     rest;
	struct import_error *error;
};

struct args args_of(const struct call *call, struct import_error *error);

/* args_number - a number or NULL, its comment, and the comma behind it if there is one. */
bool args_number(struct args *args, const char *what, uint64_t *value);

/* args_int - the same for an int of the kernel's: its 32 bits. */
bool args_int(struct args *args, const char *what, uint64_t *value);

/* args_term - the same without the comma. */
bool args_term(struct args *args, const char *what, uint64_t *value);

/* args_skip_comment - a comment, if one stands there. */
void args_skip_comment(struct args *args);

/* args_end - nothing may stand behind the last argument. */
bool args_end(struct args *args);

/* args_expected - the error for what stands at the current place. */
bool args_expected(struct args *args, const char *what);
