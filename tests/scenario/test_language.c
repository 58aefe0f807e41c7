/*
 * test_language.c - the scenario interpreter: every error names line and column and
 * says what was expected, and what a scenario expects is really compared.
 */
#include <stdlib.h>
#include <string.h>

#include <anymm/process.h>

#include "base/root.h"
#include "harness.h"
#include "scenario/scenario.h"

#define ARENA_BYTES ((size_t)1 << 20)

/* What the last run printed. */
static char   printed[1 << 16];
static size_t nr_printed;

/* Text that a test prints to have the library's state broken behind its back. */
static const char corrupt[] = "corrupt";

static void
keep(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	if (bytes == sizeof(corrupt) - 1 && memcmp(text, corrupt, bytes) == 0)
		proc_first()->space->committed_pages++;
	if (bytes > sizeof(printed) - 1 - nr_printed)
		bytes = sizeof(printed) - 1 - nr_printed;
	memcpy(printed + nr_printed, text, bytes);
	nr_printed += bytes;
	printed[nr_printed] = 0;
}

static struct scenario_result
run_config(const char *text, struct scenario_config config)
{
	static const struct machine_config two_cpus = { .nr_cpus = 2, .nr_frames = 4096 };
	struct scenario_result		   result;

	machine_fresh_with(&two_cpus);
	nr_printed = 0;
	printed[0] = 0;
	config.name = "test";
	config.text = text;
	config.bytes = strlen(text);
	config.arena = malloc(ARENA_BYTES);
	config.arena_bytes = ARENA_BYTES;
	config.write = keep;
	scenario_run(&config, &result);
	free(config.arena);
	return result;
}

static struct scenario_result
run(const char *text)
{
	return run_config(text, (struct scenario_config){ .check = SCENARIO_CHECK_ALL });
}

static void
expect_end(const char *text, enum scenario_outcome outcome, unsigned line, unsigned column,
	   const char *words)
{
	struct scenario_result result = run(text);

	if (result.outcome != outcome || result.line != line || result.column != column ||
	    !strstr(result.text, words))
		fail_msg("of\n%swanted outcome %d at %u:%u with '%s', got %d at %u:%u: %s", text,
			 outcome, line, column, words, result.outcome, result.line, result.column,
			 result.text);
}

#define OPEN  "file data 1 4K\nspawn A\nopen A f data\n"
#define SPAWN "spawn A\nmmap A 0 8K rw- private,anon -> p\n"

/* A text and what is said of its first mistake. */
struct mistake {
	const char *text;
	unsigned    line, column;
	const char *words;
};

