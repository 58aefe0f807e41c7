/*
 * known.c - where the library differs from Linux and is meant to, or Linux from itself.
 *
 * Each entry says what, why, and how it is told from an error. Some differences can be met by
 * the comparison; a sequence that meets one ends there. Others are never asked for.
 */
#include "known.h"

/* A fixed mapping that is refused has unmapped what was there. */
static bool
is_hole_of_refused_map(const struct verdict *v)
{
	return v->op.kind == OP_MMAP && v->difference == DIFFERENT_MAPS &&
	       (v->op.arg[3] & MAPF_FIXED) && v->linux_says.value == ERR_NOMEM;
}

#define MOST_ERRORS 4095 /* as numbers just below 2^64 */

/* is_address_like_error - Linux gives the address that was asked for, as if it were an error of its own. */
static bool
is_address_like_error(const struct verdict *v)
{
	return v->op.kind == OP_MMAP && v->difference == DIFFERENT_RESULT &&
	       (v->op.arg[3] & (MAPF_FIXED | MAPF_FIXED_NOREPLACE)) &&
	       v->op.arg[0] >= -(uint64_t)MOST_ERRORS &&
	       v->linux_says.value == (int64_t)v->op.arg[0] &&
	       (v->library_says.value == ERR_NOMEM || v->library_says.value == ERR_INVAL);
}

/* Linux looks at the data limit only while the address space has room for as much again. */
static bool
is_data_limit_forgotten(const struct verdict *v)
{
	const struct space *sp = library_space(v->op.process);

	return v->op.kind == OP_MPROTECT && (v->op.arg[2] & PROT_W) &&
	       sp->layout.limit_data != UINT64_MAX && sp->layout.limit_as != UINT64_MAX &&
	       (sp->total_pages << ARCH_PAGE_SHIFT) + v->op.arg[1] > sp->layout.limit_as;
}

/* RLIMIT_DATA counts the image's own data against the heap. */
static bool
is_data_of_image(const struct verdict *v)
{
	const struct space *sp = library_space(v->op.process);
	uint64_t	    heap = v->op.arg[0] - sp->layout.brk_start;

	return v->op.kind == OP_BRK && heap <= sp->layout.limit_data &&
	       heap + v->setup->data_bytes > sp->layout.limit_data;
}

/* A stack that Linux keeps in pieces: its limit is held against the lowest one. */
static bool
is_stack_in_pieces(const struct verdict *v)
{
	uint64_t       va = v->difference == DIFFERENT_PAGE ? v->page : v->op.arg[0];
	struct region *r = space_first(library_space(v->op.process));

	if (v->op.kind != OP_LOAD && v->op.kind != OP_STORE && v->difference != DIFFERENT_PAGE)
		return false;
	while (r && r->range.end <= va)
		r = region_next(r);
	return r && (r->flags & REGION_GROWSDOWN) &&
	       pair_splits(v->op.process, r->range.start, r->range.end - 1);
}

/* is_stack_moved_up - it is to grow by more pages than there were below where it was written first. */
static bool
is_stack_moved_up(const struct verdict *v)
{
	struct region *r = space_find(library_space(v->op.process), v->op.arg[0]);

	return (v->op.kind == OP_LOAD || v->op.kind == OP_STORE || v->op.kind == OP_FETCH) &&
	       v->difference == DIFFERENT_RESULT && v->linux_says.signal &&
	       !v->library_says.signal && r && (r->flags & REGION_GROWSDOWN) &&
	       r->range.start == (v->op.arg[0] & ~ARCH_PAGE_MASK) &&
	       region_pages(r) > pair_lowest_stack(v->op.process);
}

static bool
is_hole_of_refused_remap(const struct verdict *v)
{
	return v->op.kind == OP_MREMAP && v->difference == DIFFERENT_MAPS &&
	       v->linux_says.value < 0;
}

static bool
is_remap_of_pieces(const struct verdict *v)
{
	uint64_t       end = v->op.arg[0] + v->op.arg[1];
	struct region *r;

	if (v->op.kind != OP_MREMAP)
		return false;
	if (pair_splits(v->op.process, v->op.arg[0], end))
		return true;
	if (v->difference != DIFFERENT_MAPS)
		return false;
	/* The lock is taken from the whole of each map that is left behind. */
	for (r = space_first(library_space(v->op.process)); r; r = region_next(r))
		if (r->range.start < end && v->op.arg[0] < r->range.end &&
		    pair_splits(v->op.process, r->range.start, r->range.end))
			return true;
	return false;
}

