/*
 * objects.h - the clocks over objects: pages that can be had again, and pages that go to the swap device.
 */
#pragma once

#include "reclaim/state.h"

/*
 * objects_reclaim - move the hand over objects of this class on until about nr_frames have become free,
 * but at most twice around.
 *   gives  the number of frames that became free
 */
uint64_t objects_reclaim(enum object_class class, uint64_t nr_frames);
