/*
 * flat.h - the flat reference model: what memory means, without how it is done.
 *
 * A space is a sorted array of regions and a sorted array of the pages that
 * were written; fork copies both. A shared object is one thing that regions
 * name. No tables, no counts, no sharing: if the library and this model ever
 * disagree about a byte, a fault or a region, the library's cleverness is wrong.
 *
 * A page is modelled at four places of eight bytes each (cells): its first and
 * last bytes and two between. That keeps a fork of the model cheap, and a
 * page that is copied, zeroed or mixed up with another still shows at all four.
 *
 * All memory is static, so a fuzzer can afford thousands of lives a second.
 */
#pragma once

#include <anymm/fault.h>

#define FLAT_CELLS	  4
#define FLAT_CELL_BYTES	  8
#define FLAT_PAGES	  1024
#define FLAT_REGIONS	  256
#define FLAT_SPACES	  8
#define FLAT_OBJECTS	  64
#define FLAT_OBJECT_PAGES 128
#define FLAT_PINNED	  64

/* flat_cell_offset - where cell n of a page lies. */
uint64_t flat_cell_offset(unsigned cell);

/*
 * A page that devices hold. As long as it is a page of somebody's, its contents are there;
 * afterwards, what the devices see of it is here.
 */
struct flat_pinned {
	unsigned nr_pins; /* 0: not in use */
	uint8_t	 cells[FLAT_CELLS][FLAT_CELL_BYTES];
};

struct flat_page {
	uint64_t page; /* virtual page number, or index in an object */
	uint8_t	 cells[FLAT_CELLS][FLAT_CELL_BYTES];
	bool	 is_guard;
	bool	 is_freed; /* MADV_FREE: may read as zeros at any moment, until it is stored to */
	struct flat_pinned *pinned; /* NULL: no device holds it */
};

struct flat_object {
	bool	 is_used;
	bool	 is_file; /* stays; contents are object_pattern below pattern_bytes, else zero */
	uint64_t id;	  /* of a file */
	uint64_t size_bytes;
	uint64_t pattern_bytes;
	struct object	*real; /* the library's, once known */
	unsigned	 nr_pages;
	struct flat_page pages[FLAT_OBJECT_PAGES]; /* written ones */
};

struct flat_region {
	vaddr_t		    start, end;
	prot_t		    prot;
	unsigned	    flags; /* enum region_flag */
	struct flat_object *object;
	uint64_t	    offset; /* in pages */
};

struct flat_space {
	bool		    is_used;
	struct space_layout layout;
	vaddr_t		    brk;
	unsigned	    new_flags; /* of regions to come: mlockall(2) */
	unsigned	    nr_regions;
	unsigned	    nr_pages;
	struct flat_region  regions[FLAT_REGIONS];
	struct flat_page    pages[FLAT_PAGES]; /* private pages written, and guards */
};

struct flat {
	struct flat_space  spaces[FLAT_SPACES];
	struct flat_object objects[FLAT_OBJECTS];
	struct flat_pinned pinned[FLAT_PINNED];
};

/* flat_reset - no space, no object. */
void flat_reset(struct flat *flat);

/* flat_space_new, flat_space_fork - NULL if the model is full. flat_space_free. */
struct flat_space *flat_space_new(struct flat *flat, const struct space_layout *layout);
struct flat_space *flat_space_fork(struct flat *flat, const struct flat_space *parent);
void		   flat_space_free(struct flat_space *fs);

/* flat_object_new - reuses objects that no region names; files stay. NULL if the model is full. */
struct flat_object *flat_object_new(struct flat *flat, bool is_file, uint64_t id,
				    uint64_t size_pages);

/* flat_has_room - the next operation cannot run out of the model's arrays. */
bool flat_has_room(const struct flat_space *fs);

