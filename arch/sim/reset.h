/* reset.h - going back to a snapshot: what the other files tell and ask. */
#pragma once

#include "machine.h"

/* reset_forget - drop the snapshot, if there is one. */
void reset_forget(void);

/* reset_frame_used - the frame goes into use; if that is the first time since the snapshot, note it. */
void reset_frame_used(pfn_t pfn);
