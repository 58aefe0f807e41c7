/*
 * broken.c - machines that forget one thing, once, and are otherwise sound.
 *
 * What the boot CPU flushes for itself is never left out: in the trials it makes the changes
 * and the others hold the translations.
 */
#include "trial.h"

#include "base/format.h"

static enum x86_flush	kind; /* of the flush to leave out */
static _Atomic uint64_t left; /* occasions until then */
static vaddr_t		page; /* whose INVLPG it is */
static bool		in_fault[CPU_MAX];

/* The turn has come, and it comes only once. */
static bool
is_the_one(const char *what)
{
	if (atomic_fetch_sub(&left, 1) != 1)
		return false;
	console_printf("# %s\n", what);
	return true;
}

static bool
leave_out_flush(enum x86_flush flush, vaddr_t va)
{
	return flush == kind && (kind == X86_FLUSH_ASID || va == page) && platform_cpu() != 0 &&
	       !in_fault[platform_cpu()] &&
	       is_the_one("from here on the machine is broken: one flush has been left out");
}

static bool
leave_out_ipi(unsigned cpu)
{
	return cpu != 0 &&
	       is_the_one("from here on the machine is broken: one interrupt was not sent");
}

void
broken_handling_fault(bool begins)
{
	in_fault[platform_cpu()] = begins;
}

void
broken_choose_page(vaddr_t va)
{
	page = va;
}

void
broken_init(void)
{
	atomic_store(&left, bootinfo_number("after", 100));
	if (bootinfo_option_is("break", "skip-ipi")) {
		skip_ipi = leave_out_ipi;
		return;
	}
	if (!bootinfo_option("break"))
		return;
	kind = bootinfo_option_is("break", "skip-flush") ? X86_FLUSH_ASID : X86_FLUSH_PAGE;
	x86_machine.skip_flush = leave_out_flush;
}
