/*
 * call_pages.c - calls about pages that are mapped already: madvise, mlock, msync, mincore.
 */
#include "import/calls.h"

/* The words of the scenario language for Linux's values; others stay numbers. */
static const char *
advice_word(uint64_t advice)
{
	static const struct {
		uint64_t    advice;
		const char *word;
	} words[] = {
		{ 0, "normal" },	   { 1, "random" },	    { 2, "sequential" },
		{ 3, "willneed" },	   { 4, "dontneed" },	    { 8, "free" },
		{ 9, "remove" },	   { 10, "dontfork" },	    { 11, "dofork" },
		{ 12, "mergeable" },	   { 13, "unmergeable" },   { 14, "hugepage" },
		{ 15, "nohugepage" },	   { 16, "dontdump" },	    { 17, "dodump" },
		{ 18, "wipeonfork" },	   { 19, "keeponfork" },    { 20, "cold" },
		{ 21, "pageout" },	   { 22, "populate-read" }, { 23, "populate-write" },
		{ 24, "dontneed-locked" }, { 25, "collapse" },	    { 102, "guard" },
		{ 103, "unguard" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].advice == advice)
			return words[i].word;
	}
	return NULL;
}

/* What the advice means for the pages that the importer keeps track of. */
static void
note_advice(struct memory *memory, uint64_t advice, uint64_t addr, uint64_t end)
{
	switch (advice) {
	case 4:
	case 8:
	case 9:
	case 24:
	case 102:
		memory_zap(memory, addr, end);
		break;
	case 10:
	case 18:
		pages_set(&memory->left_out, addr >> 12, end >> 12, '-');
		break;
	case 11:
	case 19:
		pages_remove(&memory->left_out, addr >> 12, end >> 12);
		break;
	case 21:
		pages_set(&memory->reclaim, addr >> 12, end >> 12, '-');
		break;
	default:
		break;
	}
}

bool
exit_madvise(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	const char *word;
	uint64_t    addr;
	uint64_t    length;
	uint64_t    advice;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length) ||
	    !args_int(&args, "an advice", &advice) || !args_end(&args))
		return false;
	word = advice_word(advice);
	write_on(c, task);
	text_add(c->out, "madvise %u 0x%llx %llu ", task->tid, (unsigned long long)addr,
		 (unsigned long long)length);
	if (word)
		text_add(c->out, "%s", word);
	else
		text_add(c->out, "%llu", (unsigned long long)advice);
	call_result(c, call, false);
	if ((call->result == RESULT_VALUE || slice_is(call->error, "ENOMEM")) &&
	    addr + page_up(length) > addr)
		note_advice(task->memory, advice, addr, addr + page_up(length));
	return true;
}

/* ADDR, LENGTH as they stand. */
static bool
write_span(struct convert *c, struct task *task, const struct call *call, struct args *args)
{
	uint64_t addr;
	uint64_t length;

	if (!args_number(args, "an address", &addr) || !args_number(args, "a length", &length))
		return false;
	write_on(c, task);
	text_add(c->out, "%.*s %u 0x%llx %llu", (int)call->name.bytes, call->name.at, task->tid,
		 (unsigned long long)addr, (unsigned long long)length);
	return true;
}

/* The last argument, a number, as it stands. */
static bool
write_flag_number(struct convert *c, struct args *args)
{
	uint64_t flags;

	if (!args_int(args, "flags", &flags) || !args_end(args))
		return false;
	text_add(c->out, " 0x%llx", (unsigned long long)flags);
	return true;
}

/* msync, and mlock2 */
bool
exit_msync(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);

	if (!write_span(c, task, call, &args) || !write_flag_number(c, &args))
		return false;
	call_result(c, call, false);
	return true;
}

/* mlock and munlock */
bool
exit_mlock(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);

	if (!write_span(c, task, call, &args) || !args_end(&args))
		return false;
	call_result(c, call, false);
	return true;
}

static void
write_for_all(struct convert *c, struct task *task, const struct call *call)
{
	write_on(c, task);
	text_add(c->out, "%.*s %u", (int)call->name.bytes, call->name.at, task->tid);
}

bool
exit_mlockall(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);

	write_for_all(c, task, call);
	if (!write_flag_number(c, &args))
		return false;
	call_result(c, call, false);
	return true;
}

bool
exit_munlockall(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);

	if (!args_end(&args))
		return false;
	write_for_all(c, task, call);
	call_result(c, call, false);
	return true;
}

/* ADDR, LENGTH, [1, 0, ...]: what was resident; a vector that could not be written is no matter of ours. */
bool
exit_mincore(struct convert *c, struct task *task, const struct call *call)
{
	struct args  args = args_of(call, c->error);
	struct slice vector;

	if (call->result == RESULT_ERROR && slice_is(call->error, "EFAULT"))
		return true;
	if (!write_span(c, task, call, &args))
		return false;
	vector = args.rest;
	if (slice_take(&vector, "[") && !slice_has(vector, "...") && vector.bytes > 0) {
		text_add(c->out, " ");
		for (size_t i = 0; i < vector.bytes; i++) {
			if (vector.at[i] == '0' || vector.at[i] == '1')
				text_add_bytes(c->out, &vector.at[i], 1);
		}
	}
	call_result(c, call, false);
	return true;
}

bool
exit_mseal(struct convert *c, struct task *task, const struct call *call)
{
	return exit_msync(c, task, call);
}