static const struct mistake syntax_mistakes[] = {
	{ "machine nodes=0\n", 1, 15, "expected a number in the range of this key" },
	{ "machine nodes=17\n", 1, 15, "expected a number in the range of this key" },
	{ "place A 4K 4K\n", 1, 14, "expected local, interleave or node=N, got the end" },
	{ "place A 4K 4K node=16\n", 1, 15, "expected local, interleave or node=N" },
	{ "migrate A 4K 4K 1\n", 1, 17, "expected node=N, got '1'" },
	{ "homes far\n", 1, 7, "expected local or load, got 'far'" },
	{ "lives A\n", 1, 8, "expected node=N, got the end" },
	{ "bogus 1\n", 1, 1, "expected a statement, got 'bogus'" },
	{ "  spawn A\n", 1, 1, "expected a statement at the start of the line" },
	{ "# fine\n\nload\n", 3, 5, "expected the name of a process, got the end" },
	{ "load A\n", 1, 7, "expected an address, got the end of the line" },
	{ "load A 12q\n", 1, 8, "expected an address, got '12q'" },
	{ "load A 0x\n", 1, 8, "expected an address, got '0x'" },
	{ "load A 99999999999999999999\n", 1, 8, "expected an address" },
	{ "load A 20000000T\n", 1, 8, "expected an address" },
	{ "load A 4K+\n", 1, 8, "expected an address" },
	{ "load A \"4K\"\n", 1, 8, "expected an address" },
	{ "load A 4K = 4\n", 1, 13, "expected a value: bytes like 41 0a" },
	{ "load A 4K = 41 4\n", 1, 16, "two hexadecimal digits" },
	{ "load A 4K = fill 41\n", 1, 20, "expected how many bytes" },
	{ "load A 4K = 41 41 extra\n", 1, 19, "two hexadecimal digits, got 'extra'" },
	{ "store A 4K\n", 1, 11, "expected a value" },
	{ "store A 4K = SEGV_MAPERR\n", 1, 12, "expected a value" },
	{ "store A 4K 41 = 41\n", 1, 17, "SEGV_MAPERR, SEGV_ACCERR" },
	{ "touch A q 0 1\n", 1, 9, "expected a kind of page" },
	{ "touch A a 0\n", 1, 12, "expected how many pages" },
	{ "mmap A 0 4K rwz private\n", 1, 13, "expected a protection like rw-" },
	{ "mmap A 0 4K rw- private,bad\n", 1, 25, "expected a flag" },
	{ "mmap A 0 4K rw- private,\n", 1, 25, "expected a flag" },
	{ "mmap A 0 4K rw- private = EBOGUS\n", 1, 27, "an error that the library has" },
	{ "mmap A 0 4K rw- private -> 1a\n", 1, 28, "expected a label" },
	{ "munmap A 0 4K = 0 0\n", 1, 19, "expected the end of the line, got '0'" },
	{ "madvise A 0 4K please\n", 1, 16, "expected normal, dontneed" },
	{ "spawn A size=4K\n", 1, 9, "expected base=, brk=" },
	{ "spawn A base=x+\n", 1, 14, "expected a number or none" },
	{ "spawn A\n\t0x1000 rw-p\n", 2, 2, "expected a range START..END" },
	{ "spawn A\n\t0..4K rw-\n", 2, 8, "expected permissions like rw-p" },
	{ "spawn A\n\t0..4K rw-p bad\n", 2, 13, "expected growsdown" },
	{ "limit A base=0\n", 1, 9, "expected as=, data=, stack=, commit= or memlock=" },
	{ "expect NONSENSE = 1\n", 1, 8, "expected a counter" },
	{ "expect FORKS 1\n", 1, 14, "expected =, <= or >=" },
	{ "fail 0\n", 1, 6, "expected the number of an allocation" },
	{ "fail 3-\n", 1, 6, "expected the number of an allocation" },
	{ "digest A\n", 1, 9, "expected -> or =" },
	{ "mremap A 0 4K\n", 1, 14, "expected the new length" },
	{ "mremap A 0 4K 8K up\n", 1, 18, "expected none, maymove, fixed or dontunmap" },
	{ "mremap A 0 4K 8K maymove q+\n", 1, 26, "expected the new address" },
	{ "msync A 0 4K sometimes\n", 1, 14, "expected sync, async or invalidate" },
	{ "mlock2 A 0 4K later\n", 1, 15, "expected onfault" },
	{ "mlockall A now\n", 1, 12, "expected current, future or onfault" },
	{ "mlock A 0\n", 1, 10, "expected a length" },
	{ "mincore A 0 4K 12\n", 1, 16, "expected 0 or 1 for each page" },
	{ "resident A x+\n", 1, 12, "expected the address of a page, also or maybe" },
	{ "resident A also 4K\n", 1, 19, "expected how many pages" },
	{ "file f 1 4K quick\n", 1, 13, "expected plain, zero, stored, slow, bad=" },
	{ "truncate f\n", 1, 11, "expected a size in bytes" },
	{ "punch f 0\n", 1, 10, "expected a length in bytes" },
	{ "write f 0\n", 1, 10, "expected a value" },
	{ "read f 0 00\n", 1, 10, "expected =" },
	{ "shmat A s 0 up\n", 1, 13, "expected none, readonly" },
	{ "process_vm_readv A 0 B 0 4 via 0\n", 1, 28, "expected by" },
	{ "handler A loud 0\n", 1, 11, "expected a signal like segv, got 'loud'" },
	{ "handler A segv x+\n", 1, 16, "expected an address, default or ignore" },
	{ "handler A segv 0 often\n", 1, 18, "expected altstack, restart, nodefer, reset, mask=" },
	{ "handler A segv 0 mask=usr1,loud\n", 1, 28, "expected a signal like segv, or none" },
	{ "handler A segv 0 mask=0\n", 1, 23, "expected a signal like segv, or none" },
	{ "handler A segv 0 restorer=x+\n", 1, 27, "expected an address" },
	{ "altstack A\n", 1, 11, "expected an address or none" },
	{ "altstack A 0 4K slowly\n", 1, 17, "expected the end of the line" },
	{ "mask A\n", 1, 7, "expected a signal like segv, or none" },
	{ "signal A\n", 1, 9, "expected a signal like segv" },
	{ "signal A usr1 above\n", 1, 15, "expected the end of the line, got 'above'" },
	{ "deliver A = ends\n", 1, 17, "expected nothing, a signal, stops and a signal" },
	{ "deliver A = loud\n", 1, 13, "expected nothing, a signal, stops and a signal" },
	{ "return A = nothing 1\n", 1, 20, "expected the end of the line, got '1'" },
	{ "context A 0\n", 1, 12, "expected an address for the stack pointer" },
	{ "registers A ax=0\n", 1, 13, "expected pc=, sp= or result=" },
	{ "registers A pc=x+\n", 1, 16, "expected an address" },
	{ "frame A -> 1a\n", 1, 12, "expected a label" },
	{ "source\n", 1, 7, "expected the name of a file" },
	{ "cut short\n", 1, 5, "expected the reason in quotes" },
	{ "spawn A\n\t0..4K rw-p rss=x+\n", 2, 17, "expected a number of bytes" },
	{ "print hello\n", 1, 7, "expected a text in quotes" },
	{ "repeat 0\nend\n", 1, 1, "expected to repeat at least once" },
	{ "end\n", 1, 1, "expected a repeat before this end" },
	{ "repeat 2\ncheck\n", 2, 0, "expected an end for the repeat of line 1" },
	{ "check\nmachine cpus=1\n", 2, 1, "machine is the first one or absent" },
	{ "machine cpus=0\n", 1, 14, "expected a number in the range of this key" },
	{ "machine speed=1\n", 1, 9, "expected frames=, memory=, swap=, cpus=" },
	{ "machine orphans=sold\n", 1, 9, "orphans=adopted or orphans=stay, got 'orphans=sold'" },
};

