/*
 * pte.c - entries in memory: the atomic access itself, then what the ledger has to
 * know about the change.
 */
#include "machine.h"

#include "ledger.h"

void
sim_pte_write(uint64_t *slot, uint64_t next)
{
	__atomic_store_n(slot, next, __ATOMIC_RELEASE);
}

uint64_t
sim_pte_exchange(uint64_t *slot, uint64_t next)
{
	return __atomic_exchange_n(slot, next, __ATOMIC_ACQ_REL);
}

bool
sim_pte_cas(uint64_t *slot, uint64_t *expected, uint64_t next)
{
	return __atomic_compare_exchange_n(slot, expected, next, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}
