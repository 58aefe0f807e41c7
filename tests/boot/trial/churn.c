/*
 * churn.c - a million children come and go on all CPUs at once, and nothing is left of them.
 *
 *	               init
 *	      /      /     \      \
 *	   own 0  own 1   own 2   crowd      a parent for each CPU, and one with a thread on each
 *	     |      |       |     /   \
 *	   child  child   child child child  each for a moment
 *
 * Every CPU forks, ends the child and waits for its code, over and over, in a few ways that
 * take turns (ways). All meet in the table of ids, the tree, the account that pays for every
 * child, the things their handles name, the shared page, and the allocator. Some children run and end on
 * the next CPU, while their parent goes on forking: it hears of them when it asks.
 *
 *	codes      the sum of what the children of a CPU exit with is the sum of what it is told
 *	private    a child's word is its own: one more than its parent's after it has added 1. Each thread
 *	           of the crowd counts its forks in a word; no other parent ever sees a change
 *	shared     the word of a CPU counts who ran there
 *	nothing    after each batch there are as many frames of each kind, processes, regions, spaces
 *	left       and resources as before the first one, and every invariant holds
 *
 * (CAM-27, WNX-30, LUN-B04, LUN-B17)
 */
#include "trial.h"

#include <anymm/fs_context.h>
#include <anymm/handle.h>
#include <anymm/stats.h>
#include <anymm/usercopy.h>

#include "../../../arch/x86_64/boot/ring3.h"
#include "base/format.h"

#define CYCLES	      100000
#define CYCLES_BATCH  20000
#define CROWD_EVERY   256 /* forks of a CPU, one of them by its thread of the crowd */
#define HANDLES	      3
#define PRIVATE_PAGES 64

#define PRIVATE UINT64_C(0x10000000000)
#define SHARED	UINT64_C(0x20000000000)

/* How a child of a CPU's own parent lives. */
static const struct way {
	bool	 runs;	    /* it writes to a private and to the shared page */
	bool	 elsewhere; /* it runs and ends on the next CPU */
	uint64_t flags;
} ways[] = {
	{ 0 },
	{ .runs = true },
	{ .flags = PROC_SHARE_HANDLES | PROC_SHARE_FS },
	{ .flags = PROC_SHARE_SPACE | PROC_SUSPEND },
	{ .flags = PROC_EMPTY_HANDLES | PROC_DEFAULT_HANDLERS },
	{ .runs = true, .elsewhere = true },
	{ .flags = PROC_NO_REAP },
};

/* [w] written by its CPU, read when it has stopped   [a] atomic */
struct driver {
	struct process		 *own;
	struct thread		 *in_crowd;
	uint64_t		  made;	    /* [w] children so far */
	uint64_t		  open;	    /* [w] not waited for yet */
	uint64_t		  ran;	    /* [w] times that anybody ran on this CPU */
	uint64_t		  of_crowd; /* [w] times that its thread of the crowd ran */
	uint64_t		  given;    /* [w] sum of the codes that its children exit with */
	uint64_t		  told;	    /* [w] sum of the codes that it was told */
	_Atomic(struct process *) inbox;    /* [a] a child that shall run here */
};

static struct churn {
	struct process	*init, *crowd;
	struct account	*account;
	struct driver	 drivers[CPU_MAX];
	uint64_t	 batch;	  /* cycles of each CPU */
	_Atomic unsigned at_work; /* CPUs that have children or will have some */
	_Atomic uint64_t things;  /* live */
} churn;

/* ---- what processes hold ---- */

static struct resource things[HANDLES + 2];

static void
thing_destroy(struct resource *thing)
{
	(void)thing;
	atomic_fetch_sub(&churn.things, 1);
}

static const struct resource_ops thing_ops = { .name = "thing", .destroy = thing_destroy };

static struct resource *
new_thing(unsigned i)
{
	atomic_fetch_add(&churn.things, 1);
	resource_init(&things[i], &thing_ops);
	return &things[i];
}

