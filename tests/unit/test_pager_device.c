/* test_pager_device.c - device memory: mapped with its type, never counted, gone with the device. */
#include "unit/sketch.h"

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

TEST_SUITE(pager_device, cmocka_unit_test(frames_are_mapped_and_not_counted),
	   cmocka_unit_test(a_device_is_no_file))
