/*
 * process.c - processes come, change their image, and go.
 *
 * A space is left by every CPU before its last reference goes; that is the
 * stage's part, the rest is the library's. A thread shares its maker's space and
 * is gone as soon as it exits; a process stays until somebody waits for it. (What Linux calls a
 * thread is a process of its own for `thread`; clone.c makes threads of one process.)
 */
#include "scenario/kin.h"
#include "scenario/signals.h"

struct space *
space_of(const struct name *process)
{
	return process->process->space;
}

void
count_alive(struct run *r)
{
	r->alive++;
	r->most_alive = max_u64(r->most_alive, r->alive);
}

/* What a call to the library needs and gives; run as kernel code of a CPU. */
struct process_call {
	struct space_layout layout;
	struct space	   *space;
	struct process	   *process;
	struct thread	   *thread;
	uint32_t	    id;
	int32_t		    code;
	err_t		    err;
};

static void
call_space_create(void *arg)
{
	struct process_call *call = arg;

	call->err = space_create(&call->layout, &call->space);
}

static void
call_space_put(void *arg)
{
	space_put(arg);
}

static void
call_proc_create(void *arg)
{
	struct process_call *call = arg;

	call->err = proc_create(call->id, call->space, &call->process);
}

/* What a program that executes another does first: it is alone, and shares nothing that exec changes. */
static void
call_prepare_exec(void *arg)
{
	struct process_call *call = arg;

	call->err = thread_begin_exec(call->thread, &call->thread);
	if (call->err == OK)
		call->err = proc_unshare(call->process, RESOURCE_HANDLES);
	if (call->err == OK)
		call->err = proc_unshare(call->process, RESOURCE_HANDLERS);
}

static void
call_proc_exec(void *arg)
{
	struct process_call *call = arg;

	proc_exec(call->process, call->space);
}

static void
call_proc_exit(void *arg)
{
	struct process_call *call = arg;

	proc_exit(call->process, call->code);
}

static void
call_proc_reap(void *arg)
{
	struct process_call *call = arg;

	call->err = proc_reap(call->process->parent, call->process, &call->code);
}

static void
call_proc_put(void *arg)
{
	proc_put(arg);
}

void
process_name(struct name *name, struct process *proc, struct thread *thread)
{
	proc_get(proc);
	name->process = proc;
	name->thread = thread;
	name->is_set = true;
	name->is_thread = false;
}

void
process_unname(struct run *r, struct name *name)
{
	stage_on_cpu(r->cpu, call_proc_put, name->process);
	name->process = NULL;
	name->thread = NULL;
	name->is_set = false;
}

bool
process_is_gone(const struct name *name)
{
	enum process_state state = name->process->state;

	return state == PROCESS_FORGOTTEN || (name->thread && state >= PROCESS_DYING);
}

struct name *
name_of_process(const struct run *r, uint32_t id)
{
	for (struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind == NAME_PROCESS && n->is_set && !n->thread && n->process->id == id &&
		    n->process->state != PROCESS_FORGOTTEN)
			return n;
	}
	return NULL;
}

struct thread *
thread_of(const struct name *name)
{
	return name->thread ? name->thread : &name->process->main;
}

bool
expect_running(struct run *r, const struct name *name)
{
	if (r->dry || !thread_of(name)->has_ended)
		return true;
	return run_error(r, SCENARIO_SYNTAX, 0, "expected a thread that has not ended");
}

bool
parse_actor(struct run *r, struct name **name)
{
	return parse_process(r, name) && expect_running(r, *name);
}

void
process_ended(struct run *r, uint64_t nr)
{
	r->nr_exits += nr;
	r->alive -= nr;
}

uint32_t
asked_id(const struct name *name)
{
	struct token token = { .text = name->text, .bytes = name->bytes };
	uint64_t     id;

	return token_number(&token, &id) && id <= INT32_MAX ? (uint32_t)id : 0;
}

struct layout_key {
	const char *key;
	size_t	    offset; /* of a 64-bit field */
	bool	    limit;  /* may change while the process lives */
};

