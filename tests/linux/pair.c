/*
 * pair.c - one sequence on both sides, compared after each step.
 *
 *	each step     the result; the maps of the process that acted, and of a fresh child
 *	OP_VISIT      contents and accessibility of pages of every region and around it
 *	OP_MARK       the same for stores, which leave something to be seen
 *
 * Files and shared memory have other numbers on each side. The first time that a
 * mapping shows a pair of numbers it is noted, and must be the same ever after.
 */
#include "pair.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "known.h"

#define MAX_BACKINGS 1024
#define EDGE_PAGES   6 /* looked at from either end of a region */
#define INNER_PAGES  4 /* and drawn from between */
#define MAX_PAGES    4096
#define MAX_SPLITS   256

static struct {
	uint64_t	    native[MAX_BACKINGS], library[MAX_BACKINGS];
	unsigned	    nr_backings;
	struct map_line	    kept[16]; /* the agent's own */
	unsigned	    nr_kept;
	uint64_t	    stored[64]; /* pages that were stored to, to be looked at again */
	unsigned	    nr_stored;
	uint64_t	    splits[MAX_PROCESSES][MAX_SPLITS];
	unsigned	    nr_splits[MAX_PROCESSES];
	uint64_t	    splits_before[MAX_PROCESSES][MAX_SPLITS];
	unsigned	    nr_splits_before[MAX_PROCESSES];
	const struct setup *setup;
	bool		    is_child[MAX_PROCESSES];
	bool		    has_lost_locks[MAX_PROCESSES];
	uint64_t	    lowest_stack[MAX_PROCESSES]; /* page from where one was moved */
} pair;

static struct map_line linux_lines[MAX_LINES], library_lines[MAX_LINES];

bool
is_out_of_bounds(uint64_t start, uint64_t bytes)
{
	for (unsigned i = 0; i < pair.nr_kept; i++)
		if (start < pair.kept[i].end && pair.kept[i].start < start + bytes)
			return true;
	return false;
}

void
pair_begin(struct setup *setup)
{
	linux_begin(setup);
	library_begin(setup);
	pair.setup = setup;
	memset(pair.is_child, 0, sizeof(pair.is_child));
	memset(pair.has_lost_locks, 0, sizeof(pair.has_lost_locks));
	memset(pair.lowest_stack, 0xff, sizeof(pair.lowest_stack));
	memset(pair.nr_splits, 0, sizeof(pair.nr_splits));
	memset(pair.nr_splits_before, 0, sizeof(pair.nr_splits_before));
	pair.nr_backings = pair.nr_kept = pair.nr_stored = 0;
	for (unsigned i = 0; i < setup->nr_image; i++)
		if (!setup->image[i].is_stack)
			pair.kept[pair.nr_kept++] = setup->image[i];
}

static bool
continues(const struct map_line *a, const struct map_line *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags &&
	       a->backing == b->backing &&
	       (!a->backing || a->offset + (a->end - a->start) == b->offset);
}

unsigned
join(struct map_line *lines, unsigned nr)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < nr; i++) {
		if (kept && continues(&lines[kept - 1], &lines[i]))
			lines[kept - 1].end = lines[i].end;
		else
			lines[kept++] = lines[i];
	}
	return kept;
}

/* same_backing - the pair of numbers is new, or known as a pair. */
static bool
same_backing(uint64_t on_linux, uint64_t in_library)
{
	if (!on_linux || !in_library)
		return on_linux == in_library;
	for (unsigned i = 0; i < pair.nr_backings; i++)
		if (pair.native[i] == on_linux || pair.library[i] == in_library)
			return pair.native[i] == on_linux && pair.library[i] == in_library;
	if (pair.nr_backings < MAX_BACKINGS) {
		pair.native[pair.nr_backings] = on_linux;
		pair.library[pair.nr_backings++] = in_library;
	}
	return true;
}

static void
print_line(char *text, size_t bytes, const struct map_line *line)
{
	if (!line)
		snprintf(text, bytes, "nothing");
	else
		snprintf(text, bytes,
			 "%" PRIx64 "-%" PRIx64 " %c%c%c%c offset %" PRIx64 " of %" PRIx64
			 " flags %x",
			 line->start, line->end, line->prot & PROT_R ? 'r' : '-',
			 line->prot & PROT_W ? 'w' : '-', line->prot & PROT_X ? 'x' : '-',
			 line->flags & REGION_SHARED ? 's' : 'p', line->offset, line->backing,
			 line->flags);
}

