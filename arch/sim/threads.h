/* threads.h - CPUs that are host threads. */
#pragma once

#include <stdbool.h>

/* threads_run - a host thread plays this CPU now. */
bool threads_run(unsigned cpu);
