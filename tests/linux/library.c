/*
 * library.c - the library's side: the same operations on the simulated machine.
 *
 * The machine is remembered when the library stands and nothing else does; each sequence
 * begins by going back to that.
 */
#define _GNU_SOURCE
#include "agent.h"
#include "ops.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/call.h>
#include <anymm/check.h>
#include <anymm/fault.h>
#include <anymm/process.h>
#include <sim/sim.h>

#define FRAMES	   32768
#define MAX_FILES  16
#define MOST_PAGES 1024 /* of a file that grows */

static struct {
	struct process	   *processes[MAX_PROCESSES];
	struct object	   *both, *disk;
	struct object	   *image[MAX_FILES]; /* of the agent's program */
	uint64_t	    image_id[MAX_FILES];
	bool		    disk_aligns;
	bool		    is_wrong;
	bool		    was_hole[MOST_PAGES]; /* of `both`, when it was read */
	struct frame_totals fresh;
} lib;

/* must - what cannot fail unless the library is broken. */
static void
must(err_t err, const char *what)
{
	if (err == OK)
		return;
	printf("Bail out! %s: %s\n", what, err_name(err));
	exit(1);
}

void
library_open(void)
{
	if (!sim_start(&(struct sim_config){ .nr_frames = FRAMES }))
		exit(2);
	must(anymm_init(sim_boot_map()), "anymm_init");
	anymm_drain();
	lib.fresh = frame_totals();
	sim_snapshot();
}

/* image_object - the file behind a line of the agent's image. */
static struct object *
image_object(uint64_t backing)
{
	unsigned i = 0;

	while (i < MAX_FILES && lib.image[i] && lib.image_id[i] != backing)
		i++;
	if (!lib.image[i])
		must(object_create(&pager_memory_file, 1000 + i, 1 << 20, NULL, &lib.image[i]),
		     "object_create");
	lib.image_id[i] = backing;
	return lib.image[i];
}

static void
map_image(struct space *sp, const struct map_line *line)
{
	struct map_request request = {
		.addr = line->start,
		.length = line->end - line->start,
		.prot = line->prot,
		.flags = MAPF_FIXED | (line->flags & REGION_SHARED ? MAPF_SHARED : MAPF_PRIVATE),
		.offset = line->offset,
	};
	vaddr_t va;

	if (line->backing)
		request.object = image_object(line->backing);
	else
		request.flags |= MAPF_ANONYMOUS;
	if (line->is_stack)
		request.flags |= MAPF_GROWSDOWN;
	must(space_map(sp, &request, &va), "the agent's image");
}

/* make_file - all its pages are there, as after a write(2). */
static struct object *
make_file(uint64_t id)
{
	static unsigned char contents[FILE_PAGES * ARCH_PAGE_SIZE];
	struct object	    *file;
	size_t		     done;

	for (size_t i = 0; i < sizeof(contents); i++)
		contents[i] = object_pattern(id, i);
	must(object_create_stored(id, 0, &file), "object_create_stored");
	must(object_write(file, 0, contents, sizeof(contents), &done), "object_write");
	return file;
}

void
library_begin(const struct setup *setup)
{
	struct space *sp;

	sim_reset();
	memset(lib.processes, 0, sizeof(lib.processes));
	memset(lib.image, 0, sizeof(lib.image));
	memset(lib.was_hole, 0, sizeof(lib.was_hole));
	lib.disk_aligns = setup->disk_aligns;
	lib.is_wrong = setup->is_wrong;
	lib.both = make_file(FILE_BOTH + 1);
	lib.disk = make_file(FILE_DISK + 1);
	must(space_create(&setup->layout, &sp), "space_create");
	for (unsigned i = 0; i < setup->nr_image; i++)
		map_image(sp, &setup->image[i]);
	must(proc_create(1, sp, &lib.processes[0]), "proc_create");
	space_put(sp);
}

struct space *
library_space(unsigned process)
{
	return lib.processes[process] ? lib.processes[process]->space : NULL;
}

static struct object *
object_of(enum file file)
{
	return file == FILE_DISK ? lib.disk : lib.both;
}

uint64_t
library_file_bytes(enum file file)
{
	return object_size(object_of(file));
}

/* note_holes - pages of the file in memory that a read is about to make. */
static void
note_holes(uint64_t offset, uint64_t bytes)
{
	uint64_t end = min_u64(offset + bytes, object_size(lib.both)) + ARCH_PAGE_SIZE - 1;

	lock_acquire(&lib.both->lock);
	for (uint64_t i = offset >> ARCH_PAGE_SHIFT; i < end >> ARCH_PAGE_SHIFT; i++)
		if (i < MOST_PAGES && pfn_is_none(object_peek_page(lib.both, i)))
			lib.was_hole[i] = true;
	lock_release(&lib.both->lock);
}

