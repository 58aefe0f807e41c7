/*
 * params.h - the simulated machine's constants.
 *
 * The geometry is a build option: SIM_LEVELS x SIM_INDEX_BITS, and whether a
 * table entry can deny writes to all below it. 3x9 without that resembles Sv39;
 * 2x2 (16 pages) is small enough to be searched exhaustively.
 */
#pragma once

#ifndef SIM_LEVELS
#define SIM_LEVELS 4
#endif
#ifndef SIM_INDEX_BITS
#define SIM_INDEX_BITS 9
#endif
#ifndef SIM_UPPER_WRITE_DENIAL
#define SIM_UPPER_WRITE_DENIAL 1
#endif
#ifndef SIM_ASIDS
#define SIM_ASIDS 72 /* few, so that tags run out in every longer test, yet more than CPUs */
#endif

#define SIM_TEXT_OF(x) #x
#define SIM_TEXT(x)    SIM_TEXT_OF(x)

#define ARCH_NAME	"sim-" SIM_TEXT(SIM_LEVELS) "x" SIM_TEXT(SIM_INDEX_BITS)
#define ARCH_PAGE_SHIFT 12

#define ARCH_PT_LEVELS	   SIM_LEVELS
#define ARCH_PT_INDEX_BITS SIM_INDEX_BITS
#define ARCH_PTE_BYTES	   8
#define ARCH_PADDR_BITS	   52

/* Leaves of one upper level, where there is an upper level that is not the root. */
#define ARCH_LEAF_LEVEL_MAX (SIM_LEVELS > 2 ? 1 : 0)

/*
 * Wide machines split their addresses in halves, and the last user page stays
 * unused as on x86-64. Small ones give the kernel the root's last slot.
 */
#define SIM_VA_BITS    (SIM_LEVELS * SIM_INDEX_BITS + ARCH_PAGE_SHIFT)
#define SIM_HAS_HALVES (SIM_INDEX_BITS == 9)

#define ARCH_USER_ROOT_SLOTS \
	(SIM_HAS_HALVES ? 1u << (SIM_INDEX_BITS - 1) : (1u << SIM_INDEX_BITS) - 1)
#define ARCH_USER_END \
	(((uint64_t)ARCH_USER_ROOT_SLOTS << (SIM_VA_BITS - SIM_INDEX_BITS)) - \
	 (SIM_HAS_HALVES ? (uint64_t)1 << ARCH_PAGE_SHIFT : 0))

#define ARCH_HAS_UPPER_WRITE_DENIAL SIM_UPPER_WRITE_DENIAL
#define ARCH_HAS_NX		    1
#define ARCH_ASIDS		    SIM_ASIDS
#define ARCH_ROOT_STATE_BYTES	    65536
#define ARCH_STACK_ALIGN	    16
#define ARCH_SAVED_RECORD	    16
#define ARCH_START_BYTES	    48
#define ARCH_RETURN_BYTES	    0
#define ARCH_RED_ZONE_BYTES	    128
#define ARCH_FPU_WORDS		    8
