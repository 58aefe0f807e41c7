/*
 * slab.c - objects of one size, cut out of blocks of frames.
 *
 *   block of 2^order frames, naturally aligned
 *   +--------+------+--------+-+--------+-+--------+-+--------+
 *   | header | link | object |r| object |r| object |r| unused |
 *   +--------+------+--------+-+--------+-+--------+-+--------+
 *
 * The links (one number per object) are the free list and the record of what
 * is in use, so a free object's own memory is not touched and a second free is
 * seen at once. The frame's descriptor holds the first free object, the number
 * in use and the next slab with room; the header the way back.
 *
 * Free objects, the red zone r behind each object, and the unused rest are
 * poisoned. In debug builds they also carry a pattern that is checked when an
 * object is handed out and when it comes back, which finds stray writes where
 * the machine itself does not.
 *
 * The pointer of an object gives its frame (frame.c), the cache's order the
 * slab's first frame, and the header must name the cache.
 *
 * Locks: cache->lock, then the frame allocator's.
 */
#include <anymm/slab.h>

#include "base/assert.h"
#include "base/mem.h"
#include "phys/phys.h"

#define GRANULE	       8 /* of arch_poison */
#define SLAB_PATTERN   0x6b
#define SLAB_ALIGN_MAX 64
#define SLAB_ORDER_MAX 7
#define SLAB_MAX_BYTES 65536

/* Values of a link that are no object. */
#define LINK_END    0xffff
#define LINK_IN_USE 0xfffe

/* Space between objects that nobody may touch: debug builds only. */
#define RED_ZONE ((size_t)(MM_DEBUG ? 2 * GRANULE : 0))

struct slab {
	struct slab_cache *cache;
	uint32_t	   prev;    /* frame number of the slab before this one in the list */
	uint16_t	   links[]; /* per object: the next free one, or LINK_IN_USE */
};

static size_t
round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) & ~(to - 1);
}

static size_t
slab_bytes(unsigned order)
{
	return (size_t)ARCH_PAGE_SIZE << order;
}

/* Layout. */

static size_t
first_offset(size_t objects, size_t align)
{
	return round_up(sizeof(struct slab) + objects * sizeof(uint16_t) + RED_ZONE,
			align > GRANULE ? align : GRANULE);
}

/* objects_per_slab - as many as fit behind their own links. */
static size_t
objects_per_slab(size_t stride, size_t align, unsigned order)
{
	size_t objects = slab_bytes(order) / (stride + sizeof(uint16_t));

	while (objects && first_offset(objects, align) + objects * stride > slab_bytes(order))
		objects--;
	return objects;
}

/* is_order_good - little is wasted: an eighth in small slabs, a quarter in large ones. */
static bool
is_order_good(size_t object_bytes, size_t objects, unsigned order)
{
	size_t used = objects * round_up(object_bytes, GRANULE);
	size_t waste = slab_bytes(order) - used;

	/* Objects smaller than their links and red zones waste at every order. */
	if (object_bytes < 256)
		return objects > 0;
	return waste <= slab_bytes(order) / (order <= 3 ? 8 : 4);
}

void
slab_init(struct slab_cache *cache, const char *name, size_t object_bytes, size_t align)
{
	size_t	 stride;
	size_t	 objects = 0;
	unsigned order;

	REQUIRE(object_bytes >= 1 && object_bytes <= SLAB_MAX_BYTES && align >= 1 &&
			align <= SLAB_ALIGN_MAX && !(align & (align - 1)),
		"cache %s: %zu bytes aligned to %zu", name, object_bytes, align);
	stride = round_up(object_bytes, GRANULE) + RED_ZONE;
	stride = round_up(stride, align > GRANULE ? align : GRANULE);
	for (order = 0; order < SLAB_ORDER_MAX; order++) {
		objects = objects_per_slab(stride, align, order);
		if (is_order_good(object_bytes, objects, order))
			break;
	}
	objects = objects_per_slab(stride, align, order);
	*cache = (struct slab_cache){
		.name = name,
		.object_bytes = (uint32_t)object_bytes,
		.stride = (uint32_t)stride,
		.first_offset = (uint32_t)first_offset(objects, align),
		.per_slab = (uint16_t)objects,
		.order = (uint8_t)order,
		.partial = PFN32_NONE,
	};
}

