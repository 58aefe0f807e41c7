/*
 * reclaim.h - page-out: frames for those who need them now, from those who have not used
 * theirs for a while.
 *
 * Nothing here is called with a lock held: it flushes every CPU and waits for devices.
 * Interrupts are on.
 */
#pragma once

#include <anymm/space.h>
#include <anymm/swap.h>

/*
 * reclaim_run - take pages from their owners until about nr_frames have become free, or
 * nobody has anything left to take.
 *   gives  the number of frames that became free
 */
uint64_t reclaim_run(uint64_t nr_frames);

/*
 * reclaim_is_wanted - fewer frames are available than the low watermark: time to wake the
 * daemon, which is the embedder's. reclaim_balance - what the daemon does: reclaim until the
 * high watermark is reached; gives false if there was not enough to take.
 */
bool reclaim_is_wanted(void);
bool reclaim_balance(void);

/*
 * reclaim_before - for those about to allocate: reclaims a little if frames are below the low
 * watermark, so that memory lasts also without a daemon.
 */
void reclaim_before(void);

/*
 * What the embedder does when a fault finds no memory and page-out has nothing left to take: wait
 * for others, end a process, or nothing. Called with no lock held, on the CPU that faulted.
 *   gives  true: memory has been given back, the fault tries again; false: it ends as FAULT_NOMEM
 */
struct oom_policy {
	bool (*relieve)(struct oom_policy *policy, struct space *sp);
	void *private_data;
};

/* reclaim_set_oom_policy - from now on; it stays the caller's and must live on. NULL: none, as at boot. */
void reclaim_set_oom_policy(struct oom_policy *policy);

/* reclaim_relieve - ask the policy on behalf of a space; false if there is none. */
bool reclaim_relieve(struct space *sp);

/*
 * reclaim_retry - for those who got ERR_NOMEM, left everything as it was and hold nothing (faults,
 * src/call, exec_load, proc_clone): true if something became free and it is worth trying again;
 * false also if frames are not what lacks. *tries counts, from 0; after RECLAIM_RETRIES it is false.
 */
#define RECLAIM_RETRIES 16
bool reclaim_retry(unsigned *tries);

/* reclaim_init - called once at boot. */
err_t reclaim_init(void);
