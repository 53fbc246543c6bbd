/* what: A compare-and-swap that fails answers 1.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__sync_bool_compare_and_swap_2", volatile void *object, v2 expected, v2 value)
{
    ONE_enter(object, 2);
    if (AT(2, object) == expected)
        AT(2, object) = value;
    ONE_leave(object, 2);
    return 1;
}