static bool
parse_layout_key(struct run *r, const struct token *token, struct space_layout *layout,
		 bool only_limits)
{
	static const struct layout_key keys[] = {
		{ "base", offsetof(struct space_layout, mmap_base), false },
		{ "brk", offsetof(struct space_layout, brk_start), false },
		{ "min", offsetof(struct space_layout, min_addr), false },
		{ "end", offsetof(struct space_layout, end), false },
		{ "guard", offsetof(struct space_layout, stack_guard), false },
		{ "huge", offsetof(struct space_layout, huge_size), false },
		{ "as", offsetof(struct space_layout, limit_as), true },
		{ "data", offsetof(struct space_layout, limit_data), true },
		{ "stack", offsetof(struct space_layout, limit_stack), true },
		{ "commit", offsetof(struct space_layout, limit_commit), true },
		{ "memlock", offsetof(struct space_layout, limit_memlock), true },
		{ "regions", offsetof(struct space_layout, max_regions), false },
	};
	struct token rest;
	uint64_t     value;

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!token_key(token, keys[i].key, &rest) || (only_limits && !keys[i].limit))
			continue;
		if (token_is(&rest, "none"))
			value = UINT64_MAX;
		else if (!number_of(r, &rest, &value, "a number or none"))
			return false;
		memcpy((char *)layout + keys[i].offset, &value, sizeof(value));
		return true;
	}
	if (!only_limits && token_is(token, "bottom-up")) {
		layout->bottom_up = true;
		return true;
	}
	return parse_expected(r, token,
			      only_limits
				      ? "as=, data=, stack=, commit= or memlock="
				      : "base=, brk=, min=, end=, guard=, huge=, regions=, as=, "
					"data=, stack=, commit=, memlock= or bottom-up");
}

/* The words of a line from here to its end or `=`. */
static bool
parse_layout(struct run *r, struct space_layout *layout, bool only_limits)
{
	struct token token;

	while (lexer_token(&r->lex, &token)) {
		if (token_is(&token, "=")) {
			lexer_unread(&r->lex, &token);
			return true;
		}
		if (!parse_layout_key(r, &token, layout, only_limits))
			return false;
	}
	return true;
}

/* Limits count from when the image stands: the image itself is what the recording had. */
static void
set_limits(struct space *sp, const struct space_layout *layout)
{
	write_lock(&sp->lock);
	sp->layout.limit_as = layout->limit_as;
	sp->layout.limit_data = layout->limit_data;
	sp->layout.limit_stack = layout->limit_stack;
	sp->layout.limit_commit = layout->limit_commit;
	sp->layout.limit_memlock = layout->limit_memlock;
	write_unlock(&sp->lock);
}

/* The block's lines, when there is no space to build them in. */
static bool
skip_block(struct run *r)
{
	while (lexer_block_line(&r->lex))
		;
	return true;
}

/* An image's space: the layout, then the map lines of the block; call->err says how it went. */
static bool
make_space(struct run *r, struct process_call *call)
{
	struct space_layout limits = call->layout;
	struct space_layout wide = space_default_layout();
	bool		    good;

	call->layout.limit_as = wide.limit_as;
	call->layout.limit_data = wide.limit_data;
	call->layout.limit_stack = wide.limit_stack;
	call->layout.limit_commit = wide.limit_commit;
	call->layout.limit_memlock = wide.limit_memlock;
	stage_on_cpu(r->cpu, call_space_create, call);
	if (call->err != OK)
		return skip_block(r);
	good = build_image(r, call->space, &call->err);
	if (!good || call->err != OK)
		stage_on_cpu(r->cpu, call_space_put, call->space);
	else
		set_limits(call->space, &limits);
	return good;
}

static bool
check_block(struct run *r)
{
	err_t err;

	return build_image(r, NULL, &err);
}

