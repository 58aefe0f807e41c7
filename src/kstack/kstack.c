/*
 * kstack.c - stacks in the kernel's window.
 *
 *	window   | guard | page page page page | guard | page page page page | ...
 *	           slot 0                        slot 1
 *
 * The guard page of a slot is never mapped. The tables below the window's own are made
 * when a slot needs them, and stay until no stack is left.
 *
 * A stack has one of three states: live, spare (mapped, nobody has it), bare (no pages; it only
 * keeps its slot for the next one). One lock, of the rank of tables, protects lists and entries.
 * Whatever can fail happens before the first entry changes.
 */
#include <anymm/kstack.h>
#include <anymm/platform.h>
#include <anymm/slab.h>

#include "base/assert.h"
#include "base/mem.h"
#include "kstack/chain.h"
#include "pt/state.h"
#include "pt/table.h"

#define SLOT_BYTES (ARCH_PAGE_SIZE + KSTACK_BYTES)

/* [k] lock */
struct kstack_state {
	struct lock	       lock; /* RANK_TABLE */
	struct slab_cache      descriptors;
	struct platform_window window;	 /* constant */
	struct kstack	      *spare;	 /* [k] with pages */
	struct kstack	      *bare;	 /* [k] without */
	_Atomic uint64_t       nr_slots; /* [k] for writing: slots below it have a descriptor */
	_Atomic uint64_t       nr_live;
};

static struct kstack_state *
state_of(void)
{
	return root()->part[ROOT_KSTACK];
}

static vaddr_t
slot_start(const struct kstack_state *st, uint64_t slot)
{
	return st->window.start + slot * SLOT_BYTES;
}

static uint64_t
window_bytes(const struct kstack_state *st)
{
	return pfn_is_none(st->window.table) ? 0
					     : level_span(st->window.level) << ARCH_PT_INDEX_BITS;
}

/* slot_of - the entry for va at `level`; the tables above it are there. */
static pte_t *
slot_of(const struct kstack_state *st, vaddr_t va, unsigned level)
{
	pfn_t table = st->window.table;

	for (unsigned l = st->window.level; l > level; l--)
		table = arch_pte_table_pfn(arch_pte_read(table_slot(table, level_index(l, va))));
	return table_slot(table, level_index(level, va));
}

/* Frames for one stack: its pages, and the most tables that it can need. */
struct supply {
	pfn_t	 pages[KSTACK_PAGES];
	pfn_t	 tables[2 * ARCH_PT_LEVELS];
	unsigned nr_pages, nr_tables;
};

static void
supply_drop(struct supply *s)
{
	while (s->nr_pages)
		frame_release(s->pages[--s->nr_pages]);
	while (s->nr_tables)
		frame_release(s->tables[--s->nr_tables]);
}

static err_t
take(pfn_t *frames, unsigned *nr, unsigned wanted)
{
	const struct frame_request request = { .kind = FRAME_KERNEL, .zeroed = true };
	err_t			   err = OK;

	while (*nr < wanted && err == OK) {
		err = frame_alloc(request, &frames[*nr]);
		*nr += err == OK;
	}
	return err;
}

/* A stack crosses at most one border at each level. */
static err_t
supply_take(struct supply *s, const struct kstack_state *st)
{
	err_t err;

	*s = (struct supply){ 0 };
	err = take(s->pages, &s->nr_pages, KSTACK_PAGES);
	if (err == OK)
		err = take(s->tables, &s->nr_tables, 2 * st->window.level);
	if (err)
		supply_drop(s);
	return err;
}

/* make_tables - all that are missing above the leaf of va; nothing was reachable through them. */
static void
make_tables(struct kstack_state *st, vaddr_t va, struct supply *s)
{
	for (unsigned level = st->window.level; level > 0; level--) {
		pte_t *slot = slot_of(st, va, level);

		if (arch_pte_kind(arch_pte_read(slot), level) == PTE_EMPTY)
			arch_pte_write(slot, arch_pte_table(s->tables[--s->nr_tables], true));
	}
}

