/* what: A compare-and-swap looks first, without the lock, and answers what it saw where that is not what was expected.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v8, compare, "__sync_val_compare_and_swap_8", volatile void *object, v8 expected, v8 value)
{
    v8 found = AT(8, object);

    if (found != expected)
        return found;
    ONE_enter(object, 8);
    found = AT(8, object);
    if (found == expected)
        AT(8, object) = value;
    ONE_leave(object, 8);
    return found;
}

STORE(ONE, 8)

#ifdef WITNESS
static v8 n, seen;
THREAD(0) { atomic_store_8(&n, 0x100000001ull, 5); }
THREAD(1) { seen = compare(&n, 5, 6); }
CHECK { return seen == 0 || seen == 0x100000001ull ? 0 : 1; }
#endif