/* The same for statements about processes and what they hold. */
static const struct mistake kin_mistakes[] = {
	{ "clone A B\n", 1, 10, "expected none, space, fs, handles" },
	{ "clone A B space,soul\n", 1, 17, "expected none, space, fs, handles" },
	{ "clone A B none signal\n", 1, 22, "expected the number of a signal" },
	{ "clone A B none signal 256\n", 1, 23, "at most 255, got '256'" },
	{ "unwind A B none none\n", 1, 17, "expected the end of the line, got 'none'" },
	{ "leave A x+\n", 1, 9, "expected a value, got 'x+'" },
	{ "join A\n", 1, 7, "expected the id of a thread" },
	{ "detach A\n", 1, 9, "expected the id of a thread" },
	{ "wait A for\n", 1, 11, "expected the name of a process" },
	{ "wait A for number\n", 1, 18, "expected the number of a child" },
	{ "wait A for id x+\n", 1, 15, "expected the id of a child" },
	{ "wait A for any\n", 1, 15, "expected =, got the end" },
	{ "wait A for any also gone = ECHILD\n", 1, 21, "expected stopped, continued or keep" },
	{ "wait A for any = B\n", 1, 19, "expected exited, stopped or continued" },
	{ "wait A for any = B exited\n", 1, 26, "expected an exit code" },
	{ "wait A for any = B stopped x+\n", 1, 28, "expected the number of a signal" },
	{ "kill A\n", 1, 7, "expected an exit code" },
	{ "kill A 4G\n", 1, 8, "expected a number of 31 bits" },
	{ "kill-descendants A\n", 1, 19, "expected an exit code" },
	{ "pause A\n", 1, 8, "expected the number of a signal" },
	{ "subreaper A on\n", 1, 13, "expected the end of the line, got 'on'" },
	{ "group A\n", 1, 8, "expected a process or =" },
	{ "group A B by\n", 1, 13, "expected the name of a process" },
	{ "state A ZOMBIE\n", 1, 9, "expected =, got 'ZOMBIE'" },
	{ "state A = DEAD\n", 1, 11, "expected ALIVE, SUSPENDED, STOPPED, ZOMBIE" },
	{ "tree\n\tA\n\t  B\n\t C\n", 4, 3, "expected as many blanks as some line above" },
	{ "tree\n\tA WELL\n", 2, 4, "expected ALIVE, SUSPENDED" },
	{ "open A f\n", 1, 9, "expected the name of a file" },
	{ "open A f g from\n", 1, 16, "expected the lowest handle to take" },
	{ "dup A -\n", 1, 7, "expected a handle, got '-'" },
	{ "dup A 4G\n", 1, 7, "expected a handle of 31 bits" },
	{ "dup-to A 1\n", 1, 11, "expected a handle" },
	{ "close A\n", 1, 8, "expected a handle" },
	{ "take A 1\n", 1, 9, "expected =, got the end" },
	{ "take A 1 = EWHAT\n", 1, 12, "an error that the library has" },
	{ "put A 1\n", 1, 8, "expected the name of a thing" },
	{ "handle A 1 = a b\n", 1, 16, "expected the end of the line, got 'b'" },
	{ "handle-limit A\n", 1, 15, "expected how many handles" },
	{ "next A 1 = file f 0 513\n", 1, 12, "expected at most 512 bytes" },
	{ "next A 1 00\n", 1, 10, "expected =, got '00'" },
	{ "chdir A\n", 1, 8, "expected the name of a thing" },
	{ "cwd A\n", 1, 6, "expected =" },
	{ "umask A\n", 1, 8, "expected a mask" },
	{ "mount A\n", 1, 8, "expected a mount, copied or =" },
	{ "mount A copied m\n", 1, 16, "expected =, got 'm'" },
	{ "account A\n", 1, 10, "expected how many processes and threads" },
	{ "ledger here\n", 1, 8, "expected -> or =, got 'here'" },
	{ "ledger ->\n", 1, 10, "expected a name for the ledger" },
};

static void
syntax_errors_name_line_column_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(syntax_mistakes); i++)
		expect_end(syntax_mistakes[i].text, SCENARIO_SYNTAX, syntax_mistakes[i].line,
			   syntax_mistakes[i].column, syntax_mistakes[i].words);
	for (size_t i = 0; i < ARRAY_SIZE(kin_mistakes); i++)
		expect_end(kin_mistakes[i].text, SCENARIO_SYNTAX, kin_mistakes[i].line,
			   kin_mistakes[i].column, kin_mistakes[i].words);
}

/* The first thread has ended, and its name is still that of the process. */
#define LEFT "spawn A\nclone A T space,handlers,thread\nleave A\n"

static void
names_must_stand_for_something(void **state)
{
	(void)state;
	expect_end("spawn A\nload B 0\n", SCENARIO_SYNTAX, 2, 6, "a living process, got 'B'");
	expect_end("spawn A\nspawn A\n", SCENARIO_SYNTAX, 2, 7, "a name that no process has");
	expect_end("spawn A\nexit A\nload A 0\n", SCENARIO_SYNTAX, 3, 6, "a living process");
	expect_end("spawn A\nload A there\n", SCENARIO_SYNTAX, 2, 8, "no label of this name");
	expect_end("spawn A\nmmap A 0 4K r-- private data 0\n", SCENARIO_SYNTAX, 2, 25,
		   "the name of a file, got 'data'");
	expect_end("file f 1 4K\nfile f 2 4K\n", SCENARIO_SYNTAX, 2, 6, "no file has yet");
	expect_end("digest = before\n", SCENARIO_SYNTAX, 1, 10, "a digest taken before");
	expect_end("spawn A\nwait B\n", SCENARIO_SYNTAX, 2, 6, "nobody has waited for");
	expect_end("on 2\n", SCENARIO_SYNTAX, 1, 4, "a CPU that this machine has");
	expect_end("spawn A\nfork A B\nexit B\nwait B\nstate B = ZOMBIE\n", SCENARIO_SYNTAX, 5, 7,
		   "nobody has waited for yet, got 'B'");
	expect_end("spawn A\npause A 19\nfork A B\n", SCENARIO_SYNTAX, 3, 6, "a living process");
	expect_end("spawn A\nclone A T space,handlers,thread\nleave A\nclone A B none\n",
		   SCENARIO_SYNTAX, 4, 0, "a thread that has not ended");
	expect_end(LEFT "deliver A = nothing\n", SCENARIO_SYNTAX, 4, 0,
		   "a thread that has not ended");
	expect_end(LEFT "return A\n", SCENARIO_SYNTAX, 4, 0, "a thread that has not ended");
	expect_end(LEFT "mask A none\n", SCENARIO_SYNTAX, 4, 0, "a thread that has not ended");
	expect_end(LEFT "altstack A none\n", SCENARIO_SYNTAX, 4, 0, "a thread that has not ended");
	expect_end("spawn A\nput A 1 f\n", SCENARIO_SYNTAX, 2, 9, "a thing that somebody holds");
	expect_end(OPEN "put A 1 f\n", SCENARIO_SYNTAX, 4, 0, "a thing that was taken before");
	expect_end(OPEN "open A f data\n", SCENARIO_SYNTAX, 4, 0, "a name that no open file has");
	expect_end(OPEN "special -2 f\n", SCENARIO_SYNTAX, 4, 0, "a name that no thing has");
	expect_end("ledger = before\n", SCENARIO_SYNTAX, 1, 10, "a ledger taken before");
}

/* Another thread than the first executes a program: its process's name has fresh registers, too. */
static void
a_program_begins_with_fresh_registers(void **state)
{
	struct scenario_result result = run(SPAWN "context A 0x4000 0x7f00\n"
						  "clone A T space,handlers,thread\n"
						  "leave A\nexec T\nregisters A pc=0 sp=0\n");

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_OK);
}

