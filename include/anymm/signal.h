/*
 * signal.h - signals: what a process does about each, what a thread holds back, what has been
 * sent and not taken yet, and how a handler runs on the user's stack and returns.
 *
 * One of each number can be pending for a thread and one for its process, as for Unix's
 * standard signals; the first that comes of a number brings its info along. A bad access is
 * a signal that its thread has caused (signal_force_info).
 */
#pragma once

#include <anymm/fault.h>
#include <anymm/resource.h>

struct process;
struct thread;
struct note;

/* A set of signals: bit n - 1 is signal n. */
typedef uint64_t signal_set;

#define SIGNAL_NR 64

/* Linux's numbers, of those that mean something here. */
enum signal {
	SIGNAL_HUP = 1,
	SIGNAL_ILL = 4,
	SIGNAL_ABRT = 6,
	SIGNAL_BUS = 7,
	SIGNAL_FPE = 8,
	SIGNAL_KILL = 9,
	SIGNAL_USR1 = 10,
	SIGNAL_SEGV = 11,
	SIGNAL_USR2 = 12,
	SIGNAL_TERM = 15,
	SIGNAL_CHLD = 17,
	SIGNAL_CONT = 18,
	SIGNAL_STOP = 19,
	SIGNAL_TSTP = 20,
	SIGNAL_TTIN = 21,
	SIGNAL_TTOU = 22,
	SIGNAL_URG = 23,
	SIGNAL_WINCH = 28,
};

static inline signal_set
signal_bit(unsigned signal)
{
	return (signal_set)1 << (signal - 1);
}

/* What handler holds if there is none. */
#define SIGNAL_DEFAULT ((vaddr_t)0)
#define SIGNAL_IGNORE  ((vaddr_t)1)

/* Linux's values. */
enum signal_flag {
	SIGNALF_NO_CHILD_STOP = 0x1, /* of CHLD: not for stopped and continued children */
	SIGNALF_NO_CHILD_WAIT = 0x2, /* of CHLD: children that end with it leave no zombies */
	SIGNALF_ALTERNATE = 0x08000000,
	SIGNALF_RESTART = 0x10000000,
	SIGNALF_NO_DEFER = 0x40000000, /* not held back while its handler runs */
};
#define SIGNALF_RESET 0x80000000u /* default again once it is taken */

/* What a process does about one signal. */
struct signal_action {
	vaddr_t	   handler; /* a user address, SIGNAL_DEFAULT or SIGNAL_IGNORE */
	vaddr_t	   restorer;
	uint64_t   flags;
	signal_set blocked; /* held back while the handler runs, besides itself */
};

/* Why a signal has come. Linux's values; a kernel may have more. */
enum signal_code {
	SIGNAL_CODE_USER = 0,	   /* a process sent it */
	SIGNAL_CODE_KERNEL = 0x80, /* the kernel sent it */
	SIGNAL_CODE_THREAD = -6,   /* a process sent it, to one thread */
	SIGNAL_CODE_MAPERR = 1,	   /* of SEGV: nothing is there */
	SIGNAL_CODE_ACCERR = 2,	   /* of SEGV: the access is forbidden */
	SIGNAL_CODE_ADRERR = 2,	   /* of BUS: nothing is behind it */
	SIGNAL_CODE_EXITED = 1,	   /* of CHLD: status is the code */
	SIGNAL_CODE_STOPPED = 5,   /* of CHLD: status is the signal */
	SIGNAL_CODE_CONTINUED = 6, /* of CHLD: status is CONT */
};

/* What a handler is told. The layout is Linux's on 64-bit machines, as far as it goes. */
struct signal_info {
	uint32_t signal;
	uint32_t error; /* always 0 */
	int32_t	 code;	/* enum signal_code */
	uint32_t zero;
	union {
		vaddr_t address; /* of a bad access, or of a bad instruction */
		struct {
			uint32_t sender; /* the process that sent it, or of CHLD the child; 0: none
					 * that the receiver can name */
			uint32_t user;	 /* the kernel's: on whose behalf */
		};
	};
	int32_t	 status; /* of CHLD */
	uint32_t end;
};
static_assert(sizeof(struct signal_info) == 32, "programs know it");

/* signal_of_fault - what an access at va that came to this deserves. needs SEGV or BUS */
struct signal_info signal_of_fault(enum fault_result result, vaddr_t va);

/* Where handlers run that ask for it. The layout is Linux's on 64-bit machines. */
struct signal_stack {
	vaddr_t	 start;
	uint32_t flags; /* enum signal_stack_flag */
	uint32_t zero;
	uint64_t bytes; /* 0: none */
};

/* Linux's values. */
enum signal_stack_flag {
	SIGNAL_STACK_ON = 1, /* in an answer: the thread runs on it. In a request it says nothing */
	SIGNAL_STACK_NONE = 2, /* there is none, or there shall be none */
};
#define SIGNAL_STACK_DISARM 0x80000000u /* there is none while a handler runs on it */

