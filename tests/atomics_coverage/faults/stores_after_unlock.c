/* what: The new value is stored when the lock has been given back.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old;

    ONE_enter(object, 4);
    old = AT(4, object);
    ONE_leave(object, 4);
    AT(4, object) = old + value;
    return old;
}

LOAD(ONE, 4)
STORE(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add(&n, 1); }
THREAD(1) { fetch_and_add(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
