/*
 * walk.c - see walk.h. Bit by bit from the manual's tables, so that it can be held
 * against what the library says its entries mean.
 */
#include "walk.h"

#include "boot.h"

#define BIT_PRESENT  0
#define BIT_WRITE    1
#define BIT_USER     2
#define BIT_LARGE    7
#define BIT_NX	     63
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)

static bool
bit(uint64_t entry, unsigned n)
{
	return entry >> n & 1;
}

struct hardware_view
hardware_walk(paddr_t root, vaddr_t va)
{
	struct hardware_view v = { .user = true, .writable = true, .executable = true };
	const uint64_t	    *table = direct((paddr_t){ root.raw & ADDRESS_MASK });

	for (unsigned level = 3;; level--) {
		unsigned shift = 12 + 9 * level;
		uint64_t entry = __atomic_load_n(&table[va >> shift & 511], __ATOMIC_ACQUIRE);
		uint64_t offset_mask = (UINT64_C(1) << shift) - 1;

		v.present = bit(entry, BIT_PRESENT);
		v.level = level;
		if (!v.present)
			return v;
		v.user &= bit(entry, BIT_USER);
		v.writable &= bit(entry, BIT_WRITE);
		v.executable &= !bit(entry, BIT_NX);
		if (level == 0 || (level < 3 && bit(entry, BIT_LARGE))) {
			v.paddr.raw = (entry & ADDRESS_MASK & ~offset_mask) | (va & offset_mask);
			return v;
		}
		table = direct((paddr_t){ entry & ADDRESS_MASK });
	}
}