static bool
same_line(const struct map_line *a, const struct map_line *b)
{
	return a->start == b->start && a->end == b->end && a->prot == b->prot &&
	       a->flags == b->flags && a->offset == b->offset &&
	       same_backing(a->backing, b->backing);
}

/* Flags that smaps shows; without `flags` only what the maps show. */
#define SEEN_FLAGS \
	(REGION_SHARED | REGION_GROWSDOWN | REGION_NORESERVE | REGION_DONTFORK | \
	 REGION_WIPEONFORK | REGION_MAYNOTWRITE | REGION_LOCKED | REGION_LOCKONFAULT | \
	 REGION_SEALED | REGION_SEQUENTIAL | REGION_RANDOM | REGION_HUGEPAGE | REGION_NOHUGEPAGE | \
	 REGION_DONTDUMP | REGION_MERGEABLE)

/* mask - leave only what is compared; what the agent itself was given is not. */
static void
mask(struct map_line *lines, unsigned nr, unsigned flags)
{
	for (unsigned i = 0; i < nr; i++) {
		lines[i].is_stack = false;
		lines[i].flags &= flags;
		if (is_out_of_bounds(lines[i].start, 1))
			lines[i].flags &= REGION_SHARED;
	}
}

static void
add_split(unsigned process, uint64_t at)
{
	if (pair.nr_splits[process] < MAX_SPLITS)
		pair.splits[process][pair.nr_splits[process]++] = at;
}

/* note_splits - borders that only one side has; both lists are in order of address. */
static void
note_splits(unsigned process, unsigned on_linux, unsigned in_library)
{
	unsigned a = 0, b = 0;

	memcpy(pair.splits_before[process], pair.splits[process], sizeof(pair.splits[0]));
	pair.nr_splits_before[process] = pair.nr_splits[process];
	pair.nr_splits[process] = 0;
	while (a < on_linux || b < in_library) {
		uint64_t one = a < on_linux ? linux_lines[a].start : UINT64_MAX;
		uint64_t other = b < in_library ? library_lines[b].start : UINT64_MAX;

		if (one != other)
			add_split(process, min_u64(one, other));
		a += one <= other;
		b += other <= one;
	}
}

bool
pair_splits(unsigned process, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < pair.nr_splits[process]; i++)
		if (pair.splits[process][i] > start && pair.splits[process][i] <= end)
			return true;
	for (unsigned i = 0; i < pair.nr_splits_before[process]; i++)
		if (pair.splits_before[process][i] > start && pair.splits_before[process][i] <= end)
			return true;
	return false;
}

static bool
same_maps(unsigned process, bool with_flags, struct verdict *verdict)
{
	unsigned on_linux = with_flags ? linux_maps_and_flags(process, linux_lines)
				       : linux_maps(process, linux_lines);
	unsigned in_library = library_maps(process, library_lines);
	unsigned flags = with_flags ? SEEN_FLAGS : REGION_SHARED;
	char	 one[160], other[160];

	note_splits(process, on_linux, in_library);
	mask(linux_lines, on_linux, flags);
	mask(library_lines, in_library, flags);
	on_linux = join(linux_lines, on_linux);
	in_library = join(library_lines, in_library);
	for (unsigned i = 0; i < on_linux || i < in_library; i++) {
		const struct map_line *a = i < on_linux ? &linux_lines[i] : NULL;
		const struct map_line *b = i < in_library ? &library_lines[i] : NULL;

		if (a && b && same_line(a, b))
			continue;
		print_line(one, sizeof(one), a);
		print_line(other, sizeof(other), b);
		verdict->difference = DIFFERENT_MAPS;
		snprintf(verdict->text, sizeof(verdict->text),
			 "maps of process %u: Linux has %s, the library %s", process, one, other);
		return false;
	}
	return true;
}

/* 1. Pages to look at, from the library's maps: they are those of Linux by now. */

struct page_list {
	uint64_t pages[MAX_PAGES];
	unsigned nr;
	uint64_t seed;
};

static void
add_page(struct page_list *list, uint64_t page)
{
	if (list->nr < MAX_PAGES && page < ARCH_USER_END && !is_out_of_bounds(page, ARCH_PAGE_SIZE))
		list->pages[list->nr++] = page;
}

