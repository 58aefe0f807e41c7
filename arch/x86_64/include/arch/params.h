/*
 * params.h - constants of a 64-bit PC with four levels of tables.
 *
 * User space ends one page below the canonical hole: a SYSRET to the very last
 * instruction's successor would otherwise load a non-canonical RIP in kernel
 * mode (SDM vol. 2, SYSRET).
 */
#pragma once

#define ARCH_NAME		    "x86_64"
#define ARCH_PAGE_SHIFT		    12
#define ARCH_PT_LEVELS		    4
#define ARCH_PT_INDEX_BITS	    9
#define ARCH_PTE_BYTES		    8
#define ARCH_LEAF_LEVEL_MAX	    1
#define ARCH_PADDR_BITS		    52
#define ARCH_USER_END		    UINT64_C(0x00007ffffffff000)
#define ARCH_USER_ROOT_SLOTS	    256
#define ARCH_HAS_UPPER_WRITE_DENIAL 1
#define ARCH_HAS_NX		    1
#define ARCH_ASIDS		    4096
#define ARCH_ROOT_STATE_BYTES	    65536
#define ARCH_STACK_ALIGN	    16 /* System V ABI, 3.2.2 */
#define ARCH_SAVED_RECORD	    40
#define ARCH_START_BYTES	    80
#define ARCH_RETURN_BYTES	    8
#define ARCH_RED_ZONE_BYTES	    128 /* the same */
#define ARCH_FPU_WORDS		    32	/* XMM0 to XMM15 */
