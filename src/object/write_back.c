/*
 * write_back.c - dirty pages go to storage; clean pages go from memory.
 *
 * A page is dirty if its frame says so or if any leaf that maps it does. Nothing of
 * that is ever lost: who clears a shared leaf moves its dirty bit to the frame, in the same
 * step as far as the table's lock reaches.
 *
 *	collect   dirty bits of all mappings move to the frames
 *	settle    tables that are being taken out of a space give theirs too
 *	take      some pages' flags are cleared, each page held
 *	flush     from here on a write sets a dirty bit again, because no CPU remembers that
 *	          it has set it; before this a CPU could write unnoticed
 *	store     what the frame holds now; a page that cannot be stored is dirty again
 */
#include "object/change.h"
#include "object/radix.h"

#define BATCH_PAGES 32

struct batch {
	unsigned nr;
	uint64_t index[BATCH_PAGES];
	pfn_t	 pfn[BATCH_PAGES]; /* one count held on each */
};

/*
 * take_page - one more count, and the flag cleared; a clean page is passed over. HOLDS object->lock.
 *   fails  ERR_OVERFLOW: its count is full; it stays dirty
 */
static err_t
take_page(struct batch *batch, uint64_t index, pfn_t pfn)
{
	err_t err;

	if (!frame_has_flag(pfn, FRAME_DIRTY))
		return OK;
	err = frame_get(pfn);
	if (err)
		return err;
	frame_clear_flag(pfn, FRAME_DIRTY);
	batch->index[batch->nr] = index;
	batch->pfn[batch->nr++] = pfn;
	return OK;
}

/* take_batch - the next dirty pages of the run, which moves on; *err keeps the first failure. */
static void
take_batch(struct object *object, struct page_run *run, struct batch *batch, err_t *err)
{
	uint64_t index;
	pfn_t	 pfn;

	batch->nr = 0;
	lock_acquire(&object->lock);
	while (batch->nr < BATCH_PAGES && run->first < run->end) {
		err_t failed;

		if (!radix_next(object, run->first, &index, &pfn) || index >= run->end) {
			run->first = run->end;
			break;
		}
		failed = take_page(batch, index, pfn);
		if (*err == OK)
			*err = failed;
		run->first = index + 1;
	}
	lock_release(&object->lock);
}

static err_t
store_batch(struct object *object, struct batch *batch)
{
	err_t first = OK;

	for (unsigned i = 0; i < batch->nr; i++) {
		err_t err = object->ops->write_back(object, batch->index[i], batch->pfn[i]);

		if (err)
			frame_set_flag(batch->pfn[i], FRAME_DIRTY);
		if (first == OK)
			first = err;
		frame_release(batch->pfn[i]);
	}
	return first;
}

static void
flush_batch(struct object *object, const struct batch *batch)
{
	const struct page_run run = { batch->index[0], batch->index[batch->nr - 1] + 1 };

	rmap_lock(object);
	rmap_flush(object, run);
	rmap_unlock(object);
}

err_t
object_write_back(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	struct page_run run = page_run(first_page, nr_pages);
	struct batch	batch;
	err_t		first = OK;

	if (!object->ops->write_back)
		return OK;
	change_begin(object);
	rmap_lock(object);
	rmap_collect_dirty(object, run);
	rmap_unlock(object);
	rmap_settle(object);
	for (take_batch(object, &run, &batch, &first); batch.nr;
	     take_batch(object, &run, &batch, &first)) {
		err_t err;

		flush_batch(object, &batch);
		err = store_batch(object, &batch);
		if (first == OK)
			first = err;
	}
	change_end(object);
	return first;
}

/* is_idle - clean, there, and named by nothing but its slot. HOLDS object->lock. */
static bool
is_idle(pfn_t pfn)
{
	return frame_count(pfn) == 1 && !frame_has_flag(pfn, FRAME_DIRTY) &&
	       !frame_has_flag(pfn, FRAME_FILLING);
}

/*
 * The mappings go first. A fault that comes after that holds a count, as everybody does who
 * got the page and uses it; so an idle page is one that nobody can write to.
 */
uint64_t
object_evict(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	struct page_run run = page_run(first_page, nr_pages);
	uint64_t	gone = 0;
	struct held	held;
	uint64_t	index;
	pfn_t		pfn;

	held_begin(&held);
	rmap_lock(object);
	rmap_zap(object, run, ZAP_OBJECT, &held);
	rmap_unlock(object);
	lock_acquire(&object->lock);
	for (; radix_next(object, run.first, &index, &pfn) && index < run.end;
	     run.first = index + 1) {
		if (!is_idle(pfn))
			continue;
		radix_remove(object, index);
		frame_release(pfn);
		gone++;
	}
	lock_release(&object->lock);
	return gone;
}
