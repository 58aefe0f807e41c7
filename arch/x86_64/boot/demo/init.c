/*
 * init.c - the program of the demonstration, in ring 3: a tree of processes that share and
 * do not share memory, grow their stacks, run into every wall, and become other programs.
 *
 * It checks everything itself and reports a line for each; any deviation ends it with the
 * number of the failed check. It is one file that plays several roles (its first argument).
 */
#include "program.h"

#define TREE_DEPTH  4
#define TREE_SIZE   31 /* 2^(depth + 1) - 1 */
#define OWN_WORDS   2048
#define STACK_DEPTH 64 /* pages */

#define KEEPERS	      6 /* programs that keep registers of their own */
#define ROUNDS	      100
#define THREADS	      4
#define THREAD_STACK  (4 * PAGE)
#define INITIAL_MXCSR 0x1f80
#define OTHER_MXCSR   0x7f80 /* rounds to zero */

enum role { ROLE_PING = 1, ROLE_END = 20 };

/* The kernel jumps to start with the stack that the System V ABI describes, section 3.4.1. */
[[gnu::noreturn]] void start(void);
[[gnu::noreturn]] void program(const uint64_t *stack);
__asm__(".globl start\n"
	"start:\n\t"
	"xorl %ebp, %ebp\n\t"
	"movq %rsp, %rdi\n\t"
	"call program\n\t"
	"ud2");

static volatile uint64_t own[OWN_WORDS]; /* private: each process has its own after a write */
static volatile uint64_t initialised = 0x600d;
static const uint64_t	 constant = 0xc0;

int64_t
call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

void
end(int code)
{
	for (;;)
		call(CALL_EXIT, (uint64_t)code, 0, 0);
}

void
expect(int is_so, int number)
{
	if (!is_so)
		end(number);
}

static size_t
append(char *line, size_t at, const char *text)
{
	while (*text)
		line[at++] = *text++;
	return at;
}

static size_t
append_number(char *line, size_t at, uint64_t number)
{
	char   digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (n)
		line[at++] = digits[--n];
	return at;
}

void
say(const char *text, uint64_t number, const char *rest)
{
	char   line[120];
	size_t at = append(line, 0, text);

	at = append_number(line, at, number);
	at = append(line, at, rest);
	line[at++] = '\n';
	call(CALL_WRITE, (uint64_t)line, at, 0);
}

int
wait_for_one(void)
{
	int32_t status = 0;

	expect(call(CALL_WAIT, (uint64_t)&status, 0, 0) > 0, 90);
	return status;
}

volatile uint64_t *
map(uint64_t bytes, uint64_t flags)
{
	int64_t at = call(CALL_MMAP, bytes, PROT_READ | PROT_WRITE, flags);

	expect(at > 0, 91);
	return (volatile uint64_t *)at;
}

/* ---- a tree of processes ---- */

static void
fill_own(uint64_t mark)
{
	for (unsigned i = 0; i < OWN_WORDS; i++)
		own[i] = mark + i;
}

static void
expect_own(uint64_t mark)
{
	for (unsigned i = 0; i < OWN_WORDS; i++)
		expect(own[i] == mark + i, 92);
}

/* Gives the number of processes in the tree below and with this one, all checked. */
static int
grow_tree(volatile uint64_t *shared, unsigned depth, uint64_t mark)
{
	int size = 1;

	fill_own(mark);
	__atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 2 && depth; i++) {
		int64_t child = call(CALL_FORK, 0, 0, 0);

		expect(child >= 0, 93);
		if (child == 0) {
			expect_own(mark); /* what the parent held */
			end(grow_tree(shared, depth - 1, mark * 2 + i * 1000003));
		}
	}
	for (unsigned i = 0; i < 2 && depth; i++) {
		int status = wait_for_one();

		expect(status < 64, 94);
		size += status;
	}
	expect_own(mark); /* no child has touched it */
	return size;
}

