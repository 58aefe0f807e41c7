/*
 * template.c - what a machine that is being written says in place of the laws
 * that do not hold yet.
 */
#include "harness.h"

#include <stdlib.h>

#include <template/missing.h>

void
template_missing(const char *law, const char *function)
{
	fail_msg("%s: %s is not written yet", law, function);
	abort();
}
