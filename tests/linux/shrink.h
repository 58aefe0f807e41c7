/*
 * shrink.h - makes a sequence that differs as short as it can.
 */
#pragma once

#include "pair.h"

/*
 * shrink - cut `ops` down; gives how many are left. *verdict, that of the whole sequence,
 * becomes that of what is left.
 */
unsigned shrink(struct setup *setup, struct op *ops, unsigned nr, struct verdict *verdict);
