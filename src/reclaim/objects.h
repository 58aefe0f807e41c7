/*
 * objects.h - the clock over objects: file pages and other pages that can be had again.
 */
#pragma once

#include "reclaim/state.h"

/*
 * objects_reclaim - move the hand on until about nr_frames have become free, but at most twice
 * around.
 *   gives  the number of frames that became free
 */
uint64_t objects_reclaim(uint64_t nr_frames);
