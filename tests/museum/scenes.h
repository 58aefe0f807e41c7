/*
 * scenes.h - what the scenes of the museum share: each plays on a machine of its own and stops if
 * something is wrong.
 */
#pragma once

#include "museum.h"

#include <anymm/swap.h>

#include <sim/sim.h>

#include "model/story.h"

#define PAGE ARCH_PAGE_SIZE

extern struct story scene_story;

/* scene_must - or the run ends, saying what. scene_check - every invariant holds. */
void scene_must(bool good, const char *what);
void scene_check(void);

/* scene_space - an empty one. scene_map - private memory there; 0: anywhere. scene_store - a 1; into all. */
struct space *scene_space(void);
vaddr_t	      scene_map(struct space *sp, vaddr_t addr, uint64_t pages);
void	      scene_store(struct space *sp, vaddr_t va);
void	      scene_store_all(struct space *sp, vaddr_t va, uint64_t nr_pages);

/* scene_leave - no CPU has it active any more. */
void scene_leave(struct space *sp);

/* scene_begin - a machine, and an empty space on it. scene_end - every invariant holds, and both go. */
struct space *scene_begin(void);
void	      scene_end(struct space *sp);

/* The same with a swap device that remembers nothing: nobody may read there. */
struct space *scene_begin_with_swap(void);
void	      scene_end_with_swap(struct space *sp);

/* scenes_with_a_swap_device - pages that go out, and those that must not. */
void scenes_with_a_swap_device(void);

/* scenes_of_counts - whatever is counted is taken, and given back. */
void scenes_of_counts(void);
