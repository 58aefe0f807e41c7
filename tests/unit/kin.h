/*
 * kin.h - small trees of processes, and what the library told their kernel, for tests.
 *
 * All processes share one space unless a test forks without PROC_SHARE_SPACE, so trees may
 * be large. The hooks write down what they are called for.
 */
#pragma once

#include "unit/sketch.h"

#include <anymm/handle.h>
#include <anymm/process.h>

/* kin_first - a fresh machine with one process, id 1, whose space has pages 1 to 3 stored to. */
struct process *kin_first(void);

/* kin_first_with - on a machine with so many frames, with these hooks and policy. */
struct process *kin_first_with(uint64_t nr_frames, enum orphan_policy policy);

/*
 * kin_first_with_bodies - kin_first, where threads have floating-point states and, if the kernel has a
 * window for them, stacks.
 */
struct process *kin_first_with_bodies(void);

/* kin_begin - where such threads begin on their stacks; nothing runs there. */
void kin_begin(void *thread);

/* kin_first_on - on a machine with so many nodes of two CPUs each. */
struct process *kin_first_on(unsigned nr_nodes);

/* kin_child - a child that shares its parent's space, with these flags besides. */
struct process *kin_child(struct process *parent, uint64_t flags);

/* kin_fork - a child with a copy of the space. */
struct process *kin_fork(struct process *parent);

/* kin_clone - proc_clone, checking that the result says the same in all its parts. */
err_t kin_clone(struct thread *caller, const struct clone_request *request, struct thread **out);

/* kin_exit - the process exits; invariants hold afterwards. */
void kin_exit(struct process *proc, int32_t code);

/* kin_bury - and is waited for; its code must come back. */
void kin_bury(struct process *proc, int32_t code);

/* kin_wait - wait for any child, which must succeed; gives the result. */
struct wait_result kin_wait(struct process *parent);

/* kin_end - every process exits and is waited for; nothing may be left. */
void kin_end(void);

/* What the hooks saw since kin_first. */
struct kin_log {
	unsigned	nr_wakes;
	unsigned	nr_starts;
	unsigned	nr_releases;
	unsigned	nr_halts;
	bool		refuse_halt; /* the hook halt says false */
	unsigned	nr_init_exits;
	uint64_t	init_children;
	struct process *last_woken;
	struct thread  *last_started;
	unsigned nr_incomplete; /* started before they were alive, in the tree, and had a space */
	uint32_t halted[16];	/* ids in the order of their halts */
};
extern struct kin_log kin_log;

/* A thing with a count, for slots and handles. kin_thing - a fresh one, with one reference. */
struct kin_thing {
	struct resource resource;
	unsigned	nr_copies;
	unsigned	nr_resets;
	bool		is_used;
};
struct resource	 *kin_thing(void);
struct kin_thing *kin_thing_in(struct resource *resource);

/* kin_things - how many there are. */
unsigned kin_things(void);

/*
 * kin_fail_each - run the call with its first, second, ... allocation failing, then with all
 * from it on, until it succeeds. Each failure must be ERR_NOMEM and leave every user-visible thing,
 * every count and every frame as it was. `undo` takes a success back. gives the number of failures
 */
unsigned kin_fail_each(err_t (*call)(void), void (*undo)(void));

/* kin_expect_no_trace - the call fails with this error, and everything of the above is as it was. */
void kin_expect_no_trace(err_t (*call)(void), err_t wanted);
