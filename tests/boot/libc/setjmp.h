/* setjmp.h - for the image: see setjmp.S. */
#pragma once

#include <stdint.h>

typedef uint64_t jmp_buf[8];

int		       setjmp(jmp_buf env) __attribute__((returns_twice));
[[gnu::noreturn]] void longjmp(jmp_buf env, int value);