static void
give_resources(struct process *proc)
{
	const struct signal_action action = { .handler = PRIVATE };
	struct handle_table	  *handles;
	struct fs_context	  *fs;
	int32_t			   handle;

	trial_must(handle_table_create(64, &handles), "handles");
	for (unsigned i = 0; i < HANDLES; i++)
		trial_must(handle_add(handles, new_thing(i), 0, 0, &handle), "handle");
	trial_must(fs_context_create(new_thing(HANDLES), new_thing(HANDLES + 1), 022, &fs), "fs");
	trial_must(account_create(NULL, UINT64_MAX, &churn.account), "account");
	proc_set_resource(proc, RESOURCE_HANDLES, &handles->resource);
	proc_set_resource(proc, RESOURCE_FS, &fs->resource);
	proc_set_resource(proc, RESOURCE_ACCOUNT, resource_get(&churn.account->resource));
	trial_must(signal_set_action(proc, SIGNAL_USR1, &action, NULL), "handler");
}

/* ---- memory ---- */

static void
map_pages(struct space *sp, vaddr_t at, uint64_t pages, unsigned type)
{
	struct map_request request = { .addr = at,
				       .length = pages * ARCH_PAGE_SIZE,
				       .prot = PROT_R | PROT_W,
				       .flags = type | MAPF_ANONYMOUS | MAPF_FIXED };

	trial_must(space_map(sp, &request, &at), "map");
}

/* Zeros on every page: from now on none is shared with anybody because of a fork. */
static void
write_pages(struct space *sp, vaddr_t at, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t zero = 0;

		if (ring3_access(sp, ACCESS_STORE, at + i * ARCH_PAGE_SIZE, &zero, sizeof(zero)) !=
		    FAULT_DONE)
			trial_fail("a page that was mapped cannot be written");
	}
	pt_deactivate(&sp->pt);
}

static uint64_t
word_at(struct space *sp, vaddr_t va)
{
	uint64_t word = 0;

	if (copy_from_space(sp, &word, va, sizeof(word)) != 0)
		trial_fail("%lx cannot be read", (unsigned long)va);
	return word;
}

/* Each CPU has its page of the private ones, and its word on the shared one. */
static vaddr_t
private_of(unsigned cpu)
{
	return PRIVATE + cpu % PRIVATE_PAGES * ARCH_PAGE_SIZE;
}

static vaddr_t
shared_of(unsigned cpu)
{
	return SHARED + cpu * sizeof(uint64_t);
}

/* ---- the life of a child ---- */

/* run_here - whoever has this space counts on its private page, and on the shared one. */
static void
run_here(struct space *sp, uint64_t word)
{
	unsigned cpu = platform_cpu();

	if (ring3_add(sp, private_of(cpu), 1) != FAULT_DONE ||
	    ring3_add(sp, shared_of(cpu), 1) != FAULT_DONE)
		trial_fail("a process cannot write");
	if (word_at(sp, private_of(cpu)) != word)
		trial_fail("a private word is %lu, not %lu",
			   (unsigned long)word_at(sp, private_of(cpu)), (unsigned long)word);
	churn.drivers[cpu].ran++;
}

/* The parent goes on, so its child's space is active on no CPU any more. */
static void
run_child(struct process *child, struct process *parent, uint64_t word)
{
	run_here(child->space, word);
	pt_activate(&parent->space->pt);
}

/* The code that a child exits with tells of its id. */
static int32_t
code_of(uint32_t id)
{
	return (int32_t)(id % 251);
}

static void
end_here(struct process *child)
{
	proc_exit(child, code_of(child->id));
}

/* A child that another CPU has made: its parent may wait for it as soon as it has ended. */
static void
serve_inbox(struct driver *d)
{
	struct process *child = atomic_exchange(&d->inbox, NULL);

	if (!child)
		return;
	run_child(child, d->own, 1);
	end_here(child);
	proc_put(child);
}

/* false: the next CPU has another one to run already, or is this one. */
static bool
send_away(struct process *child)
{
	unsigned	next = (platform_cpu() + 1) % boot_nr_cpus();
	struct process *none = NULL;

	if (next == platform_cpu())
		return false;
	proc_get(child);
	if (atomic_compare_exchange_strong(&churn.drivers[next].inbox, &none, child))
		return true;
	proc_put(child);
	return false;
}

/* ---- the parents ---- */

static void
hear(struct driver *d, const struct wait_result *report)
{
	if (report->event != WAIT_EXITED || report->code != code_of(report->id))
		trial_fail("child %u: event %d, code %d", report->id, report->event, report->code);
	d->told += (uint64_t)report->code;
	d->open--;
}

