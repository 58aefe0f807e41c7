/*
 * object.c - what backs a region: references, the list of all, the end.
 *
 * An object dies with its last reference; a region holds one, and so does a fill that is
 * under way. Its frames may live on: a mapping or a gather that has not flushed
 * yet has counts of its own.
 */
#include <anymm/commit.h>

#include "base/assert.h"
#include "object/radix.h"
#include "object/state.h"
#include "object/swapped.h"

err_t
object_create(const struct pager_ops *ops, uint64_t id, uint64_t size_pages, void *private_data,
	      struct object **out)
{
	struct object_state *state = object_state();
	struct object	    *object = slab_alloc(&state->objects);

	if (!object)
		return ERR_NOMEM;
	lock_init(&object->lock, RANK_OBJECT);
	lock_init(&object->rmap_lock, RANK_RMAP);
	atomic_store_explicit(&object->refs, 1, memory_order_relaxed);
	object->size_bytes = size_pages > UINT64_MAX >> ARCH_PAGE_SHIFT
				     ? UINT64_MAX
				     : size_pages << ARCH_PAGE_SHIFT;
	list_init(&object->regions);
	object->ops = ops;
	object->id = id;
	object->private_data = private_data;

	lock_acquire(&state->lock);
	list_insert_before(&state->all, &object->all);
	state->live++;
	object->serial = ++state->serial;
	lock_release(&state->lock);
	*out = object;
	return OK;
}

void
object_get(struct object *object)
{
	uint32_t before = atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);

	REQUIRE(before != 0 && before != UINT32_MAX, "object %lu has %u references",
		(unsigned long)object->id, before);
}

/* drop_pages - give up the count of every slot, and those of pages that are out. Nobody else can reach the object. */
static void
drop_pages(struct object *object)
{
	uint64_t index;
	pfn_t	 pfn;

	for (uint64_t from = 0; radix_next(object, from, &index, &pfn); from = index) {
		radix_remove(object, index);
		frame_release(pfn);
	}
	swapped_drop(object, (struct page_run){ 0, UINT64_MAX });
	REQUIRE(object->nr_pages == 0 && object->nr_out == 0, "object %lu keeps %lu pages, %lu out",
		(unsigned long)object->id, (unsigned long)object->nr_pages,
		(unsigned long)object->nr_out);
}

void
object_set_placement(struct object *object, struct placement place)
{
	atomic_store(&object->place, place);
}

static void
destroy(struct object *object)
{
	struct object_state *state = object_state();

	REQUIRE(list_is_empty(&object->regions), "object %lu dies with a region naming it",
		(unsigned long)object->id);
	if (object->ops->release)
		object->ops->release(object);
	drop_pages(object);
	commit_release(object->charged_pages);
	lock_acquire(&state->lock);
	list_remove(&object->all);
	state->live--;
	lock_release(&state->lock);
	slab_free(&state->objects, object);
}

void
object_put(struct object *object)
{
	uint32_t before = atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel);

	REQUIRE(before != 0, "object %lu has no reference to give up", (unsigned long)object->id);
	if (before == 1)
		destroy(object);
}

/* try_get - a reference, unless the last one has just gone. */
static bool
try_get(struct object *object)
{
	uint32_t refs = atomic_load_explicit(&object->refs, memory_order_relaxed);

	while (refs != 0) {
		if (atomic_compare_exchange_weak(&object->refs, &refs, refs + 1))
			return true;
	}
	return false;
}

/* Objects stay in the list until they are taken apart, and memory until they have left it. */
struct object *
object_after(uint64_t serial)
{
	struct object_state *state = object_state();
	struct object	    *found = NULL;

	lock_acquire(&state->lock);
	LIST_FOR_EACH(node, &state->all) {
		struct object *object = CONTAINER_OF(node, struct object, all);

		if (object->serial > serial && try_get(object)) {
			found = object;
			break;
		}
	}
	lock_release(&state->lock);
	return found;
}

uint64_t
object_live(void)
{
	return object_state()->live;
}

struct object *
object_first(void)
{
	struct list *first = object_state()->all.next;

	return first == &object_state()->all ? NULL : CONTAINER_OF(first, struct object, all);
}

struct object *
object_next(struct object *object)
{
	struct list *next = object->all.next;

	return next == &object_state()->all ? NULL : CONTAINER_OF(next, struct object, all);
}

void
object_drain(void)
{
	slab_drain(&object_state()->nodes);
	slab_drain(&object_state()->objects);
}

err_t
object_init(void)
{
	struct object_state *state;
	pfn_t		     pfn;
	err_t		     err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	state = arch_frame_ptr(pfn);
	root()->part[ROOT_OBJECT] = state;
	slab_init(&state->objects, "object", sizeof(struct object), alignof(struct object));
	radix_init();
	lock_init(&state->lock, RANK_OBJECT);
	list_init(&state->all);
	return OK;
}
