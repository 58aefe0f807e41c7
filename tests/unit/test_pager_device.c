/* test_pager_device.c - device memory: mapped with its type, never counted, gone with the device. */
#include "unit/sketch.h"

#include <anymm/call.h>
#include <anymm/reclaim.h>

/* Frames that stand for the device's memory: they belong to the test, and nobody else counts them. */
static struct device_memory device;

static struct space *
space_with_device(struct object **out)
{
	struct space *sp = sketch_space();

	device.type = MEM_UNCACHED;
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = 1 },
			      &device.first));
	EXPECT_OK(object_create_device(3, device, 2, out));
	return sp;
}

/* DRG-15. */
static void
frames_are_mapped_and_not_counted(void **state)
{
	struct object *dev;
	struct space  *sp = space_with_device(&dev);
	struct space  *child, *without;

	(void)state;
	sketch_map_file(sp, 1, 4, PROT_RW, dev, 0, MAPF_SHARED);
	sketch_store(sp, 2, 22);
	assert_int_equal(*(uint8_t *)arch_frame_ptr(pfn_add(device.first, 1)), 22);
	assert_int_equal(frame_count(device.first), 1);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 3), FAULT_BUS_ADRERR);
	EXPECT_OK(space_fork(sp, &child));
	sketch_store(child, 2, 23);
	assert_int_equal(sketch_load(sp, 2), 23);
	machine_check_invariants();
	/* a child has it as it has other shared memory, unless its parent says otherwise */
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTFORK));
	EXPECT_OK(space_fork(sp, &without));
	EXPECT_REGIONS(without, "");
	assert_int_equal(sketch_access(without, ACCESS_LOAD, 1), FAULT_SEGV_MAPERR);
	pt_deactivate(&without->pt);
	space_put(without);
	object_resize(dev, ARCH_PAGE_SIZE);
	assert_false(sketch_is_present(sp, 2));
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 2), FAULT_BUS_ADRERR);
	assert_int_equal(sketch_load(sp, 1), *(uint8_t *)arch_frame_ptr(device.first));
	pt_deactivate(&child->pt);
	space_put(child);
	object_put(dev);
	pt_deactivate(&sp->pt);
	space_put(sp);
	frame_release(device.first);
	machine_check();
}

static void
a_device_is_no_file(void **state)
{
	struct object	  *dev;
	struct space	  *sp = space_with_device(&dev);
	struct map_request request = {
		.length = ARCH_PAGE_SIZE, .prot = PROT_R, .flags = MAPF_PRIVATE, .object = dev
	};
	vaddr_t va;
	uint8_t byte;
	size_t	done;
	pfn_t	pfn;

	(void)state;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_INVAL);
	EXPECT_ERR(object_get_page(dev, 0, &pfn), ERR_FAULT);
	EXPECT_ERR(object_read(dev, 0, &byte, 1, &done), ERR_INVAL);
	EXPECT_ERR(object_write(dev, 0, &byte, 1, &done), ERR_INVAL);
	EXPECT_OK(object_write_back(dev, 0, 2));
	object_put(dev);
	pt_deactivate(&sp->pt);
	space_put(sp);
	frame_release(device.first);
	machine_check();
}

/*
 * Frames of most devices are no RAM: no direct map shows them, and no descriptor stands for them. Pages
 * 1 and 2 of the space, mapped and not touched.
 */
static struct space *
space_with_registers(struct object **out)
{
	const struct device_memory registers = {
		.first = { ((uint64_t)1 << 32) >> ARCH_PAGE_SHIFT }, .type = MEM_UNCACHED
	};
	struct space *sp = sketch_space();

	EXPECT_OK(object_create_device(3, registers, 2, out));
	sketch_map_file(sp, 1, 3, PROT_RW, *out, 0, MAPF_SHARED);
	assert_int_equal(fault_handle(sp, PAGE(1), ACCESS_STORE), FAULT_DONE);
	assert_int_equal(fault_handle(sp, PAGE(2), ACCESS_LOAD), FAULT_DONE);
	return sp;
}

