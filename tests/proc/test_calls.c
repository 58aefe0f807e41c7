/*
 * test_calls.c - the system calls on the path of fork, each as a kernel's table of calls has it.
 *
 * A call is one or two functions of the library over the caller's process or thread. A row is the
 * name that users know and a story that shows what the call is for; what else it may do has
 * tests of its own.
 */
#include "unit/kin.h"

#include <anymm/call.h>

#include "proc/state.h"

#define THREAD (PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD)

static struct process *init;

/* ---- processes ---- */

static struct clone_result
clone_of(struct thread *caller, uint64_t flags)
{
	struct clone_request request = { .flags = flags };
	struct clone_result  made;

	EXPECT_OK(proc_clone(caller, &request, &made));
	return made;
}

/* wait_for - the code of an exited child. */
static int32_t
wait_for(enum wait_which which, uint32_t id)
{
	struct wait_request request = { .which = which, .id = id };
	struct wait_result  got;

	EXPECT_OK(proc_wait(init, &request, &got));
	assert_int_equal(got.event, WAIT_EXITED);
	return got.code;
}

static void
shows_fork(void)
{
	struct clone_result child = clone_of(&init->main, SIGNAL_CHLD);

	assert_int_equal(child.id, 2);
	assert_ptr_equal(child.process->parent, init);
	sketch_store(child.process->space, 1, 100);
	assert_int_equal(sketch_load(init->space, 1), 1);
	pt_deactivate(&init->space->pt);
}

static void
shows_exec(void)
{
	struct space_layout layout = sketch_layout();
	struct process	   *child = kin_fork(init);
	struct space	   *fresh;

	EXPECT_OK(space_create(&layout, &fresh));
	EXPECT_OK(thread_begin_exec(&child->main, &(struct thread *){ NULL }));
	proc_exec(child, fresh);
	space_put(fresh);
	EXPECT_REGIONS(child->space, "");
	EXPECT_REGIONS(init->space, "1-4 rw");
}

static void
shows_exit(void)
{
	struct process *child = kin_child(init, SIGNAL_CHLD);

	kin_exit(child, 17);
	assert_int_equal(child->state, PROCESS_ZOMBIE);
	assert_null(child->space);
	assert_true(init->pending == 0); /* CHLD is ignored unless somebody handles it */
}

static void
shows_wait(void)
{
	struct wait_request any = { .which = WAIT_ANY };
	struct wait_result  got;

	EXPECT_ERR(proc_wait(init, &any, &got), ERR_CHILD);
	(void)kin_child(init, 0);
	EXPECT_ERR(proc_wait(init, &any, &got), ERR_AGAIN);
	kin_exit(kin_child(init, 0), 5);
	assert_int_equal(wait_for(WAIT_ANY, 0), 5);
}

static void
shows_waitpid(void)
{
	struct process	   *a = kin_child(init, 0);
	struct process	   *b = kin_child(init, 0);
	struct wait_request request = { .which = WAIT_ID, .id = a->id };
	struct wait_result  got;

	EXPECT_OK(proc_set_group(init, b, 0));
	kin_exit(b, 2);
	EXPECT_ERR(proc_wait(init, &request, &got), ERR_AGAIN);
	EXPECT_ERR(proc_wait(init, &(struct wait_request){ .which = WAIT_GROUP }, &got), ERR_AGAIN);
	kin_exit(a, 1);
	assert_int_equal(wait_for(WAIT_GROUP, b->id), 2);
	assert_int_equal(wait_for(WAIT_ID, a->id), 1);
}

/* ---- memory ---- */

