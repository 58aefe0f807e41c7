/*
 * ops.c - what there is to know about each kind of operation.
 */
#include "ops.h"

const struct op_traits op_traits[OP_KINDS] = {
	[OP_MMAP] = { .name = "mmap", .has_range = true },
	[OP_MUNMAP] = { .name = "munmap", .has_range = true },
	[OP_MPROTECT] = { .name = "mprotect", .has_range = true },
	[OP_MADVISE] = { .name = "madvise", .has_range = true, .has_flags = true },
	[OP_BRK] = { .name = "brk" },
	[OP_LOAD] = { .name = "load", .has_range = true },
	[OP_STORE] = { .name = "store", .has_range = true },
	[OP_FORK] = { .name = "fork" },
	[OP_EXIT] = { .name = "exit" },
	[OP_VISIT] = { .name = "visit", .is_look = true },
	[OP_MARK] = { .name = "mark", .is_look = true },
};
