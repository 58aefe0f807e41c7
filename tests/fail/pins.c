/* pins.c - pages held for devices; see pins.h. */
#include "fail/pins.h"

enum { NR_PINS = 3 };

static pfn_t pinned[NR_PINS];

static enum outcome
pin(struct world *w, vaddr_t va, uint64_t nr_pages, unsigned flags)
{
	return of_err(call_pin(w->proc->space, va, nr_pages, flags, pinned));
}

enum outcome
pin_for_writing(struct world *w)
{
	return pin(w, w->edge - PAGE, NR_PINS, PIN_WRITE);
}

enum outcome
pin_for_reading(struct world *w)
{
	return pin(w, w->edge - PAGE, NR_PINS, 0);
}

enum outcome
pin_shared_memory(struct world *w)
{
	return pin(w, w->shared, 1, PIN_WRITE);
}

void
prepare_pins(struct world *w)
{
	assert_int_equal(pin_for_writing(w), DID);
}

enum outcome
unpin(struct world *w)
{
	(void)w;
	call_unpin(pinned, NR_PINS, true);
	return DID;
}
