/*
 * signal_stories.c - the part of the program that handles signals: a stack that overflows and goes
 * on, registers and a red zone that a handler must not touch, frames that a program has
 * changed for the worse, and processes that interrupt each other.
 */
#include "program.h"

#define CODE_ACCERR 2

#define FLAG_ALTERNATE UINT64_C(0x08000000)
#define FLAG_RESTART   UINT64_C(0x10000000)

/* As the kernel's struct signal_action, signal_stack, signal_info and the head of a frame. */
struct action {
	uint64_t handler, restorer, flags, blocked;
};

struct stack {
	uint64_t start;
	uint32_t flags, zero;
	uint64_t bytes;
};

struct info {
	uint32_t signal, error;
	int32_t	 code;
	uint32_t zero;
	uint64_t address;
};

/* Words of the saved registers, counted as in struct arch_context. */
enum word {
	WORD_FS_BASE = 0,
	WORD_RCX = 13,
	WORD_VECTOR = 17,
	WORD_RIP = 19,
	WORD_CS = 20,
	WORD_FLAGS = 21,
	WORD_RSP = 22,
	WORD_SS = 23,
	WORD_MASK = 32,	  /* of signals, behind the registers */
	WORD_MXCSR = 52,  /* floating-point state: its low half is MXCSR */
	WORD_XCOMP = 114, /* and a word of its header that must be 0 */
	WORDS = 128,
};

struct context {
	uint64_t     flags, link;
	struct stack stack;
	uint64_t     word[WORDS];
};

__asm__("restorer:\n\t"
	"movl $17, %eax\n\t" /* CALL_SIGRETURN */
	"syscall\n\t"
	"ud2");
extern const char restorer[];

static volatile uint64_t faults;
static volatile uint64_t interrupts;

static void
handle(uint64_t signal, uint64_t handler, uint64_t flags)
{
	struct action action = {
		.handler = handler,
		.restorer = (uint64_t)restorer,
		.flags = flags,
	};

	expect(call(CALL_SIGACTION, signal, (uint64_t)&action, 0) == 0, 120);
}

static void
use_another_stack(uint64_t bytes)
{
	struct stack stack = { .start = (uint64_t)map(bytes, PRIVATE), .bytes = bytes };

	expect(call(CALL_SIGALTSTACK, (uint64_t)&stack, 0, 0) == 0, 121);
}

/* ---- a bad access that is made good ---- */

/* make_good - the handler: the page that was missing may be used, and the access is made again. */
static void
make_good(uint64_t signal, const struct info *info, struct context *context)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	expect(signal == SIGNAL_SEGV && info->signal == SIGNAL_SEGV, 122);
	expect(info->code == CODE_ACCERR, 123);
	expect(here - context->stack.start < context->stack.bytes, 124);
	expect(call(CALL_MPROTECT, info->address & ~(uint64_t)(PAGE - 1), PAGE,
		    PROT_READ | PROT_WRITE) == 0,
	       125);
	__asm__ volatile("xorps %%xmm7, %%xmm7\n\txorps %%xmm15, %%xmm15" : : : "memory");
	faults++;
}

#define DEEP 16 /* pages that the stack may have; all but the highest are shut */

