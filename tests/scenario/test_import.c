/*
 * test_import.c - recordings become scenarios: which statement each line gives, in
 * which order, and what is said about lines that are not a recording's.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "import/import.h"
#include "scenario/scenario.h"

/* A recording in memory. */
struct files {
	const char *trace;
	const char *touch;
	const char *sizes;
	const char *exec_maps; /* maps/7-00001-exec.maps */
	const char *exec_info;
	const char *other_maps;	 /* maps/7-00002-exit.maps */
	const char *other_smaps; /* and its smaps */
};

static bool
read_files(void *ctx, const char *name, struct slice *text)
{
	const struct files *files = ctx;
	const char	   *found = NULL;

	if (strcmp(name, "trace.strace") == 0)
		found = files->trace;
	else if (strcmp(name, "touch.log") == 0)
		found = files->touch;
	else if (strcmp(name, "files.txt") == 0)
		found = files->sizes;
	else if (strcmp(name, "maps/7-00001-exec.maps") == 0)
		found = files->exec_maps;
	else if (strcmp(name, "maps/7-00001-exec.info") == 0)
		found = files->exec_info;
	else if (strcmp(name, "maps/7-00002-exit.maps") == 0)
		found = files->other_maps;
	else if (strcmp(name, "maps/7-00002-exit.smaps") == 0)
		found = files->other_smaps;
	if (found)
		*text = (struct slice){ found, strlen(found) };
	return found != NULL;
}

static const char exec_maps[] =
	"555555554000-555555556000 rw-p 00000000 fe:00 11 /bin/prog\n"
	"7ffff7fff000-7ffff8000000 r--p 00000000 fe:00 12 /lib/ld-linux.so\n"
	"7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

/* What every imported recording with that image begins with. */
#define HEAD \
	"spawn 7 base=0x7ffff8000000 brk=0x0 end=0x7ffffffff000 commit=25276510208 " \
	"stack=none data=none as=none memlock=none\t# 1\n" \
	"\t0x555555554000..0x555555556000 rw-p 0x0 /bin/prog\n" \
	"\t0x7ffff7fff000..0x7ffff8000000 r--p 0x0 /lib/ld-linux.so\n" \
	"\t0x7ffffffde000..0x7ffffffff000 rw-p growsdown\n"

#define EXEC "7 1.0 +++ snap 00001 exec tgid=7 +++\n"

static bool
import(struct files files, struct text *out, struct import_error *error)
{
	struct import_source source = { .ctx = &files, .read = read_files };

	if (!files.exec_maps)
		files.exec_maps = exec_maps;
	return import_recording(&source, "test", out, error);
}

static void
discard(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	(void)text;
	(void)bytes;
}

/* What is imported is a scenario; it is not run here. */
static void
expect_grammar(const struct text *text)
{
	static _Alignas(64) char arena[1 << 16];
	struct scenario_config	 config = {
		  .name = "imported",
		  .text = text->at,
		  .bytes = text->bytes,
		  .arena = arena,
		  .arena_bytes = sizeof(arena),
		  .parse_only = true,
		  .write = discard,
	};
	struct scenario_result result;

	if (scenario_run(&config, &result) != SCENARIO_OK)
		fail_msg("imported:%u:%u: %s in\n%s", result.line, result.column, result.text,
			 text->at);
}

/* The statements that follow the image, without the lines before it, up to the word that the recording is cut. */
static void
expect_statements(struct files files, const char *wanted)
{
	char		   *cut;
	struct import_error error;
	struct text	    out = { 0 };
	const char	   *got;

	if (!import(files, &out, &error))
		fail_msg("%s:%u:%u: %s", error.file, error.line, error.column, error.text);
	expect_grammar(&out);
	got = strstr(out.at, HEAD);
	if (!got)
		fail_msg("wanted\n%s\nin\n%s", HEAD, out.at);
	cut = strstr(out.at, "\ncut \"");
	if (cut)
		cut[1] = 0;
	assert_string_equal(got + strlen(HEAD), wanted);
	text_free(&out);
}

