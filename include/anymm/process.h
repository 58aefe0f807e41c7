/*
 * process.h - processes, their threads, and the tree they form.
 *
 * A kernel brings its scheduler, its file system and its way to sleep; here are ids, the
 * tree, what a child inherits, exit, and wait. Nothing here blocks: a call that would have
 * to wait gives ERR_AGAIN, and the hook `wake` says when asking again makes sense.
 *
 * A pointer to a process stays valid while somebody holds a reference (proc_get), or while
 * the process has not been waited for. A kernel holds a reference for each CPU until that
 * CPU has switched away, so that no pointer ever dangles.
 */
#pragma once

#include <anymm/kstack.h>
#include <anymm/list.h>
#include <anymm/lock.h>
#include <anymm/resource.h>
#include <anymm/signal.h>
#include <anymm/space.h>

/*
 * The life of a process; the legal moves are a table in src/proc/process.c.
 *
 *	CREATED --> ALIVE <--> STOPPED
 *	   |          |           |
 *	   |          +-----+-----+
 *	   |                v
 *	   |              DYING --> ZOMBIE --> TOMBSTONE --> FORGOTTEN --> freed
 *	   |                +-------------------->+
 *	   +--> freed (a fork that failed)
 */
enum process_state {
	PROCESS_CREATED,   /* has an id; nobody finds it */
	PROCESS_ALIVE,	   /* has a space */
	PROCESS_STOPPED,   /* has a space; its threads do not run until it is continued */
	PROCESS_DYING,	   /* gives back what it had; no thread of it runs any more */
	PROCESS_ZOMBIE,	   /* somebody may ask for its code */
	PROCESS_TOMBSTONE, /* nobody will ask; keeps its place while it has children */
	PROCESS_FORGOTTEN, /* out of the tree and the table, freed with the last reference */
	PROCESS_STATES,
};

/* A number in a scope: the table of ids is one hash table for all scopes (src/proc/ids.c). */
struct id_node {
	struct id_node *next;
	const void     *scope;
	uint32_t	number; /* 0: in no scope */
};

/*
 * A namespace of ids: a process has an id in its own and in each one above, up to the root's,
 * which has everybody. The first process in it has id 1 there and is its init: it takes the
 * orphans, and its end is the end of all in it. [c] constant after create   [p] the lock
 *
 *	root's		A: 1	B: 2	C: 3	D: 4	C was forked with PROC_NEW_IDS
 *	C's				C: 1	D: 2	A and B cannot be named here
 */
struct namespace
{
	struct resource	  resource; /* held by whatever is in it; not the root's */
	struct namespace *above;    /* [c] one reference; NULL: this is the root's */
	unsigned	  level;    /* [c] 0: the root's */
	struct process	 *init;	    /* [p] NULL: not yet, or not any more */
	struct list	  all;	    /* [p] in the list of all namespaces */
	uint64_t	  nr_ids;   /* [p] threads that have an id in it */
	uint32_t	  next_id;  /* [p] where the search for a free one goes on */
	uint64_t	  nr_seen;  /* [p] a scratch word of check_all */
};

/* As on Linux: so many may be nested below the root's. */
#define ID_NAMESPACE_DEPTH 32

/* The id of a thread or of a group in a namespace other than the root's. [c], [p] as above */
struct id_level {
	struct id_node	  node;	 /* [p] in the namespace's scope of ids, or of groups */
	struct namespace *in;	 /* [c] */
	struct id_level	 *outer; /* [c] in the next one above; NULL: that is the root's */
	void		 *of;	 /* [c] struct thread or struct group */
};

/* The children of one process, or of nobody. [p] the process-table lock */
struct family {
	struct list children;	  /* [p] of process.sibling, in order of arrival */
	struct list waitable;	  /* [p] of process.report_link, oldest report first */
	uint64_t    nr_children;  /* [p] */
	uint64_t    nr_awaitable; /* [p] those that wait may report some day */
	uint32_t    last_number;  /* [p] given to the child that came last; 0: none came */
};

/* What a process holds; a fork flag each decides what the child gets. */
enum resource_slot {
	RESOURCE_HANDLES,  /* struct handle_table */
	RESOURCE_FS,	   /* struct fs_context */
	RESOURCE_HANDLERS, /* struct handlers; NULL: every signal has its default action */
	RESOURCE_MOUNTS,   /* the kernel's: what it sees of the file systems */
	RESOURCE_ACCOUNT,  /* struct account: who pays for the process; NULL: nobody */
	RESOURCE_OWN,	   /* from here on as the kernel likes */
	RESOURCE_OWN_NR = 3,
	RESOURCE_SLOTS = RESOURCE_OWN + RESOURCE_OWN_NR,
};

