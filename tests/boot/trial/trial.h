/*
 * trial.h - trials of the booted PC: what no suite can show, because it needs CPUs that really
 * run at the same time, a machine that is broken on purpose, or an end in disaster.
 *
 * The image takes `mode=` from the command line, runs that trial, and powers off. A trial
 * prints TAP; the last line is ok or FAILED.
 */
#pragma once

#include <anymm/process.h>

#include "../../../arch/x86_64/boot/boot.h"

/* trial_pass - one case has passed. */
void trial_pass(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* trial_fail - the case that runs has failed: say why and power off. */
[[gnu::noreturn]] void trial_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* trial_end - all cases have passed: power off. */
[[gnu::noreturn]] void trial_end(void);

/* trial_start_library - with all RAM that the boot map names. */
void trial_start_library(void);

/* trial_watch - from now on somebody calls trial_alive more often than every so many seconds. */
void trial_watch(unsigned seconds, const char *what);
void trial_alive(void);

/* trial_must - a call of the library has succeeded. */
void trial_must(err_t err, const char *what);

/* trial_check_all - every invariant holds. Needs: no operation in progress. */
void trial_check_all(void);

/* trial_expect_frames - the library keeps no spares; of each kind there are as many frames as before. */
void trial_expect_frames(const struct frame_totals *before);

/* trial_on_all - call fn(cpu) on every CPU at once, and wait until all have returned. */
void trial_on_all(void (*fn)(unsigned cpu));

/*
 * broken_init - break the machine as `break=` says, after `after=` occasions:
 *
 *   skip-invlpg    one INVLPG of the chosen page in the handler of a shootdown is left out
 *   skip-flush     one flush of a whole space there is left out
 *   skip-ipi       one CPU is not interrupted for a shootdown
 */
void broken_init(void);

/* broken_choose_page - one that its readers and writers notice. */
void broken_choose_page(vaddr_t va);

/* broken_handling_fault - what this CPU flushes now is of its own fault, not of a shootdown. */
void broken_handling_fault(bool begins);

/* The trials. */
void trial_stress(void);
void trial_overflow(void);
void trial_sysret(void);
void trial_contexts(void);
void trial_nested(void);
void trial_bootmap(void);
void trial_kthreads(void);
void trial_churn(void);
void trial_bomb(void);
void trial_guard(void);