static void
calls_keep_their_arguments_and_results(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC
			"7 1.1 mmap(NULL, 8192, 0x3 /* PROT_READ|PROT_WRITE */, 0x22 /* "
			"MAP_PRIVATE|MAP_ANONYMOUS */, -1, 0) = 0x7ffff7ffd000\n"
			"7 1.2 munmap(0x7ffff7ffd000, 4096)   = 0\n"
			"7 1.3 mprotect(0x7ffff7ffe000, 4096, 0 /* PROT_NONE */) = 0\n"
			"7 1.4 brk(NULL) = 0x555555600000\n"
			"7 1.5 munmap(0x123, 4096) = -1 EINVAL (Invalid argument)\n"
			"7 1.6 madvise(0x7ffff7ffe000, 4096, 0x10 /* MADV_DONTDUMP */) = 0\n"
			"7 1.7 mmap(NULL, 100, 0x1 /* PROT_READ */, 0x2 /* MAP_PRIVATE */, 20001, "
			"0) = -1 EBADF (Bad file descriptor)\n"
			"7 1.8 prlimit64(0, 0x3 /* RLIMIT_STACK */, {rlim_cur=65536 /* 64*1024 */, "
			"rlim_max=1}, NULL) = 0\n"
			"7 1.9 --- SIGCHLD {si_signo=17 /* SIGCHLD */} ---\n"
			"7 2.0 exit_group(3) = ?\n"
			"7 2.1 +++ exited with 3 +++\n" },
		"mmap 7 0x0 8192 rw- private,anon = 0x7ffff7ffd000\t# 2\n"
		"munmap 7 0x7ffff7ffd000 4096 = 0\t# 3\n"
		"mprotect 7 0x7ffff7ffe000 4096 --- = 0\t# 4\n"
		"brk 7 0x0 = 0x555555600000\t# 5\n"
		"munmap 7 0x123 4096 = EINVAL\t# 6\n"
		"madvise 7 0x7ffff7ffe000 4096 dontdump = 0\t# 7\n"
		"mmap 7 0x0 100 r-- private offset 0x0 = EBADF\t# 8\n"
		"limit 7 stack=65536\t# 9\n"
		"exit 7 3\t# 12\n");
}

static void
files_are_named_before_their_use(void **state)
{
	(void)state;
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.1 openat(-100 /* AT_FDCWD */</>, \"x\", 0 /* O_RDONLY */) = "
				"3</data/x, y>\n"
				"7 1.2 mmap(NULL, 4096, 0x1 /* PROT_READ */, 0x1 /* MAP_SHARED */, "
				"3</data/x, y>, 0x1000) = 0x7ffff7ffe000\n"
				"7 1.3 mmap(NULL, 4096, 0x1 /* PROT_READ */, 0x2 /* MAP_PRIVATE "
				"*/, 4</dev/shm/gone>(deleted), 0) = 0x7ffff7ffd000\n"
				"7 1.4 mmap(NULL, 4096, 0x3 /* PROT_READ|PROT_WRITE */, 0x1 /* "
				"MAP_SHARED */, 5</dev/zero>, 0) = 0x7ffff7ffc000\n",
				.sizes = "9000\t/data/x, y\n-\t/dev/shm/gone\n" },
		"file \"/data/x, y\" 3 9000\n"
		"mmap 7 0x0 4096 r-- shared \"/data/x, y\" 0x1000 readonly = 0x7ffff7ffe000\t# 3\n"
		"file /dev/shm/gone 4 4096 plain\n"
		"mmap 7 0x0 4096 r-- private /dev/shm/gone 0x0 = 0x7ffff7ffd000\t# 4\n"
		"mmap 7 0x0 4096 rw- shared,anon = 0x7ffff7ffc000\t# 5\n");
}

static void
touches_come_before_the_call_of_their_scan(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC "7 1.1 munmap(0x555555554000, 4096) = 0\n"
				      "7 1.2 munmap(0x10000, 4096) = 0\n"
				      "7 1.3 munmap(0x10000, 4096) = 0\n",
			.touch = "@ 1 7 7 EXEC present=1 vs-empty\na 7fffffffe000 1\n"
				 "@ 2 7 7 munmap present=3\na 555555554000 2\n"
				 "@ 4 7 7 munmap present=3\n- 555555555000 1\ns 7fffffffe000 1\n" },
		"touch 7 a 0x7fffffffe000 1\t# 1\n"
		"touch 7 a 0x555555554000 2\t# 2\n"
		"munmap 7 0x555555554000 4096 = 0\t# 2\n"
		/* The scan of line 3 found nothing new: so the page is there again. */
		"touch 7 a 0x555555554000 1\t# 3\n"
		"munmap 7 0x10000 4096 = 0\t# 3\n"
		"munmap 7 0x10000 4096 = 0\t# 4\n");
}

