/*
 * stress.c - real faults of CPUs that run at the same time, in one space.
 *
 * Every CPU but the boot CPU writes from ring 3 as fast as it can. The boot CPU meanwhile
 * forks the space, forbids and allows writing, unmaps and maps again, and lets children write
 * and exit. Nothing here depends on how fast anybody is:
 *
 *   no lost write     each writer's words equal the number of its rounds, in the end
 *   no stale access   after a page was taken away, either the writer's next access is refused,
 *                     or the page, or whoever has its frame now, changes: that is the failure
 *   snapshots         a child's words are those of one moment, and stay so while the parent
 *                     goes on. One writer writes in the order FIRST, SECOND, so a child's
 *                     words differ by one at most
 * A writer that has been refused, or has done its burst, halts until the boot CPU wants it, and
 * the boot CPU halts if an answer takes long: where the host has fewer processors than we
 * have CPUs, nobody spins in another's way.
 *
 *   coherence         a writer repeats a word that the boot CPU writes, in ring 3, after each
 *                     change; the boot CPU waits for it
 *
 *   page    FIRST        SECOND      SHARED    GOING    WORD   REPEATED   FRESH
 *           private      private     shared    private  private           the boot CPU's
 *
 * Pages lie in different leaf tables, so fork shares some tables and copies others. Each CPU
 * has its word of 8 bytes on each page.
 */
#include "trial.h"

#include <anymm/fault.h>
#include <anymm/stats.h>
#include <anymm/usercopy.h>

#include "../../../arch/x86_64/boot/ring3.h"
#include "scenario/stage.h"

#include "base/format.h"

#define BURST	       2000 /* rounds of a writer until it looks for new work */
#define SPINS	       1000 /* until the boot CPU halts */
#define ROUNDS_A_CHECK 1000
#define NR_CHILDREN    3
#define CHILD_ADDS     3
#define AREA	       UINT64_C(0x10000000000)

enum page { FIRST, SECOND, SHARED, GOING, WORD, REPEATED, FRESH, NR_PAGES };

/* Two pages differ in the slot of their leaf table as well as in the table. */
#define PAGE(page) (AREA + (vaddr_t)(page) * (UINT64_C(1) << 21) + (vaddr_t)(page)*ARCH_PAGE_SIZE)

enum { VECTOR_PAGE_FAULT = 14 };
#define ERROR_WRITE 2

/* [a] atomic   [w] the writer's CPU, read when it has stopped */
struct writer {
	uint64_t	 rounds;   /* [w] done */
	_Atomic uint64_t refusals; /* [a] accesses to GOING that were refused */
};

/* What a child held when it was made. */
struct child {
	struct process *proc; /* NULL: none */
	uint64_t	first[CPU_MAX], second[CPU_MAX];
};

static struct stress {
	struct process	*parent;
	struct space	*sp;
	struct writer	 writers[CPU_MAX];
	struct child	 children[NR_CHILDREN];
	_Atomic bool	 stop;
	_Atomic uint64_t wanted;  /* times the boot CPU has wanted writers to go on */
	_Atomic uint64_t answers; /* times a writer has something for the boot CPU to look at */
	uint64_t	 child_adds;
	uint64_t	 seed;
} stress;

extern const char writer_page[];

static vaddr_t
word_of(enum page page, unsigned cpu)
{
	return PAGE(page) + cpu * sizeof(uint64_t);
}

static uint64_t
read_word(struct space *sp, enum page page, unsigned cpu)
{
	uint64_t word = 0;

	if (copy_from_space(sp, &word, word_of(page, cpu), sizeof(word)) != 0)
		trial_fail("page %u of CPU %u cannot be read", page, cpu);
	return word;
}

/* ---- waiting for each other ---- */

/* Halt until somebody interrupts us, unless the count has moved since it was seen. */
static void
halt_unless_moved(const _Atomic uint64_t *count, uint64_t seen)
{
	x86_cli();
	/* STI takes effect after the next instruction: no interrupt is lost in between. */
	if (atomic_load(count) == seen)
		__asm__ volatile("sti\n\thlt" : : : "memory");
	else
		x86_sti();
}

