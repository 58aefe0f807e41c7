/*
 * run.c - the loop over the statements of a scenario, and its beginning and end.
 *
 * Two passes over the text: the dry pass checks the grammar of all of it, so
 * that a slip of the pen in the last line is found before the first one runs.
 * At the end everything the scenario made is taken apart, and nothing may be
 * left over: a scenario that ends `ok` has leaked no frame, region or object.
 */
#include "scenario/call.h"
#include "scenario/kin.h"
#include "scenario/thing.h"

#include <anymm/swap.h>

static const struct {
	const char  *verb;
	statement_fn fn;
} statements[] = {
	{ "touch", statement_touch },
	{ "mmap", statement_mmap },
	{ "munmap", statement_munmap },
	{ "mprotect", statement_mprotect },
	{ "brk", statement_brk },
	{ "madvise", statement_madvise },
	{ "load", statement_load },
	{ "store", statement_store },
	{ "fetch", statement_fetch },
	{ "spawn", statement_spawn },
	{ "exec", statement_exec },
	{ "fork", statement_fork },
	{ "vfork", statement_vfork },
	{ "share", statement_share },
	{ "thread", statement_thread },
	{ "clone", statement_clone },
	{ "unwind", statement_unwind },
	{ "leave", statement_leave },
	{ "join", statement_join },
	{ "detach", statement_detach },
	{ "exit", statement_exit },
	{ "wait", statement_wait },
	{ "kill", statement_kill },
	{ "kill-descendants", statement_kill_descendants },
	{ "pause", statement_pause },
	{ "resume", statement_resume },
	{ "subreaper", statement_subreaper },
	{ "group", statement_group },
	{ "state", statement_state },
	{ "id", statement_id },
	{ "number", statement_number },
	{ "tree", statement_tree },
	{ "open", statement_open },
	{ "dup", statement_dup },
	{ "dup-to", statement_dup_to },
	{ "close", statement_close },
	{ "take", statement_take },
	{ "put", statement_put },
	{ "handle", statement_handle },
	{ "handles", statement_handles },
	{ "handle-limit", statement_handle_limit },
	{ "special", statement_special },
	{ "next", statement_next },
	{ "refs", statement_refs },
	{ "chdir", statement_chdir },
	{ "cwd", statement_cwd },
	{ "umask", statement_umask },
	{ "mount", statement_mount },
	{ "account", statement_account },
	{ "paid", statement_paid },
	{ "limit", statement_limit },
	{ "on", statement_on },
	{ "file", statement_file },
	{ "maps", statement_maps },
	{ "present", statement_present },
	{ "absent", statement_absent },
	{ "resident", statement_resident },
	{ "same", statement_same },
	{ "differ", statement_differ },
	{ "count", statement_count },
	{ "expect", statement_expect },
	{ "digest", statement_digest },
	{ "ledger", statement_ledger },
	{ "check", statement_check },
	{ "fail", statement_fail },
	{ "source", statement_source },
	{ "cut", statement_cut },
	{ "shmget", statement_shmget },
	{ "shmat", statement_shmat },
	{ "shmdt", statement_shmdt },
	{ "mremap", statement_mremap },
	{ "msync", statement_msync },
	{ "mincore", statement_mincore },
	{ "mlock", statement_mlock },
	{ "mlock2", statement_mlock2 },
	{ "munlock", statement_munlock },
	{ "mlockall", statement_mlockall },
	{ "munlockall", statement_munlockall },
	{ "mseal", statement_mseal },
	{ "truncate", statement_truncate },
	{ "punch", statement_punch },
	{ "fsync", statement_fsync },
	{ "evict", statement_evict },
	{ "read", statement_read },
	{ "write", statement_write },
	{ "process_vm_readv", statement_process_vm_readv },
	{ "process_vm_writev", statement_process_vm_writev },
	{ "reclaim", statement_reclaim },
	{ "pin", statement_pin },
	{ "unpin", statement_unpin },
	{ "device", statement_device },
	{ "replicate", statement_replicate },
	{ "unreplicate", statement_unreplicate },
	{ "place", statement_place },
	{ "migrate", statement_migrate },
	{ "lies", statement_lies },
	{ "lives", statement_lives },
	{ "homes", statement_homes },
	{ "handler", statement_handler },
	{ "altstack", statement_altstack },
	{ "mask", statement_mask },
	{ "signal", statement_signal },
	{ "deliver", statement_deliver },
	{ "return", statement_return },
	{ "context", statement_context },
	{ "registers", statement_registers },
	{ "frame", statement_frame },
};