static void
shows_brk(void)
{
	struct space_layout layout = sketch_layout();
	struct process	   *child = kin_fork(init);
	struct space	   *fresh;

	layout.brk_start = PAGE(2);
	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(child, fresh);
	space_put(fresh);
	assert_int_equal(call_brk(fresh, 0), PAGE(2));
	/* sbrk is a question and a call; it gives the end from before */
	assert_int_equal(call_brk(fresh, PAGE(4)), PAGE(4));
	sketch_store(fresh, 3, 3);
	assert_int_equal(call_brk(fresh, PAGE(3)), PAGE(3));
	assert_int_equal(sketch_access(fresh, ACCESS_LOAD, 3), FAULT_SEGV_MAPERR);
	assert_int_equal(call_brk(fresh, PAGE(SKETCH_PAGES + 1)), PAGE(3));
	pt_deactivate(&fresh->pt);
}

static void
shows_mmap(void)
{
	struct map_request request = sketch_anonymous(2, MAPF_PRIVATE);
	vaddr_t		   va;

	EXPECT_OK(call_mmap(init->space, &request, &va));
	sketch_store(init->space, (unsigned)(va / ARCH_PAGE_SIZE), 9);
	assert_int_equal(init->space->total_pages, 5);
	request.length = 0;
	EXPECT_ERR(call_mmap(init->space, &request, &va), ERR_INVAL);
	pt_deactivate(&init->space->pt);
}

