/*
 * object.h - what backs a region: pages by index, filled by a pager.
 *
 * An object holds one count on each frame in its slots; a mapping of the frame
 * holds another. Its list of regions is the reverse map: exactly the regions,
 * of any space, that name the object.
 *
 * Changes of a whole object (resize, punch, write back, write) exclude each other, and
 * may wait for a pager: none may be called with a lock held. Faults go on meanwhile.
 */
#pragma once

#include <anymm/frame.h>
#include <anymm/lock.h>
#include <anymm/list.h>
#include <anymm/swap.h>

struct object;

/*
 * How an object gets its pages, and where they go. Called without locks, but for fill,
 * under which the space that faults is locked for reading; none may call back into a space.
 */
struct pager_ops {
	const char *name;
	/*
	 * fill - put the contents of page `index` into the zeroed frame. Not called for a page that
	 * object_write adds behind the object's end: that begins as zeros.
	 *   fails  ERR_AGAIN: begun; the pager keeps the frame until it calls object_fill_done,
	 *          which may be before this returns. ERR_IO, ERR_NOMEM: the page cannot be had,
	 *          the frame is given back
	 */
	err_t (*fill)(struct object *object, uint64_t index, pfn_t pfn);
	/*
	 * wait - until asking for the page again makes sense. Called without any lock.
	 *   fails  ERR_IO: the fill failed. NULL: fill never says ERR_AGAIN
	 */
	err_t (*wait)(struct object *object, uint64_t index);
	/*
	 * write_back - store the page's bytes, of which those beyond the object's size mean
	 * nothing. NULL: memory is the only storage, and dirty pages go to the swap device.
	 *   fails  ERR_IO or any other: the page stays dirty
	 */
	err_t (*write_back)(struct object *object, uint64_t index, pfn_t pfn);
	/*
	 * truncated - the size becomes another: told before the object grows, and after it shrank.
	 * Stored bytes beyond a smaller size never come back. NULL: not interested.
	 */
	void (*truncated)(struct object *object, uint64_t size_bytes);
	/* punched - the stored pages [first_page, first_page + nr_pages) are zeros from now on. NULL: as above. */
	void (*punched)(struct object *object, uint64_t first_page, uint64_t nr_pages);
	/* release - the last reference to the object is gone; NULL: nothing to do. */
	void (*release)(struct object *object);
	bool stays; /* dirty pages never leave memory, not for the swap device either */
};

/* Pages [first, end) of an object. */
struct page_run {
	uint64_t first;
	uint64_t end; /* UINT64_MAX: all from first on */
};

/* The memory behind a device object: frames that nobody counts. */
struct device_memory {
	pfn_t	      first;
	enum mem_type type;
};

/* [c] constant after create   [o] lock   [r] rmap_lock   [a] atomic */
struct object {
	struct lock		 lock;	    /* RANK_OBJECT */
	struct lock		 rmap_lock; /* RANK_RMAP */
	_Atomic uint32_t	 refs;	 /* [a] regions, fills that are under way, other holders */
	uint32_t		 height; /* [o] levels of the radix tree, 0: empty */
	void			*pages;	 /* [o] radix tree: index -> page (src/object/radix.c) */
	uint64_t		 nr_pages; /* [o] pages in frames */
	uint64_t		 nr_out;   /* [o] pages on the swap device: counts on their slots */
	_Atomic struct placement place;	   /* [a] from which nodes its pages come */
	uint64_t size_bytes;	/* [o] changed under `changing` too; pages beyond give BUS_ADRERR */
	struct page_run losing; /* [o] set under rmap_lock: nobody gets these pages for a moment */
	struct list	regions;  /* [r] struct region.rmap: the reverse map */
	_Atomic bool	changing; /* [a] one of resize, punch, write back, write is at work */
	_Atomic uint32_t
		unhooking; /* [a] changes of tables whose dirty bits are on their way here */
	const struct pager_ops *ops;	/* [c] */
	uint64_t		id;	/* [c] names the file in maps; shared anonymous: unique */
	struct device_memory	device; /* [c] pager_device only */
	uint64_t
		charged_pages; /* promised for it (commit.h) by who made it, before anybody saw it */
	uint64_t    serial;    /* [c] order of creation, from 1 */
	struct list all;       /* in the list of all objects (checks, leak tests) */
	void	   *private_data; /* the pager's */
};