/* Regions. All ranges page aligned and not empty. */
struct flat_region *flat_find(struct flat_space *fs, vaddr_t va);
bool		    flat_is_free(const struct flat_space *fs, struct va_range range);
bool flat_is_sealed(const struct flat_space *fs, struct va_range range); /* a part of it */
bool flat_is_full(const struct flat_space *fs, struct va_range range);	 /* no hole in it */
void flat_unmap(struct flat_space *fs, struct va_range range);
void flat_map(struct flat_space *fs, struct flat_region region); /* unmaps first */
void flat_add_region(struct flat_space *fs,
		     struct flat_region region); /* where nothing is mapped */
void flat_protect(struct flat_space *fs, struct va_range range, prot_t prot);
void flat_set_flags(struct flat_space *fs, struct va_range range, unsigned set, unsigned clear);

/* Pages written, and guards, of a range. flat_add_guards: false if the model is full. */
void flat_drop_pages(struct flat_space *fs, struct va_range range, bool guards_too);
bool flat_add_guards(struct flat_space *fs, struct va_range range);
void flat_drop_guards(struct flat_space *fs, struct va_range range);

/* flat_may_lock - so many bytes more may be locked. */
bool flat_may_lock(const struct flat_space *fs, uint64_t bytes);

/* flat_move_pages - pages and guards of a range to another place, where there are none. */
void flat_move_pages(struct flat_space *fs, struct va_range range, vaddr_t to);

/*
 * flat_place - where Linux puts a mapping without MAP_FIXED; false: no room. Large
 * private anonymous ones are aligned.
 */
bool flat_place(const struct flat_space *fs, vaddr_t hint, uint64_t length, bool is_anonymous,
		vaddr_t *out);

/*
 * flat_access - an access of a user program, byte for byte; may grow a stack.
 * A store before the byte that faults stays stored. Bytes must lie in cells.
 */
enum fault_result flat_access(struct flat_space *fs, enum access access, vaddr_t va, uint8_t *buf,
			      size_t bytes, size_t *done);

/*
 * flat_judge - what an access to the page of va meets, without making it; may grow a stack.
 * gives the region in *out with FAULT_DONE. flat_touch - a store that changes no byte.
 */
enum fault_result flat_judge(struct flat_space *fs, enum access access, vaddr_t va,
			     struct flat_region **out);
void		  flat_touch(struct flat_space *fs, struct flat_region *r, vaddr_t va);

/*
 * flat_pin - a device holds the page of va, which flat_judge has allowed. NULL if the model is
 * full. flat_unpin. flat_pinned_page - the page that it is, or NULL: it is nobody's any more.
 */
struct flat_pinned *flat_pin(struct flat *flat, struct flat_space *fs, struct flat_region *r,
			     vaddr_t va);
void		    flat_unpin(struct flat *flat, struct flat_pinned *pinned);
struct flat_page   *flat_pinned_page(struct flat *flat, const struct flat_pinned *pinned);

/* flat_read_cell - what a load of the cell would give, without any access. */
void flat_read_cell(struct flat_space *fs, const struct flat_region *r, vaddr_t page, unsigned cell,
		    uint8_t out[FLAT_CELL_BYTES]);

/* flat_page_of - the entry of a page in a sorted array, or NULL. */
struct flat_page *flat_page_of(struct flat_page *pages, unsigned nr, uint64_t page);

void flat_object_cell(struct flat_object *object, uint64_t index, unsigned cell,
		      uint8_t out[FLAT_CELL_BYTES]);

/* flat_object_cut - what has been stored behind the end, in the last page, is lost. */
void flat_object_cut(struct flat_object *object);

/* flat_object_resize, flat_object_punch, flat_object_write - as the library's calls; a write within a cell. */
void flat_object_resize(struct flat *flat, struct flat_object *object, uint64_t bytes);
void flat_object_punch(struct flat_object *object, uint64_t first, uint64_t nr_pages);
void flat_object_write(struct flat *flat, struct flat_object *object, uint64_t offset,
		       const uint8_t *buf, size_t bytes);