/* call_on - a function on a stack of its own, that ends at top. */
static uint64_t
call_on(uint64_t top, uint64_t argument, uint64_t (*function)(uint64_t))
{
	uint64_t result;

	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %%rsi, %%rsp\n\t"
			 "call *%%rdx\n\t"
			 "movq %%rbx, %%rsp"
			 : "=a"(result), "+D"(argument), "+S"(top), "+d"(function)
			 :
			 : "rbx", "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

static void
overflow(void)
{
	uint64_t start = (uint64_t)map(DEEP * PAGE, PRIVATE);
	uint64_t depth = DEEP - 4;

	use_another_stack(4 * PAGE);
	handle(SIGNAL_SEGV, (uint64_t)make_good, FLAG_ALTERNATE);
	expect(call(CALL_MPROTECT, start, (DEEP - 1) * PAGE, 0) == 0, 126);
	expect(call_on(start + DEEP * PAGE, depth, sink) == depth * (depth + 1) / 2, 127);
	end((int)faults);
}

/* ---- what a handler must not touch ---- */

/*
 * A load that faults, with numbers in the red zone, in registers, in vector registers and in the flags. It
 * gives 0 if each is there afterwards, and what was loaded is 0.
 */
uint64_t load_with_all_in_use(uint64_t address);
__asm__("load_with_all_in_use:\n\t"
	"pushq %rbx\n\t"
	"pushq %r15\n\t"
	"movq $0x1111, -8(%rsp)\n\t"
	"movq $0x2222, -64(%rsp)\n\t"
	"movq $0x3333, -128(%rsp)\n\t"
	"movq $0x4444, %rbx\n\t"
	"movq $0x5555, %rcx\n\t"
	"movq $0x6666, %r8\n\t"
	"movq $0x7777, %r11\n\t"
	"movq $0x8888, %r15\n\t"
	"movq %rbx, %xmm7\n\t"
	"movq %r15, %xmm15\n\t"
	"stc\n\t"
	"movq (%rdi), %rax\n\t"
	"sbbq $-1, %rax\n\t" /* 0 if the carry is still there */
	"xorq $0x1111, -8(%rsp)\n\t"
	"orq -8(%rsp), %rax\n\t"
	"xorq $0x2222, -64(%rsp)\n\t"
	"orq -64(%rsp), %rax\n\t"
	"xorq $0x3333, -128(%rsp)\n\t"
	"orq -128(%rsp), %rax\n\t"
	"movq %xmm7, %rdx\n\t"
	"xorq %rbx, %rdx\n\t"
	"orq %rdx, %rax\n\t"
	"movq %xmm15, %rdx\n\t"
	"xorq %r15, %rdx\n\t"
	"orq %rdx, %rax\n\t"
	"xorq $0x4444, %rbx\n\t"
	"orq %rbx, %rax\n\t"
	"xorq $0x5555, %rcx\n\t"
	"orq %rcx, %rax\n\t"
	"xorq $0x6666, %r8\n\t"
	"orq %r8, %rax\n\t"
	"xorq $0x7777, %r11\n\t"
	"orq %r11, %rax\n\t"
	"xorq $0x8888, %r15\n\t"
	"orq %r15, %rax\n\t"
	"popq %r15\n\t"
	"popq %rbx\n\t"
	"ret");

static void
keep_everything(void)
{
	uint64_t stack = (uint64_t)map(4 * PAGE, PRIVATE);
	uint64_t shut = (uint64_t)map(PAGE, PRIVATE);

	use_another_stack(2 * PAGE);
	handle(SIGNAL_SEGV, (uint64_t)make_good, FLAG_ALTERNATE);
	expect(call(CALL_MPROTECT, shut, PAGE, 0) == 0, 128);
	expect(call_on(stack + 4 * PAGE, shut, load_with_all_in_use) == 0, 129);
	end((int)faults);
}

/* ---- frames that were changed ---- */

static uint64_t which, what;

static void
spoil(uint64_t signal, const struct info *info, struct context *context)
{
	(void)signal;
	(void)info;
	context->word[which] = what;
}

static const struct {
	uint64_t word, value;
} hostile[] = {
	{ WORD_RIP, 0xffffffff80101000 },
	{ WORD_RIP, 0x0000800000000000 },
	{ WORD_RIP, 0x00007ffffffff000 },
	{ WORD_CS, 0x08 },
	{ WORD_CS, 0x2b & ~3 },
	{ WORD_SS, 0x10 },
	{ WORD_SS, 0 },
	{ WORD_RSP, 0xffffffff80101000 },
	{ WORD_FLAGS, 0x002 },	 /* no interrupts */
	{ WORD_FLAGS, 0x3202 },	 /* I/O */
	{ WORD_FLAGS, 0x20202 }, /* virtual 8086 */
	{ WORD_FS_BASE, UINT64_C(1) << 63 },
	{ WORD_MXCSR, UINT64_MAX },
	{ WORD_XCOMP, 1 },
};

#define NR_HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static void
interrupt_myself(uint64_t word, uint64_t value)
{
	which = word;
	what = value;
	handle(SIGNAL_USR1, (uint64_t)spoil, 0);
	expect(call(CALL_KILL, (uint64_t)call(CALL_GETPID, 0, 0, 0), SIGNAL_USR1, 0) == 0, 130);
}

static void
show_hostile_frames(void)
{
	for (unsigned i = 0; i < NR_HOSTILE; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			interrupt_myself(hostile[i].word, hostile[i].value);
			end(0);
		}
		expect(wait_for_one() == STATUS_KILLED + SIGNAL_SEGV, 140 + (int)i);
	}
	/* What is the kernel's in there is not believed, and what is the program's may be changed. */
	if (call(CALL_FORK, 0, 0, 0) == 0) {
		interrupt_myself(WORD_VECTOR, 0x100);
		interrupt_myself(WORD_MASK, UINT64_MAX);
		interrupt_myself(WORD_MASK, UINT64_MAX); /* waits: all are held back */
		end(11);
	}
	expect(wait_for_one() == 11, 157);
	say("", NR_HOSTILE, " frames were refused, and nobody else minded");
}

