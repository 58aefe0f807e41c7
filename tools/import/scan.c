/*
 * scan.c - the pages that appeared between two calls become touches.
 *
 * A scan was made at the entry of each call that has to do with memory or processes,
 * and its touches are made before that call.
 *
 * The library has the pages that Linux has, and others by these rules only:
 *   - A forked child shares everything its parent has; Linux leaves out the tables of
 *     mappings without private pages, to be filled by faults.
 *   - Pages offered by MADV_PAGEOUT stay.
 *   - A call in flight has its effect at its second line; Linux may be ahead of us.
 */
#include "import/convert.h"

/* What a scan has found, gathered from the records of its line. */
struct found {
	struct pages plus, minus;
	bool	     any;
};

static struct slice
take_scans(struct convert *c, unsigned line, uint32_t tid, struct found *found)
{
	struct slice moment = { 0 };
	struct scan *scan;

	while ((scan = touchlog_find(&c->log, line, tid)) != NULL) {
		scan->taken = true;
		if (!found->any)
			moment = scan->moment;
		found->any = true;
		for (size_t i = scan->first; i < scan->first + scan->nr; i++) {
			struct touch *t = &c->log.touches[i];

			pages_set(t->kind == '-' ? &found->minus : &found->plus, t->start, t->end,
				  t->kind);
		}
	}
	return moment;
}

/* Pages whose contents went to swap are in the tables as a mark: neither touched nor present. */
static void
remove_swapped(struct pages *plus, struct pages *minus)
{
	for (size_t i = 0; i < plus->nr; i++) {
		if (plus->runs[i].kind == 's')
			pages_set(minus, plus->runs[i].start, plus->runs[i].end, '-');
	}
	pages_remove_all(plus, minus);
}

static void
write_touch(struct convert *c, const struct task *task, unsigned line, const struct pages *pages)
{
	if (pages->nr == 0)
		return;
	write_on(c, task);
	text_add(c->out, "touch %u", task->tid);
	write_runs(c, pages);
	text_add(c->out, "\t# %u\n", line);
}

void
scan_add_in_flight(struct convert *c, const struct task *task, const struct pages *pages,
		   struct pages *to)
{
	for (unsigned i = 0; task->memory->users > 1 && i < CONVERT_BUCKETS; i++) {
		for (struct task *other = c->tasks[i]; other; other = other->hash_next) {
			struct pages range = { 0 };
			uint64_t     start;
			uint64_t     end;

			if (other == task || other->memory != task->memory || !other->call ||
			    !calls_removes(other->call, &start, &end))
				continue;
			pages_set(&range, start >> 12, (end + PAGE_BYTES - 1) >> 12, '-');
			pages_add_both(to, pages, &range);
			pages_free(&range);
		}
	}
}

/*
 * Pages that are gone though no call of the space removed them. Where a rule says why
 * ours may or must still be there, it is noted; the others must be gone with us too: a
 * file became shorter.
 */
static void
explain_gone(struct convert *c, struct task *task, const struct found *found, bool is_birth)
{
	struct memory *memory = task->memory;
	struct pages   gone = { 0 };

	pages_add_both(&gone, &memory->present, &found->minus);
	/* Linux does not copy tables at fork that faults can fill again; we share them all. */
	if (is_birth)
		pages_add_all(&memory->also, &gone);
	else
		scan_add_in_flight(c, task, &gone, &memory->leaving);
	/* Memory offered by MADV_PAGEOUT is a hint that we take note of and no more. */
	pages_add_both(&memory->also, &gone, &memory->reclaim);
	pages_clear(&memory->reclaim);
	pages_remove_all(&memory->present, &gone);
	pages_free(&gone);
}

/* Pages that mremap has brought are new to the scan, not to us: they must keep their contents. */
static void
drop_moved(struct memory *memory, struct pages *plus)
{
	struct pages same = { 0 };

	pages_add_same(&same, plus, &memory->moved);
	pages_remove_all(plus, &same);
	pages_clear(&memory->moved);
	pages_free(&same);
}

/*
 * The pages of a scan become touches. A page that a call removed since the last
 * scan and that this one does not mention was touched again meanwhile.
 */
static void
apply_scan(struct convert *c, struct task *task, unsigned line, struct found *found, bool is_birth)
{
	struct memory *memory = task->memory;
	struct pages   again = { 0 };

	remove_swapped(&found->plus, &found->minus);
	pages_add_all(&again, &memory->removed);
	pages_remove_all(&again, &found->minus);
	pages_remove_all(&again, &found->plus);
	pages_clear(&memory->removed);
	drop_moved(memory, &found->plus);
	explain_gone(c, task, found, is_birth);
	write_touch(c, task, line, &again);
	write_touch(c, task, line, &found->plus);
	c->file_touches += pages_count(&again) + pages_count(&found->plus);
	pages_clear(&memory->fresh);
	if (memory->users > 1) {
		pages_add_all(&memory->fresh, &again);
		pages_add_all(&memory->fresh, &found->plus);
	}
	pages_add_all(&memory->present, &again);
	pages_add_all(&memory->present, &found->plus);
	pages_remove_all(&memory->also, &memory->present);
	pages_remove_all(&memory->leaving, &memory->present);
	pages_free(&again);
}

void
scan_apply(struct convert *c, unsigned line, struct task *task, bool was_made)
{
	struct found   found = { 0 };
	struct slice   moment = take_scans(c, line, task->tid, &found);
	struct memory *memory = task->memory;

	if (memory && task->in_scenario && slice_is(moment, "EXEC")) {
		pages_clear(&memory->present);
		pages_clear(&memory->removed);
		pages_clear(&memory->also);
	}
	if (memory && task->in_scenario && (found.any || was_made) &&
	    !(slice_is(moment, "BIRTH") && memory->users > 1)) {
		apply_scan(c, task, line, &found, slice_is(moment, "BIRTH"));
		memory_note_pages(c, memory);
	}
	pages_free(&found.plus);
	pages_free(&found.minus);
}

/* Calls of the recording at whose entry no scan was made. */
bool
scan_is_made_at(struct slice call)
{
	static const char *const not_scanned[] = {
		"openat",
		"memfd_create",
		"memfd_secret",
		"truncate",
		"ftruncate",
		"fallocate",
		"prctl",
		"arch_prctl",
		"prlimit64",
		"setrlimit",
		"personality",
		"shmget",
		"shmctl",
		"userfaultfd",
		"process_vm_readv",
		"process_vm_writev",
		"process_madvise",
		"unshare",
		"setns",
		"io_uring_setup",
		"perf_event_open",
		"rt_sigreturn",
		"sigaltstack",
	};

	for (size_t i = 0; i < sizeof(not_scanned) / sizeof(not_scanned[0]); i++) {
		if (slice_is(call, not_scanned[i]))
			return false;
	}
	return true;
}

void
scan_apply_thread_exits(struct convert *c, size_t *next, unsigned line)
{
	while (*next < c->log.nr_scans && c->log.scans[*next].line < line) {
		struct scan *scan = &c->log.scans[(*next)++];

		if (!scan->taken && slice_is(scan->moment, "THREADEXIT"))
			scan_apply(c, scan->line, task_of(c, scan->tid), false);
	}
}
