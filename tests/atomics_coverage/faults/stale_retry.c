/* what: After a failed cas the old value is read again, but the new one is not computed again.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v4, add_and_fetch, "__sync_add_and_fetch_4", volatile void *object, v4 value)
{
    v4 old = AT(4, object), next = old + value;

    while (cas_4(object, old, next) != old)
        old = AT(4, object);
    return next;
}

#ifdef WITNESS
static v4 n;
THREAD(0) { add_and_fetch(&n, 1); }
THREAD(1) { add_and_fetch(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