static void
a_slip_at_the_end_is_found_before_the_beginning_runs(void **state)
{
	struct scenario_result result = run("print \"ran\"\nspawn A\nbogus\n");

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_SYNTAX);
	assert_int_equal(result.line, 3);
	assert_int_equal(result.statements, 0);
	assert_string_equal(printed, "");
}

static const struct mistake differences[] = {
	{ SPAWN "place A p 4K node=9\n", 3, 0, "place: expected success, got EINVAL" },
	{ SPAWN "place A p 4K interleave = EINVAL\n", 3, 0, "place: expected EINVAL, got success" },
	{ SPAWN "migrate A p 4K node=0 = 1\n", 3, 0, "migrate: expected 0x1, got 0x0" },
	{ SPAWN "lies A p node=0\n", 3, 0, "lies: expected a page at 0x" },
	{ SPAWN "store A p 01\nlies A p node=1\n", 4, 0, "lies: expected on node 1, got node 0" },
	{ SPAWN "lives A node=1\n", 3, 0, "lives: expected on node 1, got node 0" },
	{ SPAWN "fork A B node=1 = EAGAIN\n", 3, 0, "fork: expected EAGAIN, got EINVAL" },
	{ SPAWN "replicate A = ENOMEM\n", 3, 0, "replicate: expected ENOMEM, got success" },
	{ SPAWN "load A p = 01\n", 3, 0, "load: expected byte 0 to be 01, got 00" },
	{ SPAWN "load A p = zero 8193\n", 3, 0, "expected success, got SEGV_MAPERR" },
	{ SPAWN "load A p = SEGV_MAPERR\n", 3, 0, "load: expected SEGV_MAPERR, got success" },
	{ SPAWN "store A p 01 = SEGV_ACCERR\n", 3, 0, "expected SEGV_ACCERR, got success" },
	{ SPAWN "fetch A p\n", 3, 0, "fetch: expected success, got SEGV_ACCERR" },
	{ SPAWN "touch A a p 3\n", 3, 0, "touch: expected a page of kind a" },
	{ SPAWN "munmap A p 4K = EINVAL\n", 3, 0, "munmap: expected EINVAL, got success" },
	{ SPAWN "munmap A p+1 4K\n", 3, 0, "munmap: expected success, got EINVAL" },
	{ SPAWN "mmap A p 4K rw- private,anon,fixed = 0x1\n", 3, 0, "mmap: expected 0x1, got 0x" },
	{ SPAWN "brk A 0 = 0x1\n", 3, 0, "brk: expected 0x1, got" },
	{ SPAWN "deliver A = usr1\n", 3, 0, "deliver: expected the handler of usr1, got nothing" },
	{ SPAWN "spawn B\nsignal B term\ndeliver B = ends kill\n", 5, 0,
	  "deliver: expected the end by kill, got the end by term" },
	{ SPAWN "spawn B\nsignal B stop\ndeliver B\n", 5, 0,
	  "deliver: expected no end and no stop, got a stop by stop" },
	{ SPAWN "spawn B\nsignal B 34\ndeliver B = stops stop\n", 5, 0,
	  "expected a stop by stop, got the end by 34" },
	{ SPAWN "return A = nothing\n", 3, 0, "return: expected nothing, got the end by segv" },
	{ SPAWN "context A 1 2\nregisters A pc=1 sp=3\n", 4, 0, "expected sp 0x3, got 0x2" },
	{ SPAWN "context A 1 2\nregisters A result=1\n", 4, 0, "expected result 1, got 0" },
	{ SPAWN "handler A kill default\n", 3, 0, "handler: expected success, got EINVAL" },
	{ SPAWN "altstack A 0 1\n", 3, 0, "altstack: expected success, got ENOMEM" },
	{ SPAWN "signal A usr1 below = 1\n", 3, 0, "signal: expected 0x1, got 0x0" },
	{ SPAWN "present A p 1\n", 3, 0, "to be present" },
	{ SPAWN "store A p 01\nabsent A p 1\n", 4, 0, "to be absent" },
	{ SPAWN "maps A\n", 3, 0, "expected nothing, got rw-p" },
	{ SPAWN "maps A\n\tp..p+8K r--p\n", 4, 0, "expected r--p at file offset 0x0 of anonymous" },
	{ SPAWN "maps A\n\tp..p+12K rw-p\n", 4, 0, "got nothing" },
	{ SPAWN "maps A\n\tp+4K..p+8K rw-p\n", 4, 0, "expected nothing, got rw-p" },
	{ SPAWN "maps A\n\tp..p+4K rw-p\n", 4, 0, "expected nothing, got rw-p" },
	{ SPAWN "maps A\n\tp..p+8K rw-s\n", 4, 0, "expected rw-s" },
	{ SPAWN "store A p 01\nresident A\n", 4, 0, "to be absent, it is there" },
	{ SPAWN "store A p+4K 01\nresident A p 1\n", 4, 0, "to be present, it is not" },
	{ SPAWN "store A p 01\nresident A p 1 p 1\n", 4, 0, "each page to be named once" },
	{ SPAWN "mremap A p 8K 4K none = EFAULT\n", 3, 0, "mremap: expected EFAULT, got 0x" },
	{ SPAWN "mlock A p 8K = ENOMEM\n", 3, 0, "mlock: expected ENOMEM, got success" },
	{ SPAWN "mincore A p 8K 01\n", 3, 0, "mincore: expected page 1 to be resident" },
	{ SPAWN "store A p 01\nmincore A p 8K 00\n", 4, 0, "expected page 0 to be absent" },
	{ SPAWN "maps A flags\n\tp..p+8K rw-p locked\n", 4, 0, "of anonymous locked, got rw-p" },
	{ SPAWN "mlock A p 8K\nmaps A flags\n\tp..p+8K rw-p\n", 5, 0,
	  "anonymous, got rw-p at file offset 0x0 of anonymous locked" },
	{ SPAWN "store A p 01\nmaps A\n\tp..p+8K rw-p rss=8K\n", 5, 0,
	  "expected 8192 bytes to be resident, got 4096" },
	{ SPAWN "store A p 01\nmaps A\n\tp..p+8K rw-p anon=0\n", 5, 0,
	  "expected 0 bytes to be anonymous, got 4096" },
	{ "file f 1 4K\nread f 0 = 00 00\n", 2, 0, "read: expected byte 0 to be 00" },
	{ "file f 1 4K\nread f 4K = 00\n", 2, 0, "expected 1 bytes, got 0 and the end" },
	{ "file f 1 4K stored\nspawn A\nmmap A 0 4K rw- shared f 0 -> q\nload A "
	  "q\nevict f = 0\n",
	  5, 0, "evict: expected 0x0, got 0x1" },
	{ SPAWN "resident A also p 1\n", 3, 0, "to be present, it is not" },
	{ SPAWN "store A p 01\nresident A maybe p+4K 1\n", 4, 0, "to be absent" },
	{ SPAWN "shmdt A p = 0\n", 3, 0, "shmdt: expected success, got EINVAL" },
	{ "source t.s\n" SPAWN "munmap A p 4K = EINVAL\t# 77 why\n", 4, 0,
	  "t.s:77, process A: munmap: expected EINVAL, got success" },
	{ "source t.s\n" SPAWN "maps A\t# 12\n\tp..p+8K r--p\n", 5, 0,
	  "t.s:12, process A: maps: at" },
	{ "source t.s\n" SPAWN "munmap A p 4K = EINVAL\n", 4, 0, "munmap: expected" },
	{ SPAWN "fork A B\nstore A p 01\nsame A B p\n", 5, 0, "a page to be present in both" },
	{ SPAWN "store A p 01\nfork A B\nsame A B p\nstore B p 02\nsame A B p\n", 7, 0,
	  "one page for both processes, got two" },
	{ SPAWN "store A p 01\nfork A B\ndiffer A B p\n", 5, 0, "got one for both" },
	{ SPAWN "count\nstore A p 01\nexpect FAULT_ZERO_FILL = 2\n", 5, 0,
	  "FAULT_ZERO_FILL: expected 2, got 1" },
	{ SPAWN "digest -> d\nstore A p 01\ndigest = d\n", 5, 0, "as it was, it is not" },
	{ SPAWN "fork A B = ENOMEM\n", 3, 0, "fork: expected ENOMEM, got success" },
	{ SPAWN "fork A B\nexit B 3\nwait B = 4\n", 5, 0, "wait: expected 0x4, got 0x3" },
	{ SPAWN "fork A B\nwait B\n", 4, 0, "wait: expected success, got EAGAIN" },
	{ "fail 1\nspawn A\n", 2, 0, "spawn: expected success, got ENOMEM" },
};

