/*
 * run.h - one run of a scenario: its state, and how its statements read operands
 * and report what is wrong. Private to tools/scenario.
 *
 * Every statement is one function that reads its line, returns early in the dry
 * pass (which only checks the grammar of the whole text), then acts. Functions
 * return false when the run is over; the reason is in run->result.
 */
#pragma once

#include <anymm/stats.h>

#include "base/format.h"
#include "base/mem.h"
#include "scenario/lexer.h"
#include "scenario/names.h"
#include "scenario/scenario.h"
#include "scenario/stage.h"

#define REPEAT_DEPTH 8

/* A repeat statement that is under way: where its body begins. */
struct repeat {
	struct lexer body;
	uint64_t     left;
};

struct run {
	const struct scenario_config *config;
	struct scenario_result	     *result;
	struct lexer		      lex;
	struct names		     *names;
	bool			      dry;	   /* only the grammar is checked */
	bool			      swaps;	   /* the scenario asks for a swap device */
	unsigned		      cpu;	   /* where calls and accesses happen */
	uint64_t		      work;	   /* accesses and statements so far */
	struct token		      source;	   /* file of the recording; empty: there is none */
	unsigned		      source_line; /* of the current statement; 0: unknown */
	const struct name	     *actor; /* first process of the current statement, or NULL */
	struct repeat		      repeats[REPEAT_DEPTH];
	unsigned		      nr_repeats;
	bool			      files_cut; /* some file has become shorter */
	struct move		     *moves;	 /* of pages, the newest first (remap.c) */
	enum orphan_policy	      orphans;
	uint64_t		      nr_unwound;    /* failures that unwind has provoked */
	uint64_t		      unwound_count; /* at the last count statement */

	/* For the table at the end. */
	uint64_t nr_spawned, nr_forks, nr_threads, nr_vforks, nr_execs, nr_exits;
	uint64_t most_alive, alive;
	uint64_t peak_frames;

	uint64_t	    stats_start[STAT_NR]; /* when the scenario began */
	uint64_t	    stats_count[STAT_NR]; /* at the last count statement */
	struct frame_totals frames_start;
};

/* A statement's function. */
typedef bool (*statement_fn)(struct run *r);

