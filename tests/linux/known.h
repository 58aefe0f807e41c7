/*
 * known.h - where the library differs from Linux and is meant to, or Linux from itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include "pair.h"

#define MAX_KNOWN 32

/* A difference that is meant, or an accident of Linux. */
struct known {
	const char *what;
	const char *why;
	bool (*explains)(const struct verdict *verdict); /* NULL: it ends no sequence */
	bool is_passed_over;				 /* met, and the sequence goes on */
};
extern const struct known known[];

/* known_reason - which of them this difference is, or NULL. */
const struct known *known_reason(const struct verdict *verdict);

/*
 * known_residency - the call tells which pages are in memory, and that is the kernel's own choice
 * here: nothing else differs, so the sequence goes on. NULL: it is not.
 */
const struct known *known_residency(const struct verdict *verdict);

/* known_print - the whole list, a line each; `met`: how often each was met. */
void known_print(FILE *out, const _Atomic uint64_t *met);

/* known_table - the list as a table of Markdown. */
void known_table(FILE *out);
