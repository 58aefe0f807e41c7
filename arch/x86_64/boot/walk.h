/*
 * walk.h - the hardware's reading of page tables, written apart from the library's codec.
 */
#pragma once

#include <anymm/arch.h>

/* What a walk gives: SDM vol. 3A, 4.5 and 4.6. */
struct hardware_view {
	bool	 present;		     /* at every level */
	bool	 user, writable, executable; /* at every level */
	paddr_t	 paddr;			     /* of the byte, also inside a large page */
	unsigned level;			     /* 0: a page; 1, 2: a large one */
};

/* hardware_walk - through the tables whose root is `root`. */
struct hardware_view hardware_walk(paddr_t root, vaddr_t va);
