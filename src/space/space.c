/*
 * space.c - a space from birth to death, and the list of all.
 *
 *	make      slab object, tables, lock; nobody else can see it
 *	publish   in the list of all spaces
 *	...       references come and go
 *	discard   tables first, which costs the root's slots; then the regions; then the
 *	          root, which objects could find through them
 *
 * The list is kept for checks and statistics and has a lock of its own, of the
 * rank of the process table: it is never taken under a space's lock.
 */
#include <anymm/commit.h>

#include "base/assert.h"
#include "space/bounds.h"
#include "space/regions.h"
#include "space/spaces.h"
#include "space/state.h"
#include "space/tree.h"

/* Linux's figures on x86-64, in bytes. */
#define LINUX_END	  ((vaddr_t)0x7ffffffff000)
#define LINUX_MIN_ADDR	  ((vaddr_t)65536)
#define LINUX_STACK_ROOM  ((vaddr_t)128 << 20) /* between mmap_base and the end */
#define LINUX_STACK_GUARD ((uint64_t)256 << ARCH_PAGE_SHIFT)
#define LINUX_STACK_LIMIT ((uint64_t)8 << 20)
#define LINUX_HUGE_SIZE	  ((uint64_t)2 << 20)
#define LINUX_MAX_REGIONS 65530

/* scaled - Linux's figure, or a part of a small space, at least a page. */
static uint64_t
scaled(uint64_t usual, uint64_t part)
{
	return min_u64(usual, max_u64(page_floor(part), ARCH_PAGE_SIZE));
}

struct space_layout
space_default_layout(void)
{
	vaddr_t end = min_u64(ARCH_USER_END, LINUX_END);

	return (struct space_layout){
		.min_addr = scaled(LINUX_MIN_ADDR, end / 12),
		.mmap_base = end - scaled(LINUX_STACK_ROOM, end / 6),
		.end = end,
		.brk_start = page_floor(end / 3 * 2),
		.stack_guard = scaled(LINUX_STACK_GUARD, end / 12),
		.huge_size = end / 64 >= LINUX_HUGE_SIZE ? LINUX_HUGE_SIZE : 0,
		.limit_as = UINT64_MAX,
		.limit_data = UINT64_MAX,
		.limit_stack = LINUX_STACK_LIMIT,
		.limit_commit = UINT64_MAX,
		.limit_memlock = UINT64_MAX,
		.max_regions = LINUX_MAX_REGIONS,
	};
}

/* fits_machine - every address of the layout is usable, and aligned where it must be. */
static bool
fits_machine(const struct space_layout *layout)
{
	uint64_t pages = layout->min_addr | layout->mmap_base | layout->end | layout->stack_guard |
			 layout->huge_size;
	uint64_t huge = layout->huge_size;

	return is_page_aligned(pages) && layout->end > 0 && layout->end <= ARCH_USER_END &&
	       layout->min_addr <= layout->mmap_base && layout->mmap_base <= layout->end &&
	       layout->brk_start <= layout->end && layout->stack_guard <= layout->end &&
	       (huge & (huge - 1)) == 0 && huge <= layout->end && layout->max_regions > 0;
}

err_t
space_make(const struct space_layout *layout, unsigned node, struct space **out)
{
	struct space *sp = slab_alloc(&space_state()->spaces);
	err_t	      err;

	if (!sp)
		return ERR_NOMEM;
	err = pt_create_on(node, &sp->pt);
	if (err) {
		slab_free(&space_state()->spaces, sp);
		return err;
	}
	rwlock_init(&sp->lock, RANK_SPACE);
	atomic_store_explicit(&sp->refs, 1, memory_order_relaxed);
	sp->layout = *layout;
	sp->brk = layout->brk_start;
	*out = sp;
	return OK;
}

