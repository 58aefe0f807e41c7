/*
 * wrap.c - the wrappers of all functions that flush or ask for a flush, that keep writes, or that count.
 *
 * museum_call notes the call and says whether it is left out. A function of the library
 * that calls another in the same file is not wrapped by the linker; for the one case where
 * that matters (gather_flush inside gather.c) the caller's caller tells the calls apart.
 */
#include "museum.h"

#include <string.h>

#include <sim/hooks.h>

#include <anymm/process.h>

#include "object/rmap.h"
#include "object/swapped.h"
#include "pt/cursor.h"
#include "pt/gather.h"
#include "pt/replica.h"
#include "pt/pins.h"
#include "pt/range.h"
#include "pt/state.h"
#include "pt/table.h"
#include "proc/account.h"
#include "proc/body.h"
#include "proc/home.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/thread.h"
#include "space/spaces.h"
#include "swap/slots.h"

struct site museum_sites[SITES_MAX];
unsigned    museum_nr_sites;

static int  left_out = -1;
static bool skips_shootdowns; /* inside a gather_end that is to end without its flush */

void
museum_leave_out(int site)
{
	left_out = site;
}

/* is_left_out - notes the call if it is new. */
static bool
is_left_out(const char *function, const void *pc, const void *outer)
{
	for (unsigned i = 0; i < museum_nr_sites; i++) {
		if (museum_sites[i].pc == (uintptr_t)pc &&
		    museum_sites[i].outer == (uintptr_t)outer)
			return (int)i == left_out;
	}
	if (museum_nr_sites < SITES_MAX)
		museum_sites[museum_nr_sites++] =
			(struct site){ function, (uintptr_t)pc, (uintptr_t)outer };
	return false;
}