/* The smallest that is accepted: room for one frame, and a little for its handler. */
#define SIGNAL_STACK_MIN 4096

/* What happens to a process that has no handler. */
enum signal_default {
	SIGNAL_ENDS,
	SIGNAL_IGNORED,
	SIGNAL_STOPS,
	SIGNAL_CONTINUES,
};
enum signal_default signal_default(unsigned signal);

/* A signal that a thread has to act on now. */
struct signal_delivery {
	unsigned	     signal;
	struct signal_info   info;    /* why it has come */
	struct signal_action action;  /* as it was when the signal was taken */
	signal_set	     blocked; /* what the thread held back before; for the return */
};

/*
 * signal_set_action - how proc reacts to a signal from now on; *old, unless NULL, as before.
 * What is ignored is not pending any more. `action` NULL only asks.
 *   fails  ERR_INVAL: no such signal, or KILL or STOP would change; ERR_SRCH: it would, and proc has
 *          exited; ERR_NOMEM. Nothing changed
 */
err_t signal_set_action(struct process *proc, unsigned signal, const struct signal_action *action,
			struct signal_action *old);

/* signal_block - the set that t holds back from now on, without KILL and STOP; gives the old one. */
signal_set signal_block(struct thread *t, signal_set blocked);

/*
 * signal_send_info - to a process: whichever thread does not hold it back may take it. CONT goes
 * on at once and takes pending stops away; a stop takes a pending CONT away. What is ignored
 * is dropped, and so is what init has no handler for; that of an inner namespace of ids takes
 * KILL and STOP, for this comes from the root's. Exited processes take nothing. Without
 * memory for the info the signal comes as one of the kernel's.
 *   needs  of an info that a process has sent (SIGNAL_CODE_USER and _THREAD), the sender by its id in
 *          the root's namespace: each receiver is told the one that it knows, or 0. So for all these calls
 *   fails  ERR_INVAL: no such signal
 */
err_t signal_send_info(struct process *proc, const struct signal_info *info);

/* signal_send_thread_info - the same to one thread; but KILL is always for its process. */
err_t signal_send_thread_info(struct thread *t, const struct signal_info *info);

/*
 * signal_force_info - the thread itself has caused it (a bad access, a bad instruction) and cannot go
 * on without: if it is held back or ignored, it gets its default action instead. Spares init neither.
 * Its info is never lost.
 *   needs  t has not ended; a signal whose default ends the process
 */
void signal_force_info(struct thread *t, const struct signal_info *info);

/*
 * signal_send_group_info - to each member of the group of this id, the root's. *nr: how many.
 *   fails  ERR_INVAL: no such signal; ERR_SRCH: no such group
 */
err_t signal_send_group_info(uint32_t group, const struct signal_info *info, uint64_t *nr);

/*
 * A signal to many (a group, everybody, descendants) comes to the children, too, that they are forking at
 * that moment, so nobody appears behind it.
 *
 * signal_kill - what kill(2) comes down to. `target` is the id of a process in the caller's
 * namespace; 0: the caller's group; -1: everybody in the namespace but its init and the
 * caller; below that, the group of the id -target. Signal 0 only looks. The init of a namespace
 * takes KILL and STOP from above, and from inside only what it has a handler for.
 *   gives  *nr: how many, with zombies, which take nothing, and without tombstones, which are gone
 *   fails  ERR_INVAL: no such signal; ERR_SRCH: nobody. Nothing changed
 */
err_t signal_kill(struct process *caller, int32_t target, unsigned signal, uint64_t *nr);

/* signal_send_descendants_info - to each process below root; gives how many. 0 for a bad number. */
uint64_t signal_send_descendants_info(struct process *root, const struct signal_info *info);

/* signal_from_kernel - a signal about which there is nothing to say. */
static inline struct signal_info
signal_from_kernel(unsigned signal)
{
	return (struct signal_info){ .signal = signal, .code = SIGNAL_CODE_KERNEL };
}

/* The same five for the kernel's own signals. */
static inline err_t
signal_send(struct process *proc, unsigned signal)
{
	struct signal_info info = signal_from_kernel(signal);

	return signal_send_info(proc, &info);
}

static inline err_t
signal_send_thread(struct thread *t, unsigned signal)
{
	struct signal_info info = signal_from_kernel(signal);

	return signal_send_thread_info(t, &info);
}

static inline void
signal_force(struct thread *t, unsigned signal)
{
	struct signal_info info = signal_from_kernel(signal);

	signal_force_info(t, &info);
}

static inline err_t
signal_send_group(uint32_t group, unsigned signal, uint64_t *nr)
{
	struct signal_info info = signal_from_kernel(signal);

	return signal_send_group_info(group, &info, nr);
}

static inline uint64_t
signal_send_descendants(struct process *root, unsigned signal)
{
	struct signal_info info = signal_from_kernel(signal);

	return signal_send_descendants_info(root, &info);
}