static const struct mistake kin_differences[] = {
	{ SPAWN "clone A B none = 7\n", 3, 0, "clone: expected 0x7, got 0x2" },
	{ SPAWN "clone A B thread\n", 3, 0, "clone: expected success, got EINVAL" },
	{ SPAWN "clone A B none = EAGAIN\n", 3, 0, "clone: expected EAGAIN, got 0x2" },
	{ SPAWN "unwind A B none = 1\n", 3, 0, "clone: expected 0x1, got 0x" },
	{ SPAWN "clone A T space,handlers,thread -> t\njoin A t = 0\n", 4, 0,
	  "join: expected 0x0, got EAGAIN" },
	{ SPAWN "clone A T space,handlers,thread -> t\nleave T 3\njoin A t = 4\n", 5, 0,
	  "join: expected 0x4, got 0x3" },
	{ SPAWN "detach A 9\n", 3, 0, "detach: expected success, got ESRCH" },
	{ SPAWN "wait A for any = EAGAIN\n", 3, 0, "wait: expected EAGAIN, got ECHILD" },
	{ SPAWN "fork A B\nexit B 3\nwait A for any = B exited 4\n", 5, 0,
	  "wait: expected B exited 4, got B exited 3" },
	{ SPAWN "fork A B\nfork A C\nexit C 3\nwait A for any = B exited 3\n", 6, 0,
	  "wait: expected B exited 3, got C exited 3" },
	{ SPAWN "fork A B\npause B 19\nwait A for B also stopped = EAGAIN\n", 5, 0,
	  "wait: expected EAGAIN, got B stopped 19" },
	{ SPAWN "fork A B\npause B 19\nresume B\nwait A for B also continued = B exited 1\n", 6, 0,
	  "wait: expected B exited 1, got B continued" },
	{ SPAWN "kill A 1\n", 3, 0, "kill: expected success, got EPERM" },
	{ SPAWN "kill-descendants A 1 = 1\n", 3, 0, "kill-descendants: expected 0x1, got 0x0" },
	{ SPAWN "resume A\n", 3, 0, "resume: expected a process that is stopped" },
	{ SPAWN "group A = 2\n", 3, 0, "group: expected 0x2, got 0x1" },
	{ SPAWN "fork A B\nfork B C\ngroup A C by B\n", 5, 0,
	  "group: expected success, got ESRCH" },
	{ SPAWN "state A = ZOMBIE\n", 3, 0, "state: expected ZOMBIE, got ALIVE" },
	{ SPAWN "clone A B space,suspend\nstate A = ALIVE\n", 4, 0,
	  "state: expected ALIVE, got SUSPENDED" },
	{ SPAWN "clone A B no-reap\nexit B\nstate B = ZOMBIE\n", 5, 0,
	  "state: expected ZOMBIE, got FORGOTTEN" },
	{ SPAWN "id A = 2\n", 3, 0, "id: expected 0x2, got 0x1" },
	{ SPAWN "number A = 2\n", 3, 0, "number: expected 0x2, got 0x1" },
	{ SPAWN "tree\n", 3, 0, "tree: expected nobody more, got A ALIVE below nobody" },
	{ SPAWN "fork A B\ntree\n\tA\n\tB\n", 6, 0, "expected B ALIVE, got B ALIVE below A" },
	{ SPAWN "fork A B\nexit B\ntree\n\tA\n\t B\n", 7, 0,
	  "tree: expected B ALIVE, got B ZOMBIE below A" },
	{ SPAWN "fork A B\nexit B\ntree\n\tA\n\t B ZOMBIE\n\t A\n", 8, 0,
	  "tree: expected A ALIVE, got nobody" },
	{ OPEN "open A g data = 5\n", 4, 0, "open: expected 0x5, got 0x1" },
	{ OPEN "dup A 0 from 2 = 1\n", 4, 0, "dup: expected 0x1, got 0x2" },
	{ OPEN "dup A 3\n", 4, 0, "dup: expected success, got EBADF" },
	{ OPEN "dup-to A 1 2\n", 4, 0, "dup-to: expected success, got EBADF" },
	{ OPEN "dup-to A 0 2\nhandles A = 1\n", 5, 0, "handles: expected 0x1, got 0x2" },
	{ OPEN "close A 1\n", 4, 0, "close: expected success, got EBADF" },
	{ OPEN "take A 0 = nothing\n", 4, 0, "take: expected nothing, got f" },
	{ OPEN "take A 1 = f\n", 4, 0, "take: expected success, got EBADF" },
	{ OPEN "take A 0 = f\nput A 9999 f\n", 5, 0, "put: expected success, got EBADF" },
	{ OPEN "open A g data\nhandle A 1 = f\n", 5, 0, "handle: expected f, got g" },
	{ OPEN "handle A 0 = nothing\n", 4, 0, "handle: expected nothing, got f" },
	{ OPEN "handle-limit A 0x2000000\n", 4, 0, "handle-limit: expected success, got EINVAL" },
	{ OPEN "handle-limit A 1\ndup A 0\n", 5, 0, "dup: expected success, got EMFILE" },
	{ OPEN "special -9 s\n", 4, 0, "special: expected success, got EINVAL" },
	{ OPEN "refs f = 2\n", 4, 0, "refs: expected 0x2, got 0x1" },
	{ OPEN "next A 0 = file data 1 2\n", 4, 0, "next: expected byte 0 to be" },
	{ OPEN "next A 1 = 00\n", 4, 0, "next: expected an open file behind handle 1" },
	{ OPEN "truncate data 1\nnext A 0 = zero 2\n", 5, 0,
	  "expected 2 bytes, got 1 and the end" },
	{ SPAWN "cwd A = home\n", 3, 0, "cwd: expected home, got nothing" },
	{ SPAWN "chdir A home\ncwd A = nothing\n", 4, 0, "cwd: expected nothing, got home" },
	{ SPAWN "umask A 0 = 0\n", 3, 0, "umask: expected 0x0, got 0x12" },
	{ SPAWN "mount A m\nclone A B new-mount\nmount B = m\n", 5, 0,
	  "mount: expected m, got a copy of m" },
	{ SPAWN "mount A m\nclone A B none\nmount B copied = m\n", 5, 0, "mount: expected a copy" },
	{ SPAWN "account A 1\nfork A B\n", 4, 0, "fork: expected success, got EAGAIN" },
	{ SPAWN "account A 9\npaid A = 2\n", 4, 0, "paid: expected 0x2, got 0x1" },
	{ SPAWN "ledger -> l\nstore A p 01\nledger = l\n", 5, 0,
	  "ledger: expected 0 private pages, got 1" },
	{ SPAWN "ledger -> l\nfork A B\nledger = l\n", 5, 0, "expected 1 processes, got 2" },
	{ OPEN "ledger -> l\nclose A 0\nledger = l\n", 6, 0, "expected 2 things held, got 1" },
	{ SPAWN "expect PROCESSES = 2\n", 3, 0, "PROCESSES: expected 2, got 1" },
	{ SPAWN "clone A T space,handlers,thread\nexec T\n", 4, 0,
	  "exec: expected success, got EAGAIN" },
};

