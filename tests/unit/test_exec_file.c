/* test_exec_file.c - bytes of a program file: across pages, up to the end, and not beyond. */
#include "unit/sketch.h"

#include "elf_maker.h"
#include "exec/exec_file.h"

static uint8_t		 bytes[5 * 4096];
static struct elf_source source = { bytes, sizeof(bytes), 3 };

static struct object *
make_file(void)
{
	struct object *file;

	machine_fresh();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = elf_byte(i);
	EXPECT_OK(elf_object(&source, &file));
	return file;
}

static void
done(struct object *file)
{
	object_put(file);
	assert_int_equal(object_live(), 0);
	machine_check();
}

static void
reads_cross_pages(void **state)
{
	static uint8_t buf[3 * 4096];
	struct object *file = make_file();

	(void)state;
	assert_int_equal(exec_file_bytes(file), sizeof(bytes));
	EXPECT_OK(exec_file_read(file, 4090, buf, 4096 + 20));
	for (size_t i = 0; i < 4096 + 20; i++)
		assert_int_equal(buf[i], elf_byte(4090 + i));
	EXPECT_OK(exec_file_read(file, 0, buf, sizeof(buf)));
	EXPECT_OK(exec_file_read(file, sizeof(bytes) - 1, buf, 1));
	assert_int_equal(buf[0], elf_byte(sizeof(bytes) - 1));
	done(file);
}

static void
what_cannot_be_read_is_an_error(void **state)
{
	uint8_t	       buf[64];
	struct object *file = make_file();

	(void)state;
	EXPECT_ERR(exec_file_read(file, 3 * 4096, buf, 1), ERR_IO);
	EXPECT_ERR(exec_file_read(file, 3 * 4096 - 10, buf, 20), ERR_IO);
	EXPECT_ERR(exec_file_read(file, sizeof(bytes), buf, 1), ERR_IO);
	EXPECT_ERR(exec_file_read(file, sizeof(bytes) - 10, buf, 20), ERR_IO);
	EXPECT_ERR(exec_file_read(file, UINT64_MAX - 5, buf, 20), ERR_IO);
	done(file);
}

static void
lack_of_memory_is_an_error(void **state)
{
	uint8_t	       buf[64];
	struct object *file = make_file();

	(void)state;
	machine_fail_allocation(1, true);
	EXPECT_ERR(exec_file_read(file, 0, buf, 1), ERR_NOMEM);
	machine_fail_allocation(0, false);
	EXPECT_OK(exec_file_read(file, 0, buf, 1));
	done(file);
}

TEST_SUITE(exec_file, cmocka_unit_test(reads_cross_pages),
	   cmocka_unit_test(what_cannot_be_read_is_an_error),
	   cmocka_unit_test(lack_of_memory_is_an_error))
