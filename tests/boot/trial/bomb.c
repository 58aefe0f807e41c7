/*
 * bomb.c - a fork bomb on a real machine: all CPUs fork until the limit says no, and the one who
 * started it kills the rest. Twice, and every frame is there again.
 *
 *	            first                   the parent of process n is process (n - 1) / 2,
 *	          /       \                 whichever CPU has made that, so that all of them
 *	        1           2               fork in the same places of one tree
 *	       / \         / \
 *	      3   4       5   6
 *
 * (ALM-25, CAM-26, CAM-B04)
 */
#include "trial.h"

#include <anymm/usercopy.h>

#include "../../../arch/x86_64/boot/ring3.h"
#include "base/format.h"

#define PROCESSES 30000
#define MOST	  65536
#define PAGES	  16
#define AREA	  UINT64_C(0x10000000000)

static struct bomb {
	struct account		 *account;
	_Atomic(struct process *) processes[MOST];
	_Atomic uint64_t	  next;	    /* the number of the next one to make */
	_Atomic uint64_t	  made;	    /* with the first one */
	_Atomic uint64_t	  refusals; /* forks that the limit has refused */
	uint64_t		  limit;
} bomb;

/* The parent, once the CPU that makes it has done so. */
static struct process *
process_of(uint64_t n)
{
	struct process *proc;

	while (!(proc = atomic_load(&bomb.processes[n])))
		x86_pause();
	return proc;
}

/* A process is never run; this shows that it could: its memory is its own. */
static void
look_into(struct process *proc, uint64_t n)
{
	uint64_t word = 0;

	if (copy_from_space(proc->space, &word, AREA + n % PAGES * ARCH_PAGE_SIZE, sizeof(word)) !=
		    0 ||
	    word != n % PAGES)
		trial_fail("process %lu does not have what the first one had", (unsigned long)n);
}

/* Whoever finds nothing more to make waits for the others' last ones, forks once more, and is refused. */
static void
be_refused(void)
{
	struct process *child;
	err_t		err;

	while (atomic_load(&bomb.made) < bomb.limit)
		x86_pause();
	err = proc_fork(process_of(0), SIGNAL_CHLD, 0, &child);
	if (err != ERR_AGAIN)
		trial_fail("the limit is reached: %s", err_name(err));
	atomic_fetch_add(&bomb.refusals, 1);
}

static void
explode(unsigned cpu)
{
	uint64_t n;

	(void)cpu;
	while ((n = atomic_fetch_add(&bomb.next, 1)) < bomb.limit) {
		struct process *child;

		trial_must(proc_fork(process_of((n - 1) / 2), SIGNAL_CHLD, 0, &child), "fork");
		trial_alive();
		look_into(child, n);
		atomic_store(&bomb.processes[n], child);
		atomic_fetch_add(&bomb.made, 1);
	}
	be_refused();
}

static void
start(void)
{
	struct space_layout layout = space_default_layout();
	struct map_request  request = { .addr = AREA,
					.length = PAGES * ARCH_PAGE_SIZE,
					.prot = PROT_R | PROT_W,
					.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED };
	struct process	   *first;
	struct space	   *sp;
	vaddr_t		    at;

	trial_must(space_create(&layout, &sp), "space");
	trial_must(proc_create(0, sp, &first), "process");
	space_put(sp);
	trial_must(account_create(NULL, bomb.limit, &bomb.account), "account");
	proc_set_resource(first, RESOURCE_ACCOUNT, resource_get(&bomb.account->resource));
	trial_must(space_map(sp, &request, &at), "map");
	for (uint64_t i = 0; i < PAGES; i++) {
		if (ring3_access(sp, ACCESS_STORE, AREA + i * ARCH_PAGE_SIZE, &i, sizeof(i)) !=
		    FAULT_DONE)
			trial_fail("the first process cannot write");
	}
	pt_deactivate(&sp->pt);
	atomic_store(&bomb.processes[0], first);
}

static void
one_bomb(void)
{
	struct process *first = process_of(0);
	uint64_t	killed;

	for (uint64_t n = 1; n < bomb.limit; n++)
		atomic_store(&bomb.processes[n], NULL);
	atomic_store(&bomb.next, 1);
	atomic_store(&bomb.made, 1);
	atomic_store(&bomb.refusals, 0);
	trial_on_all(explode);
	if (proc_count() != bomb.limit || bomb.account->nr != bomb.limit ||
	    atomic_load(&bomb.refusals) != boot_nr_cpus())
		trial_fail("%lu processes, %lu paid for, %lu forks refused",
			   (unsigned long)proc_count(), (unsigned long)bomb.account->nr,
			   (unsigned long)atomic_load(&bomb.refusals));
	trial_alive();
	trial_check_all();
	trial_pass("%lu processes in one tree, made by %u CPUs; then each was refused",
		   (unsigned long)proc_count(), boot_nr_cpus());
	trial_alive();
	killed = proc_kill_descendants(first, 9);
	if (killed != bomb.limit - 1 || proc_count() != 1 || bomb.account->nr != 1)
		trial_fail("%lu killed, %lu are left", (unsigned long)killed,
			   (unsigned long)proc_count());
	look_into(first, 1);
}

void
trial_bomb(void)
{
	struct frame_totals before, with_first;
	int32_t		    code;

	bomb.limit = bootinfo_number("processes", PROCESSES);
	if (bomb.limit > MOST)
		trial_fail("at most %u processes", MOST);
	trial_start_library();
	trial_watch(60, "a fork bomb, or its end");
	anymm_drain();
	before = frame_totals();
	start();
	anymm_drain();
	with_first = frame_totals();
	for (unsigned round = 0; round < 2; round++) {
		one_bomb();
		trial_check_all();
		trial_expect_frames(&with_first);
		trial_pass("all but the first are gone, and every frame of theirs is back");
	}
	proc_exit(process_of(0), 0);
	trial_must(proc_reap(NULL, process_of(0), &code), "reap");
	resource_put(&bomb.account->resource);
	trial_expect_frames(&before);
	trial_pass("every frame came back");
}
