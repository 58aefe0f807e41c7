/*
 * resource.c - counts of things that processes hold; see anymm/resource.h.
 *
 * The count is 64 bits wide: it cannot reach its end by taking one reference after another,
 * so taking one never fails, and a copy of a table of a million handles cannot fail halfway.
 */
#include <anymm/resource.h>

#include "base/assert.h"
#include "proc/state.h"

void
resource_init(struct resource *resource, const struct resource_ops *ops)
{
	resource->ops = ops;
	atomic_init(&resource->refs, 1);
	atomic_fetch_add_explicit(&proc_state()->nr_resources, 1, memory_order_relaxed);
}

struct resource *
resource_get(struct resource *resource)
{
	uint64_t before;

	if (!resource)
		return NULL;
	before = atomic_fetch_add_explicit(&resource->refs, 1, memory_order_relaxed);
	REQUIRE(before != 0, "%s %p has no holder and gets another", resource->ops->name,
		(void *)resource);
	return resource;
}

void
resource_put(struct resource *resource)
{
	uint64_t before;

	if (!resource)
		return;
	before = atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel);
	REQUIRE(before != 0, "%s %p is put by nobody", resource->ops->name, (void *)resource);
	if (before > 1)
		return;
	atomic_fetch_sub_explicit(&proc_state()->nr_resources, 1, memory_order_relaxed);
	resource->ops->destroy(resource);
}

static err_t
copy(struct resource *from, struct resource **out)
{
	if (from->ops->copy)
		return from->ops->copy(from, out);
	*out = resource_get(from);
	return OK;
}

static err_t
reset(struct resource *from, struct resource **out)
{
	if (from->ops->reset)
		return from->ops->reset(from, out);
	*out = NULL;
	return OK;
}

err_t
resource_inherit(struct resource *from, enum inherit how, struct resource **out)
{
	if (!from) {
		*out = NULL;
		return OK;
	}
	switch (how) {
	case INHERIT_COPY:
		return copy(from, out);
	case INHERIT_RESET:
		return reset(from, out);
	case INHERIT_SHARE:
		break;
	}
	*out = resource_get(from);
	return OK;
}

uint64_t
resource_refs(const struct resource *resource)
{
	return resource ? atomic_load_explicit(&resource->refs, memory_order_relaxed) : 0;
}

uint64_t
resource_live(void)
{
	return atomic_load_explicit(&proc_state()->nr_resources, memory_order_relaxed);
}
