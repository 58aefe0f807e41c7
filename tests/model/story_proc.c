/*
 * story_proc.c - processes come, change and go; and the table of operations.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* free_slot - of a process, or -1. */
static int
free_slot(const struct story *st)
{
	for (int i = 0; i < STORY_PROCS; i++) {
		if (!st->procs[i].real)
			return i;
	}
	return -1;
}

static bool
is_flat_shared(const struct story *st, const struct flat_space *fs)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < STORY_PROCS; i++)
		nr += st->procs[i].real && st->procs[i].fs == fs;
	return nr > 1;
}

static bool
do_fork(struct story_op *op, unsigned flags)
{
	struct story	  *st = op->st;
	int		   slot = free_slot(st);
	struct flat_space *fs = op->fs;
	struct process	  *child;
	err_t		   err;

	if (slot < 0)
		return op_exit(op);
	if (!(flags & PROC_SHARE_SPACE))
		fs = flat_space_fork(&st->flat, op->fs);
	if (!fs)
		return op_exit(op);
	story_say(op, "%s p%u p%d", flags ? "share" : "fork", op->who, slot);
	story_fail_begin(op, "ENOMEM");
	err = proc_fork(op->proc->real, flags, 0, &child);
	if (story_fail_end(op, err == ERR_NOMEM, "ENOMEM"))
		err = proc_fork(op->proc->real, flags, 0, &child);
	story_tell(st, "\n");
	if (err != OK)
		return story_differ(st, "fork of p%u gave %s", op->who, err_name(err));
	if (child->parent != op->proc->real || !child->id || proc_find(child->id) != child)
		return story_differ(st, "the child of p%u is not linked to it", op->who);
	st->procs[slot] = (struct story_proc){ .real = child, .fs = fs, .parent = (int)op->who };
	return true;
}

bool
op_fork(struct story_op *op)
{
	return do_fork(op, 0);
}

bool
op_share(struct story_op *op)
{
	story_feed(op->st);
	if (space_add_thread(op->sp) != OK)
		return story_differ(op->st, "p%u cannot have another thread", op->who);
	return do_fork(op, PROC_SHARE_SPACE);
}

/* leave_space - before a process lets go of a space: if it is the last, no CPU may be in it. */
static void
leave_space(struct story *st, struct story_proc *p)
{
	if (!is_flat_shared(st, p->fs))
		story_leave(st, p->real->space);
}

static void
model_leave(struct story *st, struct story_proc *p)
{
	if (!is_flat_shared(st, p->fs))
		flat_space_free(p->fs);
	p->fs = NULL;
}

bool
op_exec(struct story_op *op)
{
	struct story	  *st = op->st;
	struct flat_space *fs = flat_space_new(&st->flat, &op->fs->layout);
	struct space	  *fresh;
	err_t		   err;

	if (!fs)
		return op_exit(op);
	story_say(op, "exec p%u commit=none memlock=%u", op->who, (unsigned)STORY_LOCKED);
	story_fail_begin(op, "ENOMEM");
	err = space_create(&fs->layout, &fresh);
	if (story_fail_end(op, err == ERR_NOMEM, "ENOMEM"))
		err = space_create(&fs->layout, &fresh);
	story_tell(st, "\n");
	if (err != OK)
		return story_differ(st, "space_create gave %s", err_name(err));
	leave_space(st, op->proc);
	proc_exec(op->proc->real, fresh);
	space_put(fresh);
	model_leave(st, op->proc);
	op->proc->fs = fs;
	return true;
}

bool
story_exit(struct story *st, unsigned i, int32_t code)
{
	struct story_proc *p = &st->procs[i];

	story_tell(st, "exit p%u %d\n", i, code);
	leave_space(st, p);
	proc_exit(p->real, code);
	model_leave(st, p);
	p->code = code;
	for (unsigned j = 0; i && j < STORY_PROCS; j++) {
		if (st->procs[j].real && st->procs[j].parent == (int)i)
			st->procs[j].parent = 0;
	}
	if (i && (p->real->state != PROCESS_ZOMBIE || p->real->space || p->real->code != code))
		return story_differ(st, "p%u exited and is no zombie", i);
	return true;
}

bool
op_exit(struct story_op *op)
{
	if (op->who == 0)
		return true;
	return story_exit(op->st, op->who, op->rec->data);
}

