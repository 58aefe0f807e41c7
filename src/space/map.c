/*
 * map.c - new mappings, with Linux's arguments, results and order of errors.
 *
 *	check    what needs no look at the space
 *	choose   the address: fixed, or by the placement rules
 *	type     shared or private, and what a file forbids
 *	limit    address space, data, one request for committed memory
 *	plan     regions to make, tables that replacing others will take
 *	commit   unmap what was there, add the region, join its neighbours
 *
 * Up to the commit the space is only read. Shared anonymous memory is an object
 * of its own for each call, with the pager of zeros.
 */
#include <anymm/commit.h>

#include "space/bounds.h"
#include "space/limit.h"
#include "space/place.h"
#include "space/state.h"
#include "space/tree.h"
#include "space/unmap.h"

/* What MAPF_SHARED_VALIDATE lets pass, apart from the type. */
#define KNOWN_FLAGS 0x7c07f9f3u

/* Linux's large pages on x86-64: 2 MiB and 1 GiB. */
enum { LARGE_SHIFT = 21, LARGEST_SHIFT = 30 };

/* Ids of shared anonymous objects have the top bit, which no file has. */
#define SHARED_ID ((uint64_t)1 << 63)

struct mapping {
	const struct map_request *request;
	struct region_kind	  kind;
	uint64_t		  bytes;
	vaddr_t			  va;
	struct unmap_plan	  unmap;
	struct region_reserve	  reserve;
};

static bool
is_fixed(const struct map_request *request)
{
	return request->flags & (MAPF_FIXED | MAPF_FIXED_NOREPLACE);
}

static bool
is_anonymous(const struct map_request *request)
{
	return request->flags & MAPF_ANONYMOUS;
}

static bool
is_shared(const struct map_request *request)
{
	unsigned type = request->flags & MAPF_TYPE;

	return type == MAPF_SHARED || type == MAPF_SHARED_VALIDATE;
}

/* Flags of a region that a request may ask for directly. */
#define REQUEST_REGION_FLAGS \
	(REGION_GROWSDOWN | REGION_NORESERVE | REGION_DONTFORK | REGION_WIPEONFORK | \
	 REGION_NOMERGE | REGION_SEQUENTIAL | REGION_RANDOM | REGION_HUGEPAGE | \
	 REGION_NOHUGEPAGE | REGION_DONTDUMP | REGION_MERGEABLE)

/* is_private_only - asks for something that only private anonymous memory can do. */
static bool
is_private_only(const struct map_request *request)
{
	return (request->flags & MAPF_GROWSDOWN) ||
	       (request->region_flags & (REGION_GROWSDOWN | REGION_WIPEONFORK));
}

/*
 * check_large - there are no large pages to use, so in the end it is ERR_NOMEM. As in Linux, what
 * is wrong with the request for them is found first.
 */
static err_t
check_large(const struct map_request *request)
{
	unsigned shift = request->flags >> MAPF_HUGE_SHIFT & MAPF_HUGE_MASK;
	unsigned type = request->flags & MAPF_TYPE;
	uint64_t inside = ((uint64_t)1 << (shift ? shift : LARGE_SHIFT)) - 1;

	if (!is_anonymous(request) || (shift && shift != LARGE_SHIFT && shift != LARGEST_SHIFT))
		return ERR_INVAL;
	if (request->length + inside < inside || (!is_shared(request) && type != MAPF_PRIVATE))
		return ERR_INVAL;
	if (is_private_only(request) || (is_fixed(request) && (request->addr & inside)))
		return ERR_INVAL;
	return ERR_NOMEM;
}

/* check - what is wrong whatever the space looks like. */
static err_t
check(const struct map_request *request, uint64_t *bytes)
{
	if (!is_page_aligned(request->offset) || (request->region_flags & ~REQUEST_REGION_FLAGS))
		return ERR_INVAL;
	if (!is_anonymous(request) && !request->object)
		return ERR_BADF;
	if (request->length == 0)
		return ERR_INVAL;
	if (request->flags & MAPF_HUGETLB)
		return check_large(request);
	return page_ceil(request->length, bytes) ? OK : ERR_NOMEM;
}

