/*
 * fuzz_fault.c - operations with page faults: several spaces, forks, CPUs.
 *
 * An input is a row of 8-byte records, each one operation of a story
 * (tests/model/story.h), which runs on the library and on the flat reference
 * model at once. What is not an operation is read from the last byte, so that a
 * record put in or taken out does not change it:
 *
 *	bits 0-1	the number of CPUs, 1 to 3
 *	bits 2-4	everything is checked after every 16th, 32nd, ... operation
 *	bit 5		allocations fail where records say so
 *	bits 6-7	3: and every 4th time digests before and after are compared
 *			1: there is a swap device, which fails where records say so; 2: a tiny one
 *
 * At the end of each input all contents are compared, all invariants checked, all
 * processes ended, and every frame must be back. Beside the edges of the code
 * the fuzzer is told the abstract state that each operation has led to.
 *
 * explain_fault FILE writes an input down as a scenario.
 */
#include "fuzz_fault.h"

#include <stdlib.h>
#include <string.h>

#include <anymm/process.h>
#include <sim/sim.h>

#include "model/story.h"
#include "pt/cursor.h"

int    LLVMFuzzerInitialize(int *argc, char ***argv);
int    LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed);

#define RECORD	    sizeof(struct story_record)
#define RECORDS_MAX 64
#define FRAMES	    2048

static struct story	   story;
static struct frame_totals totals_unborn; /* before the first process */

/* State novelty: a flag per abstract state. Volatile, or the compiler drops it. */
#define STATES 8192
__attribute__((section("__libfuzzer_extra_counters"))) static volatile uint8_t states[STATES];

static void
fail(const char *what)
{
	fprintf(stderr, "fuzz_fault: %s\n", what);
	abort();
}

static void
start(void)
{
	if (!story_machine(&story, STORY_CPUS, FRAMES, 1))
		fail(story.text);
	story.swap_slots = 0;
	anymm_drain();
	totals_unborn = frame_totals();
	story_birth(&story);
	sim_snapshot();
}

/* few - 0, 1, 2 or many. */
static unsigned
few(uint64_t n)
{
	return n > 3 ? 3 : (unsigned)n;
}

/* note_state - what the page that was accessed last looks like to the process that acted. */
static void
note_state(const struct story_record *record)
{
	struct story_proc *p = &story.procs[record->who % STORY_PROCS];
	unsigned	   state = record->op & 63;
	unsigned	   is_call = record->op >= 0xc0;
	struct pt_view	   view;

	if (p->real && p->fs && story.last_accessed < ARCH_USER_END) {
		view = pt_look(&p->real->space->pt, story.last_accessed);
		state = state * 4 + arch_pte_kind(view.pte, view.level);
		state = state * 8 + view.level;
		state = state * 2 + view.path_writable;
		if (arch_pte_kind(view.pte, view.level) == PTE_LEAF) {
			struct pte_leaf leaf = arch_pte_decode_leaf(view.pte, view.level);

			state = state * 8 + leaf.prot;
			state = state * 4 + (leaf.is_special ? 0 : few(frame_count(leaf.pfn)));
			state = state * 2 + leaf.is_private;
		}
		state = state * 4 + few(p->fs->nr_regions);
	}
	state = state * 2 + is_call;
	states[(state * 2654435761u) >> 19] = 1;
}

static void
check_everything(void)
{
	struct check_report report;

	if (!story_compare(&story))
		fail(story.text);
	if (!check_all(&report)) {
		fprintf(stderr, "step %u: %s\n", story.step, invariant_name(report.broken));
		fail(report.text);
	}
}

static void
finish(void)
{
	struct frame_totals totals;

	check_everything();
	if (!story_end(&story))
		fail(story.text);
	anymm_drain();
	totals = frame_totals();
	if (memcmp(totals.by_kind, totals_unborn.by_kind, sizeof(totals.by_kind)) != 0)
		fail("I-LEDGER: frames are missing after the last exit");
	if (space_live_regions() || proc_count() || object_live())
		fail("regions, processes or objects are left after the last exit");
}

/* Slots of the swap device, by bits 6-7. */
static const uint32_t swap_slots[] = { 0, 64, 4, 0 };

