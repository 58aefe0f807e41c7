/*
 * pins.h - tables below which private pages may be pinned.
 */
#pragma once

#include <anymm/pt.h>

/*
 * pt_note_pins - every table on the way to the range says from now on that something below it may
 * be pinned, so that a fork looks into it. HOLDS_READ the space's lock.
 */
void pt_note_pins(const struct pt *pt, struct va_range range);
