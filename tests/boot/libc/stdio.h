/* stdio.h - for the image: the one function of it that tests use. */
#pragma once

#include <stddef.h>

int snprintf(char *buf, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