static void
answer(void)
{
	atomic_fetch_add(&stress.answers, 1);
	apic_send(boot_cpus[0].apic_id, VECTOR_CALL);
}

static void
want_writers(void)
{
	atomic_fetch_add(&stress.wanted, 1);
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		apic_send(boot_cpus[cpu].apic_id, VECTOR_CALL);
}

static void
wait_until(bool (*is_so)(unsigned cpu, uint64_t value), unsigned cpu, uint64_t value)
{
	for (unsigned spins = 0;; spins++) {
		uint64_t seen = atomic_load(&stress.answers);

		if (is_so(cpu, value))
			return;
		if (spins < SPINS)
			x86_pause();
		else
			halt_unless_moved(&stress.answers, seen);
	}
}

/* ---- the writers ---- */

static enum fault_result
handle(vaddr_t va, uint64_t error)
{
	enum fault_result result;

	broken_handling_fault(true);
	result = fault_handle(stress.sp, va, error & ERROR_WRITE ? ACCESS_STORE : ACCESS_LOAD);
	broken_handling_fault(false);
	return result;
}

static void
write_burst(struct writer *w, unsigned cpu)
{
	alignas(16) struct arch_context ctx;

	arch_context_init(&ctx, USER_WINDOW + ARCH_PAGE_SIZE, 0);
	ctx.rdi = word_of(FIRST, cpu);
	ctx.rdx = word_of(SECOND, cpu);
	ctx.r8 = word_of(SHARED, cpu);
	ctx.r9 = word_of(GOING, cpu);
	ctx.r10 = word_of(WORD, 0);
	ctx.r12 = word_of(REPEATED, cpu);
	ctx.rsi = BURST;
	for (;;) {
		uint64_t	  wanted = atomic_load(&stress.wanted);
		vaddr_t		  va = user_enter(&ctx);
		enum fault_result result;

		if (ctx.vector == VECTOR_SYSCALL)
			break;
		if (ctx.vector != VECTOR_PAGE_FAULT)
			trial_fail("a writer's exception %lu", (unsigned long)ctx.vector);
		result = handle(va, ctx.error);
		if (result != FAULT_DONE && va != word_of(GOING, cpu))
			trial_fail("a writer's access to %lx: %s", (unsigned long)va,
				   fault_result_name(result));
		if (result != FAULT_DONE) {
			atomic_fetch_add(&w->refusals, 1);
			answer();
			halt_unless_moved(&stress.wanted, wanted);
		}
	}
	w->rounds += BURST;
}

static void
write_until_told(void *arg)
{
	struct writer *w = arg;
	unsigned       cpu = platform_cpu();

	pt_activate(&stress.sp->pt);
	while (!atomic_load(&stress.stop)) {
		uint64_t wanted = atomic_load(&stress.wanted);

		write_burst(w, cpu);
		answer();
		halt_unless_moved(&stress.wanted, wanted);
	}
}

static void
start_writers(void)
{
	atomic_store(&stress.stop, false);
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_begin(cpu, write_until_told, &stress.writers[cpu]);
}

static void
stop_writers(void)
{
	atomic_store(&stress.stop, true);
	want_writers();
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_end(cpu);
}

/* ---- the boot CPU ---- */

static void
map_page(enum page page, unsigned type)
{
	vaddr_t at;

	trial_must(space_map(stress.sp,
			     &(struct map_request){ .addr = PAGE(page),
						    .length = ARCH_PAGE_SIZE,
						    .prot = PROT_R | PROT_W,
						    .flags = type | MAPF_ANONYMOUS | MAPF_FIXED },
			     &at),
		   "map");
}

static void
unmap_page(enum page page)
{
	trial_must(space_unmap(stress.sp, PAGE(page), ARCH_PAGE_SIZE), "unmap");
}

static bool
has_repeated(unsigned cpu, uint64_t mark)
{
	return read_word(stress.sp, REPEATED, cpu) == mark;
}

