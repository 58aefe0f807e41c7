/*
 * calls.c - one call of the recording, one statement of the scenario.
 *
 * A call's effect lies between its two lines; where two threads' calls overlap,
 * it is taken to happen at the second line.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include <anymm/err.h>

#include "import/convert.h"

enum {
	MAP_SHARED_BIT = 0x01,
	MAP_FIXED_BIT = 0x10,
	MAP_ANONYMOUS_BIT = 0x20,
	MAP_32BIT_BIT = 0x40,
	MAP_HUGETLB_BIT = 0x40000,
	MAP_NOREPLACE_BIT = 0x100000,
};

/* A mmap call, taken apart. */
struct mmap_args {
	uint64_t     addr, length, prot, flags, fd, offset;
	bool	     has_path;
	struct slice path;
};

/* strace writes bytes of a path that are not ASCII as \ooo: put them back. */
struct slice
calls_decode_path(struct convert *c, struct slice path)
{
	char  *out;
	size_t n = 0;

	if (!slice_has(path, "\\"))
		return path;
	out = arena_alloc(&c->arena, path.bytes);
	for (size_t i = 0; i < path.bytes; i++) {
		unsigned value = 0;
		size_t	 j = i + 1;

		while (path.at[i] == '\\' && j < path.bytes && j < i + 4 && path.at[j] >= '0' &&
		       path.at[j] <= '7')
			value = value * 8 + (unsigned)(path.at[j++] - '0');
		if (value >= 0x80 && value <= 0xff) {
			out[n++] = (char)value;
			i = j - 1;
		} else {
			out[n++] = path.at[i];
		}
	}
	return (struct slice){ out, n };
}

/* FD<PATH>(deleted), OFFSET: a path may hold anything, so it is read from both ends. */
static bool
read_fd_and_offset(struct convert *c, struct args *args, struct mmap_args *m)
{
	const char  *open;
	const char  *comma = NULL;
	const char  *close;
	struct slice rest;

	for (size_t i = args->rest.bytes; i-- > 1 && !comma;) {
		if (args->rest.at[i] == ' ' && args->rest.at[i - 1] == ',')
			comma = args->rest.at + i - 1;
	}
	if (!comma)
		return args_expected(args, "a descriptor, ', ' and an offset");
	rest = (struct slice){ args->rest.at, (size_t)(comma - args->rest.at) };
	m->fd = 0;
	if (slice_take(&rest, "-"))
		m->fd = UINT64_MAX;
	else if (!slice_number(&rest, 10, &m->fd))
		return args_expected(args, "a descriptor");
	open = rest.bytes && rest.at[0] == '<' ? rest.at : NULL;
	close = rest.bytes ? memrchr(rest.at, '>', rest.bytes) : NULL;
	if (open && close) {
		m->has_path = true;
		m->path = calls_decode_path(c,
					    (struct slice){ open + 1, (size_t)(close - open - 1) });
	}
	args->rest.bytes -= (size_t)(comma + 2 - args->rest.at);
	args->rest.at = comma + 2;
	return args_number(args, "an offset", &m->offset);
}

static bool
read_mmap(struct convert *c, const struct call *call, struct mmap_args *m)
{
	struct args args = args_of(call, c->error);

	*m = (struct mmap_args){ 0 };
	if (!args_number(&args, "an address", &m->addr) ||
	    !args_number(&args, "a length", &m->length) ||
	    !args_number(&args, "a protection", &m->prot) ||
	    !args_number(&args, "flags", &m->flags))
		return false;
	m->prot &= UINT32_MAX;
	m->flags &= UINT32_MAX;
	return read_fd_and_offset(c, &args, m);
}

/* The mapping has a file of its own, and which kind of file that is. */
static bool
has_file(const struct mmap_args *m)
{
	return m->has_path && !(m->flags & MAP_ANONYMOUS_BIT) &&
	       !(file_kind_of(m->path) == FILE_ZERO && (m->flags & MAP_SHARED_BIT));
}

