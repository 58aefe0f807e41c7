/*
 * test_exec.c - programs from file to first instruction, and the old program until then.
 *
 * The new space is built aside and swapped in when nothing can fail any more (WNX-27);
 * whatever goes wrong before that leaves the old one running and nothing behind (LUN-42).
 */
#include "unit/sketch.h"
#include "unit/swap_store.h"

#include <stdio.h>
#include <string.h>

#include <anymm/exec.h>
#include <anymm/process.h>

#include "elf_maker.h"
#include "pt/table.h"

#define END ((vaddr_t)1 << 32)

static struct elf_file	   elf;
static struct elf_source   source;
static struct object	  *file;
static struct exec_problem problem;
static struct exec_image   image;

static const char *const args[] = { "prog", "argument", NULL };

static struct space_layout
layout(void)
{
	struct space_layout l = space_default_layout();

	l.min_addr = 0x10000;
	l.mmap_base = END - (16 << 20);
	l.end = END;
	return l;
}

static struct exec_request
request(void)
{
	return (struct exec_request){
		.file = file,
		.machine = ELF_MACHINE,
		.layout = layout(),
		.name = "/bin/prog",
		.args = { .kernel = args },
	};
}

static void
make_file(const struct elf_spec *spec)
{
	elf_make(&elf, spec);
	source = (struct elf_source){ .bytes = elf.bytes, .nr = elf.nr, .broken = UINT64_MAX };
	EXPECT_OK(elf_object(&source, &file));
}

/* A fresh machine with a good program in `file`. */
static void
start(uint16_t type)
{
	struct elf_spec spec = elf_small(type);

	machine_fresh();
	make_file(&spec);
}

static void
end(void)
{
	object_put(file);
	assert_null(space_list_first());
	assert_int_equal(space_live_regions(), 0);
	assert_int_equal(object_live(), 0);
	machine_check();
}

static void
drop(void)
{
	pt_deactivate(&image.space->pt);
	space_put(image.space);
}

static void
expect_load(const struct exec_request *r)
{
	err_t err = exec_load(r, &image, &problem);

	if (err) {
		char text[160];

		exec_problem_text(&problem, text, sizeof(text));
		fail_msg("%s: %s", err_name(err), text);
	}
	assert_int_equal(problem.what, EXEC_FINE);
}

/* The heap is a region that follows the image's last page. (LUN-11, LUN-12, DRG-01, ALM-07) */
static void
a_program_is_loaded(void **state)
{
	struct exec_request r;
	uint8_t		    byte = 0;
	uint64_t	    nr_args = 0;

	(void)state;
	start(ET_EXEC);
	r = request();
	expect_load(&r);
	EXPECT_REGIONS(image.space, "1024-1025 r @77:0, 1025-1027 rx @77:1, 1028-1030 rw @77:3, "
				    "1030-1032 rw, 1048543-1048576 rw down");
	assert_int_equal(image.entry, 0x401040);
	assert_int_equal(image.bias, 0);
	assert_int_equal(machine_user(image.space, ACCESS_FETCH, image.entry, &byte, 1),
			 FAULT_DONE);
	assert_int_equal(byte, elf_byte(0x1040));
	assert_int_equal(machine_user(image.space, ACCESS_LOAD, image.sp, &nr_args, 8), FAULT_DONE);
	assert_int_equal(nr_args, 2);
	assert_int_equal(machine_user(image.space, ACCESS_STORE, image.sp - 8, &byte, 1),
			 FAULT_DONE);
	assert_int_equal(machine_user(image.space, ACCESS_FETCH, image.sp, &byte, 1),
			 FAULT_SEGV_ACCERR);
	assert_int_equal(space_brk(image.space, 0), 0x408000);
	assert_int_equal(space_brk(image.space, 0x409000), 0x409000);
	drop();
	end();
}

static void
a_position_independent_program_is_loaded(void **state)
{
	struct exec_request r;
	uint8_t		    byte = 0;

	(void)state;
	start(ET_DYN);
	r = request();
	expect_load(&r);
	assert_int_equal(image.bias, layout().mmap_base - 0x8000);
	assert_int_equal(image.entry, image.bias + 0x1040);
	assert_int_equal(machine_user(image.space, ACCESS_FETCH, image.entry, &byte, 1),
			 FAULT_DONE);
	assert_int_equal(byte, elf_byte(0x1040));
	assert_int_equal(space_brk(image.space, 0), 0xaaaab000);
	drop();
	end();
}