/* Every writer goes on, and sees what the boot CPU writes. */
static void
wait_for_writers(void)
{
	uint64_t mark = read_word(stress.sp, WORD, 0) + 1;

	if (ring3_access(stress.sp, ACCESS_STORE, word_of(WORD, 0), &mark, sizeof(mark)) !=
	    FAULT_DONE)
		trial_fail("the boot CPU cannot write");
	want_writers();
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		wait_until(has_repeated, cpu, mark);
}

/* A page that no writer may write now, and what their words on it are. */
static enum page taken;
static uint64_t	 taken_words[CPU_MAX];

/* An access was refused since; and what it would have reached before has not changed. */
static bool
was_refused(unsigned cpu, uint64_t refusals)
{
	bool refused = atomic_load(&stress.writers[cpu].refusals) != refusals;

	if (read_word(stress.sp, taken, cpu) != taken_words[cpu])
		trial_fail("stale access: CPU %u has written to a page that was taken away", cpu);
	return refused;
}

/* The writers have lost GOING: wait until each is refused. */
static void
expect_refusals(enum page page)
{
	uint64_t refusals[CPU_MAX];

	taken = page;
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++) {
		refusals[cpu] = atomic_load(&stress.writers[cpu].refusals);
		taken_words[cpu] = read_word(stress.sp, page, cpu);
	}
	want_writers();
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		wait_until(was_refused, cpu, refusals[cpu]);
}

static void
forbid_and_allow(void)
{
	trial_must(space_protect(stress.sp, PAGE(GOING), ARCH_PAGE_SIZE, PROT_R), "protect");
	expect_refusals(GOING);
	trial_must(space_protect(stress.sp, PAGE(GOING), ARCH_PAGE_SIZE, PROT_R | PROT_W),
		   "protect");
}

/* The frame that GOING had is the next one that is given out: FRESH has it now, zeroed. */
static void
unmap_and_map(void)
{
	uint64_t zero = 0;

	unmap_page(GOING);
	map_page(FRESH, MAPF_PRIVATE);
	if (ring3_access(stress.sp, ACCESS_STORE, word_of(FRESH, 0), &zero, sizeof(zero)) !=
	    FAULT_DONE)
		trial_fail("the boot CPU cannot write");
	expect_refusals(FRESH);
	unmap_page(FRESH);
	map_page(GOING, MAPF_PRIVATE);
}

static void
take_snapshot(struct child *child)
{
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++) {
		child->first[cpu] = read_word(child->proc->space, FIRST, cpu);
		child->second[cpu] = read_word(child->proc->space, SECOND, cpu);
		if (child->first[cpu] - child->second[cpu] > 1)
			trial_fail("a child holds %lu and %lu of CPU %u: not one moment's",
				   (unsigned long)child->first[cpu],
				   (unsigned long)child->second[cpu], cpu);
	}
}

static void
compare_snapshot(const struct child *child)
{
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++) {
		if (read_word(child->proc->space, FIRST, cpu) != child->first[cpu] ||
		    read_word(child->proc->space, SECOND, cpu) != child->second[cpu])
			trial_fail("stale access: CPU %u has written to its parent's child", cpu);
	}
}

static void
end_child(struct child *child)
{
	int32_t code;

	if (!child->proc)
		return;
	compare_snapshot(child);
	stage_leave(child->proc->space);
	proc_exit(child->proc, 7);
	trial_must(proc_reap(stress.parent, child->proc, &code), "reap");
	child->proc = NULL;
}

/* The child's own writes go to its copy of FIRST and to the one SHARED page. */
static void
write_as_child(struct child *child)
{
	struct space *sp = child->proc->space;

	if (ring3_add(sp, word_of(FIRST, 0), CHILD_ADDS) != FAULT_DONE ||
	    ring3_add(sp, word_of(SHARED, 0), CHILD_ADDS) != FAULT_DONE)
		trial_fail("a child cannot write");
	stress.child_adds += CHILD_ADDS;
	if (read_word(sp, FIRST, 0) != CHILD_ADDS || read_word(stress.sp, FIRST, 0) != 0)
		trial_fail("a private page is shared");
}

