/*
 * clone.c - children and threads by flags, and forks that fail at each allocation in turn.
 */
#include "scenario/call.h"
#include "scenario/kin.h"
#include "scenario/ledger.h"
#include "scenario/signals.h"

/* Flags of the library that are above 32 bits lie in the three highest bits of a word here. */
#define HIGH_SHIFT	3
#define HIGH_BITS	0xe0000000u
#define FLAG_HIGH(flag) ((unsigned)((flag) >> HIGH_SHIFT))

static const struct flag_word clone_flags[] = {
	{ "none", 0 },
	{ "space", PROC_SHARE_SPACE },
	{ "fs", PROC_SHARE_FS },
	{ "handles", PROC_SHARE_HANDLES },
	{ "handlers", PROC_SHARE_HANDLERS },
	{ "suspend", PROC_SUSPEND },
	{ "same-parent", PROC_SAME_PARENT },
	{ "thread", PROC_THREAD },
	{ "new-mount", PROC_NEW_MOUNT },
	{ "default-handlers", FLAG_HIGH(PROC_DEFAULT_HANDLERS) },
	{ "no-reap", FLAG_HIGH(PROC_NO_REAP) },
	{ "empty-handles", FLAG_HIGH(PROC_EMPTY_HANDLES) },
	{ NULL, 0 },
};

static const char clone_what[] =
	"none, space, fs, handles, handlers, suspend, same-parent, thread, new-mount, "
	"default-handlers, no-reap or empty-handles";

struct clone_call {
	struct thread	    *caller;
	struct clone_request request;
	struct clone_result  result;
	err_t		     err;
};

static void
do_clone(void *arg)
{
	struct clone_call *call = arg;

	call->err = proc_clone(call->caller, &call->request, &call->result);
}

err_t
clone_child(struct run *r, struct name *actor, struct name *child, struct clone_request request,
	    uint32_t *id)
{
	struct clone_call call = { .caller = thread_of(actor), .request = request };

	call.request.id = asked_id(child);
	stage_on_cpu(r->cpu, do_clone, &call);
	if (call.err)
		return call.err;
	process_name(child, call.result.process,
		     request.flags & PROC_THREAD ? call.result.thread : NULL);
	*id = call.result.id;
	count_alive(r);
	return OK;
}

/* FLAGS [signal N] */
static bool
parse_clone_flags(struct run *r, uint64_t *flags)
{
	struct token token;
	uint64_t     signal = 0;
	unsigned     bits;

	if (!parse_flags(r, clone_flags, clone_what, &bits))
		return false;
	*flags = (bits & ~HIGH_BITS) | (uint64_t)(bits & HIGH_BITS) << HIGH_SHIFT;
	if (!parse_word(r, "signal"))
		return true;
	if (!parse_token(r, &token, "the number of a signal") ||
	    !number_of(r, &token, &signal, "the number of a signal"))
		return false;
	if (signal > PROC_EXIT_SIGNAL)
		return parse_expected(r, &token, "the number of a signal, at most 255");
	*flags |= signal;
	return true;
}

/* A clone statement, read. */
struct clone_line {
	struct name	    *actor, *child;
	struct clone_request request; /* flags, home */
	struct wanted	     wanted;
};

static bool
parse_clone(struct run *r, struct clone_line *line)
{
	return parse_actor(r, &line->actor) && parse_new_process(r, &line->child) &&
	       parse_clone_flags(r, &line->request.flags) &&
	       parse_home(r, &line->request.by_node, &line->request.node) &&
	       parse_wanted(r, &line->wanted);
}

/* The result is the child's id, or the thread's. */
static bool
conclude_clone(struct run *r, const struct clone_line *line, err_t err, uint32_t id)
{
	if (err == OK && line->request.flags & PROC_THREAD)
		r->nr_threads++;
	else if (err == OK && line->request.flags & PROC_SUSPEND)
		r->nr_vforks++;
	else if (err == OK)
		r->nr_forks++;
	if (err == OK && !actor_fork(r, line->actor, line->child))
		return false;
	return compare_result(r, "clone", &line->wanted, err, id, true);
}

/* clone P Q FLAGS [signal N] [= ID] [-> LABEL] */
bool
statement_clone(struct run *r)
{
	struct clone_line line = { 0 };
	uint32_t	  id = 0;
	err_t		  err;

	if (!parse_clone(r, &line))
		return false;
	if (r->dry)
		return true;
	err = clone_child(r, line.actor, line.child, line.request, &id);
	return conclude_clone(r, &line, err, id);
}

/* After a clone that found no memory everything is as before. */
static bool
expect_unwound(struct run *r, uint64_t n, struct digest digest, const struct ledger *ledger)
{
	struct digest	    now = digest_all();
	struct check_report report;
	char		    text[160];

	if (now.lo != digest.lo || now.hi != digest.hi)
		return run_failed(r,
				  "unwind: allocation %llu fails: expected everything to be as "
				  "it was, it is not",
				  (unsigned long long)n);
	if (!ledger_is_equal(r, ledger, text, sizeof(text)))
		return run_failed(r, "unwind: allocation %llu fails: %s", (unsigned long long)n,
				  text);
	if (check_all(&report))
		return true;
	return run_error(r, SCENARIO_BROKEN, 0, "%s is broken: %s", invariant_name(report.broken),
			 report.text);
}

/*
 * unwind P Q FLAGS [signal N] [= ID] [-> LABEL]: as clone, but before it succeeds the first allocation
 * fails, then the second, and so on; each time nothing may have changed.
 */
bool
statement_unwind(struct run *r)
{
	struct clone_line line = { 0 };
	struct digest	  digest;
	struct ledger	  ledger;
	uint32_t	  id = 0;
	err_t		  err = ERR_NOMEM;

	if (!parse_clone(r, &line))
		return false;
	if (r->dry)
		return true;
	digest = digest_all();
	ledger_read(r, &ledger);
	for (uint64_t n = 1; err == ERR_NOMEM; n++) {
		stage_fail_allocation(n, false);
		err = clone_child(r, line.actor, line.child, line.request, &id);
		stage_fail_allocation(0, false);
		if (err != ERR_NOMEM)
			break;
		r->nr_unwound++;
		if (!expect_unwound(r, n, digest, &ledger) || !run_work(r))
			return false;
	}
	return conclude_clone(r, &line, err, id);
}