static void
show_tree(void)
{
	volatile uint64_t *shared = map(PAGE, SHARED);
	int		   size = grow_tree(shared, TREE_DEPTH, 7);

	expect(size == TREE_SIZE && *shared == TREE_SIZE, 1);
	say("a tree of ", (uint64_t)size, " processes: shared writes met, private ones did not");
}

/* ---- stacks ---- */

uint64_t
sink(uint64_t depth)
{
	volatile uint64_t page[PAGE / 8];

	page[0] = depth;
	page[PAGE / 8 - 1] = depth ? sink(depth - 1) : 0;
	return page[0] + page[PAGE / 8 - 1];
}

static void
show_stack(void)
{
	int64_t child = call(CALL_FORK, 0, 0, 0);

	if (child == 0)
		end(sink(STACK_DEPTH) == STACK_DEPTH * (STACK_DEPTH + 1) / 2 ? 5 : 95);
	expect(wait_for_one() == 5, 2);
	say("a stack has grown by ", STACK_DEPTH, " pages");
}

/* ---- vector registers ---- */

/* All of them: 16 of 256 bits, or of 128 where there is no AVX. */
struct vectors {
	_Alignas(32) uint64_t word[16][4];
};

static uint64_t
words_each(void)
{
	uint32_t a = 1, b, c, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if (!(c >> 27 & 1) || !(c >> 28 & 1))
		return 2;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (a & 6) == 6 ? 4 : 2;
}

#define ALL_REGISTERS(instruction) \
	".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t" instruction "\n\t.endr"

/* The value of one word; 0 in all is what a program starts with. */
static uint64_t
word_of(uint64_t seed, unsigned r, unsigned i)
{
	return seed ? seed * 1000003 + r * 4 + i : 0;
}

static void
keep(uint64_t seed)
{
	struct vectors v;
	uint32_t       mxcsr = seed ? OTHER_MXCSR : INITIAL_MXCSR;

	for (unsigned r = 0; r < 16; r++)
		for (unsigned i = 0; i < 4; i++)
			v.word[r][i] = word_of(seed, r, i);
	if (words_each() == 4)
		__asm__ volatile(ALL_REGISTERS("vmovdqu 32*\\r(%0), %%ymm\\r") : : "r"(&v), "m"(v));
	else
		__asm__ volatile(ALL_REGISTERS("movdqu 32*\\r(%0), %%xmm\\r") : : "r"(&v), "m"(v));
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static int
is_kept(uint64_t seed)
{
	uint64_t       each = words_each();
	struct vectors v;
	uint32_t       mxcsr;

	if (each == 4)
		__asm__ volatile(ALL_REGISTERS("vmovdqu %%ymm\\r, 32*\\r(%0)")
				 :
				 : "r"(&v)
				 : "memory");
	else
		__asm__ volatile(ALL_REGISTERS("movdqu %%xmm\\r, 32*\\r(%0)")
				 :
				 : "r"(&v)
				 : "memory");
	for (unsigned r = 0; r < 16; r++)
		for (unsigned i = 0; i < each; i++)
			if (v.word[r][i] != word_of(seed, r, i))
				return 0;
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return mxcsr == (seed ? OTHER_MXCSR : INITIAL_MXCSR);
}

/* Selectors of data segments are nobody's: whoever loads some may lose them, and leaves none behind. */
#define USER_DATA 0x23

static void
load_selectors(void)
{
	__asm__ volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%fs\n\tmovl %0, %%gs"
			 :
			 : "r"(USER_DATA));
}

static uint32_t
selectors(void)
{
	uint32_t ds, es, fs, gs;

	__asm__ volatile("movl %%ds, %0\n\tmovl %%es, %1\n\tmovl %%fs, %2\n\tmovl %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return ds | es | fs | gs;
}

/* Long enough for the timer to come, and for others to run. */
static void
keep_on(uint64_t seed, int number)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (volatile unsigned i = 0; i < 20000; i++)
			;
		call(CALL_CPUS, 0, 0, 0);
		expect(is_kept(seed), number);
		expect(selectors() == 0, 126);
	}
}

