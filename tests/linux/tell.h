/*
 * tell.h - operations as text, and a sequence as a scenario.
 */
#pragma once

#include <stdio.h>

#include "pair.h"

/* tell_op - one line of the scenario language, with the result that it had on Linux. */
void tell_op(FILE *out, const struct op *op, const struct result *result);

/* tell_scenario - runs the sequence on Linux once more and tells it, as Linux did it. */
void tell_scenario(FILE *out, struct setup *setup, const struct op *ops, unsigned nr,
		   const struct verdict *verdict);