/* ---- interrupts ---- */

static void
note_interrupt(uint64_t signal, const struct info *info, struct context *context)
{
	(void)context;
	expect(signal == SIGNAL_USR1 && info->code == 0, 131);
	interrupts++;
}

#define NR_INTERRUPTS 4

/* The child waits for one after the other, and says in shared memory how many have come. */
static void
count_interrupts(volatile uint64_t *shared)
{
	handle(SIGNAL_USR1, (uint64_t)note_interrupt, 0);
	*shared = 1;
	while (interrupts < NR_INTERRUPTS)
		*shared = 1 + interrupts;
	end((int)interrupts);
}

static void
show_interrupts(void)
{
	volatile uint64_t *shared = map(PAGE, SHARED);
	int64_t		   child = call(CALL_FORK, 0, 0, 0);

	if (child == 0)
		count_interrupts(shared);
	for (uint64_t i = 0; i < NR_INTERRUPTS; i++) {
		while (*shared != i + 1)
			call(CALL_CPUS, 0, 0, 0);
		expect(call(CALL_KILL, (uint64_t)child, SIGNAL_USR1, 0) == 0, 132);
	}
	expect(wait_for_one() == NR_INTERRUPTS, 133);
	expect(call(CALL_KILL, (uint64_t)child, SIGNAL_USR1, 0) < 0, 134);
}

/* ---- sleepers, and those that are stopped ---- */

#define EINTR 4

/* What both sides see: whether the child is there, how often it was interrupted, and that its wait was over. */
struct board {
	volatile uint64_t stage, heard, woken;
};

static struct board *board;

static void
note_on_board(uint64_t signal, const struct info *info, struct context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	board->heard++;
}

/* A process that waits for a child of its own, which lasts until stage 2. */
[[gnu::noreturn]] static void
sleep_on(uint64_t flags)
{
	int64_t result, again;
	int32_t status;

	handle(SIGNAL_USR1, (uint64_t)note_on_board, flags);
	if (call(CALL_FORK, 0, 0, 0) == 0) {
		board->stage = 1;
		while (board->stage == 1)
			call(CALL_CPUS, 0, 0, 0);
		end(9);
	}
	result = call(CALL_WAIT, (uint64_t)&status, 0, 0);
	board->woken = 1;
	for (again = result; again == -EINTR;) /* more may be on their way */
		again = call(CALL_WAIT, (uint64_t)&status, 0, 0);
	end(status == 9 ? (result == -EINTR ? 11 : 12) : 13);
}

