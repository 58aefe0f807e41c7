/*
 * pager_memory_file.c - files whose contents nobody has to store.
 *
 * Byte `offset` of file `id` is a pure function of the two, so a test, a replay
 * or another machine can say what a page must hold without having the file.
 * Eight bytes come from one mixing step, the lowest byte first on every machine.
 *
 * What a truncation has cut off does not come back when the file grows again: beyond the smallest
 * size it ever had there are zeros. That size is all that the pager keeps.
 */
#include "object/pagers.h"

/* pattern_word - eight bytes of the file; the multipliers are odd numbers with mixed bits. */
static uint64_t
pattern_word(uint64_t id, uint64_t word)
{
	uint64_t x = (id + 1) * 0x9fb21c651e98df25u ^ (word + 1) * 0xd6e8feb86659fd93u;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 29;
}

uint8_t
object_pattern(uint64_t id, uint64_t offset)
{
	return (uint8_t)(pattern_word(id, offset / 8) >> (offset % 8 * 8));
}

/* The smallest size, kept as one more in private_data: NULL is a file that was never cut. */
uint64_t
memory_file_end(const struct object *object)
{
	return object->private_data ? (uintptr_t)object->private_data - 1 : UINT64_MAX;
}

static void
memory_file_truncated(struct object *object, uint64_t size_bytes)
{
	uint64_t size = min_u64(size_bytes, object_size(object));

	if (size < memory_file_end(object))
		object->private_data = (void *)(uintptr_t)(size + 1);
}

static err_t
memory_file_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	uint8_t *bytes = arch_frame_ptr(pfn);
	uint64_t first = index << (ARCH_PAGE_SHIFT - 3);
	uint64_t start = index << ARCH_PAGE_SHIFT;
	uint64_t size = memory_file_end(object);
	uint64_t end = size > start ? min_u64(size - start, ARCH_PAGE_SIZE) : 0;

	for (uint64_t i = 0; i < end; i += 8) {
		uint64_t word = pattern_word(object->id, first + i / 8);

		for (unsigned byte = 0; byte < 8 && i + byte < end; byte++)
			bytes[i + byte] = (uint8_t)(word >> (byte * 8));
	}
	return OK;
}

const struct pager_ops pager_memory_file = {
	.name = "memory file",
	.fill = memory_file_fill,
	.truncated = memory_file_truncated,
};
