/* stdlib.h - for the image: memory that lasts until the next test begins. */
#pragma once

#include <stddef.h>

void		      *malloc(size_t bytes);
void		      *calloc(size_t nr, size_t bytes);
void		       free(void *p);
[[gnu::noreturn]] void abort(void);

/* getenv - NULL: there is no environment. */
char *getenv(const char *name);
