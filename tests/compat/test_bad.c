/*
 * test_bad.c - bad values for every argument of every call: an error changes nothing, and is the
 * one that this Linux gives.
 */
#include "compat/bad.h"
#include "compat/seen.h"
#include "compat/world.h"
#include "harness.h"
#include "space/bounds.h"

#include <anymm/check.h>

#include <stdio.h>
#include <string.h>

/* What a request came to in the library. */
struct outcome {
	err_t err;
	bool  changed_anything; /* a byte, an entry, a counter */
	bool  changed_maps;
};

struct trial {
	struct world   world; /* as the machine remembers it */
	unsigned       wrong;
	bool	       cannot_say; /* this Linux */
	struct outcome outcome;
};

/* maps_digest - of all that /proc/PID/maps would tell. */
static uint64_t
maps_digest(struct space *sp)
{
	struct seen seen = { 0 };

	for (struct region *r = space_first(sp); r; r = region_next(r))
		seen_add(&seen, (struct seen_map){
					.start = r->range.start,
					.end = r->range.end,
					.what = r->prot | (r->flags & REGION_SHARED) << 8 |
						(r->object ? r->object->id << 16 : 0),
					.has_offset = r->object,
					.offset = r->offset << ARCH_PAGE_SHIFT,
				});
	return seen_end(&seen);
}

static struct outcome
try_in_library(struct trial *t, const struct request *request)
{
	struct world   w = t->world;
	struct outcome outcome = { 0 };
	struct digest  before, after;
	uint64_t       maps;

	machine_reset();
	world_prepare(&w, request);
	before = digest_all();
	maps = maps_digest(w.sp);
	outcome.err = world_run(&w, request);
	after = digest_all();
	outcome.changed_anything = before.lo != after.lo || before.hi != after.hi;
	outcome.changed_maps = maps != maps_digest(w.sp);
	machine_check_invariants();
	return outcome;
}

static void
complain(struct trial *t, const struct bad *bad, const char *text)
{
	char bit[16];

	snprintf(bit, sizeof(bit), "bit %u", bad->bit);
	print_message("%s, %s: %s: the library gives %s%s: %s\n", bad->subject, bad->argument,
		      bad->name ? bad->name : bit, err_name(t->outcome.err),
		      t->outcome.changed_anything ? ", with a change" : "", text);
	t->wrong++;
}

/* is_range - the call acts on a range that is one: it does not wrap around. */
static bool
is_range(const struct request *request)
{
	return request->arg[0] + request->arg[1] >= request->arg[0];
}

/* leaves_part - the call stops where it can go no further; what came before stays, as on Linux. */
static bool
leaves_part(const struct bad *bad, err_t err)
{
	switch ((int)bad->request.call) {
	case CALL_MPROTECT:
	case CALL_MUNLOCK:
	case CALL_MLOCK:
	case CALL_MLOCK2:
	case CALL_MINCORE: /* in vec */
		return err == ERR_NOMEM && is_range(&bad->request);
	case CALL_MADVISE:
		return is_range(&bad->request) && is_page_aligned(bad->request.arg[0]);
	case CALL_READV:
	case CALL_WRITEV:
	case CALL_PIN:
		return err == ERR_FAULT; /* pages have been brought in */
	default:
		return false;
	}
}

static void
expect_no_change(const struct bad *bad, void *data)
{
	struct trial *t = data;

	t->outcome = try_in_library(t, &bad->request);
	if (t->outcome.err && t->outcome.changed_anything && !leaves_part(bad, t->outcome.err))
		complain(t, bad, "an error must change nothing");
}

/* fails_late - Linux has unmapped the new place before it refuses: a chosen difference. */
static bool
fails_late(const struct bad *bad)
{
	return bad->request.call == CALL_MREMAP || bad->request.call == CALL_MMAP;
}

static void
expect_as_on_linux(const struct bad *bad, void *data)
{
	struct trial	     *t = data;
	struct native_outcome native;
	char		      text[64];

	if (t->cannot_say || bad->is_deadly || is_ours(bad->request.call))
		return;
	if (!native_run(&bad->request, &native)) {
		t->cannot_say = true;
		return;
	}
	t->outcome = try_in_library(t, &bad->request);
	snprintf(text, sizeof(text), "Linux gives %s%s", err_name(native.err),
		 native.changed ? ", with other maps" : "");
	if (bad_differs(bad) && native.err != t->outcome.err)
		return;
	if (bad_differs(bad) || native.err != t->outcome.err)
		complain(t, bad, text);
	else if (native.err && native.changed != t->outcome.changed_maps &&
		 !(native.changed && fails_late(bad)))
		complain(t, bad, text);
}

static struct trial
trial_begin(void)
{
	struct trial t = { .world = world_make() };

	machine_snapshot();
	return t;
}

static void
trial_end(struct trial *t)
{
	machine_reset();
	world_end(&t->world);
	assert_int_equal(t->wrong, 0);
}

static void
an_error_changes_nothing(void **state)
{
	struct trial t = trial_begin();

	(void)state;
	bad_each(expect_no_change, &t);
	trial_end(&t);
}

static void
bad_values_give_the_errors_of_linux(void **state)
{
	struct trial t = trial_begin();

	(void)state;
	bad_each(expect_as_on_linux, &t);
	trial_end(&t);
	if (t.cannot_say) {
		print_message("this Linux cannot say: older than 6.18, or may not lock memory\n");
		skip();
	}
}

TEST_SUITE(bad, cmocka_unit_test(an_error_changes_nothing),
	   cmocka_unit_test(bad_values_give_the_errors_of_linux))