/* Whoever of this CPU's own children has ended by now. */
static void
collect(struct driver *d)
{
	const struct wait_request any = { .which = WAIT_ANY };
	struct wait_result	  report;

	while (d->open > 0) {
		err_t err = proc_wait(d->own, &any, &report);

		if (err == ERR_AGAIN)
			return;
		trial_must(err, "wait");
		hear(d, &report);
	}
}

static void
collect_of_crowd(struct driver *d, uint32_t id)
{
	const struct wait_request that = { .which = WAIT_ID, .id = id };
	struct wait_result	  report;

	trial_must(proc_wait(churn.crowd, &that, &report), "wait for a child of many threads");
	hear(d, &report);
}

/* fork_as - the child's code is to be heard of, unless nobody waits for it. */
static struct clone_result
fork_as(struct driver *d, struct thread *caller, uint64_t flags)
{
	struct clone_request request = { .flags = flags | SIGNAL_CHLD };
	struct clone_result  child;

	trial_must(proc_clone(caller, &request, &child), "fork");
	if (!(flags & PROC_NO_REAP)) {
		d->given += (uint64_t)code_of(child.id);
		d->open++;
	}
	return child;
}

/* The thread of the crowd runs, while those of other CPUs do; so its fork interrupts them. */
static void
fork_by_crowd(struct driver *d)
{
	struct clone_result child;

	run_here(churn.crowd->space, ++d->of_crowd);
	child = fork_as(d, d->in_crowd, 0);
	run_child(child.process, churn.crowd, d->of_crowd + 1);
	end_here(child.process);
	collect_of_crowd(d, child.id);
}

static void
fork_alone(struct driver *d, const struct way *way)
{
	struct clone_result child = fork_as(d, &d->own->main, way->flags);

	if (way->elsewhere && send_away(child.process))
		return;
	if (way->runs)
		run_child(child.process, d->own, 1);
	end_here(child.process);
}

static void
one_cycle(struct driver *d)
{
	uint64_t n = d->made++;

	if (n % CROWD_EVERY == 0)
		fork_by_crowd(d);
	else
		fork_alone(d, &ways[n % ARRAY_SIZE(ways)]);
}

static void
drive(unsigned cpu)
{
	struct driver *d = &churn.drivers[cpu];
	bool	       works = true;

	pt_activate(&d->own->space->pt);
	for (uint64_t i = 0; i < churn.batch; i++) {
		one_cycle(d);
		serve_inbox(d);
		collect(d);
		trial_alive();
	}
	while (atomic_load(&churn.at_work) > 0) {
		serve_inbox(d);
		collect(d);
		if (works && d->open == 0) {
			atomic_fetch_sub(&churn.at_work, 1);
			works = false;
		}
		x86_pause();
	}
	pt_activate(&d->own->space->pt);
	pt_deactivate(&d->own->space->pt);
}

/* ---- the whole ---- */

static void
make_driver(unsigned cpu)
{
	struct driver	    *d = &churn.drivers[cpu];
	struct clone_request own = { .flags = SIGNAL_CHLD };
	struct clone_request thread = { .flags = PROC_THREAD | PROC_SHARE_SPACE |
						 PROC_SHARE_HANDLERS };
	struct clone_result  made;

	trial_must(proc_clone(&churn.init->main, &own, &made), "a parent");
	d->own = made.process;
	trial_must(proc_clone(&churn.crowd->main, &thread, &made), "a thread");
	d->in_crowd = made.thread;
}

static void
start(void)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	trial_must(space_create(&layout, &sp), "space");
	trial_must(proc_create(0, sp, &churn.init), "process");
	space_put(sp);
	give_resources(churn.init);
	map_pages(sp, PRIVATE, PRIVATE_PAGES, MAPF_PRIVATE);
	map_pages(sp, SHARED, 1, MAPF_SHARED);
	write_pages(sp, PRIVATE, PRIVATE_PAGES);
	write_pages(sp, SHARED, 1);
	trial_must(proc_fork(churn.init, SIGNAL_CHLD, 0, &churn.crowd), "a parent of many threads");
	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++)
		make_driver(cpu);
	write_pages(churn.crowd->space, PRIVATE, PRIVATE_PAGES);
	write_pages(churn.crowd->space, SHARED, 1);
}

