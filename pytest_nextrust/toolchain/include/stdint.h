/* The compiler's own types. GNU C's header of this name wants a library's behind it in a hosted program; the one that it
   falls back on does not. */
#if __has_include(<stdint-gcc.h>)
#include <stdint-gcc.h>
#else
#include_next <stdint.h>
#endif