/* A kernel that randomises moves the stack's end and the heap's start. */
static void
stack_and_heap_can_be_moved(void **state)
{
	struct exec_request r;

	(void)state;
	start(ET_EXEC);
	r = request();
	r.stack_end = END - (1 << 20);
	r.brk_gap = 0x5000;
	expect_load(&r);
	assert_true(image.sp < END - (1 << 20) && image.sp > END - (1 << 20) - 4096);
	assert_int_equal(space_brk(image.space, 0), 0x40d000);
	drop();
	r.brk_gap = UINT64_MAX;
	expect_load(&r);
	assert_int_equal(space_brk(image.space, END + 1), END);
	drop();
	end();
}

/* expect_failure - and that nothing has changed but pages of the file in its object. */
static void
expect_failure(const struct exec_request *r, err_t err, enum exec_what what)
{
	struct exec_image before = image;

	EXPECT_ERR(exec_load(r, &image, &problem), err);
	assert_int_equal(problem.what, what);
	assert_memory_equal(&image, &before, sizeof(image));
	assert_null(space_list_first());
	assert_int_equal(space_live_regions(), 0);
	machine_check_invariants();
}

static void
each_step_says_what_went_wrong(void **state)
{
	static char		 text[5000];
	static const char *const long_list[] = { text, NULL };
	struct exec_request	 r;

	(void)state;
	start(ET_EXEC);
	r = request();
	r.machine = 183;
	expect_failure(&r, ERR_NOEXEC, EXEC_MACHINE);
	r = request();
	r.layout.end = ARCH_USER_END + ARCH_PAGE_SIZE;
	expect_failure(&r, ERR_INVAL, EXEC_SPACE);
	r = request();
	r.layout.limit_as = 5 * ARCH_PAGE_SIZE;
	expect_failure(&r, ERR_NOMEM, EXEC_SPACE);
	r = request();
	r.stack_end = END - 1;
	expect_failure(&r, ERR_INVAL, EXEC_STACK);
	r.stack_end = 0x402000; /* the image is there */
	expect_failure(&r, ERR_EXIST, EXEC_STACK);
	r = request();
	r.layout.limit_stack = ARCH_PAGE_SIZE;
	memset(text, 'e', sizeof(text) - 1);
	r.env.kernel = long_list;
	expect_failure(&r, ERR_2BIG, EXEC_STRINGS);
	r = request();
	source.broken = 0;
	object_put(file);
	EXPECT_OK(elf_object(&source, &file));
	r.file = file;
	expect_failure(&r, ERR_IO, EXEC_READ);
	end();
}

/* Files whose headers would be read outside, or which have no room for any. */
static void
short_files_are_refused(void **state)
{
	struct exec_request r;

	(void)state;
	machine_fresh();
	elf_put(&elf, 0, 4, 0x464c457f);
	source = (struct elf_source){ .bytes = elf.bytes, .broken = UINT64_MAX };
	EXPECT_OK(elf_object(&source, &file));
	r = request();
	expect_failure(&r, ERR_NOEXEC, EXEC_SHORT);
	end();
}

/* The process that calls exec, with its arguments in its own memory. */
struct caller {
	struct process	   *proc;
	struct exec_request request;
};

static struct caller
make_caller(void)
{
	static const uint64_t list[] = { 0x10020, 0x10030, 0 };
	struct space_layout   l = layout();
	struct space	     *sp;
	struct caller	      c = { .request = request() };

	l.brk_start = 0;
	EXPECT_OK(space_create(&l, &sp));
	sketch_map(sp, 16, 20, PROT_RW, 0);
	assert_int_equal(copy_to_space(sp, 0x10000, list, sizeof(list)), 0);
	assert_int_equal(copy_to_space(sp, 0x10020, "one", 4), 0);
	assert_int_equal(copy_to_space(sp, 0x10030, "two", 4), 0);
	EXPECT_OK(proc_create(0, sp, &c.proc));
	space_put(sp);
	c.request.args = (struct exec_strings){ .space = sp, .user = 0x10000 };
	c.request.env = (struct exec_strings){ .space = sp, .user = 0x10008 };
	return c;
}

