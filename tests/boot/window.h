/*
 * window.h - RAM as a test wants it: any memory map on any PC.
 */
#pragma once

#include <anymm/platform.h>

/*
 * window_open - the library's direct map becomes a window in which frames exist where `ranges`
 * has RAM. Each gets memory, one page of `spare`, when it is first touched.
 *
 *   needs  ranges stay as they are until window_close; no CPU loads a table of this machine,
 *          because its frames are not at their physical addresses
 */
void window_open(const struct boot_range *ranges, unsigned nr_ranges, struct boot_range spare);

/* window_close - the direct map of the image again. Translations are the caller's to flush. */
void window_close(void);

bool window_is_open(void);
