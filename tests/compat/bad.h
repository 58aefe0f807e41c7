/*
 * bad.h - values that no program should pass: for each argument of each call, one after the other.
 *
 * A subject is a request that succeeds, and says of what kind each of its arguments is. Each kind
 * has its classes of bad values: overflow, misalignment, what lies outside, nothing, too much, and
 * of flags every single bit. A few turn out to be good, which is as well to know.
 */
#pragma once

#include "compat/rows.h"

/* Arguments of the call, then base and length of the two spare vectors. */
#define NR_ARGUMENTS 10

struct bad {
	const char *subject;
	const char *argument;
	const char *name; /* of the class; NULL: the bit `bit` is turned over */
	unsigned    bit;
	bool	    is_length;
	bool	    is_deadly; /* it would reach the memory of the program that tries it on Linux */
	struct request request;
};

/* bad_differs - why the library gives something else than Linux; NULL: it does not. */
const char *bad_differs(const struct bad *bad);

/* bad_each - every value of every argument of every subject; those of one argument follow each other. */
void bad_each(void (*visit)(const struct bad *bad, void *data), void *data);