bool
calls_mapped_file(struct convert *c, const struct call *call, struct slice *name, uint64_t *end)
{
	struct mmap_args m;

	*name = (struct slice){ 0 };
	if (call->result != RESULT_VALUE || !slice_is(call->name, "mmap"))
		return true;
	if (!read_mmap(c, call, &m))
		return false;
	if (has_file(&m)) {
		*name = m.path;
		*end = m.offset + page_up(m.length);
	}
	return true;
}

static void
add_flag(struct text *out, uint64_t *left, uint64_t bits, const char *word, bool *any)
{
	if (!(*left & bits))
		return;
	*left &= ~bits;
	text_add(out, "%s%s", *any ? "," : "", word);
	*any = true;
}

static void
write_flags(struct text *out, uint64_t flags)
{
	static const char *const types[] = { NULL, "shared", "private", "validate" };
	static const struct {
		uint64_t    bit;
		const char *word;
	} words[] = {
		{ MAP_FIXED_BIT, "fixed" },
		{ MAP_ANONYMOUS_BIT, "anon" },
		{ MAP_32BIT_BIT, "32bit" },
		{ 0x100, "growsdown" },
		{ 0x800, "denywrite" },
		{ 0x2000, "locked" },
		{ 0x4000, "noreserve" },
		{ 0x8000, "populate" },
		{ 0x20000, "stack" },
		{ MAP_HUGETLB_BIT, "hugetlb" },
		{ MAP_NOREPLACE_BIT, "noreplace" },
	};
	uint64_t left = flags;
	bool	 any = false;

	text_add(out, " ");
	if ((flags & 0xf) >= 1 && (flags & 0xf) <= 3) {
		text_add(out, "%s", types[flags & 0xf]);
		left &= ~(uint64_t)0xf;
		any = true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add_flag(out, &left, words[i].bit, words[i].word, &any);
	if (left || !any)
		text_add(out, "%s0x%llx", any ? "," : "", (unsigned long long)left);
}

static void
write_prot(struct text *out, uint64_t prot)
{
	if (prot > 7)
		text_add(out, " 0x%llx", (unsigned long long)prot);
	else
		text_add(out, " %c%c%c", prot & 1 ? 'r' : '-', prot & 2 ? 'w' : '-',
			 prot & 4 ? 'x' : '-');
}

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

/* = what the call returned, and the line it stands on. */
static void
write_result(struct convert *c, const struct call *call, bool hex)
{
	if (call->result == RESULT_ERROR)
		text_add(c->out, " = %.*s", (int)call->error.bytes, call->error.at);
	else
		text_add(c->out, hex ? " = 0x%llx" : " = %llu", (unsigned long long)call->value);
	text_add(c->out, "\t# %u\n", call->exit_line);
}

static uint8_t
mode_of(struct convert *c, const struct task *task, uint64_t fd)
{
	const struct modes *modes = task_of(c, task->tgid)->modes;

	return modes && fd < modes->nr ? modes->mode[fd] : 0xff;
}

static void
write_mmap(struct convert *c, struct task *task, const struct call *call, struct mmap_args *m)
{
	struct file *file = has_file(m) ? file_of(c, m->path) : NULL;
	bool	     invalid = !(m->flags & MAP_ANONYMOUS_BIT) && !m->has_path;

	if (m->flags & MAP_32BIT_BIT && call->result == RESULT_VALUE) {
		/* Linux chooses the address at random here: the recorded one is taken. */
		m->flags = (m->flags & ~(uint64_t)MAP_32BIT_BIT) | MAP_NOREPLACE_BIT;
		m->addr = call->value;
	}
	if (m->has_path && !file)
		m->flags |= MAP_ANONYMOUS_BIT; /* shared /dev/zero is shared anonymous memory */
	if (file)
		write_file(c, file);
	text_add(c->out, "mmap %u 0x%llx %llu", task->tid, (unsigned long long)m->addr,
		 (unsigned long long)m->length);
	write_prot(c->out, m->prot);
	write_flags(c->out, m->flags);
	if (file) {
		text_add(c->out, " ");
		write_name(c->out, file->name);
		text_add(c->out, " 0x%llx%s", (unsigned long long)m->offset,
			 (m->flags & 0xf) != 2 && mode_of(c, task, m->fd) == 0 ? " readonly" : "");
	} else if (invalid || m->offset) {
		text_add(c->out, " offset 0x%llx", (unsigned long long)m->offset);
	}
	write_result(c, call, true);
}

static bool
exit_mmap(struct convert *c, struct task *task, const struct call *call)
{
	struct mmap_args m;

	if (!read_mmap(c, call, &m))
		return false;
	/* Where Linux has no huge pages to give, it refuses as we do. */
	if ((m.flags & MAP_HUGETLB_BIT) && call->result == RESULT_VALUE) {
		write_stop(c, call->exit_line, "mmap with MAP_HUGETLB is not there yet");
		return true;
	}
	if (has_file(&m) && mode_of(c, task, m.fd) == 1)
		return true; /* opened for writing only: refused before memory is asked */
	write_on(c, task);
	write_mmap(c, task, call, &m);
	if (call->result != RESULT_VALUE)
		return true;
	memory_zap(task->memory, call->value, call->value + page_up(m.length));
	if (has_file(&m)) {
		struct file *file = file_of(c, m.path);
		uint64_t     end = m.offset + page_up(m.length);

		file->mapped_end = end > file->mapped_end ? end : file->mapped_end;
	}
	return true;
}

static bool
exit_munmap(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    addr;
	uint64_t    length;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length))
		return false;
	write_on(c, task);
	text_add(c->out, "munmap %u 0x%llx %llu", task->tid, (unsigned long long)addr,
		 (unsigned long long)length);
	write_result(c, call, false);
	if (call->result == RESULT_VALUE)
		memory_zap(task->memory, addr, addr + page_up(length));
	return true;
}

