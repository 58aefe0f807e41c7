/*
 * snapshot.h - the state of a machine of tests, kept and brought back.
 */
#pragma once

#include <anymm/platform.h>

/* snapshot_keep - of the machine whose frames are `range`, in the memory behind `spare`. */
void snapshot_keep(struct boot_range range, struct boot_range spare);

/* snapshot_restore - the machine as it was then, on every CPU. The caller goes on on that CPU. */
void snapshot_restore(void);