/* What must be the same after each batch. */
struct ledger {
	struct frame_totals frames;
	uint64_t	    processes, regions, resources, objects, charged;
};

static struct ledger
ledger(void)
{
	anymm_drain();
	return (struct ledger){
		.frames = frame_totals(),
		.processes = proc_count(),
		.regions = space_live_regions(),
		.resources = resource_live(),
		.objects = object_live(),
		.charged = churn.account->nr,
	};
}

static void
expect_ledger(const struct ledger *before)
{
	struct ledger now = ledger();

	trial_expect_frames(&before->frames);
	if (now.processes != before->processes || now.regions != before->regions ||
	    now.resources != before->resources || now.objects != before->objects ||
	    now.charged != before->charged)
		trial_fail("processes, regions, resources, objects, paid for: %lu %lu %lu %lu %lu, "
			   "before %lu %lu %lu %lu %lu",
			   (unsigned long)now.processes, (unsigned long)now.regions,
			   (unsigned long)now.resources, (unsigned long)now.objects,
			   (unsigned long)now.charged, (unsigned long)before->processes,
			   (unsigned long)before->regions, (unsigned long)before->resources,
			   (unsigned long)before->objects, (unsigned long)before->charged);
}

static void
check_driver(unsigned cpu)
{
	const struct driver *d = &churn.drivers[cpu];
	uint64_t	     shared = word_at(d->own->space, shared_of(cpu));

	if (d->open != 0 || d->told != d->given)
		trial_fail("CPU %u: %lu children are open, codes told %lu, given %lu", cpu,
			   (unsigned long)d->open, (unsigned long)d->told, (unsigned long)d->given);
	if (shared != d->ran)
		trial_fail("CPU %u: %lu have run there, the shared word is %lu", cpu,
			   (unsigned long)d->ran, (unsigned long)shared);
	if (word_at(churn.crowd->space, private_of(cpu)) != d->of_crowd)
		trial_fail("CPU %u: a thread has counted to %lu, not %lu", cpu,
			   (unsigned long)word_at(churn.crowd->space, private_of(cpu)),
			   (unsigned long)d->of_crowd);
	for (vaddr_t at = PRIVATE; at < PRIVATE + PRIVATE_PAGES * ARCH_PAGE_SIZE;
	     at += ARCH_PAGE_SIZE) {
		if (word_at(d->own->space, at) != 0)
			trial_fail("a child's write has reached its parent");
	}
}

static void
run_batch(uint64_t cycles)
{
	churn.batch = cycles / boot_nr_cpus();
	atomic_store(&churn.at_work, boot_nr_cpus());
	trial_on_all(drive);
	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++)
		check_driver(cpu);
	trial_check_all();
}

static void
finish(void)
{
	int32_t code;

	proc_kill_descendants(churn.init, 0);
	proc_exit(churn.init, 0);
	trial_must(proc_reap(NULL, churn.init, &code), "reap");
	resource_put(&churn.account->resource);
	if (atomic_load(&churn.things) != 0)
		trial_fail("%lu things are left", (unsigned long)atomic_load(&churn.things));
}

static uint64_t
made_by_all(void)
{
	uint64_t made = 0;

	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++)
		made += churn.drivers[cpu].made;
	return made;
}

void
trial_churn(void)
{
	uint64_t	    cycles = bootinfo_number("cycles", CYCLES);
	struct frame_totals before;
	struct ledger	    at_start;

	trial_start_library();
	trial_watch(60, "children that come and go");
	anymm_drain();
	before = frame_totals();
	start();
	at_start = ledger();
	while (made_by_all() < cycles) {
		run_batch(CYCLES_BATCH);
		expect_ledger(&at_start);
	}
	console_printf("# %lu forks of spaces, %lu pages copied, %lu shootdowns\n",
		       (unsigned long)stat_get(STAT_FORKS),
		       (unsigned long)stat_get(STAT_PAGE_COPIES),
		       (unsigned long)stat_get(STAT_SHOOTDOWNS));
	trial_pass("%lu children came and went on %u CPUs", (unsigned long)made_by_all(),
		   boot_nr_cpus());
	trial_pass("every code was told once, no private write was seen, every shared one was");
	trial_pass("after each batch everything was as before the first");
	finish();
	trial_check_all();
	trial_expect_frames(&before);
	trial_pass("every frame came back");
}
