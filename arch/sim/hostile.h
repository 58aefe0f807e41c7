/* hostile.h - hardware that uses every liberty it has; off unless a test asks. */
#pragma once

#include "machine.h"

extern bool hostile_accessed_on;
extern bool hostile_faults_on;

/* hostile_point - a CPU speculates: some entry that it could use is marked accessed. */
void hostile_point(void);
