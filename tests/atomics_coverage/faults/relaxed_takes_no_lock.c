/* what: Relaxed operations take no lock, as if relaxed meant not atomic.
   finds: history final
   survives: the order is an argument, which no level knows
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, fetch_and_add, "__atomic_fetch_add_4", volatile void *object, v4 value, int order)
{
    v4 old;

    if (order)
        ONE_enter(object, 4);
    old = AT(4, object);
    AT(4, object) = old + value;
    if (order)
        ONE_leave(object, 4);
    return old;
}

STORE(ONE, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add(&n, 1, 0); }
THREAD(1) { fetch_and_add(&n, 2, 0); }
CHECK { return n == 3 ? 0 : 1; }
#endif