static void
a_child_is_born_at_its_first_line_or_its_parents_return(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC
			"7 1.1 clone(child_stack=NULL, flags=0x1200000 /* A|B */|17 /* SIGCHLD */ "
			"<unfinished ...>\n"
			"8 1.2 munmap(0x10000, 4096) = 0\n"
			"7 1.3 <... clone resumed>, child_tidptr=0x7) = 8\n"
			"7 1.4 clone3({flags=0x3d0f00 /* CLONE_VM */, stack=0} => "
			"{parent_tid=[9]}, 88) = 9\n"
			"7 1.5 munmap(0x10000, 4096) = 0\n"
			"9 1.6 munmap(0x20000, 4096) = 0\n"
			"7 1.7 vfork() = 10\n"
			"8 1.8 +++ exited with 4 +++\n"
			"7 1.9 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 4}], 0, NULL) = 8\n"
			"9 2.0 +++ exited with 0 +++\n"
			"7 2.1 +++ killed by SIGKILL +++\n" },
		"fork 7 8\t# 2\n"
		"on 1\n"
		"munmap 8 0x10000 4096 = 0\t# 3\n"
		"on 0\n"
		"thread 7 9\t# 5\n"
		"munmap 7 0x10000 4096 = 0\t# 6\n"
		"munmap 9 0x20000 4096 = 0\t# 7\n"
		"vfork 7 10\t# 8\n"
		"on 1\n"
		"exit 8 4\t# 9\n"
		"wait 8 = 4\t# 10\n"
		"on 0\n"
		"exit 9 0\t# 11\n"
		"exit 7 137\t# 12\n");
}

static void
a_call_in_flight_takes_effect_at_its_second_line(void **state)
{
	(void)state;
	expect_statements((struct files){ .trace = EXEC
					  "7 1.1 munmap(0x10000, 4096 <unfinished ...>\n"
					  "7 1.2 <... munmap resumed>) = 0\n"
					  "7 1.3 mmap(NULL, 4096, 0x1 /* PROT_READ */, 0x22 /* X "
					  "*/, -1, 0 <unfinished ...>\n" },
			  "munmap 7 0x10000 4096 = 0\t# 3\n");
}

static void
snapshots_become_expected_maps(void **state)
{
	(void)state;
	expect_statements(
		(struct files){ .trace = EXEC "7 1.1 +++ snap 00002 exit tgid=7 +++\n",
				.touch = "@ 1 7 7 EXEC present=1 vs-empty\na 7fffffffd000 1\nz "
					 "7fffffffe000 1\n",
				.other_maps =
					"1000-2000 rw-s 00000000 00:01 99 /dev/zero (deleted)\n"
					"3000-4000 r-xp 00001000 fe:00 9 /a b\n" },
		"touch 7 a 0x7fffffffd000 1 z 0x7fffffffe000 1\t# 1\n"
		"file \"/a b\" 3 8192\n"
		"maps 7\t# 2 exit\n"
		"\t0x1000..0x2000 rw-s\n"
		"\t0x3000..0x4000 r-xp 0x1000 \"/a b\"\n"
		"resident 7 0x7fffffffd000 2\t# 2\n");
}

static void
calls_that_are_not_there_end_the_scenario(void **state)
{
	(void)state;
	expect_statements((struct files){ .trace = EXEC "7 1.1 userfaultfd(0x1) = 3</a>\n"
							"7 1.2 munmap(0x10000, 4096) = 0\n" },
			  "stop \"trace.strace:2: userfaultfd is not there yet\"\n");
	expect_statements((struct files){ .trace = EXEC "7 1.1 mmap(NULL, 2097152, 0x3, 0x40022 /* "
							"MAP_HUGETLB */, -1, 0) = 0x200000\n" },
			  "stop \"trace.strace:2: mmap with MAP_HUGETLB is not there yet\"\n");
	expect_statements((struct files){ .trace =
						  EXEC "7 1.1 mmap(NULL, 2097152, 0x3, 0x40022 /* "
						       "MAP_HUGETLB */, -1, 0) = -1 ENOMEM (-)\n" },
			  "mmap 7 0x0 2097152 rw- private,anon,hugetlb = ENOMEM\t# 2\n");
}

static void
random_addresses_below_4_gib_are_taken_as_recorded(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC
			"7 1.1 mmap(NULL, 4096, 0x3, 0x62 /* MAP_32BIT */, -1, 0) = 0x40123000\n" },
		"mmap 7 0x40123000 4096 rw- private,anon,noreplace = 0x40123000\t# 2\n");
}

static void
an_image_takes_limits_and_layout_from_its_snapshot(void **state)
{
	struct import_error error;
	struct text	    out = { 0 };
	bool		    good = import(
			       (struct files){
				       .trace = EXEC,
				       .exec_info = "stat: 7 (a) b) t 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 "
								   "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 4096 1 1 1 1 0\n"
								   "personality: 00200000\n"
								   "Max data size             1048576            unlimited       "
								   "     bytes\n"
								   "Max stack size            65536              unlimited       "
								   "     bytes\n"
								   "Max address space         unlimited          unlimited       "
								   "     bytes\n" },
			       &out, &error);

	(void)state;
	assert_true(good);
	assert_non_null(strstr(out.at, "spawn 7 base=0x7ffff7fff000 brk=0x1000 "));
	assert_non_null(
		strstr(out.at, " stack=65536 data=1048576 as=none memlock=none bottom-up\t# 1\n"));
	text_free(&out);
}

