/* libc.h - between the tests of the image and their memory. */
#pragma once

#include <stddef.h>

/* libc_give_memory - what malloc gives comes from here. Once. */
void libc_give_memory(void *start, size_t bytes);

/* libc_forget_memory - take back all that malloc has given. */
void libc_forget_memory(void);
