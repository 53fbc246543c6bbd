/* what: A compare-exchange of 1 byte that fails writes 4 to where its caller expects one.
   finds: neighbour
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange_1", volatile void *object, volatile void *expected, v1 value,
       int order, int failure)
{
    v1 found;

    (void)order, (void)failure;
    ONE_enter(object, 1);
    found = AT(1, object);
    if (found == AT(1, expected))
        AT(1, object) = value;
    ONE_leave(object, 1);
    if (found == AT(1, expected))
        return 1;
    AT(4, expected) = found * 0x01000000u;
    return 0;
}
