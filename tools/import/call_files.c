/*
 * call_files.c - calls about what is mapped: files that become longer or shorter, and
 * shared memory by id.
 */
#define _GNU_SOURCE /* memrchr */
#include <stdio.h>
#include <string.h>

#include "import/calls.h"

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

bool
call_path(struct convert *c, struct args *args, struct slice *path)
{
	const char *end = args->rest.bytes ? memrchr(args->rest.at, '>', args->rest.bytes) : NULL;
	const char *open = args->rest.bytes ? memchr(args->rest.at, '<', args->rest.bytes) : NULL;

	if (!open || !end || end < open)
		return false;
	*path = calls_decode_path(c, (struct slice){ open + 1, (size_t)(end - open - 1) });
	args->rest.bytes -= (size_t)(end + 1 - args->rest.at);
	args->rest.at = end + 1;
	(void)slice_take(&args->rest, "(deleted)");
	return slice_take(&args->rest, ", ");
}

/*
 * A file gets another length. One that nobody has mapped yet is made when it is
 * mapped. What programs append by write is not recorded: so a file that is longer
 * later gets that length back at once, and only the pages are gone.
 */
static void
write_length(struct convert *c, const struct call *call, struct slice path, uint64_t length)
{
	struct file *file = file_of(c, path);

	if (!file->id || call->result != RESULT_VALUE)
		return;
	text_add(c->out, "truncate ");
	write_name(c->out, path);
	text_add(c->out, " %llu\t# %u\n", (unsigned long long)length, call->exit_line);
	if (length >= file->room)
		return;
	text_add(c->out, "truncate ");
	write_name(c->out, path);
	text_add(c->out, " %llu\t# %u\n", (unsigned long long)file->room, call->exit_line);
}

/* FD<PATH>, LENGTH */
bool
exit_ftruncate(struct convert *c, struct task *task, const struct call *call)
{
	struct args  args = args_of(call, c->error);
	struct slice path;
	uint64_t     length;

	(void)task;
	if (!call_path(c, &args, &path))
		return true;
	if (!args_number(&args, "a length", &length) || !args_end(&args))
		return false;
	write_length(c, call, path, length);
	return true;
}

/* "PATH", LENGTH: a path that does not begin at the root begins at the process's folder. */
bool
exit_truncate(struct convert *c, struct task *task, const struct call *call)
{
	struct args	    args = args_of(call, c->error);
	const struct slice *folder = &task_of(c, task->tgid)->folder;
	const char  *end = call->args.bytes ? memrchr(call->args.at, '"', call->args.bytes) : NULL;
	struct slice path;
	uint64_t     length;

	if (!slice_take(&args.rest, "\"") || !end || end < args.rest.at)
		return true;
	path = calls_decode_path(c, (struct slice){ args.rest.at, (size_t)(end - args.rest.at) });
	args.rest.bytes -= (size_t)(end + 1 - args.rest.at);
	args.rest.at = end + 1;
	if (!slice_take(&args.rest, ", "))
		return args_expected(&args, "', ' and a length");
	if (!args_number(&args, "a length", &length) || !args_end(&args))
		return false;
	if (!slice_starts(path, "/"))
		path = slice_joined(&c->arena, *folder, "/", path);
	write_length(c, call, path, length);
	return true;
}

#define FALLOC_PUNCH_HOLE 2u

/* FD<PATH>, MODE, OFFSET, LENGTH: only a hole takes something away. */
bool
exit_fallocate(struct convert *c, struct task *task, const struct call *call)
{
	struct args  args = args_of(call, c->error);
	struct slice path;
	uint64_t     mode;
	uint64_t     offset;
	uint64_t     length;

	(void)task;
	if (!call_path(c, &args, &path))
		return true;
	if (!args_int(&args, "a mode", &mode) || !args_number(&args, "an offset", &offset) ||
	    !args_number(&args, "a length", &length) || !args_end(&args))
		return false;
	if (!(mode & FALLOC_PUNCH_HOLE) || call->result != RESULT_VALUE || !file_of(c, path)->id)
		return true;
	text_add(c->out, "punch ");
	write_name(c->out, path);
	text_add(c->out, " %llu %llu\t# %u\n", (unsigned long long)offset,
		 (unsigned long long)length, call->exit_line);
	return true;
}

static struct segment *
segment_of(struct convert *c, uint64_t id)
{
	struct segment *segment = c->segments;

	while (segment && segment->id != id)
		segment = segment->next;
	return segment;
}

/* KEY, BYTES, FLAGS = ID: the maps call it /SYSVKEY, with the id as its inode. */
bool
exit_shmget(struct convert *c, struct task *task, const struct call *call)
{
	struct args	args = args_of(call, c->error);
	struct segment *segment;
	char		name[48];
	uint64_t	key;
	uint64_t	length;

	(void)task;
	if (!args_number(&args, "a key", &key) || !args_number(&args, "a length", &length))
		return false;
	if (segment_of(c, call->value))
		return true;
	segment = arena_alloc(&c->arena, sizeof(*segment));
	*segment = (struct segment){ .id = call->value, .bytes = length, .next = c->segments };
	c->segments = segment;
	snprintf(name, sizeof(name), "/SYSV%08llx:%llu", (unsigned long long)(key & UINT32_MAX),
		 (unsigned long long)call->value);
	segment->name = slice_joined(&c->arena, (struct slice){ name, strlen(name) }, "",
				     (struct slice){ 0 });
	file_of(c, segment->name)->id = ++c->nr_files;
	c->file_pages += page_up(length) / PAGE_BYTES;
	text_add(c->out, "shmget %s %u %llu\t# %u\n", segment->name.at, c->nr_files,
		 (unsigned long long)length, call->exit_line);
	return true;
}

/* ID, ADDR, FLAGS = ADDR */
bool
exit_shmat(struct convert *c, struct task *task, const struct call *call)
{
	struct args	args = args_of(call, c->error);
	struct segment *segment;
	uint64_t	id;
	uint64_t	addr;
	uint64_t	flags;

	if (!args_int(&args, "the number of a segment", &id) ||
	    !args_number(&args, "an address", &addr) || !args_int(&args, "flags", &flags) ||
	    !args_end(&args))
		return false;
	segment = segment_of(c, id);
	if (!segment)
		return true; /* made before the recording began, or not at all */
	write_on(c, task);
	text_add(c->out, "shmat %u %s 0x%llx 0x%llx", task->tid, segment->name.at,
		 (unsigned long long)addr, (unsigned long long)flags);
	call_result(c, call, true);
	if (call->result == RESULT_VALUE)
		memory_unmap(task->memory, call->value, call->value + page_up(segment->bytes));
	return true;
}

/* ADDR */
bool
exit_shmdt(struct convert *c, struct task *task, const struct call *call)
{
	struct args args = args_of(call, c->error);
	uint64_t    addr;

	if (!args_number(&args, "an address", &addr) || !args_end(&args))
		return false;
	write_on(c, task);
	text_add(c->out, "shmdt %u 0x%llx", task->tid, (unsigned long long)addr);
	call_result(c, call, false);
	return true;
}