static void
bury(struct caller *c)
{
	int32_t code;

	pt_deactivate(&c->proc->space->pt);
	proc_exit(c->proc, 0);
	EXPECT_OK(proc_reap(NULL, c->proc, &code));
}

/* The new program runs where the old one ran, and the old space is gone. */
static void
a_process_executes_a_program(void **state)
{
	struct caller c;
	uint64_t      words[3];
	char	      text[4] = "";

	(void)state;
	start(ET_DYN);
	c = make_caller();
	expect_load(&c.request);
	pt_deactivate(&c.proc->space->pt);
	proc_exec(c.proc, image.space);
	space_put(image.space);
	assert_ptr_equal(c.proc->space, image.space);
	assert_ptr_equal(space_list_first(), image.space);
	assert_null(space_list_next(image.space));
	assert_int_equal(machine_user(image.space, ACCESS_LOAD, image.sp, words, sizeof(words)),
			 FAULT_DONE);
	assert_int_equal(words[0], 2);
	assert_int_equal(machine_user(image.space, ACCESS_LOAD, words[2], text, 4), FAULT_DONE);
	assert_string_equal(text, "two");
	bury(&c);
	end();
}

/* The new space has the kernel half that every space has, not a copy from somewhere. (DRG-B16) */
static void
the_kernel_half_is_the_same(void **state)
{
	struct caller c;

	(void)state;
	start(ET_EXEC);
	c = make_caller();
	expect_load(&c.request);
	for (unsigned i = ARCH_USER_ROOT_SLOTS; i < ARCH_PT_ENTRIES; i++)
		assert_true(arch_pte_equal(table_get(image.space->pt.root, i),
					   table_get(c.proc->space->pt.root, i)));
	drop();
	bury(&c);
	end();
}

/* Each allocation of exec fails, alone or with all after it; the old program is the same before and after, bit by bit. */
static void
lack_of_memory_leaves_the_old_program_running(uint16_t type, bool and_all_after)
{
	struct caller c;
	unsigned      failures = 0;
	err_t	      err;

	start(type);
	c = make_caller();
	for (unsigned n = 1;; n++) {
		struct digest before = digest_space(c.proc->space);
		struct digest after;
		uint64_t      regions = space_live_regions();

		machine_fail_allocation(n, and_all_after);
		err = exec_load(&c.request, &image, &problem);
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		failures++;
		assert_int_equal(err, ERR_NOMEM);
		assert_true(problem.what >= EXEC_READ);
		after = digest_space(c.proc->space);
		assert_true(before.lo == after.lo && before.hi == after.hi);
		assert_int_equal(space_live_regions(), regions);
		machine_check_invariants();
		/* Pages of the file that were read may stay in it; they go, to be read again. */
		object_put(file);
		EXPECT_OK(elf_object(&source, &file));
		c.request.file = file;
		anymm_drain();
	}
	assert_true(failures > 15);
	drop();
	bury(&c);
	end();
}

/* All frames that can be had, each naming the next. */
static pfn_t
take_all(void)
{
	pfn_t taken = pfn_none();
	pfn_t next;

	while (frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &next) == OK) {
		*(pfn_t *)arch_frame_ptr(next) = taken;
		taken = next;
	}
	return taken;
}

static void
give_back(pfn_t taken)
{
	while (!pfn_is_none(taken)) {
		pfn_t next = *(pfn_t *)arch_frame_ptr(taken);

		frame_release(taken);
		taken = next;
	}
}

/* Memory is full of another program's pages: they go out, and the new program is there. */
static void
a_program_gets_room(void **state)
{
	enum { PAGES = 64 };
	struct map_request  map = { .length = PAGE(PAGES),
				    .prot = PROT_RW,
				    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS };
	struct space_layout l = space_default_layout();
	struct swap_store   store;
	struct exec_request r;
	struct space	   *sp;
	uint8_t		    byte;
	vaddr_t		    va;
	pfn_t		    taken;

	(void)state;
	start(ET_EXEC);
	r = request();
	swap_store_make(&store, PAGES);
	EXPECT_OK(space_create(&l, &sp));
	EXPECT_OK(space_map(sp, &map, &va));
	for (unsigned page = 0; page < PAGES; page++)
		assert_int_equal(
			machine_user(sp, ACCESS_STORE, va + PAGE(page), &(uint8_t){ 7 }, 1),
			FAULT_DONE);
	taken = take_all();
	store.fails_writes = true;
	EXPECT_ERR(exec_load(&r, &image, &problem), ERR_NOMEM);
	machine_check_invariants();
	store.fails_writes = false;
	expect_load(&r);
	machine_check_invariants();
	assert_true(store.writes > 0);
	give_back(taken);
	for (unsigned page = 0; page < PAGES; page++) {
		assert_int_equal(machine_user(sp, ACCESS_LOAD, va + PAGE(page), &byte, 1),
				 FAULT_DONE);
		assert_int_equal(byte, 7);
	}
	drop();
	pt_deactivate(&sp->pt);
	space_put(sp);
	swap_store_drop(&store);
	end();
}