static char *
object_at(const struct slab_cache *cache, struct slab *slab, unsigned index)
{
	return (char *)slab + cache->first_offset + (size_t)index * cache->stride;
}

static struct slab *
slab_of(uint32_t n)
{
	return arch_frame_ptr((pfn_t){ n });
}

/* body_of - what is poisoned in an empty slab: all behind the links. */
static char *
body_of(const struct slab_cache *cache, struct slab *slab)
{
	return (char *)slab + cache->first_offset - RED_ZONE;
}

static size_t
body_bytes(const struct slab_cache *cache)
{
	return slab_bytes(cache->order) - cache->first_offset + RED_ZONE;
}

/*
 * has_pattern - whether nobody has written to the pattern of debug builds. Objects and the
 * zones behind them are whole granules, as poison is, so it is looked at a word at a time.
 */
static bool
has_pattern(const char *start, size_t bytes)
{
	const uint64_t *words = (const uint64_t *)(const void *)start;

	for (size_t i = 0; i < bytes / GRANULE; i++) {
		if (words[i] != SLAB_PATTERN * (UINT64_MAX / 0xff))
			return false;
	}
	return true;
}

/* zone_is_intact - look at the red zone behind an object, poisoned as it is. */
static bool
zone_is_intact(const struct slab_cache *cache, char *object)
{
	size_t bytes = round_up(cache->object_bytes, GRANULE);
	char  *zone = object + bytes;
	bool   intact;

	arch_unpoison(zone, cache->stride - bytes);
	intact = has_pattern(zone, cache->stride - bytes);
	arch_poison(zone, cache->stride - bytes);
	return intact;
}

/* wake_object - HOLDS cache->lock; a free object becomes usable memory of zeros. */
static void
wake_object(const struct slab_cache *cache, char *object)
{
	size_t bytes = round_up(cache->object_bytes, GRANULE);

	arch_unpoison(object, bytes);
	if (MM_DEBUG)
		REQUIRE(has_pattern(object, bytes), "cache %s: free object %p was written to",
			cache->name, (void *)object);
	memset(object, 0, bytes);
}

static void
lay_object_down(const struct slab_cache *cache, char *object)
{
	size_t bytes = round_up(cache->object_bytes, GRANULE);

	if (MM_DEBUG) {
		REQUIRE(zone_is_intact(cache, object),
			"cache %s: written beyond the %u bytes of object %p", cache->name,
			cache->object_bytes, (void *)object);
		memset(object, SLAB_PATTERN, bytes);
	}
	arch_poison(object, bytes);
}

/* The list of slabs with room. HOLDS cache->lock in all of these. */

static void
list_push(struct slab_cache *cache, uint32_t n)
{
	frame_of((pfn_t){ n })->slab.next = cache->partial;
	slab_of(n)->prev = PFN32_NONE;
	if (cache->partial != PFN32_NONE)
		slab_of(cache->partial)->prev = n;
	cache->partial = n;
}

static void
list_unlink(struct slab_cache *cache, uint32_t n)
{
	uint32_t next = frame_of((pfn_t){ n })->slab.next;
	uint32_t prev = slab_of(n)->prev;

	if (prev != PFN32_NONE)
		frame_of((pfn_t){ prev })->slab.next = next;
	else
		cache->partial = next;
	if (next != PFN32_NONE)
		slab_of(next)->prev = prev;
}

/* Slabs. */

/* slab_create - an empty slab in the list; false: out of memory. HOLDS cache->lock. */
static bool
slab_create(struct slab_cache *cache)
{
	struct frame_request request = { .kind = FRAME_KERNEL, .order = cache->order };
	struct slab	    *slab;
	struct frame	    *f;
	pfn_t		     pfn;

	if (frame_take(&request, &pfn))
		return false;
	slab = arch_frame_ptr(pfn);
	slab->cache = cache;
	for (unsigned i = 0; i < cache->per_slab; i++)
		slab->links[i] = (uint16_t)(i + 1);
	slab->links[cache->per_slab - 1] = LINK_END;
	if (MM_DEBUG)
		memset(body_of(cache, slab), SLAB_PATTERN, body_bytes(cache));
	arch_poison(body_of(cache, slab), body_bytes(cache));
	f = frame_of(pfn);
	f->slab.in_use = 0;
	f->slab.first = 0;
	list_push(cache, (uint32_t)pfn.n);
	cache->nr_slabs++;
	cache->nr_spare++;
	return true;
}

