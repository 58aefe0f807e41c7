/*
 * story_ops.h - one operation of a story while it runs.
 */
#pragma once

#include "model/flat_calls.h"
#include "model/story.h"

#include <anymm/call.h>

/* What is the same before and after a try that gives up. */
struct state {
	struct digest digest;
	uint64_t      nr_pins;
	bool	      is_noted; /* else the story does not compare it */
};

struct story_op {
	struct story		  *st;
	const struct story_record *rec;
	unsigned		   who;
	unsigned		   cpu;
	struct story_proc	  *proc;
	struct flat_space	  *fs;
	struct space		  *sp;
	vaddr_t			   va;
	uint64_t		   length;

	/* With failed allocations: the library as it was before the first try. */
	struct state before;
	bool	     is_failing;    /* an allocation will fail in this try */
	bool	     gave_up;	    /* the first try ran out of memory */
	bool	     has_changed;   /* and yet the digest is another one */
	bool	     was_failing;   /* so pages that the call could do without may lack */
	bool	     is_repeatable; /* a second try does no harm, whatever the first one has done */
	bool	     must_not_fail; /* a first try may have done a part that cannot be repeated */

	char line[200]; /* the operation in the scenario language, without its result */
	bool is_told;	/* the line has been written */
};

/* story_say - add to the operation's line. */
void story_say(struct story_op *op, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* story_do - the operation that the record names. false: the two sides differ. */
bool story_do(struct story_op *op);

/* story_make_room - the model is nearly full: the process unmaps everything. */
void story_make_room(struct story_op *op);

/* story_exit - process i exits with this code, on both sides. */
bool story_exit(struct story *st, unsigned i, int32_t code);

/*
 * Before and after the call: begin writes the line and arms the failing allocation; end
 * gives true if the call gave up for want of memory and shall be made again. `error` is
 * how the scenario says that it gave up; NULL: it cannot, so the first try is not told.
 * A call that would have failed anyway, or done a part, is not held to anything.
 */
void story_fail_begin(struct story_op *op, const char *error);
bool story_fail_end(struct story_op *op, bool ran_out, const char *error);

/* story_fail_check - after the call has succeeded at last: the try that gave up changed nothing. */
bool story_fail_check(struct story_op *op);

/* story_same_result - of a call on op->va and op->length. */
bool story_same_result(struct story_op *op, const char *call, err_t want, err_t got);

/*
 * story_fill - the model brings pages in (flat_fill). If the call may have done without some,
 * because of a failure that was meant, the library brings them in now.
 */
enum flat_end story_fill(struct story_op *op, struct va_range range, enum flat_why why,
			 bool goes_on);

/* story_piece - which bytes an operation is about: a part of a cell, or across the end of a page. */
struct story_piece {
	vaddr_t va;
	size_t	bytes;
};
struct story_piece story_piece(struct story_op *op);

/* The operations, by file: story_map.c, story_access.c, story_files.c, story_proc.c; and below. */
bool op_map(struct story_op *op);
bool op_map_now(struct story_op *op);
bool op_stack(struct story_op *op);
bool op_unmap(struct story_op *op);
bool op_protect(struct story_op *op);
bool op_brk(struct story_op *op);
bool op_advise(struct story_op *op);
bool op_store(struct story_op *op);
bool op_load(struct story_op *op);
bool op_fetch(struct story_op *op);
bool op_copy(struct story_op *op);
bool op_populate(struct story_op *op);
bool op_file(struct story_op *op);
bool op_fork(struct story_op *op);
bool op_share(struct story_op *op);
bool op_exec(struct story_op *op);
bool op_exit(struct story_op *op);
bool op_reap(struct story_op *op);

/* story_calls.c */
bool op_remap(struct story_op *op);
bool op_lock(struct story_op *op);
bool op_unlock(struct story_op *op);
bool op_lock_all(struct story_op *op);
bool op_seal(struct story_op *op);
bool op_sync(struct story_op *op);
bool op_advise_any(struct story_op *op);
bool op_resident(struct story_op *op);

/* story_pin.c, story_transfer.c, story_swap.c */
bool op_pin(struct story_op *op);
bool op_unpin(struct story_op *op);
bool op_device(struct story_op *op);
bool op_transfer(struct story_op *op);
bool op_reclaim(struct story_op *op);