void
run_print(struct run *r, const char *fmt, ...)
{
	char	buf[512];
	va_list args;
	size_t	n;

	va_start(args, fmt);
	n = format_va(buf, sizeof(buf), fmt, args);
	va_end(args);
	r->config->write(r->config->write_ctx, buf, min_u64(n, sizeof(buf) - 1));
}

/* Where the text of the first error ends, which a broken invariant at the end does not hide. */
static size_t
first_error_bytes(const struct scenario_result *result)
{
	size_t n = 0;

	while (result->text[n])
		n++;
	return n;
}

bool
run_error(struct run *r, enum scenario_outcome outcome, uint32_t column, const char *fmt, ...)
{
	struct scenario_result *result = r->result;
	bool			follows = result->outcome == SCENARIO_FAILED;
	size_t			at = 0;
	va_list			args;

	if (result->outcome != SCENARIO_OK && outcome != SCENARIO_BROKEN && !r->config->keep_going)
		return false;
	if (follows) {
		at = first_error_bytes(result);
		at += format(result->text + at, sizeof(result->text) - at, "; then: ");
		at = min_u64(at, sizeof(result->text) - 1);
	} else {
		result->line = r->lex.line;
		result->column = column;
	}
	result->outcome = outcome;
	va_start(args, fmt);
	format_va(result->text + at, sizeof(result->text) - at, fmt, args);
	va_end(args);
	return false;
}

bool
run_failed(struct run *r, const char *fmt, ...)
{
	struct scenario_result *result = r->result;
	char			text[sizeof(result->text)];
	char			origin[120];
	va_list			args;

	origin_text(r, origin, sizeof(origin));
	va_start(args, fmt);
	format_va(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->config->keep_going)
		run_print(r, "%s:%u: %s%s\n", r->config->name, r->lex.line, origin, text);
	if (result->outcome == SCENARIO_OK)
		(void)run_error(r, SCENARIO_FAILED, 0, "%s%s", origin, text);
	return r->config->keep_going;
}

bool
run_work(struct run *r)
{
	r->work++;
	if (r->config->work_limit == 0 || r->work <= r->config->work_limit)
		return true;
	return run_error(r, SCENARIO_STOPPED, 0, "the work limit of %llu steps is reached",
			 (unsigned long long)r->config->work_limit);
}

static bool
check_invariants(struct run *r)
{
	struct check_report report;

	if (check_all(&report))
		return true;
	return run_error(r, SCENARIO_BROKEN, 0, "%s is broken: %s", invariant_name(report.broken),
			 report.text);
}

bool
statement_check(struct run *r)
{
	return parse_end(r) && (r->dry || check_invariants(r));
}

static bool
statement_machine(struct run *r)
{
	return run_error(r, SCENARIO_SYNTAX, 1,
			 "expected another statement: machine is the first one or absent");
}

static bool
statement_print(struct run *r)
{
	struct token token;

	if (!parse_token(r, &token, "a text in quotes"))
		return false;
	if (!token.quoted)
		return parse_expected(r, &token, "a text in quotes");
	if (!parse_end(r))
		return false;
	if (!r->dry) {
		r->config->write(r->config->write_ctx, token.text, token.bytes);
		r->config->write(r->config->write_ctx, "\n", 1);
	}
	return true;
}