/* [c] constant after create   [p] the process-table lock   [r] whoever runs it or may run it */
struct thread {
	struct id_node	    node;      /* [p] in the root's scope of ids */
	struct id_level	   *inner;     /* [p] its ids below the root, its own namespace's first */
	struct process	   *process;   /* [c] */
	struct list	    link;      /* [p] in process->threads */
	bool		    has_ended; /* [p] */
	bool		    detached;  /* [p] nobody joins it */
	struct thread	   *joined_by; /* [p] the thread that waits for its end */
	int32_t		    value;     /* [p] what it ended with */
	struct thread	   *joins;     /* [p] the thread whose end it waits for */
	struct thread	   *suspends; /* [p] its maker, which goes on when this one execs or ends */
	struct thread	   *waits_for; /* [p] the other direction: it must not run */
	signal_set	    blocked;   /* [p] */
	signal_set	    pending;   /* [p] sent to this thread alone */
	struct note	   *notes;     /* [p] what came with pending ones */
	signal_set	    forced;    /* [p] pending ones that it has caused itself */
	struct signal_info  caused;    /* [p] why, of the last of them */
	struct signal_stack alternate; /* [r] where handlers run if they ask for it */
	void		   *data;      /* the kernel's */

	/* What it has of the machine (src/proc/body.c). A thread that has ended has none of it. */
	alignas(16) struct arch_context registers; /* [r] of user mode, while it is not there */
	struct arch_fpu *fpu;	     /* [c] its state while it is on no CPU; or NULL */
	struct kstack	*stack;	     /* [c] its stack in the kernel; or NULL */
	vaddr_t		 saved;	     /* [r] where on it the kernel goes on; for the kernel to set */
	unsigned	 on_cpu;     /* [r] 1 + the CPU that it runs on; 0: none */
	struct va_range	 user_stack; /* [p] its stack in user mode, as far as its maker has told */
	unsigned	 nr_copying; /* [r] copies of user memory that it is in, one in the other */
};

/* [c] constant after create   [p] the process-table lock   [a] atomic */
struct process {
	uint32_t	   id;		/* [c] the root's: unique among the living, never 0 */
	enum process_state state;	/* [p] */
	int32_t		   code;	/* [p] what it exits or has exited with */
	int32_t		   stop_signal; /* [p] what stopped it last */
	_Atomic uint32_t   refs;	/* [a] the tree's one, and proc_get */
	_Atomic uint32_t   events;	/* [a] counts what `wake` was called for */
	struct process	  *parent;	/* [p] NULL: a child of nobody */
	struct family	   family;	/* [p] */
	struct list	   sibling;	/* [p] in the parent's children */
	struct list	   report_link; /* [p] in the parent's waitable */
	unsigned	   reports;	/* [p] bits 1 << enum wait_event not yet given out */
	struct id_node	   child_node;	/* [p] in the scope of its parent: the child number */
	struct list	   all;		/* [p] in the list of all */
	struct namespace  *ids;		/* [c] one reference; the innermost it has an id in */
	struct group	  *group;	/* [p] one reference */
	struct list	   member;	/* [p] in group->members */
	struct list	   condemned;	/* [p] in the list of a proc_kill_descendants */
	struct space	  *space;	/* [p] one reference held; NULL: has exited */
	unsigned	   home;	/* [c] the node it was placed on */
	struct resource	  *resources[RESOURCE_SLOTS]; /* [p] one reference each, or NULL */
	struct thread	   main;	 /* the first thread; its id is the process's */
	struct list	   threads;	 /* [p] of thread.link, main first */
	uint32_t	   nr_running;	 /* [p] threads that have not ended */
	struct thread	  *execs;	 /* [p] it alone stays, for an exec; or NULL */
	uint8_t		   exit_signal;	 /* [p] sent to the parent when it exits; 0: none */
	bool		   no_reap;	 /* [p] nobody waits for it: it goes by itself */
	bool		   is_subreaper; /* [p] orphans below it become its children */
	bool		   is_exiting;	 /* [p] a group exit has begun */
	bool		   is_ending;	 /* [p] a thread has taken a signal that is its end */
	uint32_t	   nr_charged;	 /* [p] threads that its account pays for */
	uint64_t	   nr_execs;	 /* [p] programs that it has executed */
	uint64_t	   parent_execs; /* [p] its parent, when it was made */
	signal_set	   pending;	 /* [p] sent to it: any thread may take them */
	struct note	  *notes;	 /* [p] what came with them */
	struct list	   forks; /* [p] of struct fork_signals.link: its forks on their way */
	void		  *data;  /* the kernel's */
};

