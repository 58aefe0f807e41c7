/* test_process_vm.c - copies between processes by vectors: borders, partial results, errors. */
#include "unit/sketch.h"

#include <anymm/call.h>

/*
 * Two spaces. page 1: data   2: the local vector   3: the remote one   4: data; in the remote
 * space page 5 is read-only, 6 has no rights, 7 may only be written, 8 is a stack.
 */
struct pair {
	struct space *local, *remote;
};

static struct pair
pair_make(void)
{
	struct space_layout layout = sketch_layout();
	struct pair	    p = { .local = sketch_space() };

	EXPECT_OK(space_create(&layout, &p.remote));
	sketch_map(p.local, 1, 5, PROT_RW, 0);
	sketch_map(p.remote, 1, 2, PROT_RW, 0);
	sketch_map(p.remote, 4, 5, PROT_RW, 0);
	sketch_map(p.remote, 5, 6, PROT_R, 0);
	sketch_map(p.remote, 6, 7, 0, 0);
	sketch_map(p.remote, 7, 8, PROT_W, 0);
	sketch_map(p.remote, 10, 11, PROT_RW, REGION_GROWSDOWN);
	return p;
}

static void
pair_end(struct pair *p)
{
	space_put(p->remote);
	sketch_end(p->local);
}

static void
put(struct space *sp, vaddr_t va, const char *text)
{
	size_t bytes = 0;

	while (text[bytes])
		bytes++;
	assert_int_equal(copy_to_space(sp, va, text, bytes), 0);
}

static void
expect_text(struct space *sp, vaddr_t va, const char *text)
{
	for (; *text; text++, va++) {
		char c;

		assert_int_equal(copy_from_space(sp, &c, va, 1), 0);
		assert_int_equal(c, *text);
	}
}

static struct process_vm_request
request_of(struct pair *p, const struct user_iovec *local, uint64_t nr_local,
	   const struct user_iovec *remote, uint64_t nr_remote)
{
	assert_int_equal(copy_to_space(p->local, PAGE(2), local, nr_local * sizeof(*local)), 0);
	assert_int_equal(copy_to_space(p->local, PAGE(3), remote, nr_remote * sizeof(*remote)), 0);
	return (struct process_vm_request){ .local = p->local,
					    .remote = p->remote,
					    .local_vec = PAGE(2),
					    .nr_local = nr_local,
					    .remote_vec = PAGE(3),
					    .nr_remote = nr_remote };
}

/*
 * LUN-16, LUN-19, CAM-34:
 * Elements of different lengths on both sides, an empty one, a page border, more here than there.
 */
static void
borders_need_not_agree(void **state)
{
	struct pair		p = pair_make();
	const struct user_iovec local[] = {
		{ PAGE(1), 3 }, { PAGE(1) + 100, 0 }, { PAGE(2) - 4, 4 }, { PAGE(4), 100 }
	};
	const struct user_iovec	  remote[] = { { PAGE(5) - 2, 5 }, { PAGE(1), 4 } };
	struct process_vm_request request = request_of(&p, local, 4, remote, 2);
	uint64_t		  done;

	(void)state;
	put(p.remote, PAGE(5) - 2, "ab");
	put(p.remote, PAGE(1), "wxyz");
	EXPECT_OK(call_process_vm_readv(&request, &done));
	assert_int_equal(done, 9);
	expect_text(p.local, PAGE(1), "ab");
	expect_text(p.local, PAGE(2) - 2, "wx");
	expect_text(p.local, PAGE(4), "yz");
	pair_end(&p);
}

static void
writing_is_reading_the_other_way(void **state)
{
	struct pair		  p = pair_make();
	const struct user_iovec	  local[] = { { PAGE(1), 6 }, { PAGE(4), 2 } };
	const struct user_iovec	  remote[] = { { PAGE(7), 1 }, { PAGE(4), 100 } };
	struct process_vm_request request = request_of(&p, local, 2, remote, 2);
	uint64_t		  done;

	(void)state;
	put(p.local, PAGE(1), "abcdef");
	put(p.local, PAGE(4), "gh");
	EXPECT_OK(call_process_vm_writev(&request, &done));
	assert_int_equal(done, 8);
	expect_text(p.remote, PAGE(7), "a");
	expect_text(p.remote, PAGE(4), "bcdefgh");
	pair_end(&p);
}

