/*
 * resource.h - counted things that processes hold: one small interface.
 *
 * A kernel puts `struct resource` into its own object (an open file, a directory, a
 * mount, a table of handles) and gives it operations. The library counts who holds it and
 * asks the operations when a child is to get a copy, or a fresh one. Nothing else about
 * the object is known here.
 *
 *	count      raised by                        lowered by
 *	1          resource_init: the maker         resource_put
 *	+ 1        resource_get, a fork that shares resource_put, exit
 */
#pragma once

#include <anymm/types.h>

struct resource;

struct resource_ops {
	const char *name;

	/*
	 * copy - another one with the same contents and one reference. NULL: it never
	 * changes, so a copy is one more reference.
	 *   fails  ERR_NOMEM: nothing changed
	 */
	err_t (*copy)(struct resource *from, struct resource **out);

	/*
	 * reset - what a child starts with that is not to inherit this one, with one
	 * reference; *out NULL: nothing. NULL: a child starts with nothing.
	 *   fails  ERR_NOMEM: nothing changed
	 */
	err_t (*reset)(struct resource *from, struct resource **out);

	/* destroy - the last reference is gone. Called with no lock held. */
	void (*destroy)(struct resource *resource);
};

/* [c] constant after resource_init   [a] atomic */
struct resource {
	const struct resource_ops *ops;	 /* [c] */
	_Atomic uint64_t	   refs; /* [a] 64 bits: no program can make it wrap */
};

/* How a child gets what its parent has. */
enum inherit {
	INHERIT_COPY,
	INHERIT_SHARE,
	INHERIT_RESET,
};

/* resource_init - an object made by the caller, who holds its one reference. */
void resource_init(struct resource *resource, const struct resource_ops *ops);

/* resource_get - one more holder; gives the same pointer. NULL is fine. */
struct resource *resource_get(struct resource *resource);

/*
 * resource_put - one holder fewer; the last one destroys. NULL is fine.
 *   needs  no lock held that destroy might take
 */
void resource_put(struct resource *resource);

/*
 * resource_inherit - what a child gets; NULL gives NULL.
 *   gives  *out with a reference for the child
 *   fails  ERR_NOMEM: nothing changed
 */
err_t resource_inherit(struct resource *from, enum inherit how, struct resource **out);

/* resource_refs - holders at this moment, for figures and tests. */
uint64_t resource_refs(const struct resource *resource);

/* resource_live - objects between resource_init and destroy (leak tests). */
uint64_t resource_live(void);
