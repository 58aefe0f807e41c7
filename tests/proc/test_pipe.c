/*
 * test_pipe.c - a kernel's pipe, made of counted resources in tables of handles.
 *
 * A pipe has two ends; each end is one resource, whose count is the number of handles that
 * name it. That is all a kernel needs to know when the last writer or the last reader has
 * gone, whichever way it went: close, exec, exit, or a kill.
 */
#include "unit/kin.h"

#include "proc/state.h"

enum { PIPE_BYTES = 8 };

struct pipe {
	struct resource reader;
	struct resource writer;
	unsigned	nr_ends; /* that still have a handle */
	bool		has_reader, has_writer;
	unsigned	nr_bytes;
	unsigned	nr_wakes; /* who slept looks again */
};

static struct pipe the_pipe;

static void
end_of(struct pipe *pipe)
{
	pipe->nr_ends--;
	pipe->nr_wakes++;
}

static void
destroy_reader(struct resource *resource)
{
	struct pipe *pipe = CONTAINER_OF(resource, struct pipe, reader);

	pipe->has_reader = false;
	end_of(pipe);
}

static void
destroy_writer(struct resource *resource)
{
	struct pipe *pipe = CONTAINER_OF(resource, struct pipe, writer);

	pipe->has_writer = false;
	end_of(pipe);
}

static const struct resource_ops reader_ops = { .name = "reader", .destroy = destroy_reader };
static const struct resource_ops writer_ops = { .name = "writer", .destroy = destroy_writer };

/* make_pipe - in handles 0 (to read) and 1 (to write). */
static void
make_pipe(struct handle_table *table)
{
	int32_t handle;

	the_pipe = (struct pipe){ .nr_ends = 2, .has_reader = true, .has_writer = true };
	resource_init(&the_pipe.reader, &reader_ops);
	resource_init(&the_pipe.writer, &writer_ops);
	EXPECT_OK(handle_add(table, &the_pipe.reader, 0, 0, &handle));
	EXPECT_OK(handle_add(table, &the_pipe.writer, 0, 0, &handle));
}

static struct handle_table *
table_of(struct process *proc)
{
	return (struct handle_table *)proc->resources[RESOURCE_HANDLES];
}

/* read_pipe - OK with *nr bytes, 0 at the end of all; ERR_AGAIN: a reader would sleep. */
static err_t
read_pipe(struct process *proc, unsigned *nr)
{
	struct resource *end = handle_get(table_of(proc), 0);
	err_t		 err = OK;

	if (end != &the_pipe.reader) {
		resource_put(end);
		return ERR_BADF;
	}
	*nr = the_pipe.nr_bytes;
	the_pipe.nr_bytes = 0;
	if (!*nr && the_pipe.has_writer)
		err = ERR_AGAIN;
	resource_put(end);
	return err;
}

/* write_pipe - ERR_IO: nobody reads any more; ERR_AGAIN: a writer would sleep. */
static err_t
write_pipe(struct process *proc)
{
	struct resource *end = handle_get(table_of(proc), 1);
	err_t		 err = OK;

	if (end != &the_pipe.writer)
		err = ERR_BADF;
	else if (!the_pipe.has_reader)
		err = ERR_IO;
	else if (the_pipe.nr_bytes == PIPE_BYTES)
		err = ERR_AGAIN;
	else
		the_pipe.nr_bytes++;
	resource_put(end);
	return err;
}

/* first_with_pipe - init holds both ends. */
static struct process *
first_with_pipe(void)
{
	struct process	    *first = kin_first();
	struct handle_table *table;

	EXPECT_OK(handle_table_create(16, &table));
	proc_set_resource(first, RESOURCE_HANDLES, &table->resource);
	make_pipe(table);
	return first;
}

/*
 * CAM-33, CAM-B10: two readers sleep on a pipe with two writers. The end of the one writer wakes nobody,
 * the end of the other both, and they read the end.
 */
