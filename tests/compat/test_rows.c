/*
 * test_rows.c - every row by the library: its result, and that an error changes nothing; and
 * what this Linux says to the same row.
 */
#include "compat/rows.h"
#include "harness.h"

#include <anymm/check.h>

#include <stdio.h>

/* The memory that rows.h draws. */
struct world {
	struct space  *sp;
	struct object *file;
};

static void
map(struct world *w, unsigned page, unsigned pages, prot_t prot, unsigned flags, bool readonly)
{
	struct map_request request = { .addr = P(page),
				       .length = pages * PG,
				       .prot = prot,
				       .flags = flags | MAPF_FIXED,
				       .object = flags & MAPF_ANONYMOUS ? NULL : w->file,
				       .readonly_file = readonly };
	vaddr_t		   at;

	EXPECT_OK(call_mmap(w->sp, &request, &at));
	assert_int_equal(at, P(page));
}

static struct world
world_make(void)
{
	const unsigned	    anon = MAPF_PRIVATE | MAPF_ANONYMOUS;
	struct space_layout layout;
	struct world	    w;
	uint8_t		    byte = 1;

	machine_fresh();
	layout = space_default_layout();
	EXPECT_OK(space_create(&layout, &w.sp));
	EXPECT_OK(object_create_stored(7, 2 * PG, &w.file));
	map(&w, 0, 4, PROT_RW, anon, false);
	assert_int_equal(copy_to_space(w.sp, P(0), &byte, 1), 0);
	map(&w, 5, 2, PROT_R, anon, false);
	map(&w, 8, 2, PROT_RW, MAPF_SHARED | MAPF_ANONYMOUS, false);
	map(&w, 10, 3, PROT_RW, MAPF_PRIVATE, false);
	map(&w, 13, 2, PROT_R, MAPF_SHARED, true);
	map(&w, 16, 1, PROT_RW, anon, false);
	map(&w, 17, 1, PROT_R, anon, false);
	EXPECT_OK(call_mseal(w.sp, P(16), 2 * PG, 0));
	map(&w, 19, 1, PROT_RW, anon, false);
	EXPECT_OK(call_mlock(w.sp, P(19), PG));
	map(&w, 21, 1, 0, anon, false);
	map(&w, 23, 1, PROT_RW, anon, false);
	EXPECT_OK(call_madvise(w.sp, P(23), PG, ADVICE_GUARD_INSTALL));
	map(&w, 40, 2, PROT_RW, anon, false);
	assert_int_equal(copy_to_space(w.sp, vec_at(0), vectors, sizeof(vectors)), 0);
	return w;
}

static void
world_end(struct world *w)
{
	object_put(w->file);
	space_put(w->sp);
	machine_check();
}

static err_t
run_mmap(struct world *w, const uint64_t *a)
{
	struct map_request request = { .addr = a[0],
				       .length = a[1],
				       .prot = (unsigned)a[2],
				       .flags = (unsigned)a[3],
				       .object = a[4] == FILE_NONE ? NULL : w->file,
				       .offset = a[5],
				       .readonly_file = a[4] == FILE_RO };
	vaddr_t		   at;

	return call_mmap(w->sp, &request, &at);
}

static err_t
run_mremap(struct world *w, const uint64_t *a)
{
	struct remap_request request = { .addr = a[0],
					 .old_length = a[1],
					 .new_length = a[2],
					 .flags = (unsigned)a[3],
					 .new_addr = a[4] };
	vaddr_t		     at;

	return call_mremap(w->sp, &request, &at);
}

static struct process_vm_request
vm_request(struct world *w, const uint64_t *a)
{
	return (struct process_vm_request){
		.local = w->sp,
		.remote = w->sp,
		.local_vec = a[0] < NR_VECS ? vec_at((enum vec)a[0]) : a[0],
		.nr_local = a[1],
		.remote_vec = a[2] < NR_VECS ? vec_at((enum vec)a[2]) : a[2],
		.nr_remote = a[3],
		.flags = a[4],
	};
}

static err_t
run_vectors(struct world *w, const uint64_t *a, enum call call)
{
	struct process_vm_request request = vm_request(w, a);
	uint64_t		  done;

	return call == CALL_READV ? call_process_vm_readv(&request, &done)
				  : call_process_vm_writev(&request, &done);
}

static err_t
run(struct world *w, const struct row *row)
{
	const uint64_t *a = row->arg;

	switch (row->call) {
	case CALL_MMAP:
		return run_mmap(w, a);
	case CALL_MUNMAP:
		return call_munmap(w->sp, a[0], a[1]);
	case CALL_MPROTECT:
		return call_mprotect(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_MREMAP:
		return run_mremap(w, a);
	case CALL_MADVISE:
		return call_madvise(w->sp, a[0], a[1], (enum advice)a[2]);
	case CALL_MSYNC:
		return call_msync(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_MINCORE:
		return call_mincore(w->sp, a[0], a[1], a[2]);
	case CALL_MLOCK:
		return call_mlock(w->sp, a[0], a[1]);
	case CALL_MLOCK2:
		return call_mlock2(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_MUNLOCK:
		return call_munlock(w->sp, a[0], a[1]);
	case CALL_MLOCKALL:
		return call_mlockall(w->sp, (unsigned)a[0]);
	case CALL_MUNLOCKALL:
		return call_munlockall(w->sp);
	case CALL_MSEAL:
		return call_mseal(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_READV:
	case CALL_WRITEV:
		return run_vectors(w, a, row->call);
	}
	return OK;
}

static void
the_library_gives_what_the_rows_say(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];
		struct world	  w = world_make();
		struct digest	  before = digest_all();
		err_t		  err = run(&w, row);
		struct digest	  after = digest_all();
		bool		  same = before.lo == after.lo && before.hi == after.hi;

		machine_check_invariants();
		if (err != row->gives || (err && !row->changes && !same)) {
			print_message("%s %s: %s%s, expected %s\n", call_name(row->call), row->what,
				      err_name(err), err && !same ? ", with a change" : "",
				      err_name(row->gives));
			wrong++;
		}
		world_end(&w);
	}
	assert_int_equal(wrong, 0);
}

static void
linux_gives_what_the_rows_say(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];
		int		  result;

		if (!native_run(row, &result)) {
			print_message(
				"this Linux cannot say: older than 6.18, or may not lock memory\n");
			skip();
		}
		if (-result != (int)row->linux_gives) {
			print_message("%s %s: Linux gives %s, the row says %s\n",
				      call_name(row->call), row->what, err_name((err_t)-result),
				      err_name(row->linux_gives));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A row that differs says why, and no other does. */
static void
differences_have_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_rows; i++)
		assert_int_equal(rows[i].linux_gives != rows[i].gives, rows[i].why != NULL);
}

TEST_SUITE(rows, cmocka_unit_test(the_library_gives_what_the_rows_say),
	   cmocka_unit_test(linux_gives_what_the_rows_say),
	   cmocka_unit_test(differences_have_a_reason))
