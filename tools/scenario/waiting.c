/*
 * waiting.c - wait P for WHOM: what a parent hears of its children.
 *
 *	wait P for any                  = ECHILD | EAGAIN
 *	           Q                    = Q exited CODE
 *	           number N | id N      = Q stopped SIGNAL
 *	           group Q              = Q continued
 *	       [also stopped,continued,keep]
 */
#include "scenario/call.h"
#include "scenario/kin.h"

struct wait_call {
	struct process	   *parent;
	struct wait_request request;
	struct wait_result  result;
	err_t		    err;
};

static void
do_wait(void *arg)
{
	struct wait_call *call = arg;

	call->err = proc_wait(call->parent, &call->request, &call->result);
}

/* number N, id N: a child, or what once was one. */
static bool
parse_number_of(struct run *r, const char *word, enum wait_which which,
		struct wait_request *request)
{
	uint64_t number;

	request->which = which;
	if (!parse_number(r, &number, word))
		return false;
	request->id = (uint32_t)min_u64(number, UINT32_MAX);
	return true;
}

/* any | number N | id N | group Q | Q */
static bool
parse_whom(struct run *r, struct wait_request *request)
{
	struct name *name;

	request->which = WAIT_ANY;
	if (parse_word(r, "any"))
		return true;
	if (parse_word(r, "number"))
		return parse_number_of(r, "the number of a child", WAIT_NUMBER, request);
	if (parse_word(r, "id"))
		return parse_number_of(r, "the id of a child", WAIT_ID, request);
	request->which = parse_word(r, "group") ? WAIT_GROUP : WAIT_ID;
	if (!parse_any_process(r, &name))
		return false;
	if (!r->dry)
		request->id = request->which == WAIT_GROUP ? proc_group(name->process)
							   : name->process->id;
	return true;
}

static const struct flag_word wait_flags[] = {
	{ "stopped", WAITF_STOPPED },
	{ "continued", WAITF_CONTINUED },
	{ "keep", WAITF_KEEP },
	{ NULL, 0 },
};

static const char *const event_words[] = {
	[WAIT_EXITED] = "exited",
	[WAIT_STOPPED] = "stopped",
	[WAIT_CONTINUED] = "continued",
};

/* What the parent shall hear: an error, or who, which event, and its code. */
struct report {
	bool		is_error;
	err_t		err;
	struct name    *name;
	enum wait_event event;
	uint64_t	code;
};

static bool
parse_event(struct run *r, struct report *report)
{
	struct token token;

	if (!parse_token(r, &token, "exited, stopped or continued"))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(event_words); i++) {
		report->event = (enum wait_event)i;
		if (!token_is(&token, event_words[i]))
			continue;
		return report->event == WAIT_CONTINUED ||
		       parse_number(r, &report->code,
				    i == WAIT_EXITED ? "an exit code" : "the number of a signal");
	}
	return parse_expected(r, &token, "exited, stopped or continued");
}

/* = Q EVENT [CODE], or = ECHILD, or = EAGAIN */
static bool
parse_report(struct run *r, struct report *report)
{
	static const struct {
		const char *word;
		err_t	    err;
	} errors[] = { { "ECHILD", ERR_CHILD }, { "EAGAIN", ERR_AGAIN } };

	*report = (struct report){ 0 };
	if (!parse_equals(r))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		if (parse_word(r, errors[i].word)) {
			report->is_error = true;
			report->err = errors[i].err;
			return parse_end(r);
		}
	}
	return parse_any_process(r, &report->name) && parse_event(r, report) && parse_end(r);
}

/* "B exited 3", "ECHILD" */
static const char *
report_text(char *buf, size_t bytes, const struct report *report)
{
	char name[68];

	if (report->is_error)
		format(buf, bytes, "%s", err_name(report->err));
	else if (report->event == WAIT_CONTINUED)
		format(buf, bytes, "%s continued", names_text(report->name, name, sizeof(name)));
	else
		format(buf, bytes, "%s %s %lld", names_text(report->name, name, sizeof(name)),
		       event_words[report->event], (long long)report->code);
	return buf;
}

static bool
is_equal(const struct report *a, const struct report *b)
{
	if (a->is_error || b->is_error)
		return a->is_error == b->is_error && a->err == b->err;
	return a->name == b->name && a->event == b->event &&
	       (a->event == WAIT_CONTINUED || a->code == b->code);
}

/* Whom the wait will tell of. It is asked first, while he has his id: another may get that then. */
static struct name *
child_to_hear_of(const struct run *r, struct wait_call call)
{
	call.request.flags |= WAITF_KEEP;
	stage_on_cpu(r->cpu, do_wait, &call);
	return call.err == OK ? name_of_process(r, call.result.id) : NULL;
}

/* What the parent hears; a child that has exited is gone afterwards. */
static struct report
hear(const struct run *r, struct wait_call *call)
{
	struct name *name = child_to_hear_of(r, *call);

	stage_on_cpu(r->cpu, do_wait, call);
	if (call->err != OK)
		return (struct report){ .is_error = true, .err = call->err };
	return (struct report){ .name = name,
				.event = call->result.event,
				.code = (uint64_t)(int64_t)call->result.code };
}

static bool
compare_report(struct run *r, const struct report *want, const struct report *got)
{
	char want_text[100];
	char got_text[100];

	r->result->calls++;
	if (is_equal(want, got)) {
		r->result->calls_equal++;
		return true;
	}
	return run_failed(r, "wait: expected %s, got %s",
			  report_text(want_text, sizeof(want_text), want),
			  report_text(got_text, sizeof(got_text), got));
}

bool
wait_for_report(struct run *r)
{
	struct wait_call call = { 0 };
	struct report	 want, got;
	struct name	*parent;
	bool		 goes_on;

	if (!parse_process(r, &parent) || !parse_word(r, "for") || !parse_whom(r, &call.request))
		return false;
	if (parse_word(r, "also") &&
	    !parse_flags(r, wait_flags, "stopped, continued or keep", &call.request.flags))
		return false;
	if (!parse_report(r, &want))
		return false;
	if (r->dry)
		return true;
	call.parent = parent->process;
	got = hear(r, &call);
	goes_on = compare_report(r, &want, &got);
	if (got.name && process_is_gone(got.name))
		process_unname(r, got.name);
	return goes_on;
}
