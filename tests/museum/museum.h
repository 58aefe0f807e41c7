/*
 * museum.h - a library from which one flush at a time is missing.
 *
 * The linker sends every call of a flush function through a wrapper here (--wrap), which
 * knows the call by its return address. One run of all scenes finds out which calls
 * there are; then each is left out in a run of its own, in a process of its own, and the
 * machine must stop that run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SITES_MAX 256

/* One call in the library. `outer` is the call around it, where that makes a difference. */
struct site {
	const char *function;
	uintptr_t   pc;
	uintptr_t   outer; /* 0: all are one */
};

extern struct site museum_sites[SITES_MAX];
extern unsigned	   museum_nr_sites;

/* museum_leave_out - the site whose calls do nothing from now on; -1: none. */
void museum_leave_out(int site);

/* museum_scenes - everything that flushes; stops the machine if something is wrong. */
void museum_scenes(void);
