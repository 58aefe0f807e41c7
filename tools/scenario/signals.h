/*
 * signals.h - what the statements about signals share. Private to tools/scenario.
 *
 * A process of a scenario has the registers of a thread: a stack pointer, a program counter, and
 * what the machine has besides. No instruction runs on them: what its handler does is the
 * statements that follow. But the handler's first instruction is fetched, and the way back
 * is loaded from the stack, by accesses of the program.
 */
#pragma once

#include "scenario/run.h"

/* The registers of a process; made when a statement first needs them. */
struct actor {
	struct arch_context registers;
	struct arch_fpu	    vectors;
	enum signal_point   point;
};

/* actor_of - NULL: the scenario has too many names, and the run is over. */
struct actor *actor_of(struct run *r, struct name *name);

/* actor_fork - the child has its parent's registers; actor_exec - they start anew. */
bool actor_fork(struct run *r, const struct name *parent, struct name *child);
void actor_exec(struct name *name);

/*
 * signal_frame_of - the handler's frame, if it has not moved the stack pointer. A machine whose calls push nothing
 * enters it behind the return address.
 */
vaddr_t signal_frame_of(const struct actor *actor);

/* parse_signal - one by name, or a number. signal_of_token - the word is one. */
bool parse_signal(struct run *r, unsigned *signal);
bool signal_of_token(const struct token *token, unsigned *signal);

/* signal_name - "segv"; of a number without a name, that in buf. */
const char *signal_name(unsigned signal, char buf[12]);

/* What has become of a process. */
struct outcome {
	enum signal_verdict verdict;
	unsigned	    signal; /* 0: nothing has happened */
};

/*
 * signals_deliver - the process does what its signals say, and enters its handler. One whose signal ends
 * it has exited with 128 and the signal. false: the run is over
 */
bool signals_deliver(struct run *r, struct name *name, struct outcome *out);

/*
 * signals_after_fault - an access at va has come to this. If the process has a handler, that is
 * a signal to it, and delivered. false: the run is over
 */
bool signals_after_fault(struct run *r, struct name *name, enum fault_result fault, vaddr_t va);