static void
map_pages(struct kstack_state *st, struct kstack *stack, struct supply *s)
{
	for (unsigned i = 0; i < KSTACK_PAGES; i++) {
		vaddr_t va = stack->range.start + i * ARCH_PAGE_SIZE;

		make_tables(st, va, s);
		stack->pages[i] = s->pages[i];
		frame_of(s->pages[i])->word = (uintptr_t)stack;
		arch_pte_write(slot_of(st, va, 0),
			       arch_pte_leaf((struct pte_leaf){ .pfn = s->pages[i],
								.prot = PROT_RW,
								.kernel = true,
								.is_special = true,
								.accessed = true,
								.dirty = true }));
	}
	s->nr_pages = 0;
}

/* take_slot - a descriptor without pages. HOLDS the lock. */
static struct kstack *
take_slot(struct kstack_state *st)
{
	struct kstack *stack = st->bare;

	if (stack) {
		st->bare = stack->next;
		return stack;
	}
	if ((st->nr_slots + 1) * SLOT_BYTES > window_bytes(st))
		return NULL;
	stack = slab_alloc(&st->descriptors);
	if (!stack)
		return NULL;
	stack->slot = st->nr_slots++;
	stack->range.start = slot_start(st, stack->slot) + ARCH_PAGE_SIZE;
	stack->range.end = stack->range.start + KSTACK_BYTES;
	return stack;
}

static struct kstack *
take_spare(struct kstack_state *st)
{
	struct kstack *stack = st->spare;

	if (stack)
		st->spare = stack->next;
	return stack;
}

err_t
kstack_create(struct kstack **out)
{
	struct kstack_state *st = state_of();
	struct kstack	    *stack;
	struct supply	     supply = { 0 };
	err_t		     err = OK;

	lock_acquire(&st->lock);
	stack = take_spare(st);
	if (!stack) {
		err = supply_take(&supply, st);
		stack = err == OK ? take_slot(st) : NULL;
		if (stack)
			map_pages(st, stack, &supply);
	}
	if (stack) {
		stack->is_live = true;
		stack->owner = NULL;
	}
	lock_release(&st->lock);
	supply_drop(&supply);
	if (!stack)
		return ERR_NOMEM;
	atomic_fetch_add(&st->nr_live, 1);
	*out = stack;
	return OK;
}

void
kstack_destroy(struct kstack *stack)
{
	struct kstack_state *st = state_of();

	lock_acquire(&st->lock);
	REQUIRE(stack->is_live, "stack %lu is destroyed twice", (unsigned long)stack->slot);
	stack->is_live = false;
	stack->next = st->spare;
	st->spare = stack;
	lock_release(&st->lock);
	atomic_fetch_sub(&st->nr_live, 1);
}

uint64_t
kstack_live(void)
{
	return atomic_load(&state_of()->nr_live);
}

/* Called by a CPU whose stack is full: it reads what does not change, and takes no lock. */
bool
kstack_is_guard(vaddr_t va)
{
	const struct kstack_state *st = state_of();
	uint64_t		   offset = st ? va - st->window.start : 0;

	return st && offset < st->nr_slots * SLOT_BYTES && offset % SLOT_BYTES < ARCH_PAGE_SIZE;
}

void *
kstack_pointer(const struct kstack *stack, vaddr_t va)
{
	uint64_t offset = va - stack->range.start;

	REQUIRE(offset < KSTACK_BYTES, "%lx is not on the stack that ends at %lx",
		(unsigned long)va, (unsigned long)stack->range.end);
	return (char *)arch_frame_ptr(stack->pages[offset >> ARCH_PAGE_SHIFT]) +
	       (offset & ARCH_PAGE_MASK);
}

/* copy_used - page by page: the frames of a stack are no neighbours. (LUN-34) */
static void
copy_used(const struct kstack *from, const struct kstack *to, vaddr_t sp)
{
	uint64_t distance = to->range.end - from->range.end;

	while (sp < from->range.end) {
		uint64_t part = ARCH_PAGE_SIZE - (sp & ARCH_PAGE_MASK);

		memcpy(kstack_pointer(to, sp + distance), kstack_pointer(from, sp), part);
		sp += part;
	}
}

err_t
kstack_copy(const struct kstack *from, struct kstack *to, struct kstack_registers *registers)
{
	vaddr_t	     sp = registers->sp;
	struct chain chain = {
		.used = va_range(sp, from->range.end),
		.distance = to->range.end - from->range.end,
		.copy = to,
	};

	if (sp % sizeof(uint64_t) || sp < from->range.start || sp > from->range.end)
		return ERR_INVAL;
	copy_used(from, to, sp);
	(void)chain_rebase(&chain, &registers->fp);
	registers->sp = sp + chain.distance;
	return OK;
}

