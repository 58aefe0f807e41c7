/*
 * tables.h - the clock over page tables: private anonymous pages go to the swap device.
 */
#pragma once

#include "reclaim/state.h"

/*
 * tables_reclaim - move the hand on until about nr_frames have become free, but at most twice
 * around, so that every page has been asked twice.
 *   gives  the number of frames that became free
 */
uint64_t tables_reclaim(uint64_t nr_frames);
