/*
 * kin.h - what the statements about processes and their kin share. Private to tools/scenario.
 *
 * A name holds a reference on its process, so what the process has become can be told
 * even when the library has forgotten it. A name may also stand for a thread of a process that is not
 * its first one.
 */
#pragma once

#include "scenario/run.h"

/* process_name - the name stands for this process from now on; thread NULL: for its first one. */
void process_name(struct name *name, struct process *proc, struct thread *thread);

/* process_unname - it stands for nobody, and is free for another. */
void process_unname(struct run *r, struct name *name);

/* process_is_gone - nobody will ask for it any more: the name may be used again. */
bool process_is_gone(const struct name *name);

/* name_of_process - the name of the process that has this id now, or NULL; not of a thread. */
struct name *name_of_process(const struct run *r, uint32_t id);

/* asked_id - the id that a name asks for: its number, or 0 to let the library choose. */
uint32_t asked_id(const struct name *name);

/* thread_of - who acts if the name stands in front of a call. */
struct thread *thread_of(const struct name *name);

/* expect_running - the thread of that name has not ended, else the scenario is wrong. */
bool expect_running(struct run *r, const struct name *name);

/* parse_actor - a living process, whose thread of that name has not ended. */
bool parse_actor(struct run *r, struct name **name);

/*
 * clone_child - a child or a thread of the actor, with the id that its name asks for instead
 * of the request's, if any.
 *   gives  *id, and the name stands for it
 */
err_t clone_child(struct run *r, struct name *actor, struct name *child,
		  struct clone_request request, uint32_t *id);

/* leave_if_last - no CPU has the space active any more, if this process is its only user. */
void leave_if_last(struct process *proc);

/* process_ended - so many processes and threads fewer, for the table at the end. */
void process_ended(struct run *r, uint64_t nr);

/* wait_for_report - a wait statement that names the parent; its line has been read up to there. */
bool wait_for_report(struct run *r);

/* state_word - what has become of it: "ALIVE", "ZOMBIE", ... state_of - the word, or NULL. */
const char *state_word(struct process *proc);
const char *state_of(const struct token *token);

/* What must stand where a state does. */
extern const char state_what[];
