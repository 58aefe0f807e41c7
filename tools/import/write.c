/* write.c - the importer's words in the language of scenarios. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/convert.h"

void
write_on(struct convert *c, const struct task *task)
{
	if (c->cpu == task->cpu)
		return;
	c->cpu = task->cpu;
	text_add(c->out, "on %u\n", c->cpu);
}

static bool
is_plain(struct slice name)
{
	for (size_t i = 0; i < name.bytes; i++) {
		char ch = name.at[i];

		if (ch <= ' ' || ch >= 0x7f || ch == '"' || ch == '\\' || ch == '#')
			return false;
	}
	return name.bytes > 0 && name.at[0] != '-' && name.at[0] != '=' &&
	       !slice_is(name, "offset");
}

void
write_name(struct text *out, struct slice name)
{
	if (is_plain(name)) {
		text_add_bytes(out, name.at, name.bytes);
		return;
	}
	text_add(out, "\"");
	for (size_t i = 0; i < name.bytes; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			text_add(out, "\\");
		text_add_bytes(out, name.at[i] == '\n' ? "?" : &name.at[i], 1);
	}
	text_add(out, "\"");
}

void
write_runs(struct convert *c, const struct pages *pages)
{
	for (size_t i = 0; i < pages->nr; i++)
		text_add(c->out, " %c 0x%llx %llu", pages->runs[i].kind,
			 (unsigned long long)(pages->runs[i].start << 12),
			 (unsigned long long)(pages->runs[i].end - pages->runs[i].start));
}

/* Runs without their kinds, behind a word if there are any. */
static void
write_places(struct convert *c, const char *word, const struct pages *pages)
{
	uint64_t start;
	uint64_t end;

	if (pages->nr > 0)
		text_add(c->out, "%s", word);
	for (size_t i = 0; i < pages->nr; i++) {
		start = pages->runs[i].start;
		end = pages->runs[i].end;
		while (i + 1 < pages->nr && pages->runs[i + 1].start == end)
			end = pages->runs[++i].end;
		text_add(c->out, " 0x%llx %llu", (unsigned long long)(start << 12),
			 (unsigned long long)(end - start));
	}
}

void
write_resident(struct convert *c, const struct task *task, unsigned line)
{
	text_add(c->out, "resident %u", task->tid);
	write_places(c, "", &task->memory->present);
	write_places(c, " also", &task->memory->also);
	write_places(c, " maybe", &task->memory->leaving);
	text_add(c->out, "\t# %u\n", line);
}

void
write_file(struct convert *c, struct file *file)
{
	uint64_t size = file->sized ? file->size : file->extent;

	if (file->id)
		return;
	if (file->cut && file->extent > size)
		size = file->extent;
	file->room = size;
	file->id = ++c->nr_files;
	c->file_pages += page_up(size) / PAGE_BYTES;
	text_add(c->out, "file ");
	write_name(c->out, file->name);
	text_add(c->out, " %u %llu%s\n", file->id,
		 (unsigned long long)(file->kind == FILE_ZERO ? (uint64_t)1 << 47 : size),
		 file->kind == FILE_ZERO      ? " zero"
		 : file->kind == FILE_REGULAR ? ""
					      : " plain");
}

void
write_maps(struct convert *c, const struct map_entry *entry)
{
	bool shared_zero = entry->perm[3] == 's' && file_kind_of(entry->name) == FILE_ZERO;

	text_add(c->out, "\t0x%llx..0x%llx %s", (unsigned long long)entry->start,
		 (unsigned long long)entry->end, entry->perm);
	if (file_kind_of(entry->name) != FILE_ANONYMOUS && !shared_zero) {
		text_add(c->out, " 0x%llx ", (unsigned long long)entry->offset);
		write_name(c->out, entry->name);
	}
}

void
write_stop(struct convert *c, unsigned line, const char *fmt, ...)
{
	char	buf[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	text_add(c->out, "stop \"trace.strace:%u: %s\"\n", line, buf);
	c->stopped = true;
}
