/*
 * write_back.c - dirty pages go to storage; clean pages go from memory.
 *
 * A page is dirty if its frame says so or if any leaf that maps it does. Nothing of
 * that is ever lost: who clears a shared leaf moves its dirty bit to the frame, in the same
 * step as far as the table's lock reaches.
 *
 *	collect   dirty bits of all mappings move to the frames
 *	await     tables that are being taken out of a space give theirs too
 *	take      some pages' flags are cleared, each page held
 *	flush     from here on a write sets a dirty bit again, because no CPU remembers that
 *	          it has set it; before this a CPU could write unnoticed
 *	store     what the frame holds now; a page that cannot be stored is dirty again
 */
#include "object/change.h"
#include "object/radix.h"

#define BATCH_PAGES 32

/* One write-back on its way. */
struct writer {
	struct object  *object;
	struct page_run run;	/* what is left to look at */
	err_t		first;	/* the first failure */
	bool		passed; /* a page with a full count was passed over, and not flushed */
	unsigned	nr;	/* the batch at hand */
	uint64_t	index[BATCH_PAGES];
	pfn_t		pfn[BATCH_PAGES]; /* one count held on each */
};

static void
note_failure(struct writer *w, err_t err)
{
	if (w->first == OK)
		w->first = err;
}

/* take_page - one more count, and the flag cleared; a clean page is passed over. HOLDS object->lock. */
static void
take_page(struct writer *w, uint64_t index, pfn_t pfn)
{
	err_t err;

	if (!frame_has_flag(pfn, FRAME_DIRTY))
		return;
	err = frame_get(pfn);
	if (err) {
		note_failure(w, err);
		w->passed = true;
		return;
	}
	frame_clear_flag(pfn, FRAME_DIRTY);
	w->index[w->nr] = index;
	w->pfn[w->nr++] = pfn;
}

/* take_batch - the next dirty pages of the run, which moves on; false: there are none. */
static bool
take_batch(struct writer *w)
{
	uint64_t index;
	pfn_t	 pfn;

	w->nr = 0;
	lock_acquire(&w->object->lock);
	while (w->nr < BATCH_PAGES && radix_next(w->object, w->run.first, &index, &pfn) &&
	       index < w->run.end) {
		take_page(w, index, pfn);
		w->run.first = index + 1;
	}
	lock_release(&w->object->lock);
	return w->nr > 0;
}

static void
flush(struct object *object, struct page_run run)
{
	rmap_lock(object);
	rmap_flush(object, run);
	rmap_unlock(object);
}

static void
store_batch(struct writer *w)
{
	flush(w->object, (struct page_run){ w->index[0], w->index[w->nr - 1] + 1 });
	for (unsigned i = 0; i < w->nr; i++) {
		err_t err = w->object->ops->write_back(w->object, w->index[i], w->pfn[i]);

		if (err)
			frame_set_flag(w->pfn[i], FRAME_DIRTY);
		note_failure(w, err);
		frame_release(w->pfn[i]);
	}
}

err_t
object_write_back(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	const struct page_run run = page_run(first_page, nr_pages);
	struct writer	      w = { .object = object, .run = run };

	if (!object->ops->write_back)
		return OK;
	change_begin(object);
	rmap_lock(object);
	rmap_collect_dirty(object, run);
	rmap_unlock(object);
	rmap_await_dirty(object);
	while (take_batch(&w))
		store_batch(&w);
	if (w.passed)
		flush(object, run);
	rmap_lock(object);
	rmap_declare_settled(object);
	rmap_unlock(object);
	change_end(object);
	return w.first;
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
	rmap_begin_loss(object, run);
	rmap_zap(object, run, ZAP_COLD, &held);
	rmap_end_loss(object);
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
