/* what: A compare-and-swap that fails returns without giving the lock back.
   finds: deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore deadlock */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, compare, "__sync_val_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    v4 found;

    ONE_enter(object, 4);
    found = AT(4, object);
    if (found != expected)
        return found;
    AT(4, object) = value;
    ONE_leave(object, 4);
    return found;
}

LOAD(ONE, 4)
STORE(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { compare(&n, 1, 2); }
THREAD(1) { atomic_store_4(&n, 1, 5); }
#endif
