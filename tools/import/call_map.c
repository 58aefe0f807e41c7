/*
 * call_map.c - calls that map and unmap: mmap, munmap, mprotect, brk, mremap.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include "import/calls.h"

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
	return args_number(args, "an offset", &m->offset) && args_end(args);
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
		{ MAP_FIXED_BIT, "fixed" },	{ MAP_ANONYMOUS_BIT, "anon" },
		{ MAP_32BIT_BIT, "32bit" },	{ 0x80, "above4g" },
		{ 0x100, "growsdown" },		{ 0x800, "denywrite" },
		{ 0x2000, "locked" },		{ 0x4000, "noreserve" },
		{ 0x8000, "populate" },		{ 0x20000, "stack" },
		{ MAP_HUGETLB_BIT, "hugetlb" }, { MAP_NOREPLACE_BIT, "noreplace" },
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

static uint8_t
mode_of(struct convert *c, const struct task *task, uint64_t fd)
{
	const struct modes *modes = task_of(c, task->tgid)->modes;

	return modes && fd < modes->nr ? modes->mode[fd] : 0xff;
}

/* How the file was opened, where that matters. */
static const char *
mode_word(struct convert *c, const struct task *task, const struct mmap_args *m)
{
	switch (mode_of(c, task, m->fd)) {
	case 0:
		return (m->flags & 0xf) != 2 ? " readonly" : "";
	case 1:
		return " writeonly";
	default:
		return "";
	}
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
	/* Shared /dev/zero is shared anonymous memory, which has no flags to validate. */
	if (m->has_path && !file)
		m->flags = (m->flags & ~(uint64_t)0xf) | MAP_SHARED_BIT | MAP_ANONYMOUS_BIT;
	if (file)
		write_file(c, file);
	text_add(c->out, "mmap %u 0x%llx %llu", task->tid, (unsigned long long)m->addr,
		 (unsigned long long)m->length);
	write_prot(c->out, m->prot);
	write_flags(c->out, m->flags);
	if (file) {
		text_add(c->out, " ");
		write_name(c->out, file->name);
		text_add(c->out, " 0x%llx%s", (unsigned long long)m->offset, mode_word(c, task, m));
	} else if (invalid || m->offset) {
		text_add(c->out, " offset 0x%llx", (unsigned long long)m->offset);
	}
	call_result(c, call, true);
}

bool
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
	write_on(c, task);
	write_mmap(c, task, call, &m);
	if (call->result != RESULT_VALUE)
		return true;
	memory_unmap(task->memory, call->value, call->value + page_up(m.length));
	return true;
}

bool
exit_munmap(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    addr;
	uint64_t    length;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length) ||
	    !args_end(&args))
		return false;
	write_on(c, task);
	text_add(c->out, "munmap %u 0x%llx %llu", task->tid, (unsigned long long)addr,
		 (unsigned long long)length);
	call_result(c, call, false);
	if (call->result == RESULT_VALUE)
		memory_unmap(task->memory, addr, addr + page_up(length));
	return true;
}

bool
exit_mprotect(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    addr;
	uint64_t    length;
	uint64_t    prot;

	if (!args_number(&args, "an address", &addr) || !args_number(&args, "a length", &length) ||
	    !args_number(&args, "a protection", &prot) || !args_end(&args))
		return false;
	write_on(c, task);
	text_add(c->out, "mprotect %u 0x%llx %llu", task->tid, (unsigned long long)addr,
		 (unsigned long long)length);
	write_prot(c->out, prot & UINT32_MAX);
	call_result(c, call, false);
	return true;
}

bool
exit_brk(struct convert *c, struct task *task, const struct call *call)
{
	struct args    args = args_of(call, c->error);
	struct memory *memory = task->memory;
	uint64_t       addr;

	if (!args_number(&args, "an address", &addr) || !args_end(&args))
		return false;
	if (call->result != RESULT_VALUE)
		return true;
	write_on(c, task);
	text_add(c->out, "brk %u 0x%llx", task->tid, (unsigned long long)addr);
	call_result(c, call, true);
	if (page_up(call->value) < page_up(memory->brk))
		memory_unmap(memory, page_up(call->value), page_up(memory->brk));
	memory->brk = call->value;
	return true;
}

/* ADDR, OLD LENGTH, NEW LENGTH, FLAGS[, NEW ADDR] */
struct mremap_args {
	uint64_t addr, old_length, new_length, flags, target;
	bool	 has_target;
};

