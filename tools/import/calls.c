/*
 * calls.c - one call of the recording, one statement of the scenario.
 *
 * A call's effect lies between its two lines; where two threads' calls overlap,
 * it is taken to happen at the second line.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include <anymm/err.h>

#include "import/calls.h"

/* The error is one that the library has. Errors have numbers below 200. */
static bool
is_known_error(struct slice error)
{
	for (int n = 1; n < 200; n++) {
		const char *name = err_name((err_t)-n);

		if (name[1] != '?' && slice_is(error, name))
			return true;
	}
	return false;
}

void
call_result(struct convert *c, const struct call *call, bool hex)
{
	if (call->result == RESULT_ERROR)
		text_add(c->out, " = %.*s", (int)call->error.bytes, call->error.at);
	else
		text_add(c->out, hex ? " = 0x%llx" : " = %llu", (unsigned long long)call->value);
	text_add(c->out, "\t# %u\n", call->exit_line);
}

/* [PID,] RESOURCE, {rlim_cur=N, ...: only a new limit of the caller itself counts. */
static bool
exit_rlimit(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    pid = 0;
	uint64_t    resource;
	uint64_t    limit;
	const char *key;

	if (call->result == RESULT_ERROR)
		return true;
	if (slice_is(call->name, "prlimit64") && !args_number(&args, "a process", &pid))
		return false;
	if (!args_number(&args, "a resource", &resource))
		return false;
	if (!slice_take(&args.rest, "{rlim_cur=") || (pid != 0 && pid != task->tgid))
		return true;
	if (!slice_number(&args.rest, 10, &limit))
		return args_expected(&args, "a limit");
	key = resource == 2 ? "data" : resource == 3 ? "stack" : resource == 9 ? "as" : NULL;
	if (key && !task->shares_memory)
		text_add(c->out, "limit %u %s=%llu\t# %u\n", task->tid, key,
			 (unsigned long long)limit, call->exit_line);
	return true;
}

static bool
exit_clone(struct convert *c, struct task *task, const struct call *call)
{
	(void)task;
	if (call->result != RESULT_VALUE || call->value == 0 || call->value > INT32_MAX)
		return true;
	return task_born(c, task_of(c, (uint32_t)call->value));
}

static bool
exit_wait(struct convert *c, struct task *task, const struct call *call)
{
	struct task *child;

	(void)task;
	if (call->value == 0 || call->value > INT32_MAX)
		return true;
	child = task_of(c, (uint32_t)call->value);
	if (!child->exited || child->is_thread)
		return true;
	child->exited = false;
	text_add(c->out, "wait %u = %d\t# %u\n", child->tid, child->code, call->exit_line);
	return true;
}

static bool
exit_unsupported(struct convert *c, struct task *task, const struct call *call)
{
	(void)task;
	write_stop(c, call->exit_line, "%.*s is not there yet", (int)call->name.bytes,
		   call->name.at);
	return true;
}

enum call_use {
	USE_EFFECT,	 /* what it did matters, if it came back */
	USE_RESULT,	 /* its result is compared as well */
	USE_NOTHING_YET, /* the library does not have it: the scenario stops, whatever it returned */
};

static const struct {
	const char   *name;
	enum call_use use;
	bool (*exit)(struct convert *c, struct task *task, const struct call *call);
} handlers[] = {
	{ "mmap", USE_RESULT, exit_mmap },
	{ "munmap", USE_RESULT, exit_munmap },
	{ "mprotect", USE_RESULT, exit_mprotect },
	{ "brk", USE_RESULT, exit_brk },
	{ "mremap", USE_RESULT, exit_mremap },
	{ "madvise", USE_RESULT, exit_madvise },
	{ "msync", USE_RESULT, exit_msync },
	{ "mincore", USE_RESULT, exit_mincore },
	{ "mlock", USE_RESULT, exit_mlock },
	{ "mlock2", USE_RESULT, exit_msync },
	{ "munlock", USE_RESULT, exit_mlock },
	{ "mlockall", USE_RESULT, exit_mlockall },
	{ "munlockall", USE_RESULT, exit_munlockall },
	{ "mseal", USE_RESULT, exit_mseal },
	{ "shmget", USE_EFFECT, exit_shmget },
	{ "shmat", USE_RESULT, exit_shmat },
	{ "shmdt", USE_RESULT, exit_shmdt },
	{ "ftruncate", USE_EFFECT, exit_ftruncate },
	{ "truncate", USE_EFFECT, exit_truncate },
	{ "fallocate", USE_EFFECT, exit_fallocate },
	{ "prlimit64", USE_EFFECT, exit_rlimit },
	{ "setrlimit", USE_EFFECT, exit_rlimit },
	{ "clone", USE_EFFECT, exit_clone },
	{ "clone3", USE_EFFECT, exit_clone },
	{ "fork", USE_EFFECT, exit_clone },
	{ "vfork", USE_EFFECT, exit_clone },
	{ "wait4", USE_EFFECT, exit_wait },
	{ "remap_file_pages", USE_NOTHING_YET, exit_unsupported },
	{ "pkey_mprotect", USE_NOTHING_YET, exit_unsupported },
	{ "process_madvise", USE_NOTHING_YET, exit_unsupported },
	{ "userfaultfd", USE_NOTHING_YET, exit_unsupported },
	{ "memfd_secret", USE_NOTHING_YET, exit_unsupported },
};