static void
lack_of_memory_for_a_program(void **state)
{
	(void)state;
	lack_of_memory_leaves_the_old_program_running(ET_EXEC, false);
	lack_of_memory_leaves_the_old_program_running(ET_EXEC, true);
}

static void
lack_of_memory_for_a_position_independent_program(void **state)
{
	(void)state;
	lack_of_memory_leaves_the_old_program_running(ET_DYN, false);
	lack_of_memory_leaves_the_old_program_running(ET_DYN, true);
}

/* A page of the file that cannot be read is noticed here if the loader needs it, else by the program. */
static void
unreadable_pages_are_noticed_when_they_are_needed(void **state)
{
	static const struct {
		uint64_t       page;
		enum exec_what what;
	} cases[] = { { 0, EXEC_READ },
		      { 1, EXEC_FINE },
		      { 2, EXEC_FINE },
		      { 3, EXEC_FINE },
		      { 4, EXEC_SPACE } };
	struct elf_spec spec = elf_small(ET_EXEC);
	uint8_t		byte;

	(void)state;
	machine_fresh();
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_request r;

		make_file(&spec);
		source.broken = cases[i].page;
		r = request();
		if (cases[i].what == EXEC_FINE) {
			expect_load(&r);
			assert_int_equal(
				machine_user(image.space, ACCESS_LOAD,
					     cases[i].page == 3 ? 0x404000 : 0x400000 + i * 0x1000,
					     &byte, 1),
				FAULT_BUS_ADRERR);
			drop();
		} else {
			expect_failure(&r, ERR_IO, cases[i].what);
		}
		if (i + 1 < ARRAY_SIZE(cases))
			object_put(file);
	}
	end();
}

/* A file whose pages take their time is waited for, without locks; also one that never comes. */
static void
a_slow_file_is_waited_for(void **state)
{
	struct exec_request r;
	uint8_t		    byte = 0;

	(void)state;
	start(ET_EXEC);
	source.is_slow = true;
	r = request();
	expect_load(&r);
	assert_int_equal(source.waits, 2); /* headers, and the page with a tail */
	assert_int_equal(machine_user(image.space, ACCESS_FETCH, image.entry, &byte, 1),
			 FAULT_DONE);
	assert_int_equal(byte, elf_byte(0x1040));
	assert_int_equal(source.waits, 3);
	drop();
	object_put(file);
	EXPECT_OK(elf_object(&source, &file));
	r = request();
	source.broken = 4;
	expect_failure(&r, ERR_IO, EXEC_SPACE);
	source.broken = 0;
	object_put(file);
	EXPECT_OK(elf_object(&source, &file));
	r = request();
	expect_failure(&r, ERR_IO, EXEC_READ);
	end();
}

TEST_SUITE(exec, cmocka_unit_test(a_program_is_loaded),
	   cmocka_unit_test(a_position_independent_program_is_loaded),
	   cmocka_unit_test(stack_and_heap_can_be_moved),
	   cmocka_unit_test(each_step_says_what_went_wrong),
	   cmocka_unit_test(short_files_are_refused),
	   cmocka_unit_test(a_process_executes_a_program),
	   cmocka_unit_test(the_kernel_half_is_the_same), cmocka_unit_test(a_program_gets_room),
	   cmocka_unit_test(lack_of_memory_for_a_program),
	   cmocka_unit_test(lack_of_memory_for_a_position_independent_program),
	   cmocka_unit_test(unreadable_pages_are_noticed_when_they_are_needed),
	   cmocka_unit_test(a_slow_file_is_waited_for))
