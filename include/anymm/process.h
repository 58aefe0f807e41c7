/*
 * process.h - processes as far as memory needs them: an id, a parent, and a
 * space that threads (and vfork children) share.
 */
#pragma once

#include <anymm/space.h>

enum process_state {
	PROCESS_ALIVE,
	PROCESS_ZOMBIE, /* exited, not yet waited for; has no space */
};

/* [p] the process-table lock   [c] constant after create */
struct process {
	uint32_t	   id;	      /* [c] unique among the living, never 0 */
	enum process_state state;     /* [p] */
	int32_t		   code;      /* [p] exit code of a zombie */
	struct process	  *parent;    /* [p] NULL: the first process */
	struct list	   children;  /* [p] of sibling */
	struct list	   sibling;   /* [p] in parent->children */
	struct list	   all;	      /* [p] in the table */
	struct space	  *space;     /* [p] one reference held; NULL: zombie */
	struct process	  *hash_next; /* [p] */
};

enum proc_fork_flag {
	PROC_SHARE_SPACE = 1, /* thread or vfork: the same space */
};

/*
 * proc_create - a process with no parent and the given space (reference taken).
 * `id` 0 picks a free id; any other must be free.
 *   fails  ERR_NOMEM; ERR_EXIST: id in use; ERR_AGAIN: no id left. Nothing changed
 */
err_t proc_create(uint32_t id, struct space *sp, struct process **out);

/*
 * proc_fork - a child of parent with a copy of its space, or the same space.
 *   needs  parent has not exited. Before two sharers run at once: space_add_thread
 *   fails  as proc_create and space_fork: the parent is as before, no child exists
 */
err_t proc_fork(struct process *parent, unsigned flags, uint32_t id, struct process **out);

/*
 * proc_exec - replace the space (a fresh one made by the caller; reference taken). Cannot fail.
 *   needs  proc has not exited; if nobody else names its old space, that is active on no CPU
 */
void proc_exec(struct process *proc, struct space *fresh);

/*
 * proc_exit - give the space back and become a zombie; children go to the first process, or have no parent.
 *   needs  proc has not exited; if nobody else names its space, that is active on no CPU
 */
void proc_exit(struct process *proc, int32_t code);

/*
 * proc_reap - remove a zombie child and give its code.
 *   fails  ERR_CHILD: not a child of parent; ERR_AGAIN: still alive
 */
err_t proc_reap(struct process *parent, struct process *child, int32_t *code);

/* proc_find - by id, or NULL. proc_first, proc_next - all, in order of creation. */
struct process *proc_find(uint32_t id);
struct process *proc_first(void);
struct process *proc_next(struct process *proc);
uint64_t	proc_count(void);

err_t proc_init(void);

/*
 * anymm_init - the whole library, from the boot map: frames, tables, spaces, processes.
 *   fails  ERR_INVAL: bad boot map; ERR_NOMEM. A message is on the console
 */
err_t anymm_init(const struct boot_map *map);

/*
 * anymm_drain - give every frame back that the library keeps as a spare: caches
 * of small objects and of single frames. For low memory, and for leak tests.
 */
void anymm_drain(void);
