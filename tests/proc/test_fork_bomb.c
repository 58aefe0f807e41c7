/*
 * test_fork_bomb.c - processes that fork as long as they can, until a limit or memory ends it.
 *
 * Every process has a space of its own, a table of handles and a filesystem context. When the
 * bomb is over, whatever ended it, each fork has failed with an error and nothing else, the
 * first process still works, and after the rest is gone every frame is back.
 */
#include "unit/kin.h"

#include <anymm/fs_context.h>

#include "proc/state.h"

enum {
	MANY = 30000,
	MANY_FRAMES = ARCH_HAS_UPPER_WRITE_DENIAL ? 131072 : 262144, /* else each has tables */
	FEW_FRAMES = 4096,
};

/* first_with_everything - and the account that all processes of the bomb share. */
static struct process *
first_with_everything(uint64_t nr_frames, uint64_t limit, struct account **account)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first_with(nr_frames, ORPHANS_ADOPTED);
	struct handle_table	  *handles;
	struct fs_context	  *fs;
	int32_t			   handle;

	EXPECT_OK(handle_table_create(1024, &handles));
	for (unsigned i = 0; i < 3; i++)
		EXPECT_OK(handle_add(handles, kin_thing(), 0, 0, &handle));
	EXPECT_OK(fs_context_create(kin_thing(), kin_thing(), 022, &fs));
	EXPECT_OK(account_create(NULL, limit, account));
	proc_set_resource(first, RESOURCE_HANDLES, &handles->resource);
	proc_set_resource(first, RESOURCE_FS, &fs->resource);
	proc_set_resource(first, RESOURCE_ACCOUNT, &(*account)->resource);
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &handler, NULL));
	machine_check_invariants();
	return first;
}

static struct frame_totals
drained(void)
{
	anymm_drain();
	return frame_totals();
}

static void
expect_frames(const struct frame_totals *before)
{
	struct frame_totals now = drained();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
		assert_int_equal(now.by_kind[kind], before->by_kind[kind]);
}

/*
 * explode - every process forks once in each round, so their number doubles, until no fork
 * works any more. Each that fails must give this error. gives the number of processes
 */
static uint64_t
explode(struct process *first, err_t wanted)
{
	for (bool grew = true; grew;) {
		uint64_t now = proc_count();

		grew = false;
		for (struct process *proc = first; proc && now-- > 0; proc = proc_next(proc)) {
			struct process *child;
			err_t		err = proc_fork(proc, SIGNAL_CHLD, 0, &child);

			grew |= err == OK;
			if (err)
				assert_int_equal(err, wanted);
		}
	}
	return proc_count();
}

static void
expect_first_works(struct process *first)
{
	for (unsigned page = 1; page < 4; page++) {
		assert_int_equal(sketch_load(first->space, page), page);
		sketch_store(first->space, page, (uint8_t)page);
	}
}

/* DRG #1079, ALM-25: thirty thousand processes, and then the limit says no. */
static void
a_limit_ends_it(void **state)
{
	struct account	   *account;
	struct process	   *first = first_with_everything(MANY_FRAMES, MANY, &account);
	struct frame_totals before;

	(void)state;
	expect_first_works(first);
	before = drained();
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(explode(first, ERR_AGAIN), MANY);
		assert_int_equal(account->nr, MANY);
		machine_check_invariants();
		assert_int_equal(proc_kill_descendants(first, 9), MANY - 1);
		assert_int_equal(proc_count(), 1);
		assert_int_equal(account->nr, 1);
		expect_first_works(first);
		expect_frames(&before);
	}
	kin_end();
}

/*
 * DRG #1726, LUN-B16, WNX-B10, CAM-B03: memory ends: an error for whoever forks, then for all; what the
 * processes have stays as it is, and when they are gone every frame is back.
 */
static void
memory_ends_it(void **state)
{
	struct account	   *account;
	struct process	   *first = first_with_everything(FEW_FRAMES, UINT64_MAX, &account);
	struct frame_totals before;
	uint64_t	    nr;

	(void)state;
	expect_first_works(first);
	before = drained();
	nr = explode(first, ERR_NOMEM);
	assert_true(nr > FEW_FRAMES / 8);
	machine_check_invariants();
	assert_int_equal(account->nr, nr);
	assert_int_equal(proc_kill_descendants(first, 9), nr - 1);
	expect_first_works(first);
	expect_frames(&before);
	/* and once more, as far as before */
	assert_int_equal(explode(first, ERR_NOMEM), nr);
	proc_kill_descendants(first, 9);
	expect_first_works(first);
	expect_frames(&before);
	kin_end();
}

/* The ids end before memory does; one exit makes room for one. */
static void
ids_end_it(void **state)
{
	struct account *account;
	struct process *first = first_with_everything(MANY_FRAMES, UINT64_MAX, &account);
	struct process *last;

	(void)state;
	EXPECT_OK(proc_set_id_limit(4000));
	assert_int_equal(explode(first, ERR_AGAIN), 4000);
	last = proc_find(4000);
	EXPECT_OK(proc_kill(last, 1));
	EXPECT_OK(proc_reap(last->parent, last, &(int32_t){ 0 }));
	assert_int_equal(kin_fork(first)->id, 4000);
	kin_end();
}

TEST_SUITE(fork_bomb, cmocka_unit_test(a_limit_ends_it), cmocka_unit_test(memory_ends_it),
	   cmocka_unit_test(ids_end_it))