/* -100 (this folder)</FOLDER>, "PATH", ...: where paths of other calls begin. */
static void
note_folder(struct convert *c, struct task *task, const struct call *call)
{
	struct args	    args = { .rest = call->args };
	struct import_error ignored;
	const char	   *end;

	args.error = &ignored;
	args.call = call;
	if (!slice_take(&args.rest, "-100"))
		return;
	args_skip_comment(&args);
	if (!slice_take(&args.rest, "<"))
		return;
	end = args.rest.bytes ? memchr(args.rest.at, '>', args.rest.bytes) : NULL;
	if (end)
		task_of(c, task->tgid)->folder =
			(struct slice){ args.rest.at, (size_t)(end - args.rest.at) };
}

/* openat(..., "PATH", FLAGS...) = FD: FLAGS is the number behind the text. */
static void
note_open(struct convert *c, struct task *task, const struct call *call)
{
	struct task *leader = task_of(c, task->tgid);
	const char *quote = call->args.bytes ? memrchr(call->args.at, '"', call->args.bytes) : NULL;
	struct slice rest;
	uint64_t     flags;

	if (!quote || call->result != RESULT_VALUE || call->value > 65536)
		return;
	rest = (struct slice){ quote + 1, call->args.bytes - (size_t)(quote + 1 - call->args.at) };
	(void)slice_take(&rest, "...");
	if (!slice_take(&rest, ", "))
		return;
	if (slice_take(&rest, "0x") ? !slice_number(&rest, 16, &flags)
				    : !slice_number(&rest, 10, &flags))
		return;
	if (!leader->modes)
		leader->modes = arena_alloc(&c->arena, sizeof(*leader->modes));
	if (call->value >= leader->modes->nr) {
		size_t	 nr = call->value + 64;
		uint8_t *mode = arena_alloc(&c->arena, nr);

		memset(mode, 0xff, nr);
		if (leader->modes->nr)
			memcpy(mode, leader->modes->mode, leader->modes->nr);
		*leader->modes = (struct modes){ .mode = mode, .nr = nr };
	}
	leader->modes->mode[call->value] = flags & 3;
}

bool
calls_exit(struct convert *c, const struct call *call)
{
	struct task *task = task_of(c, call->tid);

	if (slice_is(call->name, "openat") && task->tgid) {
		note_folder(c, task, call);
		note_open(c, task, call);
	}
	if (!task->memory || !task->in_scenario)
		return true;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (!slice_is(call->name, handlers[i].name))
			continue;
		if (call->result == RESULT_NONE && handlers[i].use != USE_NOTHING_YET)
			return true;
		if (call->result == RESULT_ERROR && handlers[i].use == USE_RESULT &&
		    !is_known_error(call->error)) {
			write_stop(c, call->exit_line, "%.*s that fails with %.*s is not there yet",
				   (int)call->name.bytes, call->name.at, (int)call->error.bytes,
				   call->error.at);
			return true;
		}
		return handlers[i].exit(c, task, call);
	}
	return true;
}

bool
calls_clone_flags(const struct call *call, struct import_error *error, uint64_t *flags)
{
	struct args args = args_of(call, error);
	const char *at;

	*flags = 0;
	if (slice_is(call->name, "vfork"))
		*flags = 0x4100;
	if (slice_is(call->name, "vfork") || slice_is(call->name, "fork"))
		return true;
	at = args.rest.bytes ? memmem(args.rest.at, args.rest.bytes, "flags=", 6) : NULL;
	if (!at)
		return args_expected(&args, "flags=");
	args.rest.bytes -= (size_t)(at + 6 - args.rest.at);
	args.rest.at = at + 6;
	do {
		uint64_t bits;

		if (!args_term(&args, "a flag as a number", &bits))
			return false;
		*flags |= bits;
	} while (slice_take(&args.rest, "|"));
	return true;
}
