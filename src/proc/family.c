/*
 * family.c - the tree of processes: parents, children, orphans, and walks over it.
 *
 *	         init                      B exits, orphans are adopted      or they stay
 *	        /    \                          init                          init
 *	       A      B                        / | \ \                       /    \
 *	             / \                      A  B  C D                     A      B dead
 *	            C   D                                                         / \
 *	                                                                         C   D
 *
 * A walk keeps the process that it gives next. The walks in progress are in a list, and
 * whoever takes a process out of the tree moves those that stand there on, so a walk needs no
 * lock between its steps. Nothing here recurses: a tree may be as deep as it has processes.
 */
#include "proc/family.h"

#include "base/assert.h"
#include "proc/handlers.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/send.h"
#include "proc/state.h"

void
family_init(struct family *family)
{
	list_init(&family->children);
	list_init(&family->waitable);
}

struct family *
family_of(struct process *parent)
{
	return parent ? &parent->family : &proc_state()->nobody;
}

static struct process *
sibling(struct list *node)
{
	return CONTAINER_OF(node, struct process, sibling);
}

/* ---- walks ---- */

/* after - the next process outside the subtree of proc, in order of a walk over root; NULL: none. */
static struct process *
after(const struct process *root, struct process *proc)
{
	for (; proc && proc != root; proc = proc->parent) {
		if (proc->sibling.next != &family_of(proc->parent)->children)
			return sibling(proc->sibling.next);
	}
	return NULL;
}

static struct process *
successor(const struct process *root, struct process *proc)
{
	if (!list_is_empty(&proc->family.children))
		return sibling(proc->family.children.next);
	return after(root, proc);
}

static bool
is_below(const struct process *proc, const struct process *root)
{
	while (proc && proc != root)
		proc = proc->parent;
	return proc == root;
}

/* is_cut_off - the walk stands in the subtree of proc and began outside of it, or its root is gone. */
static bool
is_cut_off(const struct proc_walk *walk, const struct process *proc)
{
	if (!walk->next || !is_below(walk->next, proc))
		return false;
	if (walk->root == proc)
		return proc->state == PROCESS_FORGOTTEN;
	return !walk->root || !is_below(walk->root, proc);
}

/* move_walks_on - before proc, with all below it, leaves its place. */
static void
move_walks_on(struct process *proc)
{
	LIST_FOR_EACH(node, &proc_state()->walks) {
		struct proc_walk *walk = CONTAINER_OF(node, struct proc_walk, link);

		walk->moves = is_cut_off(walk, proc);
		if (walk->moves)
			walk->next = after(walk->root, proc);
	}
}

void
proc_walk_begin(struct proc_walk *walk, struct process *root)
{
	struct list *roots = &proc_state()->nobody.children;

	proc_lock();
	walk->moves = false;
	walk->root = root;
	walk->next = root;
	if (!root && !list_is_empty(roots))
		walk->next = sibling(roots->next);
	list_insert_before(&proc_state()->walks, &walk->link);
	proc_unlock();
}

void
family_walk_on(struct proc_walk *walk)
{
	walk->next = successor(walk->root, walk->next);
}

struct process *
proc_walk_next(struct proc_walk *walk)
{
	struct process *proc;

	proc_lock();
	proc = walk->next;
	if (proc) {
		proc_get(proc);
		family_walk_on(walk);
	}
	proc_unlock();
	return proc;
}

void
family_visit(struct process *root, void (*visit)(struct process *proc, void *arg), void *arg)
{
	struct proc_walk walk;
	struct process	*proc;

	proc_walk_begin(&walk, root);
	do {
		proc_lock();
		proc = walk.next;
		if (proc) {
			visit(proc, arg);
			family_walk_on(&walk);
		}
		proc_unlock();
	} while (proc);
	proc_walk_end(&walk);
}

void
proc_walk_end(struct proc_walk *walk)
{
	proc_lock();
	list_remove(&walk->link);
	proc_unlock();
}

/* ---- links ---- */

static bool
is_awaitable(const struct process *proc)
{
	return !proc->no_reap && proc->state < PROCESS_TOMBSTONE;
}

void
family_add(struct process *child, struct process *parent)
{
	struct family *family = family_of(parent);

	child->parent = parent;
	list_insert_before(&family->children, &child->sibling);
	ids_number_child(family, &child->child_node, parent);
	family->nr_children++;
	if (is_awaitable(child))
		family->nr_awaitable++;
	if (child->reports)
		list_insert_before(&family->waitable, &child->report_link);
}

void
family_remove(struct process *child)
{
	struct family *family = family_of(child->parent);

	move_walks_on(child);
	list_remove(&child->report_link);
	list_remove(&child->sibling);
	ids_remove(&child->child_node);
	family->nr_children--;
	if (is_awaitable(child))
		family->nr_awaitable--;
	child->parent = NULL;
}

void
family_count_out(struct process *child)
{
	if (is_awaitable(child))
		family_of(child->parent)->nr_awaitable--;
	list_remove(&child->report_link);
	child->reports = 0;
}

/* ---- reports ---- */