/*
 * What a kernel adds. Every hook may be NULL. Those marked L are called with the table's
 * lock held: they mark something runnable or interrupt a CPU, and call nothing of the library.
 */
struct proc_hooks {
	/* L: proc->events has grown: a child has something to report, a thread has ended, a
	 * suspended thread may go on, a signal came. Whoever sleeps for proc looks again. */
	void (*wake)(struct process *proc);

	/* L: a complete child has just entered the tree, or a thread its process: it may run. */
	void (*start)(struct thread *t);

	/*
	 * Make sure that no thread of proc runs and that none will. true: so it is; false:
	 * they were told, and each will call thread_end. NULL: nothing runs, as in tests.
	 */
	bool (*halt)(struct process *proc);

	/* Init is about to exit, with this many children: a kernel shuts down or stops here. */
	void (*init_exits)(struct process *init, int32_t code, uint64_t nr_children);

	/* The last reference is gone: free what proc->data names. */
	void (*release)(struct process *proc);
};

/* What becomes of children whose parent dies. */
enum orphan_policy {
	ORPHANS_ADOPTED, /* the nearest sub-reaper above, else init, is their parent, and gets CHLD
			  * at their ends, and for zombies at once */
	ORPHANS_STAY,	 /* the dead parent keeps its place as a tombstone until they are gone */
};

/* proc_configure - at boot, before the second process. Hooks are copied; NULL: none. */
void proc_configure(const struct proc_hooks *hooks, enum orphan_policy policy);

/*
 * What every thread is to have, of those that are made from now on. A kernel that keeps all of it
 * itself leaves all of it out, and a thread is a record then.
 */
struct thread_config {
	bool has_fpu;	/* floating-point state */
	bool has_stack; /* a stack in the kernel */

	/* On that stack, the first that a thread does which begins in user mode: go there with its
	 * registers. Does not return. Not needed without stacks. */
	void (*begin)(void *thread);
};

/* proc_configure_threads - at boot, before the first process. NULL: none of it. */
void proc_configure_threads(const struct thread_config *config);

/*
 * Where a child lives if nobody says so: a node, on which the root of its tables is made and where
 * the kernel's scheduler should run it.
 */
enum home_policy {
	HOME_LOCAL,	    /* the node of the CPU that forks */
	HOME_LEAST_THREADS, /* the one with the fewest running threads; of equal ones the nearest */
};

/* proc_set_home_policy - at boot, before the second process. HOME_LOCAL without this. */
void proc_set_home_policy(enum home_policy policy);

/* proc_threads_on - threads that run in processes at home on the node. */
uint64_t proc_threads_on(unsigned node);

/* proc_set_id_limit - ids are 1 .. limit from now on. fails ERR_INVAL: 0, or above 4194304. */
err_t proc_set_id_limit(uint32_t limit);

/*
 * Flags of a fork. Those that Linux has carry its values, so recorded calls pass through. The first is
 * the mask of the signal that the parent gets at the child's end, 0: none. It becomes CHLD when the
 * child gets another parent or executes a program, and when its parent executes one.
 */
#define PROC_EXIT_SIGNAL      UINT64_C(0xff)
#define PROC_SHARE_SPACE      UINT64_C(0x100)
#define PROC_SHARE_FS	      UINT64_C(0x200)
#define PROC_SHARE_HANDLES    UINT64_C(0x400)
#define PROC_SHARE_HANDLERS   UINT64_C(0x800)	/* signal handlers; needs SHARE_SPACE */
#define PROC_SUSPEND	      UINT64_C(0x4000)	/* the caller waits until the child execs or ends */
#define PROC_SAME_PARENT      UINT64_C(0x8000)	/* the caller's parent becomes the child's */
#define PROC_THREAD	      UINT64_C(0x10000) /* a thread of this process; needs SHARE_HANDLERS */
#define PROC_NEW_MOUNT	      UINT64_C(0x20000) /* a copy of the mounts, which are shared else */
#define PROC_SET_TLS	      UINT64_C(0x80000) /* the request says the thread pointer */
#define PROC_NEW_IDS	      UINT64_C(0x20000000)  /* number 1 of a new namespace of ids */
#define PROC_DEFAULT_HANDLERS UINT64_C(0x100000000) /* all but ignored signals: default action */
#define PROC_NO_REAP	      UINT64_C(0x200000000) /* ours: nobody will wait for the child */
#define PROC_EMPTY_HANDLES    UINT64_C(0x400000000) /* ours: the child starts with no handle */

