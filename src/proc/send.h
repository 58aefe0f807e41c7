/*
 * send.h - signals from inside. Those to a process HOLD the process-table lock, and it has not exited.
 */
#pragma once

#include <anymm/process.h>

/* signal_exists - from 1 to SIGNAL_NR. */
bool signal_exists(unsigned signal);

/* signal_post - from the process's own namespace of ids; signal 0: nothing. */
void signal_post(struct process *proc, const struct signal_info *info);

/* signal_post_from - the same from a given one, for which its init may be shielded. false: it has no effect. */
bool signal_post_from(struct process *proc, const struct signal_info *info,
		      const struct namespace *from);

/* signal_post_to_one_of_many - the same, and to the children that proc is forking. */
void signal_post_to_one_of_many(struct process *proc, const struct signal_info *info,
				const struct namespace *from);
