/*
 * test_clone_flags.c - every combination of the flags of a clone, by the library and by the Linux of
 * the host: both refuse the same ones.
 *
 * One difference is on purpose: what a process holds is not a thread's to replace, so a thread gets
 * no mounts of its own.
 *
 * A Linux that does not let itself be asked about some of them has not been compared with: the test then
 * counts as skipped, and says why.
 *
 * Nothing is made by asking: the id that is wanted is in use. Whatever passes the look at the flags
 * ends there, with EEXIST.
 */
#include <anymm/process.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* Those that Linux has too, with its values. */
static const uint64_t flags[] = {
	PROC_SHARE_SPACE, PROC_SHARE_FS,	 PROC_SHARE_HANDLES, PROC_SHARE_HANDLERS,
	PROC_SUSPEND,	  PROC_SAME_PARENT,	 PROC_THREAD,	     PROC_NEW_MOUNT,
	PROC_NEW_IDS,	  PROC_DEFAULT_HANDLERS,
};

#define NR_COMBINATIONS (1u << ARRAY_SIZE(flags))

static uint64_t
combination(unsigned which)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		set |= which >> i & 1 ? flags[i] : 0;
	return set;
}

/* struct clone_args of clone3(2). */
struct linux_clone {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size;
};

/* native - what Linux says, or that it cannot be asked: ENOSYS, EPERM, E2BIG. */
static int
native(uint64_t set, unsigned signal)
{
	/* Number 1 of the new namespace is free, number 1 of ours is not. */
	const pid_t	   ids[] = { 1, 1 };
	struct linux_clone args = {
		.flags = set,
		.exit_signal = signal,
		.set_tid = (uintptr_t)ids,
		.set_tid_size = set & PROC_NEW_IDS ? 2 : 1,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid > 0) {
		waitpid((pid_t)pid, NULL, __WALL);
		return 0;
	}
	return errno;
}

/* ours - the same by a child of init, which may have siblings. */
static int
ours(struct process *child, uint64_t set, unsigned signal)
{
	struct clone_request request = { .flags = set | signal, .id = child->id };
	struct clone_result  made;

	return -(int)proc_clone(&child->main, &request, &made);
}

static struct process *
child_of_init(void)
{
	struct space_layout layout = space_default_layout();
	struct process	   *init, *child;
	struct space	   *sp;

	machine_fresh();
	EXPECT_OK(space_create(&layout, &sp));
	EXPECT_OK(proc_create(0, sp, &init));
	space_put(sp);
	EXPECT_OK(proc_fork(init, 0, 0, &child));
	return child;
}

static void
end(struct process *child)
{
	struct process *init = child->parent;
	int32_t		code;

	machine_check_invariants();
	proc_exit(child, 0);
	EXPECT_OK(proc_reap(init, child, &code));
	proc_exit(init, 0);
	EXPECT_OK(proc_reap(NULL, init, &code));
	machine_check();
}

/* cannot_say - the answer is not about the flags: no such call, no right to choose ids, no set_tid. */
static bool
cannot_say(int linux_err)
{
	return linux_err == ENOSYS || linux_err == EPERM || linux_err == E2BIG;
}

static bool
differs(uint64_t set)
{
	return set & PROC_THREAD && set & PROC_NEW_MOUNT;
}

/* DRG-29: a combination is refused here if and only if it is on Linux. */
static void
linux_refuses_the_same(void **state)
{
	struct process *child = child_of_init();
	unsigned	nr_refused = 0, nr_unsaid = 0;
	int		unsaid = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * NR_COMBINATIONS; i++) {
		uint64_t set = combination(i / 2);
		unsigned signal = i % 2 ? SIGNAL_CHLD : 0;
		int	 err = ours(child, set, signal);
		int	 linux_err = native(set, signal);

		assert_true(err == EINVAL || err == EEXIST);
		nr_refused += err == EINVAL;
		if (cannot_say(linux_err)) {
			unsaid = linux_err;
			nr_unsaid++;
		} else if (err != linux_err && !(err == EINVAL && differs(set)))
			fail_msg("flags %llx, signal %u: %d, and %d on Linux",
				 (unsigned long long)set, signal, err, linux_err);
	}
	assert_int_equal(nr_refused, 1664 + 8);
	end(child);
	if (nr_unsaid) {
		print_message(
			"this Linux cannot say what it refuses (%s) for %u of %u: older than 5.5, "
			"or clone3 with set_tid needs root, or a container that allows it\n",
			strerror(unsaid), nr_unsaid, 2 * NR_COMBINATIONS);
		skip();
	}
}

TEST_SUITE(clone_flags, cmocka_unit_test(linux_refuses_the_same))