void
fuzz_fault_run(const uint8_t *data, size_t bytes, FILE *out)
{
	static bool started;
	uint8_t	    choices = bytes ? data[bytes - 1] : 0;
	size_t	    nr = min_u64(bytes / RECORD, RECORDS_MAX);
	size_t	    every = (size_t)16 << (choices >> 2 & 7);

	if (!started)
		start();
	started = true;
	sim_reset();
	story.nr_cpus = 1 + (choices & 3) % STORY_CPUS;
	story.swap_slots = swap_slots[choices >> 6];
	story.out = out;
	story_rebirth(&story);
	for (size_t i = 0; i < nr; i++) {
		struct story_record record;

		memcpy(&record, data + i * RECORD, RECORD);
		if (!(choices & 0x20))
			record.fail = 0;
		story.digests = (choices & 0xe0) == 0xe0 && i % 4 == 0;
		if (!story_step(&story, &record))
			fail(story.text);
		note_state(&record);
		if ((i + 1) % every == 0)
			check_everything();
	}
	finish();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	fuzz_fault_run(data, bytes, NULL);
	return 0;
}

/*
 * The engine's defaults for this target, before the user's own: inputs as long as stories,
 * and no bookkeeping about rare features, which here costs more than the runs themselves.
 */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char  entropic[] = "-entropic=0";
	static char  length[] = "-max_len=513";
	static char *args[64];
	int	     nr = 0;

	args[nr++] = (*argv)[0];
	args[nr++] = entropic;
	args[nr++] = length;
	for (int i = 1; i < *argc && nr < 63; i++)
		args[nr++] = (*argv)[i];
	*argc = nr;
	*argv = args;
	return 0;
}

/* Mutations of whole records; the fuzzer's own change bytes inside one. */

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static size_t
insert_record(uint8_t *data, size_t nr, size_t at, size_t from)
{
	struct story_record record;

	memcpy(&record, data + from * RECORD, RECORD);
	memmove(data + (at + 1) * RECORD, data + at * RECORD, (nr - at) * RECORD);
	memcpy(data + at * RECORD, &record, RECORD);
	return nr + 1;
}

static size_t
delete_record(uint8_t *data, size_t nr, size_t at)
{
	memmove(data + at * RECORD, data + (at + 1) * RECORD, (nr - at - 1) * RECORD);
	return nr - 1;
}

static void
swap_records(uint8_t *data, size_t a, size_t b)
{
	struct story_record record;

	memcpy(&record, data + a * RECORD, RECORD);
	memmove(data + a * RECORD, data + b * RECORD, RECORD);
	memcpy(data + b * RECORD, &record, RECORD);
}

/* mutate_records - gives the number of records, at most `most`; nr is at least 1. */
static size_t
mutate_records(uint8_t *data, size_t nr, size_t most, uint32_t random)
{
	size_t at = next_random(&random) % nr;
	size_t other = next_random(&random) % nr;
	size_t byte = next_random(&random) % RECORD;

	switch (next_random(&random) % 8) {
	case 0:
	case 1:
		return nr < most ? insert_record(data, nr, at, other) : nr;
	case 2:
		return nr > 1 ? delete_record(data, nr, at) : nr;
	case 3:
		swap_records(data, at, other);
		break;
	case 4: /* the same place as another operation */
		memcpy(data + at * RECORD + 2, data + other * RECORD + 2, 2);
		break;
	case 5: /* another process or CPU */
		data[at * RECORD + 1] = (uint8_t)next_random(&random);
		break;
	default:
		data[at * RECORD + byte] = (uint8_t)next_random(&random);
		break;
	}
	return nr;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed)
{
	size_t	room = min_u64(most / RECORD, RECORDS_MAX + 1);
	size_t	nr = min_u64(bytes / RECORD, RECORDS_MAX);
	uint8_t choices = bytes ? data[bytes - 1] : 0;

	if (room < 2)
		return bytes;
	if (!nr) {
		memset(data, 0, RECORD);
		nr = 1;
	}
	for (unsigned i = 0; i < 1 + seed % 4; i++)
		nr = mutate_records(data, nr, room - 1, seed * 31 + i);
	if (seed % 16 == 0)
		choices = (uint8_t)(seed >> 8);
	data[nr * RECORD] = choices;
	return nr * RECORD + 1;
}
