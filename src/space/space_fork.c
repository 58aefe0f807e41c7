/*
 * space_fork.c - a child whose memory equals the parent's, shared until written.
 *
 *	plan     a child that nobody sees: its regions, then tables that share the
 *	         parent's; the parent is only read
 *	commit   the parent's root loses its write permissions, every CPU forgets them
 *	publish  the child enters the list of all spaces
 *
 * A do-not-fork region is left out; a wipe-on-fork region is there, but its
 * pages are not. The tables are told about both as ranges not to share. Locks are
 * not inherited: where the parent has locked memory, the child has tables of its own. The
 * parent's write lock is held until no CPU can write what is now shared.
 */
#include "pt/fork.h"
#include "pt/replica.h"
#include "space/limit.h"
#include "space/regions.h"
#include "space/spaces.h"
#include "space/tree.h"

/*
 * The regions with any of these flags. Questions come in rising order, so the last answer
 * mostly serves again, and all of them together look at each region once.
 */
struct flagged {
	struct space  *parent;
	unsigned       flags;
	vaddr_t	       asked; /* `next` is the answer to this question */
	bool	       known;
	struct region *next; /* first such region with end > asked, or NULL */
};

/* What the tables are told: the ranges that the child's leave out, and where locked pages are. */
struct special {
	struct flagged unshared;
	struct flagged locked;
};

static struct region *
next_flagged(struct flagged *f, vaddr_t from)
{
	if (!f->known || from < f->asked || (f->next && f->next->range.end <= from)) {
		f->next = tree_find_end(f->parent, from);
		while (f->next && !(f->next->flags & f->flags))
			f->next = tree_next(f->next);
		f->known = true;
	}
	f->asked = from;
	return f->next;
}

static bool
next_unshared(const struct fork_filter *filter, vaddr_t from, struct va_range *out)
{
	struct special *special = filter->data;
	struct region  *r = next_flagged(&special->unshared, from);

	if (r)
		*out = r->range;
	return r;
}

static bool
has_locked(const struct fork_filter *filter, struct va_range span)
{
	struct special *special = filter->data;
	struct region  *r = next_flagged(&special->locked, span.start);

	return r && r->range.start < span.end;
}

/* copy_regions - fails ERR_NOMEM: the child has some of them. */
static err_t
copy_regions(struct space *parent, struct space *child)
{
	struct region *last = NULL;

	for (struct region *r = tree_first(parent); r; r = tree_next(r)) {
		struct region *fresh;

		if (r->flags & REGION_DONTFORK)
			continue;
		fresh = region_make();
		if (!fresh)
			return ERR_NOMEM;
		last = region_copy(r, child, last, fresh);
	}
	return OK;
}

/* has_pins - private pages of it may be pinned. Nobody pins meanwhile. HOLDS the space's lock for writing. */
static bool
has_pins(struct space *sp)
{
	if (frame_nr_pins() == 0)
		atomic_store(&sp->may_have_pins, false);
	return atomic_load(&sp->may_have_pins);
}

/* plan - *out shares the parent's tables; the parent is untouched, also when this fails. */
static err_t
plan(struct space *parent, unsigned node, struct space **out)
{
	struct special special = {
		.unshared = { .parent = parent, .flags = REGION_DONTFORK | REGION_WIPEONFORK },
		.locked = { .parent = parent, .flags = REGION_LOCKED },
	};
	const struct fork_filter filter = { .next = next_unshared,
					    .has_wired = parent->locked_pages ? has_locked : NULL,
					    .data = &special,
					    .pins = has_pins(parent) };
	struct space		*child;
	err_t			 err = space_make(&parent->layout, node, &child);

	if (err)
		return err;
	child->brk = parent->brk;
	child->may_have_guards = parent->may_have_guards;
	err = copy_regions(parent, child);
	if (err == OK && !limit_promise_all(child))
		err = ERR_NOMEM;
	if (err == OK)
		err = pt_fork_prepare(&parent->pt, &child->pt, &filter);
	if (err) {
		space_discard(child);
		return err;
	}
	*out = child;
	return OK;
}

err_t
space_fork(struct space *parent, struct space **out)
{
	return space_fork_on(parent, platform_node(), out);
}

err_t
space_fork_on(struct space *parent, unsigned node, struct space **out)
{
	struct space *child;
	struct gather g;
	err_t	      err;

	write_lock(&parent->lock);
	err = plan(parent, node, &child);
	if (err == OK) {
		gather_begin(&g, &parent->pt);
		pt_fork_commit(&parent->pt, &child->pt, &g);
		gather_end(&g);
	}
	write_unlock(&parent->lock);
	if (err)
		return err;
	/* Without memory for replicas the child has none, and lives all the same. */
	if (pt_has_replicas(&parent->pt))
		(void)pt_replicate(&child->pt);
	space_publish(child);
	*out = child;
	return OK;
}
