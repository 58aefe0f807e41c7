/*
 * scenario.h - runs scenarios (*.vm): stories, traces and crashes of address
 * spaces as lines of text. docs/scenarios.md is the language.
 *
 * The interpreter is freestanding, as the library is: it needs the library,
 * the stage (stage.h), one buffer and a function that takes its output. What
 * it prints holds no frame number, no kernel address and no time, so it is the
 * same on every machine.
 */
#pragma once

#include <anymm/check.h>

enum scenario_check {
	SCENARIO_CHECK_ALL,  /* every invariant after every statement */
	SCENARIO_CHECK_END,  /* every invariant once, at the end */
	SCENARIO_CHECK_NONE, /* only where the scenario says so */
};

struct scenario_config {
	const char	   *name; /* of the file, for messages */
	const char	   *text; /* stays valid during the run */
	size_t		    bytes;
	void		   *arena; /* names, labels, digests; aligned for any object */
	size_t		    arena_bytes;
	enum scenario_check check;
	bool		    keep_going; /* count results that differ instead of stopping */
	bool		    unparsed; /* run each line before the grammar of later ones is known */
	bool		    parse_only; /* check the grammar and run nothing */
	bool		    quiet;	/* no table at the end */
	uint64_t	    work_limit; /* most accesses and statements; 0: no limit */
	void (*write)(void *ctx, const char *text, size_t bytes);
	void *write_ctx;
};

/* What the scenario asks of the machine before anything else: its first statement. */
struct scenario_machine {
	uint64_t frames;     /* at least so many; 0: any number */
	uint64_t memory;     /* frames, exactly so many; 0: any number */
	uint64_t swap;	     /* pages of a swap device (swap.h) */
	unsigned cpus;	     /* at least so many; 0: one */
	unsigned nodes;	     /* in which CPUs and memory are divided; 0: one */
	uint64_t user_bytes; /* addresses that a process must have; 0: any number */
	uint64_t seed;	     /* for machines that make choices */
	bool	 sharing;    /* tables are shared by fork */

	enum orphan_policy orphans; /* what becomes of them: no property of the machine */
};

enum scenario_outcome {
	SCENARIO_OK,
	SCENARIO_FAILED,  /* a result, an access or a map is not as said */
	SCENARIO_BROKEN,  /* an invariant does not hold, or something was left over */
	SCENARIO_SYNTAX,  /* a line is not a statement */
	SCENARIO_STOPPED, /* the scenario says that it cannot go on */
	SCENARIO_SKIPPED, /* the machine is not what it asks for */
};

struct scenario_result {
	enum scenario_outcome outcome;
	unsigned	      line, column; /* of the first error; column 0: the whole line */
	char		      text[480];    /* what was expected and found */
	char		      cut[200];	    /* why the recording ends early; "" if it does not */

	uint64_t statements; /* run */
	uint64_t calls;	     /* with a result to compare */
	uint64_t calls_equal;
	uint64_t maps; /* compared */
	uint64_t maps_equal;
	uint64_t touches; /* pages touched */
	uint64_t rss;	  /* regions whose resident pages are compared with the recorded number */
	uint64_t rss_equal;
	uint64_t present; /* pages that must be present */
	uint64_t present_equal;
	uint64_t resident_also;	  /* of these, pages that only a rule explains */
	uint64_t resident_open;	  /* pages that may be there or not */
	uint64_t spaces_resident; /* compared page by page */
	uint64_t spaces_equal;	  /* found with exactly the pages that they must have */
};

/*
 * scenario_read_machine - the machine statement, if there is one; else all zero.
 * false: it is malformed; *result says where and why.
 */
bool scenario_read_machine(const struct scenario_config *config, struct scenario_machine *machine,
			   struct scenario_result *result);

/*
 * scenario_run - read the whole text, then run it on the machine as it is.
 *
 *   needs  anymm_init has succeeded; no process exists
 *   gives  the outcome, also in *result. Every process, space and object of
 *          the scenario is gone again unless an invariant was broken
 */
enum scenario_outcome scenario_run(const struct scenario_config *config,
				   struct scenario_result	*result);

/* scenario_outcome_name - "ok", "FAILED", "STOPPED", ...: how the last line begins. */
const char *scenario_outcome_name(enum scenario_outcome outcome);

/* How a program that ran a scenario ends. */
enum scenario_exit {
	SCENARIO_EXIT_GOOD = 0,	   /* as it should be, or skipped */
	SCENARIO_EXIT_DIFFERS = 1, /* something differs or is broken */
	SCENARIO_EXIT_WRONG = 2,   /* the command or an input is wrong */
	SCENARIO_EXIT_STOPPED = 3, /* the scenario stopped itself */
};

/* scenario_conclude - print the last line, and the scenario's line that went wrong. */
enum scenario_exit scenario_conclude(const struct scenario_config *config,
				     const struct scenario_result *result);