static void
shows_munmap(void)
{
	EXPECT_OK(call_munmap(init->space, PAGE(2), ARCH_PAGE_SIZE));
	EXPECT_REGIONS(init->space, "1-2 rw, 3-4 rw");
	assert_int_equal(sketch_access(init->space, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	EXPECT_ERR(call_munmap(init->space, PAGE(2) + 1, ARCH_PAGE_SIZE), ERR_INVAL);
	pt_deactivate(&init->space->pt);
}

static void
shows_msync(void)
{
	struct object *file;
	uint8_t	       byte = 0;
	size_t	       done;

	EXPECT_OK(object_create_stored(7, ARCH_PAGE_SIZE, &file));
	sketch_map_file(init->space, 5, 6, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(init->space, 5, 55);
	EXPECT_OK(call_msync(init->space, PAGE(5), ARCH_PAGE_SIZE, SYNC_SYNC));
	assert_int_equal(object_evict(file, 0, 1), 1);
	EXPECT_OK(object_read(file, 0, &byte, 1, &done));
	assert_int_equal(byte, 55);
	EXPECT_ERR(call_msync(init->space, PAGE(5), ARCH_PAGE_SIZE, SYNC_SYNC | SYNC_ASYNC),
		   ERR_INVAL);
	pt_deactivate(&init->space->pt);
	object_put(file);
}

static void
shows_madvise(void)
{
	EXPECT_OK(call_madvise(init->space, PAGE(2), ARCH_PAGE_SIZE, ADVICE_DONTNEED));
	assert_int_equal(sketch_load(init->space, 2), 0);
	assert_int_equal(sketch_load(init->space, 1), 1);
	pt_deactivate(&init->space->pt);
}

/* ---- threads ---- */

static void
shows_th_create(void)
{
	struct clone_result made = clone_of(&init->main, THREAD);

	assert_ptr_equal(made.process, init);
	assert_int_equal(thread_id(made.thread), made.id); /* th_self */
	assert_int_equal(init->nr_running, 2);
}

static void
shows_th_join(void)
{
	struct clone_result made = clone_of(&init->main, THREAD);
	int32_t		    value;

	EXPECT_ERR(thread_join(&init->main, init->id, &value), ERR_DEADLK);
	EXPECT_ERR(thread_join(&init->main, made.id, &value), ERR_AGAIN);
	assert_false(thread_end(made.thread, 33)); /* th_exit */
	EXPECT_OK(thread_join(&init->main, made.id, &value));
	assert_int_equal(value, 33);
}

static void
shows_th_detach(void)
{
	struct clone_result made = clone_of(&init->main, THREAD);
	int32_t		    value;

	EXPECT_OK(thread_detach(init, made.id));
	EXPECT_ERR(thread_join(&init->main, made.id, &value), ERR_INVAL);
	assert_false(thread_end(made.thread, 0));
	assert_null(thread_find(made.id));
}

static void
shows_th_kill(void)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct clone_result	   made = clone_of(&init->main, THREAD);
	struct signal_delivery	   d;

	EXPECT_OK(signal_set_action(init, SIGNAL_USR1, &handler, NULL));
	EXPECT_OK(signal_send_thread(made.thread, SIGNAL_USR1));
	assert_false(signal_take(&init->main, &d));
	assert_true(signal_take(made.thread, &d));
	assert_int_equal(d.signal, SIGNAL_USR1);
}

static void
shows_th_sigmask(void)
{
	struct process *child = kin_child(init, 0);

	assert_true(signal_block(&child->main, signal_bit(SIGNAL_TERM)) == 0);
	assert_true(signal_block(&child->main, 0) == signal_bit(SIGNAL_TERM));
}

/* ---- signals ---- */

static void
shows_sigaction(void)
{
	const struct signal_action handler = { .handler = 0x1000, .flags = SIGNALF_RESET };
	struct signal_action	   old;
	struct signal_delivery	   d;
	uint64_t		   nr;

	EXPECT_OK(signal_set_action(init, SIGNAL_USR1, &handler, &old));
	assert_int_equal(old.handler, SIGNAL_DEFAULT);
	EXPECT_OK(signal_kill(init, 1, SIGNAL_USR1, &nr)); /* kill */
	assert_true(signal_take(&init->main, &d));
	assert_int_equal(d.action.handler, 0x1000);
	EXPECT_ERR(signal_set_action(init, SIGNAL_KILL, &handler, NULL), ERR_INVAL);
}

static void
shows_sigprocmask(void)
{
	struct process	      *child = kin_child(init, 0);
	struct signal_delivery d;

	signal_block(&child->main, ~UINT64_C(0));
	EXPECT_OK(signal_send(child, SIGNAL_TERM));
	assert_false(signal_is_pending(&child->main));		/* nothing that would end a sleep */
	assert_true(child->pending == signal_bit(SIGNAL_TERM)); /* sigpending */
	EXPECT_OK(signal_send(child, SIGNAL_KILL));
	assert_true(signal_take(&child->main, &d));
	assert_int_equal(d.signal, SIGNAL_KILL);
}

static void
shows_sigsuspend(void)
{
	struct process *child = kin_child(init, 0);
	signal_set	old = signal_block(&child->main, signal_bit(SIGNAL_TERM));
	unsigned	nr_wakes = kin_log.nr_wakes;

	signal_block(&child->main, old);
	assert_false(signal_is_pending(&child->main));
	EXPECT_OK(signal_send(child, SIGNAL_TERM));
	assert_int_equal(kin_log.nr_wakes, nr_wakes + 1);
	assert_ptr_equal(kin_log.last_woken, child);
	assert_true(signal_is_pending(&child->main));
}

static const struct row {
	const char *call;
	void (*shows)(void);
} rows[] = {
	{ "fork", shows_fork },
	{ "execve", shows_exec },
	{ "exit", shows_exit },
	{ "wait", shows_wait },
	{ "waitpid", shows_waitpid },
	{ "brk, sbrk", shows_brk },
	{ "mmap", shows_mmap },
	{ "munmap", shows_munmap },
	{ "msync", shows_msync },
	{ "madvise", shows_madvise },
	{ "th_create, th_self", shows_th_create },
	{ "th_exit, th_join", shows_th_join },
	{ "th_detach", shows_th_detach },
	{ "th_kill", shows_th_kill },
	{ "th_sigmask", shows_th_sigmask },
	{ "sigaction, kill", shows_sigaction },
	{ "sigprocmask, sigpending", shows_sigprocmask },
	{ "sigsuspend", shows_sigsuspend },
};

/* LUN-43, DRG-10, ALM-29: each call does its part, and what is left afterwards can be ended. */
static void
every_call_is_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("%s\n", rows[i].call);
		init = kin_first();
		rows[i].shows();
		kin_end();
	}
}

TEST_SUITE(calls, cmocka_unit_test(every_call_is_there))