static int64_t
make_sleeper(uint64_t flags)
{
	int64_t sleeper;

	board = (struct board *)map(PAGE, SHARED);
	sleeper = call(CALL_FORK, 0, 0, 0);
	if (sleeper == 0)
		sleep_on(flags);
	while (!board->stage)
		call(CALL_CPUS, 0, 0, 0);
	return sleeper;
}

/* rest - for a while. */
static void
rest(void)
{
	for (volatile unsigned i = 0; i < 300000; i++)
		;
}

static void
interrupt(int64_t process, uint64_t signal)
{
	expect(call(CALL_KILL, (uint64_t)process, signal, 0) == 0, 136);
}

/* Without FLAG_RESTART the wait fails; with it, it goes on after each handler; and KILL needs no handler. */
static void
show_sleepers(void)
{
	int64_t sleeper = make_sleeper(0);

	while (!board->woken) {
		interrupt(sleeper, SIGNAL_USR1);
		rest(); /* with the next one at once it might do nothing but handle them */
	}
	board->stage = 2;
	expect(wait_for_one() == 11, 137);

	sleeper = make_sleeper(FLAG_RESTART);
	for (uint64_t i = 0; i < NR_INTERRUPTS; i++) {
		interrupt(sleeper, SIGNAL_USR1);
		while (board->heard == i)
			call(CALL_CPUS, 0, 0, 0);
	}
	expect(!board->woken, 138);
	board->stage = 2;
	expect(wait_for_one() == 12, 139);

	sleeper = make_sleeper(0);
	interrupt(sleeper, SIGNAL_KILL);
	expect(wait_for_one() == STATUS_KILLED + SIGNAL_KILL, 154);
	board->stage = 2;
	expect(wait_for_one() == 9, 155); /* its child is ours now */
}

/* seems_to_rest - the count is the same after a while. */
static int
seems_to_rest(const volatile uint64_t *count)
{
	uint64_t before = *count;

	rest();
	return *count == before;
}

static void
show_stops(void)
{
	volatile uint64_t *count = map(PAGE, SHARED);
	int64_t		   child = call(CALL_FORK, 0, 0, 0);
	uint64_t	   before;

	while (child == 0)
		++*count;
	while (!*count)
		call(CALL_CPUS, 0, 0, 0);
	interrupt(child, SIGNAL_STOP);
	while (!seems_to_rest(count))
		;
	before = *count;
	interrupt(child, SIGNAL_CONT);
	while (*count == before)
		call(CALL_CPUS, 0, 0, 0);
	interrupt(child, SIGNAL_STOP);
	interrupt(child, SIGNAL_KILL);
	expect(wait_for_one() == STATUS_KILLED + SIGNAL_KILL, 156);
}

/* A handler where no user's code can be is the program's own end. */
static void
show_bad_handlers(void)
{
	static const uint64_t handlers[] = { 0x0000800000000000, 0xffffffff80101000, UINT64_MAX };

	for (unsigned i = 0; i < 3; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			handle(SIGNAL_USR1, handlers[i], 0);
			call(CALL_KILL, (uint64_t)call(CALL_GETPID, 0, 0, 0), SIGNAL_USR1, 0);
			end(0);
		}
		expect(wait_for_one() == STATUS_KILLED + SIGNAL_SEGV, 135);
	}
}

void
show_signals(void)
{
	if (call(CALL_FORK, 0, 0, 0) == 0)
		overflow();
	expect(wait_for_one() >= DEEP - 4, 158);
	if (call(CALL_FORK, 0, 0, 0) == 0)
		keep_everything();
	expect(wait_for_one() == 1, 159);
	say("a stack has overflowed ", DEEP - 4, " times, been made longer, and gone on");
	show_hostile_frames();
	show_interrupts();
	show_bad_handlers();
	show_sleepers();
	show_stops();
	say("a program was interrupted ", NR_INTERRUPTS,
	    " times by another; sleepers and the stopped heard, too");
}
