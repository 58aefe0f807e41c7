/*
 * params.h - the constants of the machine; arch.h says what each means.
 *
 * The values here are those of a small machine with three levels of 512 entries.
 */
#pragma once

#define ARCH_NAME		    "template"
#define ARCH_PAGE_SHIFT		    12
#define ARCH_PT_LEVELS		    3
#define ARCH_PT_INDEX_BITS	    9
#define ARCH_PTE_BYTES		    8
#define ARCH_LEAF_LEVEL_MAX	    1
#define ARCH_PADDR_BITS		    48
#define ARCH_USER_END		    (UINT64_C(1) << 38)
#define ARCH_USER_ROOT_SLOTS	    256
#define ARCH_HAS_UPPER_WRITE_DENIAL 0
#define ARCH_HAS_NX		    1
#define ARCH_ASIDS		    256
#define ARCH_ROOT_STATE_BYTES	    65536
#define ARCH_STACK_ALIGN	    16
#define ARCH_SAVED_RECORD	    16
#define ARCH_START_BYTES	    64
#define ARCH_RETURN_BYTES	    0
#define ARCH_RED_ZONE_BYTES	    0
#define ARCH_FPU_WORDS		    32