/* CAM-04, CAM-34: The first byte that cannot be reached ends it: an error only if it is the very first. */
static void
a_part_is_a_result(void **state)
{
	const struct {
		struct user_iovec local, remote;
		bool		  writes;
		uint64_t	  done; /* 0: ERR_FAULT */
	} cases[] = {
		{ { PAGE(1), 100 }, { PAGE(2) - 10, 100 }, false, 10 },
		{ { PAGE(1), 100 }, { PAGE(2), 100 }, false, 0 },
		{ { PAGE(1), 100 }, { PAGE(6) - 10, 100 }, false, 10 },
		{ { PAGE(1), 100 }, { PAGE(6), 100 }, false, 0 },
		{ { PAGE(1), 100 }, { PAGE(7), 100 }, false, 0 },
		{ { PAGE(1), 100 }, { PAGE(7), 100 }, true, 100 },
		{ { PAGE(1), 100 }, { PAGE(5), 100 }, true, 0 },
		{ { PAGE(1), 100 }, { PAGE(5) - 1, 100 }, true, 1 },
		{ { PAGE(5) - 10, 100 }, { PAGE(1), 100 }, false, 10 },
		{ { PAGE(5) - 10, 100 }, { PAGE(1), 100 }, true, 10 },
		{ { PAGE(5), 100 }, { PAGE(1), 100 }, true, 0 },
		{ { PAGE(1), 100 }, { PAGE(10) - 8, 8 }, false, 0 },
		{ { PAGE(1), 100 }, { (vaddr_t)1 << 63, 8 }, false, 0 },
		{ { PAGE(1), 100 }, { UINT64_MAX - 8, 100 }, false, 0 },
	};
	struct pair p = pair_make();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process_vm_request request =
			request_of(&p, &cases[i].local, 1, &cases[i].remote, 1);
		uint64_t done = 0;
		err_t	 err;

		err = cases[i].writes ? call_process_vm_writev(&request, &done)
				      : call_process_vm_readv(&request, &done);
		EXPECT_ERR(err, cases[i].done ? OK : ERR_FAULT);
		assert_int_equal(done, cases[i].done);
	}
	EXPECT_REGIONS(p.remote, "1-2 rw, 4-5 rw, 5-6 r, 6-7 -, 7-8 w, 10-11 rw down");
	pair_end(&p);
}