static void
show_registers(void)
{
	keep(1);
	for (uint64_t i = 0; i < KEEPERS; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			expect(is_kept(1), 111); /* what the parent held */
			keep(2 + i);
			load_selectors();
			keep_on(2 + i, 112);
			load_selectors();
			end(7);
		}
	}
	keep_on(1, 113);
	for (uint64_t i = 0; i < KEEPERS; i++)
		expect(wait_for_one() == 7, 6);
	expect(is_kept(1), 7);
	keep(0);
	say("", KEEPERS + 1, " programs have kept their vector registers, begun with a copy");
}

/* ---- threads ---- */

static volatile uint64_t shared_sum, nr_begun, nr_looked;
static uint64_t		 stack_of[THREADS];
static uint64_t		 tls_of[THREADS];

[[gnu::noreturn]] static void
end_thread(uint64_t value)
{
	for (;;)
		call(CALL_END_THREAD, value, 0, 0);
}

/* Until every thread has come so far. */
static void
meet(volatile uint64_t *nr_here)
{
	__atomic_fetch_add(nr_here, 1, __ATOMIC_SEQ_CST);
	while (*nr_here < THREADS)
		call(CALL_CPUS, 0, 0, 0);
}

/* A child of one thread: that thread alone, on its stack; those of the others are not there. */
static void
look_at_stacks(uint64_t self)
{
	int64_t child = call(CALL_FORK, 0, 0, 0);
	int32_t value;

	if (child == 0) {
		int is_alone = call(CALL_JOIN, stack_of[0], (uint64_t)&value, 0) < 0;

		if (!is_alone)
			end(0);
		__asm__ volatile("movq (%0), %%rax"
				 :
				 : "r"(stack_of[(self + 1) % THREADS])
				 : "rax");
		end(0);
	}
	expect(wait_for_one() == STATUS_KILLED + SIGNAL_SEGV, 114);
}

[[gnu::noreturn]] static void
run_thread(uint64_t self)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint64_t tls;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(tls));
	expect(tls == 1000 + self, 115);
	expect(here - stack_of[self] < THREAD_STACK && here % 16 == 0, 116);
	expect(is_kept(9), 117); /* what its maker held */
	keep(10 + self);
	keep_on(10 + self, 118);
	meet(&nr_begun);
	look_at_stacks(self);
	meet(&nr_looked);
	expect(is_kept(10 + self), 119);
	__atomic_fetch_add(&shared_sum, self + 1, __ATOMIC_SEQ_CST);
	end_thread(20 + self);
}

static int64_t
make_thread(void (*entry)(uint64_t), uint64_t self)
{
	struct demo_thread t = {
		.entry = (uint64_t)entry,
		.argument = self,
		.stack = stack_of[self],
		.stack_bytes = THREAD_STACK,
		.tls = (uint64_t)&tls_of[self],
	};

	tls_of[self] = 1000 + self;
	return call(CALL_THREAD, (uint64_t)&t, 0, 0);
}

static void
make_stacks(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		stack_of[i] = (uint64_t)map(THREAD_STACK, PRIVATE);
}

static void
show_threads(void)
{
	int64_t ids[THREADS];

	make_stacks();
	for (unsigned i = 0; i < THREADS; i++)
		*(volatile uint64_t *)stack_of[i] = 1;
	keep(9);
	for (unsigned i = 0; i < THREADS; i++) {
		ids[i] = make_thread((void (*)(uint64_t))run_thread, i);
		expect(ids[i] > 0, 120);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		int32_t value = 0;

		expect(call(CALL_JOIN, (uint64_t)ids[i], (uint64_t)&value, 0) == 0, 8);
		expect(value == 20 + (int32_t)i, 9);
	}
	expect(shared_sum == THREADS * (THREADS + 1) / 2 && is_kept(9), 121);
	keep(0);
	say("", THREADS, " threads had stacks of their own, and children that had no other");
}

/* Other threads do not know that they end. */
[[gnu::noreturn]] static void
run_for_ever(uint64_t self)
{
	for (;;)
		tls_of[self] += 1;
}

