/* inttypes.h - for the image: format letters of the fixed widths. */
#pragma once

#include <stdint.h>

#define PRIu32 "u"
#define PRIx32 "x"
#define PRId64 "ld"
#define PRIu64 "lu"
#define PRIx64 "lx"
