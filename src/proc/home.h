/*
 * home.h - on which node a process lives. Every function HOLDS the process-table lock.
 */
#pragma once

#include <anymm/process.h>

/* home_pick - the node of a child that has no wish, by the policy; its first thread counts there from now on. */
unsigned home_pick(void);

/* home_add, home_remove - so many running threads more, or fewer, on the node. */
void home_add(unsigned node, uint32_t nr_threads);
void home_remove(unsigned node, uint32_t nr_threads);