static err_t
choose_fixed(struct space *sp, struct mapping *m)
{
	vaddr_t	       addr = m->request->addr;
	struct region *next;

	if (!lies_below(addr, m->bytes, sp->layout.end))
		return ERR_NOMEM;
	if (!is_page_aligned(addr))
		return ERR_INVAL;
	next = tree_find_end(sp, addr);
	if ((m->request->flags & MAPF_FIXED_NOREPLACE) && next &&
	    next->range.start < addr + m->bytes)
		return ERR_EXIST;
	m->va = addr;
	return OK;
}

static err_t
choose(struct space *sp, struct mapping *m)
{
	const struct map_request *request = m->request;
	struct place_request	  place;

	if (is_fixed(request))
		return choose_fixed(sp, m);
	if (m->bytes > sp->layout.end)
		return ERR_NOMEM;
	place = (struct place_request){
		.hint = place_round_hint(sp, request->addr),
		.bytes = m->bytes,
		.low_2gib = request->flags & MAPF_32BIT,
		.above_4gib = request->flags & MAPF_ABOVE4G,
		.align_anonymous = is_anonymous(request) && !is_shared(request),
		.align_by_offset = !is_anonymous(request) && request->align_by_offset,
		.offset = request->offset,
	};
	return place_find(sp, &place, &m->va);
}

/* is_offset_of_file - all bytes of the mapping have signed numbers, as offsets in files do. */
static bool
is_offset_of_file(const struct map_request *request, uint64_t bytes)
{
	uint64_t most = (uint64_t)INT64_MAX - bytes;

	return request->offset >> ARCH_PAGE_SHIFT <= most >> ARCH_PAGE_SHIFT;
}

/* A device can only be shared: its memory is not for copying. */
static err_t
check_file_type(const struct map_request *request, uint64_t bytes)
{
	unsigned type = request->flags & MAPF_TYPE;

	if (!object_is_device(request->object) && !is_offset_of_file(request, bytes))
		return ERR_OVERFLOW;
	if (type == MAPF_SHARED_VALIDATE && (request->flags & ~(uint64_t)(KNOWN_FLAGS | MAPF_TYPE)))
		return ERR_OPNOTSUPP;
	if (!is_shared(request) && (type != MAPF_PRIVATE || object_is_device(request->object)))
		return ERR_INVAL;
	if (is_shared(request) && (request->prot & PROT_W) && request->readonly_file)
		return ERR_ACCES;
	if (request->writeonly_file)
		return ERR_ACCES;
	if ((request->prot & PROT_X) && request->noexec_file)
		return ERR_PERM;
	return is_private_only(request) ? ERR_INVAL : OK;
}

static err_t
check_type(const struct map_request *request, uint64_t bytes)
{
	unsigned type = request->flags & MAPF_TYPE;

	if (!is_anonymous(request))
		return check_file_type(request, bytes);
	if (type == MAPF_PRIVATE)
		return OK;
	return type == MAPF_SHARED && !is_private_only(request) ? OK : ERR_INVAL;
}

/* kept_flags - what the request says about the region's flags, whatever it maps. */
static unsigned
kept_flags(const struct map_request *request)
{
	unsigned flags = request->region_flags;

	if ((request->flags & MAPF_NORESERVE) && commit_policy() != COMMIT_STRICT)
		flags |= REGION_NORESERVE;
	if (request->flags & MAPF_GROWSDOWN)
		flags |= REGION_GROWSDOWN;
	if (request->flags & MAPF_LOCKED)
		flags |= REGION_LOCKED;
	if (request->flags & MAPF_STACK)
		flags |= REGION_NOHUGEPAGE;
	return flags;
}

static struct region_kind
kind_of(const struct map_request *request, struct object *object)
{
	struct region_kind kind = {
		.prot = request->prot & PROT_RWX,
		.flags = kept_flags(request),
		.object = object,
		.offset = is_anonymous(request) ? 0 : request->offset >> ARCH_PAGE_SHIFT,
	};

	if (is_shared(request))
		kind.flags |= REGION_SHARED;
	if (is_shared(request) && !is_anonymous(request) && request->readonly_file)
		kind.flags |= REGION_MAYNOTWRITE;
	if (!is_anonymous(request) && request->noexec_file)
		kind.flags |= REGION_MAYNOTEXEC;
	if (!is_anonymous(request) && request->align_by_offset)
		kind.flags |= REGION_ALIGNED;
	if (object && object_is_device(object))
		kind.flags |= REGION_DEVICE | REGION_DONTDUMP;
	return kind;
}