/* The kernel's own copies would go through the direct map: they stop before a device, mapped or not. */
static void
the_kernel_copies_nothing_of_a_device(void **state)
{
	struct object		 *dev;
	struct space		 *sp = space_with_registers(&dev);
	const struct user_iovec	  there = { PAGE(1), 8 }, here = { PAGE(5), 8 };
	struct process_vm_request request = { .local = sp,
					      .remote = sp,
					      .local_vec = PAGE(4),
					      .nr_local = 1,
					      .remote_vec = PAGE(4) + sizeof(here),
					      .nr_remote = 1 };
	uint64_t		  done;
	uint8_t			  bytes[16] = { 0 };

	(void)state;
	sketch_map(sp, 3, 6, PROT_RW, 0);
	assert_int_equal(copy_from_space(sp, bytes, PAGE(1), 16), 16);
	assert_int_equal(copy_to_space(sp, PAGE(3) - 8, bytes, 16), 16);
	assert_int_equal(copy_to_space(sp, PAGE(4), &here, sizeof(here)), 0);
	assert_int_equal(copy_to_space(sp, PAGE(4) + sizeof(here), &there, sizeof(there)), 0);
	EXPECT_ERR(call_process_vm_readv(&request, &done), ERR_FAULT);
	EXPECT_ERR(call_process_vm_writev(&request, &done), ERR_FAULT);
	EXPECT_ERR(call_mincore(sp, PAGE(5), PAGE(1), PAGE(1)), ERR_FAULT);
	EXPECT_OK(call_munmap(sp, PAGE(1), PAGE(2)));
	sketch_map_file(sp, 1, 3, PROT_RW, dev, 0, MAPF_SHARED);
	assert_int_equal(copy_from_space(sp, bytes, PAGE(1), 16), 16);
	object_put(dev);
	sketch_end(sp);
}

/* Whatever else is done to it never looks at the frames. */
static void
nothing_looks_at_the_frames_of_a_device(void **state)
{
	struct object	    *dev;
	struct space	    *sp = space_with_registers(&dev), *child;
	struct remap_request move = { PAGE(1), PAGE(2), PAGE(2), REMAP_MAYMOVE | REMAP_FIXED,
				      PAGE(8) };
	uint64_t	     moved;
	uint8_t		     vec[2];
	vaddr_t		     at;
	pfn_t		     pfn;

	(void)state;
	sketch_map(sp, 5, 6, PROT_RW, 0);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(call_mprotect(child, PAGE(1), PAGE(2), PROT_R));
	assert_int_equal(fault_handle(child, PAGE(1), ACCESS_LOAD), FAULT_DONE);
	EXPECT_OK(call_munmap(child, PAGE(2), PAGE(1)));
	space_put(child);
	EXPECT_OK(call_mlock(sp, PAGE(1), PAGE(2)));
	EXPECT_OK(call_munlock(sp, PAGE(1), PAGE(2)));
	EXPECT_OK(space_resident(sp, PAGE(1), 2, vec, &moved));
	assert_int_equal(vec[0] + vec[1], 2);
	EXPECT_ERR(call_pin(sp, PAGE(1), 1, 0, &pfn), ERR_FAULT);
	EXPECT_OK(space_migrate(sp, PAGE(1), PAGE(2), 0, &moved));
	assert_int_equal(moved, 0);
	EXPECT_OK(call_madvise(sp, PAGE(5), PAGE(1), ADVICE_NEXT_TOUCH));
	(void)reclaim_run(16);
	(void)reclaim_run(16);
	EXPECT_OK(call_msync(sp, PAGE(1), PAGE(2), SYNC_SYNC));
	EXPECT_OK(call_mremap(sp, &move, &at));
	machine_check_invariants();
	object_resize(dev, ARCH_PAGE_SIZE);
	assert_false(sketch_is_present(sp, 9));
	assert_true(sketch_is_present(sp, 8));
	object_put(dev);
	sketch_end(sp);
}

