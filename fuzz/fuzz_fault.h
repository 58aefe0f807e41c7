/* fuzz_fault.h - an input of the fault fuzzer, for the program that explains it. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* fuzz_fault_run - one input; ends the process on a difference. `out`: the story as a scenario, or NULL. */
void fuzz_fault_run(const uint8_t *data, size_t bytes, FILE *out);
