/* what: Exchange tries its cas once, and answers as if it had stored.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v4, exchange, "__atomic_exchange_4", volatile void *object, v4 value, int order)
{
    v4 old = AT(4, object);

    (void)order;
    cas_4(object, old, value);
    return old;
}

#ifdef WITNESS
static v4 n, was[2];
THREAD(0) { was[0] = exchange(&n, 1, 5); }
THREAD(1) { was[1] = exchange(&n, 2, 5); }
CHECK { return was[0] + was[1] != 0 ? 0 : 1; }
#endif