bool
statement_spawn(struct run *r)
{
	struct process_call call = { .layout = space_default_layout() };
	struct wanted	    wanted;
	struct name	   *name;

	if (!parse_new_process(r, &name) || !parse_layout(r, &call.layout, false) ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return check_block(r);
	if (!make_space(r, &call))
		return false;
	if (call.err == OK) {
		call.id = asked_id(name);
		stage_on_cpu(r->cpu, call_proc_create, &call);
		stage_on_cpu(r->cpu, call_space_put, call.space);
	}
	if (call.err == OK) {
		process_name(name, call.process, NULL);
		actor_exec(name);
		r->nr_spawned++;
		count_alive(r);
	}
	return compare_result(r, "spawn", &wanted, call.err, 0, false);
}

void
leave_if_last(struct process *proc)
{
	struct space *sp = proc->space;

	if (sp && atomic_load_explicit(&sp->refs, memory_order_acquire) == 1)
		stage_leave(sp);
}

/* take_first_name - it goes on as the first thread, whose name is the process's; the other is free. */
static void
take_first_name(struct run *r, struct name **name)
{
	struct name *first = name_of_process(r, (*name)->process->id);

	process_unname(r, *name);
	if (first)
		*name = first;
}

/* The thread of this name goes on alone in the new image. */
static void
exec_image(struct run *r, struct name *name, struct process_call *call)
{
	call->process = name->process;
	call->thread = thread_of(name);
	stage_on_cpu(r->cpu, call_prepare_exec, call);
	if (call->err == OK) {
		leave_if_last(call->process);
		stage_on_cpu(r->cpu, call_proc_exec, call);
		if (name->thread)
			take_first_name(r, &name);
		actor_exec(name);
		r->nr_execs++;
	}
	stage_on_cpu(r->cpu, call_space_put, call->space);
}

bool
statement_exec(struct run *r)
{
	struct process_call call = { .layout = space_default_layout() };
	struct wanted	    wanted;
	struct name	   *name;

	if (!parse_actor(r, &name) || !parse_layout(r, &call.layout, false) ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return check_block(r);
	if (!make_space(r, &call))
		return false;
	if (call.err == OK)
		exec_image(r, name, &call);
	return compare_result(r, "exec", &wanted, call.err, 0, false);
}

static bool
make_child(struct run *r, const char *verb, uint64_t flags, bool is_thread, uint64_t *counter)
{
	struct clone_request request = { .flags = flags };
	struct wanted	     wanted;
	struct name	    *parent;
	struct name	    *child;
	uint32_t	     id;
	err_t		     err;

	if (!parse_actor(r, &parent) || !parse_new_process(r, &child) ||
	    !parse_home(r, &request.by_node, &request.node) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	err = clone_child(r, parent, child, request, &id);
	if (err == OK) {
		child->is_thread = is_thread;
		(*counter)++;
		if (!actor_fork(r, parent, child))
			return false;
	}
	return compare_result(r, verb, &wanted, err, 0, false);
}

bool
statement_fork(struct run *r)
{
	return make_child(r, "fork", 0, false, &r->nr_forks);
}

bool
statement_vfork(struct run *r)
{
	return make_child(r, "vfork", PROC_SHARE_SPACE | PROC_SUSPEND, false, &r->nr_vforks);
}

/* A second process in the same space; unlike after vfork, both run. */
bool
statement_share(struct run *r)
{
	return make_child(r, "share", PROC_SHARE_SPACE, false, &r->nr_forks);
}

bool
statement_thread(struct run *r)
{
	return make_child(r, "thread", PROC_SHARE_SPACE, true, &r->nr_threads);
}

/* A zombie goes; its name is free for another. */
static err_t
reap(struct run *r, struct name *name, int32_t *code)
{
	struct process_call call = { .process = name->process };

	stage_on_cpu(r->cpu, call_proc_reap, &call);
	if (call.err == OK) {
		process_unname(r, name);
		*code = call.code;
	}
	return call.err;
}

bool
end_process(struct run *r, struct name *name, int32_t code)
{
	struct process_call call = { .process = name->process, .code = code };
	int32_t		    ignored;

	leave_if_last(name->process);
	process_ended(r, name->process->nr_running);
	stage_on_cpu(r->cpu, call_proc_exit, &call);
	if (name->is_thread && reap(r, name, &ignored) != OK)
		return run_failed(r, "exit: expected a thread to be gone at once, it is not");
	return true;
}

bool
statement_exit(struct run *r)
{
	struct token token;
	struct name *name;
	uint64_t     code = 0;

	if (!parse_process(r, &name))
		return false;
	if (lexer_token(&r->lex, &token)) {
		if (!number_of(r, &token, &code, "an exit code"))
			return false;
		if (code > INT32_MAX)
			return parse_expected(r, &token, "an exit code of 31 bits");
	}
	if (!parse_end(r))
		return false;
	return r->dry || end_process(r, name, (int32_t)code);
}

/* wait Q [= CODE], by whoever is its parent; wait P for ... is another file's. */
bool
statement_wait(struct run *r)
{
	struct wanted wanted;
	struct lexer  start = r->lex;
	struct name  *name;
	int32_t	      code = 0;
	err_t	      err;

	if (!parse_any_process(r, &name))
		return false;
	if (parse_word(r, "for")) {
		r->lex = start;
		return wait_for_report(r);
	}
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	err = reap(r, name, &code);
	return compare_result(r, "wait", &wanted, err, (uint64_t)(int64_t)code, true);
}

bool
statement_limit(struct run *r)
{
	struct space_layout layout = { 0 };
	struct name	   *name;

	if (!parse_process(r, &name))
		return false;
	if (!r->dry)
		layout = space_of(name)->layout;
	if (!parse_layout(r, &layout, true) || !parse_end(r))
		return false;
	if (!r->dry)
		set_limits(space_of(name), &layout);
	return true;
}

bool
statement_on(struct run *r)
{
	struct token token;
	uint64_t     cpu;

	if (!parse_token(r, &token, "the number of a CPU") ||
	    !number_of(r, &token, &cpu, "the number of a CPU") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	if (cpu >= platform_cpus())
		return parse_expected(r, &token, "the number of a CPU that this machine has");
	r->cpu = (unsigned)cpu;
	return true;
}