static const struct {
	struct files files;
	const char  *file;
	unsigned     line, column;
	const char  *words;
} mistakes[] = {
	{ { .trace = "x\n\n" }, "trace.strace", 1, 1, "the number of a thread" },
	{ { .trace = "7 now brk(NULL) = 0\n" }, "trace.strace", 1, 3, "the time" },
	{ { .trace = "7 1.0 ?\n" }, "trace.strace", 1, 7, "expected a call" },
	{ { .trace = "7 1.0 brk(NULL)\n" }, "trace.strace", 1, 11, "= RESULT" },
	{ { .trace = "7 1.0 brk(NULL) = x\n" }, "trace.strace", 1, 19, "a result" },
	{ { .trace = "7 1.0 +++ boo +++\n" }, "trace.strace", 1, 11, "snap, exited with" },
	{ { .trace = "7 1.0 +++ exited with x +++\n" }, "trace.strace", 1, 23, "an exit code" },
	{ { .trace = "7 1.0 +++ snap 1 exec tg=7 +++\n" }, "trace.strace", 1, 22, "tgid=N" },
	{ { .trace = "7 1.0 +++ snap ../x exec tgid=7 +++\n" }, "trace.strace", 1, 16, "letters" },
	{ { .trace = "7 1.0 brk(NULL <unfinished ...>\n7 1.1 <... mmap resumed>) = 0\n" },
	  "trace.strace",
	  2,
	  12,
	  "the call that this thread is in" },
	{ { .trace = EXEC "7 1.0 munmap(0x1000, zero) = 0\n" },
	  "trace.strace",
	  2,
	  22,
	  "munmap: expected a length" },
	{ { .trace = EXEC "7 1.0 munmap(0x1000 <unfinished ...>\n7 1.1 <... munmap "
			  "resumed>, zero) = 0\n" },
	  "trace.strace",
	  3,
	  29,
	  "munmap: expected a length" },
	{ { .trace = EXEC "7 1.0 mmap(NULL, 4096, 0x1, 0x2, ) = 0\n" },
	  "trace.strace",
	  2,
	  34,
	  "mmap: expected a descriptor" },
	{ { .trace = EXEC, .exec_maps = "1000-zz rw-p\n" },
	  "maps/7-00001-exec.maps",
	  1,
	  6,
	  "a range of pages" },
	{ { .trace = EXEC, .exec_maps = "1000-2000 rwzp 0 0 0\n" },
	  "maps/7-00001-exec.maps",
	  1,
	  11,
	  "permissions" },
	{ { .trace = EXEC, .touch = "q 1000 1\n" }, "touch.log", 1, 1, "expected one of @" },
	{ { .trace = EXEC, .touch = "a 1000 1\n" }, "touch.log", 1, 1, "an @ line before" },
	{ { .trace = EXEC, .touch = "@ 1 7 7 EXEC\na 1001 1\n" },
	  "touch.log",
	  2,
	  3,
	  "the hexadecimal address of a page" },
	{ { .trace = EXEC, .touch = "@ 1 7 7 EXEC\na 1000 0\n" },
	  "touch.log",
	  2,
	  3,
	  "how many pages" },
	{ { .trace = EXEC, .touch = "@ 1 x 7 EXEC\n" }, "touch.log", 1, 1, "@ LINE TID" },
	{ { .trace = EXEC, .sizes = "big\t/x\n" }, "files.txt", 1, 1, "a size in bytes" },
	{ { .trace = EXEC, .exec_info = "stat: 7 (a) t 1\n" },
	  "maps/7-00001-exec.info",
	  1,
	  1,
	  "47 fields" },
};

/* Each as it may stand in a recording; with a number more it may not. */
static const char *const whole_calls[] = {
	"munmap(0x10000, 4096",
	"mprotect(0x10000, 4096, 0x1",
	"brk(0x10000",
	"mremap(0x10000, 4096, 8192, 0x3, 0x20000",
	"madvise(0x10000, 4096, 0x4",
	"msync(0x10000, 4096, 0x4",
	"mlock(0x10000, 4096",
	"mlock2(0x10000, 4096, 0x1",
	"munlock(0x10000, 4096",
	"mlockall(0x7",
	"munlockall(",
	"mseal(0x10000, 4096, 0",
	"shmat(16, NULL, 0",
	"shmdt(0x10000",
	"ftruncate(3</x>, 4096",
	"truncate(\"/x\", 4096",
	"fallocate(3</x>, 0x3, 0, 4096",
};