static void
fork_a_child(void)
{
	struct child *child = &stress.children[stress.seed % NR_CHILDREN];

	end_child(child);
	trial_must(proc_fork(stress.parent, 0, 0, &child->proc), "fork");
	take_snapshot(child);
	wait_for_writers();
	compare_snapshot(child);
	write_as_child(child);
}

static uint64_t
next_random(void)
{
	stress.seed = stress.seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return stress.seed >> 33;
}

/* One change; then every writer goes on, so it has everything cached that the next one takes away. */
static void
one_round(void)
{
	void (*const changes[])(void) = { forbid_and_allow, unmap_and_map, fork_a_child };

	want_writers();
	changes[next_random() % ARRAY_SIZE(changes)]();
	wait_for_writers();
	trial_alive();
}

/* ---- the whole ---- */

static void
start(void)
{
	struct space_layout layout = space_default_layout();

	trial_must(space_create(&layout, &stress.sp), "space");
	trial_must(space_add_thread(stress.sp), "thread");
	trial_must(proc_create(0, stress.sp, &stress.parent), "process");
	space_put(stress.sp);
	broken_choose_page(PAGE(GOING));
	for (enum page page = 0; page < FRESH; page++)
		map_page(page, page == SHARED ? MAPF_SHARED : MAPF_PRIVATE);
}

static void
finish(void)
{
	int32_t code;

	for (unsigned i = 0; i < NR_CHILDREN; i++)
		end_child(&stress.children[i]);
	stage_leave(stress.sp);
	proc_exit(stress.parent, 0);
	trial_must(proc_reap(NULL, stress.parent, &code), "reap");
}

static void
check_words(void)
{
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++) {
		for (enum page page = FIRST; page <= SHARED; page++) {
			uint64_t word = read_word(stress.sp, page, cpu);

			if (word != stress.writers[cpu].rounds)
				trial_fail("lost write: CPU %u wrote %lu times, page %u holds %lu",
					   cpu, (unsigned long)stress.writers[cpu].rounds, page,
					   (unsigned long)word);
		}
	}
	if (read_word(stress.sp, SHARED, 0) != stress.child_adds)
		trial_fail("lost write of a child");
}

static void
say_counts(uint64_t rounds)
{
	uint64_t written = 0;

	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		written += stress.writers[cpu].rounds;
	console_printf(
		"# %lu rounds against %lu of the writers: %lu forks, %lu shootdowns, "
		"%lu pages copied, %lu refusals\n",
		(unsigned long)rounds, (unsigned long)written, (unsigned long)stat_get(STAT_FORKS),
		(unsigned long)stat_get(STAT_SHOOTDOWNS), (unsigned long)stat_get(STAT_PAGE_COPIES),
		(unsigned long)(stat_get(STAT_FAULT_ACCERR) + stat_get(STAT_FAULT_MAPERR)));
}

void
trial_stress(void)
{
	uint64_t	    rounds = bootinfo_number("rounds", 10000);
	struct frame_totals before;

	if (boot_nr_cpus() < 2)
		trial_fail("the stress needs two CPUs");
	stress.seed = bootinfo_number("seed", x86_rdtsc());
	console_printf("# %u CPUs, to repeat the order of changes: seed=%lu\n", boot_nr_cpus(),
		       (unsigned long)stress.seed);
	trial_start_library();
	paging_user_page(1, writer_page);
	anymm_drain();
	before = frame_totals();
	start();
	trial_watch((unsigned)bootinfo_number("patience", 20),
		    "a change, or a writer's answer to it");
	for (uint64_t done = 0; done < rounds;) {
		start_writers();
		wait_for_writers();
		do {
			one_round();
		} while (++done < rounds && done % ROUNDS_A_CHECK != 0);
		stop_writers();
		check_words();
		trial_check_all();
		trial_alive();
	}
	say_counts(rounds);
	trial_pass("no stale access in %lu rounds", (unsigned long)rounds);
	trial_pass("every write has arrived, and no child has seen one after its birth");
	trial_pass("every invariant held");
	finish();
	trial_check_all();
	trial_expect_frames(&before);
	trial_pass("every frame came back");
}
