/* what: The old value is read before the lock is taken.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v2, or_and_fetch, "__sync_or_and_fetch_2", volatile void *object, v2 value)
{
    v2 old = AT(2, object);

    ONE_enter(object, 2);
    AT(2, object) = old | value;
    ONE_leave(object, 2);
    return old | value;
}

LOAD(ONE, 2)
VAL_CAS(ONE, 2)

#ifdef WITNESS
static v2 n;
THREAD(0) { or_and_fetch(&n, 1); }
THREAD(1) { or_and_fetch(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