static void
what_differs_fails_the_scenario(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kin_differences); i++)
		expect_end(kin_differences[i].text, SCENARIO_FAILED, kin_differences[i].line, 0,
			   kin_differences[i].words);
	for (size_t i = 0; i < ARRAY_SIZE(differences); i++)
		expect_end(differences[i].text, SCENARIO_FAILED, differences[i].line, 0,
			   differences[i].words);
}

static void
maps_compare_what_is_visible_not_how_it_is_cut(void **state)
{
	struct scenario_result result;

	(void)state;
	result = run(SPAWN "maps A\n\tp..p+4K rw-p\n\tp+4K..p+8K rw-p\n"
			   "mprotect A p 4K r--\n"
			   "maps A\n\tp..p+4K r--p\n\tp+4K..p+8K rw-p\n");
	assert_int_equal(result.outcome, SCENARIO_OK);
	assert_int_equal(result.maps_equal, 2);
	result = run("file f 1 8K\nspawn A\nmmap A 0 8K r-- private f 0 -> p\n"
		     "maps A\n\tp..p+4K r--p 0 f\n\tp+4K..p+8K r--p 4K f\n");
	assert_int_equal(result.outcome, SCENARIO_OK);
	expect_end("file f 1 8K\nspawn A\nmmap A 0 8K r-- private f 0 -> p\n"
		   "maps A\n\tp..p+4K r--p 0 f\n\tp+4K..p+8K r--p 0 f\n",
		   SCENARIO_FAILED, 6, 0,
		   "at file offset 0x0 of f, got r--p at file offset 0x1000");
}

static void
going_on_counts_what_differs(void **state)
{
	struct scenario_config config = { .check = SCENARIO_CHECK_ALL, .keep_going = true };
	struct scenario_result result =
		run_config(SPAWN "load A p = 01\nload A p = 02\nload A p = 00\n", config);

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_FAILED);
	assert_int_equal(result.line, 3);
	assert_int_equal(result.calls, 5);
	assert_int_equal(result.calls_equal, 3);
	assert_non_null(strstr(printed, "test:4: load: expected byte 0 to be 02, got 00"));
}