struct clone_request {
	uint64_t	flags;	 /* PROC_ flags and the exit signal */
	uint32_t	id;	 /* in the root's namespace; 0: the next free one */
	struct space   *space;	 /* NULL: by flags; else the child's, a reference is taken */
	struct account *account; /* NULL: the caller's; else the child's, likewise */
	bool		by_node; /* the child's home is `node`; else the home policy decides */
	unsigned	node;
	enum inherit	own[RESOURCE_OWN_NR]; /* the kernel's own slots */

	/* Where the child begins in user mode. Its registers are the caller's, with result 0. */
	vaddr_t	 sp;	   /* 0: the caller's; as Linux's clone has it */
	vaddr_t	 tls;	   /* with PROC_SET_TLS */
	vaddr_t	 entry;	   /* 0: where the caller goes on; else a function, called with sp */
	uint64_t argument; /* of that function; where it returns to is for the caller to write */

	/*
	 * Where a thread has its stack in user mode; empty: nobody says, as on Linux. A child
	 * with a copy of the space gets no stack of other threads that somebody has told of.
	 */
	struct va_range user_stack;

	/* Or in the kernel, on a stack of its own; at most one of the two. */
	vaddr_t saved; /* where the caller, which has left its stack there, would go on: so does
			* the child, on a copy */
	void (*function)(void *argument); /* a thread of the kernel: does not return */
	void *function_argument;
};

/*
 * What a fork has made. The ids are for whoever made it. Another CPU may run the child at once:
 * the pointers are good as long as it cannot be gone, so not if nobody has to wait for it.
 */
struct clone_result {
	struct thread  *thread;
	struct process *process; /* the child; of a thread, its process */
	uint32_t	id;	 /* of the thread, or of the child, in the caller's namespace */
	uint32_t	number;	 /* the child number; 0: a thread */
};

/*
 * proc_clone - what fork, vfork, clone, and the creation of a thread come down to.
 *
 *   needs  the caller's process has not exited. Two that share a space may run at once
 *   gives  *out: a thread; unless PROC_THREAD it is the first of a new child, which is
 *          in the tree, found by its id, and was handed to the hook `start` last of all. What
 *          was sent to many meanwhile (signal.h) waits for the child, too, without its info.
 *          With PROC_SUSPEND the caller must not run until thread_is_suspended says no
 *   fails  ERR_INVAL: flags that exclude or need each other, an unknown flag or signal,
 *          PROC_SAME_PARENT by the init of a namespace, a node that there is not, or one for
 *          a thread; ERR_AGAIN: a limit on processes, no id is left, the caller's process is exiting,
 *          or a thread of it has taken a signal that ends it, or the parent that the child would
 *          share is dead; ERR_EXIST: the id is in use;
 *          ERR_BUSY: the caller is suspended; ERR_NOSPC: namespaces are nested too deep;
 *          ERR_INTR: a signal waits that the caller takes first, its process is stopped, or a signal
 *          has come that ends it: signals are delivered, and then the call is made again (Linux's
 *          ERESTARTNOINTR; a system call by arch_context_restart_call);
 *          ERR_NOMEM, ERR_OVERFLOW. Everything is exactly as before
 *
 * The caller's registers stay what they are in any case: who called for it sets their result. If
 * the caller runs on a CPU, that is this one, and its floating-point state is saved first.
 */
err_t proc_clone(struct thread *caller, const struct clone_request *request,
		 struct clone_result *out);

/*
 * proc_fork - proc_clone by the parent's first thread, for a new process.
 *   fails  as proc_clone; ERR_INVAL also for PROC_THREAD
 */
err_t proc_fork(struct process *parent, uint64_t flags, uint32_t id, struct process **out);

