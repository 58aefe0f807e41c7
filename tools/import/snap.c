/*
 * snap.c - snapshots: the one after an exec is an image, every other one is what the
 * library must have made of it by then.
 */
#include <stdio.h>

#include "import/convert.h"

/* Memory of the recorded machine: a private writable request above it is refused. */
#define RECORDED_RAM ((uint64_t)24684092 * 1024)

/* The name of a snapshot's file, and its text. */
static bool
read_snapshot(struct convert *c, const struct event *event, const char *ending, char name[96],
	      struct slice *text)
{
	snprintf(name, 96, "maps/%u-%.*s-%.*s.%s", event->tgid, (int)event->seq.bytes,
		 event->seq.at, (int)event->moment.bytes, event->moment.at, ending);
	return c->source->read(c->source->ctx, name, text);
}

/* Where the search for free addresses starts, told from what the kernel placed there first. */
struct image_base {
	uint64_t top_end;     /* end of the highest of the interpreter's and the vdso's mappings */
	uint64_t top_start;   /* start of the lowest */
	uint64_t interpreter; /* start of ld.so; 0: a static program */
};

static void
note_base(struct image_base *base, const struct map_entry *entry)
{
	bool is_interpreter = slice_has(entry->name, "ld-linux");
	bool is_top = is_interpreter || file_kind_of(entry->name) == FILE_SPECIAL ||
		      (base->top_end == entry->start && entry->name.bytes == 0);

	if (!is_top || entry->end > RECORDED_END)
		return;
	if (base->top_end == 0 || entry->start < base->top_start)
		base->top_start = entry->start;
	if (is_interpreter && (base->interpreter == 0 || entry->start < base->interpreter))
		base->interpreter = entry->start;
	base->top_end = entry->end > base->top_end ? entry->end : base->top_end;
}

static bool
is_vsyscall(const struct map_entry *entry)
{
	return slice_is(entry->name, "[vsyscall]");
}

/*
 * The next line of a snapshot. Segments of shared memory have names that are not unique;
 * their inode is the segment's id.
 */
static bool
next_entry(struct convert *c, const char *name, struct slice *rest, unsigned *number,
	   struct map_entry *entry)
{
	if (!snapshot_next(name, rest, number, entry, c->error))
		return false;
	if (slice_starts(entry->name, "/SYSV"))
		entry->name = slice_joined(&c->arena, entry->name, ":", entry->inode);
	return true;
}

/* First look at an image: name its files, find its base. */
static bool
survey_image(struct convert *c, const char *name, struct slice text, struct image_base *base)
{
	struct map_entry entry;
	unsigned	 number = 0;

	*base = (struct image_base){ 0 };
	c->error->text[0] = 0;
	while (next_entry(c, name, &text, &number, &entry)) {
		enum file_kind kind = file_kind_of(entry.name);

		if (is_vsyscall(&entry))
			continue;
		note_base(base, &entry);
		if (kind != FILE_ANONYMOUS && !(kind == FILE_ZERO && entry.perm[3] == 's')) {
			struct file *file = file_of(c, entry.name);
			uint64_t     end = entry.offset + (entry.end - entry.start);

			file->extent = end > file->extent ? end : file->extent;
			write_file(c, file);
		}
	}
	return c->error->text[0] == 0;
}

/* What smaps says of a mapping besides its line in maps, in the language's words. */
static void
write_map_flags(struct convert *c, const struct map_entry *entry)
{
	static const struct {
		const char *flag;
		const char *word;
	} words[] = {
		{ "gd", "growsdown" },	{ "nr", "noreserve" },	{ "dc", "dontfork" },
		{ "wf", "wipeonfork" }, { "lo", "locked" },	{ "lf", "onfault" },
		{ "sl", "sealed" },	{ "sr", "sequential" }, { "rr", "random" },
		{ "hg", "hugepage" },	{ "nh", "nohugepage" }, { "dd", "dontdump" },
		{ "mg", "mergeable" },
	};
	struct slice flags = entry->flags;
	struct slice flag;

	while (slice_word(&flags, &flag)) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (slice_is(flag, words[i].flag))
				text_add(c->out, " %s", words[i].word);
		}
	}
}

/* The lines of an image; smaps has the same lines as maps, with flags. */
static bool
write_image(struct convert *c, const char *name, struct slice text)
{
	struct map_entry entry;
	unsigned	 number = 0;

	while (next_entry(c, name, &text, &number, &entry)) {
		if (is_vsyscall(&entry))
			continue;
		write_maps(c, &entry);
		if (entry.flags.bytes == 0 && slice_is(entry.name, "[stack]"))
			text_add(c->out, " growsdown");
		write_map_flags(c, &entry);
		if (file_kind_of(entry.name) == FILE_SPECIAL)
			text_add(c->out, " special");
		text_add(c->out, "\n");
	}
	return c->error->text[0] == 0;
}

static void
write_limit(struct convert *c, const char *key, uint64_t limit)
{
	if (limit != UINT64_MAX)
		text_add(c->out, " %s=%llu", key, (unsigned long long)limit);
	else
		text_add(c->out, " %s=none", key);
}

