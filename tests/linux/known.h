/*
 * known.h - where the library differs from Linux and is meant to, or Linux from itself.
 */
#pragma once

#include <stdio.h>

#include "pair.h"

/* known_reason - why this difference is no error, or NULL. */
const char *known_reason(const struct verdict *verdict);

/*
 * known_residency - the call tells which pages are in memory, and that is the kernel's own choice
 * here: nothing else differs, so the sequence goes on.
 */
bool known_residency(const struct verdict *verdict);

/* known_print - the whole list, a line each; `seen`: how often each was met. */
void known_print(FILE *out);

/* known_table - the list as a table of Markdown. */
void known_table(FILE *out);