#define WRAP_BY(function, parameters, arguments, outer) \
	void __real_##function parameters; \
	void __wrap_##function parameters; \
	void __wrap_##function parameters \
	{ \
		if (!is_left_out(#function, __builtin_return_address(0), outer)) \
			__real_##function arguments; \
	}
#define WRAP(function, parameters, arguments) WRAP_BY(function, parameters, arguments, NULL)

/* Those that the contract's inline functions call: the call in the library is one further out. */
#define WRAP_INLINE(function, parameters, arguments) \
	WRAP_BY(function, parameters, arguments, __builtin_return_address(1))

WRAP(gather_page, (struct gather * g, vaddr_t va), (g, va))
WRAP(gather_table, (struct gather * g, vaddr_t va), (g, va))
WRAP(gather_space, (struct gather * g), (g))
WRAP(gather_flush, (struct gather * g), (g))
WRAP(rmap_flush, (struct object * object, struct page_run run), (object, run))
WRAP(leaf_keep_dirty, (pte_t pte), (pte))
WRAP(rmap_collect_dirty, (struct object * object, struct page_run run), (object, run))
WRAP(rmap_begin_loss, (struct object * object, struct page_run run), (object, run))
WRAP(swapped_drop, (struct object * object, struct page_run run), (object, run))
WRAP(swapped_cut, (struct object * object, uint64_t index, uint32_t bytes), (object, index, bytes))
WRAP(pt_note_pins, (const struct pt *pt, struct va_range range), (pt, range))
WRAP(pt_wire,
     (struct pt * pt, struct va_range range, bool wired, struct pt_plan *plan, struct gather *g),
     (pt, range, wired, plan, g))
WRAP(swap_get_again, (swap_t slot), (slot))
WRAP(shootdown_everything, (void), ())
WRAP(replicas_empty,
     (struct pt * pt, const vaddr_t *pages, unsigned nr, bool whole, struct replica_tables *gone),
     (pt, pages, nr, whole, gone))
WRAP(replicas_empty_all, (struct replica_tables * gone), (gone))
WRAP(platform_shootdown, (cpu_mask_t cpus), (cpus))
WRAP_INLINE(sim_tlb_flush_page, (unsigned asid, vaddr_t va), (asid, va))
WRAP_INLINE(sim_tlb_flush_asid, (unsigned asid), (asid))
WRAP_INLINE(sim_tlb_flush_all, (void), ())

/* ---- what is counted ---- */

WRAP(object_get, (struct object * object), (object))
WRAP(space_get, (struct space * sp), (sp))
WRAP(namespace_get, (struct namespace * ns), (ns))
WRAP(namespace_put, (struct namespace * ns), (ns))
WRAP(rmap_insert, (struct region * r), (r))
WRAP(account_discharge, (struct account * account), (account))
WRAP(process_discard, (struct process * proc), (proc))
WRAP(thread_discard, (struct thread * t), (t))
WRAP(body_drop, (struct thread * t), (t))
WRAP(space_discard, (struct space * sp), (sp))
WRAP(home_remove, (unsigned node, uint32_t nr_threads), (node, nr_threads))

/* Those that say whether they could: without them it is as if they had. */
#define WRAP_COUNT(function, type) \
	err_t __real_##function(type what); \
	err_t __wrap_##function(type what); \
	err_t __wrap_##function(type what) \
	{ \
		return is_left_out(#function, __builtin_return_address(0), NULL) \
			       ? OK \
			       : __real_##function(what); \
	}

WRAP_COUNT(frame_get, pfn_t)
WRAP_COUNT(swap_get, swap_t)

struct resource *__real_resource_get(struct resource *resource);
struct resource *__wrap_resource_get(struct resource *resource);

struct resource *
__wrap_resource_get(struct resource *resource)
{
	return is_left_out("resource_get", __builtin_return_address(0), NULL)
		       ? resource
		       : __real_resource_get(resource);
}

/* Without the question every page that was fetched is taken for the object's. */
bool __real_object_has_page(struct object *object, uint64_t index, pfn_t pfn);
bool __wrap_object_has_page(struct object *object, uint64_t index, pfn_t pfn);

bool
__wrap_object_has_page(struct object *object, uint64_t index, pfn_t pfn)
{
	return is_left_out("object_has_page", __builtin_return_address(0), NULL) ||
	       __real_object_has_page(object, index, pfn);
}

/* Without the lock the table is let go of at once: others come before what was seen is used. */
static bool lets_go[CPU_MAX];

struct pt_view __real_pt_look_locked(const struct pt *pt, vaddr_t va);
struct pt_view __wrap_pt_look_locked(const struct pt *pt, vaddr_t va);
void	       __real_pt_look_done(const struct pt_view *view);
void	       __wrap_pt_look_done(const struct pt_view *view);

struct pt_view
__wrap_pt_look_locked(const struct pt *pt, vaddr_t va)
{
	struct pt_view view = __real_pt_look_locked(pt, va);

	lets_go[platform_cpu()] = is_left_out("pt_look_locked", __builtin_return_address(0), NULL);
	if (lets_go[platform_cpu()])
		__real_pt_look_done(&view);
	return view;
}

void
__wrap_pt_look_done(const struct pt_view *view)
{
	if (!lets_go[platform_cpu()])
		__real_pt_look_done(view);
	lets_go[platform_cpu()] = false;
}

/* gather_end also drops counts and declares the end: only its flush is left out. */
void __real_gather_end(struct gather *g);
void __wrap_gather_end(struct gather *g);

void
__wrap_gather_end(struct gather *g)
{
	skips_shootdowns = is_left_out("gather_end", __builtin_return_address(0), NULL);
	__real_gather_end(g);
	skips_shootdowns = false;
}

void __real_shootdown_space(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole);
void __wrap_shootdown_space(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole);

void
__wrap_shootdown_space(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole)
{
	if (!is_left_out("shootdown_space", __builtin_return_address(0),
			 __builtin_return_address(1)) &&
	    !skips_shootdowns)
		__real_shootdown_space(pt, pages, nr_pages, whole);
}
