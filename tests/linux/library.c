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

#include <anymm/check.h>
#include <anymm/fault.h>
#include <anymm/process.h>
#include <sim/sim.h>

#define FRAMES	  32768
#define MAX_FILES 16

static struct {
	struct process	   *processes[MAX_PROCESSES];
	struct object	   *both, *disk;
	struct object	   *image[MAX_FILES]; /* of the agent's program */
	uint64_t	    image_id[MAX_FILES];
	bool		    disk_aligns;
	bool		    is_wrong;
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

static int64_t
do_mmap(struct space *sp, const struct op *op)
{
	struct map_request request = {
		.addr = op->arg[0],
		.length = op->arg[1],
		.prot = (unsigned)op->arg[2],
		.flags = (unsigned)op->arg[3],
		.offset = op->arg[4],
		.readonly_file = op->file == FILE_READ,
		.writeonly_file = op->file == FILE_WRITE,
		.align_by_offset = op->file == FILE_DISK && lib.disk_aligns,
	};
	vaddr_t va = 0;
	err_t	err;

	if (op->file != FILE_NONE)
		request.object = object_of(op->file);
	err = space_map(sp, &request, &va);
	return err == OK ? (int64_t)va : err;
}

/* do_munmap - the mistake is one page that stays. */
static int64_t
do_munmap(struct space *sp, const struct op *op)
{
	uint64_t bytes = op->arg[1];

	if (lib.is_wrong && bytes > ARCH_PAGE_SIZE)
		bytes -= ARCH_PAGE_SIZE;
	return space_unmap(sp, op->arg[0], bytes);
}

static int64_t
do_mremap(struct space *sp, const struct op *op)
{
	struct remap_request request = {
		.addr = op->arg[0],
		.old_length = op->arg[1],
		.new_length = op->arg[2],
		.flags = (unsigned)op->arg[3],
		.new_addr = op->arg[4],
	};
	struct va_range fresh;
	vaddr_t		va = 0;
	err_t		err = space_remap(sp, &request, &va, &fresh);

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
	err_t	      err = object_read(object_of(op->file), op->arg[0], bytes, op->arg[1], &done);

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

static void
do_limit(struct space *sp, const struct op *op)
{
	uint64_t *const limits[LIMITS] = {
		[LIMIT_AS] = &sp->layout.limit_as,
		[LIMIT_DATA] = &sp->layout.limit_data,
		[LIMIT_STACK] = &sp->layout.limit_stack,
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

void
library_apply(const struct op *op, struct result *result)
{
	struct space *sp = library_space(op->process);

	*result = (struct result){ 0 };
	switch (op->kind) {
	case OP_MMAP:
		result->value = do_mmap(sp, op);
		break;
	case OP_MUNMAP:
		result->value = do_munmap(sp, op);
		break;
	case OP_MPROTECT:
		result->value = space_protect(sp, op->arg[0], op->arg[1], (unsigned)op->arg[2]);
		break;
	case OP_MADVISE:
		result->value = space_advise(sp, op->arg[0], op->arg[1], (enum advice)op->arg[2]);
		break;
	case OP_BRK:
		result->value = (int64_t)space_brk(sp, op->arg[0]);
		break;
	case OP_MREMAP:
		result->value = do_mremap(sp, op);
		break;
	case OP_MLOCK:
		result->value = space_lock(sp, op->arg[0], op->arg[1], (unsigned)op->arg[2]);
		break;
	case OP_MUNLOCK:
		result->value = space_unlock(sp, op->arg[0], op->arg[1]);
		break;
	case OP_MLOCKALL:
		result->value = space_lock_all(sp, (unsigned)op->arg[0]);
		break;
	case OP_MUNLOCKALL:
		result->value = space_unlock_all(sp);
		break;
	case OP_MSEAL:
		result->value = space_seal(sp, op->arg[0], op->arg[1], (unsigned)op->arg[2]);
		break;
	case OP_LOAD:
	case OP_STORE:
		do_access(sp, op, result);
		break;
	case OP_FETCH:
		do_fetch(sp, op, result);
		break;
	case OP_TRUNCATE:
		object_resize(object_of(op->file), op->arg[0]);
		break;
	case OP_PUNCH:
		object_punch(object_of(op->file), op->arg[0] >> ARCH_PAGE_SHIFT,
			     op->arg[1] >> ARCH_PAGE_SHIFT);
		break;
	case OP_READ:
		do_read(op, result);
		break;
	case OP_WRITE:
		result->value = do_write(op);
		break;
	case OP_LIMIT:
		do_limit(sp, op);
		break;
	case OP_FORK:
		result->value =
			proc_fork(lib.processes[op->process], 0, 0, &lib.processes[op->arg[0]]);
		break;
	case OP_EXIT:
		result->value = do_exit(op->process);
		break;
	case OP_VISIT:
	case OP_MARK:
	case OP_KINDS:
		break;
	}
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