/* What Linux allows with memory of a device, and what not. */
static void
a_device_is_not_managed(void **state)
{
	static const enum advice refused[] = { ADVICE_DONTNEED,	      ADVICE_FREE,
					       ADVICE_DOFORK,	      ADVICE_DODUMP,
					       ADVICE_WIPEONFORK,     ADVICE_COLD,
					       ADVICE_PAGEOUT,	      ADVICE_POPULATE_READ,
					       ADVICE_POPULATE_WRITE, ADVICE_DONTNEED_LOCKED,
					       ADVICE_COLLAPSE,	      ADVICE_GUARD_INSTALL,
					       ADVICE_GUARD_REMOVE,   ADVICE_NEXT_TOUCH };
	static const enum advice fine[] = { ADVICE_NORMAL,     ADVICE_WILLNEED,	  ADVICE_DONTFORK,
					    ADVICE_HUGEPAGE,   ADVICE_NOHUGEPAGE, ADVICE_DONTDUMP,
					    ADVICE_KEEPONFORK, ADVICE_MERGEABLE,  ADVICE_RANDOM };
	struct object		*dev;
	struct space		*sp = space_with_registers(&dev);
	struct remap_request	 remap = { PAGE(1), PAGE(2), PAGE(3), REMAP_MAYMOVE, 0 };
	vaddr_t			 at;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_ERR(call_madvise(sp, PAGE(1), PAGE(2), refused[i]), ERR_INVAL);
	EXPECT_ERR(call_madvise(sp, PAGE(1), PAGE(2), ADVICE_REMOVE), ERR_NODEV);
	EXPECT_REGIONS(sp, "1-3 rw shared dontdump @3:0");
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		EXPECT_OK(call_madvise(sp, PAGE(1), PAGE(2), fine[i]));
	EXPECT_REGIONS(sp, "1-3 rw shared dontfork random nohuge dontdump @3:0");
	EXPECT_OK(call_mlock(sp, PAGE(1), PAGE(2)));
	EXPECT_OK(call_mlockall(sp, LOCKALL_CURRENT | LOCKALL_FUTURE));
	sketch_map_file(sp, 5, 6, PROT_R, dev, 1, MAPF_SHARED | MAPF_LOCKED);
	EXPECT_REGIONS(
		sp,
		"1-3 rw shared dontfork random nohuge dontdump @3:0, 5-6 r shared dontdump @3:1");
	assert_int_equal(sp->locked_pages, 0);
	sketch_map(sp, 3, 5, PROT_RW, 0); /* before and behind page 5, which has an entry */
	sketch_map(sp, 6, 7, PROT_RW, 0);
	assert_int_equal(fault_handle(sp, PAGE(5), ACCESS_LOAD), FAULT_DONE);
	EXPECT_OK(call_munlockall(sp));
	EXPECT_OK(call_mlock(sp, PAGE(1), PAGE(6)));
	machine_check_invariants();
	EXPECT_ERR(call_mremap(sp, &remap, &at), ERR_FAULT);
	remap.old_length = 0;
	EXPECT_ERR(call_mremap(sp, &remap, &at), ERR_FAULT);
	remap.old_length = remap.new_length = PAGE(2);
	remap.flags = REMAP_MAYMOVE | REMAP_DONTUNMAP;
	EXPECT_ERR(call_mremap(sp, &remap, &at), ERR_INVAL);
	object_put(dev);
	sketch_end(sp);
}

TEST_SUITE(pager_device, cmocka_unit_test(the_kernel_copies_nothing_of_a_device),
	   cmocka_unit_test(nothing_looks_at_the_frames_of_a_device),
	   cmocka_unit_test(a_device_is_not_managed),
	   cmocka_unit_test(frames_are_mapped_and_not_counted),
	   cmocka_unit_test(a_device_is_no_file))