/* signal_is_pending - something is there that t does not hold back: a wait ends. */
bool signal_is_pending(struct thread *t);

/*
 * signal_take - the next signal for t: what it has caused, then the lowest number, its own before its process's.
 * With a handler, its mask is in force from now on; the kernel then prepares the user's
 * stack. Without, the kernel does what signal_default says; if that ends the process, none of its
 * threads makes a child any more.
 *   gives  false: there is none
 */
bool signal_take(struct thread *t, struct signal_delivery *out);

/* What a thread was doing in the kernel. */
enum signal_point {
	SIGNAL_AT_INSTRUCTION, /* a trap or an interrupt; or a call that has its result */
	SIGNAL_IN_CALL,	       /* a call that has no result, because it would have had to wait */
};

/* How a thread goes on. */
enum signal_verdict {
	SIGNAL_GOES_ON, /* with its registers as they are now: in its program, or in a handler */
	SIGNAL_STOPPED, /* not before the process is continued: call signal_deliver again then */
	SIGNAL_ENDS_IT, /* not at all: the process ends of the signal */
};

/*
 * signal_deliver - do what the signals say that wait for t. To be called before t goes back to
 * user mode, if signal_is_pending says so or its process is stopped.
 *
 * A handler gets the signal, the address of its struct signal_info and that of its struct
 * signal_context. It begins with an empty red zone below the interrupted stack pointer, or on the
 * alternate stack, and returns to its restorer, which makes the call that signal_return serves;
 * or it leaves by itself, and nothing is left behind. If several signals wait, the handler of the
 * last one taken runs first. An interrupted call fails with ERR_INTR, or is made again: if its handler
 * says SIGNALF_RESTART, and if no handler ran.
 *
 * A signal whose handler cannot be entered (no room on the stack, no memory for it, an address that
 * is not the user's) becomes a SEGV that the thread has caused; if it was one, the process ends.
 *
 *   needs  the space of t active on this CPU; no lock held. ctx and fpu: its registers, t's own or the
 *          kernel's, as they are when it goes on; fpu NULL: the kernel keeps none. With t's own:
 *          thread_save_fpu before, thread_load_fpu after
 *   gives  *signal: what ends or has stopped the process; else the one whose handler runs now, 0: none.
 *          *point: SIGNAL_AT_INSTRUCTION once an interrupted call has its result or is made again
 */
enum signal_verdict signal_deliver(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu,
				   enum signal_point *point, unsigned *signal);

/*
 * signal_return - the call that a restorer makes: back to what the handler has interrupted, as the
 * frame says that lies at the stack pointer. The program may have changed it: what is there cannot
 * give it more than it has.
 *   needs  as signal_deliver
 *   gives  true: ctx and fpu, the mask and the alternate stack are the saved ones (but one that the
 *          handler has set stays if the thread has never said that there is none). ctx has no result
 *          to set. false: what lies there is no frame; nothing has changed, but a SEGV waits
 */
bool signal_return(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu);

/*
 * signal_set_alternate - t's alternate stack from now on; *old, unless NULL, as it was. `stack` NULL only asks.
 *   fails  ERR_PERM: t runs on it, as its stack pointer says; ERR_INVAL: flags; ERR_NOMEM: smaller
 *          than SIGNAL_STACK_MIN. Nothing changed
 */
err_t signal_set_alternate(struct thread *t, vaddr_t sp, const struct signal_stack *stack,
			   struct signal_stack *old);

/* Room in the frame for the machine's registers and for floating-point state: the same everywhere. */
#define SIGNAL_REGISTER_BYTES 256
#define SIGNAL_FPU_BYTES      2688
#define SIGNAL_FPU_ALIGN      64

/* What a handler finds: the state that signal_return brings back. Up to the registers it is Linux's layout. */
struct signal_context {
	uint64_t	    flags;			      /* 0 */
	vaddr_t		    link;			      /* 0 */
	struct signal_stack stack;			      /* the alternate one */
	uint8_t		    registers[SIGNAL_REGISTER_BYTES]; /* struct arch_context */
	signal_set	    blocked;
};

/* What a handler is called with: the addresses of info and context. */
struct signal_head {
	vaddr_t		      return_to; /* the restorer */
	struct signal_context context;
	union {
		struct signal_info info;
		uint8_t		   info_room[128];
	};
};

/*
 * A frame on the user's stack, as programs see it. Its floating-point state is aligned, and behind the
 * return address the stack is, too; sizes and places are the same on every machine.
 */
struct signal_frame {
	struct signal_head head;
	uint8_t		   fpu[SIGNAL_FPU_BYTES]; /* struct arch_fpu */
};
static_assert(offsetof(struct signal_frame, head.info) == 312 && sizeof(struct signal_head) == 440,
	      "programs know it");
static_assert(sizeof(struct signal_frame) + 512 <= SIGNAL_STACK_MIN,
	      "the smallest stack holds one");
