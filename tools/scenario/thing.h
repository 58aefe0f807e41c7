/*
 * thing.h - what processes of a scenario hold: open files, directories and mounts, each a
 * counted resource with a name. Private to tools/scenario.
 *
 * A thing lies in the arena of names, so that the number of its holders can be told when it has none.
 */
#pragma once

#include "scenario/run.h"

/* [c] constant from its making on */
struct thing {
	struct resource	    resource;
	struct names	   *names;    /* [c] */
	struct object	   *file;     /* [c] of an open file: one reference */
	uint64_t	    position; /* of an open file: where it is read next */
	const struct thing *original; /* [c] of a copy: what it was made from */
	bool		    in_hand;  /* the scenario has taken it from a process, and holds it */
};

/* thing_of - the thing that a library's resource is. */
static inline struct thing *
thing_of(struct resource *resource)
{
	return CONTAINER_OF(resource, struct thing, resource);
}

/*
 * thing_make - a new thing with one reference, for a name whose thing nobody holds.
 *   fails  false: the run is over
 */
bool thing_make(struct run *r, struct name *name, struct object *file);

/* mount_make - the same, but whoever gets a copy of it gets another one. */
bool mount_make(struct run *r, struct name *name);

/* parse_thing - any name; parse_held - the name of a thing that somebody holds. */
bool parse_thing(struct run *r, struct name **name);
bool parse_held(struct run *r, struct name **name);

/* What there must be, behind `=`: a thing, nothing, or an error. */
struct wanted_thing {
	bool	      is_error;
	struct wanted error;
	struct name  *name; /* NULL: nothing */
};
bool parse_wanted_thing(struct run *r, struct wanted_thing *wanted);

/* compare_thing - whether a call has ended as wanted, with this resource or NULL. */
bool compare_thing(struct run *r, const char *call, const struct wanted_thing *wanted, err_t err,
		   struct resource *got);

/* thing_put - one reference fewer, as kernel code. */
void thing_put(struct run *r, struct resource *resource);

/* things_drop - at the end: what the scenario itself holds, and what the special handles name. */
void things_drop(struct run *r);