/* is_overlap_missed - the sum of address and old length wraps around to below the new place. */
static bool
is_overlap_missed(const struct verdict *v)
{
	const uint64_t *arg = v->op.arg;
	struct va_range place = va_range(arg[4], arg[4] + arg[2]);

	return v->op.kind == OP_MREMAP && v->difference == DIFFERENT_RESULT &&
	       (arg[3] & REMAP_FIXED) && arg[0] + arg[1] < arg[0] &&
	       arg[0] + arg[1] <= place.start && range_has(place, arg[0]) &&
	       v->linux_says.value == ERR_FAULT && v->library_says.value == ERR_INVAL;
}

/* is_protect_of_pieces - the limit was met by the second of two maps that look like one. */
static bool
is_protect_of_pieces(const struct verdict *v)
{
	return v->op.kind == OP_MPROTECT && v->difference == DIFFERENT_MAPS &&
	       v->linux_says.value == ERR_NOMEM && (v->op.arg[2] & PROT_W) &&
	       pair_splits(v->op.process, v->op.arg[0], v->op.arg[0] + v->op.arg[1] - 1);
}

/* is_stack_start_elsewhere - mprotect from the start of a stack that Linux keeps in pieces. */
static bool
is_stack_start_elsewhere(const struct verdict *v)
{
	struct region *r;

	if (v->op.kind != OP_MPROTECT || !(v->op.arg[2] & PROTECT_GROWSDOWN) ||
	    v->difference != DIFFERENT_MAPS)
		return false;
	r = space_find(library_space(v->op.process), v->op.arg[0]);
	return r && (r->flags & REGION_GROWSDOWN) &&
	       pair_splits(v->op.process, r->range.start, v->op.arg[0]);
}

static bool
is_lost_lock(const struct verdict *v)
{
	return pair_has_lost_locks(v->op.process) &&
	       (v->linux_says.value == ERR_NOMEM || v->linux_says.value == ERR_AGAIN ||
		v->op.kind == OP_BRK);
}