static bool
statement_stop(struct run *r)
{
	struct token token;

	if (!parse_token(r, &token, "the reason in quotes"))
		return false;
	if (!token.quoted)
		return parse_expected(r, &token, "the reason in quotes");
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	if (r->result->outcome == SCENARIO_OK) {
		(void)run_error(r, SCENARIO_STOPPED, 0, "%s", "");
		memcpy(r->result->text, token.text, min_u64(token.bytes, 400));
		r->result->text[min_u64(token.bytes, 400)] = 0;
	}
	return false;
}

static bool
statement_repeat(struct run *r)
{
	uint64_t times;

	if (!parse_number(r, &times, "how many times") || !parse_end(r))
		return false;
	if (times == 0)
		return run_error(r, SCENARIO_SYNTAX, 1, "expected to repeat at least once");
	if (r->nr_repeats == REPEAT_DEPTH)
		return run_error(r, SCENARIO_SYNTAX, 1,
				 "expected at most %u repeats inside each other", REPEAT_DEPTH);
	r->repeats[r->nr_repeats++] = (struct repeat){ .body = r->lex, .left = times };
	return true;
}

static bool
statement_end(struct run *r)
{
	struct repeat *repeat;

	if (!parse_end(r))
		return false;
	if (r->nr_repeats == 0)
		return run_error(r, SCENARIO_SYNTAX, 1, "expected a repeat before this end");
	repeat = &r->repeats[r->nr_repeats - 1];
	if (!r->dry && --repeat->left > 0)
		r->lex = repeat->body;
	else
		r->nr_repeats--;
	return true;
}

static bool
dispatch(struct run *r, const struct token *verb)
{
	static const struct {
		const char  *verb;
		statement_fn fn;
	} structure[] = {
		{ "machine", statement_machine }, { "print", statement_print },
		{ "stop", statement_stop },	  { "repeat", statement_repeat },
		{ "end", statement_end },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(statements); i++) {
		if (token_is(verb, statements[i].verb))
			return statements[i].fn(r);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(structure); i++) {
		if (token_is(verb, structure[i].verb))
			return structure[i].fn(r);
	}
	return parse_expected(r, verb, "a statement");
}

/* Frames that this scenario's processes and files use now, by the allocator's own count. */
static void
note_peak(struct run *r)
{
	static const enum frame_kind kinds[] = { FRAME_TABLE, FRAME_ANON, FRAME_OBJECT };
	struct frame_totals	     now = frame_totals();
	uint64_t		     used = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		used += now.by_kind[kinds[i]] - r->frames_start.by_kind[kinds[i]];
	r->peak_frames = max_u64(r->peak_frames, used);
}

static bool
run_statement(struct run *r)
{
	struct token verb;

	if (lexer_indented(&r->lex))
		return run_error(
			r, SCENARIO_SYNTAX, 1,
			"expected a statement at the start of the line: only image and map "
			"lines are indented");
	(void)lexer_token(&r->lex, &verb);
	origin_start(r);
	if (!dispatch(r, &verb))
		return false;
	if (r->dry)
		return true;
	r->result->statements++;
	note_peak(r);
	if (r->config->check == SCENARIO_CHECK_ALL && !check_invariants(r))
		return false;
	return run_work(r);
}

/* The machine statement was read before the run: pass over it. */
static void
rewind_text(struct run *r)
{
	struct lexer start;
	struct token verb;

	lexer_init(&r->lex, r->config->text, r->config->bytes);
	start = r->lex;
	if (lexer_line(&r->lex) && lexer_token(&r->lex, &verb) && token_is(&verb, "machine"))
		return;
	r->lex = start;
}

static void
run_pass(struct run *r, bool dry)
{
	rewind_text(r);
	r->dry = dry;
	r->nr_repeats = 0;
	while (lexer_line(&r->lex)) {
		if (!run_statement(r))
			return;
	}
	if (r->nr_repeats > 0)
		(void)run_error(r, SCENARIO_SYNTAX, 0, "expected an end for the repeat of line %u",
				r->repeats[r->nr_repeats - 1].body.line);
}