/*
 * charge_object - shared anonymous memory is a promise as a whole, whatever its protection: as in
 * Linux, the object stands for it and not the mapping. It goes with the object.
 */
static bool
charge_object(const struct space *sp, const struct mapping *m)
{
	uint64_t pages = m->bytes >> ARCH_PAGE_SHIFT;

	if (limit_forbids_promise(sp, m->bytes) || !commit_reserve(pages))
		return false;
	m->kind.object->charged_pages = pages;
	return true;
}

/* charge - promise the memory that the mapping stands for, less what it replaces. */
static bool
charge(struct space *sp, const struct mapping *m)
{
	if (region_is_charged(m->kind.prot, m->kind.flags))
		return limit_charge(sp, m->bytes - m->unmap.charged);
	if (is_anonymous(m->request) && is_shared(m->request) &&
	    !(m->kind.flags & REGION_NORESERVE))
		return charge_object(sp, m);
	return true;
}

/* plan - everything that can still fail; after OK only map_commit is left to do. */
static err_t
plan(struct space *sp, struct mapping *m)
{
	err_t err = unmap_plan(sp, va_range(m->va, m->va + m->bytes), &m->unmap);

	if (err)
		return err;
	if (limit_forbids(sp, m->bytes - m->unmap.bytes, m->kind.prot, m->kind.flags) ||
	    !charge(sp, m))
		err = ERR_NOMEM;
	else
		err = region_reserve(&m->reserve, 1 + m->unmap.cuts);
	if (err)
		unmap_drop(&m->unmap);
	return err;
}

/* check_locked - whether it may be locked, if it is to be. */
static err_t
check_locked(const struct space *sp, const struct mapping *m)
{
	if ((m->request->flags & MAPF_LOCKED) && sp->layout.limit_memlock == 0)
		return ERR_PERM;
	return limit_forbids_locked(sp, m->bytes, m->kind.flags) ? ERR_AGAIN : OK;
}

static err_t
map_locked(struct space *sp, struct mapping *m)
{
	err_t err = sp->nr_regions > sp->layout.max_regions ? ERR_NOMEM : choose(sp, m);

	m->kind.flags |= sp->new_flags;
	if (err == OK)
		err = check_locked(sp, m);
	if (m->kind.flags & REGION_DEVICE)
		m->kind.flags &= ~(unsigned)(REGION_LOCKED | REGION_LOCKONFAULT);
	if (err == OK)
		err = check_type(m->request, m->bytes);
	if (err == OK)
		err = plan(sp, m);
	if (err)
		return err;
	unmap_commit(sp, &m->unmap, &m->reserve);
	region_add(sp, va_range(m->va, m->va + m->bytes), &m->kind, &m->reserve);
	return OK;
}

/* get_backing - the object, with a reference for the call; NULL for private anonymous memory. */
static err_t
get_backing(const struct map_request *request, uint64_t bytes, struct object **out)
{
	*out = NULL;
	if (!is_anonymous(request)) {
		*out = request->object;
		object_get(*out);
	} else if (is_shared(request)) {
		uint64_t id = SHARED_ID | atomic_fetch_add(&space_state()->shared_ids, 1);

		return object_create(&pager_zero, id, bytes >> ARCH_PAGE_SHIFT, NULL, out);
	}
	return OK;
}

err_t
space_map(struct space *sp, const struct map_request *request, vaddr_t *out)
{
	struct mapping m = { .request = request };
	struct object *object;
	err_t	       err = check(request, &m.bytes);

	if (err)
		return err;
	err = get_backing(request, m.bytes, &object);
	if (err)
		return err;
	m.kind = kind_of(request, object);
	write_lock(&sp->lock);
	err = map_locked(sp, &m);
	limit_settle(sp);
	write_unlock(&sp->lock);
	if (object)
		object_put(object);
	if (err == OK)
		*out = m.va;
	return err;
}