static void
calls_end_with_their_last_argument(void **state)
{
	char trace[512];

	(void)state;
	for (size_t i = 0; i < sizeof(whole_calls) / sizeof(whole_calls[0]); i++) {
		const char	   *call = whole_calls[i];
		bool		    first = call[strlen(call) - 1] == '(';
		struct import_error error;
		struct text	    out = { 0 };

		snprintf(trace, sizeof(trace), EXEC "7 1.0 %s) = 0\n", call);
		if (!import((struct files){ .trace = trace }, &out, &error))
			fail_msg("%s): %s", call, error.text);
		expect_grammar(&out);
		text_free(&out);
		snprintf(trace, sizeof(trace), EXEC "7 1.0 %s%s0x0) = 0\n", call,
			 first ? "" : ", ");
		if (import((struct files){ .trace = trace }, &out, &error) ||
		    !strstr(error.text, "expected the end of the arguments") || error.line != 2)
			fail_msg("%s and a number more: %s", call, error.text);
		text_free(&out);
	}
}

static void
errors_name_file_line_and_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct import_error error;
		struct text	    out = { 0 };

		assert_false(import(mistakes[i].files, &out, &error));
		if (strcmp(error.file, mistakes[i].file) != 0 || error.line != mistakes[i].line ||
		    error.column != mistakes[i].column || !strstr(error.text, mistakes[i].words))
			fail_msg("wanted %s:%u:%u: %s, got %s:%u:%u: %s", mistakes[i].file,
				 mistakes[i].line, mistakes[i].column, mistakes[i].words,
				 error.file, error.line, error.column, error.text);
		text_free(&out);
	}
}

static void
a_missing_image_is_an_error_and_a_cut_last_line_is_not(void **state)
{
	struct files	    none = { .trace = "7 1.0 +++ snap 00009 exec tgid=7 +++\n" };
	struct import_error error;
	struct text	    out = { 0 };

	(void)state;
	assert_false(import(none, &out, &error));
	assert_string_equal(error.file, "maps/7-00009-exec.maps");
	assert_non_null(strstr(error.text, "trace.strace:1"));
	expect_statements(
		(struct files){ .trace = EXEC "7 1.1 munmap(0x10000, 4096) = 0\n7 1.2 mun" },
		"munmap 7 0x10000 4096 = 0\t# 2\n");
}

/* The last line of the scenario that a recording becomes. */
static void
expect_last_line(const char *trace, const char *wanted)
{
	struct import_error error;
	struct text	    out = { 0 };
	const char	   *last;

	assert_true(import((struct files){ .trace = trace }, &out, &error));
	last = out.at + out.bytes - 1;
	while (last > out.at && last[-1] != '\n')
		last--;
	text_add_bytes(&out, "", 1);
	assert_string_equal(last, wanted);
	text_free(&out);
}

static void
a_recording_that_was_stopped_says_so(void **state)
{
	(void)state;
	expect_last_line(EXEC "7 1.1 +++ exited with 0 +++\n", "exit 7 0\t# 2\n");
	expect_last_line(EXEC "7 1.1 clone(child_stack=NULL, flags=0x1200000|17) = 8\n",
			 "cut \"the recording ends with 2 processes and threads alive\"\n");
	expect_last_line(EXEC "7 1.1 munm",
			 "cut \"the recording ends in the middle of a line, with 1 processes and "
			 "threads alive\"\n");
}

