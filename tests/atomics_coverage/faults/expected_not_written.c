/* what: A compare-exchange that fails does not say what it found.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange_4", volatile void *object, volatile void *expected, v4 value,
       int order, int failure)
{
    v4 found;

    (void)order, (void)failure;
    ONE_enter(object, 4);
    found = AT(4, object);
    if (found == AT(4, expected))
        AT(4, object) = value;
    ONE_leave(object, 4);
    return found == AT(4, expected);
}
