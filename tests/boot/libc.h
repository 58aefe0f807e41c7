/* libc.h - between the tests of the image and their memory. */
#pragma once

/* libc_forget_memory - take back all that malloc has given. */
void libc_forget_memory(void);
