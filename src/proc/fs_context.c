/*
 * fs_context.c - working directory, root and mask: a resource that fork copies or shares.
 */
#include <anymm/fs_context.h>

#include "proc/state.h"

#define MASK_BITS 0777u

static struct fs_context *
fs_in(struct resource *resource)
{
	return CONTAINER_OF(resource, struct fs_context, resource);
}

static void
destroy(struct resource *resource)
{
	struct fs_context *fs = fs_in(resource);

	resource_put(fs->cwd);
	resource_put(fs->root);
	slab_free(&proc_state()->fs_contexts, fs);
}

static err_t copy(struct resource *from, struct resource **out);

static const struct resource_ops fs_context_ops = {
	.name = "filesystem context",
	.copy = copy,
	.reset = copy,
	.destroy = destroy,
};

err_t
fs_context_create(struct resource *cwd, struct resource *root, uint32_t mask,
		  struct fs_context **out)
{
	struct fs_context *fs = slab_alloc(&proc_state()->fs_contexts);

	if (!fs)
		return ERR_NOMEM;
	resource_init(&fs->resource, &fs_context_ops);
	lock_init(&fs->lock, RANK_RESOURCE);
	fs->cwd = cwd;
	fs->root = root;
	fs->mask = mask & MASK_BITS;
	*out = fs;
	return OK;
}

/* copy - the three belong together, so they are read under one lock. */
static err_t
copy(struct resource *from, struct resource **out)
{
	struct fs_context *old = fs_in(from);
	struct fs_context *fs;
	err_t		   err = fs_context_create(NULL, NULL, 0, &fs);

	if (err)
		return err;
	lock_acquire(&old->lock);
	fs->cwd = resource_get(old->cwd);
	fs->root = resource_get(old->root);
	fs->mask = old->mask;
	lock_release(&old->lock);
	*out = &fs->resource;
	return OK;
}

static struct resource *
get(struct fs_context *fs, struct resource *const *place)
{
	struct resource *resource;

	lock_acquire(&fs->lock);
	resource = resource_get(*place);
	lock_release(&fs->lock);
	return resource;
}

static void
set(struct fs_context *fs, struct resource **place, struct resource *next)
{
	struct resource *old;

	lock_acquire(&fs->lock);
	old = *place;
	*place = next;
	lock_release(&fs->lock);
	resource_put(old);
}

struct resource *
fs_cwd(struct fs_context *fs)
{
	return get(fs, &fs->cwd);
}

struct resource *
fs_root(struct fs_context *fs)
{
	return get(fs, &fs->root);
}

void
fs_set_cwd(struct fs_context *fs, struct resource *cwd)
{
	set(fs, &fs->cwd, cwd);
}

void
fs_set_root(struct fs_context *fs, struct resource *root)
{
	set(fs, &fs->root, root);
}

uint32_t
fs_set_mask(struct fs_context *fs, uint32_t mask)
{
	uint32_t old;

	lock_acquire(&fs->lock);
	old = fs->mask;
	fs->mask = mask & MASK_BITS;
	lock_release(&fs->lock);
	return old;
}