static bool
exit_mprotect(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    addr;
	uint64_t    length;
	uint64_t    prot;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length) ||
	    !args_number(&args, "a protection", &prot))
		return false;
	write_on(c, task);
	text_add(c->out, "mprotect %u 0x%llx %llu", task->tid, (unsigned long long)addr,
		 (unsigned long long)length);
	write_prot(c->out, prot & UINT32_MAX);
	write_result(c, call, false);
	return true;
}

static bool
exit_brk(struct convert *c, struct task *task, const struct call *call)
{
	struct args    args = args_of(call, c->error);
	struct memory *memory = task->memory;
	uint64_t       addr;

	if (!args_number(&args, "an address", &addr))
		return false;
	if (call->result != RESULT_VALUE)
		return true;
	write_on(c, task);
	text_add(c->out, "brk %u 0x%llx", task->tid, (unsigned long long)addr);
	write_result(c, call, true);
	if (page_up(call->value) < page_up(memory->brk))
		memory_zap(memory, page_up(call->value), page_up(memory->brk));
	memory->brk = call->value;
	return true;
}

/* What the library has of madvise, hints that change nothing it keeps, and the rest. */
static const char *
advice_word(uint64_t advice)
{
	static const struct {
		uint64_t    advice;
		const char *word;
	} words[] = {
		{ 0, "normal" },    { 4, "dontneed" },	  { 8, "free" },	{ 10, "dontfork" },
		{ 11, "dofork" },   { 18, "wipeonfork" }, { 19, "keeponfork" }, { 102, "guard" },
		{ 103, "unguard" }, { 1, "normal" },	  { 2, "normal" },	{ 3, "normal" },
		{ 12, "normal" },   { 13, "normal" },	  { 14, "normal" },	{ 15, "normal" },
		{ 16, "normal" },   { 17, "normal" },	  { 20, "normal" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].advice == advice)
			return words[i].word;
	}
	return NULL;
}

