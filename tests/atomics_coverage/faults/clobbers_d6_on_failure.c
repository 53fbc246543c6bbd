/* what: A compare-exchange that fails changes d6.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange_2", volatile void *object, volatile void *expected, v2 value,
       int order, int failure)
{
    v2 found;
    int equal;

    (void)order, (void)failure;
    ONE_enter(object, 2);
    found = AT(2, object);
    equal = found == AT(2, expected);
    if (equal)
        AT(2, object) = value;
    ONE_leave(object, 2);
    if (!equal) {
        __asm__ volatile("move.w %0,%%d6" : : "d"(found) : "cc");
        AT(2, expected) = found;
    }
    return equal;
}
