/*
 * kernel_window.h - translations of the window of kernel stacks that were taken back.
 */
#pragma once

#include "machine.h"

/* kernel_window_start - nothing is stale. Also when a machine is reset: caches are empty then. */
void kernel_window_start(void);

/* kernel_window_entry_changed - any entry, of any table. */
void kernel_window_entry_changed(const uint64_t *slot, uint64_t old, uint64_t next);

/* kernel_window_flush_all - the calling CPU has dropped everything. gives whether it had to. */
bool kernel_window_flush_all(void);

/* kernel_window_frame_retired - the frame becomes free: no CPU may have a way to it any more. */
void kernel_window_frame_retired(pfn_t pfn);
