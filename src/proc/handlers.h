/*
 * handlers.h - what processes do about signals, for the files that fork, exec and exit.
 *
 * The table of a process may be shared with others. It is protected by the process-table
 * lock, which every sender holds anyway.
 */
#pragma once

#include <anymm/process.h>

/* [c] constant after create   [p] the process-table lock */
struct handlers {
	struct resource	     resource;
	struct signal_action action[SIGNAL_NR]; /* [p] of signal n at n - 1 */
};

/* handlers_create - all default. fails ERR_NOMEM */
err_t handlers_create(struct handlers **out);

/* handlers_exist - proc has a table of its own. */
bool handlers_exist(struct process *proc);

/* handlers_reset - exec: whatever is not ignored gets its default. NULL is fine. */
void handlers_reset(struct handlers *handlers);

/* All of these HOLD the process-table lock. */

/* handlers_action - of a process for a signal; default if it has no table. */
struct signal_action handlers_action(const struct process *proc, unsigned signal);

/* handlers_set_default - for one signal whose handler is there for one time only. */
void handlers_set_default(struct process *proc, unsigned signal);

/* handlers_ignore_children - exited children leave no zombie. */
bool handlers_ignore_children(const struct process *parent);

/* handlers_want_child_stops - CHLD comes also for stops and continuations. */
bool handlers_want_child_stops(const struct process *parent);

/* signal_ends - one waits for t that ends its process. */
bool signal_ends(struct thread *t);