static void become(uint64_t role);

[[gnu::noreturn]] static void
end_all(uint64_t self)
{
	if (self == 0)
		end(33);
	become(ROLE_END);
	end(122);
}

/* One thread ends the process, or makes another program of it, while the others run. */
static void
show_group_ends(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			make_stacks();
			expect(make_thread((void (*)(uint64_t))run_for_ever, 2) > 0, 123);
			expect(make_thread((void (*)(uint64_t))run_for_ever, 3) > 0, 124);
			expect(make_thread((void (*)(uint64_t))end_all, i) > 0, 125);
			run_for_ever(1 - i);
		}
		expect(wait_for_one() == (i == 0 ? 33 : 42), 30 + (int)i);
	}
	say("", 2, " processes of 4 threads ended by the word of one, or became another program");
}

/* ---- walls ---- */

static void
load(uint64_t address)
{
	__asm__ volatile("movq (%0), %0" : "+r"(address) : : "memory");
}

static void
store(uint64_t address)
{
	__asm__ volatile("movq %0, (%0)" : : "r"(address) : "memory");
}

static void
jump(uint64_t address)
{
	((void (*)(void))address)();
}

static void
load_nothing(void)
{
	load(8);
}

static void
store_code(void)
{
	store((uint64_t)start & ~UINT64_C(7));
}

static void
store_constant(void)
{
	store((uint64_t)&constant);
}

static void
run_data(void)
{
	jump((uint64_t)own);
}

static void
load_kernel(void)
{
	load(0xffffffff80101000);
}

static void
jump_to_kernel(void)
{
	jump(0xffff800000100000);
}

static void
load_what_is_no_address(void)
{
	load(0x0000800000000000);
}

static void
load_unmapped(void)
{
	volatile uint64_t *page = map(PAGE, PRIVATE);

	*page = 1;
	expect(call(CALL_MUNMAP, (uint64_t)page, PAGE, 0) == 0, 96);
	load((uint64_t)page);
}

static void
store_protected(void)
{
	volatile uint64_t *page = map(PAGE, PRIVATE);

	*page = 1;
	expect(call(CALL_MPROTECT, (uint64_t)page, PAGE, PROT_READ) == 0, 97);
	expect(*page == 1, 98);
	store((uint64_t)page);
}

static void
load_behind_heap(void)
{
	int64_t brk = call(CALL_BRK, 0, 0, 0);

	expect(call(CALL_BRK, (uint64_t)brk + 3 * PAGE, 0, 0) == brk + 3 * PAGE, 99);
	store((uint64_t)brk);
	store((uint64_t)brk + 3 * PAGE - 8);
	expect(call(CALL_BRK, (uint64_t)brk + PAGE, 0, 0) == brk + PAGE, 100);
	load((uint64_t)brk + 2 * PAGE);
}

static void
sink_too_deep(void)
{
	sink(UINT64_MAX);
}

static void
halt(void)
{
	__asm__ volatile("hlt");
}

static void
divide(void)
{
	uint64_t quotient = 1, rest = 0;

	__asm__ volatile("divq %2" : "+a"(quotient), "+d"(rest) : "r"(UINT64_C(0)));
}

static void
undefined(void)
{
	__asm__ volatile("ud2");
}

static const struct wall {
	void (*run_into)(void);
	int signal;
} walls[] = {
	{ load_nothing, SIGNAL_SEGV },
	{ store_code, SIGNAL_SEGV },
	{ store_constant, SIGNAL_SEGV },
	{ run_data, SIGNAL_SEGV },
	{ load_kernel, SIGNAL_SEGV },
	{ jump_to_kernel, SIGNAL_SEGV },
	{ load_what_is_no_address, SIGNAL_SEGV },
	{ load_unmapped, SIGNAL_SEGV },
	{ store_protected, SIGNAL_SEGV },
	{ load_behind_heap, SIGNAL_SEGV },
	{ sink_too_deep, SIGNAL_SEGV },
	{ halt, SIGNAL_SEGV },
	{ divide, SIGNAL_FPE },
	{ undefined, SIGNAL_ILL },
};