static void
add_region(struct page_list *list, const struct region *r)
{
	uint64_t pages = region_pages(r);
	uint64_t inner = pages > 2 * EDGE_PAGES ? pages - 2 * EDGE_PAGES : 0;

	for (uint64_t i = 0; i < pages; i++) {
		if (i == EDGE_PAGES && inner)
			i += inner;
		add_page(list, r->range.start + i * ARCH_PAGE_SIZE);
	}
	for (unsigned i = 0; i < INNER_PAGES && inner; i++) {
		list->seed = list->seed * 6364136223846793005u + 1442695040888963407u;
		add_page(list, r->range.start +
				       (EDGE_PAGES + (list->seed >> 33) % inner) * ARCH_PAGE_SIZE);
	}
}

/*
 * Beside a region nothing is mapped, unless a neighbour is there. Not below stacks: an access there
 * would change the maps.
 */
static void
list_pages(struct page_list *list, unsigned process)
{
	struct region *r = space_first(library_space(process));

	for (; r; r = region_next(r)) {
		struct region *next = region_next(r);

		add_region(list, r);
		if (!next || !(next->flags & REGION_GROWSDOWN))
			add_page(list, r->range.end);
	}
	for (unsigned i = 0; i < pair.nr_stored; i++)
		if (space_find(library_space(process), pair.stored[i]))
			add_page(list, pair.stored[i]);
}

static const char *
signal_name(uint32_t signal)
{
	static char other[32];

	switch (signal) {
	case 0:
		return "success";
	case AGENT_SIGNAL(11, 1):
		return "SEGV_MAPERR";
	case AGENT_SIGNAL(11, 2):
		return "SEGV_ACCERR";
	case AGENT_SIGNAL(7, 2):
		return "BUS_ADRERR";
	default:
		snprintf(other, sizeof(other), "signal %u code %d", signal >> 16,
			 (int16_t)(signal & 0xffff));
		return other;
	}
}

static void
differ_in_page(struct verdict *verdict, unsigned process, uint64_t page, const struct agent_page *a,
	       const struct agent_page *b)
{
	char one[32];

	snprintf(one, sizeof(one), "%s", signal_name(a->signal));
	verdict->difference = DIFFERENT_PAGE;
	verdict->page = page;
	verdict->linux_signal = a->signal;
	verdict->library_signal = b->signal;
	snprintf(verdict->text, sizeof(verdict->text),
		 "process %u, page %" PRIx64 ": Linux %s, digest %016" PRIx64
		 ", the library %s, digest %016" PRIx64,
		 process, page, one, a->digest, signal_name(b->signal), b->digest);
}

static bool
same_pages(const struct op *op, struct verdict *verdict)
{
	static struct page_list	 list;
	static struct agent_page on_linux[AGENT_PAGES], in_library[AGENT_PAGES];

	list.nr = 0;
	list.seed = op->arg[0];
	list_pages(&list, op->process);
	for (unsigned first = 0; first < list.nr; first += AGENT_PAGES) {
		unsigned nr = list.nr - first < AGENT_PAGES ? list.nr - first : AGENT_PAGES;

		linux_visit(op->process, op, list.pages + first, nr, on_linux);
		library_visit(op->process, op, list.pages + first, nr, in_library);
		for (unsigned i = 0; i < nr; i++) {
			if (on_linux[i].signal == in_library[i].signal &&
			    on_linux[i].digest == in_library[i].digest)
				continue;
			differ_in_page(verdict, op->process, list.pages[first + i], &on_linux[i],
				       &in_library[i]);
			return false;
		}
	}
	return true;
}

/* 2. One step. */

static bool
same_result(const struct op *op, struct verdict *verdict)
{
	struct result *a = &verdict->linux_says;
	struct result *b = &verdict->library_says;
	char	       one[32];

	linux_apply(op, a);
	library_apply(op, b);
	if (a->value == b->value && a->signal == b->signal) {
		if (a->data == b->data)
			return true;
		verdict->passed_over = known_residency(verdict);
		if (verdict->passed_over)
			return true;
	}
	snprintf(one, sizeof(one), "%s", signal_name(a->signal));
	verdict->difference = DIFFERENT_RESULT;
	snprintf(verdict->text, sizeof(verdict->text),
		 "Linux gives %" PRIx64 " (%s, %s, %016" PRIx64 "), the library %" PRIx64
		 " (%s, %s, %016" PRIx64 ")",
		 (uint64_t)a->value, err_name((err_t)(a->value < 0 ? a->value : 0)), one, a->data,
		 (uint64_t)b->value, err_name((err_t)(b->value < 0 ? b->value : 0)),
		 signal_name(b->signal), b->data);
	return false;
}

