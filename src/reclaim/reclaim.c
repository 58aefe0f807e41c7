/*
 * reclaim.c - who reclaims, when, and how much.
 *
 *	available frames      high ────────── the daemon stops
 *	                      low  ────────── the daemon starts; faults help, a batch each
 *	                      min
 *	                      reserve ─────── ordinary allocations fail: reclaim and try again
 *
 * When there is nothing to take, asking again at every fault would cost a round
 * over all memory each time. So after a try in vain the next few faults do
 * not try, then twice as many, and so on; one success ends that. Those for whom an
 * allocation has failed always try.
 */
#include "reclaim/objects.h"
#include "reclaim/tables.h"

/* Frames that one fault makes free before it allocates. */
#define FAULT_BATCH 32

/* Faults that do not try, at most, after one that tried in vain. */
#define IDLE_MAX 4096

/*
 * swap_out - private pages and those of shared memory give in proportion to what there is of them; what
 * one side lacks the other gives.
 */
static uint64_t
swap_out(uint64_t nr_frames)
{
	struct frame_totals totals = frame_totals();
	uint64_t	    shared = totals.by_kind[FRAME_OBJECT];
	uint64_t	    all = shared + totals.by_kind[FRAME_ANON];
	uint64_t	    share = all ? nr_frames * shared / all : 0;
	uint64_t	    freed = objects_reclaim(OBJECTS_IN_MEMORY, share);
	bool		    has_more = freed >= share;

	if (freed < nr_frames)
		freed += tables_reclaim(nr_frames - freed);
	if (freed < nr_frames && has_more)
		freed += objects_reclaim(OBJECTS_IN_MEMORY, nr_frames - freed);
	return freed;
}

uint64_t
reclaim_run(uint64_t nr_frames)
{
	struct reclaim_state *st = reclaim_state();
	uint64_t	      freed = objects_reclaim(OBJECTS_STORED, nr_frames);

	/* Pages that can be had again go first: most of them without writing anything. */
	if (freed < nr_frames)
		freed += swap_out(nr_frames - freed);
	if (freed) {
		atomic_store(&st->idle, 0);
		atomic_store(&st->idle_next, 1);
	} else {
		uint64_t next = atomic_load(&st->idle_next);

		atomic_store(&st->idle, next);
		atomic_store(&st->idle_next, min_u64(2 * next, IDLE_MAX));
	}
	return freed;
}

bool
reclaim_is_wanted(void)
{
	return frames_available() < frame_watermarks().low;
}

bool
reclaim_balance(void)
{
	uint64_t high = frame_watermarks().high;
	uint64_t now;

	while ((now = frames_available()) < high) {
		if (reclaim_run(high - now) == 0)
			return false;
	}
	return true;
}

void
reclaim_before(void)
{
	struct reclaim_state *st = reclaim_state();
	uint64_t	      idle;

	if (LIKELY(!reclaim_is_wanted()))
		return;
	idle = atomic_load(&st->idle);
	if (idle)
		atomic_compare_exchange_strong(&st->idle, &idle, idle - 1);
	else
		reclaim_run(FAULT_BATCH);
}

/* With that many frames available it was not frames that lacked: page-out cannot help. */
bool
reclaim_retry(unsigned *tries)
{
	if (frames_available() >= frame_watermarks().high)
		return false;
	return (*tries)++ < RECLAIM_RETRIES && reclaim_run(FAULT_BATCH) > 0;
}

void
reclaim_set_oom_policy(struct oom_policy *policy)
{
	atomic_store(&reclaim_state()->oom_policy, policy);
}

bool
reclaim_relieve(struct space *sp)
{
	struct oom_policy *policy = atomic_load(&reclaim_state()->oom_policy);

	return policy && policy->relieve(policy, sp);
}

err_t
reclaim_init(void)
{
	pfn_t pfn;
	err_t err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	root()->part[ROOT_RECLAIM] = arch_frame_ptr(pfn);
	atomic_store(&reclaim_state()->idle_next, 1);
	return OK;
}
