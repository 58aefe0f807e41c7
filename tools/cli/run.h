/*
 * run.h - what the commands share: loading a scenario and running it on the simulated machine.
 */
#pragma once

#include "cli/recording.h"
#include "scenario/scenario.h"

/* scenario_import - the recording as a scenario, and its name. false: a message is on stderr. */
bool scenario_import(const char *path, struct text *out, char *name, size_t bytes);

/* scenario_load - the text of a scenario, read or imported, and its name. false: likewise. */
bool scenario_load(const char *path, struct text *text, char *name, size_t bytes);

/* scenario_check_of - step, end or none. */
bool scenario_check_of(const char *word, enum scenario_check *check);

/*
 * scenario_on_sim - run config's text on a machine as it asks for, and conclude.
 * Returns the exit code; *result is the outcome unless that is SCENARIO_EXIT_WRONG.
 */
int scenario_on_sim(struct scenario_config *config, struct scenario_result *result);

/* replay_all - the command: each recording in turn, a row of a table for each. Returns the exit code. */
int replay_all(int argc, char **argv);
