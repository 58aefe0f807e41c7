/* test_fs_context.c - working directory, root and mask: counted, copied, shared. */
#include "unit/kin.h"

#include <anymm/fs_context.h>

#include "proc/state.h"

/* WNX-22, LUN-32, ALM-25: a copy has one more reference on each directory and goes its own way. */
static void
a_copy_goes_its_own_way(void **state)
{
	struct fs_context *fs;
	struct resource	  *cwd, *root, *next, *copy;

	(void)state;
	kin_first();
	cwd = kin_thing();
	root = kin_thing();
	EXPECT_OK(fs_context_create(cwd, root, 07777, &fs));
	EXPECT_OK(resource_inherit(&fs->resource, INHERIT_COPY, &copy));
	assert_int_equal(resource_refs(cwd), 2);
	assert_int_equal(resource_refs(root), 2);
	next = kin_thing();
	fs_set_cwd(fs, next);
	assert_int_equal(resource_refs(cwd), 1);
	assert_int_equal(fs_set_mask(fs, 022), 0777);
	assert_ptr_equal(fs_cwd((struct fs_context *)copy), cwd);
	resource_put(cwd);
	assert_int_equal(fs_set_mask((struct fs_context *)copy, 0), 0777);
	fs_set_root(fs, NULL);
	assert_null(fs_root(fs));
	assert_int_equal(resource_refs(root), 1);
	resource_put(&fs->resource);
	assert_int_equal(kin_things(), 2);
	resource_put(copy);
	kin_end();
}

/* DRG-22: with PROC_SHARE_FS a change by one is seen by the other. */
static void
sharers_see_each_others_changes(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *child;
	struct fs_context *fs;
	struct resource	  *next;

	(void)state;
	EXPECT_OK(fs_context_create(kin_thing(), kin_thing(), 022, &fs));
	proc_set_resource(first, RESOURCE_FS, &fs->resource);
	child = kin_child(first, PROC_SHARE_FS);
	next = kin_thing();
	fs_set_cwd((struct fs_context *)child->resources[RESOURCE_FS], next);
	assert_ptr_equal(fs_cwd(fs), next);
	resource_put(next);
	EXPECT_OK(proc_unshare(child, RESOURCE_FS));
	fs_set_cwd(fs, NULL);
	assert_ptr_equal(fs_cwd((struct fs_context *)child->resources[RESOURCE_FS]), next);
	resource_put(next);
	kin_end();
}

static void
lack_of_memory_takes_nothing(void **state)
{
	struct fs_context *fs;
	struct resource	  *cwd, *copy;

	(void)state;
	kin_first();
	cwd = kin_thing();
	machine_fail_allocation(1, false);
	EXPECT_ERR(fs_context_create(cwd, NULL, 0, &fs), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(resource_refs(cwd), 1);
	EXPECT_OK(fs_context_create(cwd, NULL, 0, &fs));
	machine_fail_allocation(1, false);
	EXPECT_ERR(resource_inherit(&fs->resource, INHERIT_COPY, &copy), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(resource_refs(cwd), 1);
	resource_put(&fs->resource);
	kin_end();
}

TEST_SUITE(fs_context, cmocka_unit_test(a_copy_goes_its_own_way),
	   cmocka_unit_test(sharers_see_each_others_changes),
	   cmocka_unit_test(lack_of_memory_takes_nothing))