bool
pair_is_child(unsigned process)
{
	return pair.is_child[process];
}

bool
pair_has_lost_locks(unsigned process)
{
	return pair.has_lost_locks[process];
}

static void
note_store(const struct op *op)
{
	if (op->kind == OP_STORE && pair.nr_stored < 64)
		pair.stored[pair.nr_stored++] = op->arg[0] & ~ARCH_PAGE_MASK;
}

uint64_t
pair_lowest_stack(unsigned process)
{
	return pair.lowest_stack[process];
}

/* note_moved_stack - its pages keep their numbers in Linux. */
static void
note_moved_stack(const struct op *op, const struct verdict *verdict)
{
	uint64_t       page = op->arg[0] >> ARCH_PAGE_SHIFT;
	struct region *r;

	if (op->kind != OP_MREMAP || verdict->linux_says.value < 0)
		return;
	r = space_find(library_space(op->process), (uint64_t)verdict->linux_says.value);
	if (r && (r->flags & REGION_GROWSDOWN) && page < pair.lowest_stack[op->process])
		pair.lowest_stack[op->process] = page;
}

/* leaves_locks - something was moved such that the old map stays: all of it, or the first of several. */
static bool
leaves_locks(const struct op *op, const struct verdict *verdict)
{
	if (op->kind != OP_MREMAP || !(op->arg[3] & REMAP_DONTUNMAP))
		return false;
	return verdict->linux_says.value >= 0 ||
	       ((op->arg[3] & REMAP_FIXED) && verdict->linux_says.value == ERR_NOMEM);
}

static bool
compare(const struct op *op, struct verdict *verdict)
{
	bool looks = op_traits[op->kind].is_look;

	if (!same_result(op, verdict))
		return false;
	note_store(op);
	if (op->kind == OP_FORK) {
		pair.is_child[op->arg[0]] = true;
		pair.has_lost_locks[op->arg[0]] = false;
		pair.lowest_stack[op->arg[0]] = pair.lowest_stack[op->process];
	}
	note_moved_stack(op, verdict);
	if (leaves_locks(op, verdict) && library_space(op->process)->locked_pages)
		pair.has_lost_locks[op->process] = true;
	if (op->kind == OP_EXIT)
		return true;
	if (looks && !same_pages(op, verdict))
		return false;
	if (!same_maps(op->process, looks || op_traits[op->kind].has_flags, verdict))
		return false;
	if (op->kind == OP_FORK && !same_maps((unsigned)op->arg[0], true, verdict))
		return false;
	if (looks && !library_check(verdict->text, sizeof(verdict->text))) {
		verdict->difference = DIFFERENT_END;
		return false;
	}
	return true;
}

bool
pair_step(unsigned step, const struct op *op, struct verdict *verdict)
{
	*verdict = (struct verdict){ .step = step, .op = *op, .setup = pair.setup };
	if (compare(op, verdict))
		return true;
	verdict->known = known_reason(verdict);
	return false;
}

bool
pair_end(unsigned step, struct verdict *verdict)
{
	char text[sizeof(verdict->text)];

	linux_end();
	library_end();
	if (library_gone(text, sizeof(text)))
		return true;
	if (verdict->difference == SAME) {
		*verdict = (struct verdict){ .difference = DIFFERENT_END, .step = step };
		memcpy(verdict->text, text, sizeof(text));
	}
	return false;
}

/* is_possible - cutting a sequence down may leave operations of processes that do not exist. */
static bool
is_possible(const struct op *op)
{
	if ((op->kind == OP_VM_READ || op->kind == OP_VM_WRITE) &&
	    !library_space((unsigned)op->arg[3]))
		return false;
	return library_space(op->process) &&
	       (op->kind != OP_FORK || !library_space((unsigned)op->arg[0]));
}

bool
pair_run(struct setup *setup, const struct op *ops, unsigned nr, struct verdict *verdict)
{
	bool same = true;

	*verdict = (struct verdict){ 0 };
	pair_begin(setup);
	for (unsigned i = 0; same && i < nr; i++)
		if (is_possible(&ops[i]))
			same = pair_step(i, &ops[i], verdict);
	return pair_end(nr, verdict) && same;
}

unsigned
pair_linux_maps(unsigned process, struct map_line *lines)
{
	return join(lines, linux_maps(process, lines));
}