/*
 * proc_create - a process with no parent and the given space (reference taken). The first
 * one is init. `id` 0 picks a free id; any other must be free.
 *   fails  ERR_NOMEM; ERR_EXIST: id in use; ERR_INVAL: no such id; ERR_AGAIN: no id left.
 *          Nothing changed
 */
err_t proc_create(uint32_t id, struct space *sp, struct process **out);

/*
 * proc_exec - replace the space (a fresh one made by the caller; reference taken). Cannot
 * fail. Handlers become default, handles marked for it are closed, a suspended parent goes on,
 * and ends of children and of proc itself are told by CHLD from now on.
 *   needs  proc has not exited and has one thread (thread_begin_exec); it has made a handle
 *          table and handlers its own that it shared with others (proc_unshare); if nobody
 *          else names its old space, that is active on no CPU
 */
void proc_exec(struct process *proc, struct space *fresh);

/*
 * proc_exit - all threads end at once and the process with them: what it holds is given
 * back, children get another parent or keep their dead one by the policy, and the parent
 * may wait for the code. The init of a namespace takes all in it along, as
 * proc_kill_descendants would; who could not be halted at once goes to the init outside.
 *   needs  proc has not exited, no thread of it runs but the caller's; if nobody else names
 *          its space, that is active on no CPU
 */
void proc_exit(struct process *proc, int32_t code);

/*
 * proc_kill - from outside: the hook `halt` stops the threads, then it exits with this code.
 * Killing what is dead or dying is harmless.
 *   fails  ERR_PERM: the root's init cannot be killed; others can, for this comes from above
 */
err_t proc_kill(struct process *proc, int32_t code);

/*
 * proc_kill_descendants - every process below root, leaves first, each without a zombie.
 * Processes that the hook `halt` could not stop at once are told to exit and go by
 * themselves. No recursion, linear in their number, also for long chains.
 *   gives  the number of processes that were killed
 */
uint64_t proc_kill_descendants(struct process *root, int32_t code);

/* What wait can report about a child. */
enum wait_event {
	WAIT_EXITED,
	WAIT_STOPPED,
	WAIT_CONTINUED,
};

/* Linux's values. Without a flag only exits are reported. */
enum wait_flag {
	WAITF_STOPPED = 0x2,
	WAITF_CONTINUED = 0x8,
	WAITF_KEEP = 0x01000000, /* report, but leave it to be reported again */
};

enum wait_which {
	WAIT_ANY,
	WAIT_ID,     /* the child with this id, in the parent's namespace */
	WAIT_NUMBER, /* the child with this child number */
	WAIT_GROUP,  /* any child in the group of this id; 0: in the caller's group */
};

struct wait_request {
	enum wait_which which;
	uint32_t	id;
	unsigned	flags; /* enum wait_flag */
};

struct wait_result {
	uint32_t	id;	/* in the parent's namespace */
	uint32_t	number; /* the child number */
	enum wait_event event;
	int32_t		code; /* exit code, or the signal that stopped it */
};

/*
 * proc_wait - a report of a child of parent (NULL: of nobody); each is given once. An exited
 * child is gone afterwards.
 *   fails  ERR_CHILD: no child fits; ERR_AGAIN: none has anything to report yet (a call that
 *          shall not hang returns now; another reads parent->events before the call, sleeps
 *          until it has grown, and asks again); ERR_INVAL: flags. Nothing changed
 */
err_t proc_wait(struct process *parent, const struct wait_request *request,
		struct wait_result *out);

/*
 * proc_reap - the code of one exited child, which is gone afterwards.
 *   fails  ERR_CHILD: not a child of parent; ERR_AGAIN: has not exited. Nothing changed
 */
err_t proc_reap(struct process *parent, struct process *child, int32_t *code);

/* proc_stop, proc_continue - job control; false: it was so already, or has exited. */
bool proc_stop(struct process *proc, int32_t signal);
bool proc_continue(struct process *proc);

/* proc_set_subreaper - orphans below proc become its children from now on, or no longer. */
void proc_set_subreaper(struct process *proc, bool is_subreaper);

/* proc_init_process - who takes the orphans; NULL: no process lives in the root's namespace. */
struct process *proc_init_process(void);

/* proc_get, proc_put - references. */
void proc_get(struct process *proc);
void proc_put(struct process *proc);

/* proc_find - by id, or NULL. proc_lookup - the same with a reference. cost O(1) */
struct process *proc_find(uint32_t id);
struct process *proc_lookup(uint32_t id);