/* op_reap - the process waits for the first zombie there is, its own child or not. */
bool
op_reap(struct story_op *op)
{
	struct story *st = op->st;
	int32_t	      code = -1;

	for (unsigned i = 1; i < STORY_PROCS; i++) {
		struct story_proc *z = &st->procs[i];
		err_t		   want, got;

		if (!z->real)
			continue;
		want = z->parent != (int)op->who ? ERR_CHILD : z->fs ? ERR_AGAIN : OK;
		if (want == ERR_AGAIN && (op->rec->how & 1))
			continue;
		got = proc_reap(op->proc->real, z->real, &code);
		if (got != want)
			return story_differ(st, "p%u waits for p%u: expected %s, got %s", op->who,
					    i, err_name(want), err_name(got));
		if (got != OK)
			continue;
		story_tell(st, "wait p%u = %d\n", i, code);
		if (code != z->code)
			return story_differ(st, "p%u exited with %d, the parent got %d", i, z->code,
					    code);
		z->real = NULL;
		return true;
	}
	return true;
}

void
story_make_room(struct story_op *op)
{
	uint64_t all = op->fs->layout.end;

	story_feed(op->st);
	if (space_unmap(op->sp, 0, all) == OK) {
		flat_unmap(op->fs, va_range(0, all));
		story_tell(op->st, "munmap p%u 0 0x%" PRIx64 "\n", op->who, all);
	} else if (!op_exec(op)) {
		/* A new program is the only way out of sealed memory. */
		abort();
	}
}

/* What the first byte of a record means. The more often a name stands here, the more often it runs. */
static bool (*const operations[])(struct story_op *) = {
	op_store,    op_store,	 op_store,   op_store,	 op_store, op_store, op_store,
	op_store,    op_store,	 op_store,   op_store,	 op_store, op_store, op_load,
	op_load,     op_load,	 op_load,    op_load,	 op_load,  op_load,  op_load,
	op_fetch,    op_map,	 op_map,     op_map,	 op_map,   op_map,   op_map,
	op_map,	     op_map,	 op_map,     op_unmap,	 op_unmap, op_unmap, op_protect,
	op_protect,  op_protect, op_protect, op_protect, op_brk,   op_brk,   op_advise,
	op_advise,   op_advise,	 op_advise,  op_fork,	 op_fork,  op_fork,  op_fork,
	op_fork,     op_fork,	 op_share,   op_exit,	 op_exit,  op_reap,  op_reap,
	op_exec,     op_copy,	 op_copy,    op_copy,	 op_copy,  op_stack, op_populate,
	op_populate,
};

/* The same for the upper quarter of the first byte. */
static bool (*const calls[])(struct story_op *) = {
	op_remap,      op_remap,      op_remap,	     op_remap,	    op_remap,	   op_remap,
	op_remap,      op_remap,      op_remap,	     op_remap,	    op_lock,	   op_lock,
	op_lock,       op_lock,	      op_unlock,     op_unlock,	    op_lock_all,   op_seal,
	op_seal,       op_sync,	      op_advise_any, op_advise_any, op_advise_any, op_advise_any,
	op_advise_any, op_advise_any, op_advise_any, op_advise_any, op_advise_any, op_resident,
	op_resident,   op_map_now,    op_map_now,    op_map_now,    op_map_now,	   op_pin,
	op_pin,	       op_pin,	      op_pin,	     op_unpin,	    op_unpin,	   op_device,
	op_device,     op_device,     op_device,     op_device,	    op_device,	   op_transfer,
	op_transfer,   op_transfer,   op_transfer,   op_transfer,   op_reclaim,	   op_reclaim,
	op_reclaim,    op_reclaim,    op_reclaim,    op_reclaim,    op_reclaim,	   op_reclaim,
	op_store,      op_store,      op_fork,	     op_fork,
};
static_assert(ARRAY_SIZE(operations) == 64 && ARRAY_SIZE(calls) == 64,
	      "the first byte says table and place");

/* One record in eight, where files change. */
static bool
is_about_files(const struct story_op *op)
{
	return op->st->changes_files && op->rec->op % 8 == 5;
}

bool
story_do(struct story_op *op)
{
	if (is_about_files(op))
		return op_file(op);
	if (op->rec->op >= 0xc0)
		return calls[op->rec->op - 0xc0](op);
	return operations[op->rec->op % ARRAY_SIZE(operations)](op);
}
