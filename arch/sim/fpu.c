/*
 * fpu.c - the floating-point registers of each simulated CPU.
 *
 * After power-on they hold what nobody has put there, as on hardware: a program that is
 * run without having been loaded sees it.
 */
#include "machine.h"

#include <inttypes.h>

void
fpu_start(void)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
		struct arch_fpu *fpu = &sim_state.cpus[cpu].fpu;

		fpu->control = SIM_FPU_CONTROL;
		for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
			fpu->word[i] = UINT64_C(0xbad0bad0bad0bad0) + cpu * ARCH_FPU_WORDS + i;
	}
}

void
sim_fpu_save(struct arch_fpu *fpu)
{
	*fpu = this_cpu()->fpu;
}

void
sim_fpu_load(const struct arch_fpu *fpu)
{
	if (fpu->control & ~SIM_FPU_CONTROL)
		sim_violation("a floating-point state with control word %" PRIx64 " is loaded",
			      fpu->control);
	this_cpu()->fpu = *fpu;
}