static void
exit_process(void *arg)
{
	proc_exit(arg, 0);
}

static void
put_object(void *arg)
{
	object_put(arg);
}

/* Pins go; every process exits, youngest first, then zombies are reaped, then files are dropped. */
static void
take_apart(struct run *r)
{
	struct process *next;
	int32_t		code;

	stage_fail_allocation(0, false);
	for (struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind == NAME_PIN && n->is_set)
			pin_release(r, n, false);
		if (n->kind != NAME_PROCESS || !n->is_set || !n->process->space)
			continue;
		stage_leave(n->process->space);
		stage_on_cpu(r->cpu, exit_process, n->process);
	}
	things_drop(r);
	for (struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind == NAME_PROCESS && n->is_set)
			process_unname(r, n);
		if (n->kind != NAME_FILE || !n->is_set)
			continue;
		stage_on_cpu(r->cpu, put_object, n->object);
		n->is_set = false;
	}
	for (struct process *proc = proc_first(); proc; proc = next) {
		next = proc_next(proc);
		if (proc_reap(proc->parent, proc, &code) != OK)
			break;
	}
}

static bool
check_leaks(struct run *r)
{
	static const struct {
		enum frame_kind kind;
		const char     *text;
	} kinds[] = {
		{ FRAME_ANON, "private page" },
		{ FRAME_OBJECT, "object page" },
		{ FRAME_TABLE, "page table" },
	};
	struct frame_totals now = frame_totals();

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t before = r->frames_start.by_kind[kinds[i].kind];
		uint64_t after = now.by_kind[kinds[i].kind];

		if (before != after)
			return run_error(r, SCENARIO_BROKEN, 0,
					 "all processes are gone: expected %llu %ss, got %llu",
					 (unsigned long long)before, kinds[i].text,
					 (unsigned long long)after);
	}
	if (space_live_regions() != 0 || object_live() != 0)
		return run_error(
			r, SCENARIO_BROKEN, 0,
			"all processes are gone: expected no region and no object, got %llu "
			"and %llu",
			(unsigned long long)space_live_regions(),
			(unsigned long long)object_live());
	if (resource_live() != 0)
		return run_error(r, SCENARIO_BROKEN, 0,
				 "all processes are gone: expected that nobody holds anything, got "
				 "%llu things held",
				 (unsigned long long)resource_live());
	return true;
}

/*
 * After a result that differs the state is still sound, unless an invariant says
 * otherwise; a state that is not sound is left as it is.
 */
static void
finish(struct run *r)
{
	enum scenario_outcome outcome = r->result->outcome;

	if (outcome == SCENARIO_BROKEN)
		return;
	if (r->config->check != SCENARIO_CHECK_NONE && !check_invariants(r))
		return;
	if (!r->config->quiet)
		report_print(r);
	take_apart(r);
	if (r->config->check != SCENARIO_CHECK_NONE && check_leaks(r))
		(void)check_invariants(r);
}

/* Whether this machine is what the scenario asks for. */
static bool
machine_fits(struct run *r, const struct scenario_machine *machine)
{
	const char *lacks = NULL;

	if (machine->cpus > platform_cpus())
		lacks = "as many CPUs";
	else if (machine->nodes > frame_nr_nodes())
		lacks = "as many nodes";
	else if (machine->user_bytes > ARCH_USER_END)
		lacks = "addresses as large";
	else if (machine->frames > frame_totals().total)
		lacks = "as many frames";
	else if (machine->memory && machine->memory != frame_totals().total)
		lacks = "just as many frames";
	else if (machine->swap > swap_usage().nr_slots)
		lacks = "as large a swap device";
	else if (machine->sharing && !ARCH_HAS_UPPER_WRITE_DENIAL)
		lacks = "tables that fork can share";
	return !lacks || run_error(r, SCENARIO_SKIPPED, 0, "the machine does not have %s", lacks);
}

