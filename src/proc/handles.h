/*
 * handles.h - tables of handles, for exec and for boot.
 */
#pragma once

#include <anymm/handle.h>

/* handle_table_exec - close what is marked to be closed. NULL is fine. */
void handle_table_exec(struct handle_table *table);

/* handle_node_bytes - the size of a node, for its cache. */
size_t handle_node_bytes(void);
