/*
 * story_files.c - what happens to files and shared memory under their mappings.
 *
 * These operations are about an object and not about a process: the record's address picks one of
 * the story's files, or whatever the process has mapped where the record aims. Sizes are not
 * always whole pages.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE ARCH_PAGE_SIZE

/* No larger than the largest file: the model keeps so many pages. */
#define SIZE_MAX_PAGES 40

static struct flat_object *
pick_object(struct story_op *op)
{
	struct flat_region *r = op->va < op->fs->layout.end ? flat_find(op->fs, op->va) : NULL;

	if ((op->rec->addr[0] & 1) && r && r->object && r->object->real &&
	    r->object->size_bytes <= SIZE_MAX_PAGES * PAGE)
		return r->object;
	return op->st->files[op->rec->addr[1] % STORY_FILES];
}

static uint64_t
pick_size(const struct story_op *op)
{
	static const unsigned odd[] = { 0, 0, 1, 12, 2048, 4090 };
	uint64_t	      pages = op->rec->length % SIZE_MAX_PAGES;

	return pages * PAGE + odd[op->rec->data % ARRAY_SIZE(odd)];
}

/*
 * What is stored behind the end of an object is in its last page and nowhere else: it may be lost when
 * that page goes from memory.
 */

/* page_bytes - of an object, in memory or out; NULL: it is where nothing behind the end is kept. */
static const uint8_t *
page_bytes(struct object *object, uint64_t index)
{
	pfn_t pfn;

	lock_acquire(&object->lock);
	pfn = object_peek_page(object, index);
	lock_release(&object->lock);
	return pfn_is_none(pfn) ? story_page_out(object, index) : arch_frame_ptr(pfn);
}

/* has_lost_tail - all of the page's cells are zero from there on. */
static bool
has_lost_tail(const uint8_t *bytes, uint64_t tail)
{
	for (unsigned cell = 0; bytes && cell < FLAT_CELLS; cell++) {
		for (uint64_t i = flat_cell_offset(cell);
		     i < flat_cell_offset(cell) + FLAT_CELL_BYTES; i++) {
			if (i >= tail && bytes[i])
				return false;
		}
	}
	return true;
}

static void
settle_object(struct flat_object *object)
{
	uint64_t tail = object->size_bytes % PAGE;

	if (tail && has_lost_tail(page_bytes(object->real, object->size_bytes / PAGE), tail))
		flat_object_cut(object);
}

void
story_settle_objects(struct story *st)
{
	for (unsigned i = 0; i < STORY_FILES; i++)
		settle_object(st->files[i]);
	for (unsigned i = 0; i < STORY_PROCS; i++) {
		struct flat_space *fs = st->procs[i].real ? st->procs[i].fs : NULL;

		for (unsigned j = 0; fs && j < fs->nr_regions; j++) {
			if (fs->regions[j].object && fs->regions[j].object->real)
				settle_object(fs->regions[j].object);
		}
	}
}

static bool
do_resize(struct story_op *op, struct flat_object *object)
{
	uint64_t bytes = pick_size(op);

	story_tell(op->st, "# object %" PRIu64 " gets %" PRIu64 " bytes\n", object->id, bytes);
	story_fail_begin(op, NULL);
	object_resize(object->real, bytes);
	(void)story_fail_end(op, false, NULL);
	flat_object_resize(&op->st->flat, object, bytes);
	return true;
}

static bool
do_punch(struct story_op *op, struct flat_object *object)
{
	uint64_t first = op->rec->length % SIZE_MAX_PAGES;
	uint64_t nr = op->rec->data % 8;

	story_tell(op->st, "# object %" PRIu64 " loses %" PRIu64 " pages at %" PRIu64 "\n",
		   object->id, nr, first);
	story_fail_begin(op, NULL);
	object_punch(object->real, first, nr);
	(void)story_fail_end(op, false, NULL);
	/* Storage has forgotten them; a file that nobody stores shows its pattern again. */
	flat_object_punch(object, first, nr);
	return true;
}

static bool
do_store(struct story_op *op, struct flat_object *object)
{
	err_t err;

	story_tell(op->st, "# object %" PRIu64 " is written back\n", object->id);
	story_feed(op->st);
	err = object_write_back(object->real, 0, UINT64_MAX);
	if (err)
		return story_differ(op->st, "write-back gave %s", err_name(err));
	object_evict(object->real, op->rec->length % 4, op->rec->data % 16);
	story_settle_objects(op->st);
	return true;
}

/* do_write - bytes within a cell. */
static bool
do_write(struct story_op *op, struct flat_object *object)
{
	uint64_t index = op->rec->length % SIZE_MAX_PAGES;
	uint64_t offset = index * PAGE + flat_cell_offset(op->rec->how >> 4 & 3);
	size_t	 bytes = 1 + op->rec->data % FLAT_CELL_BYTES;
	uint8_t	 buf[FLAT_CELL_BYTES];
	size_t	 done;
	err_t	 err;

	memset(buf, op->rec->data, sizeof(buf));
	story_tell(op->st, "# object %" PRIu64 " gets %zu bytes at %" PRIu64 "\n", object->id,
		   bytes, offset);
	story_fail_begin(op, NULL);
	err = object_write(object->real, offset, buf, bytes, &done);
	if (story_fail_end(op, err == ERR_NOMEM, NULL))
		err = object_write(object->real, offset, buf, bytes, &done);
	if (err || done != bytes)
		return story_differ(op->st, "a file write gave %s, %zu of %zu bytes", err_name(err),
				    done, bytes);
	flat_object_write(&op->st->flat, object, offset, buf, bytes);
	return story_fail_check(op);
}

static bool
do_read(struct story_op *op, struct flat_object *object)
{
	uint64_t index = op->rec->length % SIZE_MAX_PAGES;
	unsigned cell = op->rec->how >> 4 & 3;
	uint64_t offset = index * PAGE + flat_cell_offset(cell);
	uint64_t wanted = object->size_bytes > offset
				  ? min_u64(object->size_bytes - offset, FLAT_CELL_BYTES)
				  : 0;
	uint8_t	 want[FLAT_CELL_BYTES], got[FLAT_CELL_BYTES];
	size_t	 done;
	err_t	 err;

	story_fail_begin(op, NULL);
	err = object_read(object->real, offset, got, sizeof(got), &done);
	if (story_fail_end(op, err == ERR_NOMEM, NULL))
		err = object_read(object->real, offset, got, sizeof(got), &done);
	flat_object_cell(object, index, cell, want);
	if (err || done != wanted || memcmp(got, want, done))
		return story_differ(op->st,
				    "a file read at %" PRIu64 " of object %" PRIu64
				    " gave %s, %zu of %" PRIu64 " bytes, first %x not %x",
				    offset, object->id, err_name(err), done, wanted, got[0],
				    want[0]);
	return true;
}

bool
op_file(struct story_op *op)
{
	struct flat_object *object = pick_object(op);

	switch (op->rec->how % 8) {
	case 0:
	case 1:
		return do_resize(op, object);
	case 2:
		return do_punch(op, object);
	case 3:
		return do_store(op, object);
	case 4:
	case 5:
		return do_write(op, object);
	default:
		return do_read(op, object);
	}
}
