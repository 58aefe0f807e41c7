/*
 * object.h - what backs a region: pages by index, filled by a pager.
 *
 * An object holds one count on each frame in its slots; a mapping of the frame
 * holds another. Its list of regions is the reverse map: exactly the regions,
 * of any space, that name the object.
 */
#pragma once

#include <anymm/frame.h>
#include <anymm/lock.h>
#include <anymm/list.h>

struct object;

/*
 * How an object gets its pages. Called without table locks; may not call back
 * into the space that faults.
 */
struct pager_ops {
	const char *name;
	/*
	 * fill - put the contents of page `index` into the zeroed frame.
	 *   fails  ERR_IO: the page cannot be had; the frame is given back
	 */
	err_t (*fill)(struct object *object, uint64_t index, pfn_t pfn);
	/* release - the last reference to the object is gone; NULL: nothing to do. */
	void (*release)(struct object *object);
};

/* [c] constant after create   [o] object lock   [a] atomic */
struct object {
	struct lock		lock;	  /* RANK_OBJECT */
	_Atomic uint32_t	refs;	  /* [a] regions and other holders */
	uint32_t		height;	  /* [o] levels of the radix tree, 0: empty */
	void		       *pages;	  /* [o] radix tree: index -> frame (src/object/radix.c) */
	uint64_t		nr_pages; /* [o] slots in use */
	uint64_t		size_pages; /* [o] pages at or beyond it give BUS_ADRERR */
	struct list		regions;    /* [o] struct region.rmap: the reverse map */
	const struct pager_ops *ops;	    /* [c] */
	uint64_t		id;  /* [c] names the file in maps; shared anonymous: unique */
	struct list		all; /* in the list of all objects (checks, leak tests) */
	void		       *private_data; /* [c] the pager's */
};

/*
 * object_create - an object of `size_pages` pages, none resident, with one reference.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t object_create(const struct pager_ops *ops, uint64_t id, uint64_t size_pages,
		    void *private_data, struct object **out);

/* object_get, object_put - references; the last put releases every page and the object. */
void object_get(struct object *object);
void object_put(struct object *object);

/*
 * object_get_page - the frame of page `index`, filled if it was not resident.
 *
 *   gives  *out, with one more count held for the caller
 *   fails  ERR_FAULT: index is beyond the object; ERR_NOMEM; ERR_IO from the pager;
 *          ERR_OVERFLOW: the frame's count is full. Nothing changed
 */
err_t object_get_page(struct object *object, uint64_t index, pfn_t *out);

/* object_peek_page - the resident frame without a count, or pfn_none(). HOLDS object->lock. */
pfn_t object_peek_page(struct object *object, uint64_t index);

/* object_next_page - first resident page with index >= from; false: none. HOLDS object->lock. */
bool object_next_page(struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn);

/*
 * Built-in pagers. zero: shared anonymous memory. memory_file: contents made up
 * from the object's id and the index by object_pattern, so that a test on any machine knows them.
 */
extern const struct pager_ops pager_zero;
extern const struct pager_ops pager_memory_file;

/* object_pattern - byte `offset` of the memory file with this id. */
uint8_t object_pattern(uint64_t id, uint64_t offset);

/* object_init - called once at boot. object_live - objects alive (checks, leak tests). */
err_t	 object_init(void);
uint64_t object_live(void);

/* object_drain - give back the frames that the layer's caches keep as spares. */
void object_drain(void);

/* object_first, object_next - all objects alive, mapped or not (checks); NULL ends. */
struct object *object_first(void);
struct object *object_next(struct object *object);