static void
bad_arguments_are_refused(void **state)
{
	const uint64_t half = (uint64_t)1 << 63;
	const struct {
		vaddr_t		  local_vec;
		uint64_t	  nr_local;
		vaddr_t		  remote_vec;
		uint64_t	  nr_remote;
		uint64_t	  flags;
		struct user_iovec local, remote;
		err_t		  err;
	} cases[] = {
		{ PAGE(2), 1, PAGE(3), 1, 1, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_INVAL },
		{ PAGE(2), 1025, PAGE(3), 1, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_INVAL },
		{ PAGE(2), UINT64_MAX, PAGE(3), 1, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_INVAL },
		{ PAGE(2), 1, PAGE(3), 1025, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_INVAL },
		{ 8, 1, PAGE(3), 1, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_FAULT },
		{ PAGE(2), 1, 8, 1, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_FAULT },
		{ half, 1, PAGE(3), 1, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, ERR_FAULT },
		{ 8, 0, 8, 1025, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, OK },
		{ PAGE(2), 1, 8, 0, 0, { PAGE(1), 8 }, { PAGE(1), 8 }, OK },
		{ PAGE(2), 1, 8, 1, 0, { PAGE(1), 0 }, { PAGE(1), 8 }, OK },
		{ PAGE(2), 1, PAGE(3), 1, 0, { PAGE(1), half }, { PAGE(1), 8 }, ERR_INVAL },
		{ PAGE(2), 1, PAGE(3), 1, 0, { PAGE(1), 8 }, { PAGE(1), half }, ERR_INVAL },
		{ PAGE(2), 1, PAGE(3), 1, 0, { half, 0 }, { PAGE(1), 8 }, ERR_FAULT },
		{ PAGE(2),
		  1,
		  PAGE(3),
		  1,
		  0,
		  { ARCH_USER_END - 8, half - 1 },
		  { PAGE(1), 8 },
		  ERR_FAULT },
		{ PAGE(2), 1, PAGE(3), 1, 0, { PAGE(1), 8 }, { half, 0 }, OK },
	};
	struct pair p = pair_make();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process_vm_request request =
			request_of(&p, &cases[i].local, 1, &cases[i].remote, 1);
		uint64_t done = 0;

		request.local_vec = cases[i].local_vec;
		request.nr_local = cases[i].nr_local;
		request.remote_vec = cases[i].remote_vec;
		request.nr_remote = cases[i].nr_remote;
		request.flags = cases[i].flags;
		EXPECT_ERR(call_process_vm_readv(&request, &done), cases[i].err);
		EXPECT_ERR(call_process_vm_writev(&request, &done), cases[i].err);
		assert_int_equal(done, 0);
	}
	pair_end(&p);
}

static void
without_memory_nothing_is_copied(void **state)
{
	struct pair		  p = pair_make();
	const struct user_iovec	  local = { PAGE(1), 8 }, remote = { PAGE(4), 8 };
	struct process_vm_request request = request_of(&p, &local, 1, &remote, 1);
	uint64_t		  done = 0;
	unsigned		  failures = 0;

	(void)state;
	put(p.remote, PAGE(4), "abc");
	put(p.local, PAGE(1), "xyz");
	for (;; failures++) {
		err_t err;

		machine_fail_allocation(failures + 1, false);
		err = call_process_vm_readv(&request, &done);
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		EXPECT_ERR(err, ERR_NOMEM);
		expect_text(p.local, PAGE(1), "xyz");
	}
	assert_int_equal(failures, 3);
	expect_text(p.local, PAGE(1), "abc");
	pair_end(&p);
}

/*
 * As in Linux, remote pages are brought in before the local side is looked at: all of an element, how
 * many bytes ever are wanted of it, but none of the next one. Page 8 and 9 are a private file's.
 */