static void
what_the_library_has_and_linux_has_not_is_told_by_rule(void **state)
{
	(void)state;
	/* Fork: the child's first scan says what Linux has left out. */
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.1 clone(child_stack=NULL, flags=0x1200000|17) = 8\n"
				"8 1.2 +++ snap 00003 birth tgid=8 +++\n",
				.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
					 "@ 3 8 8 BIRTH present=1\n- 555555555000 1\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"fork 7 8\t# 2\n"
		"resident 8 0x555555554000 1 also 0x555555555000 1\t# 3\n");
	/* MADV_PAGEOUT is a hint. */
	expect_statements(
		(struct files){ .trace = EXEC "7 1.1 madvise(0x555555554000, 8192, 0x15) = 0\n"
					      "7 1.2 munmap(0x10000, 4096) = 0\n"
					      "7 1.3 +++ snap 00002 exit tgid=7 +++\n",
				.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
					 "@ 3 7 7 munmap present=1\n- 555555555000 1\n",
				.other_maps = "1000-2000 rw-p 00000000 00:00 0\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"madvise 7 0x555555554000 8192 pageout = 0\t# 2\n"
		"munmap 7 0x10000 4096 = 0\t# 3\n"
		"maps 7\t# 4 exit\n"
		"\t0x1000..0x2000 rw-p\n"
		"resident 7 0x555555554000 1 also 0x555555555000 1\t# 4\n");
	/* Another thread's call in flight; and what nobody explains must be gone. */
	expect_statements(
		(struct files){ .trace = EXEC "7 1.1 clone(child_stack=NULL, flags=0x10f00) = 9\n"
					      "7 1.2 munmap(0x555555554000, 4096 <unfinished ...>\n"
					      "9 1.3 munmap(0x10000, 4096) = 0\n"
					      "9 1.4 +++ snap 00002 exit tgid=7 +++\n"
					      "7 1.5 <... munmap resumed>) = 0\n",
				.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
					 "@ 4 9 7 munmap present=0\n- 555555554000 2\n",
				.other_maps = "1000-2000 rw-p 00000000 00:00 0\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"thread 7 9\t# 2\n"
		"on 1\n"
		"munmap 9 0x10000 4096 = 0\t# 4\n"
		"maps 9\t# 5 exit\n"
		"\t0x1000..0x2000 rw-p\n"
		"resident 9 maybe 0x555555554000 1\t# 5\n"
		"on 0\n"
		"munmap 7 0x555555554000 4096 = 0\t# 6\n");
}

static void
segments_have_names_with_their_ids(void **state)
{
	(void)state;
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.1 shmget(0xaa6d15, 56, 0x600 /* IPC_CREAT */|0600) = 16\n"
				"7 1.2 shmat(16, NULL, 0) = 0x7ffff7ffe000\n"
				"7 1.3 +++ snap 00002 exit tgid=7 +++\n"
				"7 1.4 shmdt(0x7ffff7ffe000) = 0\n",
				.other_maps = "7ffff7ffe000-7ffff7fff000 rw-s 00000000 00:01 16 "
					      "/SYSV00aa6d15 (deleted)\n" },
		"shmget /SYSV00aa6d15:16 3 56\t# 2\n"
		"shmat 7 /SYSV00aa6d15:16 0x0 0x0 = 0x7ffff7ffe000\t# 3\n"
		"maps 7\t# 4 exit\n"
		"\t0x7ffff7ffe000..0x7ffff7fff000 rw-s 0x0 /SYSV00aa6d15:16\n"
		"resident 7\t# 4\n"
		"shmdt 7 0x7ffff7ffe000 = 0\t# 5\n");
}

static void
calls_on_pages_become_statements(void **state)
{
	(void)state;
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.1 mlock(0x1000, 4096) = 0\n"
				"7 1.2 mlock2(0x1000, 4096, 0xffffffff /* MLOCK_ONFAULT|0xfffffffe "
				"*/) = -1 "
				"EINVAL (Invalid argument)\n"
				"7 1.3 munlock(0x1000, 4096) = 0\n"
				"7 1.4 mlockall(0x7 /* MCL_CURRENT|MCL_FUTURE|MCL_ONFAULT */) = 0\n"
				"7 1.5 munlockall() = 0\n"
				"7 1.6 msync(0x1000, 4096, 0x4 /* MS_SYNC */) = -1 EBUSY (Busy)\n"
				"7 1.7 mincore(0x1000, 8192, [1, 0]) = 0\n"
				"7 1.8 mincore(0x1000, 4096,0x7ffc75d600d7) = -1 ENOMEM (No)\n"
				"7 1.9 mincore(0x1000, 4096, 0) = -1 EFAULT (Bad)\n"
				"7 2.0 madvise(0x1000, 4096, 0x16 /* MADV_POPULATE_READ */) = 0\n"
				"7 2.1 madvise(0x1000, 4096, 99) = -1 EINVAL (Invalid argument)\n"
				"7 2.2 mseal(0x1000, 4096, 0) = 0\n" },
		"mlock 7 0x1000 4096 = 0\t# 2\n"
		"mlock2 7 0x1000 4096 0xffffffff = EINVAL\t# 3\n"
		"munlock 7 0x1000 4096 = 0\t# 4\n"
		"mlockall 7 0x7 = 0\t# 5\n"
		"munlockall 7 = 0\t# 6\n"
		"msync 7 0x1000 4096 0x4 = EBUSY\t# 7\n"
		"mincore 7 0x1000 8192 10 = 0\t# 8\n"
		"mincore 7 0x1000 4096 = ENOMEM\t# 9\n"
		"madvise 7 0x1000 4096 populate-read = 0\t# 11\n"
		"madvise 7 0x1000 4096 99 = EINVAL\t# 12\n"
		"mseal 7 0x1000 4096 0x0 = 0\t# 13\n");
}

