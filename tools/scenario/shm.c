/*
 * shm.c - System V shared memory: segments by name, attached and detached.
 *
 * A segment is an object of zeros; to attach it is to map it whole. It is detached by the
 * address that it was attached at, whatever has become of the mapping since: every piece of it
 * that stands where it stood then goes. Segments live as long as the scenario.
 */
#include "scenario/call.h"

enum shm_flag {
	SHM_EXEC_BIT = 0x8000,
	SHM_RDONLY_BIT = 0x1000,
	SHM_RND_BIT = 0x2000,
	SHM_REMAP_BIT = 0x4000,
};

/* shmget NAME ID BYTES */
bool
statement_shmget(struct run *r)
{
	struct token token;
	uint64_t     id;
	uint64_t     bytes;

	if (!parse_token(r, &token, "the name of the segment") ||
	    !parse_number(r, &id, "the segment's number") ||
	    !parse_number(r, &bytes, "the segment's size in bytes") || !parse_end(r))
		return false;
	return r->dry || make_segment(r, &token, id, bytes);
}

static void
do_attach(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mmap(call->space, &call->map, &call->value);
}

/* What shmat asks of mmap; ERR_INVAL: it asks for nothing that could be. */
static err_t
attach_request(struct space_call *call, const struct name *segment)
{
	struct map_request *map = &call->map;

	map->object = segment->object;
	map->length = segment->object->size_bytes;
	map->prot = PROT_R | (call->arg & SHM_RDONLY_BIT ? 0 : PROT_W) |
		    (call->arg & SHM_EXEC_BIT ? PROT_X : 0);
	map->flags = MAPF_SHARED;
	map->readonly_file = (call->arg & SHM_RDONLY_BIT) != 0;
	map->addr = call->addr;
	if (call->addr == 0)
		return call->arg & SHM_REMAP_BIT ? ERR_INVAL : OK;
	if (call->addr & ARCH_PAGE_MASK) {
		if (!(call->arg & SHM_RND_BIT))
			return ERR_INVAL;
		map->addr &= ~ARCH_PAGE_MASK;
	}
	map->flags |= call->arg & SHM_REMAP_BIT ? MAPF_FIXED : MAPF_FIXED_NOREPLACE;
	return OK;
}

/* shmat P NAME ADDR FLAGS [= RESULT] [-> LABEL] */
bool
statement_shmat(struct run *r)
{
	static const struct flag_word flags[] = {
		{ "none", 0 },
		{ "readonly", SHM_RDONLY_BIT },
		{ "round", SHM_RND_BIT },
		{ "remap", SHM_REMAP_BIT },
		{ "exec", SHM_EXEC_BIT },
		{ NULL, 0 },
	};
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct name	 *segment;
	struct name	 *name;

	if (!parse_process(r, &name) || !parse_file(r, &segment) ||
	    !parse_number(r, &call.addr, "an address, or 0 for any") ||
	    !parse_flags(r, flags, "none, readonly, round, remap or exec", &call.arg) ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	call.err = attach_request(&call, segment);
	if (call.err == OK)
		stage_on_cpu(r->cpu, do_attach, &call);
	if (call.err == ERR_EXIST)
		call.err = ERR_INVAL; /* shmat's word for a place that is taken */
	return compare_result(r, "shmat", &wanted, call.err, call.value, true);
}

/* The first piece at or above `from` of what was attached at `addr`. */
static struct region *
piece_of(struct run *r, struct space *sp, vaddr_t addr, struct object **object, vaddr_t from)
{
	struct region *region = space_first(sp);

	for (; region; region = region_next(region)) {
		const struct name *name;

		if (region->range.start < from || !(region->flags & REGION_SHARED) ||
		    !region->object || (*object && region->object != *object) ||
		    region->range.start - (region->offset << ARCH_PAGE_SHIFT) != addr)
			continue;
		name = names_of_object(r->names, region->object);
		if (name && name->is_segment)
			return region;
	}
	return NULL;
}

static void
do_detach(void *arg)
{
	struct space_call *call = arg;

	call->err = call_munmap(call->space, call->addr, call->length);
}

/* shmdt P ADDR [= RESULT] */
bool
statement_shmdt(struct run *r)
{
	struct space_call call = { .err = ERR_INVAL };
	struct object	 *object = NULL;
	struct region	 *piece;
	struct wanted	  wanted;
	struct name	 *name;
	vaddr_t		  addr;

	if (!parse_process(r, &name) || !parse_number(r, &addr, "an address") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	for (;;) {
		read_lock(&call.space->lock);
		piece = piece_of(r, call.space, addr, &object, call.addr + call.length);
		if (piece) {
			object = piece->object;
			call.addr = piece->range.start;
			call.length = piece->range.end - piece->range.start;
		}
		read_unlock(&call.space->lock);
		if (!piece)
			break;
		stage_on_cpu(r->cpu, do_detach, &call);
		if (call.err != OK)
			break;
	}
	return compare_result(r, "shmdt", &wanted, call.err, 0, false);
}