static void
slab_destroy(struct slab_cache *cache, uint32_t n)
{
	list_unlink(cache, n);
	cache->nr_slabs--;
	cache->nr_spare--;
	slab_of(n)->cache = NULL;
	arch_unpoison(body_of(cache, slab_of(n)), body_bytes(cache));
	frame_release((pfn_t){ n });
}

static char *
take_object(struct slab_cache *cache)
{
	uint32_t      n = cache->partial;
	struct frame *f = frame_of((pfn_t){ n });
	struct slab  *slab = slab_of(n);
	unsigned      index = f->slab.first;

	if (f->slab.in_use++ == 0)
		cache->nr_spare--;
	f->slab.first = slab->links[index];
	slab->links[index] = LINK_IN_USE;
	if (f->slab.first == LINK_END)
		list_unlink(cache, n);
	cache->nr_objects++;
	return object_at(cache, slab, index);
}

void *
slab_alloc(struct slab_cache *cache)
{
	char *object = NULL;

	if (arch_inject_failure())
		return NULL;
	byte_lock_acquire(&cache->lock, RANK_SLAB);
	if (cache->partial != PFN32_NONE || slab_create(cache)) {
		object = take_object(cache);
		wake_object(cache, object);
	}
	byte_lock_release(&cache->lock, RANK_SLAB);
	return object;
}

/* slab_frame - the first frame of the slab that holds the object; stops if it is not this cache's. */
static uint32_t
slab_frame(const struct slab_cache *cache, const void *object)
{
	pfn_t	      pfn = frame_from_pointer(object);
	struct frame *f;
	uint32_t      n;

	REQUIRE(!pfn_is_none(pfn), "cache %s: %p is not memory", cache->name, object);
	n = (uint32_t)pfn.n & ~(((uint32_t)1 << cache->order) - 1);
	f = frame_of((pfn_t){ n });
	REQUIRE(f->kind == FRAME_KERNEL && f->order == cache->order && slab_of(n)->cache == cache,
		"cache %s: %p is not one of its objects (frame kind %u, order %u)", cache->name,
		object, f->kind, f->order);
	return n;
}

/* object_index - stops if the pointer is not the start of an object in use. */
static unsigned
object_index(const struct slab_cache *cache, struct slab *slab, const void *object)
{
	size_t offset = (size_t)((const char *)object - (const char *)slab) - cache->first_offset;
	size_t index = offset / cache->stride;

	REQUIRE(index < cache->per_slab && offset % cache->stride == 0,
		"cache %s: %p is not the start of an object", cache->name, object);
	REQUIRE(slab->links[index] == LINK_IN_USE, "cache %s: %p is freed twice", cache->name,
		object);
	return (unsigned)index;
}

static void
put_object(struct slab_cache *cache, uint32_t n, unsigned index)
{
	struct frame *f = frame_of((pfn_t){ n });

	slab_of(n)->links[index] = f->slab.first;
	if (f->slab.first == LINK_END)
		list_push(cache, n);
	f->slab.first = (uint16_t)index;
	cache->nr_objects--;
	if (--f->slab.in_use == 0 && ++cache->nr_spare > SLAB_SPARES_MAX)
		slab_destroy(cache, n);
}

void
slab_free(struct slab_cache *cache, void *object)
{
	unsigned index;
	uint32_t n;

	if (!object)
		return;
	byte_lock_acquire(&cache->lock, RANK_SLAB);
	n = slab_frame(cache, object);
	index = object_index(cache, slab_of(n), object);
	lay_object_down(cache, object);
	put_object(cache, n, index);
	byte_lock_release(&cache->lock, RANK_SLAB);
}

void
slab_drain(struct slab_cache *cache)
{
	uint32_t n;
	uint32_t next;

	byte_lock_acquire(&cache->lock, RANK_SLAB);
	for (n = cache->partial; n != PFN32_NONE; n = next) {
		struct frame *f = frame_of((pfn_t){ n });

		next = f->slab.next;
		if (f->slab.in_use == 0)
			slab_destroy(cache, n);
	}
	byte_lock_release(&cache->lock, RANK_SLAB);
}