/*
 * object_create - an object of `size_pages` pages, none resident, with one reference.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t object_create(const struct pager_ops *ops, uint64_t id, uint64_t size_pages,
		    void *private_data, struct object **out);

/*
 * object_create_stored - a file in memory that keeps its own bytes: what was written back is
 * there again after its page has been dropped. It begins as zeros.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t object_create_stored(uint64_t id, uint64_t size_bytes, struct object **out);

/*
 * object_create_device - the frames [first, first + nr_pages) of a device. They are mapped, shared
 * only, with the memory type given, and never counted, filled, written back or freed.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t object_create_device(uint64_t id, struct device_memory memory, uint64_t nr_pages,
			   struct object **out);

/* object_get, object_put - references; the last put releases every page and the object. */
void object_get(struct object *object);
void object_put(struct object *object);

/* object_set_placement - from which nodes its pages come from now on; those that are there stay. */
void object_set_placement(struct object *object, struct placement place);

/* object_size - in bytes. object_pages - in pages, the last one perhaps in part. */
uint64_t object_size(struct object *object);

static inline uint64_t
object_pages(const struct object *object)
{
	return (object->size_bytes >> ARCH_PAGE_SHIFT) +
	       ((object->size_bytes & ARCH_PAGE_MASK) != 0);
}

/*
 * object_get_page - the frame of page `index`, filled if it was not resident.
 *
 *   gives  *out, with one more count held for the caller
 *   fails  ERR_FAULT: index is beyond the object, or it is a device; ERR_AGAIN: the page is being
 *          filled or given up, or out on the swap device: object_wait and ask again; ERR_NOMEM; ERR_IO from the pager;
 *          ERR_OVERFLOW: the frame's count is full. Nothing changed
 */
err_t object_get_page(struct object *object, uint64_t index, pfn_t *out);

/*
 * object_wait - until the page that is being filled is there, or is known not to come; and until one
 * that is being given up is gone from every CPU. A page that is out is read from the swap device.
 *   needs  no lock held, a reference on the object
 *   fails  ERR_IO: it will not come; ERR_NOMEM, ERR_OVERFLOW: it is still out
 */
err_t object_wait(struct object *object, uint64_t index);

/*
 * object_fill_done - a fill that said ERR_AGAIN has ended: err says how. The pager gives the frame
 * up. Any CPU may call it, also when the page was truncated or the last region has gone meanwhile.
 *   needs  no lock held: the object may die of it
 */
void object_fill_done(struct object *object, uint64_t index, pfn_t pfn, err_t err);

/* object_has_page - the slot still names this frame, and it lies below the object's end. */
bool object_has_page(struct object *object, uint64_t index, pfn_t pfn);

/*
 * object_resize - grow or shrink. What lies beyond a smaller size is gone from every
 * space when this returns, private copies too, and from every CPU; a later access gives
 * BUS_ADRERR. The rest of the last page is zeros. Cannot fail.
 *   needs  no lock held
 */
void object_resize(struct object *object, uint64_t bytes);

/*
 * object_punch - the pages become zeros (or what the pager says of a hole); their mappings go
 * from every space and CPU. Private copies stay, and the size does. Cannot fail.
 *   needs  no lock held
 */
void object_punch(struct object *object, uint64_t first_page, uint64_t nr_pages);

/*
 * object_write_back - what was written to the pages before the call is in storage.
 *   needs  no lock held
 *   fails  what the pager said first; those pages stay dirty, all others are written
 */
err_t object_write_back(struct object *object, uint64_t first_page, uint64_t nr_pages);

/*
 * object_evict - take clean pages out of memory, mapped or not. Dirty pages stay, and those that
 * anybody else holds; but their mappings go, so the next access faults.
 *   needs  no lock held
 *   gives  how many pages went
 */