/* process.c */
bool statement_spawn(struct run *r);
bool statement_exec(struct run *r);
bool statement_fork(struct run *r);
bool statement_vfork(struct run *r);
bool statement_share(struct run *r);
bool statement_thread(struct run *r);
bool statement_exit(struct run *r);
bool statement_wait(struct run *r);
bool statement_limit(struct run *r);
bool statement_on(struct run *r);
/* clone.c */
bool statement_clone(struct run *r);
bool statement_unwind(struct run *r);
/* threads.c */
bool statement_leave(struct run *r);
bool statement_join(struct run *r);
bool statement_detach(struct run *r);
/* kin.c */
bool statement_kill(struct run *r);
bool statement_kill_descendants(struct run *r);
bool statement_pause(struct run *r);
bool statement_resume(struct run *r);
bool statement_subreaper(struct run *r);
bool statement_group(struct run *r);
bool statement_state(struct run *r);
bool statement_id(struct run *r);
bool statement_number(struct run *r);
/* tree.c */
bool statement_tree(struct run *r);
/* handles.c */
bool statement_open(struct run *r);
bool statement_dup(struct run *r);
bool statement_dup_to(struct run *r);
bool statement_close(struct run *r);
bool statement_take(struct run *r);
bool statement_put(struct run *r);
bool statement_handle(struct run *r);
bool statement_handles(struct run *r);
bool statement_handle_limit(struct run *r);
bool statement_special(struct run *r);
bool statement_next(struct run *r);
/* thing.c */
bool statement_refs(struct run *r);
/* context.c */
bool statement_chdir(struct run *r);
bool statement_cwd(struct run *r);
bool statement_umask(struct run *r);
bool statement_mount(struct run *r);
bool statement_account(struct run *r);
bool statement_paid(struct run *r);
/* file.c */
bool statement_file(struct run *r);
bool statement_truncate(struct run *r);
bool statement_punch(struct run *r);
bool statement_fsync(struct run *r);
bool statement_evict(struct run *r);
bool statement_read(struct run *r);
bool statement_write(struct run *r);
/* swap.c */
bool statement_reclaim(struct run *r);
/* shm.c */
bool statement_shmget(struct run *r);
bool statement_shmat(struct run *r);
bool statement_shmdt(struct run *r);
/* call.c */
bool statement_mmap(struct run *r);
bool statement_munmap(struct run *r);
bool statement_mprotect(struct run *r);
bool statement_brk(struct run *r);
/* transfer.c */
bool statement_pin(struct run *r);
bool statement_unpin(struct run *r);
bool statement_device(struct run *r);
bool statement_process_vm_readv(struct run *r);
bool statement_process_vm_writev(struct run *r);
/* node.c */
bool statement_replicate(struct run *r);
bool statement_unreplicate(struct run *r);
bool statement_place(struct run *r);
bool statement_migrate(struct run *r);
bool statement_lies(struct run *r);
bool statement_lives(struct run *r);
bool statement_homes(struct run *r);
/* remap.c */
bool statement_mremap(struct run *r);
/* advise.c */
bool statement_madvise(struct run *r);
bool statement_msync(struct run *r);
bool statement_mincore(struct run *r);
bool statement_mlock(struct run *r);
bool statement_mlock2(struct run *r);
bool statement_munlock(struct run *r);
bool statement_mlockall(struct run *r);
bool statement_munlockall(struct run *r);
bool statement_mseal(struct run *r);
/* access.c */
bool statement_load(struct run *r);
bool statement_store(struct run *r);
bool statement_fetch(struct run *r);
/* signals.c */
bool statement_deliver(struct run *r);
bool statement_return(struct run *r);
/* signal_calls.c */
bool statement_handler(struct run *r);
bool statement_altstack(struct run *r);
bool statement_mask(struct run *r);
bool statement_signal(struct run *r);
bool statement_context(struct run *r);
bool statement_registers(struct run *r);
bool statement_frame(struct run *r);
/* touch.c */
bool statement_touch(struct run *r);
/* expect.c */
bool statement_maps(struct run *r);
bool statement_present(struct run *r);
bool statement_absent(struct run *r);
/* resident.c */
bool statement_resident(struct run *r);
bool statement_same(struct run *r);
bool statement_differ(struct run *r);
/* count.c */
bool statement_count(struct run *r);
bool statement_expect(struct run *r);
bool statement_digest(struct run *r);
/* ledger.c */
bool statement_ledger(struct run *r);
bool statement_check(struct run *r);
bool statement_fail(struct run *r);

/* origin.c */
bool statement_source(struct run *r);
bool statement_cut(struct run *r);

/* origin_start - a statement begins: note which line of the recording it comes from. */
void origin_start(struct run *r);

/* origin_text - "FILE:LINE, process P: " of the current statement, or "". */
void origin_text(const struct run *r, char *buf, size_t bytes);

/* 1. Output and endings.
 *
 *   run_print    formatted text to the scenario's output
 *   run_error    ends the run with this outcome at the given column of the current line
 *   run_failed   a result is not as the scenario says: ends the run, or counts it
 *                and goes on (keep_going); returns whether the run goes on
 *   run_work     one more access; false: the limit is reached
 */