enum scenario_outcome
scenario_run(const struct scenario_config *config, struct scenario_result *result)
{
	struct run		run = { .config = config, .result = result };
	struct scenario_machine machine;
	struct run	       *r = &run;

	if (!scenario_read_machine(config, &machine, result) ||
	    (!config->parse_only && !machine_fits(r, &machine)))
		return result->outcome;
	r->swaps = machine.swap != 0;
	r->orphans = machine.orphans;
	r->names = names_create(config->arena, config->arena_bytes);
	if (!r->names) {
		(void)run_error(r, SCENARIO_SYNTAX, 0,
				"the arena is too small for the table of names");
		return result->outcome;
	}
	if (!config->unparsed)
		run_pass(r, true);
	if (result->outcome != SCENARIO_OK || config->parse_only)
		return result->outcome;
	proc_configure(NULL, r->orphans);
	report_start(r);
	run_pass(r, false);
	finish(r);
	return result->outcome;
}

/* One key=value of the machine statement. */
static bool
machine_key(struct run *r, const struct token *token, struct scenario_machine *machine)
{
	struct token rest;
	uint64_t     cpus = 1;
	uint64_t     nodes = 1;
	bool	     good = true;

	if (token_key(token, "frames", &rest))
		good = token_number(&rest, &machine->frames) && machine->frames <= 1u << 28;
	else if (token_key(token, "memory", &rest))
		good = token_number(&rest, &machine->memory) && machine->memory <= 1u << 28;
	else if (token_key(token, "swap", &rest))
		good = token_number(&rest, &machine->swap) && machine->swap <= 1u << 20;
	else if (token_key(token, "cpus", &rest))
		good = token_number(&rest, &cpus) && cpus >= 1 && cpus <= CPU_MAX;
	else if (token_key(token, "nodes", &rest))
		good = token_number(&rest, &nodes) && nodes >= 1 && nodes <= NODE_MAX;
	else if (token_key(token, "user", &rest))
		good = token_number(&rest, &machine->user_bytes);
	else if (token_key(token, "seed", &rest))
		good = token_number(&rest, &machine->seed);
	else if (token_is(token, "sharing"))
		machine->sharing = true;
	else if (token_is(token, "orphans=adopted"))
		machine->orphans = ORPHANS_ADOPTED;
	else if (token_is(token, "orphans=stay"))
		machine->orphans = ORPHANS_STAY;
	else
		return parse_expected(r, token,
				      "frames=, memory=, swap=, cpus=, nodes=, user=, seed=, "
				      "sharing, orphans=adopted or orphans=stay");
	if (!good)
		return parse_expected(r, &rest, "a number in the range of this key");
	if (token_key(token, "cpus", &rest))
		machine->cpus = (unsigned)cpus;
	if (token_key(token, "nodes", &rest))
		machine->nodes = (unsigned)nodes;
	return true;
}

bool
scenario_read_machine(const struct scenario_config *config, struct scenario_machine *machine,
		      struct scenario_result *result)
{
	struct run   run = { .config = config, .result = result, .dry = true };
	struct run  *r = &run;
	struct token token;

	*machine = (struct scenario_machine){ 0 };
	*result = (struct scenario_result){ .outcome = SCENARIO_OK };
	lexer_init(&r->lex, config->text, config->bytes);
	if (!lexer_line(&r->lex) || !lexer_token(&r->lex, &token) || !token_is(&token, "machine"))
		return true;
	while (lexer_token(&r->lex, &token)) {
		if (!machine_key(r, &token, machine))
			return false;
	}
	return true;
}

const char *
scenario_outcome_name(enum scenario_outcome outcome)
{
	static const char *const names[] = {
		[SCENARIO_OK] = "ok",		[SCENARIO_FAILED] = "FAILED",
		[SCENARIO_BROKEN] = "FAILED",	[SCENARIO_SYNTAX] = "FAILED",
		[SCENARIO_STOPPED] = "STOPPED", [SCENARIO_SKIPPED] = "SKIPPED",
	};

	return names[outcome];
}
