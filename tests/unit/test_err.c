/* test_err.c - results have the names that users know. */
#include "../harness.h"

static void
results_have_the_names_of_errno(void **state)
{
	(void)state;
	assert_string_equal(err_name(OK), "OK");
	assert_string_equal(err_name(ERR_PERM), "EPERM");
	assert_string_equal(err_name(ERR_NOENT), "ENOENT");
	assert_string_equal(err_name(ERR_SRCH), "ESRCH");
	assert_string_equal(err_name(ERR_IO), "EIO");
	assert_string_equal(err_name(ERR_2BIG), "E2BIG");
	assert_string_equal(err_name(ERR_NOEXEC), "ENOEXEC");
	assert_string_equal(err_name(ERR_BADF), "EBADF");
	assert_string_equal(err_name(ERR_CHILD), "ECHILD");
	assert_string_equal(err_name(ERR_AGAIN), "EAGAIN");
	assert_string_equal(err_name(ERR_NOMEM), "ENOMEM");
	assert_string_equal(err_name(ERR_ACCES), "EACCES");
	assert_string_equal(err_name(ERR_FAULT), "EFAULT");
	assert_string_equal(err_name(ERR_BUSY), "EBUSY");
	assert_string_equal(err_name(ERR_EXIST), "EEXIST");
	assert_string_equal(err_name(ERR_NODEV), "ENODEV");
	assert_string_equal(err_name(ERR_INVAL), "EINVAL");
	assert_string_equal(err_name(ERR_MFILE), "EMFILE");
	assert_string_equal(err_name(ERR_NOSPC), "ENOSPC");
	assert_string_equal(err_name(ERR_DEADLK), "EDEADLK");
	assert_string_equal(err_name(ERR_OVERFLOW), "EOVERFLOW");
	assert_string_equal(err_name(ERR_OPNOTSUPP), "EOPNOTSUPP");
}

static void
an_unknown_number_has_a_name_too(void **state)
{
	(void)state;
	assert_string_equal(err_name((err_t)-4095), "E?");
	assert_string_equal(err_name((err_t)1), "E?");
}

TEST_SUITE(err, cmocka_unit_test(results_have_the_names_of_errno),
	   cmocka_unit_test(an_unknown_number_has_a_name_too))
