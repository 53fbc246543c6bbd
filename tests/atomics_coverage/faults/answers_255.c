/* what: The truth value is 255, as scc leaves it, and not 1.
   finds: result
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__sync_bool_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    v4 found;
    byte equal;

    ONE_enter(object, 4);
    found = AT(4, object);
    if (found == expected)
        AT(4, object) = value;
    ONE_leave(object, 4);
    __asm__ volatile("cmp.l %1,%2\n\tseq %0" : "=d"(equal) : "d"(found), "d"(expected) : "cc");
    return equal;
}
