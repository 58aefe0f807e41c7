/* string.h - for the image: the part of it that tests use. */
#pragma once

#include "base/mem.h"

size_t strlen(const char *s);
int    strcmp(const char *a, const char *b);
int    strncmp(const char *a, const char *b, size_t most);
char  *strchr(const char *s, int byte);
char  *strstr(const char *s, const char *part);