/* is_lock_of_both_gone - what was moved lies right beside what it left behind, and anonymous. */
static bool
is_lock_of_both_gone(const struct verdict *v)
{
	uint64_t       place = (uint64_t)v->linux_says.value, end;
	struct region *left, *moved;

	if (v->op.kind != OP_MREMAP || !(v->op.arg[3] & REMAP_DONTUNMAP) ||
	    v->difference != DIFFERENT_MAPS || v->linux_says.value < 0)
		return false;
	left = space_find(library_space(v->op.process), v->op.arg[0]);
	moved = space_find(library_space(v->op.process), place);
	if (!left || !moved || moved->object)
		return false;
	if ((left->flags & REGION_LOCKED) || !(moved->flags & REGION_LOCKED))
		return false;
	end = place + ((v->op.arg[2] + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK);
	/* Of several that move each may lie beside what it left; gaps do not go along. */
	return (place < left->range.start && left->range.start <= end) || left->range.end == place;
}

static bool
is_charged_for_ever(const struct verdict *v)
{
	return v->op.kind == OP_MREMAP && v->linux_says.value == ERR_NOMEM &&
	       v->op.arg[2] - v->op.arg[1] > v->setup->layout.limit_commit;
}

/* is_behind_end - the page is the last one of a file, which it does not fill. */
static bool
is_behind_end(const struct verdict *v)
{
	struct region *r;

	if (v->difference != DIFFERENT_PAGE || v->linux_signal || v->library_signal)
		return false;
	r = space_find(library_space(v->op.process), v->page);
	return r && r->object && (object_size(r->object) & ARCH_PAGE_MASK) &&
	       region_page_index(r, v->page) == object_size(r->object) >> ARCH_PAGE_SHIFT;
}

enum { RESIDENT_FILE, RESIDENT_CHILD };

const struct known known[] = {
	[RESIDENT_FILE] = { "mincore of files on a disk, and of holes that were read",
			    "Linux reads ahead, and keeps or drops pages of its cache in blocks of "
			    "many, and has no page for a hole that read(2) reads in tmpfs; the "
			    "library fills what is touched",
			    NULL, true },
	[RESIDENT_CHILD] = { "mincore of anonymous memory in a forked child",
			     "Linux leaves out of the child what it can fault in again, zero pages "
			     "for "
			     "instance; the library shares all",
			     NULL, true },

	{ "MAP_FIXED refused late",
	  "shared anonymous memory that cannot be had is refused after the range was unmapped; the "
	  "library changes nothing",
	  is_hole_of_refused_map, false },
	{ "MAP_FIXED at the last 4095 addresses",
	  "Linux takes such an address for an error number, and gives it; the library gives ENOMEM",
	  is_address_like_error, false },
	{ "mprotect over RLIMIT_DATA",
	  "Linux forgets the data limit when the address space has no room for as many pages "
	  "again; "
	  "the library holds it always",
	  is_data_limit_forgotten, false },
	{ "brk near RLIMIT_DATA",
	  "Linux adds the size of the program file's data to the heap; the library does not know "
	  "of "
	  "program files",
	  is_data_of_image, false },
	{ "RLIMIT_STACK of a stack in pieces",
	  "Linux holds it against the lowest of the maps that look like one stack; the library has "
	  "joined them",
	  is_stack_in_pieces, false },
	{ "growth of a stack that was moved up",
	  "Linux goes on numbering its pages from where they were written first, and refuses to "
	  "go below number 0; the library's stacks have no numbers",
	  is_stack_moved_up, false },
	{ "mremap refused late",
	  "Linux has unmapped the new place, or the end of the old one, before it finds what is "
	  "wrong; "
	  "the library changes nothing",
	  is_hole_of_refused_remap, false },
	{ "mremap onto itself with an old length that wraps around",
	  "Linux adds up, overlooks that the new place covers the old one, unmaps the mapping "
	  "itself "
	  "and gives EFAULT; the library gives EINVAL and changes nothing",
	  is_overlap_missed, false },
	{ "mprotect over a limit, of maps that look like one",
	  "Linux keeps neighbours apart that agree in everything to be seen, and has changed those "
	  "before the one for which the limit is too small; the library has joined them, and "
	  "changes "
	  "none",
	  is_protect_of_pieces, false },
	{ "PROT_GROWSDOWN in a stack in pieces",
	  "the change begins where the map that holds the address does, which is one piece in "
	  "Linux; "
	  "the library has joined them",
	  is_stack_start_elsewhere, false },
	{ "limits of locked memory after MREMAP_DONTUNMAP",
	  "Linux counts the pages of a locked map twice from then on, even when they are gone; the "
	  "library's count is exact",
	  is_lost_lock, false },
	{ "MREMAP_DONTUNMAP of locked memory to right beside it",
	  "what nothing has written to yet Linux joins again with what was left behind, and takes "
	  "the "
	  "lock from both; in the library the moved one keeps it",
	  is_lock_of_both_gone, false },
	{ "growth of a map that was writable once",
	  "Linux goes on charging it as committed memory; the library charges what is writable now",
	  is_charged_for_ever, false },
	{ "mremap over maps that look like one",
	  "Linux keeps neighbours apart that agree in everything to be seen (its own bookkeeping) "
	  "and "
	  "gives EFAULT, or finds no room to grow; the library has joined them",
	  is_remap_of_pieces, false },
	{ "stores behind the end of a file",
	  "what becomes of them in the last page: tmpfs shows them when the file grows, ext4 when "
	  "a write "
	  "makes it grow, not after truncate, msync or write-back; in the library they are gone "
	  "when it "
	  "grows",
	  is_behind_end, false },
	{ "MADV_COLLAPSE, MADV_PAGEOUT", "what they do is the kernel's choice at that moment", NULL,
	  false },
	{ "process_vm_readv and _writev between ranges that overlap",
	  "the order in which bytes are copied is nowhere promised", NULL, false },
	{ "MAP_HUGETLB",
	  "the library has no reserved large pages: ENOMEM, as Linux when none is "
	  "set aside",
	  NULL, false },
	{ "MAP_DROPPABLE", "not there: type 8 of a mapping is EINVAL, as in Linux before 6.11",
	  NULL, false },
};

/* holds_anonymous - private memory without a file lies somewhere in the range. */
static bool
holds_anonymous(const struct verdict *v)
{
	struct region *r = space_first(library_space(v->op.process));

	for (; r; r = region_next(r))
		if (!r->object && r->range.start < v->op.arg[0] + v->op.arg[1] &&
		    v->op.arg[0] < r->range.end)
			return true;
	return false;
}

const struct known *
known_residency(const struct verdict *v)
{
	if (v->op.kind != OP_MINCORE)
		return NULL;
	if (library_guesses_cache(v->op.process, v->op.arg[0], v->op.arg[0] + v->op.arg[1]))
		return &known[RESIDENT_FILE];
	return pair_is_child(v->op.process) && holds_anonymous(v) ? &known[RESIDENT_CHILD] : NULL;
}

const struct known *
known_reason(const struct verdict *verdict)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].explains && known[i].explains(verdict))
			return &known[i];
	return NULL;
}

void
known_print(FILE *out, const _Atomic uint64_t *met)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		fprintf(out, "# known: %s: %s", known[i].what, known[i].why);
		if (known[i].explains || known[i].is_passed_over)
			fprintf(out, " (met %lu times)\n", (unsigned long)met[i]);
		else
			fprintf(out, " (not asked for)\n");
	}
}

void
known_table(FILE *out)
{
	fprintf(out, "| what | why | compared |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		fprintf(out, "| %s | %s | %s |\n", known[i].what, known[i].why,
			known[i].explains	  ? "a sequence ends where it meets it"
			: known[i].is_passed_over ? "passed over"
						  : "not asked for");
}

static_assert(ARRAY_SIZE(known) <= MAX_KNOWN, "the tally has room for all");