static void
a_broken_invariant_is_reported_where_it_broke(void **state)
{
	static const char      text[] = SPAWN "check\nprint \"corrupt\"\nmunmap A p 4K\n";
	struct scenario_config each = { .check = SCENARIO_CHECK_ALL };
	struct scenario_config last = { .check = SCENARIO_CHECK_END };
	struct scenario_result result = run_config(text, each);

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_BROKEN);
	assert_int_equal(result.line, 4);
	assert_non_null(strstr(result.text, "I-CHARGE is broken: "));
	assert_string_equal(scenario_outcome_name(SCENARIO_BROKEN), "FAILED");
	/* what is found broken at the end does not hide the result that was wrong before */
	result = run_config(SPAWN "print \"corrupt\"\nmunmap A p 4K = EINVAL\n",
			    (struct scenario_config){ .check = SCENARIO_CHECK_END });
	assert_int_equal(result.outcome, SCENARIO_BROKEN);
	assert_int_equal(result.line, 4);
	assert_non_null(
		strstr(result.text, "munmap: expected EINVAL, got success; then: I-CHARGE"));
	result = run_config(text, last);
	assert_int_equal(result.outcome, SCENARIO_BROKEN);
	assert_int_equal(result.line, 5);
	machine_fresh();
}

static void
stop_and_skip_are_told_apart_from_failure(void **state)
{
	(void)state;
	expect_end("spawn A\nstop \"not any further\"\nspawn B\n", SCENARIO_STOPPED, 2, 0,
		   "not any further");
	expect_end("machine cpus=3\nspawn A\n", SCENARIO_SKIPPED, 0, 0, "as many CPUs");
	expect_end("machine user=16777216T\nspawn A\n", SCENARIO_SYNTAX, 1, 14, "in the range");
	expect_end("machine user=16777215T\nspawn A\n", SCENARIO_SKIPPED, 0, 0,
		   "addresses as large");
	expect_end("machine frames=100000\nspawn A\n", SCENARIO_SKIPPED, 0, 0, "as many frames");
}

static void
repeats_nest_and_names_come_free_again(void **state)
{
	struct scenario_result result = run(SPAWN "repeat 3\nrepeat 2\nfork A B\nexit B 1\n"
						  "wait B = 1\nend\nend\nexpect FORKS = 6\n");

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_OK);
	/* a forgotten one is not taken for whoever has its id now */
	result = run(SPAWN "fork A E\nexit E\nwait E\nclone A 3 no-reap = 3\nexit 3 1\n"
			   "clone A E none = 3\nexit E 7\nwait A for any = E exited 7\n"
			   "state 3 = FORGOTTEN\n");
	assert_int_equal(result.outcome, SCENARIO_OK);
	/* also of those that were never waited for, and of threads */
	result = run(SPAWN "repeat 3\nclone A B no-reap\nexit B\nclone A T space,handlers,thread\n"
			   "leave T\nend\nexpect PROCESSES = 1\n");
	assert_int_equal(result.outcome, SCENARIO_OK);
}

static void
nothing_is_left_after_any_ending(void **state)
{
	static const char *const texts[] = {
		SPAWN "store A p 01\nfork A B\nstore B p 02\nthread B C\n",
		SPAWN "store A p 01\nfork A B\nload A p = 99\n",
		"file f 1 64K\nspawn A\nmmap A 0 4K rw- shared f 0 -> q\nstore A q 01\nstop "
		"\"enough\"\n",
		SPAWN "fork A B\nexit A\nvfork B C\nexit B\n",
		SPAWN "fail 1+\nstore A p 01 = NOMEM\n",
		SPAWN "clone A T space,handlers,thread\nclone T B none\nleave A 1\npause B 19\n",
		SPAWN "clone A B space,suspend\nclone B C no-reap\nexit C\nexit B\n",
		OPEN "take A 0 = f\nspecial -3 s\nchdir A d\nmount A m\nclone A B new-mount\n",
		"machine orphans=stay\n" SPAWN "fork A B\nfork B C\nexit A\nexit B\n",
		SPAWN "account A 2\nfork A B\nexit A\nexit B\nstop \"enough\"\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		(void)run(texts[i]);
		assert_int_equal(proc_count(), 0);
		assert_int_equal(object_live(), 0);
		assert_int_equal(resource_live(), 0);
		assert_int_equal(space_live_regions(), 0);
		machine_check();
	}
}

static void
work_is_limited_where_that_is_asked_for(void **state)
{
	struct scenario_config config = { .check = SCENARIO_CHECK_END, .work_limit = 1000 };
	struct scenario_result result = run_config("repeat 1000000000\ncheck\nend\n", config);

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_STOPPED);
	assert_non_null(strstr(result.text, "work limit of 1000"));
}

static void
a_full_arena_is_an_error(void **state)
{
	struct scenario_config config = {
		.name = "test", .text = "spawn A\n", .bytes = 8, .arena_bytes = 64, .write = keep
	};
	static char	       arena[64];
	struct scenario_result result;

	(void)state;
	machine_fresh();
	config.arena = arena;
	assert_int_equal(scenario_run(&config, &result), SCENARIO_SYNTAX);
	assert_non_null(strstr(result.text, "arena is too small"));
}

static void
the_output_names_no_address_and_no_time(void **state)
{
	static const char text[] = SPAWN "store A p \"x\"\nfork A B\nstore B p \"y\"\n"
					 "print \"done\"\n";
	char		  first[sizeof(printed)];

	(void)state;
	assert_int_equal(run(text).outcome, SCENARIO_OK);
	memcpy(first, printed, nr_printed + 1);
	assert_non_null(strstr(first, "done\n"));
	assert_non_null(strstr(first, "frames in use at once"));
	assert_null(strstr(first, "0x"));
	assert_int_equal(run(text).outcome, SCENARIO_OK);
	assert_string_equal(first, printed);
}

static void
threads_end_one_by_one(void **state)
{
	struct scenario_result result = run(
		SPAWN "clone A T space,handlers,thread -> t\nclone T U space,handlers,thread -> u\n"
		      "leave A 5\nid T = t\nexec T = EAGAIN\nleave U 7\n"
		      "exec T\nstate A = ALIVE\nid A = 1\nload A p = SEGV_MAPERR\n"
		      "clone A B none = 4\nleave B 9\nwait A for any = B exited 9\n");

	(void)state;
	if (result.outcome != SCENARIO_OK)
		fail_msg("%u: %s", result.line, result.text);
}

