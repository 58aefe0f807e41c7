/*
 * steps.c - counts instructions of the kernel itself by the CPU's single-step trap; see
 * model/steps.h. The machine is taken back to where it was before the call.
 */
#include "model/steps.h"

#include <cmocka.h>

#include "../../arch/x86_64/boot/boot.h"
#include "machine.h"

#define FLAGS_TRAP "0x100"

static uint64_t nr_steps;

static void
count_step(void)
{
	nr_steps++;
}

/* From the instruction behind POPF on, and up to it. */
static void
begin_stepping(void)
{
	nr_steps = 0;
	step_hook = count_step;
	__asm__ volatile("pushfq\n\torq $" FLAGS_TRAP ", (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void
end_stepping(void)
{
	__asm__ volatile("pushfq\n\tandq $~" FLAGS_TRAP ", (%%rsp)\n\tpopfq" : : : "memory", "cc");
	step_hook = NULL;
}

bool
steps_count(void (*call)(void *), void *arg, uint64_t *steps)
{
	machine_snapshot();
	begin_stepping();
	call(arg);
	end_stepping();
	machine_reset();
	*steps = nr_steps;
	return true;
}

void
steps_abort(void)
{
	end_stepping();
	fail_msg("the call whose steps are counted did not do what it should");
}