/* The kernel takes 32 bits of an int; mremap takes flags of 64, for which there are no words yet. */
static void
wide_numbers_become_what_the_kernel_sees(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC
			"7 1.1 madvise(0x1000, 4096, 0x100000004) = -1 ENOMEM (No)\n"
			"7 1.2 msync(0x1000, 4096, 0x700000004) = -1 ENOMEM (No)\n"
			"7 1.3 shmget(0xaa6d15, 56, 0600) = 16\n"
			"7 1.4 shmat(0x100000010, NULL, 0x7ffff7ee1000) = 0x7ffff7ffe000\n"
			"7 1.5 mremap(0x1000, 4096, 4096, 0x100000001) = -1 EINVAL (No)\n" },
		"madvise 7 0x1000 4096 dontneed = ENOMEM\t# 2\n"
		"msync 7 0x1000 4096 0x4 = ENOMEM\t# 3\n"
		"shmget /SYSV00aa6d15:16 3 56\t# 4\n"
		"shmat 7 /SYSV00aa6d15:16 0x0 0xf7ee1000 = 0x7ffff7ffe000\t# 5\n"
		"stop \"trace.strace:6: mremap with flags of 64 bits is not there yet\"\n");
}

static void
pages_move_with_their_mapping(void **state)
{
	(void)state;
	/* The scan after the call finds them at the new place: they are not touched, they were moved. */
	expect_statements(
		(struct files){
			.trace = EXEC
			"7 1.1 mremap(0x555555554000, 8192, 12288, 0x1 /* MREMAP_MAYMOVE */) = "
			"0x10000\n"
			"7 1.2 mremap(0x10000, 12288, 4096, 0x3, 0x20000) = 0x20000\n"
			"7 1.3 munmap(0x90000, 4096) = 0\n"
			"7 1.4 +++ snap 00002 exit tgid=7 +++\n",
			.touch =
				"@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
				"@ 3 7 7 mremap present=2\n- 555555554000 2\na 10000 1\nw 11000 1\n"
				"@ 4 7 7 munmap present=1\n- 10000 2\na 20000 1\n",
			.other_maps = "20000-21000 rw-p 00000000 00:00 0\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"mremap 7 0x555555554000 8192 12288 maymove = 0x10000\t# 2\n"
		"present 7 0x10000 2\t# 2\n"
		"touch 7 w 0x11000 1\t# 3\n"
		"mremap 7 0x10000 12288 4096 maymove,fixed 0x20000 = 0x20000\t# 3\n"
		"present 7 0x20000 1\t# 3\n"
		"munmap 7 0x90000 4096 = 0\t# 4\n"
		"maps 7\t# 5 exit\n"
		"\t0x20000..0x21000 rw-p\n"
		"resident 7 0x20000 1\t# 5\n");
	/* Left behind: its pages are gone, or were touched again. */
	expect_statements(
		(struct files){
			.trace = EXEC "7 1.1 mremap(0x555555554000, 8192, 8192, 0x5, 0) = 0x10000\n"
				      "7 1.2 munmap(0x90000, 4096) = 0\n",
			.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
				 "@ 3 7 7 munmap present=3\n- 555555554000 1\na 10000 2\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"mremap 7 0x555555554000 8192 8192 maymove,dontunmap 0x0 = 0x10000\t# 2\n"
		"present 7 0x10000 2\t# 2\n"
		"touch 7 a 0x555555555000 1\t# 3\n"
		"munmap 7 0x90000 4096 = 0\t# 3\n");
	/* In place: what is cut off is gone. */
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.1 mremap(0x555555554000, 8192, 4096, 0) = 0x555555554000\n"
				"7 1.2 +++ snap 00002 exit tgid=7 +++\n",
				.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 555555554000 2\n"
					 "@ 3 7 7 EXIT present=1\n- 555555555000 1\n",
				.other_maps = "20000-21000 rw-p 00000000 00:00 0\n" },
		"touch 7 a 0x555555554000 2\t# 1\n"
		"mremap 7 0x555555554000 8192 4096 0x0 = 0x555555554000\t# 2\n"
		"maps 7\t# 3 exit\n"
		"\t0x20000..0x21000 rw-p\n"
		"resident 7 0x555555554000 1\t# 3\n");
}

