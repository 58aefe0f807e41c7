/*
 * account.h - who pays for processes and threads. Every function HOLDS the process-table lock.
 */
#pragma once

#include <anymm/process.h>

/* account_of - of a process, or NULL. */
static inline struct account *
account_of(const struct process *proc)
{
	return (struct account *)proc->resources[RESOURCE_ACCOUNT];
}

/*
 * account_charge - for one more. NULL: nobody pays, and nobody limits.
 *   fails  ERR_AGAIN: this account or one above is at its limit; nothing changed
 * account_discharge - for one fewer.
 */
err_t account_charge(struct account *account);
void  account_discharge(struct account *account);

/* account_move - one pays for so many, and the other did. It is no fork: it is never refused. */
void account_move(struct account *from, struct account *to, uint32_t nr);

/* account_leave - the account pays no more for the process. account_change - another one does. */
void account_leave(struct process *proc);
void account_change(struct process *proc, struct account *next);
