/*
 * ops.c - what there is to know about each kind of operation.
 */
#include "ops.h"

const struct op_traits op_traits[OP_KINDS] = {
	[OP_MMAP] = { .name = "mmap", .is_call = true, .has_range = true },
	[OP_MUNMAP] = { .name = "munmap", .is_call = true, .nr_args = 2, .has_range = true },
	[OP_MPROTECT] = { .name = "mprotect", .is_call = true, .has_range = true },
	[OP_MADVISE] = { .name = "madvise",
			 .is_call = true,
			 .nr_args = 3,
			 .has_range = true,
			 .has_flags = true },
	[OP_BRK] = { .name = "brk", .is_call = true, .nr_args = 1 },
	[OP_LOAD] = { .name = "load", .has_range = true },
	[OP_STORE] = { .name = "store", .has_range = true },
	[OP_FORK] = { .name = "fork" },
	[OP_EXIT] = { .name = "exit" },
	[OP_MREMAP] = { .name = "mremap",
			.is_call = true,
			.nr_args = 5,
			.has_range = true,
			.has_flags = true },
	[OP_MLOCK] = { .name = "mlock",
		       .is_call = true,
		       .nr_args = 3,
		       .has_range = true,
		       .has_flags = true },
	[OP_MUNLOCK] = { .name = "munlock",
			 .is_call = true,
			 .nr_args = 2,
			 .has_range = true,
			 .has_flags = true },
	[OP_MLOCKALL] = { .name = "mlockall", .is_call = true, .nr_args = 1, .has_flags = true },
	[OP_MUNLOCKALL] = { .name = "munlockall",
			    .is_call = true,
			    .nr_args = 0,
			    .has_flags = true },
	[OP_MSEAL] = { .name = "mseal",
		       .is_call = true,
		       .nr_args = 3,
		       .has_range = true,
		       .has_flags = true },
	[OP_MSYNC] = { .name = "msync", .is_call = true, .nr_args = 3, .has_range = true },
	[OP_MINCORE] = { .name = "mincore", .nr_args = 2, .has_range = true },
	[OP_VM_READ] = { .name = "vm_read", .is_call = true, .has_range = true },
	[OP_VM_WRITE] = { .name = "vm_write", .is_call = true, .has_range = true },
	[OP_FETCH] = { .name = "fetch", .has_range = true },
	[OP_TRUNCATE] = { .name = "truncate" },
	[OP_PUNCH] = { .name = "punch" },
	[OP_READ] = { .name = "read" },
	[OP_WRITE] = { .name = "write" },
	[OP_LIMIT] = { .name = "limit" },
	[OP_VISIT] = { .name = "visit", .is_look = true },
	[OP_MARK] = { .name = "mark", .is_look = true },
};

/* A number made of another. */
static uint64_t
stir(uint64_t seed)
{
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
	return seed ^ seed >> 31;
}

/* add_bad - somewhere among the elements: nowhere a user may reach, or of negative length. */
static unsigned
add_bad(struct element *vector, unsigned nr, uint64_t seed)
{
	static const struct element bad[] = {
		{ (uint64_t)0xffff800000000000, 8 },
		{ 8, 8 },
		{ 8, 0 },
		{ ARCH_USER_END, 0 },
		{ ARCH_USER_END - 4, 8 },
		{ 0x1000, (uint64_t)1 << 63 },
		{ 0x1000, (uint64_t)1 << 62 },
	};
	unsigned at = (unsigned)(stir(seed + 1) % (nr + 1));

	for (unsigned i = nr; i > at; i--)
		vector[i] = vector[i - 1];
	vector[at] = bad[stir(seed + 2) % ARRAY_SIZE(bad)];
	return nr + 1;
}

unsigned
op_vector(const struct op *op, bool is_remote, struct element *vector)
{
	uint64_t       seed = op->arg[5] ? stir(op->arg[5] + is_remote) : 0;
	struct element rest = { op->arg[is_remote ? 2 : 0], op->arg[is_remote ? 4 : 1] };
	unsigned       nr = seed % (MOST_ELEMENTS - 1), last = nr;
	bool	       backwards = seed >> 8 & 1;

	for (unsigned i = 0; i < nr; i++) {
		uint64_t bytes = stir(seed + 10 + i) % (rest.bytes + 1);

		vector[backwards ? nr - i : i] = (struct element){ rest.base, bytes };
		rest.base += bytes;
		rest.bytes -= bytes;
	}
	vector[backwards ? 0 : last] = rest;
	nr++;
	return seed && (seed >> 16) % 8 == 0 ? add_bad(vector, nr, seed) : nr;
}