/*
 * Ids as somebody sees them: those of the viewer's namespace; NULL sees the root's. 0 is the id
 * of whoever cannot be named there, so that is also what the init of a namespace sees as its
 * parent's. thread_find_for finds no thread before its process is in the tree. cost O(1) for
 * finding, O(levels between the two) for the others.
 */
uint32_t	proc_id_for(const struct process *viewer, const struct process *proc);
uint32_t	thread_id_for(const struct process *viewer, const struct thread *t);
uint32_t	proc_group_for(const struct process *viewer, const struct process *proc);
uint32_t	proc_session_for(const struct process *viewer, const struct process *proc);
struct process *proc_find_for(const struct process *viewer, uint32_t id);
struct thread  *thread_find_for(const struct process *viewer, uint32_t id);

/* proc_find_child - by child number; parent NULL: among the children of nobody. cost O(1) */
struct process *proc_find_child(struct process *parent, uint32_t number);

/* proc_number - the child number. Constant while the parent stays the same. */
static inline uint32_t
proc_number(const struct process *proc)
{
	return proc->child_node.number;
}

/* proc_first, proc_next - all, in order of creation. No process may come or go meanwhile. */
struct process *proc_first(void);
struct process *proc_next(struct process *proc);
uint64_t	proc_count(void);

/*
 * A walk over root and all below it (NULL: over all), parents before children, that
 * survives every change of the tree. Who is below root all the time is met, and once unless
 * it gets another parent meanwhile.
 */
struct proc_walk {
	struct process *root;
	struct process *next;
	struct list	link;
	bool		moves; /* who is next gets another parent at this moment */
};

/* proc_walk_begin, _end - of each walk. proc_walk_next - with a reference, or NULL at the end. */
void		proc_walk_begin(struct proc_walk *walk, struct process *root);
struct process *proc_walk_next(struct proc_walk *walk);
void		proc_walk_end(struct proc_walk *walk);

/*
 * proc_resource - what stands in a slot, with a reference for the caller, or NULL.
 * proc_set_resource - put another one there; takes over the caller's reference, and drops it if the
 * process has exited, which holds nothing but its account.
 */
struct resource *proc_resource(struct process *proc, enum resource_slot slot);
void proc_set_resource(struct process *proc, enum resource_slot slot, struct resource *resource);

/*
 * proc_unshare - the slot is proc's own afterwards: a copy, if somebody else holds it too.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t proc_unshare(struct process *proc, enum resource_slot slot);

/*
 * Accounts limit how many processes somebody may have: a user, or a part of the tree. An
 * account may have another above it, and then counts there too. Threads are counted.
 */
struct account {
	struct resource resource;
	struct account *above; /* [c] one reference, or NULL */
	unsigned	level; /* [c] how many are above it */
	uint64_t	limit; /* [p] UINT64_MAX: none */
	uint64_t	nr;    /* [p] processes and threads it pays for */
};

/* So many may be above an account: each fork looks at all of them, and the last one's end may end them all. */
#define ACCOUNT_DEPTH 32

/*
 * account_create - with one reference; takes one on `above`, which may be NULL.
 *   fails  ERR_NOSPC: accounts are nested too deep; ERR_NOMEM. Nothing changed
 */
err_t account_create(struct account *above, uint64_t limit, struct account **out);

/* account_set_limit - below what there is, nothing ends, but nothing is added. */
void account_set_limit(struct account *account, uint64_t limit);

/*
 * Process groups, and sessions of groups. A child is in its parent's group; a process made by
 * proc_create in one of its own, in the session that is there at first and has no leader. A
 * group lives while it has members, a session while it has groups, and nobody else gets the id
 * of either so long. A session is known by the group that its leader founded it with.
 */
struct group {
	struct id_node	 node;	     /* [p] in the root's scope of groups */
	struct id_level *inner;	     /* [p] its founder's ids below the root */
	struct list	 members;    /* [p] of process.member */
	uint64_t	 nr_members; /* [p] 0: it stays for the other groups of its session */
	struct group	*session; /* [p] the first group of its session; NULL: the first session */
	uint64_t	 nr_groups; /* [p] of a session's first group: those with members in it */
	uint64_t	 nr_seen;   /* [p] a scratch word of check_all */
};