static void
remote_pages_come_first(void **state)
{
	const struct {
		struct user_iovec local, remote[2];
		uint64_t	  done; /* 0: ERR_FAULT */
		bool		  writable[2];
	} cases[] = {
		{ { PAGE(5), 8 }, { { PAGE(8) + 4, 2 }, { PAGE(9), 8 } }, 0, { true, false } },
		{ { PAGE(5), 8 }, { { PAGE(9) - 1, 2 }, { PAGE(9), 8 } }, 0, { true, true } },
		{ { PAGE(1), 2 }, { { PAGE(8) + 4, 2 }, { PAGE(9), 8 } }, 2, { true, false } },
		{ { PAGE(1), 2 }, { { PAGE(8), 2 * PAGE(1) }, { 0, 0 } }, 2, { true, true } },
		{ { PAGE(1), 2 }, { { PAGE(9), 2 * PAGE(1) }, { 0, 0 } }, 2, { false, true } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair		  p = pair_make();
		struct object		 *file = sketch_file(7, 2);
		struct process_vm_request request =
			request_of(&p, &cases[i].local, 1, cases[i].remote, 2);
		uint64_t done = 0;

		sketch_map_file(p.remote, 8, 10, PROT_RW, file, 0, MAPF_PRIVATE);
		EXPECT_ERR(call_process_vm_readv(&request, &done), cases[i].done ? OK : ERR_FAULT);
		for (unsigned page = 0; page < 2; page++) {
			assert_int_equal(sketch_is_present(p.remote, 8 + page),
					 cases[i].writable[page]);
			assert_false(sketch_is_writable(p.remote, 8 + page));
		}
		EXPECT_ERR(call_process_vm_writev(&request, &done), cases[i].done ? OK : ERR_FAULT);
		assert_int_equal(done, cases[i].done);
		for (unsigned page = 0; page < 2; page++)
			assert_int_equal(sketch_is_writable(p.remote, 8 + page),
					 cases[i].writable[page]);
		object_put(file);
		pair_end(&p);
	}
}

#define MANY_PAGES (2 * ARCH_PAGE_SIZE / 8) /* that Linux takes at once */

/* A long element is brought in batch by batch; a short space has no room for one. */
static void
long_elements_go_in_batches(void **state)
{
	const struct {
		uint64_t bytes, pages; /* wanted, brought in */
	} cases[] = {
		{ 1, MANY_PAGES },
		{ PAGE(MANY_PAGES) - 8, MANY_PAGES },
		{ PAGE(MANY_PAGES) - 7, 2 * MANY_PAGES },
	};

	(void)state;
	if (ARCH_USER_END < PAGE(8 * MANY_PAGES))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct space_layout	  layout = sketch_layout();
		struct pair		  p;
		struct user_iovec	  local = { PAGE(4), cases[i].bytes };
		struct user_iovec	  remote = { PAGE(1) + 8, PAGE(3 * MANY_PAGES - 2) };
		struct process_vm_request request;
		uint64_t		  done = 0;

		layout.end = layout.mmap_base = PAGE(3 * MANY_PAGES);
		p.local = sketch_space_with(&layout);
		EXPECT_OK(space_create(&layout, &p.remote));
		sketch_map(p.local, 1, 3 * MANY_PAGES, PROT_RW, 0);
		sketch_map(p.remote, 1, 3 * MANY_PAGES, PROT_RW, 0);
		request = request_of(&p, &local, 1, &remote, 1);
		EXPECT_OK(call_process_vm_readv(&request, &done));
		assert_int_equal(done, cases[i].bytes);
		assert_true(sketch_is_present(p.remote, (unsigned)cases[i].pages));
		assert_false(sketch_is_present(p.remote, (unsigned)cases[i].pages + 1));
		pair_end(&p);
	}
}

/*
 * Of a negative length and an element that cannot be read the first is told. Page 4 is the last of
 * the local space; a vector that does not lie in user space is not looked at.
 */
static void
a_vector_is_looked_at_from_its_start(void **state)
{
	const struct {
		unsigned before; /* bytes of the vector that can be read */
		err_t	 err;
	} cases[] = { { 16, ERR_INVAL }, { 31, ERR_INVAL }, { 15, ERR_FAULT }, { 8, ERR_FAULT } };
	const struct user_iovec bad = { PAGE(1), (uint64_t)1 << 63 }, good = { PAGE(1), 8 };
	struct pair		p = pair_make();
	uint64_t		done;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process_vm_request request = request_of(&p, &good, 1, &good, 1);
		vaddr_t			  at = PAGE(5) - cases[i].before;

		assert_int_equal(copy_to_space(p.local, at, &bad, sizeof(bad)),
				 cases[i].before < 16 ? 16 - cases[i].before : 0);
		request.remote_vec = at;
		request.nr_remote = 2;
		EXPECT_ERR(call_process_vm_readv(&request, &done), cases[i].err);
		request = request_of(&p, &good, 1, &good, 1);
		request.local_vec = at;
		request.nr_local = 2;
		EXPECT_ERR(call_process_vm_readv(&request, &done), cases[i].err);
	}
	pair_end(&p);
}

TEST_SUITE(process_vm, cmocka_unit_test(borders_need_not_agree),
	   cmocka_unit_test(writing_is_reading_the_other_way), cmocka_unit_test(a_part_is_a_result),
	   cmocka_unit_test(remote_pages_come_first), cmocka_unit_test(long_elements_go_in_batches),
	   cmocka_unit_test(a_vector_is_looked_at_from_its_start),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(without_memory_nothing_is_copied))
