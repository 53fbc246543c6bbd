/* what: The generic store copies whole words, rounded up.
   finds: neighbour outside
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(void, store, "__atomic_store", size bytes, volatile void *object, const void *input, int order)
{
    volatile v4 *to = object;
    const volatile v4 *from = input;
    size words = (bytes + 3) / 4;

    (void)order;
    ONE_enter(object, bytes);
    while (words--)
        *to++ = *from++;
    ONE_leave(object, bytes);
}

GENERIC_LOAD(ONE)
