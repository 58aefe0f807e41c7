/*
 * pte.c - entries in memory: the atomic access itself, then what the ledger has to
 * know about the change.
 */
#include "machine.h"

#include "ledger.h"

void
sim_pte_write(uint64_t *slot, uint64_t next)
{
	uint64_t old = __atomic_exchange_n(slot, next, __ATOMIC_ACQ_REL);

	ledger_entry_changed(slot, old, next, __builtin_return_address(0));
}

uint64_t
sim_pte_exchange(uint64_t *slot, uint64_t next)
{
	uint64_t old = __atomic_exchange_n(slot, next, __ATOMIC_ACQ_REL);

	ledger_entry_changed(slot, old, next, __builtin_return_address(0));
	return old;
}

bool
sim_pte_cas(uint64_t *slot, uint64_t *expected, uint64_t next)
{
	if (!__atomic_compare_exchange_n(slot, expected, next, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return false;
	ledger_entry_changed(slot, *expected, next, __builtin_return_address(0));
	return true;
}