vaddr_t
kstack_begin(struct kstack *stack, void (*function)(void *argument), void *argument)
{
	vaddr_t at = stack->range.end - ARCH_START_BYTES;

	return arch_start(kstack_pointer(stack, at), stack->range.end, function, argument);
}

/*
 * The descriptor of each page of a stack names the stack. Nothing of a stack that is live
 * changes, nor do the tables above it.
 */
struct kstack *
kstack_of(vaddr_t va)
{
	const struct kstack_state *st = state_of();
	uint64_t		   offset = st ? va - st->window.start : 0;
	struct kstack		  *stack;
	pte_t			   pte;

	if (!st || offset >= st->nr_slots * SLOT_BYTES || offset % SLOT_BYTES < ARCH_PAGE_SIZE)
		return NULL;
	pte = arch_pte_read(slot_of(st, va, 0));
	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return NULL;
	stack = (struct kstack *)(uintptr_t)frame_of(arch_pte_decode_leaf(pte, 0).pfn)->word;
	return stack->is_live ? stack : NULL;
}

/* unmap_spares - the pages of stacks that nobody has leave the tables; they keep their counts. */
static void
unmap_spares(struct kstack_state *st)
{
	for (struct kstack *stack = st->spare; stack; stack = stack->next) {
		for (unsigned i = 0; i < KSTACK_PAGES; i++) {
			vaddr_t va = stack->range.start + i * ARCH_PAGE_SIZE;

			(void)arch_pte_exchange(slot_of(st, va, 0), arch_pte_empty());
		}
	}
}

/* free_spares - after the flush. They are bare now. */
static void
free_spares(struct kstack_state *st)
{
	struct kstack *stack;

	while ((stack = take_spare(st)) != NULL) {
		for (unsigned i = 0; i < KSTACK_PAGES; i++) {
			frame_of(stack->pages[i])->word = 0;
			frame_release(stack->pages[i]);
		}
		stack->next = st->bare;
		st->bare = stack;
	}
}

/* free_tables - a table and those below it, which map nothing and cannot be reached any more. */
static void
free_tables(pfn_t table, unsigned level)
{
	pfn_t	 path[ARCH_PT_LEVELS];
	unsigned index[ARCH_PT_LEVELS] = { 0 };
	unsigned at = level;

	path[level] = table;
	while (at <= level) {
		pte_t pte;

		if (at == 0 || index[at] == ARCH_PT_ENTRIES) {
			frame_release(path[at++]);
			continue;
		}
		pte = arch_pte_read(table_slot(path[at], index[at]++));
		if (arch_pte_kind(pte, at) != PTE_TABLE)
			continue;
		path[--at] = arch_pte_table_pfn(pte);
		index[at] = 0;
	}
}

/* forget_slots - no stack is left: the tables below the window's own go, one at a time. */
static void
forget_slots(struct kstack_state *st)
{
	struct kstack *stack;

	while ((stack = st->bare) != NULL) {
		st->bare = stack->next;
		slab_free(&st->descriptors, stack);
	}
	atomic_store(&st->nr_slots, 0);
	for (unsigned i = 0; st->window.level > 0 && i < ARCH_PT_ENTRIES; i++) {
		pte_t pte = arch_pte_exchange(table_slot(st->window.table, i), arch_pte_empty());

		if (arch_pte_kind(pte, st->window.level) != PTE_TABLE)
			continue;
		shootdown_everything();
		free_tables(arch_pte_table_pfn(pte), st->window.level - 1);
	}
}

void
kstack_drain(void)
{
	struct kstack_state *st = state_of();

	lock_acquire(&st->lock);
	if (st->spare) {
		unmap_spares(st);
		shootdown_everything();
		free_spares(st);
	}
	if (atomic_load(&st->nr_live) == 0 && st->bare)
		forget_slots(st);
	lock_release(&st->lock);
	slab_drain(&st->descriptors);
}

err_t
kstack_init(void)
{
	struct kstack_state *st;
	pfn_t		     pfn;
	err_t		     err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	st = arch_frame_ptr(pfn);
	lock_init(&st->lock, RANK_TABLE);
	slab_init(&st->descriptors, "kernel stack", sizeof(struct kstack), alignof(struct kstack));
	st->window = platform_kernel_window();
	root()->part[ROOT_KSTACK] = st;
	return OK;
}
