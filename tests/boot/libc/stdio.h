/* stdio.h - for the image: the part of it that tests use. There are no files. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct boot_file FILE;

int snprintf(char *buf, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t bytes, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* fopen finds nothing, so nobody has a file for the others. */
FILE *fopen(const char *path, const char *mode);
int   vfprintf(FILE *file, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
int   fflush(FILE *file);
int   fclose(FILE *file);
