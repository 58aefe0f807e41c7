/*
 * context.c - what else a process has: where it stands in the file system, mounts, and
 * who pays for it.
 */
#include "scenario/call.h"
#include "scenario/kin.h"
#include "scenario/thing.h"

#include <anymm/fs_context.h>

#define DEFAULT_MASK 022

struct context_call {
	struct process	  *process;
	struct fs_context *fs;
	struct resource	  *thing;
	struct account	  *account;
	uint32_t	   mask;
	uint64_t	   limit;
	err_t		   err;
};

/* ---- directory and mask ---- */

/* The process's context, with a reference; made if it has none. */
static bool
get_fs(struct context_call *call)
{
	call->fs = (struct fs_context *)proc_resource(call->process, RESOURCE_FS);
	if (call->fs)
		return true;
	call->err = fs_context_create(NULL, NULL, DEFAULT_MASK, &call->fs);
	if (call->err)
		return false;
	resource_get(&call->fs->resource);
	proc_set_resource(call->process, RESOURCE_FS, &call->fs->resource);
	return true;
}

static void
do_chdir(void *arg)
{
	struct context_call *call = arg;

	if (!get_fs(call))
		return;
	fs_set_cwd(call->fs, call->thing);
	resource_put(&call->fs->resource);
}

static void
do_cwd(void *arg)
{
	struct context_call *call = arg;

	if (!get_fs(call))
		return;
	call->thing = fs_cwd(call->fs);
	resource_put(&call->fs->resource);
}

static void
do_umask(void *arg)
{
	struct context_call *call = arg;

	if (!get_fs(call))
		return;
	call->mask = fs_set_mask(call->fs, call->mask);
	resource_put(&call->fs->resource);
}

/* A thing of this name with one reference more, new if nobody holds it. */
static bool
get_thing(struct run *r, struct name *name, bool (*make)(struct run *r, struct name *name))
{
	if (!name->thing || resource_refs(&name->thing->resource) == 0)
		return make(r, name);
	resource_get(&name->thing->resource);
	return true;
}

static bool
make_directory(struct run *r, struct name *name)
{
	return thing_make(r, name, NULL);
}

/* chdir P DIRECTORY [= RESULT] */
bool
statement_chdir(struct run *r)
{
	struct context_call call = { 0 };
	struct wanted	    wanted;
	struct name	   *process;
	struct name	   *directory;

	if (!parse_process(r, &process) || !parse_thing(r, &directory) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	if (!get_thing(r, directory, make_directory))
		return false;
	call.process = process->process;
	call.thing = &directory->thing->resource;
	stage_on_cpu(r->cpu, do_chdir, &call);
	if (call.err)
		thing_put(r, call.thing);
	return compare_result(r, "chdir", &wanted, call.err, 0, false);
}

/* cwd P = DIRECTORY | nothing */
bool
statement_cwd(struct run *r)
{
	struct context_call call = { 0 };
	struct wanted_thing wanted;
	struct name	   *process;
	bool		    goes_on;

	if (!parse_process(r, &process) || !parse_wanted_thing(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = process->process;
	stage_on_cpu(r->cpu, do_cwd, &call);
	goes_on = compare_thing(r, "cwd", &wanted, call.err, call.thing);
	thing_put(r, call.thing);
	return goes_on;
}

/* umask P MASK [= OLD] */
bool
statement_umask(struct run *r)
{
	struct context_call call = { 0 };
	struct wanted	    wanted;
	struct name	   *process;
	uint64_t	    mask;

	if (!parse_process(r, &process) || !parse_number(r, &mask, "a mask, like 0x12") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = process->process;
	call.mask = (uint32_t)mask;
	stage_on_cpu(r->cpu, do_umask, &call);
	return compare_result(r, "umask", &wanted, call.err, call.mask, wanted.given);
}

/* ---- mounts ---- */

static void
do_set_mounts(void *arg)
{
	struct context_call *call = arg;

	proc_set_resource(call->process, RESOURCE_MOUNTS, call->thing);
}

/* What P sees of the file systems, against a name: it, nothing, or a copy of it. */
static bool
compare_mount(struct run *r, struct process *proc, const struct wanted_thing *wanted, bool copied)
{
	struct resource *got = proc_resource(proc, RESOURCE_MOUNTS);
	bool		 is_copy = got && wanted->name && wanted->name->thing &&
		       thing_of(got)->original == wanted->name->thing;
	bool goes_on;

	if (copied && is_copy) {
		r->result->calls++;
		r->result->calls_equal++;
		goes_on = true;
	} else if (copied) {
		goes_on = run_failed(r, "mount: expected a copy, got another one");
	} else {
		goes_on = compare_thing(r, "mount", wanted, OK, got);
	}
	thing_put(r, got);
	return goes_on;
}

static bool
set_mount(struct run *r, struct process *proc, struct name *mount)
{
	struct context_call call = { .process = proc };

	if (!get_thing(r, mount, mount_make))
		return false;
	call.thing = &mount->thing->resource;
	stage_on_cpu(r->cpu, do_set_mounts, &call);
	return true;
}

/* mount P MOUNT; mount P = MOUNT | nothing; mount P copied = MOUNT */
bool
statement_mount(struct run *r)
{
	struct wanted_thing wanted;
	struct token	    token;
	struct name	   *process;
	struct name	   *mount;
	bool		    copied;

	if (!parse_process(r, &process))
		return false;
	copied = parse_word(r, "copied");
	if (!parse_token(r, &token, "a mount, copied or ="))
		return false;
	lexer_unread(&r->lex, &token);
	if (copied || token_is(&token, "=")) {
		if (!parse_wanted_thing(r, &wanted))
			return false;
		return r->dry || compare_mount(r, process->process, &wanted, copied);
	}
	if (!parse_thing(r, &mount) || !parse_end(r))
		return false;
	return r->dry || set_mount(r, process->process, mount);
}

/* ---- accounts ---- */

static void
do_account(void *arg)
{
	struct context_call *call = arg;

	call->err = account_create(NULL, call->limit, &call->account);
	if (call->err == OK)
		proc_set_resource(call->process, RESOURCE_ACCOUNT, &call->account->resource);
}

/* account P LIMIT: P and all that come of it are so many processes and threads at most. */
bool
statement_account(struct run *r)
{
	struct context_call call = { 0 };
	struct wanted	    wanted;
	struct name	   *process;

	if (!parse_process(r, &process) ||
	    !parse_number(r, &call.limit, "how many processes and threads") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = process->process;
	stage_on_cpu(r->cpu, do_account, &call);
	return compare_result(r, "account", &wanted, call.err, 0, false);
}

/* paid P = N: by the account of P. */
bool
statement_paid(struct run *r)
{
	struct wanted	wanted;
	struct account *account;
	struct name    *process;
	uint64_t	nr;

	if (!parse_any_process(r, &process) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	account = (struct account *)proc_resource(process->process, RESOURCE_ACCOUNT);
	nr = account ? account->nr : 0;
	thing_put(r, account ? &account->resource : NULL);
	return compare_result(r, "paid", &wanted, OK, nr, true);
}
