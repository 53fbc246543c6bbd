/* what: A compare-and-swap of 2 bytes compares the low one.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v2, compare, "__sync_val_compare_and_swap_2", volatile void *object, v2 expected, v2 value)
{
    v2 found;

    ONE_enter(object, 2);
    found = AT(2, object);
    if ((found & 0xff) == (expected & 0xff))
        AT(2, object) = value;
    ONE_leave(object, 2);
    return found;
}