uint64_t object_evict(struct object *object, uint64_t first_page, uint64_t nr_pages);

/*
 * object_age - the clock's look at the resident pages among these: who was used since the last look,
 * or is wired, gets another chance; the others are written back, if they are dirty and have a
 * pager that stores them, and go as with object_evict. Dirty pages whose only storage is memory go to
 * the swap device, if there is one with room. An object that is being changed is passed over.
 *   needs  no lock held
 *   gives  how many pages went
 */
uint64_t object_age(struct object *object, uint64_t first_page, uint64_t nr_pages);

/*
 * object_after - the first object that was created after the one with this serial number, with a
 * reference; NULL: there is none. Serial numbers begin at 1.
 */
struct object *object_after(uint64_t serial);

/*
 * object_read, object_write - read(2) and write(2): through the same pages as all mappings, so
 * coherent with them. A read ends at the object's end; a write moves it.
 *   needs  no lock held
 *   gives  *done: bytes copied, also when this fails
 *   fails  ERR_NOMEM, ERR_IO, ERR_OVERFLOW (a page's count is full): at the first byte that could not
 *          be reached; ERR_INVAL: a device, or offset + bytes passes the largest size
 */
err_t object_read(struct object *object, uint64_t offset, void *buf, size_t bytes, size_t *done);
err_t object_write(struct object *object, uint64_t offset, const void *buf, size_t bytes,
		   size_t *done);

/* object_peek_page - the resident frame without a count, or pfn_none(). HOLDS object->lock. */
pfn_t object_peek_page(struct object *object, uint64_t index);

/* object_next_page - first resident page with index >= from; false: none. HOLDS object->lock. */
bool object_next_page(struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn);

/* A page that is out. Its bytes from `bytes` on are zeros, whatever the device has there. */
struct page_out {
	swap_t	 slot; /* one count on it is the page's */
	uint32_t bytes;
};

/* object_next_out - first page with index >= from that is out; false: none. HOLDS object->lock. */
bool object_next_out(struct object *object, uint64_t from, uint64_t *index, struct page_out *out);

/*
 * Built-in pagers. zero: shared anonymous memory. memory_file: contents made up
 * from the object's id and the index by object_pattern, so that a test on any machine knows
 * them; beyond the smallest size it ever had it is zeros. device, stored: see object_create_*.
 */
extern const struct pager_ops pager_zero;
extern const struct pager_ops pager_memory_file;
extern const struct pager_ops pager_device;
extern const struct pager_ops pager_stored;

static inline bool
object_is_device(const struct object *object)
{
	return object->ops == &pager_device;
}

/* object_pattern - byte `offset` of the memory file with this id. */
uint8_t object_pattern(uint64_t id, uint64_t offset);

/*
 * Where memory is, in frames. used + free is the total; shared and cache are part of what is used.
 * Cache could go if its pager stores it, or as long as it is not known to be dirty.
 */
struct memory_figures {
	uint64_t total;	    /* RAM that can be given out */
	uint64_t free;	    /* in nobody's hands */
	uint64_t used;	    /* all the rest */
	uint64_t shared;    /* pages of objects that are nowhere but in memory (pager_zero) */
	uint64_t cache;	    /* pages of all other objects */
	uint64_t available; /* free but the reserve, and cache that could go */
};

/*
 * memory_figures - what sysinfo(2) and the like tell. Exact when no operation is in progress.
 *   cost  O(objects), and the resident pages of those whose pager stores nothing
 *   needs no lock held
 */
struct memory_figures memory_figures(void);

/* object_init - called once at boot. object_live - objects alive (checks, leak tests). */
err_t	 object_init(void);
uint64_t object_live(void);

/* object_drain - give back the frames that the layer's caches keep as spares. */
void object_drain(void);

/* object_first, object_next - all objects alive, mapped or not (checks); NULL ends. */
struct object *object_first(void);
struct object *object_next(struct object *object);