static bool
is_on_disk(const struct object *object)
{
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (object == lib.image[i])
			return true;
	return object == lib.disk;
}

/* guesses_cache - in this part of a region. */
static bool
guesses_cache(const struct region *r, struct va_range part)
{
	uint64_t first = region_page_index(r, part.start);
	uint64_t end = first + ((part.end - part.start) >> ARCH_PAGE_SHIFT);

	if (!r->object || range_is_empty(part))
		return false;
	if (is_on_disk(r->object))
		return true;
	for (uint64_t i = first; r->object == lib.both && i < min_u64(end, MOST_PAGES); i++)
		if (lib.was_hole[i])
			return true;
	return false;
}

bool
library_guesses_cache(unsigned process, uint64_t start, uint64_t end)
{
	struct region *r = space_first(library_space(process));

	end = (end + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	for (; r; r = region_next(r))
		if (range_overlaps(r->range, va_range(start, end)) &&
		    guesses_cache(r, range_clip(r->range, va_range(start, end))))
			return true;
	return false;
}

static int64_t
do_mmap(struct space *sp, const struct op *op)
{
	struct map_request request = {
		.addr = op->arg[0],
		.length = op->arg[1],
		.prot = (unsigned)op->arg[2],
		.flags = op->arg[3],
		.offset = op->arg[4],
		.readonly_file = op->file == FILE_READ,
		.writeonly_file = op->file == FILE_WRITE,
		.align_by_offset = op->file == FILE_DISK && lib.disk_aligns,
	};
	vaddr_t va = 0;
	err_t	err;

	if (op->file != FILE_NONE)
		request.object = object_of(op->file);
	err = call_mmap(sp, &request, &va);
	return err == OK ? (int64_t)va : err;
}

/* do_munmap - the mistake is one page that stays. */
static int64_t
do_munmap(struct space *sp, const struct op *op)
{
	uint64_t bytes = op->arg[1];

	if (lib.is_wrong && bytes > ARCH_PAGE_SIZE)
		bytes -= ARCH_PAGE_SIZE;
	return call_munmap(sp, op->arg[0], bytes);
}

static int64_t
do_mremap(struct space *sp, const struct op *op)
{
	struct remap_request request = {
		.addr = op->arg[0],
		.old_length = op->arg[1],
		.new_length = op->arg[2],
		.flags = op->arg[3],
		.new_addr = op->arg[4],
	};
	vaddr_t va = 0;
	err_t	err = call_mremap(sp, &request, &va);

	return err == OK ? (int64_t)va : err;
}

static uint32_t
signal_of(enum fault_result fault)
{
	switch (fault) {
	case FAULT_DONE:
		return 0;
	case FAULT_SEGV_MAPERR:
		return AGENT_SIGNAL(SIGSEGV, SEGV_MAPERR);
	case FAULT_SEGV_ACCERR:
		return AGENT_SIGNAL(SIGSEGV, SEGV_ACCERR);
	case FAULT_BUS_ADRERR:
		return AGENT_SIGNAL(SIGBUS, BUS_ADRERR);
	case FAULT_NOMEM:
		return AGENT_SIGNAL(SIGKILL, 0);
	}
	return UINT32_MAX;
}

static void
do_access(struct space *sp, const struct op *op, struct result *result)
{
	enum access access = op->kind == OP_LOAD ? ACCESS_LOAD : ACCESS_STORE;
	uint64_t    value = op->kind == OP_LOAD ? 0 : op->arg[2];

	result->signal = signal_of(sim_user(sp, access, op->arg[0], &value, op->arg[1]));
	result->value = op->kind == OP_LOAD && !result->signal ? (int64_t)value : 0;
}

#define RETURN 0xc3

/* do_fetch - the same steps as the agent's. */
static void
do_fetch(struct space *sp, const struct op *op, struct result *result)
{
	unsigned char	  byte = RETURN;
	enum fault_result fault;

	(void)sim_user(sp, ACCESS_STORE, op->arg[0], &byte, 1);
	fault = sim_user(sp, ACCESS_LOAD, op->arg[0], &byte, 1);
	if (fault == FAULT_DONE) {
		result->value = byte;
		if (byte == RETURN)
			fault = sim_user(sp, ACCESS_FETCH, op->arg[0], &byte, 1);
	}
	result->signal = signal_of(fault);
	if (result->signal)
		result->value = 0;
}

static void
do_read(const struct op *op, struct result *result)
{
	unsigned char bytes[MOST_FILE_BYTES];
	size_t	      done = 0;
	err_t	      err;

	if (op->file != FILE_DISK)
		note_holes(op->arg[0], op->arg[1]);
	err = object_read(object_of(op->file), op->arg[0], bytes, op->arg[1], &done);
	result->value = err == OK ? (int64_t)done : err;
	if (result->value > 0)
		result->data = bytes_digest(bytes, done);
}

static int64_t
do_write(const struct op *op)
{
	unsigned char bytes[MOST_FILE_BYTES];
	size_t	      done = 0;
	err_t	      err;

	for (uint64_t i = 0; i < op->arg[1]; i++)
		bytes[i] = file_byte(op->arg[2], i);
	err = object_write(object_of(op->file), op->arg[0], bytes, op->arg[1], &done);
	return err == OK ? (int64_t)done : err;
}

/* buffer_of - in the agent's slot, which is mapped here too. */
static vaddr_t
buffer_of(unsigned process)
{
	return AGENT_CONTROL + process * AGENT_SLOT_BYTES + offsetof(struct agent_slot, buffer);
}

static void
do_mincore(struct space *sp, const struct op *op, struct result *result)
{
	static unsigned char vec[MOST_MINCORE];
	uint64_t	     pages = (op->arg[1] + ARCH_PAGE_SIZE - 1) >> ARCH_PAGE_SHIFT;

	result->value = call_mincore(sp, op->arg[0], op->arg[1], buffer_of(op->process));
	if (result->value != 0)
		return;
	if (copy_from_space(sp, vec, buffer_of(op->process), pages) != 0)
		result->value = ERR_FAULT;
	result->data = bytes_digest(vec, pages);
}

static int64_t
do_transfer(struct space *sp, const struct op *op)
{
	struct element		  vectors[2][MOST_ELEMENTS];
	struct process_vm_request request = {
		.local = sp,
		.remote = library_space((unsigned)op->arg[3]),
		.local_vec = buffer_of(op->process),
		.nr_local = op_vector(op, false, vectors[0]),
		.remote_vec = buffer_of(op->process) + sizeof(vectors[0]),
		.nr_remote = op_vector(op, true, vectors[1]),
	};
	uint64_t done;
	err_t	 err;

	if (copy_to_space(sp, request.local_vec, vectors, sizeof(vectors)) != 0)
		return ERR_FAULT;
	err = op->kind == OP_VM_READ ? call_process_vm_readv(&request, &done)
				     : call_process_vm_writev(&request, &done);
	return err == OK ? (int64_t)done : err;
}

static void
do_limit(struct space *sp, const struct op *op)
{
	uint64_t *const limits[LIMITS] = {
		[LIMIT_AS] = &sp->layout.limit_as,
		[LIMIT_DATA] = &sp->layout.limit_data,
		[LIMIT_STACK] = &sp->layout.limit_stack,
		[LIMIT_MEMLOCK] = &sp->layout.limit_memlock,
	};

	write_lock(&sp->lock);
	*limits[op->arg[0]] = op->arg[1];
	write_unlock(&sp->lock);
}

static int64_t
do_exit(unsigned process)
{
	struct process *proc = lib.processes[process];

	pt_deactivate(&proc->space->pt);
	proc_exit(proc, 0);
	lib.processes[process] = NULL;
	return 0;
}

/* apply_call - the system calls that change or tell about the space. */
static int64_t
apply_call(struct space *sp, const struct op *op)
{
	const uint64_t *arg = op->arg;

	switch ((int)op->kind) {
	case OP_MMAP:
		return do_mmap(sp, op);
	case OP_MUNMAP:
		return do_munmap(sp, op);
	case OP_MPROTECT:
		return call_mprotect(sp, arg[0], arg[1], arg[2]);
	case OP_MADVISE:
		return call_madvise(sp, arg[0], arg[1], (enum advice)arg[2]);
	case OP_BRK:
		return (int64_t)call_brk(sp, arg[0]);
	case OP_MREMAP:
		return do_mremap(sp, op);
	case OP_MLOCK:
		return call_mlock2(sp, arg[0], arg[1], (unsigned)arg[2]);
	case OP_MUNLOCK:
		return call_munlock(sp, arg[0], arg[1]);
	case OP_MLOCKALL:
		return call_mlockall(sp, (unsigned)arg[0]);
	case OP_MUNLOCKALL:
		return call_munlockall(sp);
	case OP_MSEAL:
		return call_mseal(sp, arg[0], arg[1], arg[2]);
	case OP_MSYNC:
		return call_msync(sp, arg[0], arg[1], (unsigned)arg[2]);
	default:
		return do_transfer(sp, op);
	}
}

/* apply_rest - files, limits, processes. */
static int64_t
apply_rest(struct space *sp, const struct op *op)
{
	switch ((int)op->kind) {
	case OP_TRUNCATE:
		object_resize(object_of(op->file), op->arg[0]);
		return 0;
	case OP_PUNCH:
		object_punch(object_of(op->file), op->arg[0] >> ARCH_PAGE_SHIFT,
			     op->arg[1] >> ARCH_PAGE_SHIFT);
		return 0;
	case OP_WRITE:
		return do_write(op);
	case OP_LIMIT:
		do_limit(sp, op);
		return 0;
	case OP_FORK:
		return proc_fork(lib.processes[op->process], 0, 0, &lib.processes[op->arg[0]]);
	case OP_EXIT:
		return do_exit(op->process);
	default:
		return 0;
	}
}

void
library_apply(const struct op *op, struct result *result)
{
	struct space *sp = library_space(op->process);

	*result = (struct result){ 0 };
	if (op->kind == OP_LOAD || op->kind == OP_STORE)
		do_access(sp, op, result);
	else if (op->kind == OP_FETCH)
		do_fetch(sp, op, result);
	else if (op->kind == OP_MINCORE)
		do_mincore(sp, op, result);
	else if (op->kind == OP_READ)
		do_read(op, result);
	else if (op_traits[op->kind].is_call)
		result->value = apply_call(sp, op);
	else
		result->value = apply_rest(sp, op);
}

unsigned
library_maps(unsigned process, struct map_line *lines)
{
	struct space *sp = library_space(process);
	unsigned      nr = 0;

	for (struct region *r = space_first(sp); r && nr < MAX_LINES; r = region_next(r))
		lines[nr++] = (struct map_line){
			.start = r->range.start,
			.end = r->range.end,
			.offset = r->object ? r->offset << ARCH_PAGE_SHIFT : 0,
			.backing = r->object ? r->object->id : 0,
			.prot = r->prot,
			.flags = r->flags,
		};
	return nr;
}

void
library_visit(unsigned process, const struct op *op, const uint64_t *pages, unsigned nr,
	      struct agent_page *seen)
{
	struct space *sp = library_space(process);
	uint64_t      at = op->arg[0] % 512 * 8;
	uint64_t      words[512];

	for (unsigned i = 0; i < nr; i++) {
		uint64_t	  value = op->arg[0] + pages[i];
		enum fault_result fault =
			op->kind == OP_MARK
				? sim_user(sp, ACCESS_STORE, pages[i] + at, &value, 8)
				: sim_user(sp, ACCESS_LOAD, pages[i], words, sizeof(words));

		seen[i] = (struct agent_page){ .signal = signal_of(fault) };
		if (fault == FAULT_DONE && op->kind == OP_VISIT)
			seen[i].digest = agent_digest(words);
	}
}

bool
library_check(char *text, size_t bytes)
{
	struct check_report report;

	if (check_all(&report))
		return true;
	snprintf(text, bytes, "%s: %s", invariant_name(report.broken), report.text);
	return false;
}

/* reap - zombies whose parent is gone stay until the machine goes back. */
void
library_end(void)
{
	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		if (lib.processes[i])
			do_exit(i);
	object_put(lib.both);
	object_put(lib.disk);
	for (unsigned i = 0; i < MAX_FILES && lib.image[i]; i++)
		object_put(lib.image[i]);
}

bool
library_gone(char *text, size_t bytes)
{
	struct frame_totals now;

	anymm_drain();
	now = frame_totals();
	for (unsigned kind = FRAME_TABLE; kind <= FRAME_OBJECT; kind++) {
		if (now.by_kind[kind] == lib.fresh.by_kind[kind])
			continue;
		snprintf(text, bytes, "kind %u: %" PRIu64 " frames are left over", kind,
			 now.by_kind[kind] - lib.fresh.by_kind[kind]);
		return false;
	}
	if (object_live() == 0 && space_live_regions() == 0)
		return true;
	snprintf(text, bytes, "%" PRIu64 " objects and %" PRIu64 " regions are left over",
		 object_live(), space_live_regions());
	return false;
}
