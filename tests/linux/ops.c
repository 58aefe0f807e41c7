/*
 * ops.c - what there is to know about each kind of operation.
 */
#include "ops.h"

const struct op_traits op_traits[OP_KINDS] = {
	[OP_MMAP] = { .name = "mmap", .has_range = true },
	[OP_MUNMAP] = { .name = "munmap", .nr_args = 2, .has_range = true },
	[OP_MPROTECT] = { .name = "mprotect", .has_range = true },
	[OP_MADVISE] = { .name = "madvise", .nr_args = 3, .has_range = true, .has_flags = true },
	[OP_BRK] = { .name = "brk", .nr_args = 1 },
	[OP_LOAD] = { .name = "load", .has_range = true },
	[OP_STORE] = { .name = "store", .has_range = true },
	[OP_FORK] = { .name = "fork" },
	[OP_EXIT] = { .name = "exit" },
	[OP_MREMAP] = { .name = "mremap", .nr_args = 5, .has_range = true },
	[OP_MLOCK] = { .name = "mlock", .nr_args = 3, .has_range = true, .has_flags = true },
	[OP_MUNLOCK] = { .name = "munlock", .nr_args = 2, .has_range = true, .has_flags = true },
	[OP_MLOCKALL] = { .name = "mlockall", .nr_args = 1, .has_flags = true },
	[OP_MUNLOCKALL] = { .name = "munlockall", .nr_args = 0, .has_flags = true },
	[OP_MSEAL] = { .name = "mseal", .nr_args = 3, .has_range = true, .has_flags = true },
	[OP_FETCH] = { .name = "fetch", .has_range = true },
	[OP_TRUNCATE] = { .name = "truncate" },
	[OP_PUNCH] = { .name = "punch" },
	[OP_READ] = { .name = "read" },
	[OP_WRITE] = { .name = "write" },
	[OP_LIMIT] = { .name = "limit" },
	[OP_VISIT] = { .name = "visit", .is_look = true },
	[OP_MARK] = { .name = "mark", .is_look = true },
};