void
space_discard(struct space *sp)
{
	const struct va_range all = va_range(0, sp->layout.end);

	region_begin_unhook(sp, all);
	pt_clear(&sp->pt);
	region_end_unhook(sp, all);
	region_remove_all(sp);
	pt_destroy(&sp->pt);
	REQUIRE(!sp->total_pages && !sp->committed_pages && !sp->data_pages && !sp->locked_pages,
		"an empty space counts %lu pages, %lu committed, %lu of data, %lu locked",
		(unsigned long)sp->total_pages, (unsigned long)sp->committed_pages,
		(unsigned long)sp->data_pages, (unsigned long)sp->locked_pages);
	commit_release(sp->charged_pages);
	slab_free(&space_state()->lines, atomic_load(&sp->lock.lines));
	slab_free(&space_state()->spaces, sp);
}

void
space_publish(struct space *sp)
{
	struct space_state *state = space_state();

	lock_acquire(&state->lock);
	sp->next = NULL;
	sp->prev = state->last;
	if (state->last)
		state->last->next = sp;
	else
		state->first = sp;
	state->last = sp;
	lock_release(&state->lock);
}

static void
withdraw(struct space *sp)
{
	struct space_state *state = space_state();

	lock_acquire(&state->lock);
	if (sp->prev)
		sp->prev->next = sp->next;
	else
		state->first = sp->next;
	if (sp->next)
		sp->next->prev = sp->prev;
	else
		state->last = sp->prev;
	lock_release(&state->lock);
}

err_t
space_create(const struct space_layout *layout, struct space **out)
{
	struct space *sp;
	err_t	      err;

	if (!fits_machine(layout))
		return ERR_INVAL;
	err = space_make(layout, platform_node(), &sp);
	if (err)
		return err;
	space_publish(sp);
	*out = sp;
	return OK;
}

void
space_get(struct space *sp)
{
	uint32_t before = atomic_fetch_add_explicit(&sp->refs, 1, memory_order_relaxed);

	REQUIRE(before != 0 && before != UINT32_MAX, "the space has %u references", before);
}

void
space_put(struct space *sp)
{
	uint32_t before = atomic_fetch_sub_explicit(&sp->refs, 1, memory_order_acq_rel);

	REQUIRE(before != 0, "the space has %u references", before);
	if (before > 1)
		return;
	withdraw(sp);
	space_discard(sp);
}

err_t
space_add_thread(struct space *sp)
{
	struct reader_line *lines = slab_alloc(&space_state()->lines);

	if (!lines)
		return ERR_NOMEM;
	write_lock(&sp->lock);
	if (!atomic_load(&sp->lock.lines)) {
		rwlock_distribute(&sp->lock, lines);
		lines = NULL;
	}
	write_unlock(&sp->lock);
	slab_free(&space_state()->lines, lines);
	return OK;
}

err_t
space_replicate(struct space *sp)
{
	err_t err;

	write_lock(&sp->lock);
	err = pt_replicate(&sp->pt);
	write_unlock(&sp->lock);
	return err;
}

void
space_unreplicate(struct space *sp)
{
	write_lock(&sp->lock);
	pt_unreplicate(&sp->pt);
	write_unlock(&sp->lock);
}

struct region *
space_find(struct space *sp, vaddr_t va)
{
	struct region *r = tree_find_end(sp, va);

	return r && r->range.start <= va ? r : NULL;
}

struct region *
space_first(struct space *sp)
{
	return tree_first(sp);
}

struct region *
region_next(struct region *r)
{
	return tree_next(r);
}

struct space *
space_list_first(void)
{
	return space_state()->first;
}

struct space *
space_list_next(struct space *sp)
{
	return sp->next;
}

uint64_t
space_live_regions(void)
{
	return space_state()->regions.nr_objects;
}

void
space_drain(void)
{
	slab_drain(&space_state()->regions);
	slab_drain(&space_state()->spaces);
	slab_drain(&space_state()->lines);
}

err_t
space_init(void)
{
	struct space_state *state;
	pfn_t		    pfn;
	err_t		    err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	state = arch_frame_ptr(pfn);
	root()->part[ROOT_SPACE] = state;
	slab_init(&state->spaces, "space", sizeof(struct space), alignof(struct space));
	slab_init(&state->regions, "region", sizeof(struct region), CACHE_LINE);
	slab_init(&state->lines, "reader lines", CPU_MAX * sizeof(struct reader_line),
		  alignof(struct reader_line));
	lock_init(&state->lock, RANK_PROC);
	return OK;
}