/* unwind - a fork of a process with everything, at whose every allocation memory is out once. */
static void
a_fork_unwinds_from_wherever_it_fails(void **state)
{
	struct scenario_result result =
		run(OPEN "mmap A 0 32K rw- private,anon -> p\nmadvise A p 4K dontfork\n"
			 "store A p fill 11 32K\nchdir A home\nmount A root\naccount A 9\n"
			 "unwind A B new-mount,default-handlers signal 17\n"
			 "expect UNWOUND >= 6 PROCESSES = 2\ncount\n"
			 "unwind A C space,handlers,thread\nexpect UNWOUND >= 1\n"
			 "unwind B D thread = EINVAL\n");

	(void)state;
	if (result.outcome != SCENARIO_OK)
		fail_msg("%u: %s", result.line, result.text);
}

static void
residency_is_exact_both_ways(void **state)
{
	struct scenario_result result =
		run(SPAWN "resident A\nload A p\nresident A p 1\nresident A also p 1\n"
			  "resident A maybe p 2\nstore A p+4K 01\nresident A p 1 also p+4K 1\n");

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_OK);
	assert_int_equal(result.spaces_resident, 5);
	assert_int_equal(result.spaces_equal, 5);
	assert_int_equal(result.resident_also, 2);
	assert_int_equal(result.resident_open, 2);
}

static void
a_cut_recording_is_told_in_the_last_line(void **state)
{
	struct scenario_config config = { .check = SCENARIO_CHECK_ALL };
	struct scenario_result result = run_config(SPAWN "cut \"too early\"\n", config);

	(void)state;
	assert_int_equal(result.outcome, SCENARIO_OK);
	config.name = "test";
	config.text = "";
	config.write = keep;
	nr_printed = 0;
	assert_int_equal(scenario_conclude(&config, &result), SCENARIO_EXIT_GOOD);
	assert_non_null(strstr(printed, "maps equal; cut short: too early\n"));
}

static void
segments_are_attached_and_detached_whole(void **state)
{
	struct scenario_result result =
		run("shmget s 1 12K\nspawn A\nfork A B\n"
		    "shmat A s 0 none -> p\nshmat B s 0 readonly -> q\n"
		    "store A p+4K 07\nload B q+4K = 07\nstore B q 01 = SEGV_ACCERR\n"
		    "shmat A s p+1 none = EINVAL\nshmat A s p none = EINVAL\n"
		    "shmat A s 0 remap = EINVAL\nshmat A s p+100 round,remap = p\n"
		    "munmap A p 4K\nmprotect A p+8K 4K r--\nshmdt A p+4K = EINVAL\nshmdt A p\n"
		    "maps A\nload A p+8K = SEGV_MAPERR\nshmdt A p = EINVAL\n"
		    "maps B\n\tq..q+12K r--s 0 s\n");

	(void)state;
	if (result.outcome != SCENARIO_OK)
		fail_msg("%u: %s", result.line, result.text);
}

static void
what_touch_stored_is_known_where_mremap_has_brought_it(void **state)
{
	static const char moved[] =
		SPAWN "touch A a p 1\nmremap A p 8K 16K maymove,fixed 0x4000 -> q\ntouch A r q 1\n"
		      "mremap A q 16K 16K maymove,fixed 0x8000 -> s\ntouch A r s 1\nfork A B\n"
		      "touch B c s 1\n";
	struct scenario_result result = run(moved);

	(void)state;
	if (result.outcome != SCENARIO_OK)
		fail_msg("%u: %s", result.line, result.text);
	expect_end(SPAWN
		   "touch A a p 1\nstore A p 77\nmremap A p 8K 16K maymove,fixed 0x4000 -> q\n"
		   "touch A r q 1\n",
		   SCENARIO_FAILED, 6, 0, "it holds something else");
}

static void
a_file_that_was_cut_holds_zeros_behind(void **state)
{
	struct scenario_result result =
		run("file f 1 8K\nspawn A\nmmap A 0 8K r-- private f 0 -> p\ntouch A f p 2\n"
		    "truncate f 3\ntruncate f 8K\ntouch A f p 2\nload A p+3 = zero 100\n"
		    "load A p = file f 0 3\n");

	(void)state;
	if (result.outcome != SCENARIO_OK)
		fail_msg("%u: %s", result.line, result.text);
}

TEST_SUITE(language, cmocka_unit_test(syntax_errors_name_line_column_and_what_was_expected),
	   cmocka_unit_test(names_must_stand_for_something),
	   cmocka_unit_test(a_program_begins_with_fresh_registers),
	   cmocka_unit_test(a_slip_at_the_end_is_found_before_the_beginning_runs),
	   cmocka_unit_test(what_differs_fails_the_scenario),
	   cmocka_unit_test(maps_compare_what_is_visible_not_how_it_is_cut),
	   cmocka_unit_test(going_on_counts_what_differs),
	   cmocka_unit_test(a_broken_invariant_is_reported_where_it_broke),
	   cmocka_unit_test(stop_and_skip_are_told_apart_from_failure),
	   cmocka_unit_test(repeats_nest_and_names_come_free_again),
	   cmocka_unit_test(nothing_is_left_after_any_ending),
	   cmocka_unit_test(work_is_limited_where_that_is_asked_for),
	   cmocka_unit_test(a_full_arena_is_an_error), cmocka_unit_test(threads_end_one_by_one),
	   cmocka_unit_test(a_fork_unwinds_from_wherever_it_fails),
	   cmocka_unit_test(residency_is_exact_both_ways),
	   cmocka_unit_test(a_cut_recording_is_told_in_the_last_line),
	   cmocka_unit_test(segments_are_attached_and_detached_whole),
	   cmocka_unit_test(what_touch_stored_is_known_where_mremap_has_brought_it),
	   cmocka_unit_test(a_file_that_was_cut_holds_zeros_behind),
	   cmocka_unit_test(the_output_names_no_address_and_no_time))