void run_print(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool run_error(struct run *r, enum scenario_outcome outcome, uint32_t column, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
bool run_failed(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool run_work(struct run *r);

/* 2. Operands. Each reads the next word; `what` names what must stand there. */
bool parse_token(struct run *r, struct token *token, const char *what);
bool parse_end(struct run *r);
bool parse_number(struct run *r, uint64_t *value, const char *what);
bool parse_process(struct run *r, struct name **name);
bool parse_lasting(struct run *r, struct name **name); /* alive or stopped */
bool parse_new_process(struct run *r, struct name **name);
bool parse_any_process(struct run *r, struct name **name);
bool parse_file(struct run *r, struct name **name);
bool parse_prot(struct run *r, unsigned *prot);
bool parse_fault(struct run *r, const struct token *token, enum fault_result *fault,
		 bool *is_fault);

/* parse_home - node=N, if it comes next. */
bool parse_home(struct run *r, bool *given, unsigned *node);

/* parse_word - the next word if it is exactly this; else nothing is read. */
bool parse_word(struct run *r, const char *word);

/* parse_equals - the next word is =. */
bool parse_equals(struct run *r);

/* parse_expected - the error for a word that does not belong there. */
bool parse_expected(struct run *r, const struct token *token, const char *what);

/* number_of - a word as a number: terms joined by + and -, each a number or a label. */
bool number_of(struct run *r, const struct token *token, uint64_t *value, const char *what);

/* key=value: true if the word begins with key and '='; then *rest is the value. */
bool token_key(const struct token *token, const char *key, struct token *rest);

/* 3. The result that a call must have: `= VALUE`, `= ERROR` or nothing; then `-> LABEL`. */
struct wanted {
	bool	     given;
	bool	     is_error;
	err_t	     err;
	uint64_t     value;
	struct name *label; /* takes the result; NULL: none */
};
bool parse_wanted(struct run *r, struct wanted *wanted);

/*
 * compare_result - whether the call ended as wanted; without `=` it must succeed.
 * has_value: the call gives a value; else success is 0.
 */
bool compare_result(struct run *r, const char *call, const struct wanted *wanted, err_t err,
		    uint64_t value, bool has_value);

/* 4. Spaces. */
struct space *space_of(const struct name *process);

/* end_process - it exits with the code; a thread is gone at once. */
bool end_process(struct run *r, struct name *name, int32_t code);
void count_alive(struct run *r);

/* build_image - the map lines of a block, into a fresh space; *err: the first that failed. */
bool build_image(struct run *r, struct space *sp, err_t *err);

/* A line of an image or of expected maps: START..END PERM [OFFSET FILE] [FLAG...]. */
struct map_line {
	struct va_range range;
	unsigned	prot;
	bool		shared;
	uint64_t	offset; /* bytes; only with a file */
	struct name    *file;	/* NULL: anonymous memory */
	unsigned	region_flags;
	bool		has_rss, has_anon;
	uint64_t	rss_bytes;  /* resident in it, the zero page not counted */
	uint64_t	anon_bytes; /* of these, in private pages */
};

/* Flags of regions that maps tells and compares. */
#define REGION_TOLD \
	(REGION_GROWSDOWN | REGION_NORESERVE | REGION_DONTFORK | REGION_WIPEONFORK | \
	 REGION_LOCKED | REGION_LOCKONFAULT | REGION_SEALED | REGION_SEQUENTIAL | REGION_RANDOM | \
	 REGION_HUGEPAGE | REGION_NOHUGEPAGE | REGION_DONTDUMP | REGION_MERGEABLE)

/* map_flags_text - the words for these flags, a blank in front of each. */
const char *map_flags_text(unsigned flags, char *buf, size_t bytes);

bool parse_map_line(struct run *r, struct map_line *line);

/* 5. Pages, read from the tables of any machine (inspect.c). */
struct page_state {
	bool  present; /* a leaf maps a frame */
	pfn_t pfn;
};
struct page_state page_at(const struct space *sp, vaddr_t va);

/* page_next - the first present page at or above *va, which becomes its address; false: none. */
bool page_next(const struct space *sp, vaddr_t *va);

/* 6. The table at the end (report.c). */
void report_print(struct run *r);
void report_start(struct run *r);
