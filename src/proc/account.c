/*
 * account.c - limits on the number of processes and threads.
 *
 *	limit 1000	        everybody
 *	                       /         \
 *	limit 100	    one user   another       a fork counts in its account and in all
 *	                   /                         above, or in none: it is refused
 *	limit 10	one tree
 *
 * The counts are protected by the process-table lock; the account itself is a resource, so
 * it lives as long as a process or an account below names it. A zombie counts until it has
 * been waited for.
 */
#include "proc/account.h"

#include "base/assert.h"
#include "proc/state.h"

static void
destroy(struct resource *resource)
{
	struct account *account = CONTAINER_OF(resource, struct account, resource);
	struct account *above = account->above;

	REQUIRE(account->nr == 0, "an account ends that pays for %llu processes",
		(unsigned long long)account->nr);
	slab_free(&proc_state()->accounts, account);
	if (above)
		resource_put(&above->resource);
}

static const struct resource_ops account_ops = { .name = "account", .destroy = destroy };

err_t
account_create(struct account *above, uint64_t limit, struct account **out)
{
	unsigned	level = above ? above->level + 1 : 0;
	struct account *account;

	if (level > ACCOUNT_DEPTH)
		return ERR_NOSPC;
	account = slab_alloc(&proc_state()->accounts);
	if (!account)
		return ERR_NOMEM;
	resource_init(&account->resource, &account_ops);
	account->level = level;
	account->limit = limit;
	account->above = above;
	if (above)
		resource_get(&above->resource);
	*out = account;
	return OK;
}

void
account_set_limit(struct account *account, uint64_t limit)
{
	proc_lock();
	account->limit = limit;
	proc_unlock();
}

static void
add(struct account *account, uint32_t nr)
{
	for (; account; account = account->above)
		account->nr += nr;
}

static void
subtract(struct account *account, uint32_t nr)
{
	for (; account; account = account->above) {
		REQUIRE(account->nr >= nr, "an account pays for %llu processes, not for %u",
			(unsigned long long)account->nr, nr);
		account->nr -= nr;
	}
}

err_t
account_charge(struct account *account)
{
	for (const struct account *at = account; at; at = at->above) {
		if (at->nr >= at->limit)
			return ERR_AGAIN;
	}
	add(account, 1);
	return OK;
}

void
account_discharge(struct account *account)
{
	subtract(account, 1);
}

void
account_leave(struct process *proc)
{
	subtract(account_of(proc), proc->nr_charged);
	proc->nr_charged = 0;
}

void
account_move(struct account *from, struct account *to, uint32_t nr)
{
	subtract(from, nr);
	add(to, nr);
}

/* A change of account is not a fork: it is never refused, the next fork is. */
void
account_change(struct process *proc, struct account *next)
{
	account_move(account_of(proc), next, proc->nr_charged);
}