void
family_report(struct process *child, enum wait_event event)
{
	if (!is_awaitable(child))
		return;
	child->reports |= 1u << event;
	list_remove(&child->report_link);
	list_insert_before(&family_of(child->parent)->waitable, &child->report_link);
	process_wake(child->parent);
}

void
family_withdraw(struct process *child, enum wait_event event)
{
	child->reports &= ~(1u << event);
	if (!child->reports)
		list_remove(&child->report_link);
}

/* exit_signal - what its maker has chosen, but not for another program in its maker's place. */
static uint8_t
exit_signal(const struct process *child)
{
	bool is_makers = !child->parent || child->parent->nr_execs == child->parent_execs;

	return is_makers ? child->exit_signal : SIGNAL_CHLD;
}

/* hears - of the child's end. As on Linux an ignored CHLD is not kept, also where it is held back. */
static bool
hears(const struct process *parent, unsigned signal)
{
	if (!parent || process_has_exited(parent))
		return false;
	return signal != SIGNAL_CHLD || handlers_action(parent, signal).handler != SIGNAL_IGNORE;
}

void
family_tell_exit(struct process *child)
{
	struct process	  *parent = child->parent;
	struct signal_info info = {
		.signal = exit_signal(child),
		.code = SIGNAL_CODE_EXITED,
		.sender = parent ? namespace_number_of(parent->ids, child) : 0,
		.status = child->code,
	};

	if (hears(parent, info.signal))
		signal_post(parent, &info);
}

/* ---- orphans ---- */

bool
family_reaps_itself(const struct process *child)
{
	return child->parent && exit_signal(child) == SIGNAL_CHLD &&
	       handlers_ignore_children(child->parent);
}

static bool
can_adopt(const struct process *proc)
{
	return proc->is_subreaper && !process_has_exited(proc);
}

/* subreaper_above - the nearest one that adopts orphans of this namespace, or NULL. */
static struct process *
subreaper_above(const struct process *proc)
{
	struct process *heir = proc->parent;

	if (!proc_state()->nr_subreapers)
		return NULL;
	while (heir && heir->ids == proc->ids && !can_adopt(heir))
		heir = heir->parent;
	return heir && heir->ids == proc->ids ? heir : NULL;
}

/* heir_of - who adopts the children of a dying process; NULL: nobody. */
static struct process *
heir_of(const struct process *proc)
{
	struct process *heir = subreaper_above(proc);

	return heir ? heir : namespace_heir(proc->ids);
}

/*
 * bring_walks_back - those that stood in the subtree of the child, which is the youngest of heir
 * now: its new place is still before a walk that has not gone past heir, and one that has, by
 * leaving the old place, goes on with it. Else nobody would meet who is below its root all the time.
 */
static void
bring_walks_back(struct process *child, const struct process *heir)
{
	LIST_FOR_EACH(node, &proc_state()->walks) {
		struct proc_walk *walk = CONTAINER_OF(node, struct proc_walk, link);

		if (walk->moves && is_below(heir, walk->root) &&
		    (!walk->next || !is_below(walk->next, heir)))
			walk->next = child;
		walk->moves = false;
	}
}

/* adopt - heir, who has not chosen the signal of the child's end, gets CHLD, and at once for a zombie. */
static void
adopt(struct process *child, struct process *heir, struct list *forgotten)
{
	family_remove(child);
	family_add(child, heir);
	bring_walks_back(child, heir);
	child->exit_signal = SIGNAL_CHLD;
	if (child->state != PROCESS_ZOMBIE)
		return;
	family_tell_exit(child);
	if (family_reaps_itself(child))
		process_settle(child, forgotten);
}

/* adopt_all - linear in the number of children, which are not looked into. */
static void
adopt_all(struct process *proc, struct list *forgotten)
{
	struct process *heir = heir_of(proc);

	while (!list_is_empty(&proc->family.children))
		adopt(sibling(proc->family.children.next), heir, forgotten);
	process_wake(heir);
}

/* keep_all - zombies become tombstones; they go if nobody is below them. */
static void
keep_all(struct process *proc, struct list *forgotten)
{
	struct list *node = proc->family.children.next;

	while (node != &proc->family.children) {
		struct process *child = sibling(node);

		node = node->next;
		if (child->state == PROCESS_ZOMBIE)
			process_settle(child, forgotten);
	}
}

void
family_orphan(struct process *proc, struct list *forgotten)
{
	if (list_is_empty(&proc->family.children))
		return;
	if (proc_state()->policy == ORPHANS_STAY)
		keep_all(proc, forgotten);
	else
		adopt_all(proc, forgotten);
}

void
proc_set_subreaper(struct process *proc, bool is_subreaper)
{
	proc_lock();
	is_subreaper = is_subreaper && !process_has_exited(proc);
	if (is_subreaper && !proc->is_subreaper)
		proc_state()->nr_subreapers++;
	if (!is_subreaper && proc->is_subreaper)
		proc_state()->nr_subreapers--;
	proc->is_subreaper = is_subreaper;
	proc_unlock();
}