static void
write_image_head(struct convert *c, struct task *task, unsigned line, const struct image_base *base,
		 const struct image_info *info)
{
	bool	 legacy = (info->personality & 0x200000) != 0;
	uint64_t mmap_base = base->top_end ? base->top_end : RECORDED_END - (128u << 20);

	if (legacy)
		mmap_base = base->interpreter ? base->interpreter
			    : base->top_start ? base->top_start
					      : mmap_base;
	text_add(c->out, "%s %u base=0x%llx brk=0x%llx end=0x%llx commit=%llu",
		 task->in_scenario ? "exec" : "spawn", task->tid, (unsigned long long)mmap_base,
		 (unsigned long long)info->start_brk, (unsigned long long)RECORDED_END,
		 (unsigned long long)RECORDED_RAM);
	write_limit(c, "stack", info->limit_stack);
	write_limit(c, "data", info->limit_data);
	write_limit(c, "as", info->limit_as);
	write_limit(c, "memlock", UINT64_MAX); /* recorded by root, who may lock without limit */
	text_add(c->out, "%s\t# %u\n", legacy ? " bottom-up" : "", line);
}

static bool
snap_exec(struct convert *c, const struct event *event, struct task *task)
{
	struct image_info info = { .limit_stack = UINT64_MAX,
				   .limit_data = UINT64_MAX,
				   .limit_as = UINT64_MAX };
	struct image_base base;
	struct slice	  maps;
	struct slice	  text;
	char		  name[96];
	char		  maps_name[96];

	if (!read_snapshot(c, event, "maps", maps_name, &maps))
		return import_fail(
			c->error, maps_name, 0, 0,
			"expected this snapshot of the image that trace.strace:%u executes",
			event->line);
	if (read_snapshot(c, event, "info", name, &text) &&
	    !snapshot_info(name, text, &info, c->error))
		return false;
	if (!survey_image(c, maps_name, maps, &base))
		return false;
	memory_put(c, task);
	if (!task->in_scenario)
		task->cpu = c->nr_tasks++ % 2;
	write_on(c, task);
	write_image_head(c, task, event->line, &base, &info);
	if (read_snapshot(c, event, "smaps", name, &text) ? !write_image(c, name, text)
							  : !write_image(c, maps_name, maps))
		return false;
	task->in_scenario = true;
	task->shares_memory = false;
	task->memory = memory_create(c);
	task->memory->brk = info.start_brk;
	scan_apply(c, event->line, task, false);
	return true;
}

/* Other threads touched or removed pages of the mapping between the scan and the reading of smaps. */
static bool
is_moving(struct convert *c, const struct task *task, const struct map_entry *entry)
{
	struct pages whole = { 0 };
	struct pages both = { 0 };
	bool	     any;

	pages_set(&whole, entry->start >> 12, entry->end >> 12, '-');
	pages_add_both(&both, &task->memory->leaving, &whole);
	pages_add_both(&both, &task->memory->fresh, &whole);
	scan_add_in_flight(c, task, &whole, &both);
	any = both.nr > 0;
	pages_free(&whole);
	pages_free(&both);
	return any;
}

/*
 * The pages that the library has in the mapping: Linux's by smaps, and those that it
 * has besides by rule (scan.c). Of the kernel's own pages smaps counts none.
 */
static void
write_rss(struct convert *c, const struct task *task, const struct map_entry *entry)
{
	uint64_t also;

	if (entry->flags.bytes == 0 || file_kind_of(entry->name) == FILE_SPECIAL ||
	    is_moving(c, task, entry))
		return;
	also = memory_count_also(task->memory, entry->start, entry->end);
	text_add(c->out, " rss=%lluK", (unsigned long long)entry->rss_kib);
	if (also)
		text_add(c->out, "+%lluK", (unsigned long long)(also * (PAGE_BYTES / 1024)));
	if (entry->rss_kib)
		text_add(c->out, " anon=%lluK", (unsigned long long)entry->anon_kib);
}

/* smaps where there is one, else maps: the lines are the same. */
static bool
write_snapshot(struct convert *c, const struct event *event, const struct task *task,
	       const char *name, struct slice text, bool has_flags)
{
	struct map_entry entry;
	unsigned	 number = 0;

	c->error->text[0] = 0;
	text_add(c->out, "maps %u%s\t# %u %.*s\n", task->tid, has_flags ? " flags" : "",
		 event->line, (int)event->moment.bytes, event->moment.at);
	while (next_entry(c, name, &text, &number, &entry)) {
		if (is_vsyscall(&entry))
			continue;
		write_maps(c, &entry);
		write_map_flags(c, &entry);
		write_rss(c, task, &entry);
		text_add(c->out, "\n");
	}
	write_resident(c, task, event->line);
	return c->error->text[0] == 0;
}

/* Files that appear in a snapshot must have names before it. */
static bool
name_files(struct convert *c, const char *name, struct slice text)
{
	struct image_base ignored;

	return survey_image(c, name, text, &ignored);
}

bool
snap_convert(struct convert *c, const struct event *event)
{
	struct task *task = task_of(c, event->tid);
	bool at_entry = !slice_is(event->moment, "birth") && !slice_is(event->moment, "exit");
	struct slice text;
	struct slice smaps;
	char	     name[96];
	char	     smaps_name[96];
	bool	     has_flags;

	if (!task_born(c, task))
		return false;
	if (slice_is(event->moment, "exec"))
		return snap_exec(c, event, task);
	if (!task->memory || !task->in_scenario)
		return true;
	scan_apply(c, at_entry ? event->line + 1 : event->line, task, false);
	if (!read_snapshot(c, event, "maps", name, &text)) {
		if (slice_is(event->moment, "birth"))
			write_resident(c, task, event->line);
		return true;
	}
	if (!name_files(c, name, text))
		return false;
	has_flags = read_snapshot(c, event, "smaps", smaps_name, &smaps);
	return write_snapshot(c, event, task, has_flags ? smaps_name : name,
			      has_flags ? smaps : text, has_flags);
}