#define NR_WALLS (sizeof(walls) / sizeof(walls[0]))

static void
show_walls(void)
{
	for (unsigned i = 0; i < NR_WALLS; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			walls[i].run_into();
			end(0);
		}
		expect(wait_for_one() == STATUS_KILLED + walls[i].signal, 10 + (int)i);
	}
	expect(*(const volatile uint64_t *)&constant == 0xc0 && initialised == 0x600d, 3);
	say("", NR_WALLS, " processes were killed for what they must not do, and nobody else");
}

/* ---- other programs ---- */

/* Only comes back if it fails. */
static void
become(uint64_t role)
{
	char	    text[24];
	const char *list[] = { "init", text, NULL };

	text[append_number(text, 0, role)] = 0;
	call(CALL_EXEC, (uint64_t)list, 0, 0);
}

/* A fresh image each time: what the one before has written is gone. */
static void
play_ping_pong(uint64_t role)
{
	expect(initialised == 0x600d && own[0] == 0 && is_kept(0), 101);
	keep(role);
	initialised = role;
	own[0] = role;
	if (role == ROLE_END)
		end(42);
	become(role + 1);
	end(102);
}

static void
show_exec(void)
{
	for (unsigned i = 0; i < 4; i++) {
		if (call(CALL_FORK, 0, 0, 0) == 0) {
			become(ROLE_PING);
			end(103);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		expect(wait_for_one() == 42, 4);
	say("4 processes have become another program ", ROLE_END, " times each");
}

/* ---- what the kernel has put on the stack ---- */

static const uint64_t *
skip_list(const uint64_t *word)
{
	while (*word)
		word++;
	return word + 1;
}

/* The value of an entry of the auxiliary vector; 0 if it is not there. */
static uint64_t
aux_value(const uint64_t *aux, uint64_t type)
{
	for (; aux[0]; aux += 2) {
		if (aux[0] == type)
			return aux[1];
	}
	return 0;
}

static int
is_text(const char *text, const char *wanted)
{
	while (*text && *text == *wanted) {
		text++;
		wanted++;
	}
	return *text == *wanted;
}

static void
check_aux(const uint64_t *aux)
{
	const uint32_t *headers = (const uint32_t *)aux_value(aux, 3);

	expect(headers && aux_value(aux, 4) == 56 && aux_value(aux, 5) > 2, 104);
	expect(headers[0] == 1 || headers[0] == 6, 105); /* PT_LOAD or PT_PHDR */
	expect(aux_value(aux, 6) == PAGE && aux_value(aux, 9) == (uint64_t)start, 106);
	expect(is_text((const char *)aux_value(aux, 31), "init.elf"), 107);
	expect(is_text((const char *)aux_value(aux, 15), "x86_64"), 108);
	expect(((const uint64_t *)aux_value(aux, 25))[0] != 0, 109);
}

static uint64_t
number_of(const char *text)
{
	uint64_t number = 0;

	for (; *text; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	return number;
}

/* stack: argument count, arguments, 0, environment, 0, auxiliary vector. */
void
program(const uint64_t *stack)
{
	uint64_t	   nr_args = stack[0];
	const char *const *args = (const char *const *)(stack + 1);

	expect((uint64_t)stack % 16 == 0 && is_text(args[0], "init") && !args[nr_args], 110);
	check_aux(skip_list(skip_list(stack + 1)));
	if (nr_args > 1)
		play_ping_pong(number_of(args[1]));
	show_tree();
	show_stack();
	show_registers();
	show_threads();
	show_group_ends();
	show_walls();
	show_signals();
	show_exec();
	expect(call(CALL_WAIT, 0, 0, 0) < 0, 5); /* no child is left */
	say("CPUs that programs have run on: ", (uint64_t)call(CALL_CPUS, 0, 0, 0), "");
	end(0);
}