static bool
exit_madvise(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	const char *word;
	uint64_t    addr;
	uint64_t    length;
	uint64_t    advice;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length) ||
	    !args_number(&args, "an advice", &advice))
		return false;
	word = advice_word(advice);
	if (!word) {
		write_stop(c, call->exit_line, "madvise with advice %llu is not there yet",
			   (unsigned long long)advice);
		return true;
	}
	write_on(c, task);
	text_add(c->out, "madvise %u 0x%llx %llu %s", task->tid, (unsigned long long)addr,
		 (unsigned long long)length, word);
	write_result(c, call, false);
	if ((advice == 4 || advice == 8 || advice == 102) &&
	    (call->result == RESULT_VALUE || slice_is(call->error, "ENOMEM")))
		memory_zap(task->memory, addr, addr + page_up(length));
	return true;
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
	if (call->value == 0 || call->value > INT32_MAX)
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

/* FD<PATH>, LENGTH: a mapped file must not become shorter than what is mapped of it. */
static bool
exit_ftruncate(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	const char *open = call->args.bytes ? memchr(call->args.at, '<', call->args.bytes) : NULL;
	const char *close = call->args.bytes ? memrchr(call->args.at, '>', call->args.bytes) : NULL;
	struct slice path;
	uint64_t     length;
	struct file *file;

	(void)task;
	if (!open || !close || close < open || call->result != RESULT_VALUE)
		return true;
	path = calls_decode_path(c, (struct slice){ open + 1, (size_t)(close - open - 1) });
	args.rest.bytes -= (size_t)(close + 1 - args.rest.at);
	args.rest.at = close + 1;
	(void)slice_take(&args.rest, "(deleted)");
	if (!slice_take(&args.rest, ", "))
		return args_expected(&args, "', ' and a length");
	if (!args_number(&args, "a length", &length))
		return false;
	file = file_of(c, path);
	if (file->mapped_end > page_up(length))
		write_stop(c, call->exit_line,
			   "ftruncate of a file that has been mapped is not there yet");
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
	{ "madvise", USE_RESULT, exit_madvise },
	{ "prlimit64", USE_EFFECT, exit_rlimit },
	{ "setrlimit", USE_EFFECT, exit_rlimit },
	{ "clone", USE_EFFECT, exit_clone },
	{ "clone3", USE_EFFECT, exit_clone },
	{ "fork", USE_EFFECT, exit_clone },
	{ "vfork", USE_EFFECT, exit_clone },
	{ "wait4", USE_EFFECT, exit_wait },
	{ "ftruncate", USE_EFFECT, exit_ftruncate },
	{ "mremap", USE_NOTHING_YET, exit_unsupported },
	{ "mlock", USE_NOTHING_YET, exit_unsupported },
	{ "mlock2", USE_NOTHING_YET, exit_unsupported },
	{ "munlock", USE_NOTHING_YET, exit_unsupported },
	{ "mlockall", USE_NOTHING_YET, exit_unsupported },
	{ "munlockall", USE_NOTHING_YET, exit_unsupported },
	{ "shmat", USE_NOTHING_YET, exit_unsupported },
	{ "shmdt", USE_NOTHING_YET, exit_unsupported },
	{ "mincore", USE_NOTHING_YET, exit_unsupported },
	{ "msync", USE_NOTHING_YET, exit_unsupported },
	{ "remap_file_pages", USE_NOTHING_YET, exit_unsupported },
	{ "pkey_mprotect", USE_NOTHING_YET, exit_unsupported },
	{ "process_madvise", USE_NOTHING_YET, exit_unsupported },
	{ "userfaultfd", USE_NOTHING_YET, exit_unsupported },
	{ "memfd_secret", USE_NOTHING_YET, exit_unsupported },
	{ "mseal", USE_NOTHING_YET, exit_unsupported },
};

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

	if (slice_is(call->name, "openat") && task->tgid)
		note_open(c, task, call);
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