enum {
	MREMAP_MAYMOVE_BIT = 1,
	MREMAP_FIXED_BIT = 2,
	MREMAP_DONTUNMAP_BIT = 4,
};

static bool
read_mremap(struct convert *c, const struct call *call, struct mremap_args *m)
{
	struct args args = args_of(call, c->error);

	*m = (struct mremap_args){ 0 };
	if (!args_number(&args, "an address", &m->addr) ||
	    !args_number(&args, "a length", &m->old_length) ||
	    !args_number(&args, "a new length", &m->new_length) ||
	    !args_number(&args, "flags", &m->flags))
		return false;
	m->has_target = args.rest.bytes > 0;
	if (m->has_target && !args_number(&args, "a new address", &m->target))
		return false;
	return args_end(&args);
}

/* What has moved must be there at once, before anything is touched. */
static void
write_moved(struct convert *c, const struct task *task, const struct call *call,
	    const struct pages *moved)
{
	if (moved->nr == 0)
		return;
	text_add(c->out, "present %u", task->tid);
	for (size_t i = 0; i < moved->nr; i++)
		text_add(c->out, " 0x%llx %llu", (unsigned long long)(moved->runs[i].start << 12),
			 (unsigned long long)(moved->runs[i].end - moved->runs[i].start));
	text_add(c->out, "\t# %u\n", call->exit_line);
}

/* The pages go where the mapping went. */
static void
move_pages(struct convert *c, struct task *task, const struct call *call,
	   const struct mremap_args *m)
{
	struct memory *memory = task->memory;
	uint64_t       old_length = page_up(m->old_length);
	uint64_t       new_length = page_up(m->new_length);
	uint64_t       length = old_length < new_length ? old_length : new_length;
	struct pages   moved = { 0 };

	if (call->value == m->addr) {
		memory_unmap(memory, m->addr + length, m->addr + old_length);
		return;
	}
	memory_unmap(memory, call->value, call->value + new_length);
	memory_move(memory, m->addr, call->value, length, &moved);
	if (!(m->flags & MREMAP_DONTUNMAP_BIT))
		memory_unmap(memory, m->addr, m->addr + old_length);
	write_moved(c, task, call, &moved);
	pages_free(&moved);
}

bool
exit_mremap(struct convert *c, struct task *task, const struct call *call)
{
	static const struct {
		uint64_t    bit;
		const char *word;
	} words[] = {
		{ MREMAP_MAYMOVE_BIT, "maymove" },
		{ MREMAP_FIXED_BIT, "fixed" },
		{ MREMAP_DONTUNMAP_BIT, "dontunmap" },
	};
	struct mremap_args m;
	uint64_t	   left;
	bool		   any = false;

	if (!read_mremap(c, call, &m))
		return false;
	if (m.flags > UINT32_MAX) {
		write_stop(c, call->exit_line, "mremap with flags of 64 bits is not there yet");
		return true;
	}
	write_on(c, task);
	text_add(c->out, "mremap %u 0x%llx %llu %llu ", task->tid, (unsigned long long)m.addr,
		 (unsigned long long)m.old_length, (unsigned long long)m.new_length);
	left = m.flags;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add_flag(c->out, &left, words[i].bit, words[i].word, &any);
	if (left || !any)
		text_add(c->out, "%s0x%llx", any ? "," : "", (unsigned long long)left);
	if (m.has_target)
		text_add(c->out, " 0x%llx", (unsigned long long)m.target);
	call_result(c, call, true);
	if (call->result == RESULT_VALUE)
		move_pages(c, task, call, &m);
	return true;
}

static bool
range_args(const struct call *call, uint64_t *start, uint64_t *end, uint64_t *third)
{
	struct import_error ignored;
	struct args	    args = args_of(call, &ignored);
	uint64_t	    length;

	*third = 0;
	if (!args_number(&args, "an address", start) || !args_number(&args, "a length", &length))
		return false;
	if (args.rest.bytes > 0 && !args_number(&args, "a number", third))
		return false;
	*end = *start + page_up(length);
	return *end > *start;
}

bool
calls_removes(const struct call *call, uint64_t *start, uint64_t *end)
{
	uint64_t third;

	if (!range_args(call, start, end, &third))
		return false;
	if (slice_is(call->name, "madvise"))
		return third == 4 || third == 8 || third == 9 || third == 24 || third == 102;
	return slice_is(call->name, "munmap") || slice_is(call->name, "mremap") ||
	       slice_is(call->name, "mmap");
}