/*
 * proc_set_group - proc joins the group of this id (in the caller's namespace), or makes it if
 * the id is its own; 0 means its own id.
 *   fails  ERR_SRCH: proc is neither the caller nor its child, or has exited; ERR_ACCES: a
 *          child that has executed a program; ERR_PERM: there is no such group in the
 *          caller's session, proc is in another session, or it leads one; ERR_NOMEM
 */
err_t proc_set_group(struct process *caller, struct process *proc, uint32_t id);

/*
 * proc_new_session - proc leads a session of its own from now on, with one group, its own.
 *   fails  ERR_PERM: there is a group of its id; ERR_NOMEM. Nothing changed
 */
err_t proc_new_session(struct process *proc);

/* proc_group, proc_session - their ids in the root's namespace; 0: the first session. */
uint32_t proc_group(const struct process *proc);
uint32_t proc_session(const struct process *proc);

/* Threads. */

/* thread_find - by id: any thread of a process that is in the tree, or NULL. cost O(1) */
struct thread *thread_find(uint32_t id);

static inline uint32_t
thread_id(const struct thread *t)
{
	return t->node.number;
}

/*
 * thread_enter - t runs on this CPU from now on: its floating-point state is loaded.
 * thread_leave - what ran on this CPU does so no more: its state is saved. If it has ended, its stack is
 * given back, which is why thread_end cannot do that. A kernel calls one, then the other, after it has
 * switched to another stack.
 *   needs  the same CPU all through; enter: t runs nowhere, and nothing here;
 *          leave: not on the stack of a thread that has ended
 */
void thread_enter(struct thread *t);
void thread_leave(void);

/* thread_current - what runs on this CPU, or NULL. */
struct thread *thread_current(void);

/*
 * thread_of_stack - the thread whose kernel stack holds the address, or NULL; so it is for one that
 * has ended, also while its CPU has not left the stack. cost as kstack_of
 */
struct thread *thread_of_stack(vaddr_t sp);

/*
 * thread_save_fpu - t->fpu says what t has, also while t runs on this CPU.
 * thread_load_fpu - what t->fpu says is what t goes on with. To be done around a look, and after a change.
 *   needs  t runs on no other CPU
 */
void thread_save_fpu(struct thread *t);
void thread_load_fpu(struct thread *t);

/* thread_begin_at - a thread that has not run, and has a stack, begins in the kernel, with function(argument). */
void thread_begin_at(struct thread *t, void (*function)(void *argument), void *argument);

/* thread_is_suspended - made a child with PROC_SUSPEND that has neither exec'd nor ended. */
bool thread_is_suspended(struct thread *t);

/*
 * thread_end - the calling thread has run its last instruction. The last of its process
 * ends the process: with the code of a group exit if one has begun, else with `value`.
 *   needs  as proc_exit if it is the last one
 *   gives  true: that was the last one, the process has exited. t may be gone
 */
bool thread_end(struct thread *t, int32_t value);

/*
 * thread_exit_group - the process shall end with this code: no thread is made any more, and
 * the hook `wake` tells the others to call thread_end. The first call decides the code.
 */
void thread_exit_group(struct thread *t, int32_t code);

/*
 * thread_must_end - its process exits, or another thread of it executes a program: the thread
 * calls thread_end as soon as it can. Whoever is woken looks here.
 */
bool thread_must_end(struct thread *t);

/*
 * thread_begin_exec - t wants to be the only thread of its process, to execute a program:
 * the others are told to end, and no thread is made any more. To be called when all that can
 * fail of the exec has been done; proc_exec follows.
 *   gives  *out: the record that t goes on with. It is the first thread's, whose id the
 *          process has; if t was another one, its own record and id are gone
 *   fails  ERR_AGAIN: others still run (wait as for proc_wait and ask again), unless
 *          thread_must_end says that t has to end itself
 */
err_t thread_begin_exec(struct thread *t, struct thread **out);

/*
 * thread_join - the value of another thread of the process, which is gone afterwards.
 *   fails  ERR_AGAIN: it has not ended (wait as for proc_wait; nobody else may join it now);
 *          ERR_DEADLK: itself, or it waits for the caller; ERR_INVAL: detached, or somebody
 *          else joins it; ERR_SRCH: no such thread in this process
 */
err_t thread_join(struct thread *caller, uint32_t id, int32_t *value);

/*
 * thread_detach - nobody will join it; it is gone when it has ended.
 *   fails  ERR_INVAL: detached already, or somebody joins it; ERR_SRCH: no such thread
 */
err_t thread_detach(struct process *proc, uint32_t id);

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
