/*
 * stage.c - a real PC as the stage of scenarios: each access is made in ring 3 on the
 * CPU that the scenario names; the interpreter waits for that CPU.
 */
#include "boot.h"
#include "ring3.h"

#include "scenario/stage.h"

struct access_call {
	struct space	 *sp;
	enum access	  access;
	vaddr_t		  va;
	void		 *buf;
	size_t		  bytes;
	vaddr_t		  failed;
	enum fault_result result;
};

static void
access_here(void *arg)
{
	struct access_call *c = arg;

	c->result = ring3_access_at(c->sp, c->access, c->va, c->buf, c->bytes, &c->failed);
}

enum fault_result
stage_access(unsigned cpu, struct space *sp, enum access access, vaddr_t va, void *buf,
	     size_t bytes, vaddr_t *failed)
{
	struct access_call c = { .sp = sp, .access = access, .va = va, .buf = buf, .bytes = bytes };

	smp_call(cpu, access_here, &c);
	if (c.result != FAULT_DONE && failed)
		*failed = c.failed;
	return c.result;
}

void
stage_on_cpu(unsigned cpu, void (*fn)(void *), void *arg)
{
	smp_call(cpu, fn, arg);
}

/* Counted from 1; failing starts at fail_at, and ends there unless all after fail too. */
static _Atomic uint64_t allocations;
static uint64_t		fail_at;
static bool		fail_all_after;

static bool
fails(void)
{
	uint64_t n = atomic_fetch_add(&allocations, 1) + 1;

	return fail_at && (fail_all_after ? n >= fail_at : n == fail_at);
}

void
stage_fail_allocation(uint64_t n, bool and_all_after)
{
	x86_machine.inject_failure = fails;
	fail_at = n ? atomic_load(&allocations) + n : 0;
	fail_all_after = and_all_after;
}

uint64_t
stage_allocations(void)
{
	x86_machine.inject_failure = fails;
	return atomic_load(&allocations);
}

static void
leave_here(void *arg)
{
	struct space *sp = arg;

	pt_deactivate(&sp->pt);
}

void
stage_leave(struct space *sp)
{
	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++) {
		if (atomic_load(&sp->pt.active_on) & cpu_bit(cpu))
			smp_call(cpu, leave_here, sp);
	}
}