static void
the_last_writer_wakes_all_readers(void **state)
{
	struct process *first = first_with_pipe();
	struct process *writer[2], *reader[2];
	unsigned	nr = 9;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		writer[i] = kin_child(first, 0);
		reader[i] = kin_child(first, 0);
		EXPECT_OK(handle_close(table_of(writer[i]), 0));
		EXPECT_OK(handle_close(table_of(reader[i]), 1));
	}
	EXPECT_OK(handle_close(table_of(first), 0));
	EXPECT_OK(handle_close(table_of(first), 1));
	assert_int_equal(resource_refs(&the_pipe.writer), 2);
	EXPECT_OK(write_pipe(writer[0]));
	EXPECT_OK(read_pipe(reader[1], &nr));
	assert_int_equal(nr, 1);
	EXPECT_ERR(read_pipe(reader[0], &nr), ERR_AGAIN);
	EXPECT_ERR(read_pipe(reader[1], &nr), ERR_AGAIN);
	kin_exit(writer[0], 0);
	assert_int_equal(the_pipe.nr_wakes, 0);
	EXPECT_ERR(read_pipe(reader[0], &nr), ERR_AGAIN);
	EXPECT_OK(proc_kill(writer[1], 9));
	assert_int_equal(the_pipe.nr_wakes, 1);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT_OK(read_pipe(reader[i], &nr));
		assert_int_equal(nr, 0);
	}
	kin_end();
	assert_int_equal(the_pipe.nr_ends, 0);
}

/* CAM-33: a writer that sleeps because the pipe is full hears that nobody reads any more. */
static void
a_write_without_readers_is_an_error(void **state)
{
	struct space_layout layout = sketch_layout();
	struct process	   *first = first_with_pipe();
	struct process	   *reader = kin_child(first, 0);
	struct space	   *fresh;

	(void)state;
	EXPECT_OK(handle_close(table_of(first), 0));
	for (unsigned i = 0; i < PIPE_BYTES; i++)
		EXPECT_OK(write_pipe(first));
	EXPECT_ERR(write_pipe(first), ERR_AGAIN);
	/* the reader's end is closed by its exec */
	EXPECT_OK(handle_set_flags(table_of(reader), 0, HANDLE_CLOSE_ON_EXEC));
	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(reader, fresh);
	space_put(fresh);
	assert_int_equal(the_pipe.nr_wakes, 1);
	EXPECT_ERR(write_pipe(first), ERR_IO);
	EXPECT_ERR(write_pipe(reader), ERR_IO);
	kin_end();
	assert_int_equal(the_pipe.nr_ends, 0);
}

/* CAM-10, CAM-16: sharers of a table have one handle between them: a close by one is a close for all. */
static void
sharers_close_together(void **state)
{
	struct process *first = first_with_pipe();
	struct process *sharer = kin_child(first, PROC_SHARE_HANDLES);
	unsigned	nr;

	(void)state;
	assert_int_equal(resource_refs(&the_pipe.writer), 1);
	EXPECT_OK(handle_close(table_of(sharer), 1));
	assert_int_equal(the_pipe.nr_wakes, 1);
	EXPECT_OK(read_pipe(first, &nr));
	assert_int_equal(nr, 0);
	kin_exit(sharer, 0);
	EXPECT_OK(read_pipe(first, &nr));
	kin_end();
	assert_int_equal(the_pipe.nr_ends, 0);
}

/* CAM-35, CAM-B02: a reader is killed in its sleep. The other one sleeps on, and gets what is written. */
static void
a_killed_sleeper_takes_nobody_along(void **state)
{
	struct process *first = first_with_pipe();
	struct process *reader[2] = { kin_child(first, 0), kin_child(first, 0) };
	unsigned	nr = 9;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		EXPECT_ERR(read_pipe(reader[i], &nr), ERR_AGAIN);
	assert_int_equal(resource_refs(&the_pipe.reader), 3);
	EXPECT_OK(proc_kill(reader[0], 9));
	assert_int_equal(resource_refs(&the_pipe.reader), 2);
	assert_int_equal(the_pipe.nr_wakes, 0);
	EXPECT_ERR(read_pipe(reader[1], &nr), ERR_AGAIN);
	EXPECT_OK(write_pipe(first));
	EXPECT_OK(read_pipe(reader[1], &nr));
	assert_int_equal(nr, 1);
	assert_int_equal(kin_wait(first).code, 9);
	kin_end();
	assert_int_equal(the_pipe.nr_ends, 0);
}

TEST_SUITE(pipe, cmocka_unit_test(the_last_writer_wakes_all_readers),
	   cmocka_unit_test(a_write_without_readers_is_an_error),
	   cmocka_unit_test(sharers_close_together),
	   cmocka_unit_test(a_killed_sleeper_takes_nobody_along))
