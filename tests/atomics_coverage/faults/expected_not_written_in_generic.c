/* what: The generic compare-exchange that fails does not say what it found.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange", size bytes, volatile byte *object, volatile byte *expected,
       const void *input, int order, int failure)
{
    int equal = 1;
    size place;

    (void)order, (void)failure;
    ONE_enter(object, bytes);
    for (place = 0; place < bytes; place++)
        equal &= object[place] == expected[place];
    if (equal)
        copy(object, input, bytes);
    ONE_leave(object, bytes);
    return equal;
}