static void
files_become_shorter_and_longer(void **state)
{
	(void)state;
	expect_statements(
		(struct files){ .trace = EXEC
				"7 1.0 openat(-100 /* AT_FDCWD */</data>, \"b\", 0x2 /* O_RDWR */) "
				"= 3</data/b>\n"
				"7 1.1 ftruncate(3</data/b>, 100) = 0\n"
				"7 1.2 mmap(NULL, 8192, 0x1, 0x1 /* MAP_SHARED */, 3</data/b>, 0) "
				"= 0x20000\n"
				"7 1.3 ftruncate(3</data/b>, 100) = 0\n"
				"7 1.4 truncate(\"b\", 0) = 0\n"
				"7 1.5 truncate(\"/data/b\", 8192) = 0\n"
				"7 1.6 truncate(\"c\", 0) = -1 ENOENT (None)\n"
				"7 1.7 fallocate(3</data/b>, 0, 0, 99) = 0\n"
				"7 1.8 fallocate(3</data/b>, 3 /* KEEP|PUNCH */, 4096, 4096) = 0\n",
				.sizes = "8192\t/data/b\n" },
		"file /data/b 3 8192\n"
		"mmap 7 0x0 8192 r-- shared /data/b 0x0 = 0x20000\t# 4\n"
		"truncate /data/b 100\t# 5\n"
		"truncate /data/b 8192\t# 5\n"
		"truncate /data/b 0\t# 6\n"
		"truncate /data/b 8192\t# 6\n"
		"truncate /data/b 8192\t# 7\n"
		"punch /data/b 4096 4096\t# 10\n");
}

static void
flags_and_resident_sizes_come_from_smaps(void **state)
{
	(void)state;
	expect_statements(
		(struct files){
			.trace = EXEC "7 1.2 +++ snap 00002 exit tgid=7 +++\n",
			.touch = "@ 1 7 7 EXEC present=2 vs-empty\na 10000 1\n",
			.other_maps = "10000-12000 rw-p 00000000 00:00 0\n"
				      "20000-21000 r-xp 00000000 00:00 0 [vdso]\n",
			.other_smaps =
				"10000-12000 rw-p 00000000 00:00 0 | Rss=4 Pss=4 Anonymous=4 "
				"VmFlags: rd wr mr "
				"mw me "
				"lo lf ac dd\n"
				"20000-21000 r-xp 00000000 00:00 0 [vdso] | Rss=4 VmFlags: rd ex\n"
				"30000-31000 r--p 00000000 00:00 0 | VmFlags: rd nh hg sr rr dc wf "
				"nr mg "
				"sl\n" },
		"touch 7 a 0x10000 1\t# 1\n"
		"file [vdso] 3 4096 plain\n"
		"maps 7 flags\t# 2 exit\n"
		"\t0x10000..0x12000 rw-p locked onfault dontdump rss=4K anon=4K\n"
		"\t0x20000..0x21000 r-xp 0x0 [vdso]\n"
		"\t0x30000..0x31000 r--p nohugepage hugepage sequential random dontfork wipeonfork "
		"noreserve mergeable sealed rss=0K\n"
		"resident 7 0x10000 1\t# 2\n");
}

TEST_SUITE(import, cmocka_unit_test(calls_keep_their_arguments_and_results),
	   cmocka_unit_test(files_are_named_before_their_use),
	   cmocka_unit_test(touches_come_before_the_call_of_their_scan),
	   cmocka_unit_test(a_child_is_born_at_its_first_line_or_its_parents_return),
	   cmocka_unit_test(a_call_in_flight_takes_effect_at_its_second_line),
	   cmocka_unit_test(snapshots_become_expected_maps),
	   cmocka_unit_test(calls_that_are_not_there_end_the_scenario),
	   cmocka_unit_test(random_addresses_below_4_gib_are_taken_as_recorded),
	   cmocka_unit_test(an_image_takes_limits_and_layout_from_its_snapshot),
	   cmocka_unit_test(errors_name_file_line_and_column),
	   cmocka_unit_test(calls_end_with_their_last_argument),
	   cmocka_unit_test(a_recording_that_was_stopped_says_so),
	   cmocka_unit_test(what_the_library_has_and_linux_has_not_is_told_by_rule),
	   cmocka_unit_test(segments_have_names_with_their_ids),
	   cmocka_unit_test(calls_on_pages_become_statements),
	   cmocka_unit_test(wide_numbers_become_what_the_kernel_sees),
	   cmocka_unit_test(pages_move_with_their_mapping),
	   cmocka_unit_test(files_become_shorter_and_longer),
	   cmocka_unit_test(flags_and_resident_sizes_come_from_smaps),
	   cmocka_unit_test(a_missing_image_is_an_error_and_a_cut_last_line_is_not))
